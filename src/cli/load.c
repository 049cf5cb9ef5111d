/* SPDX-License-Identifier: BSD-3-Clause
 * Opens a report and checks it from top to bottom. Every way a file can be wrong ends here in one
 * line. */
#include "cli/load.h"

#include "cli/load_rows.h"
#include "core/log.h"

#include <errno.h>
#include <ffmk.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_EDGES = 1024, MOST_COUNTERS = 1024, SAYS_BYTES = 200 };

static json_t *parse(const char *file)
{
    struct stat status;
    if (stat(file, &status) != 0) {
        ffmk_log("cannot read %s: %s", file, strerror(errno));
        return NULL;
    }
    if (S_ISDIR(status.st_mode)) {
        ffmk_log("%s is a directory; name the report inside it", file);
        return NULL;
    }
    if (S_ISREG(status.st_mode) && status.st_size == 0) {
        ffmk_log("%s is empty; the job may have been killed before it wrote its report", file);
        return NULL;
    }
    FILE *in = fopen(file, "r");
    if (!in) {
        ffmk_log("cannot read %s: %s", file, strerror(errno));
        return NULL;
    }
    json_error_t error;
    json_t *document = json_loadf(in, JSON_REJECT_DUPLICATES, &error);
    bool broken = ferror(in) != 0;
    fclose(in);
    if (document)
        return document;
    char says[SAYS_BYTES];
    ffmk_json_clean(error.text, says, sizeof says);
    if (broken)
        ffmk_log("cannot read %s to its end", file);
    else if (json_error_code(&error) == json_error_premature_end_of_input)
        ffmk_log("%s:%d:%d: the file ends in the middle; was the job killed or the disk full while "
                 "it was written?",
                 file, error.line, error.column);
    else
        ffmk_log("%s:%d:%d: not JSON: %s", file, error.line, error.column, says);
    return NULL;
}

static void check_schema(struct ffmk_json_reader *reader, const struct ffmk_json_place *top)
{
    if (!json_is_object(top->value)) {
        ffmk_json_fail(reader, NULL,
                       "is JSON, but not a report of ffmk: its outermost value is not an object");
        return;
    }
    struct ffmk_json_place at = ffmk_json_member(top, "schema");
    if (!ffmk_json_present(&at)) {
        ffmk_json_fail(reader, NULL, "is JSON, but not a report of ffmk: it has no \"schema\"");
        return;
    }
    char schema[64];
    ffmk_json_clean(ffmk_json_text(reader, at), schema, sizeof schema);
    if (strncmp(schema, "ffmk-report/", strlen("ffmk-report/")) != 0)
        ffmk_json_fail(reader, NULL, "has schema \"%s\"; a report of ffmk has \"%s\"", schema,
                       FFMK_REPORT_SCHEMA);
    else if (strcmp(schema, FFMK_REPORT_SCHEMA) != 0)
        ffmk_json_fail(reader, NULL,
                       "has schema \"%s\"; ffmk %s reads \"%s\": use the ffmk that wrote it",
                       schema, FFMK_VERSION_STRING, FFMK_REPORT_SCHEMA);
}

static void read_facts(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                       struct ffmk_report *report)
{
    report->ffmk = ffmk_json_text(reader, ffmk_json_member(top, "ffmk"));
    report->complete = ffmk_json_flag(reader, ffmk_json_member(top, "complete"));
    struct ffmk_json_place ending = ffmk_json_member(top, "ending");
    report->ending = ffmk_json_text(reader, ending);
    if (strcmp(report->ending, "finalize") != 0 && strcmp(report->ending, "abort") != 0 &&
        strcmp(report->ending, "exit") != 0)
        ffmk_json_fail(reader, &ending, "must be \"finalize\", \"abort\" or \"exit\"");
    report->job = ffmk_json_text(reader, ffmk_json_member(top, "job"));
    report->command = ffmk_json_text(reader, ffmk_json_member(top, "command"));
    report->mpi = ffmk_json_text(reader, ffmk_json_member(top, "mpi"));
    report->started = ffmk_json_text(reader, ffmk_json_member(top, "started"));
    report->advice = ffmk_json_text(reader, ffmk_json_member(top, "advice"));
    report->ranks =
        (int)ffmk_json_whole(reader, ffmk_json_member(top, "ranks"), 1, FFMK_REPORT_MOST_RANKS);
    report->elapsed_s =
        ffmk_json_number(reader, ffmk_json_member(top, "elapsed_s"), FFMK_REPORT_MOST_SECONDS);
    report->efficiency = ffmk_report_read_efficiency(reader, top);

    struct ffmk_json_place own = ffmk_json_object(reader, ffmk_json_member(top, "overhead"));
    report->clock = ffmk_json_text(reader, ffmk_json_member(&own, "clock"));
    report->ns_per_call = ffmk_json_number(reader, ffmk_json_member(&own, "ns_per_call"), 1e9);
    report->overhead_s =
        ffmk_json_number(reader, ffmk_json_member(&own, "total_s"), FFMK_REPORT_MOST_RANK_SECONDS);
    report->overhead_share = ffmk_json_number(reader, ffmk_json_member(&own, "share"), 1);
    report->recorder_bytes =
        ffmk_json_whole(reader, ffmk_json_member(&own, "recorder_bytes"), 0, INT64_MAX);
}

static void read_hosts(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                       struct ffmk_report *report)
{
    struct ffmk_json_place list =
        ffmk_json_list(reader, ffmk_json_member(top, "hosts"), (size_t)report->ranks);
    report->n_hosts = ffmk_json_length(&list);
    report->hosts = ffmk_json_memory(reader, report->n_hosts, sizeof *report->hosts);
    for (size_t i = 0; i < report->n_hosts && !reader->failed; i++) {
        struct ffmk_json_place at = ffmk_json_object(reader, ffmk_json_element(&list, i));
        report->hosts[i].name = ffmk_json_text(reader, ffmk_json_member(&at, "name"));
        struct ffmk_json_place ranks =
            ffmk_json_list(reader, ffmk_json_member(&at, "ranks"), (size_t)report->ranks);
        report->hosts[i].ranks = ffmk_json_length(&ranks);
        for (size_t k = 0; k < report->hosts[i].ranks && !reader->failed; k++)
            ffmk_json_whole(reader, ffmk_json_element(&ranks, k), 0, report->ranks - 1);
    }
}

static void read_edges(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                       struct ffmk_report *report)
{
    struct ffmk_json_place list =
        ffmk_json_list(reader, ffmk_json_member(top, "histogram_edges_s"), MOST_EDGES);
    report->n_edges = ffmk_json_length(&list);
    double *edges = ffmk_json_memory(reader, report->n_edges, sizeof *edges);
    for (size_t i = 0; i < report->n_edges && !reader->failed; i++) {
        struct ffmk_json_place at = ffmk_json_element(&list, i);
        edges[i] = ffmk_json_number(reader, at, FFMK_REPORT_MOST_SECONDS);
        if (i > 0 && edges[i] <= edges[i - 1])
            ffmk_json_fail(reader, &at, "is %g after %g; the edges must grow", edges[i],
                           edges[i - 1]);
    }
    report->edges_s = edges;
}

static void read_counters(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                          struct ffmk_report *report)
{
    struct ffmk_json_place at = ffmk_json_object(reader, ffmk_json_member(top, "counters"));
    report->counter_source = ffmk_json_text(reader, ffmk_json_member(&at, "source"));
    report->counter_asked = ffmk_json_text(reader, ffmk_json_member(&at, "asked"));
    report->counter_why = ffmk_json_text(reader, ffmk_json_member(&at, "why"));
    struct ffmk_json_place names =
        ffmk_json_list(reader, ffmk_json_member(&at, "names"), MOST_COUNTERS);
    report->n_counters = ffmk_json_length(&names);
    report->counter_names =
        ffmk_json_memory(reader, report->n_counters, sizeof *report->counter_names);
    for (size_t i = 0; i < report->n_counters && !reader->failed; i++)
        report->counter_names[i] = ffmk_json_text(reader, ffmk_json_element(&names, i));
}

int ffmk_report_load(const char *file, struct ffmk_report *report_p)
{
    json_t *document = parse(file);
    if (!document)
        return -1;
    struct ffmk_report report = {.file = file};
    struct ffmk_json_reader reader = {.file = file, .arena = &report.arena};
    const struct ffmk_json_place top = {.value = document};
    /* Each step needs what the one before it read, and none runs after a failure. */
    void (*const steps[])(struct ffmk_json_reader *, const struct ffmk_json_place *,
                          struct ffmk_report *) = {
        read_facts,
        read_hosts,
        read_edges,
        read_counters,
        ffmk_report_read_regions,
        ffmk_report_read_ranks,
        ffmk_report_read_timeline,
        ffmk_report_read_matrix,
    };
    check_schema(&reader, &top);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !reader.failed; i++)
        steps[i](&reader, &top, &report);
    if (!reader.failed)
        ffmk_report_read_calls(&reader, &top, &report, true, false, &report.calls);
    json_decref(document);
    if (reader.failed) {
        ffmk_arena_free(&report.arena);
        return -1;
    }
    *report_p = report;
    return 0;
}

void ffmk_report_free(struct ffmk_report *report)
{
    ffmk_arena_free(&report->arena);
}
