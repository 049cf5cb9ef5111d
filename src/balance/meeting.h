/* SPDX-License-Identifier: BSD-3-Clause
 * Two parts settle what goes over the border between them. One offers its items there, the other
 * decides (refine) and answers:
 *
 *   guest   offer:  load, limit, flow asked for; items near the border, with their links
 *   judge   answer: by how much that load changes; which of these it takes; its own that go over,
 *           with their links
 *
 * A part may have several meetings at the same time. It makes its offers first, each of other
 * items, then judges, then hears the answers; of what is free below its limits each meeting has the
 * same share. Pure; others carry the letters. */
#ifndef FFMK_BALANCE_MEETING_H
#define FFMK_BALANCE_MEETING_H

#include "balance/border.h"
#include "balance/rules.h"

/** A part in a pass. */
struct ffmk_meeting {
    const struct ffmk_rules *rules;
    const struct ffmk_scale *scale;
    struct ffmk_graph *graph;
    struct ffmk_border *border;
    double load[FFMK_GRAPH_WEIGHTS];    /* as it will be once all partners left took their flows */
    double limit[FFMK_GRAPH_WEIGHTS];   /* most this part may hold */
    double allowed[FFMK_GRAPH_WEIGHTS]; /* the same, for each meeting of this turn */
    uint32_t kept;                      /* items that are spare in other meetings of this turn */
    uint32_t *offered;                  /* places, in this turn */
    uint32_t n_offered, offered_capacity;
    double centre[4];                 /* when the pass began */
    double price[FFMK_GRAPH_WEIGHTS]; /* of moving a unit of each, in link weights */
    struct ffmk_gift {                /* of this pass */
        uint32_t partner;
        uint32_t first, n_links; /* its links, in graph->links */
    } * gifts;
    uint32_t n_gifts, gifts_capacity;
    double improved; /* sum of what refine found, where this part was the judge */
};

/** Begin a pass with so much load. `limit` is the caller's to set. */
void ffmk_meeting_begin(struct ffmk_meeting *meeting, const double *load);

/** Begin a turn in which this part is a guest so many times, and judges so many others. */
void ffmk_meeting_take_turn(struct ffmk_meeting *meeting, uint32_t n_offers, uint32_t n_judged);

/** Write what is offered to a partner. \return FFMK_ERR_NO_MEMORY. */
int ffmk_meeting_offer(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_out *offer);

/** Decide, and write the answer. */
int ffmk_meeting_judge(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_in *offer,
                       struct ffmk_wire_out *answer);

/** Carry out what was decided about the offer to a partner. */
int ffmk_meeting_accept(struct ffmk_meeting *meeting, uint32_t partner,
                        struct ffmk_wire_in *answer);

/** An answer so long says that items go over. */
bool ffmk_meeting_moves(size_t answer_bytes);

/** Behind all meetings: write to a partner where those went that its items are linked to, and read
 * the same. */
void ffmk_meeting_tell(const struct ffmk_meeting *meeting, uint32_t partner,
                       struct ffmk_wire_out *news);
void ffmk_meeting_hear(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_in *news);

/** Behind that: to a partner that got items, what was heard about those they are linked to. It is
 * read by ffmk_meeting_hear_more(). */
void ffmk_meeting_tell_more(const struct ffmk_meeting *meeting, uint32_t partner,
                            struct ffmk_wire_out *news);
void ffmk_meeting_hear_more(struct ffmk_meeting *meeting, struct ffmk_wire_in *news);

#endif
