/* SPDX-License-Identifier: BSD-3-Clause
 * What the ranks' records mean: efficiencies (POP), sums of calls and regions, advice. Pure. */
#ifndef FFMK_JOB_METRICS_H
#define FFMK_JOB_METRICS_H

#include "job/gather.h"

/** Useful time U_i, N ranks, elapsed T (POP: Performance Optimisation and Productivity centre;
 * Rosas, Giménez, Labarta 2014): parallel = ΣU / (N·T) = load_balance × communication; load_balance
 * = mean U / max U = inside × between hosts; communication = max U / T. */
struct ffmk_efficiency {
    double parallel;
    double load_balance;
    double load_balance_inside;
    double load_balance_between;
    double communication;
};

/** The same call summed over ranks (and regions). */
struct ffmk_call_sum {
    const char *name;
    const char *class_name;
    enum ffmk_binding binding;
    size_t region; /* index in the job's regions, when summed by region */
    uint64_t count;
    uint64_t bytes;
    double time_s;
    double max_s;
    uint64_t histogram[FFMK_STAT_BUCKETS];
};

struct ffmk_region_sum {
    const char *name;
    uint64_t count;
    double time_s;
    double exclusive_s;
    double mpi_s;
    struct ffmk_efficiency efficiency;
};

struct ffmk_metrics {
    size_t n_ranks; /* known ones */
    double elapsed_s;
    double ns_per_tick; /* of the first rank: edges of the histograms */
    struct ffmk_efficiency efficiency;
    size_t slowest; /* index of the record with most useful time, and with least */
    size_t fastest;
    double mean_useful_s;
    double max_useful_s;
    double min_useful_s;
    double cost_s;     /* ours, over all ranks and threads */
    double cost_share; /* of the ranks' elapsed time */
    double cost_ns;    /* of one call, mean over ranks */
    uint64_t recorder_bytes;
    size_t n_calls;
    struct ffmk_call_sum *calls; /* most time first */
    size_t n_region_calls;
    struct ffmk_call_sum *region_calls; /* by region, most time first */
    size_t n_regions;
    struct ffmk_region_sum *regions; /* most exclusive time first */
    const struct ffmk_call_sum
        *top[3]; /* the costliest calls of the run: without those that start MPI */
    size_t n_top;
    char advice[200];
};

/** Seconds that rank spent outside MPI and outside us. */
double ffmk_metrics_useful_s(const struct ffmk_snapshot *data);

/** Our own cost that falls outside the calls' times, of the main thread. */
double ffmk_metrics_cost_s(const struct ffmk_snapshot *data);

/** What the records may be a part of. */
struct ffmk_scope {
    int ranks; /* of the program; 0: not known */
    int world; /* of MPI_COMM_WORLD, where a program may be one of several */
};

/** \return false without memory. */
bool ffmk_metrics_compute(const struct ffmk_rank_record *records, size_t n, struct ffmk_scope scope,
                          struct ffmk_metrics *metrics);
void ffmk_metrics_free(struct ffmk_metrics *metrics);

#endif
