/* SPDX-License-Identifier: BSD-3-Clause
 * Where every item should go: rounds of flow, selection and exchange on paper. Nothing moves here.
 */
#ifndef FFMK_BALANCE_PLAN_H
#define FFMK_BALANCE_PLAN_H

#include "balance/items.h"
#include "balance/team.h"

#include <ffmk.h>

/** A rank's part of a plan. Begin with {0}. */
struct ffmk_plan {
    size_t *order;     /* the table's places in ascending order of id */
    int *destinations; /* of the items in that order */

    /* Who holds an item linked to one of ours, for the news of our items' moves; sorted by item,
     * then rank. */
    struct ffmk_watcher {
        size_t item; /* in that order */
        int rank;
    } * watchers;
    size_t n_watchers;
    int *linked_ranks; /* all of those ranks, ascending */
    size_t n_linked_ranks;

    /* The same on every rank: what ffmk_balance_info calls so. A cut that a double cannot hold is
     * infinite. */
    double imbalance_before, imbalance_after, imbalance_bound;
    double cut_before, cut_after;
    int rounds;
    double weight_unit; /* the heaviest item's weight, or 1: sums are made in it, so that they
                           cannot overflow */
};

/** Make a plan. Collective; the same code on every rank, as ffmk_balance_plan(). Also brings the
 * table's link_ranks up to date. `code` is how this rank fared so far; `moves`: the plan will be
 * carried out. */
int ffmk_plan_make(struct ffmk_team *team, int code, bool moves, struct ffmk_table *table,
                   const ffmk_balance_options *options, struct ffmk_plan *plan);

/** Imbalance and cut as things are, into plan->…_after: after items had to stay that were planned
 * to move. */
int ffmk_plan_measure(struct ffmk_team *team, int code, struct ffmk_table *table,
                      struct ffmk_plan *plan);

void ffmk_plan_free(struct ffmk_plan *plan);

#endif
