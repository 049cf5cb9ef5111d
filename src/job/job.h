/* SPDX-License-Identifier: BSD-3-Clause
 * This process's part of the job: who we are among whom, since when, with which settings. */
#ifndef FFMK_JOB_JOB_H
#define FFMK_JOB_JOB_H

#include "core/config.h"
#include "job/counters.h"
#include "job/engine.h"

#include <mpi.h>
#include <sys/types.h>

struct ffmk_job {
    const struct ffmk_config *config;
    int world_rank;
    int world_size;  /* 0: not known */
    int application; /* number of this program in an MPMD job, 0 for the first or only one */
    int spawned;     /* MPI_Comm_spawn started us: the parent's report has the plain name */
    bool alone;      /* not all ranks are under ffmk: nothing collective, each reports for itself */
    bool unsure;     /* whether all ranks are, and this one says so when it waits for long */
    int first_rank;  /* the ranks of this program: the report's job */
    int n_ranks;
    char host[64];
    char name[64];        /* what %j becomes */
    char directory[4096]; /* where MPI started: relative file names are meant from there */
    char started[32];     /* UTC as ISO 8601 */
    pid_t pid;
    struct ffmk_counters *counters;
    struct ffmk_counted counted; /* in the whole run, once it has ended */
    volatile uint32_t *generation;
    void (*at_exit)(void);
};

/** The job of this process, or NULL before MPI is up. The one global of the engine. */
struct ffmk_job *ffmk_job(void);

/** The engine's: see engine.h. */
int ffmk_job_start(const struct ffmk_engine_start *start, struct ffmk_engine_job *told);
void ffmk_job_stop_counting(void);
void ffmk_job_finish(const struct ffmk_snapshot *snapshot);
void ffmk_job_tidy(void);

#endif
