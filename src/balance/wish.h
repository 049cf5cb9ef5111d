/* SPDX-License-Identifier: BSD-3-Clause
 * Whether a meeting is worth its letters: of those along borders where nothing flows and no item
 * has a good reason to go over, one in a hundred changes anything. Local. */
#ifndef FFMK_BALANCE_WISH_H
#define FFMK_BALANCE_WISH_H

#include "balance/border.h"
#include "balance/rules.h"

/** Some load should go there, or come from there. */
bool ffmk_wish_flows(const struct ffmk_rules *rules, const struct ffmk_partner *partner);

/** An item changes the cut by no more than `most` (link weights) for the worse if it goes over. */
bool ffmk_wish_hopes(const struct ffmk_border *border, const struct ffmk_graph *graph,
                     uint32_t partner, double most);

#endif
