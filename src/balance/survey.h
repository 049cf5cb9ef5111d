/* SPDX-License-Identifier: BSD-3-Clause
 * What a part says of itself on the way up the tree. Local. */
#ifndef FFMK_BALANCE_SURVEY_H
#define FFMK_BALANCE_SURVEY_H

#include "balance/part.h"

/** What it has, and how far that is from what it should have. */
void ffmk_survey_totals(struct ffmk_part *part, struct ffmk_totals *totals);

/** It has more than its limit of something. */
bool ffmk_survey_is_above(const struct ffmk_part *part);

/** Its borders, as struct ffmk_tree_border, one behind another. */
void ffmk_survey_borders(const struct ffmk_part *part, struct ffmk_wire_out *borders);

#endif
