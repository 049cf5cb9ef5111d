/* SPDX-License-Identifier: BSD-3-Clause
 * Charts with lines. The picture stretches with the page; its words are HTML and keep their size.
 */
#include "cli/report_units.h"
#include "cli/sim_draw.h"

#include <math.h>
#include <string.h>

/* A chart's inside is so many units wide and high. */
enum { SIDE = 1000, TICKS = 6, SMALL_TICKS = 4 };

/* A round step with which at most `wanted` marks lie below most. */
static double tick_step(double most, int wanted)
{
    static const double factors[] = {1, 2, 5, 10};
    double step = pow(10, floor(log10(most / wanted)));
    for (int i = 0; i < 4; i++)
        if (most / (step * factors[i]) <= wanted + 1e-9)
            return step * factors[i];
    return step * 10;
}

static double place_x(const struct ffmk_sim_chart *chart, double x)
{
    if (chart->doubling)
        return log2(x / chart->x_least) / log2(chart->x_most / chart->x_least) * SIDE;
    return (x - chart->x_least) / (chart->x_most - chart->x_least) * SIDE;
}

static double place_y(const struct ffmk_sim_chart *chart, double y)
{
    return SIDE - y / chart->y_most * SIDE;
}

static void write_y_axis(FILE *out, const struct ffmk_sim_chart *chart, double step)
{
    fprintf(out, "<div class=\"ylabel left\">%s</div><div class=\"yaxis\" aria-hidden=\"true\">",
            chart->y_name);
    for (int i = 0; i * step <= chart->y_most * 1.0001; i++)
        fprintf(out, "<span style=\"top:%.2f%%\">%g</span>", place_y(chart, i * step) / SIDE * 100,
                i * step);
    fputs("</div>", out);
}

static void write_grid(FILE *out, const struct ffmk_sim_chart *chart, double step)
{
    fputs("<path class=\"grid\" d=\"", out);
    for (int i = 0; i * step <= chart->y_most * 1.0001; i++)
        fprintf(out, "M0 %.1fh%d", place_y(chart, i * step), SIDE);
    fputs("\"/>", out);
}

/* A long last label ends with the plot, so that a page is not wider for it. */
static void write_x_label(FILE *out, double place, const char *text)
{
    const double percent = place / SIDE * 100;
    fprintf(out, "<span class=\"%s\" style=\"left:%.2f%%\">%s</span>",
            percent > 97 && strlen(text) > 3 ? "last" : "mid", percent, text);
}

static void write_x_axis(FILE *out, const struct ffmk_sim_chart *chart)
{
    fputs("<div class=\"xaxis\" aria-hidden=\"true\">", out);
    if (chart->doubling) {
        /* As many factors of two between labels as leave room for their words. */
        const double factors = log2(chart->x_most / chart->x_least);
        const int step = factors > 5 ? (int)ceil(factors / 5) : 1;
        for (int i = 0; i <= factors * 1.0001; i += step) {
            const double x = ldexp(chart->x_least, i);
            write_x_label(out, place_x(chart, x), ffmk_units_whole((int64_t)x).text);
        }
    } else {
        const double width = chart->x_most - chart->x_least;
        const double step = tick_step(width, chart->small || width >= 1000 ? SMALL_TICKS : TICKS);
        for (int i = 0; chart->x_least + i * step <= chart->x_most * 1.0001; i++) {
            char text[32];
            snprintf(text, sizeof text, "%g", chart->x_least + i * step);
            write_x_label(out, place_x(chart, chart->x_least + i * step), text);
        }
    }
    fprintf(out, "</div><div class=\"xlabel\">%s</div>", chart->x_name);
}

static void write_line(FILE *out, const struct ffmk_sim_chart *chart,
                       const struct ffmk_sim_line *line)
{
    if (line->n > 1) {
        fprintf(out, "<path class=\"l%d\" d=\"", line->style);
        for (size_t i = 0; i < line->n; i++)
            fprintf(out, "%s%.1f %.1f", i ? "L" : "M", place_x(chart, line->x[i]),
                    place_y(chart, line->y[i]));
        fputs("\"/>", out);
    }
    if (!line->dots)
        return;
    /* A line of no length has round ends, which do not stretch with the picture as a circle would.
     */
    fprintf(out, "<path class=\"l%d %sdot\" d=\"", line->style, line->n > 1 ? "small " : "");
    for (size_t i = 0; i < line->n; i++)
        fprintf(out, "M%.1f %.1fh0", place_x(chart, line->x[i]), place_y(chart, line->y[i]));
    fputs("\"/>", out);
}

void ffmk_sim_chart(FILE *out, const struct ffmk_sim_chart *chart,
                    const struct ffmk_sim_line *lines, size_t n)
{
    const double step = tick_step(chart->y_most, TICKS);
    fputs("<div class=\"plot\">", out);
    write_y_axis(out, chart, step);
    fprintf(out,
            "<div class=\"area\" style=\"height:%dpx\"><svg class=\"chart\" viewBox=\"0 0 %d %d\" "
            "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%s\">",
            chart->small ? 170 : 280, SIDE, SIDE, chart->what);
    write_grid(out, chart, step);
    for (size_t i = n; i-- > 0;) /* the first lies on top */
        write_line(out, chart, &lines[i]);
    fputs("</svg></div>", out);
    write_x_axis(out, chart);
    fputs("</div>\n", out);
}

void ffmk_sim_chart_legend(FILE *out, const struct ffmk_sim_line *lines, size_t n)
{
    fputs("<ul class=\"legend\">", out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "<li><svg class=\"key\" viewBox=\"0 0 26 10\" aria-hidden=\"true\">");
        if (lines[i].n > 1)
            fprintf(out, "<path class=\"l%d\" d=\"M0 5h26\"/>", lines[i].style);
        if (lines[i].dots)
            fprintf(out, "<path class=\"l%d %sdot\" d=\"M13 5h0\"/>", lines[i].style,
                    lines[i].n > 1 ? "small " : "");
        fprintf(out, "</svg>%s</li>", lines[i].label);
    }
    fputs("</ul>\n", out);
}
