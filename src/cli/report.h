/* SPDX-License-Identifier: BSD-3-Clause
 * The ways to show a report: table, comparison, CSV. Each writes to a stream and looks at nothing
 * else; whether the stream took it all is asked by the caller. The page is in page.h. */
#ifndef FFMK_CLI_REPORT_H
#define FFMK_CLI_REPORT_H

#include "cli/load.h"

#include <stdio.h>

void ffmk_report_table(FILE *out, const struct ffmk_report *report);
void ffmk_report_compare(FILE *out, const struct ffmk_report *before,
                         const struct ffmk_report *after);
void ffmk_report_csv(FILE *out, const struct ffmk_report *report);

/** What a sum over the ranks of `report` is multiplied by beside one of `other`: sums say nothing
 * where one run has more ranks; then means are compared. */
double ffmk_report_scale(const struct ffmk_report *report, const struct ffmk_report *other);

/** Sums over the known ranks, and who stands out. */
struct ffmk_report_sums {
    double elapsed_s;
    double useful_s;
    double mpi_s;
    double wait_s;
    double overhead_s;
    double mean_useful_s;
    const struct ffmk_report_rank
        *most_useful; /* the rank that works longest: the others wait for it */
    const struct ffmk_report_rank *least_useful;
};
struct ffmk_report_sums ffmk_report_sum(const struct ffmk_report *report);

/** The name and version of the MPI without its maker's details: up to the first comma. */
void ffmk_report_library(const struct ffmk_report *report, char *name, size_t capacity);

/** "MPI_Abort ended the job: 61 of 64 ranks are known", for a partial report. */
struct ffmk_report_sentence {
    char text[160];
};
struct ffmk_report_sentence ffmk_report_partial(const struct ffmk_report *report);

/** The rows of two runs that have one name and binding; either may be missing (NULL), not both. */
struct ffmk_report_pair {
    const struct ffmk_report_call *before;
    const struct ffmk_report_call *after;
};
/** Pairs of all calls, most time (of either run) first. Release with free(); NULL when memory ran
 * out or n is 0. */
struct ffmk_report_pair *ffmk_report_pairs(const struct ffmk_report *before,
                                           const struct ffmk_report *after, size_t *n_p);

/** For qsort over pointers to ranks: most useful work first. */
int ffmk_report_more_useful(const void *left, const void *right);

#endif
