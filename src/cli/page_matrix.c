/* SPDX-License-Identifier: BSD-3-Clause
 * Who sends how much to whom: a matrix of point-to-point traffic on a logarithmic colour scale. */
#include "cli/page_colour.h"
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report_units.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_BINS = 128 };

/* The matrix as it is drawn: bins × bins cells, each k × k bins of the report. */
struct matrix {
    int bins;
    int k;
    struct cell {
        double messages;
        double bytes;
    } * cells;
};

static struct cell *cell_at(const struct matrix *matrix, int row, int column)
{
    return &matrix->cells[(size_t)row * (size_t)matrix->bins + (size_t)column];
}

static int make_matrix(const struct ffmk_report *report, struct matrix *matrix)
{
    matrix->k = (report->bins + MOST_BINS - 1) / MOST_BINS;
    if (matrix->k == 0)
        matrix->k = 1;
    matrix->bins = (report->bins + matrix->k - 1) / matrix->k;
    matrix->cells = calloc((size_t)matrix->bins * (size_t)matrix->bins + 1, sizeof *matrix->cells);
    if (!matrix->cells)
        return 0;
    for (size_t i = 0; i < report->n_traffic; i++) {
        const struct ffmk_report_traffic *t = &report->traffic[i];
        struct cell *cell = cell_at(matrix, t->source / matrix->k, t->destination / matrix->k);
        cell->messages += (double)t->messages;
        cell->bytes += (double)t->bytes;
    }
    return 1;
}

void ffmk_page_matrix_range(const struct ffmk_report *report, struct ffmk_page_scale *scale)
{
    struct matrix matrix;
    if (!make_matrix(report, &matrix))
        return;
    const int edge = matrix.k * report->ranks_per_bin;
    if (report->n_traffic > 0)
        scale->ranks_per_cell =
            scale->ranks_per_cell < 0 || scale->ranks_per_cell == edge ? edge : 0;
    size_t n = (size_t)matrix.bins * (size_t)matrix.bins;
    for (size_t i = 0; i < n && !scale->traffic_bytes; i++)
        if (matrix.cells[i].bytes > 0) {
            scale->traffic_bytes = true;
            scale->traffic_least = 0;
            scale->traffic_most = 0;
        }
    for (size_t i = 0; i < n; i++) {
        double amount = scale->traffic_bytes ? matrix.cells[i].bytes : matrix.cells[i].messages;
        if (amount <= 0)
            continue;
        if (scale->traffic_most <= 0 || amount < scale->traffic_least)
            scale->traffic_least = amount;
        if (amount > scale->traffic_most)
            scale->traffic_most = amount;
    }
    free(matrix.cells);
}

/* The scale spans a decade at least: nearly the same amounts look nearly the same. */
static double scale_begin(const struct ffmk_page_scale *scale)
{
    return fmin(scale->traffic_least, scale->traffic_most / 10);
}

static int level_of(const struct cell *cell, const struct ffmk_page_scale *scale)
{
    double amount = scale->traffic_bytes ? cell->bytes : cell->messages;
    if (cell->messages <= 0 && cell->bytes <= 0)
        return -1;
    double begin = scale_begin(scale);
    if (amount <= begin)
        return 0;
    double at = log(amount / begin) / log(scale->traffic_most / begin);
    int level = (int)(at * FFMK_COLOUR_LEVELS);
    return level < FFMK_COLOUR_LEVELS ? level : FFMK_COLOUR_LEVELS - 1;
}

static void draw_level(FILE *out, const struct matrix *matrix, const struct ffmk_page_scale *scale,
                       int level)
{
    bool any = false;
    for (int row = 0; row < matrix->bins; row++)
        for (int from = 0, to; from < matrix->bins; from = to) {
            const struct cell *cells = cell_at(matrix, row, 0);
            to = from + 1;
            if (level_of(&cells[from], scale) != level)
                continue;
            while (to < matrix->bins && level_of(&cells[to], scale) == level)
                to++;
            if (!any)
                fprintf(out, "<path class=\"a%d\" d=\"", level);
            any = true;
            fprintf(out, "M%d %dh%dv1h-%dz", from, row, to - from, to - from);
        }
    if (any)
        fputs("\"/>\n", out);
}

static void write_axis(FILE *out, const char *class, const char *side, const struct matrix *matrix,
                       int ranks_per_cell)
{
    int step = 1;
    while (matrix->bins > 8 * step)
        step *= 2;
    fprintf(out, "<div class=\"%s\" aria-hidden=\"true\">", class);
    for (int b = 0; b < matrix->bins; b += step)
        fprintf(out, "<span class=\"mid\" style=\"%s:%.2f%%\">%d</span>", side,
                100 * (b + 0.5) / matrix->bins, b * ranks_per_cell);
    fputs("</div>", out);
}

/* "3", or "ranks 4–5" for a bin of several. */
static void write_bin(FILE *out, const struct ffmk_report *report, int bin)
{
    const int first = bin * report->ranks_per_bin;
    const int behind = first + report->ranks_per_bin;
    const int last = (behind < report->ranks ? behind : report->ranks) - 1;
    if (last > first)
        fprintf(out, "<span class=\"nb\">ranks %d–%d</span>", first, last);
    else
        fprintf(out, report->ranks_per_bin > 1 ? "rank %d" : "%d", first);
}

static void write_facts(FILE *out, const struct ffmk_report *report, const struct matrix *matrix,
                        int ranks_per_cell)
{
    double messages = 0;
    double bytes = 0;
    double near = 0;
    const struct ffmk_report_traffic *busiest = NULL;
    for (size_t i = 0; i < report->n_traffic; i++) {
        const struct ffmk_report_traffic *t = &report->traffic[i];
        messages += (double)t->messages;
        bytes += (double)t->bytes;
        if (abs(t->source - t->destination) <= 1)
            near += (double)t->messages;
        if (!busiest || t->bytes > busiest->bytes)
            busiest = t;
    }
    const bool binned = report->ranks_per_bin > 1;
    fprintf(out,
            "<dl class=\"facts "
            "side\"><dt>Messages</dt><dd>%s</dd><dt>Bytes</dt><dd>%s</dd><dt>Mean message</dt>"
            "<dd>%s</dd><dt>To the %s</dt><dd>%s of messages</dd>",
            ffmk_units_count(messages).text, ffmk_units_bytes(bytes).text,
            ffmk_units_bytes(messages > 0 ? floor(bytes / messages) : 0).text,
            binned ? "same or next group" : "next rank",
            ffmk_units_percent(messages > 0 ? near / messages : 0).text);
    if (binned)
        fprintf(out, "<dt>A group</dt><dd>%d ranks: what the report tells apart</dd>",
                report->ranks_per_bin);
    if (busiest) {
        fprintf(out, "<dt>Busiest %s</dt><dd>", binned ? "groups" : "pair");
        write_bin(out, report, busiest->source);
        fputs(" → ", out);
        write_bin(out, report, busiest->destination);
        fprintf(out, ", %s</dd>", ffmk_units_bytes((double)busiest->bytes).text);
    }
    if (ranks_per_cell > 1)
        fprintf(out, "<dt>A cell</dt><dd>%d × %d ranks</dd>", ranks_per_cell, ranks_per_cell);
    fprintf(out, "<dt>Cells with traffic</dt><dd>");
    size_t used = 0;
    for (int i = 0; i < matrix->bins * matrix->bins; i++)
        used += matrix->cells[i].messages > 0;
    fprintf(out, "%s</dd></dl>\n",
            ffmk_units_percent((double)used / ((double)matrix->bins * matrix->bins)).text);
}

static void write_data(FILE *out, const struct ffmk_report *report, const struct matrix *matrix,
                       int ranks_per_cell)
{
    fprintf(out, " data-matrix=\"%d %d %d\" data-cells=\"", matrix->bins, ranks_per_cell,
            report->ranks);
    for (int i = 0; i < matrix->bins * matrix->bins; i++)
        if (matrix->cells[i].messages > 0)
            fprintf(out, "%d %.6g %.6g,", i, matrix->cells[i].messages, matrix->cells[i].bytes);
    fputs("\"", out);
}

void ffmk_page_matrix(FILE *out, const struct ffmk_page_run *run,
                      const struct ffmk_page_scale *scale)
{
    const struct ffmk_report *report = run->report;
    struct matrix matrix;
    if (report->n_traffic == 0) {
        fputs("<p class=\"empty\">No point-to-point messages were sent.</p>\n", out);
        return;
    }
    if (!make_matrix(report, &matrix))
        return;
    int ranks_per_cell = matrix.k * report->ranks_per_bin;
    /* Few ranks make a small square, not huge cells. */
    fprintf(out,
            "<div class=\"matrix\"><div class=\"plot square\" style=\"max-width:%dpx\"><div "
            "class=\"ylabel\">from</div>",
            matrix.bins < 8 ? 60 + 56 * matrix.bins : 500);
    write_axis(out, "yaxis", "top", &matrix, ranks_per_cell);
    fprintf(out,
            "<div class=\"area\"><svg class=\"cells\" viewBox=\"0 0 %d %d\" "
            "preserveAspectRatio=\"none\" "
            "role=\"img\" aria-label=\"Communication matrix of %d ranks, rows send to columns\"",
            matrix.bins, matrix.bins, report->ranks);
    write_data(out, report, &matrix, ranks_per_cell);
    fputs(">\n", out);
    for (int level = 0; level < FFMK_COLOUR_LEVELS; level++)
        draw_level(out, &matrix, scale, level);
    fputs("</svg></div>", out);
    write_axis(out, "xaxis", "left", &matrix, ranks_per_cell);
    fputs("<div class=\"xlabel\">to rank</div></div>\n", out);
    write_facts(out, report, &matrix, ranks_per_cell);
    fputs("</div>\n", out);
    free(matrix.cells);
}

void ffmk_page_matrix_legend(FILE *out, const struct ffmk_page_scale *scale)
{
    if (scale->traffic_most <= 0)
        return;
    char where[48] = "in a cell";
    if (scale->ranks_per_cell == 1)
        snprintf(where, sizeof where, "between a pair");
    else if (scale->ranks_per_cell > 1)
        snprintf(where, sizeof where, "in a cell of %d × %d ranks", scale->ranks_per_cell,
                 scale->ranks_per_cell);
    bool bytes = scale->traffic_bytes;
    double begin = scale_begin(scale);
    struct ffmk_units least =
        bytes ? ffmk_units_bytes(round(begin)) : ffmk_units_count(round(begin));
    struct ffmk_units most =
        bytes ? ffmk_units_bytes(scale->traffic_most) : ffmk_units_count(scale->traffic_most);
    if (scale->traffic_least >= scale->traffic_most) {
        fprintf(out, "<div class=\"scale\"><i class=\"swatch a%d\"></i>%s%s %s, if any</div>\n",
                FFMK_COLOUR_LEVELS - 1, most.text, bytes ? "" : " messages", where);
        return;
    }
    double middle = sqrt(begin) * sqrt(scale->traffic_most);
    struct ffmk_units centre =
        bytes ? ffmk_units_bytes(round(middle)) : ffmk_units_count(round(middle));
    fputs("<div class=\"scale\"><div class=\"steps\" aria-hidden=\"true\">", out);
    for (int level = 0; level < FFMK_COLOUR_LEVELS; level++)
        fprintf(out, "<i class=\"a%d\"></i>", level);
    fprintf(out,
            "</div><div class=\"ends\"><span>%s</span><span>%s</span><span>%s</span></div>"
            "<div class=\"what\">%s %s, logarithmic</div></div>\n",
            least.text, centre.text, most.text, bytes ? "bytes" : "messages", where);
}
