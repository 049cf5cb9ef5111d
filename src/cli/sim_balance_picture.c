/* SPDX-License-Identifier: BSD-3-Clause
 * The picture of `ffmk sim balance`: what load is left while flows are found, by schemes of
 * diffusion and by the tree, over their rounds and over predicted time. */
#include "cli/report_units.h"
#include "cli/sim_balance.h"
#include "cli/sim_draw.h"
#include "core/log.h"
#include "sim/diffusion.h"
#include "sim/hierarchy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    POINTS = 400,
    TREES = 2,
    CURVES = FFMK_DIFFUSION_SCHEMES + TREES,
    MOST_ROUNDS = 20000,
    COMPACT_FANOUT = 8
};

/* What is left of a load is shown from here on, as a share of the mean. */
static const double LEAST = 5e-3;
/* So many links are gone through for a scheme at most. */
static const double MOST_WORK = 4e9;

struct curve {
    const char *label;
    int style;
    bool steps; /* nothing is gained before its end */
    size_t n;
    double rounds[POINTS], ms[POINTS], left[POINTS];
};

struct flows {
    uint32_t ranks;
    const struct ffmk_workload *workload;
    const struct ffmk_loggp_times *times;
    double *load; /* in means */
    size_t n_links;
    struct ffmk_flow_link *links;
    double first; /* left in the beginning */
    struct curve curves[CURVES];
};

/* An exchange of 8 bytes with every neighbour of an inner rank. */
static double round_ns(const struct flows *flows)
{
    const struct ffmk_loggp_times *t = flows->times;
    int neighbours = 0;
    for (int axis = 0; axis < 3; axis++) {
        const uint32_t ranks = flows->workload->grid[axis];
        neighbours += ranks > 2 ? 2 : (int)ranks - 1;
    }
    const double gap = fmax(t->overhead_ns, t->gap_ns + 7 * t->byte_ns);
    return fmax(2 * neighbours * t->overhead_ns,
                (neighbours - 1) * gap + 2 * t->overhead_ns + t->wire_ns + 7 * t->byte_ns);
}

/* A sum or largest of all ranks, by recursive doubling. */
static double reduction_ns(const struct flows *flows)
{
    const struct ffmk_loggp_times *t = flows->times;
    return ceil(log2(flows->ranks)) * (t->wire_ns + 2 * t->overhead_ns + 7 * t->byte_ns);
}

static void add_point(struct curve *curve, double round, double ms, double left)
{
    /* As many a factor of rounds, so that a curve has points wherever one looks. */
    const double last = curve->n > 0 ? curve->rounds[curve->n - 1] : 0;
    if (curve->n < POINTS && (round < 40 || round >= last * 1.03 || left <= LEAST)) {
        curve->rounds[curve->n] = round;
        curve->ms[curve->n] = ms;
        curve->left[curve->n++] = left;
    }
}

static bool follow_scheme(struct flows *flows, enum ffmk_diffusion_scheme scheme)
{
    struct curve *curve = &flows->curves[TREES + (int)scheme];
    struct ffmk_diffusion *diffusion =
        ffmk_diffusion_create(scheme, flows->ranks, flows->load, 1, flows->n_links, flows->links,
                              ffmk_diffusion_box(flows->workload->grid, 1));
    /* Two sums that need each other a step; one look in four steps whether the distance grew. */
    const double sums = scheme == FFMK_DIFFUSION_GRADIENTS ? 2
                        : scheme == FFMK_DIFFUSION_OURS    ? 0.25
                                                           : 0;
    const double step_ms = (round_ns(flows) + sums * reduction_ns(flows)) * 1e-6;
    if (!diffusion)
        return false;
    for (int round = 0; round <= MOST_ROUNDS; round++) {
        const double left = ffmk_diffusion_largest(diffusion) - 1;
        if (round > 0)
            add_point(curve, round, round * step_ms, fmax(left, LEAST));
        if (left <= LEAST || round * (double)flows->n_links > MOST_WORK)
            break;
        ffmk_diffusion_step(diffusion);
    }
    ffmk_diffusion_destroy(diffusion);
    return true;
}

static int compare_links(const void *a, const void *b)
{
    const struct ffmk_flow_link *left = a;
    const struct ffmk_flow_link *right = b;
    if (left->a != right->a)
        return left->a < right->a ? -1 : 1;
    return (left->b > right->b) - (left->b < right->b);
}

/* The tree, with ranks numbered as `number` says. */
static bool follow_tree(struct flows *flows, struct curve *curve, int32_t fanout,
                        const int32_t *number)
{
    struct ffmk_flow_link *links = malloc(flows->n_links * sizeof *links);
    double *load = malloc(flows->ranks * sizeof *load);
    double ns = 0;
    struct ffmk_diffusion_worth worth;
    bool good = links && load;
    for (uint32_t rank = 0; good && rank < flows->ranks; rank++)
        load[number[rank]] = flows->load[rank];
    for (size_t e = 0; good && e < flows->n_links; e++) {
        const uint32_t a = (uint32_t)number[flows->links[e].a];
        const uint32_t b = (uint32_t)number[flows->links[e].b];
        links[e] = (struct ffmk_flow_link){a < b ? a : b, a < b ? b : a, 1, 0};
    }
    if (good)
        qsort(links, flows->n_links, sizeof *links, compare_links);
    good = good &&
           ffmk_hierarchy_flow(flows->ranks, load, 1 + LEAST / 2, fanout, flows->n_links, links,
                               flows->times, &ns) &&
           ffmk_diffusion_worth(flows->ranks, load, flows->n_links, links, &worth);
    if (good) {
        curve->rounds[0] = 2 * ffmk_hierarchy_levels(flows->ranks, fanout);
        curve->ms[0] = ns * 1e-6;
        curve->left[0] = fmax(worth.largest - 1, LEAST);
        curve->n = 1;
    }
    free(links);
    free(load);
    return good;
}

static bool find_loads(struct flows *flows)
{
    const uint32_t side = flows->workload->side;
    uint64_t *ids = malloc((size_t)side * side * side * sizeof *ids);
    double whole = 0, most = 0;
    for (uint32_t rank = 0; ids && rank < flows->ranks; rank++) {
        const size_t n = ffmk_workload_items(flows->workload, FFMK_WORKLOAD_BLOCKS, rank, ids);
        for (size_t i = 0; i < n; i++)
            flows->load[rank] += ffmk_workload_weight(flows->workload, ids[i], 0);
        whole += flows->load[rank];
    }
    for (uint32_t rank = 0; rank < flows->ranks; rank++) {
        flows->load[rank] *= flows->ranks / whole;
        most = fmax(most, flows->load[rank]);
    }
    flows->first = most - 1;
    free(ids);
    return ids != NULL;
}

static bool find(struct flows *flows, const struct ffmk_sim_balance_words *words)
{
    static const char *const labels[FFMK_DIFFUSION_SCHEMES] = {
        "first-order diffusion", "second-order diffusion", "Chebyshev", "conjugate gradients",
        "accelerated, restarted"};
    static const int styles[FFMK_DIFFUSION_SCHEMES] = {7, 2, 3, 5, 4};
    static char tree_label[48];
    int32_t *number = malloc(flows->ranks * sizeof *number);
    const int32_t fanout = words->wanted.fanout ? words->wanted.fanout : ffmk_sim_balance_fanout();
    flows->load = calloc(flows->ranks, sizeof *flows->load);
    flows->links = malloc(3ul * flows->ranks * sizeof *flows->links);
    bool good = number && flows->load && flows->links && find_loads(flows);
    if (good)
        flows->n_links = ffmk_diffusion_box_links(flows->workload->grid, 1, flows->links);
    for (uint32_t rank = 0; good && rank < flows->ranks; rank++)
        number[rank] = (int32_t)rank;
    snprintf(tree_label, sizeof tree_label, "tree, fanout %d, in rows", fanout);
    flows->curves[0].label = tree_label;
    flows->curves[0].style = 1;
    good = good && follow_tree(flows, &flows->curves[0], fanout, number);
    if (good)
        ffmk_sim_balance_number(flows->workload, number);
    flows->curves[1].label = "tree, fanout 8, along a curve";
    flows->curves[1].style = 0;
    good = good && follow_tree(flows, &flows->curves[1], COMPACT_FANOUT, number);
    for (int s = 0; good && s < FFMK_DIFFUSION_SCHEMES; s++) {
        flows->curves[TREES + s].label = labels[s];
        flows->curves[TREES + s].style = styles[s];
        good = follow_scheme(flows, (enum ffmk_diffusion_scheme)s);
    }
    free(number);
    return good;
}

enum { LEFT = 62, WIDE = 350, GAP = 46, TOP = 84, TALL = 270, RIGHT = 20, BELOW = 132 };

struct panel {
    double x;           /* of its left side */
    double least, most; /* of what is across, powers of ten */
    double first;       /* what is up there */
    const char *name;
    bool time;
};

static double place_x(const struct panel *panel, double x)
{
    return panel->x + log(x / panel->least) / log(panel->most / panel->least) * WIDE;
}

static double place_y(const struct panel *panel, double left)
{
    const double least = LEAST;
    return TOP + TALL - log(left / least) / log(panel->first / least) * TALL;
}

static void draw_axes(FILE *out, const struct panel *panel)
{
    static const double marks[] = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50};
    fputs("<path class=\"grid\" d=\"", out);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (marks[i] >= LEAST && marks[i] <= panel->first * 1.001)
            fprintf(out, "M%.1f %.1fh%d", panel->x, place_y(panel, marks[i]), WIDE);
    for (double x = panel->least; x <= panel->most * 1.001; x *= 10)
        fprintf(out, "M%.1f %dv%d", place_x(panel, x), TOP, TALL);
    fputs("\"/>\n", out);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && !panel->time; i++)
        if (marks[i] >= LEAST && marks[i] <= panel->first * 1.001)
            fprintf(out,
                    "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g %%</text>\n",
                    panel->x - 8, place_y(panel, marks[i]) + 4, marks[i] * 100);
    for (double x = panel->least; x <= panel->most * 1.001; x *= 10)
        fprintf(out, "<text class=\"axis\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                place_x(panel, x), TOP + TALL + 18,
                x >= 1      ? ffmk_units_whole((int64_t)(x + 0.5)).text
                : x > 0.05  ? "0.1"
                : x > 0.005 ? "0.01"
                            : "0.001");
    fprintf(out, "<text class=\"line\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            panel->x + WIDE / 2.0, TOP + TALL + 38, panel->name);
}

static void draw_curve(FILE *out, const struct panel *panel, const struct curve *curve, bool tree)
{
    const double *across = panel->time ? curve->ms : curve->rounds;
    if (curve->n == 0)
        return;
    fprintf(out, "<path class=\"l%d\" d=\"M%.1f %.1f", curve->style, panel->x,
            place_y(panel, panel->first));
    if (tree) /* all at once, in the end */
        fprintf(out, "H%.1fV%.1f", place_x(panel, across[0]), place_y(panel, curve->left[0]));
    for (size_t i = 0; i < curve->n && !tree; i++)
        fprintf(out, "L%.1f %.1f", place_x(panel, fmax(across[i], panel->least)),
                place_y(panel, fmin(curve->left[i], panel->first)));
    fputs("\"/>\n", out);
    fprintf(out, "<path class=\"l%d small dot\" d=\"M%.1f %.1fh0\"/>\n", curve->style,
            place_x(panel, across[curve->n - 1]), place_y(panel, curve->left[curve->n - 1]));
}

static void draw_legend(FILE *out, const struct flows *flows)
{
    for (int c = 0; c < CURVES; c++) {
        const int x = LEFT + c % 3 * 262, y = TOP + TALL + 66 + c / 3 * 22;
        fprintf(out,
                "<path class=\"l%d\" d=\"M%d %dh26\"/><text class=\"line\" x=\"%d\" y=\"%d\">%s"
                "</text>\n",
                flows->curves[c].style, x, y - 4, x + 34, y, flows->curves[c].label);
    }
}

static double power_above(double x)
{
    return pow(10, ceil(log10(x) - 1e-9));
}

static void draw(FILE *out, const struct flows *flows, const struct ffmk_sim_balance_words *words)
{
    const int width = LEFT + 2 * WIDE + GAP + RIGHT, height = TOP + TALL + BELOW;
    const struct ffmk_loggp_times *t = flows->times;
    double most_rounds = 10, most_ms = 0.1, least_ms = INFINITY;
    for (int c = 0; c < CURVES; c++) {
        const struct curve *curve = &flows->curves[c];
        most_rounds = fmax(most_rounds, curve->rounds[curve->n - 1]);
        most_ms = fmax(most_ms, curve->ms[curve->n - 1]);
        least_ms = fmin(least_ms, curve->ms[0]);
    }
    const struct panel panels[2] = {{LEFT, 1, power_above(most_rounds), flows->first,
                                     "rounds of exchange between neighbours", false},
                                    {LEFT + WIDE + GAP, power_above(least_ms) / 10,
                                     power_above(most_ms), flows->first, "predicted time, ms",
                                     true}};
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
    fprintf(
        out,
        "<text class=\"title\" x=\"12\" y=\"24\">Finding flows for %s ranks, %s: the tree needs "
        "%.2g ms</text>\n<text class=\"line\" x=\"12\" y=\"44\">",
        ffmk_units_whole(flows->ranks).text, words->wanted.workload,
        fmin(flows->curves[0].ms[0], flows->curves[1].ms[0]));
    fprintf(out,
            "%u × %u × %u blocks of %u items; %s: L = %g, o = %g, g = %g µs, G = %g ns</text>\n",
            flows->workload->grid[0], flows->workload->grid[1], flows->workload->grid[2],
            words->wanted.side * words->wanted.side * words->wanted.side,
            words->network ? words->network->name : "a network", t->wire_ns / 1000,
            t->overhead_ns / 1000, t->gap_ns / 1000, t->byte_ns);
    fprintf(out, "<text class=\"line\" x=\"12\" y=\"%d\">largest load above the mean</text>\n",
            TOP - 14);
    for (int p = 0; p < 2; p++) {
        draw_axes(out, &panels[p]);
        for (int c = CURVES; c-- > 0;) /* the first lies on top */
            draw_curve(out, &panels[p], &flows->curves[c], c < TREES);
    }
    draw_legend(out, flows);
    fputs("</svg>\n", out);
}

bool ffmk_sim_balance_picture(FILE *out, const struct ffmk_sim_balance_words *words)
{
    struct ffmk_workload workload;
    struct flows *flows = calloc(1, sizeof *flows);
    bool good = flows && ffmk_workload_begin(&workload, words->wanted.workload, words->wanted.ranks,
                                             words->wanted.side, words->wanted.seed);
    if (good) {
        flows->ranks = words->wanted.ranks;
        flows->workload = &workload;
        flows->times = &words->wanted.times;
        good = find(flows, words);
        if (good && flows->first > LEAST)
            draw(out, flows, words);
        else if (good)
            ffmk_log("--picture has nothing to show: no load of %s is above the mean",
                     words->wanted.workload);
        good = good && flows->first > LEAST;
        free(flows->load);
        free(flows->links);
    }
    if (!flows)
        ffmk_log("out of memory with %u ranks", words->wanted.ranks);
    free(flows);
    return good;
}
