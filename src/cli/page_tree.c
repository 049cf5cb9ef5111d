/* SPDX-License-Identifier: BSD-3-Clause
 * The efficiency tree: where the loss comes from, factor by factor. For wide windows as a picture,
 * for narrow ones as a list; the style sheet shows one of them. It must not compute efficiencies:
 * the report has them. */
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report_units.h"

enum { NODES = 5, CARD_WIDTH = 258, CARD_HEIGHT = 76, BAR_WIDTH = 226 };

static const struct node {
    const char *name;
    const char *meaning;
    int depth;
    int x;
    int y;
    int leaf;
} nodes[NODES] = {
    {"Parallel efficiency", "useful share of all ranks' time", 0, 1, 103, 0},
    {"Load balance", "mean work ÷ most work of a rank", 1, 311, 51, 0},
    {"inside hosts", "between the ranks of a host", 2, 621, 1, 1},
    {"between hosts", "between the means of hosts", 2, 621, 101, 1},
    {"Communication", "most work of a rank ÷ elapsed", 1, 311, 201, 1},
};

static void values_of(const struct ffmk_report *report, double values[NODES])
{
    const struct ffmk_report_efficiency *e = &report->efficiency;
    values[0] = e->parallel;
    values[1] = e->load_balance;
    values[2] = e->load_balance_inside;
    values[3] = e->load_balance_between;
    values[4] = e->communication;
}

/* The factor that costs most, when it costs enough to be worth a mark. */
static int weakest(const double values[NODES])
{
    int worst = -1;
    for (int i = 0; i < NODES; i++)
        if (nodes[i].leaf && values[i] < 0.95 && (worst < 0 || values[i] < values[worst]))
            worst = i;
    return worst;
}

static double bar_length(double value)
{
    return BAR_WIDTH * (value < 0 ? 0 : value > 1 ? 1 : value);
}

static void draw_links(FILE *out)
{
    static const int links[][2] = {{0, 1}, {0, 4}, {1, 2}, {1, 3}};
    fputs("<g class=\"link\">", out);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        const struct node *from = &nodes[links[i][0]];
        const struct node *to = &nodes[links[i][1]];
        int x = from->x + CARD_WIDTH;
        int y = from->y + CARD_HEIGHT / 2;
        int gap = to->x - x;
        fprintf(out, "<path d=\"M%d %dC%d %d %d %d %d %d\"/>", x, y, x + gap / 2, y, x + gap / 2,
                to->y + CARD_HEIGHT / 2, to->x, to->y + CARD_HEIGHT / 2);
    }
    fputs("</g>", out);
    /* Factors of one product. */
    fprintf(out, "<text class=\"times\" x=\"%d\" y=\"%d\">×</text>", nodes[2].x + CARD_WIDTH / 2,
            (nodes[2].y + CARD_HEIGHT + nodes[3].y) / 2 + 6);
    fprintf(out, "<text class=\"times\" x=\"%d\" y=\"%d\">×</text>", nodes[1].x + CARD_WIDTH / 2,
            (nodes[1].y + CARD_HEIGHT + nodes[4].y) / 2 + 6);
}

static void draw_node(FILE *out, int i, const double values[][NODES], size_t n, int worst)
{
    const struct node *node = &nodes[i];
    fprintf(out, "<g transform=\"translate(%d %d)\"><title>%s: %s", node->x, node->y, node->name,
            ffmk_units_percent(values[0][i]).text);
    if (n == 2)
        fprintf(out, " in A, %s in B", ffmk_units_percent(values[1][i]).text);
    fprintf(out, " (%s)</title><rect class=\"node%s\" width=\"%d\" height=\"%d\" rx=\"9\"/>",
            node->meaning, i == worst ? " worst" : "", CARD_WIDTH, CARD_HEIGHT);
    fprintf(out, "<text class=\"name\" x=\"16\" y=\"26\">%s</text>", node->name);
    if (n == 2)
        fprintf(
            out,
            "<text class=\"value\" x=\"%d\" y=\"46\"><tspan class=\"was\">%s</tspan> → %s</text>"
            "<text class=\"meaning\" x=\"16\" y=\"45\">%s</text>",
            CARD_WIDTH - 16, ffmk_units_percent(values[0][i]).text,
            ffmk_units_percent(values[1][i]).text, i == worst ? "costs most" : "");
    else
        fprintf(out,
                "<text class=\"value\" x=\"%d\" y=\"28\">%s</text>"
                "<text class=\"meaning\" x=\"16\" y=\"45\">%s</text>",
                CARD_WIDTH - 16, ffmk_units_percent(values[0][i]).text,
                i == worst ? "costs most of all factors" : node->meaning);
    for (size_t k = 0; k < n; k++) {
        double height = n == 2 ? 4 : 7;
        double y = 55 + 6 * (double)k;
        fprintf(out,
                "<rect class=\"track\" x=\"16\" y=\"%g\" width=\"%d\" height=\"%g\" rx=\"%g\"/>"
                "<rect class=\"fill%s\" x=\"16\" y=\"%g\" width=\"%.1f\" height=\"%g\" rx=\"%g\"/>",
                y, BAR_WIDTH, height, height / 2, n == 2 && k == 0 ? " was" : "", y,
                bar_length(values[k][i]), height, height / 2);
    }
    fputs("</g>\n", out);
}

static void write_list(FILE *out, const double values[][NODES], size_t n, int worst)
{
    fputs("<ul class=\"tree-list\">", out);
    for (int i = 0; i < NODES; i++) {
        fprintf(out, "<li class=\"depth%d\"><span>%s%s</span><b>", nodes[i].depth, nodes[i].name,
                i == worst ? " <em>costs most</em>" : "");
        if (n == 2)
            fprintf(out, "<span class=\"was\">%s</span> → ", ffmk_units_percent(values[0][i]).text);
        fprintf(
            out,
            "%s</b><svg viewBox=\"0 0 %d 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
            ffmk_units_percent(values[n - 1][i]).text, BAR_WIDTH);
        fprintf(out, "<rect class=\"track\" width=\"%d\" height=\"8\"/>", BAR_WIDTH);
        for (size_t k = 0; k < n; k++)
            fprintf(out, "<rect class=\"fill%s\" y=\"%g\" width=\"%.1f\" height=\"%g\"/>",
                    n == 2 && k == 0 ? " was" : "", 4.5 * (double)k, bar_length(values[k][i]),
                    n == 2 ? 3.5 : 8.0);
        fputs("</svg></li>", out);
    }
    fputs("</ul>\n", out);
}

void ffmk_page_tree(FILE *out, const struct ffmk_page_run *runs, size_t n)
{
    double values[2][NODES] = {{0}};
    for (size_t k = 0; k < n; k++)
        values_of(runs[k].report, values[k]);
    int worst = weakest(values[n - 1]);
    fprintf(out,
            "<figure class=\"tree\"><svg viewBox=\"0 0 880 279\" role=\"img\" "
            "aria-label=\"Efficiency tree: parallel "
            "efficiency %s is load balance %s times communication %s\">\n",
            ffmk_units_percent(values[n - 1][0]).text, ffmk_units_percent(values[n - 1][1]).text,
            ffmk_units_percent(values[n - 1][4]).text);
    draw_links(out);
    for (int i = 0; i < NODES; i++)
        draw_node(out, i, (const double(*)[NODES])values, n, worst);
    fputs("</svg></figure>\n", out);
    write_list(out, (const double(*)[NODES])values, n, worst);
}
