/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: a plan takes no more memory than promised beyond what the registry keeps, the
 * first one included, and items lie as they should after a call with more items than one round of
 * the directory is about, also where callbacks fail. Usage: memory <side>: side³ items a rank, in a
 * row of cubes. */
#include "empty.h"
#include "fail.h"
#include "heap.h"
#include <ffmk.h>

#include <stdbool.h>
#include <string.h>

static int me, n_ranks, side;
static bool failing; /* callbacks do */

static int pack_some(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    return pack(context, id, buffer, capacity, written_p) || (failing && id % 2);
}

static uint64_t id_of(int x, int y, int z)
{
    return (uint64_t)((x * side + y) * side + z);
}

/* Each links to the next along each axis. */
static ffmk_items *register_cube(void)
{
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack_some;
    ops.unpack = unpack;
    ops.drop = drop;
    ffmk_items *items = NULL;
    CHECK(ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &items) == FFMK_SUCCESS, "no registry");
    for (int x = me * side; x < (me + 1) * side; x++)
        for (int y = 0; y < side; y++)
            for (int z = 0; z < side; z++) {
                ffmk_link links[3];
                ffmk_item item = FFMK_ITEM_INIT;
                item.id = id_of(x, y, z);
                item.links = links;
                if (x + 1 < n_ranks * side)
                    links[item.n_links++] = (ffmk_link){id_of(x + 1, y, z), 1};
                if (y + 1 < side)
                    links[item.n_links++] = (ffmk_link){id_of(x, y + 1, z), 1};
                if (z + 1 < side)
                    links[item.n_links++] = (ffmk_link){id_of(x, y, z + 1), 1};
                item.weight = me == 0 ? 1.1 : 1;
                CHECK(ffmk_items_add(items, &item) == FFMK_SUCCESS, "an item is not taken");
            }
    return items;
}

/* Where every item is, on all ranks. */
static int *holders_of(const ffmk_items *items, uint64_t **ids_p, size_t *n_p)
{
    const int all = n_ranks * side * side * side;
    int *holders = malloc((size_t)all * sizeof *holders);
    for (int i = 0; i < all; i++)
        holders[i] = -1;
    CHECK(ffmk_items_count(items, n_p) == FFMK_SUCCESS, "no count");
    *ids_p = malloc((*n_p + 1) * sizeof **ids_p);
    CHECK(ffmk_items_ids(items, *ids_p, *n_p) == FFMK_SUCCESS, "no ids");
    for (size_t i = 0; i < *n_p; i++)
        holders[(*ids_p)[i]] = me;
    MPI_Allreduce(MPI_IN_PLACE, holders, all, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return holders;
}

/* Links lead where their targets are, and the next plan finds the cut that they make. */
static void check_links(ffmk_items *items)
{
    size_t n;
    uint64_t *ids;
    int *holders = holders_of(items, &ids, &n);
    const int length = n_ranks * side;
    double cut = 0;
    for (size_t i = 0; i < n; i++) {
        const int z = (int)(ids[i] % (uint64_t)side), y = (int)(ids[i] / (uint64_t)side) % side,
                  x = (int)(ids[i] / (uint64_t)(side * side));
        const bool has[3] = {x + 1 < length, y + 1 < side, z + 1 < side};
        const uint64_t targets[3] = {id_of(x + 1, y, z), id_of(x, y + 1, z), id_of(x, y, z + 1)};
        int ranks[3], k = 0;
        CHECK(ffmk_items_link_ranks(items, ids[i], ranks, 3) == FFMK_SUCCESS, "no link ranks");
        for (int axis = 0; axis < 3; axis++) {
            if (!has[axis])
                continue;
            CHECK(ranks[k] == holders[targets[axis]], "item %d %d %d: link %d leads to rank %d", x,
                  y, z, k, ranks[k]);
            cut += ranks[k++] != me;
        }
    }
    free(holders);
    free(ids);
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    int *destinations = malloc((n + 1) * sizeof *destinations);
    CHECK(ffmk_balance_plan(items, destinations, &info) == FFMK_SUCCESS, "no plan");
    free(destinations);
    MPI_Allreduce(MPI_IN_PLACE, &cut, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    CHECK(info.cut_before == cut, "the cut is %g and not %g", cut, info.cut_before);
}

/* What a plan takes beyond what is kept of it. A face of the cube is what neighbours need. */
static void plan_within(ffmk_items *items, const char *which)
{
    enum { AN_ITEM = 64, AT_THE_BORDER = 512, ANYWAY = 192 << 10 };
    const size_t n = (size_t)side * (size_t)side * (size_t)side;
    const size_t border = 2 * (size_t)side * (size_t)side;
    size_t held;
    ffmk_items_count(items, &held);
    int *destinations = malloc((held + 1) * sizeof *destinations);
    const size_t before = heap;
    heap_most = heap;
    CHECK(ffmk_balance_plan(items, destinations, NULL) == FFMK_SUCCESS, "no plan");
    const size_t kept = heap - before, taken = heap_most - before;
    if (me == n_ranks / 2)
        printf("%s plan: %.1f bytes an item, and %.1f are kept\n", which,
               (double)(taken - kept) / (double)n, (double)kept / (double)n);
    CHECK(taken - kept <= AN_ITEM * n + AT_THE_BORDER * border + ANYWAY,
          "the %s plan of %zu items, about %zu of them at a border, took %zu bytes and kept %zu",
          which, n, border, taken, kept);
    free(destinations);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    side = argc > 1 ? atoi(argv[1]) : 20;
    ffmk_items *items = register_cube();
    plan_within(items, "first");
    check_links(items);
    plan_within(items, "second");
    failing = true; /* with two ranks nothing has to move */
    const int code = ffmk_rebalance(items, NULL);
    CHECK(code == (n_ranks > 2 ? FFMK_ERR_CALLBACK : FFMK_SUCCESS), "%s", ffmk_strerror(code));
    check_links(items);
    failing = false;
    CHECK(ffmk_rebalance(items, NULL) == FFMK_SUCCESS, "not balanced");
    check_links(items);
    ffmk_items_destroy(items);
    MPI_Finalize();
    return 0;
}
