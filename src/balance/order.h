/* SPDX-License-Identifier: BSD-3-Clause
 * The order in which borders meet. A part has one meeting at a time, so a border waits for those
 * before it at both ends, and these for others: in an order drawn by lot such chains become several
 * times as long as a part has partners. So borders have colours, no two of a part the same one:
 * all of a colour can meet at once, one colour after the other. Borders without a colour come
 * behind them, in the order of their keys.
 *
 * Where one part knows all borders, it colours them (ffmk_order_colour). Else neighbours agree, in
 * letters that they exchange anyway: each tells which colours it has given, and so both ends of a
 * border draw the same one of those free at both; an end accepts the best of those drawn alike, and
 * the border has its colour when both ends accepted. Pure; others carry the letters. */
#ifndef FFMK_BALANCE_ORDER_H
#define FFMK_BALANCE_ORDER_H

#include "balance/border.h"
#include "balance/rules.h"

enum { FFMK_ORDER_COLOURS = 64 };

/** What the order of two parts is drawn by, the same for both and another in each pass. */
uint64_t ffmk_order_key(const struct ffmk_rules *rules, int pass, int32_t a, int32_t b);

/** A border of two members of a group. */
struct ffmk_order_edge {
    uint32_t a, b;  /* members; < n, different */
    uint8_t colour; /* 1 … FFMK_ORDER_COLOURS, no two of a member the same; 0 when it has none */
};

/** Set all colours, as few as a greedy choice needs. \return FFMK_ERR_NO_MEMORY. */
int ffmk_order_colour(uint32_t n, size_t n_edges, struct ffmk_order_edge *edges);

/** What a part tells a partner. */
struct ffmk_order_word {
    uint64_t used;    /* colours that its borders have, or that it just accepted: a bit each */
    uint32_t n_bare;  /* borders without one */
    uint32_t accepts; /* the colour drawn for the border of the two */
};

/** Agreement with the partners. Begin with {0}. */
struct ffmk_order {
    struct ffmk_order_word told;
    struct ffmk_order_pair {
        struct ffmk_order_word heard;
        uint8_t drawn; /* colour, or 0 */
        bool accepted;
    } * pairs; /* of each partner */
    int step;
};

/** \return FFMK_ERR_NO_MEMORY: then it tells words that nobody gains by, and hears nothing. */
int ffmk_order_begin(struct ffmk_order *order, const struct ffmk_border *border);

void ffmk_order_tell(const struct ffmk_order *order, uint32_t partner,
                     struct ffmk_wire_out *letter);
void ffmk_order_hear(struct ffmk_order *order, uint32_t partner, struct ffmk_wire_in *letter);

/** All partners were heard: give the colours agreed on, and draw anew. */
void ffmk_order_step(struct ffmk_order *order, const struct ffmk_rules *rules, int32_t part,
                     struct ffmk_border *border);

void ffmk_order_free(struct ffmk_order *order);

#endif
