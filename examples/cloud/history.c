/* SPDX-License-Identifier: BSD-3-Clause
 * Collecting the costs of blocks and ranks on rank 0. */
#include "history.h"

#include "physics.h"

#include <stdlib.h>

bool history_create(struct history *history, MPI_Comm comm, const struct grid *grid, int steps,
                    int every)
{
    *history = (struct history){.comm = comm, .grid = grid};
    MPI_Comm_size(comm, &history->n_ranks);
    history->capacity = (steps - 1) / every + 1;
    const size_t intervals = (size_t)history->capacity;
    const size_t values = intervals * (size_t)history->n_ranks;
    history->end_step = calloc(intervals, sizeof(int));
    history->balanced = calloc(values, sizeof(double));
    history->slabs = calloc(values, sizeof(double));
    bool good = history->end_step && history->balanced && history->slabs;
    for (int i = 0; i < SNAPSHOTS; i++) {
        struct snapshot *snapshot = &history->snapshots[i];
        snapshot->owner = calloc((size_t)grid->n_blocks, sizeof(int));
        snapshot->cost = calloc((size_t)grid->n_blocks, sizeof(double));
        good = good && snapshot->owner && snapshot->cost;
    }
    return good;
}

void history_destroy(struct history *history)
{
    free(history->end_step);
    free(history->balanced);
    free(history->slabs);
    for (int i = 0; i < SNAPSHOTS; i++) {
        free(history->snapshots[i].owner);
        free(history->snapshots[i].cost);
    }
}

/** Add up `values` over all ranks, on rank 0. */
static void add_up(const struct history *history, double *values, int count)
{
    int rank;
    MPI_Comm_rank(history->comm, &rank);
    if (rank == 0)
        MPI_Reduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, 0, history->comm);
    else
        MPI_Reduce(values, NULL, count, MPI_DOUBLE, MPI_SUM, 0, history->comm);
}

static void take_snapshot(struct history *history, struct snapshot *snapshot,
                          const struct blocks *blocks, int step, int steps)
{
    const struct grid *grid = history->grid;
    int rank;
    MPI_Comm_rank(history->comm, &rank);
    snapshot->step = step;
    for (int id = 0; id < grid->n_blocks; id++) {
        const struct block *block = blocks->by_id[id];
        snapshot->owner[id] = block ? rank : -1;
        snapshot->cost[id] = block ? physics_cost(grid, block, steps) / steps : 0.0;
    }
    add_up(history, snapshot->cost, grid->n_blocks);
    if (rank == 0)
        MPI_Reduce(MPI_IN_PLACE, snapshot->owner, grid->n_blocks, MPI_INT, MPI_MAX, 0,
                   history->comm);
    else
        MPI_Reduce(snapshot->owner, NULL, grid->n_blocks, MPI_INT, MPI_MAX, 0, history->comm);
}

void history_record(struct history *history, const struct blocks *blocks, int step, int steps)
{
    int rank;
    MPI_Comm_rank(history->comm, &rank);
    const int interval = history->n_intervals++;
    double *balanced = &history->balanced[(size_t)interval * (size_t)history->n_ranks];
    double *slabs = &history->slabs[(size_t)interval * (size_t)history->n_ranks];
    history->end_step[interval] = step;
    for (const struct block *block = blocks_from(blocks, 0); block;
         block = blocks_from(blocks, block->id + 1)) {
        const double cost = physics_cost(history->grid, block, steps) / steps;
        balanced[rank] += cost;
        slabs[grid_first_owner(history->grid, block->id, history->n_ranks)] += cost;
    }
    add_up(history, balanced, history->n_ranks);
    add_up(history, slabs, history->n_ranks);

    const int when[SNAPSHOTS] = {0, history->capacity / 2, history->capacity - 1};
    for (int i = 0; i < SNAPSHOTS; i++) {
        if (interval == when[i])
            take_snapshot(history, &history->snapshots[i], blocks, step, steps);
    }
}

double history_imbalance(const struct history *history, const double *costs)
{
    double sum = 0.0;
    for (int interval = 0; interval < history->n_intervals; interval++) {
        double total = 0.0, largest = 0.0;
        for (int rank = 0; rank < history->n_ranks; rank++) {
            const double cost = costs[(size_t)interval * (size_t)history->n_ranks + (size_t)rank];
            total += cost;
            largest = cost > largest ? cost : largest;
        }
        sum += largest * history->n_ranks / total;
    }
    return sum / history->n_intervals;
}
