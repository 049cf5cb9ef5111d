/* SPDX-License-Identifier: BSD-3-Clause
 * Rank 0 comes late to ffmk's collective calls, and others wait for it there; after MPI has ended,
 * and before it began, such a call ends nothing. */
#include <ffmk.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 4, LATE_NS = 100000000 };

static void expect(int line, int found, int code)
{
    if (found != code)
        printf("FAILED: line %d: %d (%s)\n", line, found, ffmk_strerror(found));
}
#define EXPECT(call, code) expect(__LINE__, call, code)

int main(int argc, char **argv)
{
    ffmk_items *items = NULL;
    int rank;
    int destination;
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, NULL, NULL, &items), FFMK_ERR_STATE);
    EXPECT(ffmk_balance_plan(items, &destination, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_items_destroy(NULL), FFMK_SUCCESS);
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    EXPECT(ffmk_items_create_f(MPI_Comm_c2f(MPI_COMM_NULL), NULL, NULL, &items), FFMK_ERR_ARGUMENT);
    EXPECT(ffmk_items_create_f(MPI_Comm_c2f(MPI_COMM_WORLD), NULL, NULL, &items), FFMK_SUCCESS);
    ffmk_item item = FFMK_ITEM_INIT;
    item.id = (uint64_t)rank;
    EXPECT(ffmk_items_add(items, &item), FFMK_SUCCESS);
    for (int i = 0; i < ROUNDS; i++) {
        if (rank == 0)
            nanosleep(&(struct timespec){0, LATE_NS}, NULL);
        EXPECT(ffmk_balance_plan(items, &destination, NULL), FFMK_SUCCESS);
    }
    EXPECT(ffmk_barrier(MPI_COMM_WORLD, NULL), FFMK_SUCCESS);
    MPI_Finalize();
    EXPECT(ffmk_balance_plan(items, &destination, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_rebalance(items, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_items_destroy(items), FFMK_ERR_STATE);
    EXPECT(ffmk_items_destroy(NULL), FFMK_SUCCESS);
    return 0;
}
