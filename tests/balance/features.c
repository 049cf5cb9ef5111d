/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: each thing that balancing can be asked for is done, by a scenario that comes out
 * otherwise without it: several weights, pinned items, memory limits, a least number of items,
 * capacities, plans of the caller's, rebalancing when it pays. Registries do not disturb each
 * other. A grid of 12 × 12 items a rank, in slabs, on any number of ranks up to 24. */
#include <ffmk.h>

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 12, BLOCK = SIDE * SIDE };

static int me, n_ranks;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s: ", __LINE__, #condition);                                \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

#define EXPECT(call, wanted)                                                                       \
    do {                                                                                           \
        const int got = (call);                                                                    \
        CHECK(got == (wanted), "gave %d (%s)", got, ffmk_strerror(got));                           \
    } while (0)

/* A registry, and the application's side of it. */
struct scene {
    MPI_Comm comm;
    int rank, size;
    size_t n;      /* items on all ranks */
    size_t bytes;  /* of each item */
    uint64_t base; /* the first id */
    bool *here;    /* the application holds the item, by id − base */
    ffmk_items *items;
};

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    const struct scene *scene = context;
    CHECK(scene->here[id - scene->base] && capacity == scene->bytes, "pack of %" PRIu64, id);
    if (capacity >= sizeof id)
        memcpy(buffer, &id, sizeof id);
    *written_p = capacity < sizeof id ? 0 : sizeof id;
    return 0;
}

static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    const struct scene *scene = context;
    CHECK(!scene->here[id - scene->base], "unpack of %" PRIu64, id);
    CHECK(bytes == 0 || memcmp(buffer, &id, sizeof id) == 0, "what came for %" PRIu64, id);
    scene->here[id - scene->base] = true;
    return 0;
}

static void drop(void *context, uint64_t id)
{
    const struct scene *scene = context;
    CHECK(scene->here[id - scene->base], "drop of %" PRIu64, id);
    scene->here[id - scene->base] = false;
}

static size_t x_of(size_t i)
{
    return i / SIDE;
}

static size_t y_of(size_t i)
{
    return i % SIDE;
}

static int block_of(size_t i)
{
    return (int)(i / BLOCK);
}

static void add(const struct scene *scene, size_t i)
{
    const double position[3] = {(double)x_of(i), (double)y_of(i), 0};
    const ffmk_link links[2] = {{scene->base + i + SIDE, 1}, {scene->base + i + 1, 1}};
    const bool right = i + SIDE < scene->n, up = y_of(i) + 1 < SIDE;
    ffmk_item item = FFMK_ITEM_INIT;
    item.id = scene->base + i;
    item.bytes = scene->bytes;
    item.position = position;
    item.n_links = (size_t)right + (size_t)up;
    item.links = right ? links : links + 1;
    EXPECT(ffmk_items_add(scene->items, &item), FFMK_SUCCESS);
    scene->here[i] = true;
}

/* Slab by slab; or all items with rank 0. */
static struct scene *begin(MPI_Comm comm, bool in_slabs, size_t bytes, uint64_t base)
{
    struct scene *scene = calloc(1, sizeof *scene);
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    *scene = (struct scene){.comm = comm, .bytes = bytes, .base = base};
    MPI_Comm_rank(comm, &scene->rank);
    MPI_Comm_size(comm, &scene->size);
    scene->n = (size_t)scene->size * BLOCK;
    scene->here = calloc(scene->n, sizeof *scene->here);
    EXPECT(ffmk_items_create(comm, &ops, scene, &scene->items), FFMK_SUCCESS);
    for (size_t i = 0; i < scene->n; i++)
        if (scene->rank == (in_slabs ? block_of(i) : 0))
            add(scene, i);
    return scene;
}

static struct scene *slabs(void)
{
    return begin(MPI_COMM_WORLD, true, 8, 1000);
}

static void end(struct scene *scene)
{
    EXPECT(ffmk_items_destroy(scene->items), FFMK_SUCCESS);
    free(scene->here);
    free(scene);
}

static size_t count_of(const struct scene *scene)
{
    size_t count = 0;
    EXPECT(ffmk_items_count(scene->items, &count), FFMK_SUCCESS);
    return count;
}

/* Who has each item, after a look that every item is once with an application and its registry. To
 * be freed. */
static int *owners_of(const struct scene *scene)
{
    const size_t count = count_of(scene);
    uint64_t *ids = calloc(count + 1, sizeof *ids);
    int *holders = calloc(2 * scene->n, sizeof *holders), *owners = holders + scene->n;
    EXPECT(ffmk_items_ids(scene->items, ids, count), FFMK_SUCCESS);
    for (size_t k = 0; k < count; k++)
        CHECK(scene->here[ids[k] - scene->base], "%" PRIu64 " is only registered", ids[k]);
    for (size_t i = 0; i < scene->n; i++) {
        holders[i] = scene->here[i];
        owners[i] = scene->here[i] ? scene->rank : 0;
    }
    MPI_Allreduce(MPI_IN_PLACE, holders, (int)(2 * scene->n), MPI_INT, MPI_SUM, scene->comm);
    size_t sum = count;
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UNSIGNED_LONG, MPI_SUM, scene->comm);
    CHECK(sum == scene->n, "%zu of %zu items are registered", sum, scene->n);
    for (size_t i = 0; i < scene->n; i++)
        CHECK(holders[i] == 1, "item %zu is held %d times", i, holders[i]);
    memmove(holders, owners, scene->n * sizeof *owners);
    free(ids);
    return holders;
}

/* Weights */

/* 1, and 10 in the middle of a spot that stands at x, a fraction of the grid's length. */
static double spot(const struct scene *scene, size_t i, double x, double y)
{
    const double length = (double)(SIDE * scene->size);
    const double dx = ((double)x_of(i) - x * length) / SIDE, dy = (double)y_of(i) / SIDE - y;
    return 1 + 9 * exp(-(dx * dx + dy * dy) / 0.3);
}

static void set_spot(const struct scene *scene, double x, double y)
{
    for (size_t i = 0; i < scene->n; i++)
        if (scene->here[i])
            EXPECT(ffmk_items_set_weight(scene->items, scene->base + i, spot(scene, i, x, y)),
                   FFMK_SUCCESS);
}

/* Largest over the ranks of load / capacity, over the mean, where weight[i] is what i weighs. */
static double imbalance_of(const struct scene *scene, const double *weight, double capacity)
{
    double load = 0, sums[2];
    for (size_t i = 0; i < scene->n; i++)
        load += scene->here[i] ? weight[i] : 0;
    sums[0] = load;
    sums[1] = capacity;
    double largest = load / capacity;
    MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, scene->comm);
    MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, scene->comm);
    return largest / (sums[0] / sums[1]);
}

static double *spot_weights(const struct scene *scene, double x, double y)
{
    double *weight = calloc(scene->n, sizeof *weight);
    for (size_t i = 0; i < scene->n; i++)
        weight[i] = spot(scene, i, x, y);
    return weight;
}

static ffmk_balance_info rebalance(const struct scene *scene)
{
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    EXPECT(ffmk_rebalance(scene->items, &info), FFMK_SUCCESS);
    return info;
}

static const double GOOD = 1.05 + 1e-6;

/* One weight is large in one corner, the other in the opposite one. */
static void two_weights(void)
{
    struct scene *scene = slabs();
    double *first = spot_weights(scene, 0, 0), *second = spot_weights(scene, 1, 1);
    set_spot(scene, 0, 0);
    rebalance(scene);
    CHECK(imbalance_of(scene, first, 1) <= GOOD, "%g", imbalance_of(scene, first, 1));
    CHECK(scene->size == 1 || imbalance_of(scene, second, 1) > 1.2, "the second weight was set");
    for (size_t i = 0; i < scene->n; i++) {
        const double both[2] = {first[i], second[i]};
        if (scene->here[i])
            EXPECT(ffmk_items_set_weights(scene->items, scene->base + i, 2, both), FFMK_SUCCESS);
    }
    const ffmk_balance_info info = rebalance(scene);
    const double left[2] = {imbalance_of(scene, first, 1), imbalance_of(scene, second, 1)};
    CHECK(left[0] <= GOOD && left[1] <= GOOD, "%g and %g, said %g", left[0], left[1],
          info.imbalance_after);
    CHECK(fabs(info.imbalance_after - fmax(left[0], left[1])) < 1e-6, "%g and %g, said %g", left[0],
          left[1], info.imbalance_after);
    free(first);
    free(second);
    free(owners_of(scene));
    end(scene);
}

static bool is_pin(size_t i)
{
    return block_of(i) == 0 && x_of(i) < SIDE / 2;
}

static void pin(const struct scene *scene, int pinned)
{
    for (size_t i = 0; i < BLOCK; i++)
        if (is_pin(i) && scene->here[i])
            EXPECT(ffmk_items_set_pinned(scene->items, scene->base + i, pinned), FFMK_SUCCESS);
}

/* The heaviest items are pinned, and the spot wanders over them. */
static void pinned_items(void)
{
    struct scene *scene = slabs();
    pin(scene, 1);
    for (int step = 0; step < 6; step++) {
        set_spot(scene, 0.15 * (step % 3), 0.2 * step);
        rebalance(scene);
        for (size_t i = 0; i < BLOCK; i++)
            CHECK(!is_pin(i) || scene->rank > 0 || scene->here[i], "pinned item %zu left", i);
    }
    for (size_t i = 0; i < BLOCK; i++)
        if (is_pin(i) && scene->here[i])
            EXPECT(ffmk_items_set_weight(scene->items, scene->base + i, 100), FFMK_SUCCESS);
    const double imbalance = rebalance(scene).imbalance_after;
    CHECK(scene->size == 1 || imbalance > 1.5, "%g although what is heavy is pinned", imbalance);
    pin(scene, 0);
    const ffmk_balance_info info = rebalance(scene);
    CHECK(info.imbalance_after <= GOOD * fmax(1, info.imbalance_bound / 1.05), "%g",
          info.imbalance_after);
    CHECK(scene->size == 1 || info.items_moved > 0, "nothing moved");
    free(owners_of(scene));
    end(scene);
}

/* The last rank has almost no load, so that all want to send it items, and a limit; or rank 0 has
 * more than it may. */
static void memory_limits(void)
{
    enum { BYTES = 64 };
    struct scene *scene = begin(MPI_COMM_WORLD, true, BYTES, 0);
    const int last = scene->size - 1;
    if (scene->size > 1) {
        double *weight = calloc(scene->n, sizeof *weight);
        for (int limited = 0; limited < 2; limited++) {
            for (size_t i = 0; i < scene->n; i++) {
                weight[i] = block_of(i) == last ? 0.25 : 1;
                if (scene->here[i])
                    EXPECT(ffmk_items_set_weight(scene->items, scene->base + i, weight[i]),
                           FFMK_SUCCESS);
            }
            if (limited && scene->rank == last)
                EXPECT(ffmk_items_set_memory_limit(scene->items, (size_t)BLOCK * BYTES),
                       FFMK_SUCCESS);
            const ffmk_balance_info info = rebalance(scene);
            const size_t count = count_of(scene);
            /* Among very many one rank's load that is missing is within what is asked. */
            const bool moves = !limited && info.imbalance_before > GOOD;
            CHECK(scene->rank != last || (count > BLOCK) == moves, "%zu items", count);
            CHECK(info.imbalance_after < info.imbalance_before || !moves, "%g -> %g",
                  info.imbalance_before, info.imbalance_after);
            /* What the others have may still be even. */
            const double allowed = limited ? (double)scene->size / (scene->size - 1) : 1;
            CHECK(info.imbalance_after <= GOOD * allowed, "%g", info.imbalance_after);
        }
        free(weight);
        for (int step = 0; step < 5; step++) {
            set_spot(scene, 0.25 * step, 0.5);
            rebalance(scene);
            CHECK(scene->rank != last || count_of(scene) <= BLOCK, "%zu items", count_of(scene));
        }
        /* SIZE_MAX takes a limit back. Rank 0 has too much now, although by load it should get
         * some. */
        const size_t limit = scene->rank == 0 ? (size_t)100 * BYTES : SIZE_MAX;
        EXPECT(ffmk_items_set_memory_limit(scene->items, limit), FFMK_SUCCESS);
        set_spot(scene, 1, 0.5);
        const ffmk_balance_info info = rebalance(scene);
        CHECK(scene->rank > 0 || count_of(scene) <= 100, "%zu items", count_of(scene));
        CHECK(info.items_moved > 0, "nothing moved");
    }
    free(owners_of(scene));
    end(scene);
}

static void check_finite(const ffmk_balance_info *info)
{
    const double told[] = {info->imbalance_before, info->imbalance_after, info->imbalance_bound,
                           info->cut_before,       info->cut_after,       info->weight_moved};
    for (size_t k = 0; k < sizeof told / sizeof *told; k++)
        CHECK(isfinite(told[k]) && told[k] >= 0, "number %zu is %g", k, told[k]);
}

/* A rank without any memory keeps what is pinned there, from wherever it begins, and the others
 * have equal shares of all else; and where nobody has enough, the call ends all the same, and
 * everything is somewhere. */
static void no_memory(void)
{
    for (int kind = 0; kind < 4; kind++) {
        const bool in_slabs = kind % 2, pinned = kind / 2 == 1 && in_slabs;
        struct scene *scene = begin(MPI_COMM_WORLD, in_slabs, 8, 1000);
        const bool without = scene->rank == 1;
        if (pinned && without)
            EXPECT(ffmk_items_set_pinned(scene->items, 1000 + BLOCK, 1), FFMK_SUCCESS);
        EXPECT(ffmk_items_set_memory_limit(scene->items, without ? 0 : SIZE_MAX), FFMK_SUCCESS);
        for (int step = 0; step < 3; step++) {
            const ffmk_balance_info info = rebalance(scene);
            check_finite(&info);
            CHECK(!without || count_of(scene) == pinned, "%zu items without memory",
                  count_of(scene));
            /* The others share what it cannot have. */
            const double share = scene->size > 1 ? (double)scene->size / (scene->size - 1) : 1;
            CHECK(info.imbalance_after <= GOOD * share, "%g, kind %d, step %d",
                  info.imbalance_after, kind, step);
            set_spot(scene, 0.3 * step, 0.5);
        }
        free(owners_of(scene));
        for (size_t limit = 0; limit <= 8; limit += 8) { /* nobody; an item each */
            EXPECT(ffmk_items_set_memory_limit(scene->items, limit), FFMK_SUCCESS);
            const ffmk_balance_info info = rebalance(scene);
            check_finite(&info);
            free(owners_of(scene));
        }
        end(scene);
    }
}

/* All weight is in one item of each slab, and all items begin with rank 0. */
static void least_items(void)
{
    enum { LEAST = 20 };
    size_t fewest[2];
    for (int k = 0; k < 2; k++) {
        struct scene *scene = begin(MPI_COMM_WORLD, false, 8, 5);
        ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
        options.min_items = k ? LEAST : 0;
        EXPECT(ffmk_items_set_options(scene->items, &options), FFMK_SUCCESS);
        for (size_t i = 0; i < scene->n; i++)
            if (scene->here[i])
                EXPECT(ffmk_items_set_weight(scene->items, scene->base + i, i % BLOCK == 0),
                       FFMK_SUCCESS);
        const ffmk_balance_info info = rebalance(scene);
        CHECK(info.imbalance_after <= GOOD, "%g", info.imbalance_after);
        fewest[k] = count_of(scene);
        MPI_Allreduce(MPI_IN_PLACE, &fewest[k], 1, MPI_UNSIGNED_LONG, MPI_MIN, scene->comm);
        CHECK(k == 0 || fewest[k] >= LEAST, "a rank has %zu items", fewest[k]);
        free(owners_of(scene));
        end(scene);
    }
    CHECK(n_ranks == 1 || fewest[0] < LEAST, "a rank has %zu items unasked", fewest[0]);
}

/* The last rank is three times slower. */
static void capacities(void)
{
    struct scene *scene = slabs();
    double *weight = spot_weights(scene, 0.5, 0.5);
    const double capacity = scene->rank == scene->size - 1 ? 1.0 / 3 : 1;
    set_spot(scene, 0.5, 0.5);
    rebalance(scene);
    CHECK(scene->size == 1 || imbalance_of(scene, weight, capacity) > 1.5, "it was slow already");
    EXPECT(ffmk_items_set_capacity(scene->items, capacity), FFMK_SUCCESS);
    const ffmk_balance_info info = rebalance(scene);
    const double left = imbalance_of(scene, weight, capacity);
    CHECK(left <= GOOD, "%g", left);
    CHECK(fabs(info.imbalance_after - left) < 1e-6, "%g, said %g", left, info.imbalance_after);
    free(weight);
    free(owners_of(scene));
    end(scene);
}

/* Plans of the caller's */

static void check_links(const struct scene *scene, const int *owners)
{
    for (size_t i = 0; i < scene->n; i++) {
        int ranks[2], k = 0;
        if (!scene->here[i])
            continue;
        EXPECT(ffmk_items_link_ranks(scene->items, scene->base + i, ranks, 2), FFMK_SUCCESS);
        if (i + SIDE < scene->n) {
            CHECK(ranks[k] == owners[i + SIDE], "item %zu: rank %d", i, ranks[k]);
            k++;
        }
        CHECK(y_of(i) + 1 == SIDE || ranks[k] == owners[i + 1], "item %zu: rank %d", i, ranks[k]);
    }
}

/* The application's items in the order of their ids: where `destinations` says. */
static void check_moved(const struct scene *scene, const int *before, const int *destinations,
                        const ffmk_balance_info *info)
{
    int *wanted = calloc(scene->n, sizeof *wanted);
    int *owners = owners_of(scene);
    uint64_t moved = 0;
    for (size_t i = 0, k = 0; i < scene->n; i++)
        if (before[i] == scene->rank)
            wanted[i] = destinations[k++];
    MPI_Allreduce(MPI_IN_PLACE, wanted, (int)scene->n, MPI_INT, MPI_SUM, scene->comm);
    for (size_t i = 0; i < scene->n; i++) {
        CHECK(owners[i] == wanted[i], "item %zu is on rank %d, not %d", i, owners[i], wanted[i]);
        moved += owners[i] != before[i];
    }
    CHECK(info->items_moved == moved, "%" PRIu64 " moved, said %" PRIu64, moved, info->items_moved);
    double cut = 0;
    for (size_t i = 0; i < scene->n; i++) {
        cut += i + SIDE < scene->n && owners[i] != owners[i + SIDE];
        cut += y_of(i) + 1 < SIDE && owners[i] != owners[i + 1];
    }
    CHECK(fabs(info->cut_after - cut) < 1e-6, "cut %g, said %g", cut, info->cut_after);
    check_links(scene, owners);
    free(owners);
    free(wanted);
}

/* The same plan whether all, none or one of the ranks want to know what it comes to. */
static void asked_by_some(void)
{
    struct scene *scene = slabs();
    const size_t count = count_of(scene);
    int *first = calloc(scene->n, sizeof *first), *again = calloc(scene->n, sizeof *again);
    ffmk_balance_info planned = FFMK_BALANCE_INFO_INIT;
    set_spot(scene, 0.3, 0.5);
    EXPECT(ffmk_balance_plan(scene->items, first, &planned), FFMK_SUCCESS);
    for (int asking = -1; asking < scene->size; asking++) {
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
        const bool asks = scene->rank == asking;
        EXPECT(ffmk_balance_plan(scene->items, again, asks ? &info : NULL), FFMK_SUCCESS);
        CHECK(memcmp(first, again, count * sizeof *first) == 0, "another plan when %d asks",
              asking);
        CHECK(!asks ||
                  (info.items_moved == planned.items_moved && info.cut_after == planned.cut_after &&
                   info.imbalance_after == planned.imbalance_after),
              "%d hears of another plan", asking);
    }
    free(first);
    free(again);
    end(scene);
}

/* Take a plan, keep every other item that should leave; and a plan out of the air. */
static void given_plans(void)
{
    struct scene *scene = slabs();
    int *destinations = calloc(scene->n, sizeof *destinations);
    for (int kind = 0; kind < 3; kind++) {
        ffmk_balance_info planned = FFMK_BALANCE_INFO_INIT, info = planned;
        int *before = owners_of(scene);
        const size_t count = count_of(scene);
        set_spot(scene, 0, 0.5);
        if (kind == 0)
            EXPECT(ffmk_balance_plan(scene->items, destinations, &planned), FFMK_SUCCESS);
        for (size_t k = 0; k < count; k++)
            if (kind > 0)
                destinations[k] = (int)((k * 7 + (size_t)(scene->rank + kind)) % (size_t)n_ranks);
            else if (k % 2 == 0)
                destinations[k] = scene->rank;
        EXPECT(ffmk_migrate(scene->items, destinations, &info), FFMK_SUCCESS);
        check_moved(scene, before, destinations, &info);
        if (kind == 0 && scene->size > 1)
            CHECK(info.items_moved < planned.items_moved, "the veto kept nothing back");
        double *weight = spot_weights(scene, 0, 0.5);
        CHECK(fabs(imbalance_of(scene, weight, 1) - info.imbalance_after) < 1e-6, "said %g",
              info.imbalance_after);
        free(weight);
        free(before);
    }
    free(destinations);
    end(scene);
}

/* One rank's plan is wrong, and nothing moves; what is pinned stays, whatever the plan. */
static void refused_plans(void)
{
    struct scene *scene = slabs();
    int *destinations = calloc(scene->n, sizeof *destinations);
    int *before = owners_of(scene);
    const int wrong[] = {-1, scene->size, INT_MAX, INT_MIN};
    for (int k = 0; k < 5; k++) {
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT, untouched = info;
        const bool mine = scene->rank == scene->size - 1;
        for (size_t i = 0; i < BLOCK; i++)
            destinations[i] = (scene->rank + 1) % scene->size;
        if (mine && k < 4)
            destinations[BLOCK - 1] = wrong[k];
        EXPECT(ffmk_migrate(scene->items, mine && k == 4 ? NULL : destinations, &info),
               FFMK_ERR_ARGUMENT);
        CHECK(memcmp(&info, &untouched, sizeof info) == 0, "info was written");
        int *after = owners_of(scene);
        CHECK(memcmp(before, after, scene->n * sizeof *after) == 0, "something moved");
        free(after);
    }
    EXPECT(scene->rank == 0 ? ffmk_migrate(scene->items, destinations, NULL)
                            : ffmk_rebalance(scene->items, NULL),
           scene->size > 1 ? FFMK_ERR_ARGUMENT : FFMK_SUCCESS);

    for (size_t i = 0; i < BLOCK; i++) /* kind 5: all go on by one rank, but for the pinned */
        destinations[i] = (scene->rank + 1) % scene->size;
    pin(scene, 1);
    EXPECT(ffmk_migrate(scene->items, destinations, NULL), FFMK_SUCCESS);
    int *after = owners_of(scene);
    for (size_t i = 0; i < scene->n; i++)
        CHECK(after[i] == (is_pin(i) ? 0 : (block_of(i) + 1) % scene->size), "item %zu: rank %d", i,
              after[i]);
    check_links(scene, after);
    free(before);
    free(after);
    free(destinations);
    end(scene);
}

/* When it pays */

static ffmk_balance_info step(const struct scene *scene, double seconds)
{
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT, first;
    EXPECT(ffmk_rebalance_if_worth(scene->items, seconds, &info), FFMK_SUCCESS);
    first = info;
    MPI_Bcast(first.reason, sizeof first.reason, MPI_CHAR, 0, scene->comm);
    MPI_Bcast(&first.acted, 1, MPI_INT, 0, scene->comm);
    CHECK(info.acted == first.acted, "ranks differ");
    CHECK(info.reason[0] && strcmp(info.reason, first.reason) == 0, "'%s' and '%s'", info.reason,
          first.reason);
    return info;
}

static void when_it_pays(void)
{
    struct scene *scene = slabs();
    for (int k = 0; k < 20; k++) /* all take as long: nothing is lost */
        CHECK(!step(scene, 1).acted, "balanced, and yet it acted");
    if (scene->size > 1) {
        set_spot(scene, 0, 0.5);
        const ffmk_balance_info first = step(scene, scene->rank == 0); /* the price is unknown */
        CHECK(first.acted && first.items_moved > 0, "%s", first.reason);
        const double price = step(scene, 0).price_s;
        CHECK(price > 0, "no price");
        /* Rank 0 alone works: all but the allowed share of the mean is lost, 0.3 prices a step. */
        const double lost = 0.3 * price, seconds = lost / (1 - 1.05 / scene->size);
        for (int k = 0; k < 4; k++) {
            const ffmk_balance_info info = step(scene, scene->rank == 0 ? seconds : 0);
            CHECK(info.acted == (k == 3), "step %d: %s", k, info.reason);
            CHECK(info.acted || info.items_moved == 0, "moved without acting");
        }
        /* A price of another time counts half. */
        CHECK(step(scene, 0).price_s > 0, "no price");
    }
    EXPECT(ffmk_rebalance_if_worth(scene->items, 1, NULL), FFMK_SUCCESS);
    free(owners_of(scene));
    end(scene);
}

/* The last rank takes three times as long for its weight as others, and nobody says so. */
static void calibration(void)
{
    struct scene *scene = slabs();
    double *weight = calloc(scene->n, sizeof *weight);
    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    options.calibrate = 1;
    EXPECT(ffmk_items_set_options(scene->items, &options), FFMK_SUCCESS);
    for (size_t i = 0; i < scene->n; i++)
        weight[i] = 1;
    const double capacity = scene->rank == scene->size - 1 ? 1.0 / 3 : 1;
    for (int k = 0; k < 10; k++)
        step(scene, (double)count_of(scene) / capacity);
    const double left = imbalance_of(scene, weight, capacity);
    CHECK(left <= 1.08, "%g", left); /* measured once more than it moved: 1.05 and a grain */
    free(weight);
    free(owners_of(scene));
    end(scene);
}

/* Several registries */

static int *wander(struct scene *scene, int steps)
{
    for (int k = 0; k < steps; k++) {
        set_spot(scene, (double)k / steps, 0.1 * k);
        rebalance(scene);
    }
    return owners_of(scene);
}

/* The same calls in another registry give the same, also on ids at the end of what there are, and
 * when what moves has no data. */
static void repeated(void)
{
    const uint64_t last = UINT64_MAX - (uint64_t)n_ranks * BLOCK + 1;
    for (int k = 0; k < 2; k++) {
        struct scene *first = begin(MPI_COMM_WORLD, true, 0, last);
        struct scene *second = begin(MPI_COMM_WORLD, true, 0, last);
        int *one = wander(first, 4), *other = wander(second, 4);
        CHECK(memcmp(one, other, first->n * sizeof *one) == 0, "the second time it was different");
        check_links(first, one);
        free(one);
        free(other);
        end(first);
        end(second);
    }
}

/* A registry of all ranks, one of every other rank, and one of this rank alone, in turns. */
static void two_communicators(void)
{
    MPI_Comm half;
    MPI_Comm_split(MPI_COMM_WORLD, me % 2, -me, &half);
    struct scene *scenes[3] = {slabs(), begin(half, true, 8, 1000),
                               begin(MPI_COMM_SELF, true, 8, 1000)};
    for (int k = 0; k < 5; k++)
        for (int s = 0; s < 3; s++) {
            set_spot(scenes[s], 0.2 * k, 0.2 * s);
            const ffmk_balance_info info = rebalance(scenes[s]);
            CHECK(info.imbalance_after <= GOOD, "%g", info.imbalance_after);
        }
    for (int s = 0; s < 3; s++) {
        int *owners = owners_of(scenes[s]);
        check_links(scenes[s], owners);
        free(owners);
        end(scenes[s]);
    }
    MPI_Comm_free(&half);
}

static void *wander_in_thread(void *scene)
{
    return wander(scene, 8);
}

static void two_threads(void)
{
    MPI_Comm comms[3];
    struct scene *scenes[3];
    pthread_t threads[2];
    int *owners[3];
    for (int t = 0; t < 3; t++) {
        MPI_Comm_dup(MPI_COMM_WORLD, &comms[t]);
        scenes[t] = begin(comms[t], true, 8, 1000);
    }
    for (int t = 0; t < 2; t++)
        CHECK(pthread_create(&threads[t], NULL, wander_in_thread, scenes[t]) == 0, "no thread");
    for (int t = 0; t < 2; t++) {
        void *result;
        pthread_join(threads[t], &result);
        owners[t] = result;
    }
    owners[2] = wander(scenes[2], 8);
    for (int t = 0; t < 3; t++) {
        CHECK(memcmp(owners[t], owners[2], scenes[t]->n * sizeof *owners[t]) == 0, "thread %d", t);
        check_links(scenes[t], owners[t]);
        end(scenes[t]);
        MPI_Comm_free(&comms[t]);
    }
    for (int t = 0; t < 3; t++)
        free(owners[t]);
}

/* Wrong use */

static void wrong_local_calls(ffmk_items *items, uint64_t mine)
{
    const double good[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const double bad[] = {NAN, INFINITY, -INFINITY, -1};
    EXPECT(ffmk_items_set_weights(NULL, mine, 1, good), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weights(items, mine, 1, NULL), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weights(items, mine, 0, good), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weights(items, mine, 0, NULL), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weights(items, mine, 9, good), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weights(items, mine, SIZE_MAX, good), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weights(items, 7, 1, good), FFMK_ERR_UNKNOWN_ITEM);
    EXPECT(ffmk_items_set_pinned(NULL, mine, 1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_pinned(items, 7, 1), FFMK_ERR_UNKNOWN_ITEM);
    EXPECT(ffmk_items_set_capacity(NULL, 1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_capacity(items, 0), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_memory_limit(NULL, 1), FFMK_ERR_ARGUMENT);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const double two[2] = {1, bad[k]};
        EXPECT(ffmk_items_set_weights(items, mine, 2, two), FFMK_ERR_ARGUMENT);
        EXPECT(ffmk_items_set_capacity(items, bad[k]), FFMK_ERR_ARGUMENT);
    }
    ffmk_item item = FFMK_ITEM_INIT;
    item.id = 7;
    item.n_weights = 9;
    item.weights = good;
    EXPECT(ffmk_items_add(items, &item), FFMK_ERR_ARGUMENT);
    item.n_weights = 2;
    item.weights = NULL;
    EXPECT(ffmk_items_add(items, &item), FFMK_ERR_ARGUMENT);
    item.weights = bad;
    EXPECT(ffmk_items_add(items, &item), FFMK_ERR_ARGUMENT);
}

static void wrong_options(ffmk_items *items)
{
    const double bad[] = {NAN, INFINITY, -0.1};
    for (int k = 0; k < 3; k++) {
        ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
        options.conductance = bad[k];
        EXPECT(ffmk_items_set_options(items, &options), FFMK_ERR_ARGUMENT);
        options = (ffmk_balance_options)FFMK_BALANCE_OPTIONS_INIT;
        options.migration_price = bad[k];
        EXPECT(ffmk_items_set_options(items, &options), FFMK_ERR_ARGUMENT);
    }
    /* Each that ranks must agree on. */
    for (int k = 0; k < 4; k++) {
        ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
        options.conductance = k == 0 && me == 0 ? 0.25 : 0.5;
        options.migration_price = k == 1 && me == 0 ? 1 : 0.05;
        options.min_items = k == 2 && me == 0 ? 1 : 0;
        options.calibrate = k == 3 && me == 0;
        EXPECT(ffmk_items_set_options(items, &options), FFMK_SUCCESS);
        EXPECT(ffmk_rebalance(items, NULL), n_ranks > 1 ? FFMK_ERR_ARGUMENT : FFMK_SUCCESS);
    }
    const ffmk_balance_options good = FFMK_BALANCE_OPTIONS_INIT;
    EXPECT(ffmk_items_set_options(items, &good), FFMK_SUCCESS);
}

static void wrong_use(void)
{
    struct scene *scene = slabs();
    ffmk_items *planned = NULL;
    const bool last = me == n_ranks - 1;
    int *before = owners_of(scene);
    wrong_local_calls(scene->items, scene->base + (uint64_t)me * BLOCK);
    wrong_options(scene->items);
    const double seconds[] = {NAN, INFINITY, -1};
    for (int k = 0; k < 3; k++) /* one rank's mistake is everybody's answer */
        EXPECT(ffmk_rebalance_if_worth(scene->items, last ? seconds[k] : 1, NULL),
               FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_rebalance_if_worth(scene->items, last ? FFMK_MEASURED : 1, NULL), FFMK_ERR_STATE);
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    info.size = last ? 12 : sizeof info;
    EXPECT(ffmk_rebalance_if_worth(scene->items, 1, &info), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_rebalance_if_worth(NULL, 1, NULL), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_migrate(NULL, before, NULL), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, NULL, NULL, &planned), FFMK_SUCCESS);
    EXPECT(ffmk_migrate(planned, NULL, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_rebalance_if_worth(planned, 1, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_items_destroy(planned), FFMK_SUCCESS);

    /* Nothing has changed, and the registry goes on working. */
    int *after = owners_of(scene);
    CHECK(memcmp(before, after, scene->n * sizeof *after) == 0, "something moved");
    CHECK(rebalance(scene).items_moved == 0, "what was refused was believed");
    set_spot(scene, 0, 0.5);
    CHECK(rebalance(scene).imbalance_after <= GOOD, "it does not balance any more");
    free(before);
    free(after);
    end(scene);
}

int main(int argc, char **argv)
{
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    two_weights();
    pinned_items();
    memory_limits();
    no_memory();
    least_items();
    capacities();
    asked_by_some();
    given_plans();
    refused_plans();
    when_it_pays();
    calibration();
    repeated();
    two_communicators();
    if (provided == MPI_THREAD_MULTIPLE)
        two_threads();
    else if (me == 0)
        printf("features: two threads are not tried, this MPI has no MPI_THREAD_MULTIPLE\n");
    wrong_use();
    if (me == 0)
        printf("features: all seen on %d ranks\n", n_ranks);
    MPI_Finalize();
    return 0;
}
