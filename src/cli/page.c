/* SPDX-License-Identifier: BSD-3-Clause
 * The frame of the page: head, headline, order of the parts. Figures and tables are in rooms of
 * their own. */
#include "cli/page.h"

#include "cli/page_colour.h"
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report_units.h"

#include <ffmk.h>
#include <string.h>

static void write_head(FILE *out, const struct ffmk_page_run *runs, size_t n)
{
    /* No origin is allowed and only our own script: whatever a report holds, the page loads and
     * runs nothing else. */
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; "
          "script-src 'nonce-ffmk'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    ffmk_html_text(out, runs[0].report->command);
    if (n == 2)
        fputs(" – two runs compared", out);
    fputs(" – ffmk report</title>\n<style>\n", out);
    ffmk_colour_style(out);
    for (const char *const *piece = ffmk_page_style; *piece; piece++)
        fputs(*piece, out);
    fputs("</style></head>\n<body>\n<main>\n", out);
}

static void write_line(FILE *out, const struct ffmk_report *report)
{
    fprintf(out, "%s rank%s on %zu host%s · ", ffmk_units_whole(report->ranks).text,
            report->ranks == 1 ? "" : "s", report->n_hosts, report->n_hosts == 1 ? "" : "s");
    char library[96];
    ffmk_report_library(report, library, sizeof library);
    ffmk_html_text(out, library);
    fputs(" · ", out);
    ffmk_html_moment(out, report->started);
}

static void write_partial(FILE *out, const struct ffmk_page_run *run)
{
    if (run->report->complete)
        return;
    fputs("<p class=\"partial\" role=\"note\"><b>Partial report", out);
    if (run->letter)
        fprintf(out, " (%c)", run->letter);
    fprintf(out, ":</b> %s. Sums and efficiencies are over the known ranks.</p>\n",
            ffmk_report_partial(run->report).text);
}

static void write_number(FILE *out, const char *name, struct ffmk_units value, const char *below)
{
    fprintf(out, "<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>\n", name, value.text, below);
}

/* What the time of all ranks went into, in shares of all of it. */
static void shares_of(const struct ffmk_report_sums *sums, double shares[FFMK_HTML_KINDS])
{
    double wait = sums->wait_s < sums->mpi_s ? sums->wait_s : sums->mpi_s;
    double all = sums->useful_s + sums->mpi_s + sums->overhead_s;
    if (all < sums->elapsed_s)
        all = sums->elapsed_s;
    shares[FFMK_HTML_USEFUL] = all > 0 ? sums->useful_s / all : 0;
    shares[FFMK_HTML_MPI] = all > 0 ? (sums->mpi_s - wait) / all : 0;
    shares[FFMK_HTML_WAIT] = all > 0 ? wait / all : 0;
    shares[FFMK_HTML_OWN] = all > 0 ? sums->overhead_s / all : 0;
}

static void write_time_bar(FILE *out, const struct ffmk_page_run *run)
{
    double shares[FFMK_HTML_KINDS];
    shares_of(&run->sums, shares);
    fputs("<figure class=\"time-bar\">", out);
    fputs("<svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\" "
          "aria-label=\"Shares of all ranks' "
          "time\">",
          out);
    double x = 0;
    for (int i = 0; i < FFMK_HTML_KINDS; i++) {
        fprintf(out,
                "<rect class=\"%s\" x=\"%.2f\" width=\"%.2f\" height=\"10\"><title>%s: "
                "%s</title></rect>",
                ffmk_html_classes[i], x, 1000 * shares[i], ffmk_html_kinds[i],
                ffmk_units_percent(shares[i]).text);
        x += 1000 * shares[i];
    }
    fputs("</svg>", out);
    ffmk_html_kind_legend(out, shares);
    fputs("</figure>\n", out);
}

static void write_summary(FILE *out, const struct ffmk_page_run *run)
{
    const struct ffmk_report *report = run->report;
    fputs("<header><p class=\"eyebrow\"><code>", out);
    ffmk_html_text(out, report->command);
    fputs("</code></p>\n<h1>", out);
    ffmk_html_text(out, report->advice);
    fputs("</h1>\n<p class=\"line\">", out);
    write_line(out, report);
    fputs("</p></header>\n", out);
    write_partial(out, run);

    char below[2][96];
    int64_t calls = 0;
    for (size_t i = 0; i < report->calls.n; i++)
        calls += report->calls.rows[i].count < INT64_MAX - calls ? report->calls.rows[i].count
                                                                 : INT64_MAX - calls;
    fputs("<dl class=\"numbers\">\n", out);
    snprintf(below[0], sizeof below[0], "%s of all ranks",
             ffmk_units_time(run->sums.elapsed_s).text);
    write_number(out, "Elapsed", ffmk_units_time(report->elapsed_s), below[0]);
    write_number(out, "Parallel efficiency", ffmk_units_percent(report->efficiency.parallel),
                 "useful share of it");
    snprintf(below[0], sizeof below[0], "rank %d, %s of the mean", run->sums.most_useful->rank,
             ffmk_units_ratio(run->sums.most_useful->useful_s, run->sums.mean_useful_s).text);
    write_number(out, "Most work", ffmk_units_time(run->sums.most_useful->useful_s), below[0]);
    snprintf(below[0], sizeof below[0], "%s of them in MPI",
             ffmk_units_percent(run->sums.elapsed_s > 0 ? run->sums.mpi_s / run->sums.elapsed_s : 0)
                 .text);
    write_number(out, "MPI calls", ffmk_units_count((double)calls), "all ranks");
    snprintf(below[1], sizeof below[1], "%.3g ns a call", report->ns_per_call);
    write_number(out, "Cost of measuring", ffmk_units_percent(report->overhead_share), below[1]);
    fputs("</dl>\n", out);
    write_time_bar(out, run);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* Words, and behind them a number that is not broken from its unit. */
#define NB "%s <span class=\"nb\">%s</span>"

/* How the times compare, in one sentence; both are named unless they read the same. */
static void write_headline(FILE *out, double before_s, double after_s)
{
    struct ffmk_units before = ffmk_units_time(before_s);
    struct ffmk_units after = ffmk_units_time(after_s);
    if (!(before_s > 0) || !(after_s > 0))
        fprintf(out, NB ", " NB ".", "A took", before.text, "B", after.text);
    else if (after_s < before_s * 0.995)
        fprintf(out, "B is %s as fast: " NB NB ".", ffmk_units_ratio(before_s, after_s).text, "",
                after.text, " instead of ", before.text);
    else if (after_s > before_s * 1.005)
        fprintf(out, "B takes %s the time: " NB NB ".", ffmk_units_ratio(after_s, before_s).text,
                "", after.text, " instead of ", before.text);
    else if (strcmp(before.text, after.text) == 0)
        fprintf(out, NB ".", "Both take the same time:", after.text);
    else
        fprintf(out, NB " " NB ".", "Both take nearly the same time:", before.text, "and",
                after.text);
}

static void write_comparison(FILE *out, const struct ffmk_page_run *a,
                             const struct ffmk_page_run *b)
{
    fputs("<header><p class=\"eyebrow\">Two runs compared</p>\n<h1>", out);
    write_headline(out, a->report->elapsed_s, b->report->elapsed_s);
    if (a->report->ranks != b->report->ranks)
        fprintf(out, " A ran on " NB ", B on <span class=\"nb\">%s</span>.",
                ffmk_units_whole(a->report->ranks).text, a->report->ranks == 1 ? "rank" : "ranks",
                ffmk_units_whole(b->report->ranks).text);
    fputs("</h1>\n", out);
    const struct ffmk_page_run *runs[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        fprintf(out, "<p class=\"line\"><span class=\"letter %c\">%c</span> <b>", runs[i]->letter,
                runs[i]->letter);
        ffmk_html_text(out, base_name(runs[i]->report->file));
        fputs("</b> · <code>", out);
        ffmk_html_text(out, runs[i]->report->command);
        fputs("</code> · ", out);
        write_line(out, runs[i]->report);
        fputs("</p>\n", out);
    }
    fputs("</header>\n", out);
    write_partial(out, a);
    write_partial(out, b);
    ffmk_page_compare_numbers(out, a, b);
}

/* One figure for each run, side by side where the window is wide enough. */
static void write_runs(FILE *out, const struct ffmk_page_run *runs, size_t n,
                       const struct ffmk_page_scale *scale,
                       void (*draw)(FILE *, const struct ffmk_page_run *,
                                    const struct ffmk_page_scale *))
{
    fputs("<div class=\"runs\">", out);
    for (size_t i = 0; i < n; i++) {
        fputs("<div class=\"run\">", out);
        if (runs[i].letter) {
            fprintf(out, "<h3><span class=\"letter %c\">%c</span> ", runs[i].letter,
                    runs[i].letter);
            ffmk_html_text(out, base_name(runs[i].report->file));
            fputs("</h3>\n", out);
        }
        draw(out, &runs[i], scale);
        fputs("</div>\n", out);
    }
    fputs("</div>\n", out);
}

static struct ffmk_page_scale scale_of(const struct ffmk_page_run *runs, size_t n)
{
    struct ffmk_page_scale scale = {.ranks_per_cell = -1};
    for (size_t i = 0; i < n; i++) {
        const struct ffmk_report *report = runs[i].report;
        if (report->elapsed_s > scale.elapsed_s)
            scale.elapsed_s = report->elapsed_s;
        for (size_t k = 0; k < report->n_per_rank; k++) {
            const struct ffmk_report_rank *rank = &report->per_rank[k];
            double height = rank->useful_s + rank->mpi_s + rank->overhead_s;
            if (height > scale.rank_s)
                scale.rank_s = height;
        }
        ffmk_page_matrix_range(report, &scale);
    }
    return scale;
}

static void write_figures(FILE *out, const struct ffmk_page_run *runs, size_t n)
{
    struct ffmk_page_scale scale = scale_of(runs, n);
    ffmk_html_section(out, "efficiency", "Efficiency, factor by factor",
                      "Each number is the product of those to its right. 100 % would be no loss.");
    ffmk_page_tree(out, runs, n);
    fputs("</section>\n", out);

    ffmk_html_section(out, "time", "Every rank over time", NULL);
    fputs("<div class=\"with-legend\"><p class=\"caption\">The cool colour is useful work, amber "
          "is MPI "
          "moving data, crimson "
          "is MPI waiting for others; in between they mix.</p>",
          out);
    ffmk_page_heat_legend(out);
    fputs("</div>\n", out);
    write_runs(out, runs, n, &scale, ffmk_page_heat);
    fputs("</section>\n", out);

    ffmk_html_section(out, "ranks", "What every rank did",
                      "A column a rank. The dashed line is the mean of useful work: what rises "
                      "above it holds up the "
                      "others.");
    fputs("<input type=\"radio\" name=\"order\" id=\"order-rank\" checked><label "
          "for=\"order-rank\">by rank</label>"
          "<input type=\"radio\" name=\"order\" id=\"order-work\"><label for=\"order-work\">most "
          "work first</label>\n",
          out);
    write_runs(out, runs, n, &scale, ffmk_page_ranks);
    ffmk_html_kind_legend(out, NULL);
    fputs("</section>\n", out);

    ffmk_html_section(out, "matrix", "Who sends to whom",
                      "Point-to-point messages: rows send, columns receive.");
    write_runs(out, runs, n, &scale, ffmk_page_matrix);
    ffmk_page_matrix_legend(out, &scale);
    fputs("</section>\n", out);
}

static void write_tables(FILE *out, const struct ffmk_page_run *runs, size_t n)
{
    ffmk_html_section(out, "calls", "MPI calls", NULL);
    if (n == 2)
        ffmk_page_compare_calls(out, &runs[0], &runs[1]);
    else
        ffmk_page_calls(out, &runs[0]);
    fputs("</section>\n", out);

    ffmk_html_section(out, "regions", "Regions", NULL);
    if (n == 2)
        ffmk_page_compare_regions(out, &runs[0], &runs[1]);
    else
        ffmk_page_regions(out, &runs[0]);
    fputs("</section>\n", out);

    ffmk_html_section(out, "counters", "Counters", NULL);
    if (n == 2)
        ffmk_page_compare_counters(out, &runs[0], &runs[1]);
    else
        ffmk_page_counters(out, &runs[0]);
    fputs("</section>\n", out);

    ffmk_html_section(out, "run", n == 2 ? "The runs" : "The run", NULL);
    ffmk_page_facts(out, runs, n);
    fputs("</section>\n", out);
}

void ffmk_page(FILE *out, const struct ffmk_report *before, const struct ffmk_report *after)
{
    struct ffmk_page_run runs[2] = {{before, ffmk_report_sum(before), after ? 'A' : 0}};
    size_t n = 1;
    if (after)
        runs[n++] = (struct ffmk_page_run){after, ffmk_report_sum(after), 'B'};
    write_head(out, runs, n);
    if (n == 2)
        write_comparison(out, &runs[0], &runs[1]);
    else
        write_summary(out, &runs[0]);
    write_figures(out, runs, n);
    write_tables(out, runs, n);
    fputs("</main>\n<footer>Made by ffmk " FFMK_VERSION_STRING
          ". Useful time is time outside MPI, with ffmk's own "
          "cost taken off. Efficiencies are the POP metrics.</footer>\n<div id=\"tip\" "
          "role=\"status\" hidden></div>\n"
          "<script nonce=\"ffmk\">\n",
          out);
    fputs(ffmk_page_script, out);
    fputs("</script>\n</body></html>\n", out);
}
