/* SPDX-License-Identifier: BSD-3-Clause
 * What the borders of a part should carry. Local. */
#ifndef FFMK_BALANCE_WISH_H
#define FFMK_BALANCE_WISH_H

#include "balance/border.h"
#include "balance/rules.h"

/** Some load should go there, or come from there. */
bool ffmk_wish_flows(const struct ffmk_rules *rules, const struct ffmk_partner *partner);

/** Σ |flow| in means: load times the borders that it has to cross. */
double ffmk_wish_to_carry(const struct ffmk_rules *rules, const struct ffmk_scale *scale,
                          const struct ffmk_border *border);

#endif
