/* SPDX-License-Identifier: BSD-3-Clause
 * What is counted beside time, for the whole run of a process: getrusage, the kernel's perf
 * software events, or PAPI. Nothing of PAPI or perf is touched unless asked for. */
#ifndef FFMK_JOB_COUNTERS_H
#define FFMK_JOB_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

enum { FFMK_COUNTERS_MAX = 16, FFMK_COUNTER_NAME = 64 };

struct ffmk_counters;

/** What was counted. */
struct ffmk_counted {
    char source[16]; /* "off", "rusage", "perf", "papi" */
    char why[160];   /* why not what was asked for, or empty */
    size_t n;
    char names[FFMK_COUNTERS_MAX][FFMK_COUNTER_NAME];
    uint64_t values[FFMK_COUNTERS_MAX];
};

/** Begin to count what `asked` (FFMK_COUNTERS) names, or the nearest thing this machine has.
 * \return NULL without memory. */
struct ffmk_counters *ffmk_counters_start(const char *asked);

/** What was counted since then. */
void ffmk_counters_read(struct ffmk_counters *counters, struct ffmk_counted *counted);

#endif
