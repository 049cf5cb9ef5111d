/* SPDX-License-Identifier: BSD-3-Clause
 * Rank × time: a picture with a row a rank (or a few) and a column an interval, coloured by what
 * the time went into. Equal neighbours in a row are one rectangle and one colour is one path, so
 * that a large job stays a small page. */
#include "cli/page_colour.h"
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 128, MOST_COLUMNS = 256, MOST_HOST_LINES = 40, HEX_BYTES = 4 };

/* The picture: rows × columns of shares, each the mean over ranks_per_row ranks and per_column
 * intervals. */
struct heat {
    size_t rows;
    size_t columns;
    size_t ranks_per_row;
    size_t per_column;
    double *mpi; /* not waiting */
    double *wait;
};

/* How long an interval really is: the last ones end with the run. */
static double interval_length(const struct ffmk_report *report, size_t i)
{
    double begin = (double)i * report->interval_s;
    double left = report->elapsed_s - begin;
    return left >= report->interval_s ? report->interval_s : left > 0 ? left : 0;
}

static int make_heat(const struct ffmk_report *report, struct heat *heat)
{
    size_t n = report->n_per_rank;
    heat->ranks_per_row = (n + MOST_ROWS - 1) / MOST_ROWS;
    heat->rows = (n + heat->ranks_per_row - 1) / heat->ranks_per_row;
    heat->per_column = (report->n_intervals + MOST_COLUMNS - 1) / MOST_COLUMNS;
    heat->columns = (report->n_intervals + heat->per_column - 1) / heat->per_column;
    heat->mpi = calloc(heat->rows * heat->columns, sizeof *heat->mpi);
    heat->wait = calloc(heat->rows * heat->columns, sizeof *heat->wait);
    double *length = calloc(heat->rows * heat->columns, sizeof *length);
    int good = heat->mpi && heat->wait && length;
    for (size_t r = 0; good && r < n; r++) {
        const struct ffmk_report_rank *rank = &report->per_rank[r];
        for (size_t i = 0; rank->mpi && i < report->n_intervals; i++) {
            size_t cell = r / heat->ranks_per_row * heat->columns + i / heat->per_column;
            double all = interval_length(report, i);
            double mpi = fmin(rank->mpi[i], all);
            double wait = fmin(rank->wait[i], mpi);
            heat->mpi[cell] += mpi - wait;
            heat->wait[cell] += wait;
            length[cell] += all;
        }
    }
    for (size_t i = 0; good && i < heat->rows * heat->columns; i++) {
        heat->mpi[i] = length[i] > 0 ? heat->mpi[i] / length[i] : 0;
        heat->wait[i] = length[i] > 0 ? heat->wait[i] / length[i] : 0;
    }
    free(length);
    return good;
}

static bool same(struct ffmk_colour_mix a, struct ffmk_colour_mix b)
{
    return a.mpi == b.mpi && a.wait == b.wait;
}

/* All cells of one colour as one path of runs. */
static void draw_colour(FILE *out, const struct heat *heat, struct ffmk_colour_mix colour)
{
    bool any = false;
    for (size_t row = 0; row < heat->rows; row++)
        for (size_t from = 0, to; from < heat->columns; from = to) {
            const size_t base = row * heat->columns;
            to = from + 1;
            if (!same(ffmk_colour_mix(heat->mpi[base + from], heat->wait[base + from]), colour))
                continue;
            while (to < heat->columns &&
                   same(ffmk_colour_mix(heat->mpi[base + to], heat->wait[base + to]), colour))
                to++;
            if (!any)
                fprintf(out, "<path class=\"k%d-%d\" d=\"", colour.mpi, colour.wait);
            any = true;
            fprintf(out, "M%zu %zuh%zuv1h-%zuz", from, row, to - from, to - from);
        }
    if (any)
        fputs("\"/>\n", out);
}

/* First known rank of a row. */
static const struct ffmk_report_rank *first_of(const struct ffmk_report *report,
                                               const struct heat *heat, size_t row)
{
    return &report->per_rank[row * heat->ranks_per_row];
}

static bool draw_host_lines(FILE *out, const struct ffmk_report *report, const struct heat *heat)
{
    if (report->n_hosts < 2 || report->n_hosts > MOST_HOST_LINES || heat->rows < report->n_hosts)
        return false;
    fputs("<path class=\"hosts\" d=\"", out);
    for (size_t row = 1; row < heat->rows; row++)
        if (strcmp(first_of(report, heat, row)->host, first_of(report, heat, row - 1)->host) != 0)
            fprintf(out, "M0 %zuh%zu", row, heat->columns);
    fputs("\"/>", out);
    return true;
}

/* What the script shows under the pointer: two shares a cell as two hexadecimal digits each, and
 * who is in a row. */
static void write_data(FILE *out, const struct ffmk_report *report, const struct heat *heat)
{
    fprintf(out, " data-heat=\"%zu %zu %zu %.9g %.9g\" data-rows=\"", heat->rows, heat->columns,
            heat->ranks_per_row, report->interval_s * (double)heat->per_column, report->elapsed_s);
    for (size_t row = 0; row < heat->rows; row++) {
        size_t last = (row + 1) * heat->ranks_per_row;
        if (last > report->n_per_rank)
            last = report->n_per_rank;
        fprintf(out, "%s%d %d ", row ? "&#10;" : "", first_of(report, heat, row)->rank,
                report->per_rank[last - 1].rank);
        ffmk_html_text(out, first_of(report, heat, row)->host);
    }
    fputs("\" data-cells=\"", out);
    for (size_t i = 0; i < heat->rows * heat->columns; i++)
        fprintf(out, "%02x%02x", (unsigned)lround(heat->mpi[i] * 255) & 255u,
                (unsigned)lround(heat->wait[i] * 255) & 255u);
    fputs("\"", out);
}

static void write_rank_axis(FILE *out, const struct ffmk_report *report, const struct heat *heat)
{
    size_t step = 1;
    while (heat->rows > 8 * step)
        step *= 2;
    fputs("<div class=\"yaxis\" aria-hidden=\"true\">", out);
    for (size_t row = 0; row < heat->rows; row += step)
        fprintf(out, "<span style=\"top:%.2f%%\">%d</span>",
                100 * ((double)row + 0.5) / (double)heat->rows, first_of(report, heat, row)->rank);
    fputs("</div>", out);
}

static double row_pixels(size_t rows)
{
    return rows <= 4 ? 26 : rows <= 16 ? 16 : rows <= 40 ? 8 : rows <= 80 ? 5 : 3.2;
}

void ffmk_page_heat(FILE *out, const struct ffmk_page_run *run, const struct ffmk_page_scale *scale)
{
    const struct ffmk_report *report = run->report;
    if (report->n_intervals == 0) {
        fputs("<p class=\"empty\">This report has no time line.</p>\n", out);
        return;
    }
    struct heat heat = {0};
    if (make_heat(report, &heat)) {
        double column_s = report->interval_s * (double)heat.per_column;
        double width = scale->elapsed_s / column_s;
        fputs("<div class=\"plot\"><div class=\"ylabel\">rank</div>", out);
        write_rank_axis(out, report, &heat);
        fprintf(
            out,
            "<div class=\"area\" style=\"height:%.0fpx\"><svg class=\"cells\" viewBox=\"0 0 %.3f "
            "%zu\" "
            "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Heat map of %zu ranks over %s: "
            "of all time "
            "%s useful, %s in MPI, of that %s waiting\"",
            row_pixels(heat.rows) * (double)heat.rows, width, heat.rows, report->n_per_rank,
            ffmk_units_time(report->elapsed_s).text,
            ffmk_units_percent(run->sums.elapsed_s > 0 ? run->sums.useful_s / run->sums.elapsed_s
                                                       : 0)
                .text,
            ffmk_units_percent(run->sums.elapsed_s > 0 ? run->sums.mpi_s / run->sums.elapsed_s : 0)
                .text,
            ffmk_units_percent(run->sums.mpi_s > 0 ? run->sums.wait_s / run->sums.mpi_s : 0).text);
        write_data(out, report, &heat);
        fputs(">\n", out);
        fprintf(out, "<svg width=\"%.3f\" height=\"%zu\">", report->elapsed_s / column_s,
                heat.rows);
        for (int mpi = 0; mpi <= FFMK_COLOUR_STEPS; mpi++)
            for (int wait = 0; mpi + wait <= FFMK_COLOUR_STEPS; wait++)
                draw_colour(out, &heat, (struct ffmk_colour_mix){mpi, wait});
        bool lines = draw_host_lines(out, report, &heat);
        fputs("</svg></svg></div>", out);
        ffmk_html_time_axis(out, scale->elapsed_s, run->letter ? 5 : 9);
        fputs("</div>\n", out);
        fputs("<p class=\"note\">", out);
        if (heat.ranks_per_row > 1)
            fprintf(out, "Each row is the mean of %zu ranks", heat.ranks_per_row);
        else
            fputs("Each row is a rank", out);
        fprintf(out, ", each column %s.%s</p>\n", ffmk_units_time(column_s).text,
                lines ? " Lines part the hosts." : "");
    }
    free(heat.mpi);
    free(heat.wait);
}

void ffmk_page_heat_legend(FILE *out)
{
    fputs("<div class=\"mix\"><svg viewBox=\"0 0 220 92\" role=\"img\" aria-label=\"Colours: pale "
          "is useful work, "
          "amber is MPI moving data, crimson is MPI waiting\">",
          out);
    for (int mpi = 0; mpi <= FFMK_COLOUR_STEPS; mpi++)
        for (int wait = 0; mpi + wait <= FFMK_COLOUR_STEPS; wait++)
            fprintf(out, "<rect class=\"k%d-%d\" x=\"%.1f\" y=\"%d\" width=\"5\" height=\"4\"/>",
                    mpi, wait, 107.5 + 2.5 * (wait - mpi), 18 + 4 * (mpi + wait));
    fputs("<text x=\"110\" y=\"12\" text-anchor=\"middle\">useful</text>"
          "<text x=\"60\" y=\"85\" text-anchor=\"end\">MPI</text>"
          "<text x=\"160\" y=\"85\">waiting</text></svg></div>\n",
          out);
}
