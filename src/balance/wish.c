/* SPDX-License-Identifier: BSD-3-Clause
 * Flows over borders, and gains of items along them. */
#include "balance/wish.h"

#include <math.h>

bool ffmk_wish_flows(const struct ffmk_rules *rules, const struct ffmk_partner *partner)
{
    for (unsigned d = 0; d < rules->n_weights; d++)
        if (partner->flow[d] != 0)
            return true;
    return false;
}

double ffmk_wish_to_carry(const struct ffmk_rules *rules, const struct ffmk_scale *scale,
                          const struct ffmk_border *border)
{
    double sum = 0;
    for (uint32_t k = 0; k < border->n; k++)
        for (unsigned d = 0; d < rules->n_shared; d++)
            if (scale->mean[d] > 0)
                sum += fabs(border->partners[k].flow[d]) / scale->mean[d];
    return sum;
}

static double gain_of(const struct ffmk_graph *graph, const struct ffmk_graph_item *item,
                      int32_t part)
{
    double gain = 0;
    for (uint32_t k = item->first; k < item->first + item->n_links; k++) {
        const struct ffmk_vertex *other = &graph->vertices[graph->links[k].vertex];
        if (ffmk_vertex_is_held(other))
            gain -= (double)graph->links[k].weight;
        else if (other->part == part)
            gain += (double)graph->links[k].weight;
    }
    return gain;
}

bool ffmk_wish_hopes(const struct ffmk_border *border, const struct ffmk_graph *graph,
                     uint32_t partner, double most)
{
    for (uint32_t t = border->partners[partner].touched; t != FFMK_GRAPH_NONE;
         t = border->touches[t].next) {
        const struct ffmk_graph_item *item = &graph->items[border->touches[t].item];
        if (!item->pinned && gain_of(graph, item, border->partners[partner].part) >= -most)
            return true;
    }
    return false;
}
