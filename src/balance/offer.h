/* SPDX-License-Identifier: BSD-3-Clause
 * What one part offers the other when they meet, as it lies in a letter: a head, then items with
 * their links. All of it is aligned, and stays the letter's. */
#ifndef FFMK_BALANCE_OFFER_H
#define FFMK_BALANCE_OFFER_H

#include "balance/border.h"

struct ffmk_offer_head {
    double centre[4];
    double squares;  /* of what is held */
    uint32_t n;      /* items held */
    uint32_t n_band; /* items offered */
    struct ffmk_offer_of {
        double load; /* with nothing going over */
        double limit;
        double flow;          /* to the judge */
    } of[FFMK_GRAPH_WEIGHTS]; /* each weight; a letter has those that there are */
};

struct ffmk_offer_item {
    const struct ffmk_graph_record *record;
    const double *weights;
    const struct ffmk_graph_target *links;
};

static inline size_t ffmk_offer_head_bytes(unsigned n_weights)
{
    return offsetof(struct ffmk_offer_head, of) + n_weights * sizeof(struct ffmk_offer_of);
}

/** A target's part is below −1 when it is an item of the same offer: its place there. */
static inline bool ffmk_offer_has(int32_t part)
{
    return part <= -2;
}

static inline uint32_t ffmk_offer_place(int32_t part)
{
    return (uint32_t)(-2 - part);
}

size_t ffmk_offer_item_bytes(const struct ffmk_graph *graph, uint32_t place);

/** \return where the item ends. `border`: it is offered with the rest of its band; or NULL. */
uint8_t *ffmk_offer_write_item(const struct ffmk_graph *graph, const struct ffmk_border *border,
                               uint32_t place, uint8_t *room);

/** \return false where the letter ends before. */
bool ffmk_offer_read_item(unsigned n_weights, struct ffmk_wire_in *in,
                          struct ffmk_offer_item *item);

#endif
