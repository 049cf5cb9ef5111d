/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: with FFMK_MEASURED and `calibrate` a rank that is slowed down on purpose gets
 * less, by what ffmk measured itself, though it says nothing and waits as long as the others in
 * MPI; and where nothing is measured, all ranks are told so. Through the library as programs see
 * it. Usage: measured [off]: off, nothing is to be measured. */
#include "empty.h"

#include <ffmk.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EACH = 24, STEPS = 12, SLOW = 3 };

static int me, n_ranks;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "rank %d, line %d: ", me, __LINE__);                                   \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

static ffmk_items *create(void)
{
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    ffmk_items *items;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    options.calibrate = 1;
    CHECK(ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &items) == FFMK_SUCCESS, "create");
    CHECK(ffmk_items_set_options(items, &options) == FFMK_SUCCESS, "options");
    for (int i = 0; i < EACH; i++) {
        ffmk_item item = FFMK_ITEM_INIT;
        item.id = (uint64_t)me * EACH + (uint64_t)i;
        const ffmk_link next = {(item.id + 1) % (uint64_t)(EACH * n_ranks), 1};
        item.links = &next;
        item.n_links = 1;
        CHECK(ffmk_items_add(items, &item) == FFMK_SUCCESS, "add");
    }
    return items;
}

/* An item takes a millisecond, on the last rank three. More ranks than cores do not disturb it. */
static void work(size_t count)
{
    const long ns = 1000000L * (me == n_ranks - 1 && n_ranks > 1 ? SLOW : 1);
    for (size_t i = 0; i < count; i++)
        nanosleep(&(struct timespec){0, ns}, NULL);
}

static void slow_rank_gets_less(ffmk_items *items)
{
    size_t count = 0;
    int acted = 0;
    for (int step = 0; step < STEPS; step++) {
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
        ffmk_items_count(items, &count);
        work(count);
        MPI_Barrier(MPI_COMM_WORLD); /* waiting, which is not to count */
        const int code = ffmk_rebalance_if_worth(items, FFMK_MEASURED, &info);
        CHECK(code == FFMK_SUCCESS, "%s", ffmk_strerror(code));
        CHECK(step > 0 || n_ranks == 1 || info.lost_s > 0.01, "lost %g s", info.lost_s);
        acted += info.acted;
        if (me == 0 && getenv("MEASURED_SHOW"))
            printf("step %d: %zu items, %s\n", step, count, info.reason);
    }
    ffmk_items_count(items, &count);
    const double share = (double)EACH * n_ranks / (1 + SLOW * (n_ranks - 1));
    if (n_ranks == 1)
        return;
    CHECK(acted > 0, "it never acted");
    CHECK(me < n_ranks - 1 || (double)count < 1.5 * share, "%zu items, its share is %g", count,
          share);
    CHECK(me < n_ranks - 1 || (double)count > 0.5 * share, "%zu items, its share is %g", count,
          share);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    ffmk_items *items = create();
    if (argc > 1 && strcmp(argv[1], "off") == 0)
        CHECK(ffmk_rebalance_if_worth(items, FFMK_MEASURED, NULL) == FFMK_ERR_STATE, "not told");
    else
        slow_rank_gets_less(items);
    CHECK(ffmk_items_destroy(items) == FFMK_SUCCESS, "destroy");
    if (me == 0)
        printf("measured: seen on %d ranks\n", n_ranks);
    MPI_Finalize();
    return 0;
}
