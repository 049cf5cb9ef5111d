/* SPDX-License-Identifier: BSD-3-Clause
 * The lists inside a report: calls, regions, ranks, time line, matrix. Shared by the load rooms
 * only. */
#ifndef FFMK_CLI_LOAD_ROWS_H
#define FFMK_CLI_LOAD_ROWS_H

#include "cli/load.h"
#include "cli/load_json.h"

/** Largest values that are believed: longer is a broken file, not a long job. */
#define FFMK_REPORT_MOST_RANKS        16777216
#define FFMK_REPORT_MOST_SECONDS      1e10 /* 300 years */
#define FFMK_REPORT_MOST_RANK_SECONDS 1e17 /* times the ranks */

struct ffmk_report_efficiency ffmk_report_read_efficiency(struct ffmk_json_reader *reader,
                                                          const struct ffmk_json_place *object);
/** Needs report->n_edges. `whole_job`: rows have a class; `one_rank`: rows have a region. */
void ffmk_report_read_calls(struct ffmk_json_reader *reader, const struct ffmk_json_place *object,
                            const struct ffmk_report *report, bool whole_job, bool one_rank,
                            struct ffmk_report_calls *calls_p);
/** Needs report->n_edges. */
void ffmk_report_read_regions(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                              struct ffmk_report *report);
/** Needs ranks, complete, n_edges and counter names. */
void ffmk_report_read_ranks(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                            struct ffmk_report *report);
/** Needs per_rank. */
void ffmk_report_read_timeline(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                               struct ffmk_report *report);
void ffmk_report_read_matrix(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                             struct ffmk_report *report);

#endif
