/* SPDX-License-Identifier: BSD-3-Clause
 * Regions, counters and the facts of a run, as tables. */
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report_units.h"

#include <math.h>
#include <string.h>

enum { TOP_REGIONS = 24, TOP_HOSTS = 16, SPARK_COLUMNS = 64, SPARK_HEIGHT = 24 };

static void write_share(FILE *out, double share)
{
    fprintf(out,
            "<td class=\"share\">%s<svg viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" "
            "aria-hidden=\"true\">"
            "<rect class=\"track\" width=\"100\" height=\"4\"/><rect class=\"fill\" width=\"%.1f\" "
            "height=\"4\"/>"
            "</svg></td>",
            ffmk_units_percent(share).text, 100 * fmin(1, fmax(0, share)));
}

void ffmk_page_regions(FILE *out, const struct ffmk_page_run *run)
{
    const struct ffmk_report *report = run->report;
    if (report->n_regions == 0) {
        fputs("<p class=\"empty\">No regions were recorded.</p>\n", out);
        return;
    }
    fputs(
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">region</th><th "
        "scope=\"col\">time</th>"
        "<th scope=\"col\">exclusive</th><th scope=\"col\">in MPI</th><th scope=\"col\">opened</th>"
        "<th scope=\"col\">efficiency</th><th scope=\"col\">load balance</th><th "
        "scope=\"col\">communication</th>"
        "<th scope=\"col\" class=\"left\">most time in</th></tr></thead><tbody>\n",
        out);
    size_t shown = report->n_regions < TOP_REGIONS ? report->n_regions : TOP_REGIONS;
    for (size_t i = 0; i < shown; i++) {
        const struct ffmk_report_region *region = &report->regions[i];
        fputs("<tr><th scope=\"row\">", out);
        ffmk_html_name(out, region->name);
        fprintf(out, "</th><td>%s</td><td>%s</td>", ffmk_units_time(region->time_s).text,
                ffmk_units_time(region->exclusive_s).text);
        write_share(out, region->exclusive_s > 0 ? region->mpi_s / region->exclusive_s : 0);
        fprintf(out, "<td title=\"%s\">%s</td>", ffmk_units_whole(region->count).text,
                ffmk_units_count((double)region->count).text);
        write_share(out, region->efficiency.parallel);
        write_share(out, region->efficiency.load_balance);
        write_share(out, region->efficiency.communication);
        fputs("<td class=\"left\">", out);
        if (region->calls.n > 0) {
            fputs("<code>", out);
            ffmk_html_name(out, region->calls.rows[0].name);
            fprintf(out, "</code> <span class=\"nb\">%s</span>",
                    ffmk_units_time(region->calls.rows[0].time_s).text);
        }
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    if (shown < report->n_regions)
        fprintf(out, "<p class=\"note\">%zu more regions took less.</p>\n",
                report->n_regions - shown);
}

/* A counter over the ranks, as columns of their means. */
static void draw_counter(FILE *out, const struct ffmk_report *report, size_t counter, double most)
{
    size_t group = (report->n_per_rank + SPARK_COLUMNS - 1) / SPARK_COLUMNS;
    size_t columns = (report->n_per_rank + group - 1) / group;
    fprintf(out,
            "<svg class=\"spark\" viewBox=\"0 0 %zu %d\" preserveAspectRatio=\"none\" "
            "aria-hidden=\"true\">",
            columns, SPARK_HEIGHT);
    for (size_t c = 0; c < columns; c++) {
        double sum = 0;
        double n = 0;
        for (size_t i = c * group; i < report->n_per_rank && i < (c + 1) * group; i++)
            if (!isnan(report->per_rank[i].counters[counter])) {
                sum += report->per_rank[i].counters[counter];
                n++;
            }
        double height = n > 0 && most > 0 ? SPARK_HEIGHT * (sum / n / most) : 0;
        fprintf(out, "<rect x=\"%zu.08\" y=\"%.2f\" width=\".84\" height=\"%.2f\"/>", c,
                SPARK_HEIGHT - height, height);
    }
    fputs("</svg>", out);
}

void ffmk_page_counters(FILE *out, const struct ffmk_page_run *run)
{
    const struct ffmk_report *report = run->report;
    if (report->n_counters == 0) {
        fputs("<p class=\"empty\">Counters were off.</p>\n", out);
        return;
    }
    fputs("<div class=\"scroll\"><table><thead><tr><th scope=\"col\">counter</th><th "
          "scope=\"col\">sum</th>"
          "<th scope=\"col\">mean</th><th scope=\"col\">least</th><th scope=\"col\">most</th><th "
          "scope=\"col\">"
          "on rank</th><th scope=\"col\" class=\"durations\">by rank</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < report->n_counters; i++) {
        const char *name = report->counter_names[i];
        double sum = 0;
        double n = 0;
        double least = INFINITY;
        const struct ffmk_report_rank *most = NULL;
        for (size_t k = 0; k < report->n_per_rank; k++) {
            double value = report->per_rank[k].counters[i];
            if (isnan(value))
                continue;
            sum += value;
            n++;
            least = fmin(least, value);
            if (!most || value > most->counters[i])
                most = &report->per_rank[k];
        }
        fputs("<tr><th scope=\"row\"><code>", out);
        ffmk_html_name(out, name);
        fputs("</code></th>", out);
        if (!most) {
            fputs("<td colspan=\"6\">no rank has it</td></tr>\n", out);
            continue;
        }
        fprintf(out,
                "<td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%d</td><td class=\"durations\">",
                ffmk_units_counter(name, sum).text, ffmk_units_counter(name, sum / n).text,
                ffmk_units_counter(name, least).text,
                ffmk_units_counter(name, most->counters[i]).text, most->rank);
        draw_counter(out, report, i, most->counters[i]);
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    fputs("<p class=\"note\">Counted by <code>", out);
    ffmk_html_text(out, report->counter_source);
    fputs("</code>", out);
    if (report->counter_why[0]) {
        fputs("; <code>", out);
        ffmk_html_text(out, report->counter_asked);
        fputs("</code> was asked for: ", out);
        ffmk_html_text(out, report->counter_why);
    }
    fputs("</p>\n", out);
}

static void write_fact(FILE *out, const char *name, const char *value)
{
    fprintf(out, "<dt>%s</dt><dd>", name);
    ffmk_html_text(out, value);
    fputs("</dd>\n", out);
}

static void write_hosts(FILE *out, const struct ffmk_report *report)
{
    fprintf(out, "<dt>Hosts</dt><dd>");
    for (size_t i = 0; i < report->n_hosts && i < TOP_HOSTS; i++) {
        fputs(i ? ", " : "", out);
        ffmk_html_text(out, report->hosts[i].name);
        fprintf(out, " (%zu)", report->hosts[i].ranks);
    }
    if (report->n_hosts > TOP_HOSTS)
        fprintf(out, " and %zu more", report->n_hosts - TOP_HOSTS);
    fputs("</dd>\n", out);
}

void ffmk_page_facts(FILE *out, const struct ffmk_page_run *runs, size_t n)
{
    fputs("<div class=\"runs\">", out);
    for (size_t i = 0; i < n; i++) {
        const struct ffmk_report *report = runs[i].report;
        fputs("<div class=\"run\">", out);
        if (runs[i].letter)
            fprintf(out, "<h3><span class=\"letter %c\">%c</span></h3>", runs[i].letter,
                    runs[i].letter);
        fputs("<dl class=\"facts\">\n", out);
        write_fact(out, "Command", report->command);
        write_fact(out, "Job", report->job);
        write_fact(out, "Started", report->started);
        write_fact(out, "Ended by",
                   strcmp(report->ending, "finalize") == 0 ? "MPI_Finalize"
                   : strcmp(report->ending, "abort") == 0  ? "MPI_Abort"
                                                           : "exit without MPI_Finalize");
        write_fact(out, "MPI", report->mpi);
        fprintf(out, "<dt>Ranks</dt><dd>%s</dd>\n", ffmk_units_whole(report->ranks).text);
        write_hosts(out, report);
        int64_t threads = 0;
        for (size_t k = 0; k < report->n_per_rank; k++)
            threads = report->per_rank[k].threads > threads ? report->per_rank[k].threads : threads;
        fprintf(out, "<dt>Threads</dt><dd>at most %s a rank called MPI</dd>\n",
                ffmk_units_whole(threads).text);
        fputs("<dt>Clock</dt><dd>", out);
        ffmk_html_text(out, report->clock);
        fprintf(out,
                ", %.3g ns a call</dd>\n<dt>Recorder</dt><dd>at most %s a rank, bounded</dd>\n",
                report->ns_per_call, ffmk_units_bytes((double)report->recorder_bytes).text);
        write_fact(out, "Written by", report->ffmk);
        write_fact(out, "File", report->file);
        fputs("</dl></div>\n", out);
    }
    fputs("</div>\n", out);
}
