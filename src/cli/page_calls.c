/* SPDX-License-Identifier: BSD-3-Clause
 * The MPI calls of a run, most time first, each with the distribution of its durations. */
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report_units.h"

#include <math.h>
#include <string.h>

enum { TOP_CALLS = 20, SPARK_HEIGHT = 24 };

/* The buckets that any of the calls shown uses, so that all distributions have one axis. */
struct range {
    size_t first;
    size_t last;
};

static struct range used_buckets(const struct ffmk_report *report, size_t shown)
{
    struct range range = {report->n_edges, 0};
    for (size_t i = 0; i < shown; i++)
        for (size_t b = 0; b <= report->n_edges; b++)
            if (report->calls.rows[i].histogram[b] > 0) {
                range.first = b < range.first ? b : range.first;
                range.last = b > range.last ? b : range.last;
            }
    if (range.first > range.last)
        range.first = range.last;
    return range;
}

static void write_bucket(FILE *out, const struct ffmk_report *report, size_t bucket)
{
    if (report->n_edges == 0)
        fputs("any duration", out);
    else if (bucket == 0)
        fprintf(out, "up to %s", ffmk_units_time(report->edges_s[0]).text);
    else if (bucket == report->n_edges)
        fprintf(out, "over %s", ffmk_units_time(report->edges_s[bucket - 1]).text);
    else
        fprintf(out, "%s to %s", ffmk_units_time(report->edges_s[bucket - 1]).text,
                ffmk_units_time(report->edges_s[bucket]).text);
}

static void draw_durations(FILE *out, const struct ffmk_report *report,
                           const struct ffmk_report_call *call, struct range range)
{
    double most = 0;
    for (size_t b = range.first; b <= range.last; b++)
        most = fmax(most, (double)call->histogram[b]);
    fprintf(out,
            "<svg class=\"spark\" viewBox=\"0 0 %zu %d\" preserveAspectRatio=\"none\" "
            "role=\"img\"><title>",
            range.last - range.first + 1, SPARK_HEIGHT);
    const char *comma = "";
    for (size_t b = range.first; b <= range.last; b++) {
        if (call->histogram[b] == 0)
            continue;
        fputs(comma, out);
        write_bucket(out, report, b);
        fprintf(out, ": %s", ffmk_units_count((double)call->histogram[b]).text);
        comma = ", ";
    }
    fputs("</title>", out);
    for (size_t b = range.first; b <= range.last; b++) {
        if (call->histogram[b] == 0)
            continue;
        /* The root shows rare long calls beside many short ones. */
        double height = fmax(1.5, SPARK_HEIGHT * sqrt((double)call->histogram[b] / most));
        fprintf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\".84\" height=\"%.2f\"/>",
                (double)(b - range.first) + 0.08, SPARK_HEIGHT - height, height);
    }
    fputs("</svg>", out);
}

void ffmk_page_call_name(FILE *out, const struct ffmk_report_call *call)
{
    fputs("<tr><th scope=\"row\"><code>", out);
    ffmk_html_name(out, call->name);
    fputs("</code>", out);
    if (strcmp(call->binding, "c") != 0) {
        fputs(" <span class=\"chip\">", out);
        ffmk_html_text(out, call->binding);
        fputs("</span>", out);
    }
}

static void write_call(FILE *out, const struct ffmk_page_run *run,
                       const struct ffmk_report_call *call, struct range range, double longest_s)
{
    double share = run->sums.elapsed_s > 0 ? call->time_s / run->sums.elapsed_s : 0;
    ffmk_page_call_name(out, call);
    fputs("<span class=\"class\">", out);
    ffmk_html_text(out, call->class ? call->class : "");
    fprintf(
        out,
        "</span></th><td class=\"bar\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
        "aria-hidden=\"true\"><rect class=\"fill\" width=\"%.2f\" height=\"10\"/></svg></td>",
        longest_s > 0 && !call->begins ? 100 * call->time_s / longest_s : 0);
    fprintf(out, "<td>%s</td><td>%s</td><td title=\"%s\">%s</td>",
            call->begins ? "before" : ffmk_units_percent(share).text,
            ffmk_units_time(call->time_s).text, ffmk_units_whole(call->count).text,
            ffmk_units_count((double)call->count).text);
    fprintf(out, "<td>%s</td><td>%s</td><td title=\"%s B\">%s</td><td class=\"durations\">",
            ffmk_units_time(call->count > 0 ? call->time_s / (double)call->count : 0).text,
            ffmk_units_time(call->max_s).text, ffmk_units_whole(call->bytes).text,
            call->bytes ? ffmk_units_bytes((double)call->bytes).text : "–");
    draw_durations(out, run->report, call, range);
    fputs("</td></tr>\n", out);
}

void ffmk_page_calls(FILE *out, const struct ffmk_page_run *run)
{
    const struct ffmk_report *report = run->report;
    if (report->calls.n == 0) {
        fputs("<p class=\"empty\">No MPI calls were recorded.</p>\n", out);
        return;
    }
    size_t shown = report->calls.n < TOP_CALLS ? report->calls.n : TOP_CALLS;
    struct range range = used_buckets(report, shown);
    fputs("<div class=\"scroll\"><table class=\"calls\"><thead><tr><th scope=\"col\">call</th>"
          "<th scope=\"col\" class=\"bar\"></th>"
          "<th scope=\"col\" class=\"wrap\">of all ranks' time</th>"
          "<th scope=\"col\">time</th><th scope=\"col\">count</th><th scope=\"col\">mean</th>"
          "<th scope=\"col\">longest</th><th scope=\"col\">bytes</th><th scope=\"col\" "
          "class=\"durations\">"
          "durations<span class=\"ends\"><span>",
          out);
    if (report->n_edges > 0)
        fprintf(out, "%s%s</span><span>%s%s", range.first ? "" : "≤ ",
                ffmk_units_time(report->edges_s[range.first ? range.first - 1 : 0]).text,
                range.last < report->n_edges ? "" : "> ",
                ffmk_units_time(
                    report->edges_s[range.last < report->n_edges ? range.last : range.last - 1])
                    .text);
    fputs("</span></span></th></tr></thead><tbody>\n", out);
    for (size_t i = 0; i < shown; i++)
        write_call(out, run, &report->calls.rows[i], range, report->calls.rows[0].time_s);
    fputs("</tbody></table></div>\n"
          "<p class=\"note\">Durations: calls a bucket, all on one axis; the height is the square "
          "root of the count, "
          "so that rare long calls show. Calls that start MPI lie before the time that is "
          "reported.</p>\n",
          out);
    if (shown < report->calls.n) {
        double rest = 0;
        for (size_t i = shown; i < report->calls.n; i++)
            rest += report->calls.rows[i].time_s;
        fprintf(out,
                "<p class=\"note\">%zu more calls took %s together; <code>ffmk report --csv</code> "
                "lists all.</p>\n",
                report->calls.n - shown, ffmk_units_time(rest).text);
    }
}
