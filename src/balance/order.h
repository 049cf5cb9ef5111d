/* SPDX-License-Identifier: BSD-3-Clause
 * The order in which borders meet. A part has one meeting at a time, so a border waits for those
 * before it at both ends, and these for others: in an order drawn by lot such chains become several
 * times as long as a part has partners. So borders have colours, no two of a part the same one:
 * all of a colour can meet at once, one colour after the other. Borders without a colour come
 * behind them, in the order of their keys.
 *
 * Where one part knows all borders, it colours them (ffmk_order_colour). Else neighbours agree, in
 * letters that they exchange anyway: each end offers every colour that it has left to one of its
 * borders without, by a lot that both ends draw alike; a border that was offered the same one from
 * both has it. Pure; others carry the letters. */
#ifndef FFMK_BALANCE_ORDER_H
#define FFMK_BALANCE_ORDER_H

#include "balance/border.h"
#include "balance/rules.h"

enum { FFMK_ORDER_COLOURS = 64 };

/** What the order of two parts is drawn by, the same for both and another in each pass. */
uint64_t ffmk_order_key(const struct ffmk_rules *rules, int pass, int32_t a, int32_t b);

/** Sort places of partners into the order in which this part meets them in a pass. */
void ffmk_order_sort(const struct ffmk_rules *rules, int pass, int32_t part,
                     const struct ffmk_border *border, uint32_t *places, uint32_t n);

/** A border of two members of a group. */
struct ffmk_order_edge {
    uint32_t a, b;  /* members; < n, different */
    uint8_t colour; /* 1 … FFMK_ORDER_COLOURS, no two of a member the same; 0 when it has none */
};

/** Set all colours, as few as a greedy choice needs. \return FFMK_ERR_NO_MEMORY. */
int ffmk_order_colour(uint32_t n, size_t n_edges, struct ffmk_order_edge *edges);

/** What a part tells a partner. */
struct ffmk_order_word {
    uint64_t used;    /* colours of its borders, a bit each */
    uint64_t offered; /* that the border of the two may have, and no other of its own meanwhile */
};

/** Agreement with the partners. Begin with {0}. */
struct ffmk_order {
    struct ffmk_order_pair {
        struct ffmk_order_word told, heard;
        uint64_t key;
    } * pairs; /* of each partner */
};

/** \return FFMK_ERR_NO_MEMORY: then it offers nothing, and hears nothing. */
int ffmk_order_begin(struct ffmk_order *order, const struct ffmk_border *border);

/** Offer each colour that is free to one of the borders without, by lot; `thrifty`: only as many as
 * are likely to be given. `turn` makes lots differ. */
void ffmk_order_draw(struct ffmk_order *order, const struct ffmk_rules *rules, int turn,
                     bool thrifty, int32_t part, const struct ffmk_border *border);

void ffmk_order_tell(const struct ffmk_order *order, uint32_t partner,
                     struct ffmk_wire_out *letter);
void ffmk_order_hear(struct ffmk_order *order, uint32_t partner, struct ffmk_wire_in *letter);

/** All partners were heard: borders get the colours that both ends offered. */
void ffmk_order_settle(struct ffmk_order *order, struct ffmk_border *border);

void ffmk_order_free(struct ffmk_order *order);

#endif
