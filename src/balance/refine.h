/* SPDX-License-Identifier: BSD-3-Clause
 * Two parts, and the items near the border between them: which of these should change sides, so
 * that neither part holds more than it may, and the cut becomes small. Fiduccia, Mattheyses (1982)
 * with a priority queue a side, any weights, and the way back to the best that was met. Pure. */
#ifndef FFMK_BALANCE_REFINE_H
#define FFMK_BALANCE_REFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A link between two of the items. Each is listed at both ends. */
struct ffmk_refine_link {
    uint32_t item;
    float weight;
};

struct ffmk_refine_item {
    uint64_t lot; /* decides between equals */
    double score; /* what speaks for its changing sides: what the cut would shrink by, with links to
                     what is not among the items, and whatever else; in any unit, that of the links.
                     It changes with the sides of what it is linked to, and its sign with its own */
    uint32_t first, n_links;
    uint8_t side;
};

/** One of the two. */
struct ffmk_refine_side {
    double *load;        /* n_weights; in and out */
    const double *limit; /* n_weights */
    uint32_t n;          /* items it holds in all; in and out */
    uint32_t n_least;    /* and should hold */
};

struct ffmk_refine {
    unsigned n_weights;
    const double *unit; /* n_weights, > 0: what a load above its limit is measured in */
    struct ffmk_refine_side side[2];
    struct ffmk_refine_item *items; /* side, score: in and out */
    const double *const *weights;   /* of each item */
    const struct ffmk_refine_link *links;
    uint32_t n;
    uint32_t patience; /* steps without anything better before it gives up */
    double depth;      /* or this much worse than the best that was met */
    double hope;       /* with nothing above limits, it does not begin where no step has a score of
                          at least this, which may be negative */
    double trade; /* with nothing above limits, what has a larger score goes over although it does
                     not fit: something else may come back */
    bool mixes;   /* the side whose load is of fewer items gives some for lighter ones */
    double squares[2]; /* sums of the squares of the first weights of all items of a side */
    uint32_t *scratch; /* room for ffmk_refine_scratch(n) */
    double improved;   /* out: the sum of the scores of what changed sides */
};

static inline size_t ffmk_refine_scratch(size_t n)
{
    return 4 * n + 1;
}

/** Sides are changed so that what is above limits becomes least and, with that, the sum of
 * scores largest. Never worse than before in the former, nor, with the former equal and nothing to
 * mix, in the latter. */
void ffmk_refine(struct ffmk_refine *in);

#endif
