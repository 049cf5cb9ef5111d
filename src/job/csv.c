/* SPDX-License-Identifier: BSD-3-Clause
 * The calls of every rank, one row each, for a spreadsheet (RFC 4180). */
#include "job/report.h"

#include "core/csv.h"

#include <inttypes.h>

void ffmk_report_csv(FILE *out, const struct ffmk_rank_record *records, size_t n)
{
    fprintf(out, "rank,region,name,binding,count,time_s,bytes,max_s\n");
    for (size_t r = 0; r < n; r++) {
        const struct ffmk_snapshot *data = &records[r].data;
        for (size_t i = 0; i < data->n_calls; i++) {
            const struct ffmk_snapshot_call *call = &data->calls[i];
            fprintf(out, "%d,", records[r].rank);
            ffmk_csv_quoted(out, data->regions[call->region].name);
            fprintf(out, ",%s,%s,%" PRIu64 ",%.9f,%" PRIu64 ",%.9f\n", call->name,
                    ffmk_report_binding(call->binding), ffmk_stat_count(&call->stat),
                    (double)call->stat.ticks * data->ns_per_tick * 1e-9, call->stat.bytes,
                    (double)call->stat.max_ticks * data->ns_per_tick * 1e-9);
        }
    }
}
