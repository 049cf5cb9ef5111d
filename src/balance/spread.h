/* SPDX-License-Identifier: BSD-3-Clause
 * What neighbouring parts even out among them, as far as a few steps of diffusion reach: in each,
 * every part tells its partners its potentials and hears theirs. Pure; others carry the letters. */
#ifndef FFMK_BALANCE_SPREAD_H
#define FFMK_BALANCE_SPREAD_H

#include "balance/border.h"
#include "balance/flow.h"
#include "balance/rules.h"

/** Begin with {0}. */
struct ffmk_spread {
    int steps; /* to go */
    bool done; /* in this pass */
    bool able; /* there is memory for it */
    double *conductances, *potentials;
    struct ffmk_flow *flow; /* of each weight */
    bool wanted[FFMK_GRAPH_WEIGHTS];
};

/** load: of each weight; limit: what flows should leave, INFINITY where nothing need flow.
 * \return FFMK_ERR_NO_MEMORY: then it goes on all the same, for partners count on its letters. */
int ffmk_spread_begin(struct ffmk_spread *spread, const struct ffmk_rules *rules,
                      const struct ffmk_border *border, const double *conductances,
                      const double *load, const double *limit);

/** The letter for every partner. */
void ffmk_spread_tell(const struct ffmk_spread *spread, const struct ffmk_rules *rules,
                      struct ffmk_wire_out *letter);

/** A partner's letter. */
void ffmk_spread_hear(struct ffmk_spread *spread, const struct ffmk_rules *rules,
                      const struct ffmk_border *border, uint32_t partner,
                      struct ffmk_wire_in *letter);

/** All partners were heard: one step. \return whether there is another; if not, the partners' flows
 * are set, and what it took is freed. */
bool ffmk_spread_step(struct ffmk_spread *spread, const struct ffmk_rules *rules,
                      struct ffmk_border *border);

void ffmk_spread_free(struct ffmk_spread *spread);

#endif
