/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: over many steps, each with new weights and a rebalancing, no item is lost or
 * doubled, its data arrive intact, and the ranks of its links are right after every one. A hot spot
 * that goes round. Usage: steps <number of steps> <items a rank>. */
#include <ffmk.h>

#include "core/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int me, n_ranks, step;
static size_t n;       /* items on all ranks, in a ring with chords */
static uint8_t **data; /* NULL: not here */

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "rank %d, step %d, line %d: ", me, step, __LINE__);                    \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

static size_t bytes_of(uint64_t id)
{
    return (size_t)(ffmk_rng_mix(id) % 300);
}

static uint8_t byte_of(uint64_t id, size_t at)
{
    return (uint8_t)(id * 131 + at * 7);
}

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    (void)context;
    CHECK(data[id] && capacity == bytes_of(id), "pack of item %d", (int)id);
    memcpy(buffer, data[id], capacity);
    *written_p = capacity;
    return 0;
}

static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    (void)context;
    CHECK(!data[id] && bytes == bytes_of(id), "unpack of item %d, %zu bytes", (int)id, bytes);
    data[id] = malloc(bytes + 1);
    memcpy(data[id], buffer, bytes);
    return 0;
}

static void drop(void *context, uint64_t id)
{
    (void)context;
    CHECK(data[id], "drop of item %d", (int)id);
    free(data[id]);
    data[id] = NULL;
}

static void links_of(uint64_t id, ffmk_link links[2])
{
    links[0] = (ffmk_link){(id + 1) % n, 1};
    links[1] = (ffmk_link){(id + 17) % n, 0.25};
}

static ffmk_items *begin(size_t each)
{
    ffmk_items *items;
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    CHECK(ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &items) == FFMK_SUCCESS, "create");
    for (uint64_t id = (uint64_t)me * each; id < (uint64_t)(me + 1) * each; id++) {
        ffmk_link links[2];
        ffmk_item item = FFMK_ITEM_INIT;
        links_of(id, links);
        item.id = id;
        item.bytes = bytes_of(id);
        item.links = links;
        item.n_links = 2;
        CHECK(ffmk_items_add(items, &item) == FFMK_SUCCESS, "add");
        data[id] = malloc(item.bytes + 1);
        for (size_t at = 0; at < item.bytes; at++)
            data[id][at] = byte_of(id, at);
    }
    return items;
}

static void set_weights(ffmk_items *items)
{
    const double spot = fmod(0.013 * step, 1) * (double)n;
    for (uint64_t id = 0; id < n; id++) {
        double far = fabs((double)id - spot);
        far = fmin(far, (double)n - far) / (double)n;
        if (data[id])
            CHECK(ffmk_items_set_weight(items, id, 1 + 8 * exp(-far * far / 0.005)) == 0, "weight");
    }
}

static void audit(ffmk_items *items, int *owners)
{
    size_t count = 0;
    ffmk_items_count(items, &count);
    uint64_t *ids = calloc(count + 1, sizeof *ids);
    int *held = owners + n;
    memset(owners, 0, 2 * n * sizeof *owners);
    CHECK(ffmk_items_ids(items, ids, count) == FFMK_SUCCESS, "ids");
    for (size_t k = 0; k < count; k++) {
        CHECK(data[ids[k]], "item %d is only registered", (int)ids[k]);
        owners[ids[k]] = me;
        held[ids[k]] = 1;
        for (size_t at = 0; at < bytes_of(ids[k]); at++)
            CHECK(data[ids[k]][at] == byte_of(ids[k], at), "item %d, byte %zu", (int)ids[k], at);
    }
    for (size_t i = 0; i < n; i++)
        CHECK(!data[i] == !held[i], "item %zu is not registered", i);
    MPI_Allreduce(MPI_IN_PLACE, owners, (int)(2 * n), MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (size_t i = 0; i < n; i++)
        CHECK(held[i] == 1, "item %zu is there %d times", i, held[i]);
    for (size_t k = 0; k < count; k++) {
        int ranks[2] = {-1, -1};
        ffmk_link links[2];
        links_of(ids[k], links);
        CHECK(ffmk_items_link_ranks(items, ids[k], ranks, 2) == FFMK_SUCCESS, "link_ranks");
        for (int l = 0; l < 2; l++)
            CHECK(ranks[l] == owners[links[l].id], "link %d of item %d: rank %d, not %d", l,
                  (int)ids[k], ranks[l], owners[links[l].id]);
    }
    free(ids);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    const int steps = argc > 1 ? atoi(argv[1]) : 20;
    const size_t each = argc > 2 ? (size_t)atoi(argv[2]) : 30;
    uint64_t moved = 0;
    double worst = 1;
    n = each * (size_t)n_ranks;
    data = calloc(n, sizeof *data);
    int *owners = calloc(2 * n, sizeof *owners);
    ffmk_items *items = begin(each);
    for (step = 0; step < steps; step++) {
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
        set_weights(items);
        const int code = ffmk_rebalance(items, &info);
        CHECK(code == FFMK_SUCCESS, "%s", ffmk_strerror(code));
        CHECK(info.imbalance_after <= info.imbalance_before, "imbalance %g -> %g",
              info.imbalance_before, info.imbalance_after);
        audit(items, owners);
        moved += info.items_moved;
        worst = fmax(worst, info.imbalance_after / info.imbalance_bound);
    }
    if (me == 0)
        printf("steps: %d on %d ranks with %zu items, %llu moves, worst %.3f of what was asked\n",
               steps, n_ranks, n, (unsigned long long)moved, worst);
    CHECK(ffmk_items_destroy(items) == FFMK_SUCCESS, "destroy");
    for (size_t i = 0; i < n; i++)
        free(data[i]);
    free(data);
    free(owners);
    MPI_Finalize();
    return 0;
}
