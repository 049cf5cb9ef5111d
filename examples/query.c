/* SPDX-License-Identifier: BSD-3-Clause
 * For a program that calls Zoltan: the callbacks it has already, in our shape, and
 * ffmk_balance_query() in place of Zoltan_LB_Partition(). A ring of particles' cells on any number
 * of ranks; the first rank's cells hold five times as many particles as the others.
 *
 *   mpirun -np 4 query */
#include <ffmk.h>

#include <math.h>
#include <stdio.h>

enum { CELLS = 100 }; /* a rank */

struct app {
    int rank, size;
};

static int count(void *context, size_t *n_p)
{
    (void)context;
    *n_p = CELLS;
    return 0;
}

static int list(void *context, size_t n, uint64_t *ids, double *weights)
{
    const struct app *app = context;
    for (size_t i = 0; i < n; i++) {
        ids[i] = (uint64_t)app->rank * CELLS + i;
        weights[i] = app->rank == 0 ? 5 : 1; /* particles */
    }
    return 0;
}

static int position(void *context, uint64_t id, double where[3])
{
    const struct app *app = context;
    const double angle = 6.283185307179586 * (double)id / ((double)app->size * CELLS);
    where[0] = cos(angle);
    where[1] = sin(angle);
    where[2] = 0;
    return 0;
}

static int link_count(void *context, uint64_t id, size_t *n_p)
{
    (void)context;
    (void)id;
    *n_p = 2;
    return 0;
}

static int links(void *context, uint64_t id, size_t n, ffmk_link *out)
{
    const struct app *app = context;
    const uint64_t all = (uint64_t)app->size * CELLS;
    (void)n;
    out[0] = (ffmk_link){(id + 1) % all, 1};
    out[1] = (ffmk_link){(id + all - 1) % all, 1};
    return 0;
}

int main(int argc, char **argv)
{
    struct app app;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &app.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &app.size);

    ffmk_query query = FFMK_QUERY_INIT;
    query.context = &app;
    query.n_weights = 1;
    query.count = count;
    query.list = list;
    query.position = position;
    query.link_count = link_count;
    query.links = links;
    ffmk_exports exports = FFMK_EXPORTS_INIT;
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    const int code = ffmk_balance_query(MPI_COMM_WORLD, &query, NULL, &exports, &info);
    if (app.rank == 0 && code)
        fprintf(stderr, "query: %s\n", ffmk_strerror(code));
    if (app.rank == 0 && !code)
        printf("imbalance %.2f -> %.2f, cut %.0f -> %.0f; %d cells should leave rank 0\n",
               info.imbalance_before, info.imbalance_after, info.cut_before, info.cut_after,
               (int)exports.n);
    ffmk_exports_free(&exports); /* your own code would have sent them */
    MPI_Finalize();
    return code != 0;
}
