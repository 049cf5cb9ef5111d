/* SPDX-License-Identifier: BSD-3-Clause
 * Planning in rounds. A round finds the flow for the loads as they now are on paper, fills it with
 * items, and hands these over on paper; the best plan met so far is remembered in the graph. */
#include "balance/plan.h"

#include "balance/exchange.h"
#include "balance/round.h"
#include "core/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 4 }; /* rounds without progress before giving up */

/* Largest load, and the sum of what is above the limit. */
static int survey(const struct ffmk_planner *planner, double *largest_p, double *excess_p)
{
    const double load = ffmk_graph_load(&planner->graph);
    *largest_p = load;
    *excess_p = fmax(load - planner->limit, 0);
    const int code = ffmk_team_max(planner->team, largest_p, 1);
    return code ? code : ffmk_team_sum(planner->team, excess_p, 1);
}

/* Rounds until the limit holds or nothing gets better. */
static int improve(struct ffmk_planner *planner, double *largest_p, int *rounds_p)
{
    double best, least_excess;
    int code = survey(planner, &best, &least_excess);
    const double enough = planner->limit * (1 + 1e-12);
    *rounds_p = 0;
    while (!code && best > enough && *rounds_p < planner->options->max_rounds &&
           planner->stalls < PATIENCE) {
        double largest, excess;
        code = ffmk_round_run(planner);
        if (!code)
            code = survey(planner, &largest, &excess);
        if (code)
            break;
        ++*rounds_p;
        planner->stalls++;
        if (largest < best * 0.998 || excess < least_excess * 0.98)
            planner->stalls = 0;
        if (largest < best) {
            best = largest;
            ffmk_graph_mark_best(&planner->graph);
        }
        least_excess = fmin(least_excess, excess);
    }
    *largest_p = best;
    return code;
}

/* Tell every item's home where the best plan puts it. */
static int bring_home(struct ffmk_planner *planner, const struct ffmk_table *table,
                      struct ffmk_plan *plan)
{
    const int me = planner->team->rank;
    struct ffmk_mail outgoing = {0}, incoming = {0};
    for (size_t i = 0; i < planner->graph.n; i++) {
        const struct ffmk_graph_item *item = &planner->graph.items[i];
        if (item->best == item->home)
            continue;
        struct ffmk_wire_out *out = ffmk_mail_to(&outgoing, item->home);
        ffmk_wire_put_u64(out, item->id);
        ffmk_wire_put_u32(out, (uint32_t)item->best);
    }
    int code = ffmk_exchange_sparse(planner->team, FFMK_SUCCESS, &outgoing, &incoming);
    for (size_t i = 0; i < table->n; i++)
        plan->destinations[i] = me;
    for (size_t p = 0; p < incoming.n && !code; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(&incoming, p);
        while (in.at < in.length && !in.failed) {
            const uint64_t id = ffmk_wire_get_u64(&in);
            const int best = (int)ffmk_wire_get_u32(&in);
            size_t low = 0, high = table->n; /* order is ascending */
            while (high - low > 1) {
                const size_t middle = low + (high - low) / 2;
                if (table->entries[plan->order[middle]].id <= id)
                    low = middle;
                else
                    high = middle;
            }
            plan->destinations[low] = best;
        }
    }
    ffmk_mail_free(&outgoing);
    ffmk_mail_free(&incoming);
    return code;
}

static int compare_ranks(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Who has to hear where our items go. To be called while the graph is as things really are. */
static int find_watchers(const struct ffmk_graph *graph, struct ffmk_plan *plan)
{
    size_t n = 0;
    for (size_t k = 0; k < graph->n_links; k++)
        n += graph->links[k].rank != graph->rank;
    plan->watchers = malloc((n + 1) * sizeof *plan->watchers);
    int *ranks = malloc((n + 1) * sizeof *ranks);
    plan->linked_ranks = ffmk_graph_linked_ranks(graph, &plan->n_linked_ranks);
    if (!plan->watchers || !ranks || !plan->linked_ranks) {
        free(ranks);
        return FFMK_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < graph->n; i++) {
        const struct ffmk_graph_item *item = &graph->items[i];
        n = 0;
        for (size_t k = item->first; k < item->first + item->n_links; k++)
            if (graph->links[k].rank != graph->rank)
                ranks[n++] = graph->links[k].rank;
        if (n > 1)
            qsort(ranks, n, sizeof *ranks, compare_ranks);
        for (size_t k = 0; k < n; k++)
            if (k == 0 || ranks[k] != ranks[k - 1]) {
                plan->watchers[plan->n_watchers].item = i;
                plan->watchers[plan->n_watchers++].rank = ranks[k];
            }
    }
    free(ranks);
    return FFMK_SUCCESS;
}

/* Look everything up and put the graph together. Sets the units, so that nothing overflows or
 * vanishes. */
static int gather(struct ffmk_planner *planner, int code, struct ffmk_table *table,
                  const size_t *order, double units[2])
{
    struct ffmk_back_links back = {0};
    code = ffmk_directory_resolve(planner->team, code, table, order, &back);
    units[0] = units[1] = 0;
    for (size_t i = 0; i < table->n && !code; i++) {
        units[0] = fmax(units[0], table->entries[i].weight);
        for (size_t k = 0; k < table->entries[i].n_links; k++)
            units[1] = fmax(units[1], table->entries[i].links[k].weight);
    }
    if (!code)
        code = ffmk_team_max(planner->team, units, 2);
    if (!code) {
        for (int u = 0; u < 2; u++)
            units[u] = units[u] > 0 ? units[u] : 1;
        code = ffmk_graph_build(&planner->graph, table, order, &back, units[0], units[1]);
        code = ffmk_team_agree(planner->team, code);
    }
    ffmk_back_links_free(&back);
    return code;
}

/* What holds for the team as a whole. */
static int weigh(struct ffmk_planner *planner, double *largest_p, double *heaviest_p, double *cut_p)
{
    const struct ffmk_graph *graph = &planner->graph;
    double extremes[2] = {ffmk_graph_load(graph), 0};
    double sums[5] = {extremes[0], (double)graph->n, 0, (double)graph->n_links,
                      ffmk_graph_best_cut(graph)};
    for (size_t i = 0; i < graph->n; i++)
        extremes[1] = fmax(extremes[1], graph->items[i].weight);
    for (size_t k = 0; k < graph->n_links; k++)
        sums[2] += graph->links[k].weight;
    int code = ffmk_team_max(planner->team, extremes, 2);
    if (!code)
        code = ffmk_team_sum(planner->team, sums, 5);
    if (code)
        return code;
    planner->mean = sums[0] / planner->team->size;
    planner->grain = sums[1] > 0 ? sums[0] / sums[1] : 0;
    planner->link_unit = sums[2] > 0 ? sums[2] / sums[3] : 1;
    *largest_p = extremes[0];
    *heaviest_p = extremes[1];
    *cut_p = sums[4] / 2; /* seen from both ends */
    return FFMK_SUCCESS;
}

/* Load in means; a load that differs from the bound by rounding only is at the bound. */
static double imbalance_of(const struct ffmk_planner *planner, double load, double bound)
{
    if (planner->mean <= 0)
        return 1;
    const double imbalance = load / planner->mean;
    return fabs(imbalance - bound) <= 1e-9 * bound ? bound : fmax(imbalance, 1);
}

/* All ranks must have set the same, and have made the same call: a value and its complement have
 * the same minimum then. */
static int compare(const struct ffmk_team *team, const ffmk_balance_options *options, bool moves)
{
    enum { VALUES = 4 };
    static const char *const names[VALUES] = {
        "ffmk_balance_plan() and ffmk_rebalance() meet: all ranks must make the same call",
        "the option imbalance differs between ranks; all must set the same",
        "the option seed differs between ranks; all must set the same",
        "the option max_rounds differs between ranks; all must set the same"};
    uint64_t values[2 * VALUES] = {moves, 0, options->seed, (uint64_t)options->max_rounds};
    memcpy(&values[1], &options->imbalance, sizeof values[1]);
    for (int v = 0; v < VALUES; v++)
        values[VALUES + v] = ~values[v];
    int code = ffmk_team_min_u64(team, values, 2 * VALUES);
    for (int v = 0; v < VALUES && !code; v++)
        if (values[v] != ~values[VALUES + v]) {
            if (team->rank == 0)
                ffmk_log_mistake("balance: %s", names[v]);
            code = FFMK_ERR_ARGUMENT;
        }
    return code;
}

int ffmk_plan_make(struct ffmk_team *team, int code, bool moves, struct ffmk_table *table,
                   const ffmk_balance_options *options, struct ffmk_plan *plan)
{
    struct ffmk_planner planner = {.team = team, .options = options, .graph = {.rank = team->rank}};
    double units[2], largest, heaviest, cut;

    plan->order = ffmk_table_order(table);
    plan->destinations = malloc((table->n + 1) * sizeof *plan->destinations);
    if (!code && (!plan->order || !plan->destinations))
        code = FFMK_ERR_NO_MEMORY;
    code = ffmk_team_agree(team, code);
    if (!code)
        code = compare(team, options, moves);
    if (!code)
        code = gather(&planner, code, table, plan->order, units);
    if (!code)
        code = ffmk_skeleton_build(team, find_watchers(&planner.graph, plan), plan->linked_ranks,
                                   plan->n_linked_ranks, &planner.skeleton);
    if (!code)
        code = weigh(&planner, &largest, &heaviest, &cut);
    if (code)
        goto done;

    plan->imbalance_bound =
        planner.mean > 0 ? fmax(options->imbalance, heaviest / planner.mean) : options->imbalance;
    planner.limit = plan->imbalance_bound * planner.mean;
    plan->imbalance_before = imbalance_of(&planner, largest, plan->imbalance_bound);
    plan->cut_before = cut * units[1];
    plan->weight_unit = units[0];
    code = improve(&planner, &largest, &plan->rounds);
    if (!code)
        code = bring_home(&planner, table, plan);
    cut = ffmk_graph_best_cut(&planner.graph) / 2;
    if (!code)
        code = ffmk_team_sum(team, &cut, 1);
    plan->imbalance_after = imbalance_of(&planner, largest, plan->imbalance_bound);
    plan->cut_after = cut * units[1];

done:
    ffmk_skeleton_free(&planner.skeleton);
    ffmk_graph_free(&planner.graph);
    return code;
}

int ffmk_plan_measure(struct ffmk_team *team, int code, struct ffmk_table *table,
                      struct ffmk_plan *plan)
{
    struct ffmk_planner planner = {.team = team, .graph = {.rank = team->rank}};
    double units[2], largest, heaviest, cut;
    size_t *order = ffmk_table_order(table);
    code = gather(&planner, order ? code : FFMK_ERR_NO_MEMORY, table, order, units);
    if (!code)
        code = weigh(&planner, &largest, &heaviest, &cut);
    if (!code) {
        plan->imbalance_after = imbalance_of(&planner, largest, plan->imbalance_bound);
        plan->cut_after = cut * units[1];
    }
    free(order);
    ffmk_graph_free(&planner.graph);
    return code;
}

void ffmk_plan_free(struct ffmk_plan *plan)
{
    free(plan->order);
    free(plan->destinations);
    free(plan->watchers);
    free(plan->linked_ranks);
    *plan = (struct ffmk_plan){0};
}
