/* SPDX-License-Identifier: BSD-3-Clause
 * What remains of a run: summary, JSON and CSV, as the settings ask. Writes files; does not
 * communicate. */
#ifndef FFMK_JOB_REPORT_H
#define FFMK_JOB_REPORT_H

#include "job/job.h"
#include "job/metrics.h"

#include <stdio.h>

/** On the rank that has the records: write everything that is asked for. A file that cannot be
 * written costs one line. */
void ffmk_report(const struct ffmk_job *job, const struct ffmk_rank_record *records, size_t n);

/** Remove what is half written of this rank's partial report. */
void ffmk_report_tidy(const struct ffmk_job *job, int rank);

/** The pieces: each writes to an open stream. */
void ffmk_report_summary(FILE *out, const struct ffmk_job *job,
                         const struct ffmk_rank_record *records, const struct ffmk_metrics *metrics,
                         const char *json_path);
/** \return false without memory. */
bool ffmk_report_json(FILE *out, const struct ffmk_job *job, const struct ffmk_rank_record *records,
                      const struct ffmk_metrics *metrics);
void ffmk_report_csv(FILE *out, const struct ffmk_rank_record *records, size_t n);

/** "c", "mpif", "f08". */
const char *ffmk_report_binding(enum ffmk_binding binding);

#endif
