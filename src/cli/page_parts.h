/* SPDX-License-Identifier: BSD-3-Clause
 * The parts of a page, a figure or table a room. Each writes what it shows of one run, or of two
 * side by side. */
#ifndef FFMK_CLI_PAGE_PARTS_H
#define FFMK_CLI_PAGE_PARTS_H

#include "cli/report.h"

/** What the figures of two runs share, so that equal lengths and colours mean equal amounts. */
struct ffmk_page_scale {
    double elapsed_s;     /* right end of the time axes */
    double rank_s;        /* top of the columns of ranks */
    bool traffic_bytes;   /* colours mean bytes; else messages */
    double traffic_least; /* ends of the colour scale */
    double traffic_most;
    int ranks_per_cell; /* the edge of a cell of the matrix; 0: the runs' matrices differ */
};

/** A run on the page; letter is 0 on a page of one run, else 'A' or 'B'. */
struct ffmk_page_run {
    const struct ffmk_report *report;
    struct ffmk_report_sums sums;
    char letter;
};

/** Style sheet (pieces, ended by NULL) and script, as they stand in the page. */
extern const char *const ffmk_page_style[];
extern const char ffmk_page_script[];

/* Figures of one or two runs together. */
void ffmk_page_tree(FILE *out, const struct ffmk_page_run *runs, size_t n);
/** The head of a call's row: its name, and its binding where it is not C. Leaves the cell open. */
void ffmk_page_call_name(FILE *out, const struct ffmk_report_call *call);
void ffmk_page_calls(FILE *out, const struct ffmk_page_run *run);
void ffmk_page_regions(FILE *out, const struct ffmk_page_run *run);
void ffmk_page_counters(FILE *out, const struct ffmk_page_run *run);
void ffmk_page_facts(FILE *out, const struct ffmk_page_run *runs, size_t n);

/* Figures of one run, drawn side by side for two. */
void ffmk_page_heat(FILE *out, const struct ffmk_page_run *run,
                    const struct ffmk_page_scale *scale);
void ffmk_page_ranks(FILE *out, const struct ffmk_page_run *run,
                     const struct ffmk_page_scale *scale);
void ffmk_page_matrix(FILE *out, const struct ffmk_page_run *run,
                      const struct ffmk_page_scale *scale);

/** How the colours of the heat map mix. */
void ffmk_page_heat_legend(FILE *out);
/** The colours of the matrix. */
void ffmk_page_matrix_legend(FILE *out, const struct ffmk_page_scale *scale);
/** Widen the scale's traffic range by a run's. Call for each run before any matrix is drawn. */
void ffmk_page_matrix_range(const struct ffmk_report *report, struct ffmk_page_scale *scale);

/* Of two runs only. */
void ffmk_page_compare_numbers(FILE *out, const struct ffmk_page_run *a,
                               const struct ffmk_page_run *b);
void ffmk_page_compare_calls(FILE *out, const struct ffmk_page_run *a,
                             const struct ffmk_page_run *b);
void ffmk_page_compare_regions(FILE *out, const struct ffmk_page_run *a,
                               const struct ffmk_page_run *b);
void ffmk_page_compare_counters(FILE *out, const struct ffmk_page_run *a,
                                const struct ffmk_page_run *b);

#endif
