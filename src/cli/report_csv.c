/* SPDX-License-Identifier: BSD-3-Clause
 * Every call of every rank as CSV (RFC 4180), one line a rank, region, name and binding. It writes
 * no other format. */
#include "cli/report.h"
#include "core/csv.h"

void ffmk_report_csv(FILE *out, const struct ffmk_report *report)
{
    fputs("rank,region,name,binding,count,time_s,bytes,max_s\n", out);
    for (size_t i = 0; i < report->n_per_rank; i++) {
        const struct ffmk_report_rank *rank = &report->per_rank[i];
        for (size_t k = 0; k < rank->calls.n; k++) {
            const struct ffmk_report_call *call = &rank->calls.rows[k];
            fprintf(out, "%d,", rank->rank);
            ffmk_csv_quoted(out, call->region);
            fputc(',', out);
            ffmk_csv_field(out, call->name);
            fputc(',', out);
            ffmk_csv_field(out, call->binding);
            fprintf(out, ",%lld,%.9f,%lld,%.9f\n", (long long)call->count, call->time_s,
                    (long long)call->bytes, call->max_s);
        }
    }
}
