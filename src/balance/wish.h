/* SPDX-License-Identifier: BSD-3-Clause
 * What borders should carry, and whether a meeting is worth its letters: where nothing flows and no
 * item gains by going over, hardly any comes to something. Local. */
#ifndef FFMK_BALANCE_WISH_H
#define FFMK_BALANCE_WISH_H

#include "balance/border.h"
#include "balance/rules.h"

/** Some load should go there, or come from there. */
bool ffmk_wish_flows(const struct ffmk_rules *rules, const struct ffmk_partner *partner);

/** Of a border: the weight of its links to a power. */
double ffmk_wish_conductance(const struct ffmk_rules *rules, const struct ffmk_partner *partner);

/** Σ |flow| in means: load times the borders that it has to cross. */
double ffmk_wish_to_carry(const struct ffmk_rules *rules, const struct ffmk_scale *scale,
                          const struct ffmk_border *border);

/** An item changes the cut by no more than `most` (link weights) for the worse if it goes over. */
bool ffmk_wish_hopes(const struct ffmk_border *border, const struct ffmk_graph *graph,
                     uint32_t partner, double most);

#endif
