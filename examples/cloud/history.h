/* SPDX-License-Identifier: BSD-3-Clause
 * What a run leaves behind on rank 0: the work of every rank over time, as it was and as it would
 * have been had no block moved, and who owned what at the beginning, in the middle and at the end.
 */
#ifndef CLOUD_HISTORY_H
#define CLOUD_HISTORY_H

#include "block.h"

#include <mpi.h>

enum { SNAPSHOTS = 3 };

/** Who owned what, and what it cost a step. */
struct snapshot {
    int step;
    int *owner;   /**< [n_blocks] */
    double *cost; /**< [n_blocks] */
};

struct history {
    MPI_Comm comm;
    const struct grid *grid;
    int n_ranks;
    int n_intervals;
    int capacity;
    int *end_step;    /**< [interval] */
    double *balanced; /**< [interval][rank]: cost a step of what the rank owned. */
    double
        *slabs; /**< [interval][rank]: the same for the blocks that the rank owned at the start. */
    struct snapshot snapshots[SNAPSHOTS];
};

/** Room for all intervals of a run of `steps` steps in parts of `every`.
 * \return false when memory is short. */
bool history_create(struct history *history, MPI_Comm comm, const struct grid *grid, int steps,
                    int every);
void history_destroy(struct history *history);

/** Take down the `steps` steps that end with `step`, from the blocks' counters. Collective. */
void history_record(struct history *history, const struct blocks *blocks, int step, int steps);

/** Mean over the intervals of largest rank / mean rank. On rank 0. */
double history_imbalance(const struct history *history, const double *costs);

#endif
