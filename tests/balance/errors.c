/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: wrong use of every public call gives the documented code, on all ranks alike
 * where the call is collective, and the registry goes on working. Runs on any number of ranks. */
#include <ffmk.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int me, n_ranks;
static ffmk_items *registry; /* what callbacks try to misuse */
static int failing;          /* callbacks misbehave */

#define EXPECT(call, wanted)                                                                       \
    do {                                                                                           \
        const int got = (call);                                                                    \
        if (got != (wanted)) {                                                                     \
            fprintf(stderr, "rank %d, line %d: %s gave %d (%s)\n", me, __LINE__, #call, got,       \
                    ffmk_strerror(got));                                                           \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

static void misuse(uint64_t id)
{
    size_t count;
    ffmk_item item = FFMK_ITEM_INIT;
    item.id = 999999;
    EXPECT(ffmk_items_add(registry, &item), FFMK_ERR_STATE);
    EXPECT(ffmk_items_remove(registry, id), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_weight(registry, id, 1), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_bytes(registry, id, 1), FFMK_ERR_STATE);
    EXPECT(ffmk_items_destroy(registry), FFMK_ERR_STATE);
    EXPECT(ffmk_rebalance(registry, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_balance_plan(registry, NULL, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_items_count(registry, &count), FFMK_SUCCESS);
}

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    (void)context;
    static bool misused;
    if (!misused)
        misuse(id);
    misused = true;
    memset(buffer, 1, capacity);
    *written_p =
        failing ? capacity + 1 : capacity; /* more than there is room for: must not be believed */
    return 0;
}

static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    (void)context;
    (void)id;
    (void)buffer;
    (void)bytes;
    return 0;
}

static void drop(void *context, uint64_t id)
{
    (void)context;
    (void)id;
}

static ffmk_item_ops good_ops(void)
{
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    return ops;
}

static void add(ffmk_items *items, uint64_t id, const ffmk_link *links, size_t n_links)
{
    ffmk_item item = FFMK_ITEM_INIT;
    item.id = id;
    item.bytes = 8;
    item.links = links;
    item.n_links = n_links;
    EXPECT(ffmk_items_add(items, &item), FFMK_SUCCESS);
}

static void creating(void)
{
    ffmk_items *items = NULL;
    ffmk_item_ops ops = good_ops();
    EXPECT(ffmk_items_create(MPI_COMM_NULL, &ops, NULL, &items), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, me == 0 ? NULL : &items),
           FFMK_ERR_ARGUMENT);
    if (me == n_ranks - 1)
        ops.drop = NULL;
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &items), FFMK_ERR_ARGUMENT);
    ops = good_ops();
    ops.size--;
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &items), FFMK_ERR_ARGUMENT);
    if (n_ranks > 1) {
        MPI_Comm half, inter;
        MPI_Comm_split(MPI_COMM_WORLD, me == 0, me, &half);
        MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, me == 0 ? 1 : 0, 7, &inter);
        ops = good_ops();
        EXPECT(ffmk_items_create(inter, &ops, NULL, &items), FFMK_ERR_ARGUMENT);
        MPI_Comm_free(&inter);
        MPI_Comm_free(&half);
    }
    if (items)
        EXPECT(1, 0); /* outputs are set only on success */
    EXPECT(ffmk_items_destroy(NULL), FFMK_SUCCESS);
}

static void nothing_given(void)
{
    size_t count;
    uint64_t id;
    int rank;
    ffmk_item item = FFMK_ITEM_INIT;
    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    EXPECT(ffmk_items_add(NULL, &item), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_remove(NULL, 1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weight(NULL, 1, 1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_bytes(NULL, 1, 1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_count(NULL, &count), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_ids(NULL, &id, 1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_link_ranks(NULL, 1, &rank, 1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_options(NULL, &options), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_balance_plan(NULL, &rank, NULL), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_rebalance(NULL, NULL), FFMK_ERR_ARGUMENT);
}

static void local_calls(ffmk_items *items, int my_rank)
{
    size_t count = 77;
    uint64_t ids[2];
    int ranks[2];
    const uint64_t mine = 10 * (uint64_t)me, other = mine + 1;
    const ffmk_link link = {other, 1};
    add(items, mine, &link, 1);
    add(items, other, NULL, 0);
    EXPECT(ffmk_items_count(items, NULL), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_count(items, &count), FFMK_SUCCESS);
    EXPECT((int)count, 2);
    EXPECT(ffmk_items_ids(items, NULL, 2), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_ids(items, ids, 1), FFMK_ERR_LIMIT);
    EXPECT(ffmk_items_ids(items, ids, 2), FFMK_SUCCESS);
    EXPECT(ids[0] == mine && ids[1] == other, 1);
    EXPECT(ffmk_items_remove(items, 5), FFMK_ERR_UNKNOWN_ITEM);
    EXPECT(ffmk_items_set_weight(items, 5, 1), FFMK_ERR_UNKNOWN_ITEM);
    EXPECT(ffmk_items_set_weight(items, mine, -1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weight(items, mine, NAN), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_weight(items, mine, INFINITY), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_set_bytes(items, 5, 1), FFMK_ERR_UNKNOWN_ITEM);

    EXPECT(ffmk_items_link_ranks(items, mine, ranks, 2), FFMK_ERR_STATE);
    EXPECT(ffmk_balance_plan(items, ranks, NULL), FFMK_SUCCESS);
    EXPECT(ffmk_items_link_ranks(items, 5, ranks, 2), FFMK_ERR_UNKNOWN_ITEM);
    EXPECT(ffmk_items_link_ranks(items, mine, ranks, 0), FFMK_ERR_LIMIT);
    EXPECT(ffmk_items_link_ranks(items, mine, NULL, 1), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_link_ranks(items, other, NULL, 0), FFMK_SUCCESS);
    EXPECT(ffmk_items_link_ranks(items, mine, ranks, 1), FFMK_SUCCESS);
    EXPECT(ranks[0], my_rank);
    EXPECT(ffmk_items_remove(items, mine), FFMK_SUCCESS);
    EXPECT(ffmk_items_link_ranks(items, other, ranks, 1), FFMK_ERR_STATE);
    EXPECT(ffmk_items_remove(items, other), FFMK_SUCCESS);
}

static void options(ffmk_items *items)
{
    ffmk_balance_options good = FFMK_BALANCE_OPTIONS_INIT, bad = good;
    EXPECT(ffmk_items_set_options(items, NULL), FFMK_ERR_ARGUMENT);
    bad.size = 8;
    EXPECT(ffmk_items_set_options(items, &bad), FFMK_ERR_ARGUMENT);
    const double imbalances[] = {0.99, 0, -3, NAN, INFINITY};
    for (int i = 0; i < 5; i++) {
        bad = good;
        bad.imbalance = imbalances[i];
        EXPECT(ffmk_items_set_options(items, &bad), FFMK_ERR_ARGUMENT);
    }
    const int rounds[] = {0, -1, 1001};
    for (int i = 0; i < 3; i++) {
        bad = good;
        bad.max_rounds = rounds[i];
        EXPECT(ffmk_items_set_options(items, &bad), FFMK_ERR_ARGUMENT);
    }
    /* Different options, each kind of them. */
    for (int kind = 0; kind < 3; kind++) {
        ffmk_balance_options mine = good;
        mine.imbalance += kind == 0 && me == 0 ? 0.01 : 0;
        mine.seed += kind == 1 && me == n_ranks - 1;
        mine.max_rounds += kind == 2 && me == 0;
        EXPECT(ffmk_items_set_options(items, &mine), FFMK_SUCCESS);
        EXPECT(ffmk_balance_plan(items, NULL, NULL),
               n_ranks > 1 ? FFMK_ERR_ARGUMENT : FFMK_SUCCESS);
    }
    EXPECT(ffmk_items_set_options(items, &good), FFMK_SUCCESS);
    /* Different calls. */
    const int different =
        me == 0 ? ffmk_rebalance(items, NULL) : ffmk_balance_plan(items, NULL, NULL);
    EXPECT(different, n_ranks > 1 ? FFMK_ERR_ARGUMENT : FFMK_SUCCESS);
}

static void collective_calls(ffmk_items *items)
{
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT, untouched = info;
    int destinations[100];

    /* Nothing registered anywhere. */
    EXPECT(ffmk_balance_plan(items, NULL, &info), FFMK_SUCCESS);
    EXPECT(info.imbalance_before == 1 && info.imbalance_after == 1 && info.items_moved == 0, 1);
    EXPECT(ffmk_rebalance(items, NULL), FFMK_SUCCESS);

    /* One rank's mistake is everybody's answer. */
    info = untouched;
    info.size = me == n_ranks - 1 ? 12 : sizeof info;
    EXPECT(ffmk_balance_plan(items, destinations, &info), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_rebalance(items, &info), FFMK_ERR_ARGUMENT);
    const uint64_t mine = 100 + (uint64_t)me;
    add(items, mine, NULL, 0);
    EXPECT(ffmk_balance_plan(items, me == 0 ? NULL : destinations, NULL), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_balance_plan(items, destinations, NULL), FFMK_SUCCESS);
    EXPECT(destinations[0], me);

    /* A link to nowhere; a link to an item that was taken out. */
    const ffmk_link links[] = {{100, 1}, {5000, 1}, {5001, 1}};
    info = untouched;
    if (me == n_ranks - 1)
        add(items, 200, links, 3);
    EXPECT(ffmk_rebalance(items, &info), FFMK_ERR_UNKNOWN_ITEM);
    EXPECT(memcmp(&info, &untouched, sizeof info), 0);
    EXPECT(ffmk_items_link_ranks(items, mine, destinations, 1), FFMK_ERR_STATE);
    if (me == n_ranks - 1)
        EXPECT(ffmk_items_remove(items, 200), FFMK_SUCCESS);
    EXPECT(ffmk_balance_plan(items, destinations, NULL), FFMK_SUCCESS);

    /* The same id on two ranks. */
    if (n_ranks > 1) {
        if (me == 1)
            add(items, 100, NULL, 0);
        EXPECT(ffmk_rebalance(items, NULL), FFMK_ERR_DUPLICATE);
        if (me == 1)
            EXPECT(ffmk_items_remove(items, 100), FFMK_SUCCESS);
    }

    /* All items on rank 0: some move, and their callbacks may not touch the registry. */
    if (me == 0)
        for (uint64_t id = 1000; id < 1000 + 16 * (uint64_t)n_ranks; id++)
            add(items, id, NULL, 0);
    failing = 1;
    EXPECT(ffmk_rebalance(items, &info), n_ranks > 1 ? FFMK_ERR_CALLBACK : FFMK_SUCCESS);
    EXPECT(n_ranks == 1 || (info.items_kept > 0 && info.items_moved == 0), 1);
    EXPECT(info.imbalance_after == info.imbalance_before, 1);
    failing = 0;
    EXPECT(ffmk_rebalance(items, &info), FFMK_SUCCESS);
    EXPECT(n_ranks == 1 || (info.items_kept == 0 && info.items_moved > 0), 1);
    EXPECT(info.imbalance_after <= 1.06, 1);
    EXPECT(info.bytes_moved == 8 * info.items_moved, 1);
}

int main(int argc, char **argv)
{
    ffmk_items *early = NULL;
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, NULL, NULL, &early), FFMK_ERR_STATE);
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    ffmk_item_ops ops = good_ops();
    creating();
    nothing_given();
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &registry), FFMK_SUCCESS);
    local_calls(registry, me);
    options(registry);
    collective_calls(registry);
    EXPECT(ffmk_items_destroy(registry), FFMK_SUCCESS);
    EXPECT(ffmk_items_create(MPI_COMM_SELF, &ops, NULL, &registry), FFMK_SUCCESS);
    local_calls(registry, 0);
    MPI_Finalize();
    EXPECT(ffmk_balance_plan(registry, NULL, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_rebalance(registry, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_items_destroy(registry), FFMK_ERR_STATE); /* too late to free the communicator */
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, NULL, NULL, &early), FFMK_ERR_STATE);
    return 0;
}
