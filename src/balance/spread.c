/* SPDX-License-Identifier: BSD-3-Clause
 * Diffusion among partners (flow.h), of each weight by itself. */
#include "balance/spread.h"

#include "core/spare.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int ffmk_spread_begin(struct ffmk_spread *spread, const struct ffmk_rules *rules,
                      const struct ffmk_border *border, const double *conductances,
                      const double *load, const double *limit)
{
    const uint32_t n = border->n;
    ffmk_spread_free(spread);
    spread->steps = rules->spread;
    spread->conductances = ffmk_spare_malloc((n + 1ul) * sizeof *spread->conductances);
    spread->potentials =
        ffmk_spare_calloc((n + 1ul) * rules->n_weights, sizeof *spread->potentials);
    spread->flow = ffmk_spare_calloc(rules->n_weights, sizeof *spread->flow);
    spread->able = conductances && spread->conductances && spread->potentials && spread->flow;
    if (!spread->able)
        return FFMK_ERR_NO_MEMORY;
    memcpy(spread->conductances, conductances, n * sizeof *conductances);
    for (unsigned d = 0; d < rules->n_weights; d++) {
        spread->wanted[d] = isfinite(limit[d]);
        ffmk_flow_begin(&spread->flow[d], load[d], limit[d], n, spread->conductances);
    }
    return FFMK_SUCCESS;
}

void ffmk_spread_tell(const struct ffmk_spread *spread, const struct ffmk_rules *rules,
                      struct ffmk_wire_out *letter)
{
    double potentials[FFMK_GRAPH_WEIGHTS] = {0};
    for (unsigned d = 0; d < rules->n_weights && spread->able; d++)
        potentials[d] = ffmk_flow_potential(&spread->flow[d]);
    ffmk_wire_put_bytes(letter, potentials, rules->n_weights * sizeof *potentials);
}

void ffmk_spread_hear(struct ffmk_spread *spread, const struct ffmk_rules *rules,
                      const struct ffmk_border *border, uint32_t partner,
                      struct ffmk_wire_in *letter)
{
    const double *potentials = ffmk_wire_get_bytes(letter, rules->n_weights * sizeof *potentials);
    for (unsigned d = 0; d < rules->n_weights && potentials && spread->able; d++)
        spread->potentials[(size_t)d * border->n + partner] = potentials[d];
}

bool ffmk_spread_step(struct ffmk_spread *spread, const struct ffmk_rules *rules,
                      struct ffmk_border *border)
{
    const uint32_t n = border->n;
    spread->steps--;
    spread->done = spread->steps == 0;
    for (unsigned d = 0; d < rules->n_weights && spread->able; d++) {
        const double *theirs = spread->potentials + (size_t)d * n;
        if (!spread->wanted[d])
            continue;
        ffmk_flow_receive(&spread->flow[d], theirs);
        for (uint32_t k = 0; k < n && spread->done; k++)
            border->partners[k].flow[d] = ffmk_flow_edge(&spread->flow[d], theirs, k);
        ffmk_flow_advance(&spread->flow[d]);
    }
    if (spread->done) {
        ffmk_spread_free(spread);
        spread->done = true;
    }
    return !spread->done;
}

void ffmk_spread_free(struct ffmk_spread *spread)
{
    free(spread->conductances);
    free(spread->potentials);
    free(spread->flow);
    *spread = (struct ffmk_spread){0};
}
