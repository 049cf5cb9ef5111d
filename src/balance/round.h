/* SPDX-License-Identifier: BSD-3-Clause
 * One round of planning: items change hands on paper so that no rank is above its limit. What a
 * plan is made of, and when it is good enough, is not decided here. */
#ifndef FFMK_BALANCE_ROUND_H
#define FFMK_BALANCE_ROUND_H

#include "balance/graph.h"
#include "balance/skeleton.h"

/** A rank's state while it plans. */
struct ffmk_planner {
    struct ffmk_team *team;
    const ffmk_balance_options *options;
    struct ffmk_graph graph;
    struct ffmk_skeleton skeleton;
    double mean;      /* load of a rank */
    double limit;     /* load a rank may have */
    double grain;     /* mean weight of an item */
    double link_unit; /* mean weight of a link */
    int stalls;       /* rounds since the last progress */
};

/** One round. Collective; the same code on every rank. */
int ffmk_round_run(struct ffmk_planner *planner);

#endif
