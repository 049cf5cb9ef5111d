/* SPDX-License-Identifier: BSD-3-Clause
 * One part while a plan is made, as a state machine: letters in, letters out. A plan is a few
 * passes. In each, the tree finds what should flow; then every two parts with a border between them
 * meet once, in an order that both know; then what went where is told to who has to know. It knows
 * no message passing, clock or rank.
 *
 *   ┌▶ up ─▶ down ─┬▶ meetings ─▶ news ─▶ more news ─┐
 *   │              └▶ done                           │
 *   └────────────────────────────────────────────────┘ */
#ifndef FFMK_BALANCE_PART_H
#define FFMK_BALANCE_PART_H

#include "balance/course.h"
#include "balance/meeting.h"
#include "balance/order.h"
#include "balance/spread.h"

enum ffmk_part_letter {
    FFMK_PART_UP,
    FFMK_PART_DOWN,
    FFMK_PART_POTENTIAL,
    FFMK_PART_OFFER,
    FFMK_PART_ANSWER,
    FFMK_PART_NEWS,
    FFMK_PART_MORE
};

/** Send a letter. It is taken over: the callee frees it, and finds it empty when there is nothing
 * to say, which is to be delivered all the same. */
typedef void ffmk_part_post(void *context, int32_t from, int32_t to, enum ffmk_part_letter kind,
                            struct ffmk_wire_out *letter);

struct ffmk_part {
    const struct ffmk_rules *rules;
    struct ffmk_graph graph; /* filled in before it starts; afterwards each item's `best` counts */
    double capacity;         /* its share of the load, 1 when all parts are alike; > 0 */
    double own_limit[FFMK_GRAPH_WEIGHTS]; /* of weights that are not shared */
    struct ffmk_course course;            /* its result counts when it is done */
    bool done;

    /* Private. */
    ffmk_part_post *post;
    void *context;
    struct ffmk_border border;
    struct ffmk_meeting meeting;
    struct ffmk_tree *trees; /* that this part speaks for */
    uint32_t n_trees;
    uint32_t *order; /* of partners to meet */
    uint32_t n_order;
    enum {
        PART_UP,
        PART_DOWN,
        PART_SPREAD,
        PART_MEET, /* another turn */
        PART_JUDGE,
        PART_ANSWERS,
        PART_NEWS,
        PART_MORE,
        PART_DONE
    } phase;
    uint32_t at;                      /* in what the phase goes through */
    uint32_t level;                   /* PART_UP, PART_DOWN: of the tree */
    uint32_t turn_begins, turn_ends;  /* in `order` */
    int code;                         /* how this part fared */
    double load[FFMK_GRAPH_WEIGHTS];  /* when the pass began */
    double limit[FFMK_GRAPH_WEIGHTS]; /* what this part may hold in the end */
    double to_carry;                  /* in this pass, see ffmk_wish_to_carry() */
    struct ffmk_spread spread;
    struct ffmk_order colours;
    struct ffmk_part_stash {
        int32_t from;
        enum ffmk_part_letter kind;
        struct ffmk_wire_out letter;
    } * stash; /* letters that came early */
    uint32_t n_stash, stash_capacity;
};

/** rules stay the caller's and must outlive the part. The graph is to be filled in then. */
void ffmk_part_begin(struct ffmk_part *part, const struct ffmk_rules *rules, int32_t number,
                     ffmk_part_post *post, void *context);

/** Start. `code`: how whoever filled the part in fared so far. Letters may have come before. */
void ffmk_part_start(struct ffmk_part *part, int code);

/** The letter without which it cannot go on. \return false when it is done. */
bool ffmk_part_awaits(const struct ffmk_part *part, int32_t *from_p, enum ffmk_part_letter *kind_p);

/** Hand a letter over; it is empty then, and may be filled again or freed. In any order, but those
 * of a kind from the same part in the order in which they were sent. */
void ffmk_part_hear(struct ffmk_part *part, int32_t from, enum ffmk_part_letter kind,
                    struct ffmk_wire_out *letter);

void ffmk_part_free(struct ffmk_part *part);

#endif
