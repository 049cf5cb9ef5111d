/* SPDX-License-Identifier: BSD-3-Clause
 * What one rank recorded, as plain data: the doors hand it to the job when the run ends. Times are
 * nanoseconds. */
#ifndef FFMK_JOB_SNAPSHOT_H
#define FFMK_JOB_SNAPSHOT_H

#include "core/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How the run of this rank ended. */
enum ffmk_ending {
    FFMK_ENDING_FINALIZE,
    FFMK_ENDING_ABORT, /* MPI_Abort was called here */
    FFMK_ENDING_EXIT   /* the process ended with MPI still open */
};

/** Which language's binding a call came through. */
enum ffmk_binding { FFMK_BINDING_C, FFMK_BINDING_MPIF, FFMK_BINDING_F08, FFMK_BINDINGS };

struct ffmk_snapshot_call {
    const char *name;       /* C spelling, static */
    const char *class_name; /* static */
    enum ffmk_binding binding;
    uint32_t region; /* index in regions */
    struct ffmk_stat stat;
};

struct ffmk_snapshot_region {
    const char *name;
    uint64_t count;
    uint64_t inclusive_ns; /* outermost instances only, summed over threads */
    uint64_t exclusive_ns;
    uint64_t mpi_ns;            /* in calls made directly inside */
    uint64_t main_exclusive_ns; /* the same two of the main thread alone, and its calls:
                                   efficiencies are made of these */
    uint64_t main_mpi_ns;
    uint64_t main_calls;
};

/** Messages and bytes this rank sent to one bin of ranks. */
struct ffmk_lane {
    uint64_t messages;
    uint64_t bytes;
};

struct ffmk_interval {
    uint64_t mpi_ticks;
    uint64_t wait_ticks;
};

struct ffmk_snapshot {
    enum ffmk_ending ending;
    bool incomplete;     /* not everything that was recorded could be summed */
    uint64_t lost_calls; /* in more regions and of more kinds than are kept apart */
    double ns_per_tick;
    const char *clock_name;
    uint64_t elapsed_ns; /* of recording, without what was paused (Pcontrol(0)) */
    uint64_t mpi_ns;     /* of the main thread: the one that started MPI */
    uint64_t wait_ns;
    uint64_t main_calls;
    uint64_t all_calls;
    double cost_ns;         /* measured cost of one intercepted call */
    double cost_outside_ns; /* the part of it that falls outside the time charged to the call */
    uint32_t threads;
    uint64_t recorder_bytes;
    uint64_t untracked_sends; /* persistent sends the table had no room for */

    size_t n_calls;
    struct ffmk_snapshot_call *calls;
    size_t n_regions;
    struct ffmk_snapshot_region *regions;

    uint64_t interval_ticks;
    size_t n_intervals;
    struct ffmk_interval *intervals;

    uint32_t ranks_per_bin;
    size_t n_lanes;
    struct ffmk_lane *lanes;
};

#endif
