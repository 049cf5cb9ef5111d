/* SPDX-License-Identifier: BSD-3-Clause
 * One broadcast over time, as a strip of the ring that time runs down. */
#include "cli/report_units.h"
#include "cli/sim_draw.h"
#include "core/log.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_COLUMNS = 512, MOST_ROWS = 80, ROW_UNITS = 12, ROW_FILLED = 11 };

/* Slots a row: 1, 2, 5, 10, … */
static uint32_t step_for(double slots)
{
    static const uint32_t factors[] = {1, 2, 5};
    for (uint32_t power = 1;; power *= 10)
        for (int i = 0; i < 3; i++)
            if (slots / (power * factors[i]) <= MOST_ROWS - 1)
                return power * factors[i];
}

/* The first row, or slot, at whose time `tick` has come. */
static uint32_t row_of(uint32_t tick, uint32_t ticks_per_row)
{
    return tick / ticks_per_row + (tick % ticks_per_row > 0);
}

static bool allocate(struct ffmk_sim_strip *strip)
{
    strip->count =
        calloc((size_t)strip->rows * strip->columns * FFMK_SIM_FATES, sizeof *strip->count);
    strip->of = calloc(strip->columns, sizeof *strip->of);
    strip->share = calloc(strip->slots, sizeof *strip->share);
    return strip->count && strip->of && strip->share;
}

/* Count who gets which fate in which row, then sum up over the rows. */
static void fill(struct ffmk_sim_strip *strip, const uint32_t *coloured_at, const uint32_t *dies_at,
                 uint32_t correction_arrives)
{
    const struct ffmk_sim_setup *setup = &strip->row.wanted.setup;
    const uint32_t per_row = strip->slots_per_row * setup->overhead;
    const size_t width = (size_t)strip->columns * FFMK_SIM_FATES;
    const double living = setup->nodes - strip->row.wanted.dead_before;
    for (uint32_t i = 0; i < setup->nodes; i++) {
        const size_t column = (size_t)((uint64_t)i * strip->columns / setup->nodes);
        const uint32_t at = coloured_at[i];
        const uint32_t dies = dies_at[i];
        const int fate = at >= correction_arrives ? FFMK_SIM_BY_CORRECTION : FFMK_SIM_BY_TABLE;
        uint32_t *cell = &strip->count[column * FFMK_SIM_FATES];
        strip->of[column]++;
        if (dies != FFMK_SIM_ALIVE && row_of(dies, per_row) < strip->rows)
            cell[row_of(dies, per_row) * width + FFMK_SIM_DEAD]++;
        if (at == FFMK_SIM_ALIVE)
            continue;
        if (row_of(at, setup->overhead) < strip->slots)
            strip->share[row_of(at, setup->overhead)] += 1 / living;
        if (row_of(at, per_row) < strip->rows)
            cell[row_of(at, per_row) * width + (size_t)fate]++;
        if (dies != FFMK_SIM_ALIVE && row_of(dies, per_row) < strip->rows)
            cell[row_of(dies, per_row) * width + (size_t)fate]--;
    }
    for (size_t i = width; i < strip->rows * width; i++)
        strip->count[i] += strip->count[i - width];
    for (uint32_t s = 1; s < strip->slots; s++)
        strip->share[s] += strip->share[s - 1];
}

static bool make(struct ffmk_study *study, const char *name, uint32_t *coloured_at,
                 uint32_t *dies_at, struct ffmk_sim_strip *strip)
{
    if (!ffmk_study_run(study, coloured_at))
        return false;
    const struct ffmk_sim_setup *setup = ffmk_study_setup(study);
    const struct ffmk_tune_choice *prediction = ffmk_study_prediction(study);
    const struct ffmk_study_summary sum = ffmk_study_sum(study);
    const uint32_t arrives = ffmk_study_correction_arrives(study);
    strip->row = (struct ffmk_sim_row){
        .name = name, .wanted = strip->row.wanted, .predicted = prediction != NULL, .sum = sum};
    strip->row.wanted.setup = *setup;
    strip->done = sum.done_mean;
    strip->correction_at = arrives == FFMK_SIM_ALIVE ? -1
                                                     : (double)arrives / setup->overhead - 2 -
                                                           (double)setup->wire / setup->overhead;
    const double last = fmax(sum.done_max, sum.coloured_max);
    strip->slots_per_row = step_for(last);
    strip->slots = (uint32_t)ceil(last) + 1;
    strip->rows = (strip->slots - 1 + strip->slots_per_row - 1) / strip->slots_per_row + 1;
    strip->columns = setup->nodes < MOST_COLUMNS ? setup->nodes : MOST_COLUMNS;
    if (!allocate(strip))
        return false;
    size_t n = 0;
    const struct ffmk_sim_death *deaths = ffmk_study_deaths(study, &n);
    for (uint32_t i = 0; i < setup->nodes; i++)
        dies_at[i] = FFMK_SIM_ALIVE;
    for (size_t i = 0; i < n; i++)
        dies_at[deaths[i].node] = deaths[i].at;
    fill(strip, coloured_at, dies_at, arrives);
    return true;
}

bool ffmk_sim_strip_make(const char *name, const struct ffmk_study_case *wanted,
                         struct ffmk_sim_strip *strip)
{
    *strip = (struct ffmk_sim_strip){.row = {.wanted = *wanted}};
    struct ffmk_study *study = ffmk_study_create(wanted, 1);
    uint32_t *coloured_at = calloc(wanted->setup.nodes, sizeof *coloured_at);
    uint32_t *dies_at = calloc(wanted->setup.nodes, sizeof *dies_at);
    const bool good =
        study && coloured_at && dies_at && make(study, name, coloured_at, dies_at, strip);
    free(coloured_at);
    free(dies_at);
    ffmk_study_destroy(study);
    if (good)
        return true;
    ffmk_log("out of memory with %u ranks", wanted->setup.nodes);
    ffmk_sim_strip_free(strip);
    return false;
}

void ffmk_sim_strip_free(struct ffmk_sim_strip *strip)
{
    free(strip->count);
    free(strip->of);
    free(strip->share);
    *strip = (struct ffmk_sim_strip){0};
}

/* How high a cell is filled with the fates from `first` to `last`. */
static int height(const struct ffmk_sim_strip *strip, uint32_t row, uint32_t column, int first,
                  int last)
{
    const uint32_t *cell = &strip->count[((size_t)row * strip->columns + column) * FFMK_SIM_FATES];
    uint32_t sum = 0;
    for (int fate = first; fate <= last; fate++)
        sum += cell[fate];
    return (int)lround((double)sum / strip->of[column] * ROW_FILLED);
}

/* Fates of all cells as one outline a row: from its bottom up, or the dead from its top down. */
static void draw_fates(FILE *out, const struct ffmk_sim_strip *strip, const char *class, int first,
                       int last)
{
    const bool down = first == FFMK_SIM_DEAD;
    fprintf(out, "<path class=\"%s\" d=\"", class);
    for (uint32_t row = 0; row < strip->rows; row++) {
        int level = 0;
        bool any = false;
        for (uint32_t from = 0, to; from < strip->columns; from = to) {
            const int here = height(strip, row, from, first, last);
            for (to = from + 1; to < strip->columns && height(strip, row, to, first, last) == here;
                 to++)
                ;
            if (here == 0 && level == 0)
                continue;
            if (level == 0)
                fprintf(out, "M%u %u", from, row * ROW_UNITS + (down ? 0 : ROW_FILLED));
            fprintf(out, "v%d", down ? here - level : level - here);
            if (here > 0)
                fprintf(out, "h%u", to - from);
            level = here;
            any = true;
        }
        if (any && level > 0)
            fprintf(out, "v%dz", down ? -level : level);
    }
    fputs("\"/>\n", out);
}

/* In units: a column is 1 wide, a row ROW_UNITS high. */
static void draw_cells(FILE *out, const struct ffmk_sim_strip *strip)
{
    fputs("<path class=\"dark\" d=\"", out);
    for (uint32_t row = 0; row < strip->rows; row++)
        fprintf(out, "M0 %uh%uv%dh-%uz", row * ROW_UNITS, strip->columns, ROW_FILLED,
                strip->columns);
    fputs("\"/>\n", out);
    draw_fates(out, strip, "correction", FFMK_SIM_BY_TABLE, FFMK_SIM_BY_CORRECTION);
    draw_fates(out, strip, "table", FFMK_SIM_BY_TABLE, FFMK_SIM_BY_TABLE);
    draw_fates(out, strip, "dead", FFMK_SIM_DEAD, FFMK_SIM_DEAD);
}

/* Rows between labels. */
static uint32_t label_step(uint32_t rows)
{
    static const uint32_t steps[] = {1, 2, 5, 10, 20};
    for (size_t i = 0; i + 1 < sizeof steps / sizeof steps[0]; i++)
        if (rows / steps[i] <= 9)
            return steps[i];
    return 20;
}

static double row_pixels(uint32_t rows)
{
    return rows <= 30 ? 12 : rows <= 50 ? 9 : 6;
}

void ffmk_sim_strip_plot(FILE *out, const struct ffmk_sim_strip *strip, uint32_t rows)
{
    const double pixels = row_pixels(rows);
    const struct ffmk_sim_setup *setup = &strip->row.wanted.setup;
    fputs("<div class=\"plot\"><div class=\"ylabel\">slot</div><div class=\"yaxis\" "
          "aria-hidden=\"true\">",
          out);
    for (uint32_t row = 0; row < strip->rows; row += label_step(rows))
        fprintf(out, "<span style=\"top:%.1fpx\">%u</span>", pixels * (row + 0.46),
                row * strip->slots_per_row);
    fprintf(out,
            "</div><div class=\"area\" style=\"height:%.0fpx\"><svg class=\"strip\" viewBox=\"0 0 "
            "%u %u\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"The ranks of a %s "
            "broadcast, slot by slot: all are done after %.1f slots\">\n",
            pixels * rows, strip->columns, rows * ROW_UNITS, strip->row.name, strip->done);
    draw_cells(out, strip);
    if (strip->correction_at >= 0)
        fprintf(out, "<path class=\"begins\" d=\"M0 %.2fh%u\"/>",
                (strip->correction_at / strip->slots_per_row + 0.96) * ROW_UNITS, strip->columns);
    fputs("</svg></div><div class=\"xaxis\" aria-hidden=\"true\">", out);
    for (int i = 0; i < 4; i++)
        fprintf(out, "<span style=\"left:%d%%\">%s%s</span>", 25 * i, i ? "" : "rank ",
                ffmk_units_whole((int64_t)setup->nodes * i / 4).text);
    fputs("</div></div>\n", out);
}

static const struct {
    const char *class;
    const char *text;
} legend[] = {{"table", "has it by the dissemination"},
              {"correction", "by the correction"},
              {"dark", "not yet"},
              {"dead", "dead"}};
enum { LEGEND = sizeof legend / sizeof legend[0] };

void ffmk_sim_strip_legend(FILE *out)
{
    fputs("<ul class=\"legend\">", out);
    for (int i = 0; i < LEGEND; i++)
        fprintf(out, "<li><i class=\"swatch %s\"></i>%s</li>", legend[i].class, legend[i].text);
    fputs(
        "<li><svg class=\"key\" viewBox=\"0 0 26 10\" aria-hidden=\"true\"><path class=\"begins\" "
        "d=\"M0 5h26\"/></svg>the correction begins</li></ul>\n",
        out);
}

enum { LEFT = 46, PLOT = 520, RIGHT = 24, TOP = 72 };

static void write_frame(FILE *out, const struct ffmk_sim_strip *strip, double pixels)
{
    const struct ffmk_sim_setup *setup = &strip->row.wanted.setup;
    static const double legend_x[] = {0, 205, 345, 435};
    const double bottom = TOP + pixels * strip->rows;
    fprintf(out, "<text class=\"title\" x=\"12\" y=\"24\">%s", strip->row.name);
    if (setup->mode != FFMK_RUMOR_UNCORRECTED)
        fprintf(out, ", %s correction", ffmk_sim_correction(setup).text);
    fprintf(out, ": done after %.4g slots</text>\n<text class=\"line\" x=\"12\" y=\"44\">",
            strip->done);
    ffmk_sim_where(out, &strip->row.wanted);
    if (strip->row.predicted)
        fprintf(out, ", T = %u", setup->rounds);
    fprintf(out,
            "</text>\n<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"end\">slot</text>\n",
            LEFT - 8, TOP - 5);
    for (uint32_t row = 0; row < strip->rows; row += label_step(strip->rows))
        fprintf(out, "<text class=\"axis\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%u</text>\n",
                LEFT - 8, TOP + pixels * (row + 0.46) + 4, row * strip->slots_per_row);
    for (int i = 0; i < 4; i++)
        fprintf(out, "<text class=\"axis\" x=\"%d\" y=\"%.1f\" text-anchor=\"%s\">%s%s</text>\n",
                LEFT + PLOT * i / 4, bottom + 16, i ? "middle" : "start", i ? "" : "rank ",
                ffmk_units_whole((int64_t)setup->nodes * i / 4).text);
    for (int i = 0; i < LEGEND; i++)
        fprintf(out,
                "<rect class=\"%s\" x=\"%.0f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"3\"/>"
                "<text class=\"line\" x=\"%.0f\" y=\"%.1f\">%s</text>\n",
                legend[i].class, LEFT + legend_x[i], bottom + 32, LEFT + legend_x[i] + 18,
                bottom + 42.5, legend[i].text);
    if (strip->correction_at >= 0)
        fprintf(out,
                "<path class=\"begins\" d=\"M%d %.1fh20\"/><text class=\"line\" x=\"%d\" "
                "y=\"%.1f\">the correction begins</text>\n",
                LEFT, bottom + 58, LEFT + 28, bottom + 62.5);
}

void ffmk_sim_strip_svg(FILE *out, const struct ffmk_sim_strip *strip)
{
    const double pixels = row_pixels(strip->rows);
    const double tall = TOP + pixels * strip->rows + 76;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
            "style=\"max-width:100%%;height:auto\" role=\"img\">\n<title>A broadcast over the "
            "ring, slot by slot</title>\n<style>%s"
            "text{font:13px system-ui,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif;"
            "fill:var(--ink)}.title{font-size:16px;font-weight:600}.axis,.line{fill:var(--muted)}"
            ".axis{font-size:12px}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"var(--bg)\"/>\n",
            LEFT + PLOT + RIGHT, tall, LEFT + PLOT + RIGHT, ffmk_sim_colours);
    write_frame(out, strip, pixels);
    fprintf(out, "<g transform=\"translate(%d %d) scale(%.6g %.6g)\">\n", LEFT, TOP,
            (double)PLOT / strip->columns, pixels / ROW_UNITS);
    draw_cells(out, strip);
    fputs("</g>\n", out);
    if (strip->correction_at >= 0)
        fprintf(out, "<path class=\"begins\" d=\"M%d %.2fh%d\"/>\n", LEFT,
                TOP + pixels * (strip->correction_at / strip->slots_per_row + 0.96), PLOT);
    fputs("</svg>\n", out);
}
