/* SPDX-License-Identifier: BSD-3-Clause
 * Where every item of a registry should go. Nothing moves here. */
#ifndef FFMK_BALANCE_PLAN_H
#define FFMK_BALANCE_PLAN_H

#include "balance/idmap.h"
#include "balance/items.h"
#include "balance/team.h"

#include <ffmk.h>

/** What a rank can do, and hold. */
struct ffmk_plan_rank {
    double capacity;     /* > 0, in comparison with others */
    size_t memory_limit; /* bytes; SIZE_MAX: none */
};

/** A rank's part of a plan. Begin with {0}. */
struct ffmk_plan {
    size_t *order;             /* the table's places in ascending order of id */
    int *destinations;         /* of the items in that order */
    struct ffmk_idmap whereto; /* of ours and of those linked to ours, those that move: id → rank */

    /* The same on every rank: what ffmk_balance_info calls so. A cut that a double cannot hold is
     * infinite. */
    double imbalance_before, imbalance_after, imbalance_bound;
    double cut_before, cut_after;
    double weight_moved; /* in weight_unit */
    uint64_t items_moved;
    int rounds;
    double plan_s;
    unsigned n_weights;
    double units[FFMK_WEIGHTS_MOST]; /* the heaviest item by each weight, or 1: sums are made in
                                        them, so that they cannot overflow */
    double weight_unit;              /* the first of these */
    double link_unit;                /* the heaviest link, or 1 */
};

/** What a plan is made for; the same on every rank. */
enum ffmk_plan_call {
    FFMK_PLAN_ONLY,  /* to be looked at */
    FFMK_PLAN_MOVES, /* to be carried out */
    FFMK_PLAN_GIVEN  /* the caller made it, and it is to be carried out */
};

struct ffmk_plan_wish {
    enum ffmk_plan_call call;
    bool known; /* the table's link_ranks are right here */
    bool asks;  /* this rank wants the sums; where none does, FFMK_PLAN_ONLY finds destinations only
                 */
    struct ffmk_plan_rank able;
    ffmk_balance_options options;
    const int *destinations; /* FFMK_PLAN_GIVEN: in ascending order of ids */
};

/** Make a plan. Collective; the same code on every rank, as ffmk_balance_plan(). `code` is how this
 * rank fared so far. link_ranks are right on all ranks afterwards. */
int ffmk_plan_make(struct ffmk_team *team, int code, struct ffmk_table *table,
                   const struct ffmk_plan_wish *wish, struct ffmk_plan *plan);

/** Imbalance and cut as things are, into plan->…_after: after items had to stay that were planned
 * to move, say. link_ranks are looked up again in so many rounds (directory.h), 0 where they are
 * right. */
int ffmk_plan_measure(struct ffmk_team *team, unsigned look_ups, struct ffmk_table *table,
                      const struct ffmk_plan_rank *able, struct ffmk_plan *plan);

/** Ranks that hold an item linked to one of ours, ascending, to be freed. NULL when memory ran out.
 */
int *ffmk_plan_linked_ranks(const struct ffmk_team *team, const struct ffmk_table *table,
                            size_t *n_p);

void ffmk_plan_free(struct ffmk_plan *plan);

#endif
