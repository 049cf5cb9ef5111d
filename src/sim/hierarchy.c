/* SPDX-License-Identifier: BSD-3-Clause
 * The tree, driven as a part drives it: every letter up, then every letter down. */
#include "sim/hierarchy.h"

#include "balance/tree.h"
#include "sim/diffusion.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UP, DOWN };

struct hierarchy {
    struct ffmk_rules rules;
    uint32_t levels;
    struct ffmk_tree **trees; /* of each level, by group */
    struct ffmk_tree_wish wish;
    size_t n_links;
    struct ffmk_flow_link *links;
    uint32_t *first; /* of each rank's borders */
    struct ffmk_tree_border *borders;
    uint32_t *edges; /* the link of each border */
    struct ffmk_loggp *loggp;
    double *left; /* the same, load, without what flows so far */
    struct ffmk_hierarchy_result *result;
    bool failed;
};

static void send(struct hierarchy *all, int32_t from, int32_t to, uint32_t level, int way,
                 struct ffmk_wire_out *out)
{
    const struct ffmk_loggp_letter letter = {.from = (uint32_t)from,
                                             .to = (uint32_t)to,
                                             .kind = 2 * level + (uint32_t)way,
                                             .bytes = (uint32_t)out->length,
                                             .data = out->data};
    if (out->failed || !ffmk_loggp_send(all->loggp, &letter)) {
        ffmk_wire_free(out);
        all->failed = true;
    }
}

/* A rank's own orders. */
static void settle(struct hierarchy *all, uint32_t rank, const struct ffmk_tree_orders *orders)
{
    for (uint32_t f = 0; f < orders->n_flows; f++) {
        const double flow = orders->flows[f];
        struct ffmk_flow_link *link = &all->links[all->edges[all->first[rank] + f]];
        if (link->a == rank)
            link->flow += flow;
        all->left[rank] -= flow;
    }
    for (uint32_t x = 0; x < orders->n_extras; x++) {
        all->left[rank] -= orders->extras[x].flow[0];
        all->result->jumped += fmax(orders->extras[x].flow[0], 0);
    }
    all->result->largest = fmax(all->result->largest, all->left[rank]);
    all->result->time_ns = fmax(all->result->time_ns, ffmk_loggp_now_ns(all->loggp, rank));
}

static void go_down(struct hierarchy *all, uint32_t level, uint32_t unit,
                    struct ffmk_tree_orders *orders)
{
    const int32_t speaker = ffmk_tree_speaker(&all->rules, level, unit);
    for (; level > 0; level--) {
        struct ffmk_tree *tree = &all->trees[level - 1][unit];
        struct ffmk_wire_out *downs = calloc(tree->n, sizeof *downs);
        struct ffmk_tree_orders mine = {.totals = orders->totals};
        ffmk_loggp_compute(all->loggp, (uint32_t)speaker, ffmk_hierarchy_solve_ns(tree->n));
        if (!downs || ffmk_tree_direct(tree, orders, &all->wish, downs)) {
            all->failed = true;
            free(downs);
            break;
        }
        for (uint32_t m = 1; m < tree->n; m++)
            send(all, speaker, ffmk_tree_speaker(&all->rules, level - 1, tree->first + m),
                 level - 1, DOWN, &downs[m]);
        struct ffmk_wire_in in = {.data = downs[0].data, .length = downs[0].length};
        all->failed = ffmk_tree_read(&mine, &all->rules, &in) || all->failed;
        ffmk_wire_free(&downs[0]);
        free(downs);
        unit = tree->first;
        ffmk_tree_free(tree);
        ffmk_tree_orders_free(orders);
        *orders = mine;
    }
    if (!all->failed)
        settle(all, unit, orders);
    ffmk_tree_orders_free(orders);
}

/* What a unit says goes to its group, and on from there as long as all of a group were heard. */
static void go_up(struct hierarchy *all, uint32_t level, uint32_t unit, struct ffmk_wire_in *in)
{
    struct ffmk_totals totals;
    const uint32_t fanout = (uint32_t)all->rules.fanout;
    struct ffmk_wire_out own = {0};
    while (!all->failed) {
        const uint32_t group = unit / fanout;
        struct ffmk_tree *tree = &all->trees[level][group];
        if (!tree->members && ffmk_tree_begin(tree, &all->rules, level, group * fanout))
            all->failed = true;
        if (all->failed || ffmk_tree_take(tree, unit, in))
            all->failed = true;
        ffmk_wire_free(&own);
        own = (struct ffmk_wire_out){0};
        if (all->failed || tree->n_here < tree->n)
            return;
        all->failed = ffmk_tree_sum(tree, &totals) != FFMK_SUCCESS;
        level++;
        unit = group;
        if (level == all->levels) {
            struct ffmk_tree_orders orders = {.totals = totals};
            go_down(all, level, unit, &orders);
            return;
        }
        ffmk_tree_write(&all->rules, &totals, tree->n_outside, tree->outside, &own);
        if (unit % fanout != 0) {
            send(all, ffmk_tree_speaker(&all->rules, level, unit),
                 ffmk_tree_speaker(&all->rules, level + 1, unit / fanout), level, UP, &own);
            return;
        }
        *in = (struct ffmk_wire_in){.data = own.data, .length = own.length};
    }
    ffmk_wire_free(&own);
}

static void start(struct hierarchy *all, uint32_t rank)
{
    const struct ffmk_totals totals = {
        .n_parts = 1,
        .n_items = 2, /* none is too heavy to go */
        .door = (int32_t)rank,
        .capacity = 1,
        .capacity_most = 1,
        .of = {{.load = all->left[rank], .rest = all->left[rank], .open = 1}}};
    struct ffmk_wire_out out = {0};
    ffmk_tree_write(&all->rules, &totals, all->first[rank + 1] - all->first[rank],
                    all->borders + all->first[rank], &out);
    const uint32_t fanout = (uint32_t)all->rules.fanout;
    if (rank % fanout != 0) {
        send(all, (int32_t)rank, ffmk_tree_speaker(&all->rules, 1, rank / fanout), 0, UP, &out);
        return;
    }
    struct ffmk_wire_in in = {.data = out.data, .length = out.length};
    go_up(all, 0, rank, &in);
    ffmk_wire_free(&out);
}

static void hear(struct hierarchy *all, const struct ffmk_loggp_letter *letter)
{
    struct ffmk_wire_in in = {.data = letter->data, .length = letter->bytes};
    const uint32_t level = letter->kind / 2;
    uint32_t unit[2] = {letter->from, letter->to};
    for (uint32_t l = 0; l < level; l++)
        for (int side = 0; side < 2; side++)
            unit[side] /= (uint32_t)all->rules.fanout;
    if (letter->kind % 2 == UP) {
        go_up(all, level, unit[0], &in);
    } else {
        struct ffmk_tree_orders orders = {0};
        all->failed = ffmk_tree_read(&orders, &all->rules, &in) || all->failed;
        go_down(all, level, unit[1], &orders);
    }
    free(letter->data);
}

/* The borders of each rank side by side, ascending, for the links are. */
static bool build(struct hierarchy *all, uint32_t n)
{
    all->levels = ffmk_tree_levels(&all->rules);
    all->trees = calloc(all->levels, sizeof *all->trees);
    all->first = calloc(n + 2ul, sizeof *all->first);
    all->borders = malloc((2 * all->n_links + 1) * sizeof *all->borders);
    all->edges = malloc((2 * all->n_links + 1) * sizeof *all->edges);
    bool good = all->trees && all->first && all->borders && all->edges;
    for (uint32_t level = 0; good && level < all->levels; level++) {
        all->trees[level] = calloc(ffmk_tree_units(&all->rules, level + 1), sizeof **all->trees);
        good = all->trees[level] != NULL;
    }
    if (!good)
        return false;
    uint32_t *end = all->first + 1;
    for (size_t e = 0; e < all->n_links; e++) {
        all->first[all->links[e].a + 2]++;
        all->first[all->links[e].b + 2]++;
    }
    for (uint32_t i = 2; i <= n + 1; i++)
        all->first[i] += all->first[i - 1];
    for (size_t e = 0; e < all->n_links; e++)
        for (int side = 0; side < 2; side++) {
            const struct ffmk_flow_link *link = &all->links[e];
            const uint32_t at = end[side ? link->a : link->b]++;
            all->borders[at] = (struct ffmk_tree_border){.unit = side ? link->b : link->a,
                                                         .conductance = link->conductance};
            all->edges[at] = (uint32_t)e;
        }
    return true;
}

/* Some steps of diffusion: flows, and the loads that are left. */
static bool diffuse(struct hierarchy *all, uint32_t n, const double *load, double limit, int steps,
                    double *left)
{
    const struct ffmk_diffusion_spectrum unknown = {1, 2};
    struct ffmk_diffusion *diffusion = ffmk_diffusion_create(FFMK_DIFFUSION_OURS, n, load, limit,
                                                             all->n_links, all->links, unknown);
    if (!diffusion)
        return false;
    for (int step = 0; step < steps; step++)
        ffmk_diffusion_step(diffusion);
    ffmk_diffusion_flow(diffusion, all->links);
    ffmk_diffusion_destroy(diffusion);
    memcpy(left, load, n * sizeof *left);
    for (size_t e = 0; e < all->n_links; e++) {
        left[all->links[e].a] -= all->links[e].flow;
        left[all->links[e].b] += all->links[e].flow;
    }
    return true;
}

bool ffmk_hierarchy_flow(uint32_t n, const double *load, double limit, int spread, int32_t fanout,
                         size_t n_links, struct ffmk_flow_link *links,
                         const struct ffmk_loggp_times *times, struct ffmk_hierarchy_result *result)
{
    double *left = malloc(n * sizeof *left);
    struct hierarchy all = {.rules = {.n_parts = (int32_t)n,
                                      .fanout = fanout,
                                      .n_weights = 1,
                                      .n_shared = 1,
                                      .imbalance = {1}},
                            .wish = {.aim = {limit}},
                            .left = left,
                            .result = result,
                            .n_links = n_links,
                            .links = links,
                            .loggp = ffmk_loggp_create(n, times)};
    struct ffmk_loggp_letter letter;
    *result = (struct ffmk_hierarchy_result){.largest = -INFINITY};
    all.failed =
        !left || !all.loggp || !build(&all, n) || !diffuse(&all, n, load, limit, spread, left);
    for (uint32_t rank = 0; rank < n && !all.failed; rank++)
        start(&all, rank);
    while (!all.failed && ffmk_loggp_next(all.loggp, &letter))
        hear(&all, &letter);
    for (uint32_t level = 0; all.trees && level < all.levels; level++) {
        for (uint32_t g = 0; all.trees[level] && g < ffmk_tree_units(&all.rules, level + 1); g++)
            ffmk_tree_free(&all.trees[level][g]);
        free(all.trees[level]);
    }
    free(left);
    free(all.trees);
    free(all.first);
    free(all.borders);
    free(all.edges);
    ffmk_loggp_destroy(all.loggp);
    return !all.failed;
}

uint32_t ffmk_hierarchy_levels(uint32_t n, int32_t fanout)
{
    const struct ffmk_rules rules = {.n_parts = (int32_t)n, .fanout = fanout};
    return ffmk_tree_levels(&rules);
}

double ffmk_hierarchy_solve_ns(uint32_t members)
{
    return 300 * pow(members, 4.0 / 3);
}
