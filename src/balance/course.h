/* SPDX-License-Identifier: BSD-3-Clause
 * The course of a plan: from the totals of all parts, how good it is, whether another pass is worth
 * it, and what that should aim at. Every part comes to the same end, from the same totals. Pure. */
#ifndef FFMK_BALANCE_COURSE_H
#define FFMK_BALANCE_COURSE_H

#include "balance/rules.h"
#include "balance/tree.h"

/** What a plan came to, the same at every part. */
struct ffmk_part_result {
    int code;
    int passes;
    double imbalance_before, imbalance_after; /* the largest of the shared weights' */
    double bound;                             /* no plan can be surely better */
    double cut_before;                        /* in units of the heaviest link */
};

/** How good it is: what comes first counts most. */
struct ffmk_course_quality {
    double over;      /* largest load / limit of a weight that has one of its own; 1 when below */
    uint64_t missing; /* items, where a part has fewer than it should */
    double ratio;     /* largest load of a shared weight / what is allowed; 1 when below */
    double gained;    /* cut, and what else counts, in mean links */
};

/** Begin with {0}. */
struct ffmk_course {
    struct ffmk_part_result result;
    struct ffmk_scale scale;
    struct ffmk_course_quality best;
    struct ffmk_tree_wish wish;
    double share[FFMK_GRAPH_WEIGHTS]; /* of its limit that a part may use in this pass */
    double level[FFMK_GRAPH_WEIGHTS]; /* mean load of a capacity of 1, where parts are not full */
    double rise;   /* by so much of what is asked may be exceeded because parts are full; ≥ 1 */
    bool weighs;   /* no meetings, only totals again */
    bool refines;  /* no flow in this pass */
    bool repairs;  /* nor in this one: what little is too much goes to whoever has room */
    bool settled;  /* there is little left to move, or nothing */
    bool last;     /* whatever comes of this pass, there is no other */
    bool improved; /* the plan is better than all before */
    double excess; /* above limits, when the pass began */
    double gained, least_excess, least_to_carry, first_ratio;
    int stalls; /* passes since the last progress */
    int strict; /* passes that left too much somewhere */
};

/** What a part says of a weight's load: of->open and of->held. Where limits are a part's own, one
 * that is full can have no more of the other weights than is in what it has room for, taken to be
 * as dense as everywhere. When that is less than its share, the rest goes to those that are not
 * full. load, own_limit: of each weight, when the pass began. */
void ffmk_course_count(const struct ffmk_course *course, const struct ffmk_rules *rules,
                       unsigned weight, double capacity, const double *load,
                       const double *own_limit, struct ffmk_totals_of *of);

/** The load of a weight that flows among neighbours should leave at a part. */
double ffmk_course_aim(const struct ffmk_course *course, const struct ffmk_rules *rules,
                       unsigned weight, double capacity, const double *load,
                       const double *own_limit);

/** The most of it that a part may hold. */
double ffmk_course_limit(const struct ffmk_course *course, const struct ffmk_rules *rules,
                         unsigned weight, double capacity, const double *load,
                         const double *own_limit);

/** Take the totals. \return whether there should be another pass; result.code says why not where it
 * is not 0. */
bool ffmk_course_decide(struct ffmk_course *course, const struct ffmk_rules *rules,
                        const struct ffmk_totals *totals);

#endif
