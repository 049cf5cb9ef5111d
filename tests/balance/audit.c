/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: whatever the registry looks like and whichever callbacks fail, no item is lost or
 * doubled, its data arrive intact, the ranks of its links are right, and the same registry and seed
 * give the same plan. Random scenarios; on a failure the seed is printed. Usage: audit <first seed>
 * <number of seeds>. */
#include <ffmk.h>

#include "core/rng.h"
#include "fail.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static int me, n_ranks;

/* The application's side: where the data of each item is, by id − 1. Ids are spread so that they
 * are not dense. */
struct app {
    size_t n;
    uint8_t **data; /* NULL: not here */
    size_t *bytes;
    bool *dropped_early;
    uint64_t fail_one_in; /* callbacks; 0: never */
    uint64_t state;
    uint64_t failures;
    uint64_t drops;
};

static uint64_t id_of(size_t index)
{
    return ffmk_rng_mix(index + 1000 * seed) | 1;
}

static size_t index_of(const struct app *app, uint64_t id)
{
    for (size_t i = 0; i < app->n; i++)
        if (id_of(i) == id)
            return i;
    fail("callback for an id nobody registered");
}

static uint8_t pattern(size_t index, size_t at)
{
    return (uint8_t)(index * 31 + at * 7 + (at >> 8));
}

static bool unlucky(struct app *app)
{
    if (app->fail_one_in == 0 || ffmk_rng_below(&app->state, app->fail_one_in) != 0)
        return false;
    app->failures++;
    return true;
}

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    struct app *app = context;
    const size_t i = index_of(app, id);
    CHECK(app->data[i], "pack of an item that is not here");
    CHECK(capacity >= app->bytes[i], "pack has %zu bytes for %zu", capacity, app->bytes[i]);
    if (unlucky(app))
        return 1;
    if (app->bytes[i] > 0)
        memcpy(buffer, app->data[i], app->bytes[i]);
    *written_p = app->bytes[i];
    return 0;
}

static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    struct app *app = context;
    const size_t i = index_of(app, id);
    CHECK(!app->data[i], "unpack of an item that is here already");
    CHECK(bytes == app->bytes[i], "unpack of %zu bytes instead of %zu", bytes, app->bytes[i]);
    if (unlucky(app))
        return -7;
    app->data[i] = malloc(bytes + 1);
    if (bytes > 0)
        memcpy(app->data[i], buffer, bytes);
    return 0;
}

static void drop(void *context, uint64_t id)
{
    struct app *app = context;
    const size_t i = index_of(app, id);
    CHECK(app->data[i], "drop of an item that is not here");
    free(app->data[i]);
    app->data[i] = NULL;
    app->drops++;
}

enum { WEIGHTS = 3 };

/* A scenario: the same on all ranks. */
struct world {
    size_t n;
    int *owner;
    size_t n_weights;
    double (*weight)[WEIGHTS];
    bool *pinned;
    double *capacity; /* of ranks */
    size_t *n_links;
    ffmk_link **links;
    double (*position)[3];
    bool placed;
};

static double draw_weight(int kind, uint64_t *state)
{
    switch (kind) {
    case 0:
        return 1;
    case 1:
        return 0.5 + ffmk_rng_unit(state);
    case 2:
        return exp(3 * ffmk_rng_unit(state));
    case 3:
        return 0;
    case 4:
        return ffmk_rng_below(state, 3) ? 1e300 : 1.7e308;
    case 5:
        return 5e-324 * (double)ffmk_rng_below(state, 4);
    default:
        return ffmk_rng_below(state, 20) ? 1 : 1000; /* heavier than the average */
    }
}

/* More weights, pinned items, ranks of different capacity: each in some scenarios. */
static void make_wishes(struct world *world)
{
    uint64_t state = ffmk_rng_mix(~seed);
    const uint64_t n_weights = 1 + ffmk_rng_below(&state, 2 * WEIGHTS);
    const uint64_t pinned_one_in = ffmk_rng_below(&state, 2) * (1 + ffmk_rng_below(&state, 6));
    const bool differ = ffmk_rng_below(&state, 3) == 0;
    world->n_weights = n_weights > WEIGHTS ? 1 : (size_t)n_weights;
    for (size_t d = 1; d < world->n_weights; d++) {
        const int kind = (int)ffmk_rng_below(&state, 7);
        for (size_t i = 0; i < world->n; i++)
            world->weight[i][d] = draw_weight(kind, &state);
    }
    for (size_t i = 0; i < world->n && pinned_one_in; i++)
        world->pinned[i] = ffmk_rng_below(&state, pinned_one_in) == 0;
    for (int r = 0; r < n_ranks; r++)
        world->capacity[r] = differ ? exp(3 * ffmk_rng_unit(&state) - 1.5) : 1;
}

static void make_world(struct world *world, uint64_t *state)
{
    const size_t side = 1 + ffmk_rng_below(state, 7);
    const int shape =
        (int)ffmk_rng_below(state, 4); /* grid one- or two-sided, random graph, none */
    const int weights = (int)ffmk_rng_below(state, 7);
    const int spread = (int)ffmk_rng_below(state, 4);
    world->n = ffmk_rng_below(state, 10) == 0 ? 0 : side * side * side;
    world->owner = calloc(world->n + 1, sizeof *world->owner);
    world->weight = calloc(world->n + 1, sizeof *world->weight);
    world->pinned = calloc(world->n + 1, sizeof *world->pinned);
    world->capacity = calloc((size_t)n_ranks, sizeof *world->capacity);
    world->n_links = calloc(world->n + 1, sizeof *world->n_links);
    world->links = calloc(world->n + 1, sizeof *world->links);
    world->position = calloc(world->n + 1, sizeof *world->position);
    world->placed = ffmk_rng_below(state, 2);
    for (size_t i = 0; i < world->n; i++) {
        const size_t x = i % side, y = i / side % side, z = i / side / side;
        world->position[i][0] = (double)x;
        world->position[i][1] = (double)y;
        world->position[i][2] = (double)z;
        world->weight[i][0] = draw_weight(weights, state);
        world->links[i] = calloc(8, sizeof **world->links);
        if (shape < 2) {
            const size_t next[6] = {i + 1, i + side, i + side * side,
                                    i - 1, i - side, i - side * side};
            const bool there[6] = {x + 1 < side, y + 1 < side, z + 1 < side, x > 0, y > 0, z > 0};
            for (int k = 0; k < (shape == 0 ? 3 : 6); k++)
                if (there[k])
                    world->links[i][world->n_links[i]++] = (ffmk_link){id_of(next[k]), 1};
        } else if (shape == 2) {
            for (uint64_t k = ffmk_rng_below(state, 5); k > 0; k--) {
                const size_t other = ffmk_rng_below(state, world->n);
                if (other != i) /* also twice the same, also of no weight */
                    world->links[i][world->n_links[i]++] =
                        (ffmk_link){id_of(other), (double)ffmk_rng_below(state, 3)};
            }
        }
        switch (spread) {
        case 0: /* slabs */
            world->owner[i] = (int)(i * (size_t)n_ranks / world->n);
            break;
        case 1: /* all in one place */
            world->owner[i] = n_ranks / 2;
            break;
        case 2: /* anyhow */
            world->owner[i] = (int)ffmk_rng_below(state, (uint64_t)n_ranks);
            break;
        default: /* half the ranks are empty */
            world->owner[i] = (int)(i * (size_t)((n_ranks + 1) / 2) / world->n);
        }
    }
    make_wishes(world);
}

static void free_world(struct world *world)
{
    for (size_t i = 0; i < world->n; i++)
        free(world->links[i]);
    free(world->owner);
    free(world->weight);
    free(world->pinned);
    free(world->capacity);
    free(world->n_links);
    free(world->links);
    free(world->position);
}

static size_t bytes_of(size_t index, uint64_t kind)
{
    const uint64_t mixed = ffmk_rng_mix(index * 77 + seed);
    return kind == 0 ? 0 : kind == 1 ? mixed % 100 : mixed % 30000;
}

static void registers(ffmk_items *items, const struct world *world, const struct app *app,
                      bool backwards)
{
    CHECK(ffmk_items_set_capacity(items, world->capacity[me]) == 0, "set_capacity");
    for (size_t j = 0; j < world->n; j++) {
        const size_t i = backwards ? world->n - 1 - j : j;
        if (world->owner[i] != me)
            continue;
        ffmk_item item = FFMK_ITEM_INIT;
        item.id = id_of(i);
        item.weight = world->weight[i][0];
        if (world->n_weights > 1 || i % 2) { /* one weight may be given either way */
            item.weights = world->weight[i];
            item.n_weights = world->n_weights;
        }
        item.pinned = world->pinned[i];
        item.bytes = app->bytes[i] + i % 3; /* an upper bound */
        item.n_links = world->n_links[i];
        item.links = world->links[i];
        item.position = world->placed ? world->position[i] : NULL;
        const int code = ffmk_items_add(items, &item);
        CHECK(code == FFMK_SUCCESS, "add: %s", ffmk_strerror(code));
    }
}

/* Everybody's owner of every item, by what registry and application say. Every item is exactly once
 * in both. */
static void audit(ffmk_items *items, const struct app *app, int *owner)
{
    size_t count = 0;
    CHECK(ffmk_items_count(items, &count) == 0, "count");
    uint64_t *ids = calloc(count + 1, sizeof *ids);
    int *holders = calloc(app->n + 1, sizeof *holders);
    CHECK(ffmk_items_ids(items, ids, count) == 0, "ids");
    for (size_t k = 0; k < count; k++) {
        CHECK(k == 0 || ids[k - 1] < ids[k], "ids are not ascending");
        const size_t i = index_of(app, ids[k]);
        CHECK(app->data[i], "registered here, but its data is not");
        holders[i]++;
    }
    for (size_t i = 0; i < app->n; i++) {
        CHECK(!app->data[i] == !holders[i], "data here, but not registered");
        owner[i] = holders[i] ? me : 0;
        for (size_t at = 0; app->data[i] && at < app->bytes[i]; at++)
            CHECK(app->data[i][at] == pattern(i, at), "item %zu differs at byte %zu", i, at);
    }
    MPI_Allreduce(MPI_IN_PLACE, holders, (int)app->n, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, owner, (int)app->n, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (size_t i = 0; i < app->n; i++)
        CHECK(holders[i] == 1, "item %zu is held %d times", i, holders[i]);
    free(ids);
    free(holders);
}

static void check_links(ffmk_items *items, const struct world *world, const int *owner)
{
    int ranks[8];
    for (size_t i = 0; i < world->n; i++) {
        if (owner[i] != me)
            continue;
        const int code = ffmk_items_link_ranks(items, id_of(i), ranks, 8);
        CHECK(code == FFMK_SUCCESS, "link_ranks: %s", ffmk_strerror(code));
        for (size_t k = 0; k < world->n_links[i]; k++)
            for (size_t j = 0; j < world->n; j++)
                if (id_of(j) == world->links[i][k].id)
                    CHECK(ranks[k] == owner[j], "link of item %zu: rank %d instead of %d", i,
                          ranks[k], owner[j]);
    }
}

/* Imbalance by one weight, computed the plain way; and what the heaviest item alone makes it. */
static double imbalance_by(const struct world *world, const int *owner, size_t weight,
                           double *least_p)
{
    double heaviest = 0, total = 0, largest = 0, capacity = 0, most = 0;
    double *load = calloc((size_t)n_ranks, sizeof *load);
    for (size_t i = 0; i < world->n; i++)
        heaviest = fmax(heaviest, world->weight[i][weight]);
    for (size_t i = 0; i < world->n && heaviest > 0; i++) {
        load[owner[i]] += world->weight[i][weight] / heaviest;
        total += world->weight[i][weight] / heaviest;
    }
    for (int r = 0; r < n_ranks; r++) {
        largest = fmax(largest, load[r] / world->capacity[r]);
        capacity += world->capacity[r];
        most = fmax(most, world->capacity[r]);
    }
    free(load);
    *least_p = heaviest > 0 ? 1 / most / (total / capacity) : 1;
    return heaviest > 0 ? largest / (total / capacity) : 1;
}

/* The worst of all weights, each by what is the best that can be asked for it. 1: all is good. */
static double excess(const struct world *world, const int *owner, double asked)
{
    double worst = 1;
    for (size_t d = 0; d < world->n_weights; d++) {
        double least;
        const double imbalance = imbalance_by(world, owner, d, &least);
        worst = fmax(worst, imbalance / fmax(least, asked));
    }
    return worst;
}

/* Imbalance and cut. */
static void measure(const struct world *world, const int *owner, double *imbalance_p, double *cut_p)
{
    double imbalance = 1, cut = 0, least;
    for (size_t d = 0; d < world->n_weights; d++)
        imbalance = fmax(imbalance, imbalance_by(world, owner, d, &least));
    for (size_t i = 0; i < world->n; i++)
        for (size_t k = 0; k < world->n_links[i]; k++)
            for (size_t j = 0; j < world->n; j++)
                if (id_of(j) == world->links[i][k].id && owner[i] != owner[j])
                    cut += world->links[i][k].weight;
    *imbalance_p = imbalance;
    *cut_p = cut;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * (1 + fabs(b));
}

static void check_same_plan(const struct world *world, const struct app *app,
                            const ffmk_balance_options *options, const int *first, size_t n)
{
    ffmk_items *again;
    int *second = calloc(n + 1, sizeof *second);
    CHECK(ffmk_items_create(MPI_COMM_WORLD, NULL, NULL, &again) == 0, "create");
    CHECK(ffmk_items_set_options(again, options) == 0, "set_options");
    registers(again, world, app, true);
    CHECK(ffmk_balance_plan(again, second, NULL) == 0, "second plan");
    for (size_t k = 0; k < n; k++)
        CHECK(first[k] == second[k], "the same registry and seed gave another plan");
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    CHECK(ffmk_rebalance(again, &info) == FFMK_ERR_STATE, "a registry without callbacks moved");
    ffmk_items_destroy(again);
    free(second);
}

static void run(void)
{
    uint64_t state = ffmk_rng_mix(seed);
    struct world world;
    make_world(&world, &state);
    const uint64_t sizes = ffmk_rng_below(&state, 3);
    static const uint64_t luck[] = {0, 0, 2, 10, 1};
    struct app app = {.n = world.n,
                      .data = calloc(world.n + 1, sizeof *app.data),
                      .bytes = calloc(world.n + 1, sizeof *app.bytes),
                      .fail_one_in = luck[ffmk_rng_below(&state, 5)],
                      .state = seed + (uint64_t)me};
    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    options.imbalance = 1 + 0.2 * ffmk_rng_unit(&state) * (double)ffmk_rng_below(&state, 2);
    options.seed = seed;
    for (size_t i = 0; i < world.n; i++) {
        app.bytes[i] = bytes_of(i, sizes);
        if (world.owner[i] != me)
            continue;
        app.data[i] = malloc(app.bytes[i] + 1);
        for (size_t at = 0; at < app.bytes[i]; at++)
            app.data[i][at] = pattern(i, at);
    }

    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    ffmk_items *items = NULL;
    CHECK(ffmk_items_create(MPI_COMM_WORLD, &ops, &app, &items) == 0, "create");
    CHECK(ffmk_items_set_options(items, &options) == 0, "set_options");
    registers(items, &world, &app, false);
    int *owner = calloc(world.n + 1, sizeof *owner);
    audit(items, &app, owner);

    size_t count;
    ffmk_items_count(items, &count);
    int *destinations = calloc(count + 1, sizeof *destinations);
    ffmk_balance_info planned = FFMK_BALANCE_INFO_INIT, info = FFMK_BALANCE_INFO_INIT;
    int code = ffmk_balance_plan(items, destinations, &planned);
    CHECK(code == 0, "plan: %s", ffmk_strerror(code));
    check_links(items, &world, owner);
    check_same_plan(&world, &app, &options, destinations, count);
    for (size_t k = 0; k < count; k++)
        CHECK(destinations[k] >= 0 && destinations[k] < n_ranks, "destination %d", destinations[k]);

    double imbalance, cut;
    measure(&world, owner, &imbalance, &cut);
    CHECK(near(planned.imbalance_before, imbalance), "imbalance before %g, said %g", imbalance,
          planned.imbalance_before);
    CHECK(near(planned.cut_before, cut), "cut before %g, said %g", cut, planned.cut_before);
    /* One weight may give way to another that is further from what was asked. */
    const double excess_before = excess(&world, owner, options.imbalance);
    CHECK(world.n_weights > 1 || planned.imbalance_after <= planned.imbalance_before,
          "imbalance %g, planned %g", planned.imbalance_before, planned.imbalance_after);

    code = ffmk_rebalance(items, &info);
    uint64_t failures = app.failures;
    MPI_Allreduce(MPI_IN_PLACE, &failures, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    CHECK(code == (failures ? FFMK_ERR_CALLBACK : 0), "rebalance with %llu failures: %s",
          (unsigned long long)failures, ffmk_strerror(code));
    CHECK(info.items_kept == failures, "%llu items kept, %llu callbacks failed",
          (unsigned long long)info.items_kept, (unsigned long long)failures);
    CHECK(info.items_moved + info.items_kept == planned.items_moved,
          "planned %llu, moved %llu, kept %llu", (unsigned long long)planned.items_moved,
          (unsigned long long)info.items_moved, (unsigned long long)info.items_kept);
    CHECK(info.items_sent_here == app.drops, "sent %llu, dropped %llu",
          (unsigned long long)info.items_sent_here, (unsigned long long)app.drops);
    audit(items, &app, owner);
    for (size_t i = 0; i < world.n; i++)
        CHECK(!world.pinned[i] || owner[i] == world.owner[i], "pinned item %zu went", i);
    check_links(items, &world, owner);
    measure(&world, owner, &imbalance, &cut);
    const double excess_after = excess(&world, owner, options.imbalance);
    CHECK(failures > 0 || excess_after <= excess_before * (1 + 1e-9),
          "the plan is worse than nothing: %g times what was asked, then %g", excess_before,
          excess_after);
    CHECK(near(info.imbalance_after, imbalance), "imbalance after %g, said %g", imbalance,
          info.imbalance_after);
    CHECK(near(info.cut_after, cut), "cut after %g, said %g", cut, info.cut_after);
    if (me == 0 && getenv("AUDIT_SHOW"))
        printf("seed %llu: n %zu imbalance %.3f -> %.3f (bound %.3f) cut %g -> %g moved %llu "
               "rounds %d plan %.1f ms\n",
               (unsigned long long)seed, world.n, info.imbalance_before, planned.imbalance_after,
               info.imbalance_bound, info.cut_before, info.cut_after,
               (unsigned long long)info.items_moved, info.rounds, 1e3 * info.plan_s);

    CHECK(ffmk_items_destroy(items) == 0, "destroy");
    for (size_t i = 0; i < app.n; i++)
        free(app.data[i]);
    free(app.data);
    free(app.bytes);
    free(owner);
    free(destinations);
    free_world(&world);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    const uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    const uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;
    for (seed = first; seed < first + n; seed++)
        run();
    if (me == 0)
        printf("audit: %llu scenarios on %d ranks\n", (unsigned long long)n, n_ranks);
    MPI_Finalize();
    return 0;
}
