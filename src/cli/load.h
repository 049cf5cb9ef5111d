/* SPDX-License-Identifier: BSD-3-Clause
 * A report in memory: the file that docs/report.md describes, checked and as plain structs.
 * Everything in it stays valid until ffmk_report_free(). Strings are UTF-8 of strangers: escape
 * them for HTML, clean them for a terminal. */
#ifndef FFMK_CLI_LOAD_H
#define FFMK_CLI_LOAD_H

#include "cli/load_arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FFMK_REPORT_SCHEMA "ffmk-report/1"

struct ffmk_report_efficiency {
    double parallel;
    double load_balance;
    double load_balance_inside;
    double load_balance_between;
    double communication;
};

struct ffmk_report_call {
    const char *name;
    const char *binding;
    const char *class;  /* NULL but in the job's calls */
    const char *region; /* NULL but in a rank's calls */
    bool begins;        /* starts MPI: its time lies before the run and is no part of its sums */
    int64_t count;
    int64_t bytes;
    double time_s;
    double max_s;
    const int64_t *histogram; /* n_edges + 1 counts */
};

struct ffmk_report_calls {
    size_t n;
    struct ffmk_report_call *rows; /* most time first, those that start MPI last */
};

struct ffmk_report_region {
    const char *name;
    int64_t count;
    double time_s;
    double exclusive_s;
    double mpi_s;
    struct ffmk_report_efficiency efficiency; /* zeros in a rank's regions */
    struct ffmk_report_calls calls;           /* none in a rank's regions */
};

struct ffmk_report_rank {
    int rank;
    const char *host;
    int64_t pid;
    int64_t threads;
    double elapsed_s;
    double useful_s;
    double mpi_s;
    double wait_s;
    double overhead_s;
    int64_t recorder_bytes;
    struct ffmk_report_calls calls;
    size_t n_regions;
    struct ffmk_report_region *regions;
    const double *counters; /* n_counters values; NaN: this rank has none */
    const double *mpi;      /* n_intervals values each; NULL: no time line */
    const double *wait;
};

struct ffmk_report_host {
    const char *name;
    size_t ranks;
};

struct ffmk_report_traffic {
    int source;
    int destination;
    int64_t messages;
    int64_t bytes;
};

struct ffmk_report {
    const char *file; /* as it was named */
    const char *ffmk;
    bool complete;
    const char *ending; /* finalize, abort, exit */
    const char *job;
    const char *command;
    const char *mpi;
    const char *started;
    int ranks;
    double elapsed_s;
    struct ffmk_report_efficiency efficiency;

    const char *clock;
    double ns_per_call;
    double overhead_s;
    double overhead_share;
    int64_t recorder_bytes;

    const char *advice;
    size_t n_hosts;
    struct ffmk_report_host *hosts;
    size_t n_edges;
    const double *edges_s;
    struct ffmk_report_calls calls;
    size_t n_regions;
    struct ffmk_report_region *regions;
    size_t n_per_rank;
    struct ffmk_report_rank *per_rank; /* by rank */

    double interval_s;
    size_t n_intervals;

    int bins;
    int ranks_per_bin;
    size_t n_traffic;
    struct ffmk_report_traffic *traffic;

    const char *counter_source;
    const char *counter_asked;
    const char *counter_why;
    size_t n_counters;
    const char **counter_names;

    struct ffmk_arena arena;
};

/** Read and check a report.
 * \return 0; or -1 after one line that says what is wrong with which file, and nothing is to be
 * freed. */
int ffmk_report_load(const char *file, struct ffmk_report *report_p);
void ffmk_report_free(struct ffmk_report *report);

#endif
