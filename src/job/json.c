/* SPDX-License-Identifier: BSD-3-Clause
 * The report as JSON: docs/report.md describes every key. Rows are built and written one at a time,
 * so that rank 0 never holds the whole document. The only room of the library that sees jansson. */
#include "job/report.h"

#include "core/utf8.h"

#include <jansson.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

/* A writer that remembers whether memory ran out. */
struct writer {
    FILE *out;
    bool failed;
    bool first; /* no comma before the next element */
};

static void put(struct writer *writer, json_t *value)
{
    if (!value || json_dumpf(value, writer->out,
                             JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(12)) != 0)
        writer->failed = true;
    json_decref(value);
}

static void put_key(struct writer *writer, const char *key, json_t *value)
{
    fprintf(writer->out, "%s\n\"%s\":", writer->first ? "" : ",", key);
    writer->first = false;
    put(writer, value);
}

static void begin_rows(struct writer *writer, const char *key)
{
    fprintf(writer->out, "%s\n\"%s\":[", writer->first ? "" : ",", key);
    writer->first = true;
}

static void put_row(struct writer *writer, json_t *value)
{
    fprintf(writer->out, "%s\n  ", writer->first ? "" : ",");
    writer->first = false;
    put(writer, value);
}

static void end_rows(struct writer *writer)
{
    fputc(']', writer->out);
    writer->first = false;
}

/* Text of the program's is not always UTF-8: each byte that is not becomes U+FFFD. */
static json_t *text(const char *string)
{
    json_t *plain = json_string(string);
    if (plain)
        return plain;
    static const char replacement[] = FFMK_UTF8_REPLACEMENT;
    char *clean = malloc(sizeof replacement * strlen(string) + 1);
    if (!clean)
        return NULL;
    char *at = clean;
    while (*string) {
        const size_t bytes = ffmk_utf8_character(string);
        at = mempcpy(at, bytes ? string : replacement, bytes ? bytes : sizeof replacement - 1);
        string += bytes ? bytes : 1;
    }
    json_t *value = json_stringn(clean, (size_t)(at - clean));
    free(clean);
    return value;
}

static json_t *whole(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *efficiency(const struct ffmk_efficiency *e)
{
    return json_pack("{sf sf sf sf sf}", "parallel", e->parallel, "load_balance", e->load_balance,
                     "load_balance_inside", e->load_balance_inside, "load_balance_between",
                     e->load_balance_between, "communication", e->communication);
}

static json_t *histogram(const uint64_t *counts)
{
    json_t *list = json_array();
    for (int b = 0; b < FFMK_STAT_BUCKETS; b++)
        json_array_append_new(list, whole(counts[b]));
    return list;
}

static json_t *call_sum(const struct ffmk_call_sum *call, bool with_class)
{
    json_t *row = json_pack("{ss ss so sf so sf so}", "name", call->name, "binding",
                            ffmk_report_binding(call->binding), "count", whole(call->count),
                            "time_s", call->time_s, "bytes", whole(call->bytes), "max_s",
                            call->max_s, "histogram", histogram(call->histogram));
    if (with_class)
        json_object_set_new(row, "class", text(call->class_name));
    return row;
}

static json_t *rank_call(const struct ffmk_snapshot *data, const struct ffmk_snapshot_call *call)
{
    return json_pack(
        "{ss ss so so sf so sf so}", "name", call->name, "binding",
        ffmk_report_binding(call->binding), "region", text(data->regions[call->region].name),
        "count", whole(ffmk_stat_count(&call->stat)), "time_s",
        (double)call->stat.ticks * data->ns_per_tick * 1e-9, "bytes", whole(call->stat.bytes),
        "max_s", (double)call->stat.max_ticks * data->ns_per_tick * 1e-9, "histogram",
        histogram(call->stat.histogram));
}

static json_t *rank_row(const struct ffmk_rank_record *record)
{
    const struct ffmk_snapshot *data = &record->data;
    json_t *calls = json_array();
    for (size_t i = 0; i < data->n_calls; i++)
        json_array_append_new(calls, rank_call(data, &data->calls[i]));
    json_t *regions = json_array();
    for (size_t i = 0; i < data->n_regions; i++) {
        const struct ffmk_snapshot_region *region = &data->regions[i];
        json_array_append_new(regions, json_pack("{so so sf sf sf}", "name", text(region->name),
                                                 "count", whole(region->count), "time_s",
                                                 (double)region->inclusive_ns * 1e-9, "exclusive_s",
                                                 (double)region->exclusive_ns * 1e-9, "mpi_s",
                                                 (double)region->mpi_ns * 1e-9));
    }
    json_t *counters = json_object();
    for (size_t i = 0; i < record->counted.n; i++)
        json_object_set_new(counters, record->counted.names[i], whole(record->counted.values[i]));
    return json_pack(
        "{si so si si sf sf sf sf sf so so so so so}", "rank", record->rank, "host",
        text(record->host), "pid", record->pid, "threads", (int)data->threads, "elapsed_s",
        (double)data->elapsed_ns * 1e-9, "useful_s", ffmk_metrics_useful_s(data), "mpi_s",
        (double)data->mpi_ns * 1e-9, "wait_s", (double)data->wait_ns * 1e-9, "overhead_s",
        ffmk_metrics_cost_s(data), "recorder_bytes", whole(data->recorder_bytes), "untracked_sends",
        whole(data->untracked_sends), "calls", calls, "regions", regions, "counters", counters);
}

static json_t *hosts(const struct ffmk_rank_record *records, size_t n)
{
    json_t *list = json_array();
    json_t *by_name = json_object(); /* host → its list of ranks, borrowed */
    for (size_t i = 0; i < n; i++) {
        json_t *ranks = json_object_get(by_name, records[i].host);
        if (!ranks) {
            ranks = json_array();
            json_object_set(by_name, records[i].host, ranks);
            json_array_append_new(
                list, json_pack("{so so}", "name", text(records[i].host), "ranks", ranks));
        }
        json_array_append_new(ranks, json_integer(records[i].rank));
    }
    json_decref(by_name);
    return list;
}

/* The line of one rank, brought to the common interval (which is a whole multiple, by halving, of
 * its own as nearly as their clocks agree) and to the common length. */
static json_t *line(const struct ffmk_rank_record *record, double interval_s, size_t intervals)
{
    const struct ffmk_snapshot *data = &record->data;
    const double own_s = (double)data->interval_ticks * data->ns_per_tick * 1e-9;
    double *mpi = calloc(intervals, sizeof *mpi);
    double *wait = calloc(intervals, sizeof *wait);
    json_t *mpi_list = json_array();
    json_t *wait_list = json_array();
    if (mpi && wait) {
        for (size_t i = 0; i < data->n_intervals; i++) {
            size_t at = (size_t)(((double)i + 0.5) * own_s / interval_s);
            if (at >= intervals)
                at = intervals - 1;
            mpi[at] += (double)data->intervals[i].mpi_ticks * data->ns_per_tick * 1e-9;
            wait[at] += (double)data->intervals[i].wait_ticks * data->ns_per_tick * 1e-9;
        }
        for (size_t i = 0; i < intervals; i++) {
            json_array_append_new(mpi_list, json_real(mpi[i]));
            json_array_append_new(wait_list, json_real(wait[i] < mpi[i] ? wait[i] : mpi[i]));
        }
    }
    free(mpi);
    free(wait);
    return json_pack("{si so so}", "rank", record->rank, "mpi", mpi_list, "wait", wait_list);
}

static void put_timeline(struct writer *writer, const struct ffmk_rank_record *records, size_t n,
                         double elapsed_s)
{
    double interval_s = 0;
    for (size_t i = 0; i < n; i++) {
        const double own =
            (double)records[i].data.interval_ticks * records[i].data.ns_per_tick * 1e-9;
        if (own > interval_s)
            interval_s = own;
    }
    size_t intervals = interval_s > 0 ? (size_t)(elapsed_s / interval_s) : 0;
    if (interval_s > 0 && (double)intervals * interval_s < elapsed_s)
        intervals++;
    fprintf(writer->out, ",\n\"timeline\":{\"interval_s\":%.12g,\"intervals\":%zu,\"ranks\":[",
            interval_s, intervals);
    writer->first = true;
    for (size_t i = 0; i < n && intervals > 0; i++)
        put_row(writer, line(&records[i], interval_s, intervals));
    fputs("]}", writer->out);
    writer->first = false;
}

static void put_matrix(struct writer *writer, const struct ffmk_rank_record *records, size_t n)
{
    const uint32_t ranks_per_bin =
        records[0].data.ranks_per_bin ? records[0].data.ranks_per_bin : 1;
    const size_t bins = records[0].data.n_lanes;
    fprintf(writer->out, ",\n\"matrix\":{\"bins\":%zu,\"ranks_per_bin\":%u,\"entries\":[", bins,
            ranks_per_bin);
    struct ffmk_lane *row = calloc(bins + 1, sizeof *row);
    if (!row)
        writer->failed = true;
    writer->first = true;
    for (size_t i = 0; i < n && row;) {
        /* Records come by rank, so those of one bin follow one another. */
        const uint32_t bin = (uint32_t)records[i].rank / ranks_per_bin;
        memset(row, 0, bins * sizeof *row);
        for (; i < n && (uint32_t)records[i].rank / ranks_per_bin == bin; i++)
            for (size_t b = 0; b < bins && b < records[i].data.n_lanes; b++) {
                row[b].messages += records[i].data.lanes[b].messages;
                row[b].bytes += records[i].data.lanes[b].bytes;
            }
        for (size_t b = 0; b < bins; b++)
            if (row[b].messages)
                put_row(writer, json_pack("[i i o o]", (int)bin, (int)b, whole(row[b].messages),
                                          whole(row[b].bytes)));
    }
    free(row);
    fputs("]}", writer->out);
    writer->first = false;
}

static void put_counters(struct writer *writer, const struct ffmk_job *job,
                         const struct ffmk_counted *counted)
{
    json_t *names = json_array();
    for (size_t i = 0; i < counted->n; i++)
        json_array_append_new(names, text(counted->names[i]));
    put_key(writer, "counters",
            json_pack("{so so so so}", "source", text(counted->source), "asked",
                      text(job->config->value[FFMK_CONFIG_COUNTERS].text), "why",
                      text(counted->why), "names", names));
}

/* The command line as the kernel has it, at most 4 KiB, words parted by blanks. */
static json_t *command(void)
{
    char line_[4096];
    FILE *file = fopen("/proc/self/cmdline", "re");
    const size_t length = file ? fread(line_, 1, sizeof line_ - 1, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i < length; i++)
        if (line_[i] == '\0')
            line_[i] = ' ';
    line_[length] = '\0';
    if (length && line_[length - 1] == ' ')
        line_[length - 1] = '\0';
    return text(line_);
}

static json_t *mpi_version(void)
{
    static char version[MPI_MAX_LIBRARY_VERSION_STRING + 1];
    int length = 0;
    PMPI_Get_library_version(version, &length);
    version[strcspn(version, "\n")] = '\0';
    for (char *tab = version; (tab = strchr(tab, '\t'));) /* MPICH writes "MPICH Version:\t4.0.2" */
        *tab = ' ';
    return text(version);
}

static json_t *edges(double ns_per_tick)
{
    json_t *list = json_array();
    for (int b = 0; b < FFMK_STAT_BUCKETS - 1; b++)
        json_array_append_new(list, json_real((double)(UINT64_C(1) << (b + FFMK_STAT_FIRST + 1)) *
                                              ns_per_tick * 1e-9));
    return list;
}

static void put_facts(struct writer *writer, const struct ffmk_job *job,
                      const struct ffmk_rank_record *records, const struct ffmk_metrics *metrics)
{
    static const char *const endings[] = {"finalize", "abort", "exit"};
    const int ranks = job->n_ranks > 0 ? job->n_ranks : (int)metrics->n_ranks;
    bool complete =
        records[0].data.ending == FFMK_ENDING_FINALIZE && metrics->n_ranks == (size_t)ranks;
    for (size_t i = 0; i < metrics->n_ranks; i++)
        complete = complete && !records[i].data.incomplete;
    put_key(writer, "schema", text("ffmk-report/1"));
    put_key(writer, "ffmk", text(FFMK_VERSION_STRING));
    put_key(writer, "complete", json_boolean(complete));
    put_key(writer, "ending", text(endings[records[0].data.ending]));
    put_key(writer, "job", text(job->name));
    put_key(writer, "program", json_integer(job->application));
    put_key(writer, "command", command());
    put_key(writer, "mpi", mpi_version());
    put_key(writer, "started", text(job->started));
    put_key(writer, "ranks", json_integer(ranks));
    put_key(writer, "hosts", hosts(records, metrics->n_ranks));
    put_key(writer, "elapsed_s", json_real(metrics->elapsed_s));
    put_key(writer, "efficiency", efficiency(&metrics->efficiency));
    put_key(writer, "overhead",
            json_pack("{ss sf sf sf so}", "clock", records[0].data.clock_name, "ns_per_call",
                      metrics->cost_ns, "total_s", metrics->cost_s, "share", metrics->cost_share,
                      "recorder_bytes", whole(metrics->recorder_bytes)));
    put_key(writer, "advice", text(metrics->advice));
    put_key(writer, "histogram_edges_s", edges(metrics->ns_per_tick));
}

bool ffmk_report_json(FILE *out, const struct ffmk_job *job, const struct ffmk_rank_record *records,
                      const struct ffmk_metrics *metrics)
{
    struct writer state = {out, false, true};
    struct writer *writer = &state;
    fputc('{', out);
    put_facts(writer, job, records, metrics);

    begin_rows(writer, "calls");
    for (size_t i = 0; i < metrics->n_calls; i++)
        put_row(writer, call_sum(&metrics->calls[i], true));
    end_rows(writer);

    begin_rows(writer, "regions");
    size_t call = 0;
    for (size_t r = 0; r < metrics->n_regions; r++) {
        const struct ffmk_region_sum *region = &metrics->regions[r];
        json_t *calls = json_array();
        for (; call < metrics->n_region_calls && metrics->region_calls[call].region == r; call++)
            json_array_append_new(calls, call_sum(&metrics->region_calls[call], false));
        put_row(writer, json_pack("{so so sf sf sf so so}", "name", text(region->name), "count",
                                  whole(region->count), "time_s", region->time_s, "exclusive_s",
                                  region->exclusive_s, "mpi_s", region->mpi_s, "efficiency",
                                  efficiency(&region->efficiency), "calls", calls));
    }
    end_rows(writer);

    begin_rows(writer, "per_rank");
    for (size_t i = 0; i < metrics->n_ranks; i++)
        put_row(writer, rank_row(&records[i]));
    end_rows(writer);

    put_timeline(writer, records, metrics->n_ranks, metrics->elapsed_s);
    put_matrix(writer, records, metrics->n_ranks);
    put_counters(writer, job, &records[0].counted);
    fputs("\n}\n", out);
    return !state.failed;
}
