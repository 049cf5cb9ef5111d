/* SPDX-License-Identifier: BSD-3-Clause
 * Sums over a part, and its borders. */
#include "balance/survey.h"

#include "balance/wish.h"

void ffmk_survey_totals(struct ffmk_part *part, struct ffmk_totals *totals)
{
    const struct ffmk_rules *rules = part->rules;
    struct ffmk_graph *graph = &part->graph;
    const bool first = part->course.result.passes == 0;
    *totals = (struct ffmk_totals){
        .code = part->code,
        .door = part->graph.part,
        .n_parts = 1,
        .n_items = graph->sums.n,
        .n_links = graph->sums.n_links,
        .links = graph->sums.links,
        .missing = graph->sums.n < rules->least_items ? rules->least_items - graph->sums.n : 0,
        .capacity = part->capacity,
        .capacity_most = part->capacity,
        .to_carry = part->to_carry,
        .improved = part->meeting.improved};
    const double *heaviest = ffmk_graph_heaviest(graph);
    for (unsigned d = 0; d < rules->n_weights; d++) {
        const bool shared = d < rules->n_shared;
        totals->of[d].heaviest = heaviest[d];
        totals->of[d].load = part->load[d];
        ffmk_course_count(&part->course, rules, d, part->capacity, part->load, part->own_limit,
                          &totals->of[d]);
        totals->of[d].largest = totals->of[d].load / (shared ? part->capacity : part->own_limit[d]);
        totals->of[d].rest = totals->of[d].load;
        for (uint32_t k = 0; k < part->border.n && part->spread.done; k++)
            totals->of[d].rest -= part->border.partners[k].flow[d];
        const double above = totals->of[d].load - part->limit[d];
        if (!first && above > 0)
            totals->excess +=
                above / (shared && part->course.scale.mean[d] > 0 ? part->course.scale.mean[d]
                                                                  : part->limit[d]);
    }
    for (uint32_t k = 0; k < part->border.n; k++)
        totals->cut += part->border.partners[k].linked;
}

bool ffmk_survey_is_above(const struct ffmk_part *part)
{
    bool above = false;
    for (unsigned d = 0; d < part->rules->n_weights && part->course.result.passes > 0; d++)
        above = above || part->graph.sums.load[d] > part->limit[d];
    return above;
}

/* Who knows all borders drops those over which nothing flows and along which no item would better
 * the cut by going over, or nearly so, unless the other end has one, or too much. */
static bool is_hopeful(const struct ffmk_part *part, uint32_t partner)
{
    const struct ffmk_graph_sums *sums = &part->graph.sums;
    double link = part->course.scale.link;
    if (part->course.result.passes == 0) /* of all it is not known yet */
        link = sums->n_links > 0 ? sums->links / (double)sums->n_links : 1;
    return part->border.partners[partner].restless &&
           (ffmk_survey_is_above(part) ||
            ffmk_wish_hopes(&part->border, &part->graph, partner, part->rules->pull * link));
}

void ffmk_survey_borders(const struct ffmk_part *part, struct ffmk_wire_out *borders)
{
    struct ffmk_tree_border *border = ffmk_wire_put_room(borders, part->border.n * sizeof *border);
    for (uint32_t k = 0; k < part->border.n && border; k++)
        border[k] = (struct ffmk_tree_border){
            .unit = (uint32_t)part->border.partners[k].part,
            .hopeful = part->n_trees == 1 && is_hopeful(part, k),
            .conductance = ffmk_wish_conductance(part->rules, &part->border.partners[k])};
}
