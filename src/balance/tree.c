/* SPDX-License-Identifier: BSD-3-Clause
 * One group of the tree: sums of its members, and their flows. */
#include "balance/tree.h"

#include "balance/inside.h"
#include "balance/order.h"
#include "core/spare.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How near to the aim a flow has to come, as a share of the mean load. */
static const double NEAR = 1e-3;

static void add(struct ffmk_totals *to, unsigned n_weights, const struct ffmk_totals *from)
{
    to->code = from->code < to->code ? from->code : to->code;
    to->door = to->of[0].open > 0 ? to->door : from->door;
    to->n_parts += from->n_parts;
    to->n_items += from->n_items;
    to->n_links += from->n_links;
    to->capacity += from->capacity;
    to->capacity_most = fmax(to->capacity_most, from->capacity_most);
    to->missing += from->missing;
    to->links += from->links;
    to->cut += from->cut;
    to->excess += from->excess;
    to->to_carry += from->to_carry;
    to->improved += from->improved;
    for (unsigned d = 0; d < n_weights; d++) {
        to->of[d].load += from->of[d].load;
        to->of[d].rest += from->of[d].rest;
        to->of[d].open += from->of[d].open;
        to->of[d].held += from->of[d].held;
        to->of[d].largest = fmax(to->of[d].largest, from->of[d].largest);
        to->of[d].heaviest = fmax(to->of[d].heaviest, from->of[d].heaviest);
    }
}

uint32_t ffmk_tree_units(const struct ffmk_rules *rules, uint32_t level)
{
    uint32_t units = (uint32_t)rules->n_parts;
    const uint32_t fanout = (uint32_t)rules->fanout;
    for (; level > 0; level--)
        units = (units - 1) / fanout + 1;
    return units;
}

uint32_t ffmk_tree_levels(const struct ffmk_rules *rules)
{
    uint32_t level = 1;
    while (ffmk_tree_units(rules, level) > 1)
        level++;
    return level;
}

int32_t ffmk_tree_speaker(const struct ffmk_rules *rules, uint32_t level, uint32_t unit)
{
    for (; level > 0; level--)
        unit *= (uint32_t)rules->fanout;
    return (int32_t)unit;
}

int ffmk_tree_begin(struct ffmk_tree *tree, const struct ffmk_rules *rules, uint32_t level,
                    uint32_t first)
{
    const uint32_t units = ffmk_tree_units(rules, level), fanout = (uint32_t)rules->fanout;
    *tree = (struct ffmk_tree){.rules = rules,
                               .level = level,
                               .first = first,
                               .n = units - first < fanout ? units - first : fanout};
    tree->members = ffmk_spare_calloc(tree->n, sizeof *tree->members);
    return tree->members ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
}

static size_t totals_bytes(const struct ffmk_rules *rules)
{
    return offsetof(struct ffmk_totals, of) + rules->n_weights * sizeof(struct ffmk_totals_of);
}

void ffmk_tree_write(const struct ffmk_rules *rules, const struct ffmk_totals *totals,
                     uint32_t n_borders, const struct ffmk_tree_border *borders,
                     struct ffmk_wire_out *up)
{
    const size_t head = totals_bytes(rules), bytes = n_borders * sizeof *borders;
    uint8_t *room = ffmk_wire_put_room(up, head + bytes);
    if (!room)
        return;
    memcpy(room, totals, head);
    if (bytes > 0)
        memcpy(room + head, borders, bytes);
}

int ffmk_tree_take(struct ffmk_tree *tree, uint32_t unit, struct ffmk_wire_in *up)
{
    if (!tree->members)
        return FFMK_ERR_NO_MEMORY;
    struct ffmk_tree_member *member = &tree->members[unit - tree->first];
    const size_t bytes = up->length - up->at, head = totals_bytes(tree->rules);
    const void *letter = ffmk_wire_get_bytes(up, bytes);
    if (!letter || bytes < head || !(member->letter = ffmk_spare_malloc(bytes)))
        return FFMK_ERR_NO_MEMORY;
    memcpy(member->letter, letter, bytes);
    member->totals = member->letter;
    member->borders = (const void *)((const uint8_t *)member->letter + head);
    member->n_borders = (uint32_t)((bytes - head) / sizeof *member->borders);
    tree->n_here += !member->here;
    member->here = true;
    return FFMK_SUCCESS;
}

/* There are no other groups. */
static bool is_whole(const struct ffmk_tree *tree)
{
    return tree->n == (uint32_t)tree->rules->n_parts;
}

static int compare_borders(const void *a, const void *b)
{
    const struct ffmk_tree_border *left = a;
    const struct ffmk_tree_border *right = b;
    if (left->unit != right->unit)
        return left->unit < right->unit ? -1 : 1;
    /* Both groups sum the same numbers in the same order. */
    return (left->conductance > right->conductance) - (left->conductance < right->conductance);
}

int ffmk_tree_sum(struct ffmk_tree *tree, struct ffmk_totals *totals)
{
    const uint32_t fanout = (uint32_t)tree->rules->fanout;
    size_t n = 0;
    *totals = (struct ffmk_totals){0};
    for (uint32_t m = 0; m < tree->n; m++) {
        if (!tree->members || !tree->members[m].totals) /* it could not be kept */
            return FFMK_ERR_NO_MEMORY;
        add(totals, tree->rules->n_weights, tree->members[m].totals);
        for (uint32_t e = 0; e < tree->members[m].n_borders; e++)
            n += !ffmk_tree_is_inside(tree, tree->members[m].borders[e].unit);
    }
    tree->outside = ffmk_spare_malloc((n + 1) * sizeof *tree->outside);
    if (!tree->outside)
        return FFMK_ERR_NO_MEMORY;
    n = 0;
    for (uint32_t m = 0; m < tree->n; m++)
        for (uint32_t e = 0; e < tree->members[m].n_borders; e++) {
            struct ffmk_tree_border border = tree->members[m].borders[e];
            if (ffmk_tree_is_inside(tree, border.unit))
                continue;
            border.unit /= fanout;
            tree->outside[n++] = border;
        }
    if (n > 1)
        qsort(tree->outside, n, sizeof *tree->outside, compare_borders);
    uint32_t last = 0;
    for (size_t e = 1; e < n; e++) {
        if (tree->outside[e].unit == tree->outside[last].unit)
            tree->outside[last].conductance += tree->outside[e].conductance;
        else
            tree->outside[++last] = tree->outside[e];
    }
    tree->n_outside = n > 0 ? last + 1 : 0;
    return FFMK_SUCCESS;
}

/* What each member's borders carry, in the order in which it gave them, one behind another. */
struct plan {
    unsigned n_weights;
    uint32_t *first;              /* of each member's flows */
    double *flows;                /* n_weights each */
    uint8_t *turns;               /* of each flow's border, where this group is all there is */
    double *load;                 /* of each member, n_weights, without what leaves the group */
    struct ffmk_wire_out *extras; /* of each member */
};

static double *load_of(const struct plan *plan, uint32_t member, unsigned weight)
{
    return &plan->load[(size_t)member * plan->n_weights + weight];
}

/* What the e-th border of a member carries. */
static double *flow_of(const struct plan *plan, uint32_t member, uint32_t e, unsigned weight)
{
    return &plan->flows[((size_t)plan->first[member] + e) * plan->n_weights + weight];
}

static bool plan_build(const struct ffmk_tree *tree, struct plan *plan)
{
    size_t n = 0;
    plan->first = ffmk_spare_malloc((tree->n + 1ul) * sizeof *plan->first);
    plan->n_weights = tree->rules->n_weights;
    plan->load = ffmk_spare_calloc(tree->n, plan->n_weights * sizeof *plan->load);
    plan->extras = ffmk_spare_calloc(tree->n, sizeof *plan->extras);
    if (!plan->first || !plan->load || !plan->extras)
        return false;
    for (uint32_t m = 0; m < tree->n; m++) {
        plan->first[m] = (uint32_t)n;
        n += tree->members[m].n_borders;
        for (unsigned d = 0; d < plan->n_weights && tree->members[m].totals; d++)
            *load_of(plan, m, d) = tree->members[m].totals->of[d].rest;
    }
    plan->flows = ffmk_spare_calloc(n + 1, plan->n_weights * sizeof *plan->flows);
    plan->turns = ffmk_spare_calloc(n + 1, sizeof *plan->turns);
    return plan->flows && plan->turns;
}

static void plan_free(const struct ffmk_tree *tree, struct plan *plan)
{
    for (uint32_t m = 0; plan->extras && m < tree->n; m++)
        ffmk_wire_free(&plan->extras[m]);
    free(plan->first);
    free(plan->flows);
    free(plan->turns);
    free(plan->load);
    free(plan->extras);
}

static void add_extra(struct plan *plan, uint32_t member, const struct ffmk_border_extra *extra)
{
    ffmk_wire_put_bytes(&plan->extras[member], extra, sizeof *extra);
}

/* What leaves the group goes over its members' borders in proportion to their conductance; what has
 * no border goes from the door on. */
static void share_out(const struct ffmk_tree *tree, const struct ffmk_tree_orders *orders,
                      struct plan *plan)
{
    const uint32_t fanout = (uint32_t)tree->rules->fanout;
    for (uint32_t m = 0; m < tree->n; m++)
        for (uint32_t e = 0; e < tree->members[m].n_borders; e++) {
            const struct ffmk_tree_border *border = &tree->members[m].borders[e];
            if (ffmk_tree_is_inside(tree, border->unit))
                continue;
            const struct ffmk_tree_border key = {.unit = border->unit / fanout};
            uint32_t at = 0;
            for (uint32_t high = tree->n_outside; high - at > 1;) {
                const uint32_t middle = at + (high - at) / 2;
                if (tree->outside[middle].unit <= key.unit)
                    at = middle;
                else
                    high = middle;
            }
            const double share = border->conductance / tree->outside[at].conductance;
            for (unsigned d = 0; d < tree->rules->n_weights && at < orders->n_flows; d++) {
                const double flow = orders->flows[(size_t)at * plan->n_weights + d] * share;
                *flow_of(plan, m, e, d) = flow;
                *load_of(plan, m, d) -= flow;
            }
        }
    uint32_t door = 0;
    while (door + 1 < tree->n && !(tree->members[door].totals->of[0].open > 0))
        door++;
    for (uint32_t x = 0; x < orders->n_extras; x++) {
        add_extra(plan, door, &orders->extras[x]);
        for (unsigned d = 0; d < tree->rules->n_weights; d++)
            *load_of(plan, door, d) -= orders->extras[x].flow[d];
    }
}

/* The flow that member m's border e carries is that of a link from the other end's view, too. */
static void enter_flow(const struct ffmk_tree *tree, struct plan *plan, uint32_t from, uint32_t to,
                       unsigned weight, double flow)
{
    const struct ffmk_tree_member *member = &tree->members[from];
    for (uint32_t e = 0; e < member->n_borders; e++)
        if (member->borders[e].unit == tree->first + to)
            *flow_of(plan, from, e, weight) = flow;
}

/* Loads, and what flows should leave. \return the mean load. */
static double set_limits(const struct ffmk_tree *tree, const struct plan *plan, unsigned weight,
                         double aim, double *load, double *limit)
{
    double sum = 0;
    for (uint32_t m = 0; m < tree->n; m++) {
        const struct ffmk_totals *totals = tree->members[m].totals;
        const struct ffmk_totals_of *of = &totals->of[weight];
        load[m] = *load_of(plan, m, weight);
        limit[m] = aim * of->open + of->held;
        /* A last item, or one that alone is more than that, has to be somewhere. */
        if (totals->n_parts == 1 && (totals->n_items == 1 || of->heaviest >= limit[m]))
            limit[m] = fmax(limit[m], of->heaviest);
        sum += load[m];
    }
    return fabs(sum) / tree->n;
}

static int solve(const struct ffmk_tree *tree, struct ffmk_inside *inside,
                 const struct ffmk_tree_wish *wish, struct plan *plan)
{
    double *load = ffmk_spare_malloc(2ul * tree->n * sizeof *load);
    struct ffmk_border_extra *extras = ffmk_spare_calloc(tree->n, sizeof *extras);
    int code = load && extras ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
    double *limit = load + tree->n;
    for (unsigned d = 0; d < tree->rules->n_weights && !code; d++) {
        if (!isfinite(wish->aim[d]))
            continue;
        const double mean = set_limits(tree, plan, d, wish->aim[d], load, limit);
        if (inside->n == inside->n_given)
            code = ffmk_inside_connect(inside, tree, load, limit);
        if (!code)
            code = ffmk_flow_solve(tree->n, load, limit, inside->n, inside->links, NEAR * mean);
        for (size_t e = 0; e < inside->n && !code; e++) {
            struct ffmk_flow_link *link = &inside->links[e];
            if (is_whole(tree) && fabs(link->flow) < wish->crumb[d])
                link->flow = 0;
            if (e >= inside->n_given) {
                extras[e - inside->n_given].flow[d] = link->flow;
                continue;
            }
            enter_flow(tree, plan, link->a, link->b, d, link->flow);
            enter_flow(tree, plan, link->b, link->a, d, -link->flow);
        }
    }
    for (size_t e = inside->n_given; e < inside->n && !code; e++) {
        struct ffmk_border_extra *extra = &extras[e - inside->n_given];
        bool any = false;
        for (unsigned d = 0; d < tree->rules->n_weights; d++)
            any = any || extra->flow[d] != 0;
        if (!any)
            continue;
        extra->part = tree->members[inside->links[e].b].totals->door;
        add_extra(plan, inside->links[e].a, extra);
        extra->part = tree->members[inside->links[e].a].totals->door;
        for (unsigned d = 0; d < tree->rules->n_weights; d++)
            extra->flow[d] = -extra->flow[d];
        add_extra(plan, inside->links[e].b, extra);
    }
    free(load);
    free(extras);
    return code;
}

/* The place of a member's border in plan->flows; there is one. */
static uint32_t border_to(const struct ffmk_tree *tree, const struct plan *plan, uint32_t from,
                          uint32_t to)
{
    uint32_t e = 0;
    while (tree->members[from].borders[e].unit != to && e + 1 < tree->members[from].n_borders)
        e++;
    return plan->first[from] + e;
}

/* Something flows there, or one of both has hopes. */
static bool is_met(const struct ffmk_tree *tree, const struct plan *plan, uint32_t m, uint32_t e)
{
    const uint32_t other = tree->members[m].borders[e].unit;
    const uint32_t back = border_to(tree, plan, other, m) - plan->first[other];
    const double *flow = flow_of(plan, m, e, 0);
    bool met = tree->members[m].borders[e].hopeful || tree->members[other].borders[back].hopeful;
    for (unsigned d = 0; d < tree->rules->n_weights; d++)
        met = met || flow[d] != 0;
    return met;
}

/* When borders are met. */
static int set_turns(const struct ffmk_tree *tree, const struct ffmk_tree_wish *wish,
                     struct plan *plan)
{
    uint32_t n = 0;
    for (uint32_t m = 0; m < tree->n; m++)
        n += tree->members[m].n_borders;
    struct ffmk_order_edge *edges = ffmk_spare_malloc((n + 1ul) * sizeof *edges);
    n = 0;
    for (uint32_t m = 0; m < tree->n && edges; m++)
        for (uint32_t e = 0; e < tree->members[m].n_borders; e++) {
            const struct ffmk_tree_border *border = &tree->members[m].borders[e];
            plan->turns[plan->first[m] + e] = FFMK_ORDER_UNMET;
            if (border->unit > m && (wish->mixes || is_met(tree, plan, m, e)))
                edges[n++] = (struct ffmk_order_edge){.a = m, .b = border->unit};
        }
    const int code = edges
                         ? ffmk_order_turns(tree->n, n, edges, wish->mixes ? 1 : FFMK_ORDER_AT_ONCE)
                         : FFMK_ERR_NO_MEMORY;
    for (uint32_t e = 0; e < n && !code; e++) {
        plan->turns[border_to(tree, plan, edges[e].a, edges[e].b)] = edges[e].turn;
        plan->turns[border_to(tree, plan, edges[e].b, edges[e].a)] = edges[e].turn;
    }
    free(edges);
    return code;
}

/* `flows`: there are any. */
static void write_orders(const struct ffmk_tree *tree, const struct ffmk_totals *totals, bool flows,
                         const struct plan *plan, struct ffmk_wire_out *downs)
{
    for (uint32_t m = 0; m < tree->n; m++) {
        const uint32_t n_borders = tree->members[m].n_borders;
        const uint64_t counts[3] = {flows ? n_borders : 0,
                                    plan->extras[m].length / sizeof(struct ffmk_border_extra),
                                    is_whole(tree) ? n_borders : 0};
        ffmk_wire_put_bytes(&downs[m], totals, totals_bytes(tree->rules));
        ffmk_wire_put_bytes(&downs[m], counts, sizeof counts);
        ffmk_wire_put_bytes(&downs[m], flow_of(plan, m, 0, 0),
                            counts[0] * plan->n_weights * sizeof *plan->flows);
        ffmk_wire_put_bytes(&downs[m], plan->extras[m].data, plan->extras[m].length);
        ffmk_wire_put_bytes(&downs[m], plan->turns + plan->first[m], counts[2]);
    }
}

int ffmk_tree_direct(struct ffmk_tree *tree, const struct ffmk_tree_orders *orders,
                     const struct ffmk_tree_wish *wish, struct ffmk_wire_out *downs)
{
    struct plan plan = {0};
    struct ffmk_inside inside = {0};
    bool any = false;
    for (unsigned d = 0; d < tree->rules->n_weights; d++)
        any = any || isfinite(wish->aim[d]);
    int code = plan_build(tree, &plan) ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
    if (!code && any) {
        share_out(tree, orders, &plan);
        code = ffmk_inside_build(&inside, tree);
        if (!code)
            code = solve(tree, &inside, wish, &plan);
    }
    if (!code && is_whole(tree) && orders->totals.code == FFMK_SUCCESS)
        code = set_turns(tree, wish, &plan);
    if (!code)
        write_orders(tree, &orders->totals, any, &plan, downs);
    for (uint32_t m = 0; m < tree->n && !code; m++)
        code = downs[m].failed ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
    plan_free(tree, &plan);
    ffmk_inside_free(&inside);
    return code;
}

int ffmk_tree_read(struct ffmk_tree_orders *orders, const struct ffmk_rules *rules,
                   struct ffmk_wire_in *down)
{
    const struct ffmk_totals *totals = ffmk_wire_get_bytes(down, totals_bytes(rules));
    const uint64_t *counts = ffmk_wire_get_bytes(down, 3 * sizeof *counts);
    if (!totals || !counts)
        return FFMK_ERR_NO_MEMORY;
    const size_t flow_bytes = counts[0] * rules->n_weights * sizeof *orders->flows;
    const size_t extra_bytes = counts[1] * sizeof *orders->extras;
    const void *flows = ffmk_wire_get_bytes(down, flow_bytes);
    const void *extras = ffmk_wire_get_bytes(down, extra_bytes);
    const void *turns = ffmk_wire_get_bytes(down, counts[2]);
    *orders = (struct ffmk_tree_orders){.n_flows = (uint32_t)counts[0],
                                        .n_extras = (uint32_t)counts[1],
                                        .n_turns = (uint32_t)counts[2],
                                        .flows = ffmk_spare_malloc(flow_bytes + 1),
                                        .extras = ffmk_spare_malloc(extra_bytes + 1),
                                        .turns = ffmk_spare_malloc(counts[2] + 1)};
    memcpy(&orders->totals, totals, totals_bytes(rules));
    if (!orders->flows || !orders->extras || !orders->turns)
        return FFMK_ERR_NO_MEMORY;
    if (flow_bytes > 0)
        memcpy(orders->flows, flows, flow_bytes);
    if (extra_bytes > 0)
        memcpy(orders->extras, extras, extra_bytes);
    if (counts[2] > 0)
        memcpy(orders->turns, turns, counts[2]);
    return FFMK_SUCCESS;
}

void ffmk_tree_orders_free(struct ffmk_tree_orders *orders)
{
    free(orders->flows);
    free(orders->extras);
    free(orders->turns);
    *orders = (struct ffmk_tree_orders){0};
}

void ffmk_tree_free(struct ffmk_tree *tree)
{
    for (uint32_t m = 0; tree->members && m < tree->n; m++)
        free(tree->members[m].letter);
    free(tree->members);
    free(tree->outside);
    *tree = (struct ffmk_tree){0};
}
