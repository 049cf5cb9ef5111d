/* SPDX-License-Identifier: BSD-3-Clause
 * Our own balancer through arrays, for any number of parts. Who calls with arrays has them numbered
 * already, so that is not measured. */
#include "method.h"

#include <stdlib.h>
#include <string.h>

struct arrays {
    ffmk_balance_options options;
    int64_t *vtxdist, *xadj, *adjncy;
    double *adjwgt;
};

struct number {
    uint64_t id;
    int64_t number;
};

static void *open_arrays(const char *parameters, const struct field *field)
{
    struct arrays *arrays = calloc(1, sizeof *arrays);
    (void)field;
    if (!arrays)
        return NULL;
    arrays->options = (ffmk_balance_options)FFMK_BALANCE_OPTIONS_INIT;
    arrays->options.imbalance = BENCH_IMBALANCE;
    bench_read(parameters, &arrays->options);
    return arrays;
}

static void forget(struct arrays *arrays)
{
    free(arrays->vtxdist);
    free(arrays->xadj);
    free(arrays->adjncy);
    free(arrays->adjwgt);
    arrays->vtxdist = arrays->xadj = arrays->adjncy = NULL;
    arrays->adjwgt = NULL;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t left = ((const struct number *)a)->id, right = ((const struct number *)b)->id;
    return (left > right) - (left < right);
}

/* Every item's number over all ranks, by id. */
static struct number *number_all(struct arrays *arrays, const struct field *field, size_t *all_p)
{
    int size, n = (int)field->n;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int *counts = calloc(2 * (size_t)size, sizeof *counts);
    arrays->vtxdist = calloc((size_t)size + 1, sizeof *arrays->vtxdist);
    if (!counts || !arrays->vtxdist) {
        free(counts);
        return NULL;
    }
    MPI_Allgather(&n, 1, MPI_INT, counts, 1, MPI_INT, MPI_COMM_WORLD);
    for (int r = 0; r < size; r++) {
        counts[size + r] = (int)arrays->vtxdist[r];
        arrays->vtxdist[r + 1] = arrays->vtxdist[r] + counts[r];
    }
    const size_t all = (size_t)arrays->vtxdist[size];
    uint64_t *ids = malloc((all + 1) * sizeof *ids);
    struct number *numbers = malloc((all + 1) * sizeof *numbers);
    if (ids && numbers) {
        MPI_Allgatherv(field->ids, n, MPI_UINT64_T, ids, counts, counts + size, MPI_UINT64_T,
                       MPI_COMM_WORLD);
        for (size_t i = 0; i < all; i++)
            numbers[i] = (struct number){ids[i], (int64_t)i};
        qsort(numbers, all, sizeof *numbers, compare_numbers);
    }
    free(ids);
    free(counts);
    *all_p = all;
    return numbers;
}

static int set_weights(void *state, const struct field *field)
{
    struct arrays *arrays = state;
    const size_t n_links = field->first[field->n];
    size_t all;
    forget(arrays);
    struct number *numbers = number_all(arrays, field, &all);
    arrays->xadj = malloc((field->n + 1) * sizeof *arrays->xadj);
    arrays->adjncy = malloc((n_links + 1) * sizeof *arrays->adjncy);
    arrays->adjwgt = malloc((n_links + 1) * sizeof *arrays->adjwgt);
    if (!numbers || !arrays->xadj || !arrays->adjncy || !arrays->adjwgt) {
        free(numbers);
        return 1;
    }
    for (size_t i = 0; i <= field->n; i++)
        arrays->xadj[i] = (int64_t)field->first[i];
    for (size_t k = 0; k < n_links; k++) {
        const struct number key = {.id = field->links[k].id};
        const struct number *found = bsearch(&key, numbers, all, sizeof *numbers, compare_numbers);
        arrays->adjncy[k] = found ? found->number : -1;
        arrays->adjwgt[k] = field->links[k].weight;
    }
    free(numbers);
    return 0;
}

static int plan(void *state, const struct field *field, int *to)
{
    const struct arrays *arrays = state;
    ffmk_csr csr = FFMK_CSR_INIT;
    csr.vtxdist = arrays->vtxdist;
    csr.xadj = arrays->xadj;
    csr.adjncy = arrays->adjncy;
    csr.adjwgt = arrays->adjwgt;
    csr.vwgt = field->weights;
    csr.xyz = field->positions;
    csr.nparts = field->parts;
    if (field->n > 0)
        memcpy(to, field->at, field->n * sizeof *to);
    return ffmk_balance_csr(MPI_COMM_WORLD, &csr, &arrays->options, to, NULL);
}

static int move(void *state, const struct field *field, const int *to)
{
    (void)state;
    (void)field;
    (void)to;
    return 0;
}

static void close_arrays(void *state)
{
    forget(state);
    free(state);
}

const struct method_kind method_csr = {true, open_arrays, set_weights, plan, move, close_arrays};
