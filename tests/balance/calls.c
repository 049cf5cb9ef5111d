/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: when one rank makes another collective call of balancing than the others, all of
 * them return FFMK_ERR_ARGUMENT, nothing is done, and the same call of all works afterwards. Every
 * pair of calls. Usage: calls [threads]: with MPI_THREAD_MULTIPLE registries have entrances of
 * their own, so only calls on the same registry, or all on the communicator, are paired. */
#include "empty.h"

#include <ffmk.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EACH = 6 };

static int me, n_ranks;
static ffmk_items *registries[2];
static int destinations[2 * EACH];

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "rank %d, line %d: ", me, __LINE__);                                   \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

static int create_over(MPI_Comm comm, ffmk_items **items_p)
{
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    return ffmk_items_create(comm, &ops, NULL, items_p);
}

static int count(void *context, size_t *n_p)
{
    (void)context;
    *n_p = 1;
    return 0;
}

static int list(void *context, size_t n, uint64_t *ids, double *weights)
{
    (void)context;
    (void)n;
    (void)weights;
    ids[0] = (uint64_t)me;
    return 0;
}

static int call_create(void)
{
    ffmk_items *items = NULL;
    const int code = create_over(MPI_COMM_WORLD, &items);
    CHECK((code == FFMK_SUCCESS) == (items != NULL), "what is given back on %d", code);
    return code ? code : ffmk_items_destroy(items);
}

static int call_destroy(void)
{
    return ffmk_items_destroy(registries[0]);
}

static int call_plan(void)
{
    return ffmk_balance_plan(registries[0], destinations, NULL);
}

static int call_rebalance(void)
{
    return ffmk_rebalance(registries[0], NULL);
}

static int call_migrate(void)
{
    for (int i = 0; i < EACH; i++)
        destinations[i] = me;
    return ffmk_migrate(registries[0], destinations, NULL);
}

static int call_if_worth(void)
{
    return ffmk_rebalance_if_worth(registries[0], 1, NULL);
}

static int call_other(void)
{
    return ffmk_rebalance(registries[1], NULL);
}

static int call_csr(void)
{
    ffmk_csr csr = FFMK_CSR_INIT;
    int64_t *start = calloc((size_t)n_ranks + 1, sizeof *start);
    csr.vtxdist = start;
    const int code = ffmk_balance_csr(MPI_COMM_WORLD, &csr, NULL, NULL, NULL);
    free(start);
    return code;
}

static int call_query(void)
{
    ffmk_query query = FFMK_QUERY_INIT;
    ffmk_exports exports = FFMK_EXPORTS_INIT;
    query.count = count;
    query.list = list;
    const int code = ffmk_balance_query(MPI_COMM_WORLD, &query, NULL, &exports, NULL);
    ffmk_exports_free(&exports);
    return code;
}

static const struct {
    const char *name;
    int (*make)(void);
    bool registry; /* on the first registry */
    bool comm;     /* on the communicator */
} calls[] = {
    {"create", call_create, false, true},       {"csr", call_csr, false, true},
    {"query", call_query, false, true},         {"plan", call_plan, true, false},
    {"rebalance", call_rebalance, true, false}, {"migrate", call_migrate, true, false},
    {"if_worth", call_if_worth, true, false},   {"another registry", call_other, false, false},
    {"destroy", call_destroy, true, false}};
enum { CALLS = sizeof calls / sizeof calls[0] };

static void check_all_work(void)
{
    for (int c = 0; c < CALLS; c++) {
        size_t held = 0;
        if (calls[c].make == call_destroy)
            continue;
        const int code = calls[c].make();
        CHECK(code == FFMK_SUCCESS, "%s: %s", calls[c].name, ffmk_strerror(code));
        ffmk_items_count(registries[0], &held);
        CHECK(held == EACH, "%zu items after %s", held, calls[c].name);
    }
}

static void pair(int one, int other, int alone)
{
    const int mine = me == alone ? one : other;
    const int code = calls[mine].make();
    CHECK(code == FFMK_ERR_ARGUMENT, "%s on rank %d, %s on the others: %s", calls[one].name, alone,
          calls[other].name, ffmk_strerror(code));
}

static void fill(ffmk_items *items)
{
    for (int i = 0; i < EACH; i++) {
        ffmk_item item = FFMK_ITEM_INIT;
        item.id = (uint64_t)(me * EACH + i);
        item.bytes = 8;
        CHECK(ffmk_items_add(items, &item) == FFMK_SUCCESS, "add");
    }
}

/* A registry outlives the communicator it was made over, and the other way round. */
static void lifetimes(void)
{
    for (int k = 0; k < 8; k++) {
        MPI_Comm comm;
        ffmk_items *one, *other;
        MPI_Comm_dup(MPI_COMM_WORLD, &comm);
        CHECK(create_over(comm, &one) == FFMK_SUCCESS, "create");
        CHECK(create_over(comm, &other) == FFMK_SUCCESS, "create");
        CHECK(ffmk_items_destroy(one) == FFMK_SUCCESS, "destroy");
        if (k % 2)
            CHECK(ffmk_items_destroy(other) == FFMK_SUCCESS, "destroy");
        MPI_Comm_free(&comm);
        if (k % 2)
            continue;
        CHECK(ffmk_rebalance(other, NULL) == FFMK_SUCCESS, "rebalance");
        CHECK(ffmk_items_destroy(other) == FFMK_SUCCESS, "destroy");
    }
}

int main(int argc, char **argv)
{
    int provided;
    const bool threads = argc > 1 && strcmp(argv[1], "threads") == 0;
    MPI_Init_thread(&argc, &argv, threads ? MPI_THREAD_MULTIPLE : MPI_THREAD_SINGLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    for (int r = 0; r < 2; r++) {
        CHECK(create_over(MPI_COMM_WORLD, &registries[r]) == FFMK_SUCCESS, "create");
        fill(registries[r]);
    }
    int pairs = 0;
    check_all_work();
    for (int one = 0; one < CALLS && n_ranks > 1; one++)
        for (int other = 0; other < CALLS; other++) {
            if (one == other || (provided == MPI_THREAD_MULTIPLE &&
                                 !(calls[one].registry && calls[other].registry) &&
                                 !(calls[one].comm && calls[other].comm)))
                continue;
            pair(one, other, pairs++ % n_ranks);
        }
    check_all_work();
    lifetimes();
    for (int r = 0; r < 2; r++)
        CHECK(ffmk_items_destroy(registries[r]) == FFMK_SUCCESS, "destroy");
    if (me == 0)
        printf("calls: %d pairs refused on %d ranks\n", pairs, n_ranks);
    MPI_Finalize();
    return 0;
}
