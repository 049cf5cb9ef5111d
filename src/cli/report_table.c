/* SPDX-License-Identifier: BSD-3-Clause
 * A report on a terminal: what a person asks first, at most a screen. It must not print control
 * bytes of a report. */
#include "cli/load_json.h"
#include "cli/report.h"
#include "cli/report_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOP_CALLS = 10, TOP_REGIONS = 8, TOP_RANKS = 5, NAME_COLUMNS = 28, LINE_BYTES = 1024 };

static void print_clean(FILE *out, const char *text, size_t most)
{
    char clean[LINE_BYTES];
    ffmk_json_clean(text, clean, most < sizeof clean ? most : sizeof clean);
    fputs(clean, out);
}

static void print_name(FILE *out, const char *name, const char *binding)
{
    char clean[LINE_BYTES];
    char whole[LINE_BYTES + 32];
    ffmk_json_clean(name, clean, NAME_COLUMNS + 1);
    bool is_c = !binding || strcmp(binding, "c") == 0;
    char kind[16] = "";
    if (!is_c)
        ffmk_json_clean(binding, kind, sizeof kind);
    snprintf(whole, sizeof whole, "%s%s%s%s", clean, is_c ? "" : " (", kind, is_c ? "" : ")");
    fputs("  ", out);
    ffmk_units_pad(out, whole, -NAME_COLUMNS);
}

static void print_cells(FILE *out, const struct ffmk_units *cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ffmk_units_pad(out, cells[i].text, 11);
    fputc('\n', out);
}

static void print_head(FILE *out, const char *title, const char *const *columns, size_t n)
{
    fputc('\n', out);
    ffmk_units_pad(out, title, -(NAME_COLUMNS + 2));
    for (size_t i = 0; i < n; i++)
        ffmk_units_pad(out, columns[i], 11);
    fputc('\n', out);
}

static void print_summary(FILE *out, const struct ffmk_report *report,
                          const struct ffmk_report_sums *sums)
{
    const struct ffmk_report_efficiency *e = &report->efficiency;
    print_clean(out, report->command, 100);
    fprintf(out, "\n%d rank%s on %zu host%s, ", report->ranks, report->ranks == 1 ? "" : "s",
            report->n_hosts, report->n_hosts == 1 ? "" : "s");
    char library[64];
    ffmk_report_library(report, library, sizeof library);
    print_clean(out, library, sizeof library);
    fputs(", started ", out);
    print_clean(out, report->started, 32);
    fputs("\n\n", out);
    if (!report->complete)
        fprintf(out, "PARTIAL REPORT          %s\n", ffmk_report_partial(report).text);
    fprintf(out, "elapsed                 %s\n", ffmk_units_time(report->elapsed_s).text);
    fprintf(out, "parallel efficiency     %s = load balance %s × communication %s\n",
            ffmk_units_percent(e->parallel).text, ffmk_units_percent(e->load_balance).text,
            ffmk_units_percent(e->communication).text);
    fprintf(out, "load balance            %s = inside hosts %s × between hosts %s\n",
            ffmk_units_percent(e->load_balance).text,
            ffmk_units_percent(e->load_balance_inside).text,
            ffmk_units_percent(e->load_balance_between).text);
    double all = sums->elapsed_s > 0 ? sums->elapsed_s : 1;
    fprintf(out, "all ranks' time         useful %s, MPI %s (waiting for others: %s)\n",
            ffmk_units_percent(sums->useful_s / all).text,
            ffmk_units_percent(sums->mpi_s / all).text,
            ffmk_units_percent(sums->wait_s / all).text);
    fprintf(out,
            "ffmk's own cost         %s of it: %.3g ns a call by %s, recorder at most %s a rank\n",
            ffmk_units_percent(report->overhead_share).text, report->ns_per_call, report->clock,
            ffmk_units_bytes((double)report->recorder_bytes).text);
    fputs("what next               ", out);
    print_clean(out, report->advice, 400);
    fputc('\n', out);
}

static void print_calls(FILE *out, const struct ffmk_report *report,
                        const struct ffmk_report_sums *sums)
{
    static const char *const head[] = {"time", "of all", "count", "mean", "longest", "bytes"};
    if (report->calls.n == 0) {
        fputs("\nNo MPI calls were recorded.\n", out);
        return;
    }
    print_head(out, "Calls", head, 6);
    for (size_t i = 0; i < report->calls.n && i < TOP_CALLS; i++) {
        const struct ffmk_report_call *call = &report->calls.rows[i];
        print_name(out, call->name, call->binding);
        struct ffmk_units cells[] = {
            ffmk_units_time(call->time_s),
            call->begins
                ? (struct ffmk_units){"before"}
                : ffmk_units_percent(sums->elapsed_s > 0 ? call->time_s / sums->elapsed_s : 0),
            ffmk_units_count((double)call->count),
            ffmk_units_time(call->count > 0 ? call->time_s / (double)call->count : 0),
            ffmk_units_time(call->max_s),
            ffmk_units_bytes((double)call->bytes),
        };
        print_cells(out, cells, 6);
    }
    if (report->calls.n > TOP_CALLS)
        fprintf(out, "  and %zu more: --csv has them all\n", report->calls.n - TOP_CALLS);
}

static void print_regions(FILE *out, const struct ffmk_report *report)
{
    static const char *const head[] = {"time", "exclusive", "in MPI", "count", "efficiency"};
    if (report->n_regions == 0)
        return;
    print_head(out, "Regions", head, 5);
    for (size_t i = 0; i < report->n_regions && i < TOP_REGIONS; i++) {
        const struct ffmk_report_region *region = &report->regions[i];
        print_name(out, region->name, NULL);
        struct ffmk_units cells[] = {
            ffmk_units_time(region->time_s),
            ffmk_units_time(region->exclusive_s),
            ffmk_units_percent(region->exclusive_s > 0 ? region->mpi_s / region->exclusive_s : 0),
            ffmk_units_count((double)region->count),
            ffmk_units_percent(region->efficiency.parallel),
        };
        print_cells(out, cells, 5);
    }
    if (report->n_regions > TOP_REGIONS)
        fprintf(out, "  and %zu more\n", report->n_regions - TOP_REGIONS);
}

static void print_rank(FILE *out, const struct ffmk_report_rank *rank, double mean_useful_s)
{
    char name[LINE_BYTES];
    char host[NAME_COLUMNS];
    ffmk_json_clean(rank->host, host, sizeof host);
    snprintf(name, sizeof name, "rank %d on %s", rank->rank, host);
    print_name(out, name, NULL);
    struct ffmk_units cells[] = {
        ffmk_units_time(rank->useful_s),  ffmk_units_ratio(rank->useful_s, mean_useful_s),
        ffmk_units_time(rank->mpi_s),     ffmk_units_time(rank->wait_s),
        ffmk_units_time(rank->elapsed_s),
    };
    print_cells(out, cells, 5);
}

static void print_ranks(FILE *out, const struct ffmk_report *report,
                        const struct ffmk_report_sums *sums)
{
    static const char *const head[] = {"useful", "of mean", "in MPI", "waiting", "elapsed"};
    const struct ffmk_report_rank **rows =
        calloc(report->n_per_rank, sizeof(const struct ffmk_report_rank *));
    if (!rows)
        return;
    for (size_t i = 0; i < report->n_per_rank; i++)
        rows[i] = &report->per_rank[i];
    qsort(rows, report->n_per_rank, sizeof *rows, ffmk_report_more_useful);
    print_head(out, "Ranks, most work first", head, 5);
    size_t n = report->n_per_rank;
    for (size_t i = 0; i < n && i < TOP_RANKS; i++)
        print_rank(out, rows[i], sums->mean_useful_s);
    if (n > TOP_RANKS + 1)
        fprintf(out, "  … %zu between\n", n - TOP_RANKS - 1);
    if (n > TOP_RANKS)
        print_rank(out, rows[n - 1], sums->mean_useful_s);
    free(rows);
}

static void print_counters(FILE *out, const struct ffmk_report *report)
{
    static const char *const head[] = {"sum", "least", "most"};
    if (report->n_counters == 0)
        return;
    char title[64];
    char source[24];
    ffmk_json_clean(report->counter_source, source, sizeof source);
    snprintf(title, sizeof title, "Counters (%s)", source);
    print_head(out, title, head, 3);
    for (size_t i = 0; i < report->n_counters; i++) {
        double sum = 0;
        double least = INFINITY;
        double most = 0;
        for (size_t k = 0; k < report->n_per_rank; k++) {
            double value = report->per_rank[k].counters[i];
            if (isnan(value))
                continue;
            sum += value;
            least = fmin(least, value);
            most = fmax(most, value);
        }
        print_name(out, report->counter_names[i], NULL);
        const char *name = report->counter_names[i];
        struct ffmk_units cells[] = {ffmk_units_counter(name, sum),
                                     ffmk_units_counter(name, isinf(least) ? 0 : least),
                                     ffmk_units_counter(name, most)};
        print_cells(out, cells, 3);
    }
    if (report->counter_why[0]) {
        fputs("  ", out);
        print_clean(out, report->counter_why, 200);
        fputc('\n', out);
    }
}

void ffmk_report_table(FILE *out, const struct ffmk_report *report)
{
    struct ffmk_report_sums sums = ffmk_report_sum(report);
    print_summary(out, report, &sums);
    print_calls(out, report, &sums);
    print_regions(out, report);
    print_ranks(out, report, &sums);
    print_counters(out, report);
}
