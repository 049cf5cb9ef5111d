/* SPDX-License-Identifier: BSD-3-Clause
 * The picture of `ffmk sim balance`: what load is left while flows are found, by schemes of
 * diffusion and by the tree, over their rounds and over predicted time. */
#include "cli/report_units.h"
#include "cli/sim_balance_flows.h"
#include "cli/sim_draw.h"

#include <math.h>

enum { LEFT = 62, WIDE = 350, GAP = 46, TOP = 84, TALL = 270, RIGHT = 20, BELOW = 152 };

struct panel {
    double x;     /* of its left side */
    double least; /* of what is across, a power of ten */
    int powers;   /* of ten, across */
    double first; /* what is up there */
    const char *name;
    bool time;
};

static double place_x(const struct panel *panel, double x)
{
    return panel->x + log10(x / panel->least) / panel->powers * WIDE;
}

static double place_y(const struct panel *panel, double left)
{
    const double least = FFMK_SIM_FLOW_LEAST;
    return TOP + TALL - log(left / least) / log(panel->first / least) * TALL;
}

static void draw_axes(FILE *out, const struct panel *panel)
{
    static const double marks[] = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50};
    fputs("<path class=\"grid\" d=\"", out);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (marks[i] >= FFMK_SIM_FLOW_LEAST && marks[i] <= panel->first * 1.001)
            fprintf(out, "M%.1f %.1fh%d", panel->x, place_y(panel, marks[i]), WIDE);
    for (int i = 0; i <= panel->powers; i++)
        fprintf(out, "M%.1f %dv%d", place_x(panel, panel->least * pow(10, i)), TOP, TALL);
    fputs("\"/>\n", out);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && !panel->time; i++)
        if (marks[i] >= FFMK_SIM_FLOW_LEAST && marks[i] <= panel->first * 1.001)
            fprintf(out,
                    "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g %%</text>\n",
                    panel->x - 8, place_y(panel, marks[i]) + 4, marks[i] * 100);
    for (int i = 0; i <= panel->powers; i++) {
        const double x = panel->least * pow(10, i);
        char text[32];
        snprintf(text, sizeof text, "%.10g", x);
        fprintf(out, "<text class=\"axis\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                place_x(panel, x), TOP + TALL + 18,
                x >= 1 ? ffmk_units_whole((int64_t)(x + 0.5)).text : text);
    }
    fprintf(out, "<text class=\"line\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            panel->x + WIDE / 2.0, TOP + TALL + 38, panel->name);
}

static void draw_curve(FILE *out, const struct panel *panel, const struct ffmk_sim_flow *curve)
{
    const double *across = panel->time ? curve->ms : curve->rounds;
    if (curve->n == 0)
        return;
    fprintf(out, "<path class=\"l%d\" d=\"M%.1f %.1f", curve->style, panel->x,
            place_y(panel, panel->first));
    if (curve->tree) /* all at once, in the end */
        fprintf(out, "H%.1fV%.1f", place_x(panel, across[0]), place_y(panel, curve->left[0]));
    for (size_t i = 0; i < curve->n && !curve->tree; i++)
        fprintf(out, "L%.1f %.1f", place_x(panel, fmax(across[i], panel->least)),
                place_y(panel, fmin(curve->left[i], panel->first)));
    fputs("\"/>\n", out);
    fprintf(out, "<path class=\"l%d small dot\" d=\"M%.1f %.1fh0\"/>\n", curve->style,
            place_x(panel, across[curve->n - 1]), place_y(panel, curve->left[curve->n - 1]));
}

static void draw_legend(FILE *out, const struct ffmk_sim_flows *flows)
{
    for (int c = 0; c < FFMK_SIM_FLOWS; c++) {
        const int x = LEFT + c % 2 * (WIDE + GAP), y = TOP + TALL + 66 + c / 2 * 22;
        fprintf(out,
                "<path class=\"l%d\" d=\"M%d %dh26\"/><text class=\"line\" x=\"%d\" y=\"%d\">%s"
                "</text>\n",
                flows->flows[c].style, x, y - 4, x + 34, y, flows->flows[c].label);
    }
}

/* The power of ten that is not below. */
static int power_above(double x)
{
    return (int)ceil(log10(x) - 1e-9);
}

static void draw(FILE *out, const struct ffmk_sim_flows *flows,
                 const struct ffmk_sim_balance_words *words)
{
    const int width = LEFT + 2 * WIDE + GAP + RIGHT, height = TOP + TALL + BELOW;
    const struct ffmk_loggp_times *t = &flows->times;
    double most_rounds = 10, most_ms = 0.1, least_ms = INFINITY;
    for (int c = 0; c < FFMK_SIM_FLOWS; c++) {
        const struct ffmk_sim_flow *curve = &flows->flows[c];
        most_rounds = fmax(most_rounds, curve->rounds[curve->n - 1]);
        most_ms = fmax(most_ms, curve->ms[curve->n - 1]);
        least_ms = fmin(least_ms, curve->ms[0]);
    }
    const struct panel panels[2] = {{LEFT, 1, power_above(most_rounds), flows->first,
                                     "rounds of exchange between neighbours", false},
                                    {LEFT + WIDE + GAP, pow(10, power_above(least_ms) - 1),
                                     power_above(most_ms) - power_above(least_ms) + 1, flows->first,
                                     "predicted time, ms", true}};
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 %d %d\" "
            "width=\"%d\" style=\"max-width:100%%;height:auto\" role=\"img\">\n<title>Load left "
            "above the mean while flows are found, by diffusion and by a tree</title>\n"
            "<style>%s%s:root{--line:#d9dddb}@media screen and (prefers-color-scheme:dark)"
            "{:root{--line:#2c3338}}"
            "text{font:13px system-ui,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif;"
            "fill:var(--ink)}.title{font-size:16px;font-weight:600}text.axis,text.line{fill:"
            "var(--muted)}text.axis{font-size:12px}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"var(--bg)\"/>\n",
            width, height, width, ffmk_sim_colours, ffmk_sim_page_style);
    fprintf(out,
            "<text class=\"title\" x=\"12\" y=\"24\">Finding flows for %s ranks, %s: those of jobs "
            "take "
            "%.2g ms</text>\n<text class=\"line\" x=\"12\" y=\"44\">",
            ffmk_units_whole(flows->ranks).text, words->wanted.workload, flows->flows[0].ms[0]);
    fprintf(out,
            "%u × %u × %u blocks of %u items; %s: L = %g, o = %g, g = %g µs, G = %g ns</text>\n",
            flows->workload.grid[0], flows->workload.grid[1], flows->workload.grid[2],
            words->wanted.side * words->wanted.side * words->wanted.side,
            words->network ? words->network->name : "a network", t->wire_ns / 1000,
            t->overhead_ns / 1000, t->gap_ns / 1000, t->byte_ns);
    fprintf(out, "<text class=\"line\" x=\"12\" y=\"%d\">largest load above the mean</text>\n",
            TOP - 14);
    for (int p = 0; p < 2; p++) {
        draw_axes(out, &panels[p]);
        for (int c = 0; c < FFMK_SIM_FLOWS; c++) /* the first is wide: what lies on it is seen */
            draw_curve(out, &panels[p], &flows->flows[c]);
    }
    draw_legend(out, flows);
    fputs("</svg>\n", out);
}

bool ffmk_sim_balance_picture(FILE *out, const struct ffmk_sim_balance_words *words)
{
    struct ffmk_sim_flows *flows = ffmk_sim_flows_find(words);
    if (!flows)
        return false;
    draw(out, flows, words);
    ffmk_sim_flows_free(flows);
    return true;
}
