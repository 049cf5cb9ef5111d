/* SPDX-License-Identifier: BSD-3-Clause
 * The order in which borders meet. Were it drawn by lot, meetings that wait for each other would
 * make chains several times as long as a part has partners. So there are turns, one behind another:
 * a part has at most two meetings in each, at the same time. Borders without a turn come last, one
 * by one, in the order of their keys.
 *
 * Where one part knows all borders, it gives the turns (ffmk_order_turns), and in none of them does
 * a part meet two that meet each other in the same pass: what is decided at one border would be
 * wrong for what it did not know of the other. Else neighbours agree on colours, no two of a part
 * the same one, in letters that they exchange anyway: each end offers every colour that it has left
 * to one of its borders without, by a lot that both ends draw alike; a border that was offered the
 * same one from both has it. Two colours are a turn. Pure; others carry the letters. */
#ifndef FFMK_BALANCE_ORDER_H
#define FFMK_BALANCE_ORDER_H

#include "balance/border.h"
#include "balance/rules.h"

enum {
    FFMK_ORDER_AT_ONCE = 2, /* meetings of a part */
    FFMK_ORDER_COLOURS = 64,
    FFMK_ORDER_TURNS = 250,
    FFMK_ORDER_UNMET = 255 /* instead of a turn: not in this pass */
};

/** What the order of two parts is drawn by, the same for both and another in each pass. */
uint64_t ffmk_order_key(const struct ffmk_rules *rules, int pass, int32_t a, int32_t b);

/** Sort places of partners into the order in which this part meets them in a pass. */
void ffmk_order_sort(const struct ffmk_rules *rules, int pass, int32_t part,
                     const struct ffmk_border *border, uint32_t *places, uint32_t n);

/** A border of two members of a group. */
struct ffmk_order_edge {
    uint32_t a, b; /* members; < n, different */
    uint8_t turn;  /* 1 … FFMK_ORDER_TURNS; 0 when it has none */
};

/** Set all turns, as few as a greedy choice needs, with at most `at_once` meetings of a member in
 * each; no more than FFMK_ORDER_AT_ONCE. \return FFMK_ERR_NO_MEMORY. */
int ffmk_order_turns(uint32_t n, size_t n_edges, struct ffmk_order_edge *edges, int at_once);

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

/** All partners were heard: borders get the colours that both ends offered, and so their turns. */
void ffmk_order_settle(struct ffmk_order *order, struct ffmk_border *border);

void ffmk_order_free(struct ffmk_order *order);

#endif
