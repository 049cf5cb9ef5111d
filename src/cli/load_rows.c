/* SPDX-License-Identifier: BSD-3-Clause
 * Reads a report's lists into structs and checks what one value says about another. It must not
 * open files or draw. */
#include "cli/load_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_INTERVALS = 4096, MOST_BINS = 4096, MOST_ROWS = 1 << 24 };

/* Rounding may carry a ratio a hair over 1. */
#define MOST_RATIO 1.001

struct ffmk_report_efficiency ffmk_report_read_efficiency(struct ffmk_json_reader *reader,
                                                          const struct ffmk_json_place *object)
{
    struct ffmk_json_place at = ffmk_json_object(reader, ffmk_json_member(object, "efficiency"));
    return (struct ffmk_report_efficiency){
        .parallel = ffmk_json_number(reader, ffmk_json_member(&at, "parallel"), MOST_RATIO),
        .load_balance = ffmk_json_number(reader, ffmk_json_member(&at, "load_balance"), MOST_RATIO),
        .load_balance_inside =
            ffmk_json_number(reader, ffmk_json_member(&at, "load_balance_inside"), MOST_RATIO),
        .load_balance_between =
            ffmk_json_number(reader, ffmk_json_member(&at, "load_balance_between"), MOST_RATIO),
        .communication =
            ffmk_json_number(reader, ffmk_json_member(&at, "communication"), MOST_RATIO),
    };
}

static const int64_t *read_histogram(struct ffmk_json_reader *reader,
                                     const struct ffmk_json_place *row, size_t buckets)
{
    struct ffmk_json_place list =
        ffmk_json_list(reader, ffmk_json_member(row, "histogram"), MOST_ROWS);
    if (list.value && ffmk_json_length(&list) != buckets)
        ffmk_json_fail(reader, &list, "has %zu counts; histogram_edges_s asks for %zu",
                       ffmk_json_length(&list), buckets);
    int64_t *counts = ffmk_json_memory(reader, buckets, sizeof *counts);
    for (size_t i = 0; i < buckets && !reader->failed; i++)
        counts[i] = ffmk_json_whole(reader, ffmk_json_element(&list, i), 0, INT64_MAX);
    return counts;
}

static bool begins(const char *name)
{
    return name && (strcmp(name, "MPI_Init") == 0 || strcmp(name, "MPI_Init_thread") == 0 ||
                    strcmp(name, "MPI_Session_init") == 0);
}

static int more_time(const void *left, const void *right)
{
    const struct ffmk_report_call *a = left;
    const struct ffmk_report_call *b = right;
    if (a->begins != b->begins)
        return a->begins ? 1 : -1;
    if (a->time_s != b->time_s)
        return a->time_s < b->time_s ? 1 : -1;
    return strcmp(a->name, b->name);
}

void ffmk_report_read_calls(struct ffmk_json_reader *reader, const struct ffmk_json_place *object,
                            const struct ffmk_report *report, bool whole_job, bool one_rank,
                            struct ffmk_report_calls *calls_p)
{
    struct ffmk_json_place list =
        ffmk_json_list(reader, ffmk_json_member(object, "calls"), MOST_ROWS);
    size_t n = ffmk_json_length(&list);
    struct ffmk_report_call *rows = ffmk_json_memory(reader, n, sizeof *rows);
    for (size_t i = 0; i < n && !reader->failed; i++) {
        struct ffmk_json_place at = ffmk_json_object(reader, ffmk_json_element(&list, i));
        rows[i].name = ffmk_json_text(reader, ffmk_json_member(&at, "name"));
        rows[i].begins = begins(rows[i].name);
        rows[i].binding = ffmk_json_text(reader, ffmk_json_member(&at, "binding"));
        if (whole_job)
            rows[i].class = ffmk_json_text(reader, ffmk_json_member(&at, "class"));
        if (one_rank)
            rows[i].region = ffmk_json_text(reader, ffmk_json_member(&at, "region"));
        rows[i].count = ffmk_json_whole(reader, ffmk_json_member(&at, "count"), 0, INT64_MAX);
        rows[i].bytes = ffmk_json_whole(reader, ffmk_json_member(&at, "bytes"), 0, INT64_MAX);
        rows[i].time_s = ffmk_json_number(reader, ffmk_json_member(&at, "time_s"),
                                          FFMK_REPORT_MOST_RANK_SECONDS);
        rows[i].max_s =
            ffmk_json_number(reader, ffmk_json_member(&at, "max_s"), FFMK_REPORT_MOST_SECONDS);
        rows[i].histogram = read_histogram(reader, &at, report->n_edges + 1);
    }
    if (reader->failed)
        return;
    qsort(rows, n, sizeof *rows, more_time);
    *calls_p = (struct ffmk_report_calls){n, rows};
}

static void read_region(struct ffmk_json_reader *reader, const struct ffmk_json_place *at,
                        struct ffmk_report_region *region)
{
    region->name = ffmk_json_text(reader, ffmk_json_member(at, "name"));
    region->count = ffmk_json_whole(reader, ffmk_json_member(at, "count"), 0, INT64_MAX);
    region->time_s =
        ffmk_json_number(reader, ffmk_json_member(at, "time_s"), FFMK_REPORT_MOST_RANK_SECONDS);
    region->exclusive_s = ffmk_json_number(reader, ffmk_json_member(at, "exclusive_s"),
                                           FFMK_REPORT_MOST_RANK_SECONDS);
    region->mpi_s =
        ffmk_json_number(reader, ffmk_json_member(at, "mpi_s"), FFMK_REPORT_MOST_RANK_SECONDS);
}

static int more_exclusive(const void *left, const void *right)
{
    const struct ffmk_report_region *a = left;
    const struct ffmk_report_region *b = right;
    if (a->exclusive_s != b->exclusive_s)
        return a->exclusive_s < b->exclusive_s ? 1 : -1;
    return strcmp(a->name, b->name);
}

void ffmk_report_read_regions(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                              struct ffmk_report *report)
{
    struct ffmk_json_place list =
        ffmk_json_list(reader, ffmk_json_member(top, "regions"), MOST_ROWS);
    size_t n = ffmk_json_length(&list);
    struct ffmk_report_region *regions = ffmk_json_memory(reader, n, sizeof *regions);
    for (size_t i = 0; i < n && !reader->failed; i++) {
        struct ffmk_json_place at = ffmk_json_object(reader, ffmk_json_element(&list, i));
        read_region(reader, &at, &regions[i]);
        regions[i].efficiency = ffmk_report_read_efficiency(reader, &at);
        ffmk_report_read_calls(reader, &at, report, false, false, &regions[i].calls);
    }
    if (reader->failed)
        return;
    qsort(regions, n, sizeof *regions, more_exclusive);
    report->n_regions = n;
    report->regions = regions;
}

static void read_rank(struct ffmk_json_reader *reader, const struct ffmk_json_place *at,
                      const struct ffmk_report *report, struct ffmk_report_rank *row)
{
    const double most = FFMK_REPORT_MOST_SECONDS;
    row->rank = (int)ffmk_json_whole(reader, ffmk_json_member(at, "rank"), 0, report->ranks - 1);
    row->host = ffmk_json_text(reader, ffmk_json_member(at, "host"));
    row->pid = ffmk_json_whole(reader, ffmk_json_member(at, "pid"), 0, INT64_MAX);
    row->threads = ffmk_json_whole(reader, ffmk_json_member(at, "threads"), 0, INT32_MAX);
    row->elapsed_s = ffmk_json_number(reader, ffmk_json_member(at, "elapsed_s"), most);
    row->useful_s = ffmk_json_number(reader, ffmk_json_member(at, "useful_s"), most);
    row->mpi_s =
        ffmk_json_number(reader, ffmk_json_member(at, "mpi_s"), FFMK_REPORT_MOST_RANK_SECONDS);
    row->wait_s =
        ffmk_json_number(reader, ffmk_json_member(at, "wait_s"), FFMK_REPORT_MOST_RANK_SECONDS);
    row->overhead_s =
        ffmk_json_number(reader, ffmk_json_member(at, "overhead_s"), FFMK_REPORT_MOST_RANK_SECONDS);
    row->recorder_bytes =
        ffmk_json_whole(reader, ffmk_json_member(at, "recorder_bytes"), 0, INT64_MAX);
    ffmk_report_read_calls(reader, at, report, false, true, &row->calls);

    struct ffmk_json_place regions =
        ffmk_json_list(reader, ffmk_json_member(at, "regions"), MOST_ROWS);
    row->n_regions = ffmk_json_length(&regions);
    row->regions = ffmk_json_memory(reader, row->n_regions, sizeof *row->regions);
    for (size_t i = 0; i < row->n_regions && !reader->failed; i++) {
        struct ffmk_json_place region = ffmk_json_object(reader, ffmk_json_element(&regions, i));
        read_region(reader, &region, &row->regions[i]);
    }

    struct ffmk_json_place counters = ffmk_json_object(reader, ffmk_json_member(at, "counters"));
    double *values = ffmk_json_memory(reader, report->n_counters, sizeof *values);
    for (size_t i = 0; i < report->n_counters && !reader->failed; i++) {
        struct ffmk_json_place value = ffmk_json_member(&counters, report->counter_names[i]);
        values[i] =
            ffmk_json_present(&value) ? ffmk_json_number(reader, value, 1e300) : (double)NAN;
    }
    row->counters = values;
}

void ffmk_report_read_ranks(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                            struct ffmk_report *report)
{
    struct ffmk_json_place list =
        ffmk_json_list(reader, ffmk_json_member(top, "per_rank"), (size_t)report->ranks);
    size_t n = ffmk_json_length(&list);
    if (n == 0)
        ffmk_json_fail(reader, &list, "is empty; it must have at least one rank");
    if (report->complete && n != (size_t)report->ranks)
        ffmk_json_fail(reader, &list, "has %zu of %d ranks, yet the report says it is complete", n,
                       report->ranks);
    struct ffmk_report_rank *rows = ffmk_json_memory(reader, n, sizeof *rows);
    for (size_t i = 0; i < n && !reader->failed; i++) {
        struct ffmk_json_place at = ffmk_json_object(reader, ffmk_json_element(&list, i));
        read_rank(reader, &at, report, &rows[i]);
        if (i > 0 && rows[i].rank <= rows[i - 1].rank)
            ffmk_json_fail(reader, &at, "is rank %d after rank %d; every rank comes once, in order",
                           rows[i].rank, rows[i - 1].rank);
    }
    if (reader->failed)
        return;
    report->n_per_rank = n;
    report->per_rank = rows;
}

static int by_rank(const void *key, const void *element)
{
    const struct ffmk_report_rank *row = element;
    return *(const int *)key - row->rank;
}

static const double *read_seconds(struct ffmk_json_reader *reader, const struct ffmk_json_place *at,
                                  const char *key, size_t n)
{
    struct ffmk_json_place list = ffmk_json_list(reader, ffmk_json_member(at, key), MOST_INTERVALS);
    if (list.value && ffmk_json_length(&list) != n)
        ffmk_json_fail(reader, &list, "has %zu values; timeline.intervals is %zu",
                       ffmk_json_length(&list), n);
    double *seconds = ffmk_json_memory(reader, n, sizeof *seconds);
    for (size_t i = 0; i < n && !reader->failed; i++)
        seconds[i] =
            ffmk_json_number(reader, ffmk_json_element(&list, i), FFMK_REPORT_MOST_RANK_SECONDS);
    return seconds;
}

void ffmk_report_read_timeline(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                               struct ffmk_report *report)
{
    struct ffmk_json_place at = ffmk_json_object(reader, ffmk_json_member(top, "timeline"));
    struct ffmk_json_place length = ffmk_json_member(&at, "interval_s");
    report->interval_s = ffmk_json_number(reader, length, FFMK_REPORT_MOST_SECONDS);
    report->n_intervals =
        (size_t)ffmk_json_whole(reader, ffmk_json_member(&at, "intervals"), 0, MOST_INTERVALS);
    /* The last interval may end long after the run; but ten times too many or too few is a broken
     * file. */
    double begins = ((double)report->n_intervals - 1) * report->interval_s;
    double ends = (double)report->n_intervals * report->interval_s;
    if (report->n_intervals > 0 &&
        (begins > 10 * report->elapsed_s || ends < report->elapsed_s / 10))
        ffmk_json_fail(reader, &length, "is %g with %zu intervals; that does not fit elapsed_s, %g",
                       report->interval_s, report->n_intervals, report->elapsed_s);
    if (report->n_intervals > 0 && report->interval_s <= 0)
        ffmk_json_fail(reader, &length, "is 0, yet there are %zu intervals", report->n_intervals);
    struct ffmk_json_place list =
        ffmk_json_list(reader, ffmk_json_member(&at, "ranks"), (size_t)report->ranks);
    for (size_t i = 0; i < ffmk_json_length(&list) && !reader->failed; i++) {
        struct ffmk_json_place row = ffmk_json_object(reader, ffmk_json_element(&list, i));
        int rank =
            (int)ffmk_json_whole(reader, ffmk_json_member(&row, "rank"), 0, report->ranks - 1);
        const double *mpi = read_seconds(reader, &row, "mpi", report->n_intervals);
        const double *wait = read_seconds(reader, &row, "wait", report->n_intervals);
        if (reader->failed)
            return;
        struct ffmk_report_rank *known =
            bsearch(&rank, report->per_rank, report->n_per_rank, sizeof *report->per_rank, by_rank);
        if (!known || known->mpi) {
            ffmk_json_fail(reader, &row, "is for rank %d, which %s", rank,
                           known ? "came before" : "is not in per_rank");
            return;
        }
        if (report->n_intervals > 0) {
            known->mpi = mpi;
            known->wait = wait;
        }
    }
}

static int by_pair(const void *left, const void *right)
{
    const struct ffmk_report_traffic *a = left;
    const struct ffmk_report_traffic *b = right;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return (a->destination > b->destination) - (a->destination < b->destination);
}

void ffmk_report_read_matrix(struct ffmk_json_reader *reader, const struct ffmk_json_place *top,
                             struct ffmk_report *report)
{
    struct ffmk_json_place at = ffmk_json_object(reader, ffmk_json_member(top, "matrix"));
    struct ffmk_json_place bins = ffmk_json_member(&at, "bins");
    report->bins = (int)ffmk_json_whole(reader, bins, 1, MOST_BINS);
    report->ranks_per_bin = (int)ffmk_json_whole(reader, ffmk_json_member(&at, "ranks_per_bin"), 1,
                                                 FFMK_REPORT_MOST_RANKS);
    if ((int64_t)report->bins * report->ranks_per_bin < report->ranks)
        ffmk_json_fail(reader, &bins, "is %d with %d ranks each; that does not hold %d ranks",
                       report->bins, report->ranks_per_bin, report->ranks);
    struct ffmk_json_place list =
        ffmk_json_list(reader, ffmk_json_member(&at, "entries"), MOST_ROWS);
    size_t n = ffmk_json_length(&list);
    struct ffmk_report_traffic *rows = ffmk_json_memory(reader, n, sizeof *rows);
    for (size_t i = 0; i < n && !reader->failed; i++) {
        struct ffmk_json_place entry = ffmk_json_list(reader, ffmk_json_element(&list, i), 4);
        rows[i].source =
            (int)ffmk_json_whole(reader, ffmk_json_element(&entry, 0), 0, report->bins - 1);
        rows[i].destination =
            (int)ffmk_json_whole(reader, ffmk_json_element(&entry, 1), 0, report->bins - 1);
        rows[i].messages = ffmk_json_whole(reader, ffmk_json_element(&entry, 2), 0, INT64_MAX);
        rows[i].bytes = ffmk_json_whole(reader, ffmk_json_element(&entry, 3), 0, INT64_MAX);
    }
    if (reader->failed)
        return;
    qsort(rows, n, sizeof *rows, by_pair);
    for (size_t i = 1; i < n; i++)
        if (by_pair(&rows[i - 1], &rows[i]) == 0)
            ffmk_json_fail(reader, &list, "names the pair %d to %d twice", rows[i].source,
                           rows[i].destination);
    report->n_traffic = n;
    report->traffic = rows;
}
