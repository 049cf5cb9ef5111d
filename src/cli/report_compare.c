/* SPDX-License-Identifier: BSD-3-Clause
 * Two reports side by side on a terminal. It says what changed and by how much; it must not judge
 * why. */
#include "cli/load_json.h"
#include "cli/report.h"
#include "cli/report_units.h"

#include <stdlib.h>
#include <string.h>

enum { TOP_CALLS = 12, NAME_COLUMNS = 30, TEXT_BYTES = 256 };

static void print_row(FILE *out, const char *name, struct ffmk_units before,
                      struct ffmk_units after, struct ffmk_units change)
{
    fputs("  ", out);
    ffmk_units_pad(out, name, -NAME_COLUMNS);
    ffmk_units_pad(out, before.text, 13);
    ffmk_units_pad(out, after.text, 13);
    ffmk_units_pad(out, change.text, 13);
    fputc('\n', out);
}

static void print_head(FILE *out, const char *title, const char *last)
{
    fputc('\n', out);
    ffmk_units_pad(out, title, -(NAME_COLUMNS + 2));
    ffmk_units_pad(out, "A", 13);
    ffmk_units_pad(out, "B", 13);
    ffmk_units_pad(out, last, 13);
    fputc('\n', out);
}

static void print_time(FILE *out, const char *name, double before, double after)
{
    print_row(out, name, ffmk_units_time(before), ffmk_units_time(after),
              ffmk_units_ratio(after, before));
}

static void print_share(FILE *out, const char *name, double before, double after)
{
    struct ffmk_units change;
    snprintf(change.text, sizeof change.text, "%+.1f points", (after - before) * 100);
    print_row(out, name, ffmk_units_percent(before), ffmk_units_percent(after), change);
}

static void print_run(FILE *out, const char *letter, const struct ffmk_report *report)
{
    char clean[TEXT_BYTES];
    ffmk_json_clean(report->command, clean, 80);
    fprintf(out, "%s  %s: %s, %d rank%s on %zu host%s\n", letter, report->file, clean,
            report->ranks, report->ranks == 1 ? "" : "s", report->n_hosts,
            report->n_hosts == 1 ? "" : "s");
    if (!report->complete)
        fprintf(out, "   PARTIAL REPORT: %s\n", ffmk_report_partial(report).text);
}

void ffmk_report_compare(FILE *out, const struct ffmk_report *before,
                         const struct ffmk_report *after)
{
    print_run(out, "A", before);
    print_run(out, "B", after);
    struct ffmk_report_sums a = ffmk_report_sum(before);
    struct ffmk_report_sums b = ffmk_report_sum(after);

    const double a_scale = ffmk_report_scale(before, after);
    const double b_scale = ffmk_report_scale(after, before);
    const bool sums = before->n_per_rank == after->n_per_rank;

    print_head(out, "Time", "B / A");
    print_time(out, "elapsed", before->elapsed_s, after->elapsed_s);
    if (sums)
        print_time(out, "useful, all ranks", a.useful_s, b.useful_s);
    print_time(out, sums ? "in MPI, all ranks" : "in MPI, mean", a.mpi_s * a_scale,
               b.mpi_s * b_scale);
    print_time(out, sums ? "waiting, all ranks" : "waiting, mean", a.wait_s * a_scale,
               b.wait_s * b_scale);
    print_time(out, "useful, rank that works most", a.most_useful->useful_s,
               b.most_useful->useful_s);
    print_time(out, "useful, mean", a.mean_useful_s, b.mean_useful_s);
    print_time(out, "useful, rank that works least", a.least_useful->useful_s,
               b.least_useful->useful_s);

    print_head(out, "Efficiency", "B − A");
    const struct ffmk_report_efficiency *x = &before->efficiency;
    const struct ffmk_report_efficiency *y = &after->efficiency;
    print_share(out, "parallel", x->parallel, y->parallel);
    print_share(out, "  load balance", x->load_balance, y->load_balance);
    print_share(out, "    inside hosts", x->load_balance_inside, y->load_balance_inside);
    print_share(out, "    between hosts", x->load_balance_between, y->load_balance_between);
    print_share(out, "  communication", x->communication, y->communication);

    size_t n = 0;
    struct ffmk_report_pair *pairs = ffmk_report_pairs(before, after, &n);
    if (!pairs)
        return;
    print_head(out, sums ? "Calls, time of all ranks" : "Calls, mean of the ranks", "B / A");
    for (size_t i = 0; i < n && i < TOP_CALLS; i++) {
        const struct ffmk_report_call *call = pairs[i].before ? pairs[i].before : pairs[i].after;
        char name[NAME_COLUMNS + 1];
        ffmk_json_clean(call->name, name, sizeof name);
        if (strcmp(call->binding, "c") != 0) {
            size_t length = strlen(name);
            snprintf(name + length, sizeof name - length, " (%.5s)", call->binding);
        }
        print_time(out, name, pairs[i].before ? pairs[i].before->time_s * a_scale : 0,
                   pairs[i].after ? pairs[i].after->time_s * b_scale : 0);
    }
    if (n > TOP_CALLS)
        fprintf(out, "  and %zu more\n", n - TOP_CALLS);
    free(pairs);
}
