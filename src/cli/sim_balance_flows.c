/* SPDX-License-Identifier: BSD-3-Clause
 * Follows each scheme until little is left, and what it costs. */
#include "cli/sim_balance_flows.h"

#include "cli/report_units.h"
#include "core/log.h"
#include "sim/hierarchy.h"
#include "sim/start.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_ROUNDS = 20000, COMPACT_FANOUT = 8 };

/* So many links are gone through for a scheme at most. */
static const double MOST_WORK = 4e9;

/* An exchange of 8 bytes with every neighbour of an inner rank. */
static double round_ns(const struct ffmk_sim_flows *flows)
{
    const struct ffmk_loggp_times *t = &flows->times;
    int neighbours = 0;
    for (int axis = 0; axis < 3; axis++) {
        const uint32_t ranks = flows->workload.grid[axis];
        neighbours += ranks > 2 ? 2 : (int)ranks - 1;
    }
    const double gap = fmax(t->overhead_ns, t->gap_ns + 7 * t->byte_ns);
    return fmax(2 * neighbours * t->overhead_ns,
                (neighbours - 1) * gap + 2 * t->overhead_ns + t->wire_ns + 7 * t->byte_ns);
}

/* A sum or largest of all ranks, by recursive doubling. */
static double reduction_ns(const struct ffmk_sim_flows *flows)
{
    const struct ffmk_loggp_times *t = &flows->times;
    return ceil(log2(flows->ranks)) * (t->wire_ns + 2 * t->overhead_ns + 7 * t->byte_ns);
}

static void add_point(struct ffmk_sim_flow *curve, double round, double ms, double left)
{
    /* As many a factor of rounds, so that a curve has points wherever one looks. */
    const double last = curve->n > 0 ? curve->rounds[curve->n - 1] : 0;
    if (curve->n < FFMK_SIM_FLOW_POINTS &&
        (round < 40 || round >= last * 1.03 || left <= FFMK_SIM_FLOW_LEAST)) {
        curve->rounds[curve->n] = round;
        curve->ms[curve->n] = ms;
        curve->left[curve->n++] = left;
    }
}

static bool follow_scheme(struct ffmk_sim_flows *flows, enum ffmk_diffusion_scheme scheme,
                          struct ffmk_flow_link *links)
{
    struct ffmk_sim_flow *curve = &flows->flows[FFMK_SIM_FLOW_TREES + (int)scheme];
    struct ffmk_diffusion *diffusion =
        ffmk_diffusion_create(scheme, flows->ranks, flows->load, 1, flows->n_links, links,
                              ffmk_diffusion_box(flows->workload.grid, 1));
    /* Two sums that need each other a step; one look in four steps whether the distance grew. */
    const double sums = scheme == FFMK_DIFFUSION_GRADIENTS ? 2
                        : scheme == FFMK_DIFFUSION_OURS    ? 0.25
                                                           : 0;
    const double step_ms = (round_ns(flows) + sums * reduction_ns(flows)) * 1e-6;
    if (!diffusion)
        return false;
    for (int round = 0; round <= MOST_ROUNDS && !curve->reached; round++) {
        const double left = ffmk_diffusion_largest(diffusion) - 1;
        curve->reached = left <= FFMK_SIM_FLOW_LEAST;
        if (round > 0)
            add_point(curve, round, round * step_ms, fmax(left, FFMK_SIM_FLOW_LEAST));
        if (round * (double)flows->n_links > MOST_WORK)
            break;
        if (!curve->reached)
            ffmk_diffusion_step(diffusion);
    }
    ffmk_diffusion_flow(diffusion, links);
    ffmk_diffusion_destroy(diffusion);
    return ffmk_diffusion_worth(flows->ranks, flows->load, flows->n_links, links, &curve->worth);
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
static bool follow_tree(struct ffmk_sim_flows *flows, struct ffmk_sim_flow *curve, int spread,
                        int32_t fanout, const int32_t *number, struct ffmk_flow_link *links)
{
    double *load = malloc(flows->ranks * sizeof *load);
    struct ffmk_hierarchy_result result = {0};
    for (uint32_t rank = 0; load && rank < flows->ranks; rank++)
        load[number[rank]] = flows->load[rank];
    for (size_t e = 0; e < flows->n_links; e++) {
        const uint32_t a = (uint32_t)number[flows->links[e].a];
        const uint32_t b = (uint32_t)number[flows->links[e].b];
        links[e] = (struct ffmk_flow_link){a < b ? a : b, a < b ? b : a, 1, 0};
    }
    qsort(links, flows->n_links, sizeof *links, compare_links);
    const bool good =
        load &&
        ffmk_hierarchy_flow(flows->ranks, load, 1 + FFMK_SIM_FLOW_LEAST / 2, spread, fanout,
                            flows->n_links, links, &flows->times, &result) &&
        ffmk_diffusion_worth(flows->ranks, load, flows->n_links, links, &curve->worth);
    /* Where diffusion comes before it, the tree also tells the mean load, before that. */
    const double levels = ffmk_hierarchy_levels(flows->ranks, fanout);
    const double trees = spread > 0 ? 2 : 1;
    curve->tree = true;
    curve->n = 1;
    curve->rounds[0] = 2 * levels * trees + spread;
    curve->ms[0] = (result.time_ns * trees + spread * round_ns(flows)) * 1e-6;
    curve->worth.largest = result.largest;
    curve->jumped = result.jumped / flows->ranks;
    curve->left[0] = fmax(curve->worth.largest - 1, FFMK_SIM_FLOW_LEAST);
    curve->reached = curve->worth.largest - 1 <= FFMK_SIM_FLOW_LEAST;
    free(load);
    return good;
}

static bool find_loads(struct ffmk_sim_flows *flows)
{
    const uint32_t side = flows->workload.side;
    uint64_t *ids = malloc((size_t)side * side * side * sizeof *ids);
    double whole = 0, most = 0;
    for (uint32_t rank = 0; ids && rank < flows->ranks; rank++) {
        const size_t n = ffmk_workload_items(&flows->workload, FFMK_WORKLOAD_BLOCKS, rank, ids);
        for (size_t i = 0; i < n; i++)
            flows->load[rank] += ffmk_workload_weight(&flows->workload, ids[i], 0);
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

static bool follow_trees(struct ffmk_sim_flows *flows, const struct ffmk_sim_balance_words *words,
                         int32_t *number, struct ffmk_flow_link *links)
{
    const struct ffmk_rules usual = ffmk_sim_balance_usual((int32_t)flows->ranks, 1);
    const int32_t fanout = words->wanted.fanout ? words->wanted.fanout : usual.fanout;
    const int spread = ffmk_hierarchy_levels(flows->ranks, fanout) > 1 ? usual.spread : 0;
    struct ffmk_sim_flow *const trees = flows->flows;
    for (uint32_t rank = 0; rank < flows->ranks; rank++)
        number[rank] = (int32_t)rank;
    snprintf(trees[0].label, sizeof trees[0].label, "jobs: %d rounds, tree of fanout %d", spread,
             fanout);
    snprintf(trees[1].label, sizeof trees[1].label, "tree of fanout %d alone", fanout);
    snprintf(trees[2].label, sizeof trees[2].label, "%d rounds, compact tree of fanout %d",
             usual.spread, COMPACT_FANOUT);
    trees[1].style = 1;
    trees[2].style = 6;
    if (!follow_tree(flows, &trees[0], spread, fanout, number, links) ||
        !follow_tree(flows, &trees[1], 0, fanout, number, links))
        return false;
    ffmk_start_number(&flows->workload, number);
    return follow_tree(flows, &trees[2], usual.spread, COMPACT_FANOUT, number, links);
}

static bool follow_all(struct ffmk_sim_flows *flows, const struct ffmk_sim_balance_words *words)
{
    static const char *const labels[FFMK_DIFFUSION_SCHEMES] = {
        "first-order diffusion", "second-order diffusion", "Chebyshev", "conjugate gradients",
        "accelerated, restarted"};
    static const int styles[FFMK_DIFFUSION_SCHEMES] = {7, 2, 3, 5, 4};
    int32_t *number = calloc(flows->ranks, sizeof *number);
    struct ffmk_flow_link *links = malloc(3ul * flows->ranks * sizeof *links);
    flows->load = calloc(flows->ranks, sizeof *flows->load);
    flows->links = malloc(3ul * flows->ranks * sizeof *flows->links);
    bool good = number && links && flows->load && flows->links && find_loads(flows);
    if (good) {
        flows->n_links = ffmk_diffusion_box_links(flows->workload.grid, 1, flows->links);
        good = follow_trees(flows, words, number, links);
    }
    for (int s = 0; good && s < FFMK_DIFFUSION_SCHEMES; s++) {
        struct ffmk_sim_flow *flow = &flows->flows[FFMK_SIM_FLOW_TREES + s];
        snprintf(flow->label, sizeof flow->label, "%s", labels[s]);
        flow->style = styles[s];
        for (size_t e = 0; e < flows->n_links; e++)
            links[e] = flows->links[e];
        good = follow_scheme(flows, (enum ffmk_diffusion_scheme)s, links);
    }
    free(number);
    free(links);
    return good;
}

struct ffmk_sim_flows *ffmk_sim_flows_find(const struct ffmk_sim_balance_words *words)
{
    struct ffmk_sim_flows *flows = calloc(1, sizeof *flows);
    bool good =
        flows && ffmk_workload_begin(&flows->workload, words->wanted.workload, words->wanted.ranks,
                                     words->wanted.side, words->wanted.seed);
    if (good) {
        flows->ranks = words->wanted.ranks;
        flows->times = words->wanted.times;
        good = follow_all(flows, words);
    }
    if (!good)
        ffmk_log("out of memory with %u ranks", words->wanted.ranks);
    if (good && flows->first <= FFMK_SIM_FLOW_LEAST) {
        ffmk_log("no flow is needed: no load of %s is above the mean in the beginning",
                 words->wanted.workload);
        good = false;
    }
    if (good)
        return flows;
    ffmk_sim_flows_free(flows);
    return NULL;
}

void ffmk_sim_flows_free(struct ffmk_sim_flows *flows)
{
    if (!flows)
        return;
    free(flows->load);
    free(flows->links);
    free(flows);
}

/* The smallest flow, as nearly as it was found. */
static const struct ffmk_diffusion_worth *least_of(const struct ffmk_sim_flows *flows)
{
    return &flows->flows[FFMK_SIM_FLOW_TREES + FFMK_DIFFUSION_GRADIENTS].worth;
}

void ffmk_sim_flows_table(FILE *out, const struct ffmk_sim_flows *flows,
                          const struct ffmk_sim_balance_words *words)
{
    const struct ffmk_diffusion_worth *least = least_of(flows);
    fprintf(out,
            "%s: flows of %s blocks of %u items, until %g %% above the mean are left of %.0f %%\n\n"
            "  %-37s %8s %12s %9s %9s\n",
            words->wanted.workload, ffmk_units_whole(flows->ranks).text,
            words->wanted.side * words->wanted.side * words->wanted.side, 100 * FFMK_SIM_FLOW_LEAST,
            100 * flows->first, "", "rounds", "predicted ms", "squares", "carried");
    for (int f = 0; f < FFMK_SIM_FLOWS; f++) {
        const struct ffmk_sim_flow *flow = &flows->flows[f];
        fprintf(out, "  %-37s %s%7.0f %12.3f %8.2fx %8.2fx\n", flow->label,
                flow->reached ? " " : ">", flow->rounds[flow->n - 1], flow->ms[flow->n - 1],
                flow->worth.energy / least->energy, flow->worth.carried / least->carried);
    }
    fputs("\nSquares: the sum of flow^2 over the borders; carried: load times borders that it "
          "crosses; both\nas multiples of what conjugate gradients come to.\n",
          out);
}

void ffmk_sim_flows_json(FILE *out, const struct ffmk_sim_flows *flows,
                         const struct ffmk_sim_balance_words *words)
{
    const struct ffmk_diffusion_worth *least = least_of(flows);
    json_t *root = json_object(), *list = json_array();
    json_object_set_new(root, "workload", json_string(words->wanted.workload));
    json_object_set_new(root, "ranks", json_integer(flows->ranks));
    json_object_set_new(root, "left_before", json_real(flows->first));
    for (int f = 0; f < FFMK_SIM_FLOWS; f++) {
        const struct ffmk_sim_flow *flow = &flows->flows[f];
        json_t *one = json_object();
        json_object_set_new(one, "scheme", json_string(flow->label));
        json_object_set_new(one, "rounds", json_real(flow->rounds[flow->n - 1]));
        json_object_set_new(one, "predicted_ms", json_real(flow->ms[flow->n - 1]));
        json_object_set_new(one, "left", json_real(flow->worth.largest - 1));
        json_object_set_new(one, "squares", json_real(flow->worth.energy / least->energy));
        json_object_set_new(one, "carried", json_real(flow->worth.carried / least->carried));
        json_object_set_new(one, "jumped", json_real(flow->jumped));
        json_array_append_new(list, one);
    }
    json_object_set_new(root, "flows", list);
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputs("\n", out);
    json_decref(root);
}
