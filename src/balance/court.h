/* SPDX-License-Identifier: BSD-3-Clause
 * What the judge of a meeting decides on: the items along the border from both sides, with the
 * links between them, as a problem for refine. Local. */
#ifndef FFMK_BALANCE_COURT_H
#define FFMK_BALANCE_COURT_H

#include "balance/meeting.h"
#include "balance/offer.h"
#include "balance/refine.h"

/** The judge's own items come first, then those of the offer. Begin with {.meeting, .guest}. */
struct ffmk_court {
    struct ffmk_meeting *meeting;
    const struct ffmk_offer_head *head;
    int32_t guest;
    uint32_t n_own, n;
    struct ffmk_offer_item *foreign;
    size_t n_links; /* of all items, and room for them */
    void *room;     /* for all that follows */
    struct ffmk_refine_item *items;
    const double **weights;
    struct ffmk_refine_link *links;
    uint32_t *scratch;
    double load[2][FFMK_GRAPH_WEIGHTS];
    double limit[FFMK_GRAPH_WEIGHTS]; /* of the guest */
};

/** Take the offer, which must outlive the court. \return false when it could not be. */
bool ffmk_court_read(struct ffmk_court *court, struct ffmk_wire_in *offer);

/** Make the problem of the offer and the border's band. \return false when memory ran out. */
bool ffmk_court_set_up(struct ffmk_court *court);

/** Set the items' sides, and the loads. */
void ffmk_court_decide(struct ffmk_court *court);

void ffmk_court_free(struct ffmk_court *court);

/** No item of the border's band has so much that speaks for its going to `part` that a walk would
 * begin with it. The other part's centre is left out of it. */
bool ffmk_court_is_quiet(const struct ffmk_meeting *meeting, int32_t part);

#endif
