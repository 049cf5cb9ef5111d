/* SPDX-License-Identifier: BSD-3-Clause
 * A column a rank: what its time went into. Drawn twice, by rank and by work; the reader chooses
 * without a script. */
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report.h"
#include "cli/report_units.h"

#include <stdlib.h>

enum { MOST_COLUMNS = 256, HEIGHT = 200 };

struct column {
    const struct ffmk_report_rank *first;
    size_t ranks;
    double parts[FFMK_HTML_KINDS]; /* means, in seconds */
};

static void split(const struct ffmk_report_rank *rank, double parts[FFMK_HTML_KINDS])
{
    double wait = rank->wait_s < rank->mpi_s ? rank->wait_s : rank->mpi_s;
    parts[FFMK_HTML_USEFUL] = rank->useful_s;
    parts[FFMK_HTML_MPI] = rank->mpi_s - wait;
    parts[FFMK_HTML_WAIT] = wait;
    parts[FFMK_HTML_OWN] = rank->overhead_s;
}

static void draw_column(FILE *out, const struct column *column, size_t at, double gap, double top_s)
{
    const struct ffmk_report_rank *rank = column->first;
    fputs("<g><title>", out);
    if (column->ranks == 1)
        fprintf(out, "rank %d on ", rank->rank);
    else
        fprintf(out, "mean of %zu ranks from rank %d on ", column->ranks, rank->rank);
    ffmk_html_text(out, rank->host);
    for (int i = 0; i < FFMK_HTML_KINDS; i++)
        fprintf(out, "%s%s %s", i ? ", " : ": ", ffmk_html_kinds[i],
                ffmk_units_time(column->parts[i]).text);
    fputs("</title>", out);
    double y = HEIGHT;
    for (int i = 0; i < FFMK_HTML_KINDS; i++) {
        double height = top_s > 0 ? HEIGHT * column->parts[i] / top_s : 0;
        if (height > y)
            height = y;
        if (height < 0.02)
            continue;
        y -= height;
        fprintf(out, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
                ffmk_html_classes[i], (double)at + gap / 2, y, 1 - gap, height);
    }
    fputs("</g>\n", out);
}

static void draw(FILE *out, const struct ffmk_page_run *run, const struct ffmk_report_rank **order,
                 bool sorted, const struct ffmk_page_scale *scale)
{
    const struct ffmk_report *report = run->report;
    size_t n = report->n_per_rank;
    size_t group = (n + MOST_COLUMNS - 1) / MOST_COLUMNS;
    size_t columns = (n + group - 1) / group;
    struct ffmk_html_ticks ticks = ffmk_html_time_ticks(scale->rank_s, 5);
    fprintf(out,
            "<div class=\"plot ranks %s\"><div class=\"ylabel\">%s</div><div class=\"yaxis\" "
            "aria-hidden=\"true\">",
            sorted ? "by-work" : "by-rank", ticks.name);
    for (int i = 0; i < ticks.n; i++)
        fprintf(out, "<span style=\"bottom:%.2f%%\">%g</span>",
                scale->rank_s > 0 ? 100 * ticks.at[i] / scale->rank_s : 0,
                ticks.at[i] / ticks.unit);
    fprintf(out,
            "</div><div class=\"area\" style=\"height:%dpx;max-width:%zupx\"><svg viewBox=\"0 0 "
            "%zu %d\" "
            "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Time of every rank, %s: useful "
            "work from %s to %s, "
            "mean %s\">\n",
            HEIGHT, columns * 64 + 40, columns, HEIGHT, sorted ? "most work first" : "by rank",
            ffmk_units_time(run->sums.least_useful->useful_s).text,
            ffmk_units_time(run->sums.most_useful->useful_s).text,
            ffmk_units_time(run->sums.mean_useful_s).text);
    double gap = columns <= 80 ? 0.16 : 0;
    for (size_t c = 0; c < columns; c++) {
        struct column column = {.first = order[c * group]};
        for (size_t i = c * group; i < n && i < (c + 1) * group; i++) {
            double parts[FFMK_HTML_KINDS];
            split(order[i], parts);
            for (int k = 0; k < FFMK_HTML_KINDS; k++)
                column.parts[k] += parts[k];
            column.ranks++;
        }
        for (int k = 0; k < FFMK_HTML_KINDS; k++)
            column.parts[k] /= (double)column.ranks;
        draw_column(out, &column, c, gap, scale->rank_s);
    }
    double mean =
        scale->rank_s > 0 ? HEIGHT * (1 - run->sums.mean_useful_s / scale->rank_s) : HEIGHT;
    fprintf(out, "<path class=\"mean\" d=\"M0 %.2fH%zu\"/></svg></div>", mean, columns);
    fprintf(out, "<div class=\"xaxis\" style=\"max-width:%zupx\" aria-hidden=\"true\">",
            columns * 64 + 40);
    size_t step = 1;
    while (columns > 9 * step)
        step *= 2;
    for (size_t c = 0; c < columns; c += step)
        fprintf(out, "<span class=\"mid\" style=\"left:%.2f%%\">%d</span>",
                100 * ((double)c + 0.5) / (double)columns, order[c * group]->rank);
    fputs("</div></div>\n", out);
    if (group > 1)
        fprintf(out, "<p class=\"note %s\">Each column is the mean of %zu ranks.</p>\n",
                sorted ? "by-work" : "by-rank", group);
}

void ffmk_page_ranks(FILE *out, const struct ffmk_page_run *run,
                     const struct ffmk_page_scale *scale)
{
    const struct ffmk_report *report = run->report;
    const struct ffmk_report_rank **order =
        calloc(report->n_per_rank, sizeof(const struct ffmk_report_rank *));
    if (!order)
        return;
    for (size_t i = 0; i < report->n_per_rank; i++)
        order[i] = &report->per_rank[i];
    draw(out, run, order, false, scale);
    qsort(order, report->n_per_rank, sizeof *order, ffmk_report_more_useful);
    draw(out, run, order, true, scale);
    fprintf(
        out,
        "<p class=\"note\">Useful work: mean %s, most %s on rank %d, least %s on rank %d.</p>\n",
        ffmk_units_time(run->sums.mean_useful_s).text,
        ffmk_units_time(run->sums.most_useful->useful_s).text, run->sums.most_useful->rank,
        ffmk_units_time(run->sums.least_useful->useful_s).text, run->sums.least_useful->rank);
    free(order);
}
