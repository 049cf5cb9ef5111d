/* SPDX-License-Identifier: BSD-3-Clause
 * Two runs as tables: key numbers, calls, regions and counters, A beside B and what became of it.
 */
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOP_ROWS = 20 };

/* Two runs of one program differ by a few percent: only what goes beyond is coloured. */
#define NOISE 0.05

static struct ffmk_units shown(const char *counter, double value)
{
    return counter ? ffmk_units_counter(counter, value) : ffmk_units_time(value);
}

/* A, B, B ÷ A, and both as bars against the longest of the table; times, or what a counter counts.
 */
static void write_cells(FILE *out, double a, double b, double longest, const char *counter)
{
    const char *trend = !(a > 0) || fabs(b / a - 1) <= NOISE ? "" : b < a ? " less" : " more";
    fprintf(out, "<td>%s</td><td>%s</td><td class=\"ratio%s\">%s</td>", shown(counter, a).text,
            shown(counter, b).text, trend, ffmk_units_ratio(b, a).text);
    fprintf(out,
            "<td class=\"bar\"><svg viewBox=\"0 0 100 13\" preserveAspectRatio=\"none\" "
            "aria-hidden=\"true\">"
            "<rect class=\"fill was\" width=\"%.2f\" height=\"6\"/><rect class=\"fill\" y=\"7\" "
            "width=\"%.2f\" "
            "height=\"6\"/></svg></td>",
            longest > 0 ? 100 * a / longest : 0, longest > 0 ? 100 * b / longest : 0);
}

static double per_rank(const struct ffmk_page_run *run, const struct ffmk_page_run *other)
{
    return ffmk_report_scale(run->report, other->report);
}

static const char *over_ranks(const struct ffmk_page_run *a, const struct ffmk_page_run *b)
{
    return a->report->n_per_rank == b->report->n_per_rank ? "sum of the ranks"
                                                          : "mean of the ranks";
}

static void write_head(FILE *out, const char *what, const char *how)
{
    fprintf(
        out,
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">%s%s</th><th "
        "scope=\"col\"><span "
        "class=\"letter A\">A</span></th><th scope=\"col\"><span class=\"letter B\">B</span></th>"
        "<th scope=\"col\">B ÷ A</th><th scope=\"col\" class=\"bar\"></th></tr></thead><tbody>\n",
        what, how);
}

void ffmk_page_compare_numbers(FILE *out, const struct ffmk_page_run *a,
                               const struct ffmk_page_run *b)
{
    const struct {
        const char *name;
        double a;
        double b;
    } rows[] = {
        {"elapsed", a->report->elapsed_s, b->report->elapsed_s},
        {"useful work of the rank that works most", a->sums.most_useful->useful_s,
         b->sums.most_useful->useful_s},
        {"useful work, mean of the ranks", a->sums.mean_useful_s, b->sums.mean_useful_s},
        {"in MPI, mean of the ranks", a->sums.mpi_s / (double)a->report->n_per_rank,
         b->sums.mpi_s / (double)b->report->n_per_rank},
        {"waiting for others, mean of the ranks", a->sums.wait_s / (double)a->report->n_per_rank,
         b->sums.wait_s / (double)b->report->n_per_rank},
    };
    double longest = fmax(rows[0].a, rows[0].b);
    write_head(out, "time", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fprintf(out, "<tr><th scope=\"row\">%s</th>", rows[i].name);
        write_cells(out, rows[i].a, rows[i].b, longest, NULL);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

void ffmk_page_compare_calls(FILE *out, const struct ffmk_page_run *a,
                             const struct ffmk_page_run *b)
{
    size_t n = 0;
    struct ffmk_report_pair *pairs = ffmk_report_pairs(a->report, b->report, &n);
    if (!pairs) {
        fputs("<p class=\"empty\">No MPI calls were recorded.</p>\n", out);
        return;
    }
    const double share_a = per_rank(a, b);
    const double share_b = per_rank(b, a);
    double longest = 0;
    for (size_t i = 0; i < n && i < TOP_ROWS; i++) {
        if (pairs[i].before && !pairs[i].before->begins)
            longest = fmax(longest, share_a * pairs[i].before->time_s);
        if (pairs[i].after && !pairs[i].after->begins)
            longest = fmax(longest, share_b * pairs[i].after->time_s);
    }
    write_head(out, "time in calls, ", over_ranks(a, b));
    for (size_t i = 0; i < n && i < TOP_ROWS; i++) {
        const struct ffmk_report_call *call = pairs[i].before ? pairs[i].before : pairs[i].after;
        if (!call)
            continue;
        ffmk_page_call_name(out, call);
        fputs("</th>", out);
        write_cells(out, pairs[i].before ? share_a * pairs[i].before->time_s : 0,
                    pairs[i].after ? share_b * pairs[i].after->time_s : 0, longest, NULL);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    if (n > TOP_ROWS)
        fprintf(out, "<p class=\"note\">%zu more calls took less.</p>\n", n - TOP_ROWS);
    free(pairs);
}

static const struct ffmk_report_region *find_region(const struct ffmk_report *report,
                                                    const char *name)
{
    for (size_t i = 0; i < report->n_regions; i++)
        if (strcmp(report->regions[i].name, name) == 0)
            return &report->regions[i];
    return NULL;
}

void ffmk_page_compare_regions(FILE *out, const struct ffmk_page_run *a,
                               const struct ffmk_page_run *b)
{
    const double share_a = per_rank(a, b);
    const double share_b = per_rank(b, a);
    double longest = 0;
    if (a->report->n_regions > 0)
        longest = share_a * a->report->regions[0].exclusive_s;
    if (b->report->n_regions > 0)
        longest = fmax(longest, share_b * b->report->regions[0].exclusive_s);
    write_head(out, "exclusive time in regions, ", over_ranks(a, b));
    size_t shown = 0;
    /* All of A, then those only B has. */
    for (size_t i = 0; i < a->report->n_regions + b->report->n_regions && shown < TOP_ROWS; i++) {
        bool of_a = i < a->report->n_regions;
        const struct ffmk_report_region *region =
            of_a ? &a->report->regions[i] : &b->report->regions[i - a->report->n_regions];
        if (!of_a && find_region(a->report, region->name))
            continue;
        const struct ffmk_report_region *other = of_a ? find_region(b->report, region->name) : NULL;
        fputs("<tr><th scope=\"row\">", out);
        ffmk_html_name(out, region->name);
        fputs("</th>", out);
        const struct ffmk_report_region *in_a = of_a ? region : NULL;
        const struct ffmk_report_region *in_b = of_a ? other : region;
        write_cells(out, in_a ? share_a * in_a->exclusive_s : 0,
                    in_b ? share_b * in_b->exclusive_s : 0, longest, NULL);
        fputs("</tr>\n", out);
        shown++;
    }
    fputs("</tbody></table></div>\n", out);
}

static double counter_sum(const struct ffmk_report *report, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < report->n_counters; i++) {
        if (strcmp(report->counter_names[i], name) != 0)
            continue;
        for (size_t k = 0; k < report->n_per_rank; k++)
            if (!isnan(report->per_rank[k].counters[i]))
                sum += report->per_rank[k].counters[i];
    }
    return sum;
}

void ffmk_page_compare_counters(FILE *out, const struct ffmk_page_run *a,
                                const struct ffmk_page_run *b)
{
    if (a->report->n_counters == 0) {
        fputs("<p class=\"empty\">A has no counters.</p>\n", out);
        return;
    }
    write_head(out, "counters, ", over_ranks(a, b));
    for (size_t i = 0; i < a->report->n_counters; i++) {
        const char *name = a->report->counter_names[i];
        double before = per_rank(a, b) * counter_sum(a->report, name);
        double after = per_rank(b, a) * counter_sum(b->report, name);
        fputs("<tr><th scope=\"row\"><code>", out);
        ffmk_html_name(out, name);
        fputs("</code></th>", out);
        write_cells(out, before, after, fmax(before, after), name);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}
