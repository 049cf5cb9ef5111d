/* SPDX-License-Identifier: BSD-3-Clause
 * The ranks that balance together: a private communicator, and agreement among them. Every call but
 * the first is collective and gives the same result, to the bit, on every rank, so that ranks can
 * branch on it alike. */
#ifndef FFMK_BALANCE_TEAM_H
#define FFMK_BALANCE_TEAM_H

#include <mpi.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct ffmk_team {
    MPI_Comm comm;     /* ours alone, and so are its tags */
    MPI_Comm entrance; /* where collective calls begin; see entrance.h */
    int number;        /* of the registry among those over its communicator; 0: it is none */
    int rank;
    int size;
    int turn;       /* sparse exchanges so far; see exchange.c */
    uint8_t *piece; /* FFMK_PIECE_BYTES, so that what arrives can be taken though memory ran out */
};

/** Letters travel in pieces of at most this size. */
enum { FFMK_PIECE_BYTES = 1 << 16 };

/** Whether MPI has started and not ended. */
bool ffmk_team_mpi_runs(void);

/** What an MPI call returned, as FFMK_SUCCESS or FFMK_ERR_MPI; a failure is logged. With the usual
 * error handler a failure never returns here. */
int ffmk_team_checked(int mpi_code);

/** Wait for n requests. */
int ffmk_team_wait(int n, MPI_Request *requests);

/** Whether n requests have completed. */
int ffmk_team_test(int n, MPI_Request *requests, int *complete_p);

/** Between two looks at what has arrived: let others run, now and then. A look moves one fragment
 * of a large message, and to yield a busy core may cost a time slice. `*looks` begins at 0. */
static inline void ffmk_team_pause(unsigned *looks)
{
    if (++*looks % 32 == 0)
        sched_yield();
}

/** The smallest of the ranks' codes (the errors are negative), or why that could not be had. */
int ffmk_team_least(const struct ffmk_team *team, int code);

/** The lowest of all ranks' codes: FFMK_SUCCESS when all succeeded. */
static inline int ffmk_team_agree(const struct ffmk_team *team, int code)
{
    const int least = ffmk_team_least(team, code);
    return least ? least : code; /* least <= code <= 0; said for a reader of this rank alone */
}

/** Largest over the ranks, of each of n values. */
int ffmk_team_max(const struct ffmk_team *team, double *values, int n);

/** Smallest over the ranks, of each of n values. */
int ffmk_team_min_u64(const struct ffmk_team *team, uint64_t *values, int n);

/** Sum over the ranks, of each of n values. Rounding is rank 0's, handed to all. */
int ffmk_team_sum(const struct ffmk_team *team, double *values, int n);

/** Sum over the ranks, of each of n values. */
int ffmk_team_sum_u64(const struct ffmk_team *team, uint64_t *values, int n);

#endif
