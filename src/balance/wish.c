/* SPDX-License-Identifier: BSD-3-Clause
 * Flows over borders, and the best gain along them. */
#include "balance/wish.h"

#include <math.h>

bool ffmk_wish_flows(const struct ffmk_rules *rules, const struct ffmk_partner *partner)
{
    for (unsigned d = 0; d < rules->n_weights; d++)
        if (partner->flow[d] != 0)
            return true;
    return false;
}

double ffmk_wish_conductance(const struct ffmk_rules *rules, const struct ffmk_partner *partner)
{
    const double conductance = pow(partner->linked, rules->conductance);
    return isnormal(conductance) ? conductance : 1;
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

bool ffmk_wish_hopes(const struct ffmk_border *border, const struct ffmk_graph *graph,
                     uint32_t partner, double most)
{
    for (uint32_t t = border->partners[partner].touched; t != FFMK_GRAPH_NONE;
         t = border->touches[t].next) {
        const struct ffmk_touch *touch = &border->touches[t];
        if (touch->gain >= -most && !graph->items[touch->item].pinned)
            return true;
    }
    return false;
}
