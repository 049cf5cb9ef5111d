/* SPDX-License-Identifier: BSD-3-Clause
 * What a plan should be like: the same for all parts. Values only. */
#ifndef FFMK_BALANCE_RULES_H
#define FFMK_BALANCE_RULES_H

#include "balance/graph.h"

#include <ffmk.h>

struct ffmk_rules {
    int32_t n_parts;
    int32_t fanout; /* parts, or groups of them, whose flow one of them finds; ≥ 2 */
    int spread;     /* steps of diffusion before the tree, where it has more than one level */
    unsigned n_weights;
    unsigned n_shared; /* of these are to be evened out; the others have a limit a part */
    double imbalance[FFMK_GRAPH_WEIGHTS]; /* asked: largest load / mean; ≥ 1 */
    double conductance; /* of a border: the weight of its links to this power; 0 … 1 */
    double price; /* what moving an item of mean weight may not cost more than, in mean links */
    double pull;  /* towards the centres of parts, in mean links */
    double aim;   /* share of what a load may be above the mean that flows aim at */
    uint32_t least_items; /* a part should hold */
    uint32_t patience;    /* of a walk along a border, in steps */
    double worth;  /* with balance reached: another pass as long as one makes the cut better by this
                      share */
    double little; /* above limits, in mean loads a part: then flows are left out for a while */
    int passes_most;
    uint64_t seed;
};

/** The rules that options ask for, for parts with one weight an item. */
struct ffmk_rules ffmk_rules_of(const ffmk_balance_options *options, int n_parts);

/** \return FFMK_ERR_ARGUMENT after a line that names `call`. */
int ffmk_options_check(const ffmk_balance_options *options, const char *call);

/** What they are measured by, known once all parts were heard. */
struct ffmk_scale {
    double mean[FFMK_GRAPH_WEIGHTS];  /* load of a part of capacity 1, for n_shared weights */
    double bound[FFMK_GRAPH_WEIGHTS]; /* largest load / mean that is allowed */
    double item[FFMK_GRAPH_WEIGHTS];  /* mean weight of an item, > 0 */
    double dense[FFMK_GRAPH_WEIGHTS]; /* weight in a unit of the last weight, if that has limits */
    double link;                      /* mean weight of a link, > 0 */
    double grain; /* in this pass parts mix items of up to this weight; 0: they do not */
};

#endif
