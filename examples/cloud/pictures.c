/* SPDX-License-Identifier: BSD-3-Clause
 * owners.svg and load.svg. */
#include "pictures.h"

#include "svg.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARGIN 40.0

bool pictures_prepare(const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return false;
    struct stat found;
    if (stat(folder, &found) != 0)
        return false;
    if (!S_ISDIR(found.st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    return access(folder, W_OK | X_OK) == 0;
}

/* --- owners.svg
 * -----------------------------------------------------------------------------------------------
 */

#define MAP_WIDTH 300.0
#define MAP_GAP   30.0

/** The blocks of the layer at mid-height seen from above; a white disc's area is a block's share of
 * the largest cost that any block of the layer has beyond `clear_air`. */
static void draw_map(FILE *svg, const struct history *history, const struct snapshot *snapshot,
                     double left, double top)
{
    const struct grid *grid = history->grid;
    const double side = MAP_WIDTH / grid->blocks[0];
    const double height = side * grid->blocks[1];
    const double clear_air = grid_block_volume(grid);
    const int layer = grid->blocks[2] / 2;

    double largest = 0.0;
    for (int id = layer; id < grid->n_blocks; id += grid->blocks[2])
        largest = fmax(largest, snapshot->cost[id] - clear_air);

    for (int id = layer; id < grid->n_blocks; id += grid->blocks[2]) {
        int at[AXES];
        char colour[8];
        grid_block_at(grid, id, at);
        svg_rank_colour(snapshot->owner[id], history->n_ranks, colour);
        const double x = left + at[0] * side;
        const double y = top + height - (at[1] + 1) * side;
        const double gap = fmin(1.0, side / 10.0);
        fprintf(svg, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n",
                x, y, side - gap, side - gap, colour);
        const double share = largest > 0.0 ? (snapshot->cost[id] - clear_air) / largest : 0.0;
        if (share > 0.001)
            fprintf(svg, "<circle class=\"cloud\" cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\"/>\n",
                    x + side / 2.0, y + side / 2.0, 0.42 * side * sqrt(share));
    }
}

static bool draw_owners(const char *folder, const struct history *history, bool balanced)
{
    const struct grid *grid = history->grid;
    const double map_height = MAP_WIDTH * grid->blocks[1] / grid->blocks[0];
    const double width = 2.0 * MARGIN + SNAPSHOTS * MAP_WIDTH + (SNAPSHOTS - 1) * MAP_GAP;
    const double top = 118.0;
    FILE *svg =
        svg_open(folder, "owners.svg", width, top + map_height + 70.0, "Who owns which block");
    if (!svg)
        return false;

    svg_text(svg, MARGIN, 42.0, "title", "start", "Who owns which block");
    svg_text(svg, MARGIN, 64.0, "note", "start",
             "Blocks at mid-height from above, coloured by rank. A disc shows what the cloud costs "
             "in a block; "
             "the wind blows to the upper right.");
    for (int i = 0; i < SNAPSHOTS; i++) {
        const double left = MARGIN + i * (MAP_WIDTH + MAP_GAP);
        svg_text(svg, left, 104.0, "heading", "start", "Step %d%s", history->snapshots[i].step,
                 !balanced ? ", not balanced"
                           : (i == 0 ? ", before the first balancing" : ", balanced"));
        draw_map(svg, history, &history->snapshots[i], left, top);
    }
    svg_rank_key(svg, MARGIN, top + map_height + 40.0, width - 2.0 * MARGIN, history->n_ranks);
    return svg_close(svg);
}

/* --- load.svg
 * -------------------------------------------------------------------------------------------------
 */

#define CHART_WIDTH  860.0
#define CHART_HEIGHT 210.0
#define CHART_LEFT   84.0

/** A round number of at least `value`: 1, 2 or 5 times a power of ten, in quarters. */
static double round_up(double value)
{
    static const double steps[] = {1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 5.0, 6.0, 8.0, 10.0};
    const double scale = pow(10.0, floor(log10(value)));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i] * scale >= value)
            return steps[i] * scale;
    }
    return 10.0 * scale;
}

/** One rank's cost as a staircase: it is known as a mean over each interval. rank −1 draws the mean
 * of all ranks. */
static void draw_line(FILE *svg, const struct history *history, const double *costs, int rank,
                      double top, double most)
{
    const int n = history->n_ranks;
    const double last = history->end_step[history->n_intervals - 1];
    double from = CHART_LEFT;
    for (int interval = 0; interval < history->n_intervals; interval++) {
        const double *row = &costs[(size_t)interval * (size_t)n];
        double cost = 0.0;
        for (int r = 0; r < n; r++)
            cost += rank < 0 ? row[r] / n : (r == rank ? row[r] : 0.0);
        const double y = top + CHART_HEIGHT * (1.0 - cost / most);
        const double to = CHART_LEFT + CHART_WIDTH * history->end_step[interval] / last;
        fprintf(svg, "%s%.1f,%.1f L%.1f,%.1f", interval == 0 ? "M" : " L", from, y, to, y);
        from = to;
    }
}

static void draw_axes(FILE *svg, const struct history *history, double top, double most)
{
    const int ticks = 4;
    for (int i = 0; i <= ticks; i++) {
        const double y = top + CHART_HEIGHT * (1.0 - (double)i / ticks);
        fprintf(svg, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                CHART_LEFT, y, CHART_LEFT + CHART_WIDTH, y);
        svg_text(svg, CHART_LEFT - 8.0, y + 4.0, "label", "end", "%.4g", most / 1e3 * i / ticks);
        const int last = history->end_step[history->n_intervals - 1];
        svg_text(svg, CHART_LEFT + CHART_WIDTH * i / ticks, top + CHART_HEIGHT + 18.0, "label",
                 "middle", "%.4g", (double)last * i / ticks);
    }
    fprintf(svg, "<line class=\"axis\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
            CHART_LEFT, top + CHART_HEIGHT, CHART_LEFT + CHART_WIDTH, top + CHART_HEIGHT);
}

static void draw_chart(FILE *svg, const struct history *history, const double *costs,
                       const char *heading, double top, double most)
{
    svg_text(svg, CHART_LEFT, top - 14.0, "heading", "start", "%s", heading);
    svg_text(svg, CHART_LEFT + CHART_WIDTH, top - 14.0, "note", "end",
             "largest / mean rank: %.2f on average", history_imbalance(history, costs));
    draw_axes(svg, history, top, most);
    for (int rank = 0; rank < history->n_ranks; rank++) {
        char colour[8];
        svg_rank_colour(rank, history->n_ranks, colour);
        fprintf(svg,
                "<path fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\" stroke-linejoin=\"round\" "
                "d=\"",
                colour, history->n_ranks <= 16 ? 2.5 : 1.2);
        draw_line(svg, history, costs, rank, top, most);
        fputs("\"/>\n", svg);
    }
    fputs("<path class=\"mean\" d=\"", svg);
    draw_line(svg, history, costs, -1, top, most);
    fputs("\"/>\n", svg);
}

static bool draw_load(const char *folder, const struct history *history, bool balanced)
{
    const double first = 118.0;
    const double pitch = CHART_HEIGHT + 78.0;
    const double width = CHART_LEFT + CHART_WIDTH + MARGIN;
    const double bottom = first + CHART_HEIGHT + (balanced ? pitch : 0.0);
    FILE *svg = svg_open(folder, "load.svg", width, bottom + 80.0, "Work of each rank over time");
    if (!svg)
        return false;

    double most = 1.0;
    for (size_t i = 0; i < (size_t)history->n_intervals * (size_t)history->n_ranks; i++)
        most = fmax(most, fmax(history->slabs[i], history->balanced[i]));
    most = round_up(most);

    svg_text(svg, MARGIN, 42.0, "title", "start", "Work of each rank over time");
    svg_text(svg, MARGIN, 64.0, "note", "start",
             "Thousand cell updates a step (counted), by time step. Dashed: the mean of all ranks, "
             "the best there can be.");
    draw_chart(svg, history, history->slabs, "Not balanced: every block stays where it began",
               first, most);
    if (balanced)
        draw_chart(svg, history, history->balanced, "Balanced by ffmk", first + pitch, most);
    svg_rank_key(svg, CHART_LEFT, bottom + 56.0, CHART_WIDTH, history->n_ranks);
    return svg_close(svg);
}

bool pictures_write(const char *folder, const struct history *history, bool balanced)
{
    return draw_owners(folder, history, balanced) && draw_load(folder, history, balanced);
}
