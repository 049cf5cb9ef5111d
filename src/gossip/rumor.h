/* SPDX-License-Identifier: BSD-3-Clause
 * Corrected gossip: one node's part in one broadcast, as a pure state machine. Time and messages
 * come in as arguments, messages to send come out; it knows no transport, clock, payload or rank,
 * only positions on a ring whose first is the root. The job, the simulator and the tests run this
 * same code.
 *
 * Two phases. In the dissemination a coloured node (one that has the payload) sends one message a
 * slot to where the schedule says. In the correction it sends to its neighbours on the ring, +1,
 * -1, +2, -2, …, until each side may stop (gossip/correction.h), which turns "almost all" into
 * "all". Who was coloured by the dissemination is a participant of the correction; who was coloured
 * by the correction is a reserve, which takes part only when it cannot know that enough
 * participants exist. docs/gossip.md states and proves what the modes promise. */
#ifndef FFMK_GOSSIP_RUMOR_H
#define FFMK_GOSSIP_RUMOR_H

#include "gossip/correction.h"
#include "gossip/schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ffmk_rumor_mode {
    FFMK_RUMOR_UNCORRECTED,   /* no correction: plain gossip, or a tree */
    FFMK_RUMOR_OPPORTUNISTIC, /* a fixed distance on each side */
    FFMK_RUMOR_CHECKED,       /* until a participant was heard on each side */
    FFMK_RUMOR_FAILURE_PROOF  /* until so many were heard that f may die meanwhile */
};

enum {
    FFMK_RUMOR_MAX_DEATHS = 30, /* f */
    FFMK_RUMOR_MAX_NEEDED = FFMK_RUMOR_MAX_DEATHS + 1
};

#define FFMK_RUMOR_NEVER UINT64_MAX

/** What all nodes of a broadcast have in common. Times are in the caller's unit. */
struct ffmk_rumor_plan {
    const struct ffmk_schedule *schedule;
    enum ffmk_rumor_mode mode;
    uint32_t deaths;  /* f: failure-proof */
    uint32_t reach;   /* C: opportunistic, distance on each side */
    uint32_t needed;  /* participants to be heard on each side, 0 unless checked or
                         failure-proof */
    uint32_t settled; /* slot of the schedule in which the correction begins */
    uint32_t latest;  /* nodes whose first slot would come later are no participants */
    int64_t drift;    /* by which a hop is longer than the k slots that the schedule gives it */
    uint64_t settled_after; /* from the root's start: when the correction begins */
    bool direct;   /* the root's messages of the dissemination go to all others: nobody else sends
                      any,   and it needs no correction */
    bool pause;    /* after `needed` messages on a side wait for the answers that are due */
    uint64_t slot; /* o: between two messages of a node */
    uint64_t ask_after;   /* from the beginning of a node's correction: whoever is sent to from then
                             on is asked to answer */
    uint64_t pause_until; /* from the beginning of a node's correction */
    uint64_t reserve_after; /* from its colouring: a reserve that does not know of enough
                               participants becomes one */
};

/** How the algorithm is to behave; see ffmk_rumor_plan(). */
enum ffmk_rumor_rules {
    FFMK_RUMOR_PUBLISHED, /* as in the paper: f + 1 to be heard, no pause */
    FFMK_RUMOR_OURS
};

/** Fill in a plan over a schedule, for a hop of `hop` (L + 2o) and a slot of `slot` (o). */
struct ffmk_rumor_plan ffmk_rumor_plan(const struct ffmk_schedule *schedule,
                                       enum ffmk_rumor_rules rules, enum ffmk_rumor_mode mode,
                                       uint32_t deaths_or_reach, uint64_t slot, uint64_t hop);

enum ffmk_rumor_kind {
    FFMK_RUMOR_TREE,  /* of the dissemination; with the payload */
    FFMK_RUMOR_PROBE, /* of the correction; with the payload */
    FFMK_RUMOR_REPLY  /* "I am coloured, too"; without */
};

enum ffmk_rumor_side { FFMK_RUMOR_UP, FFMK_RUMOR_DOWN };

struct ffmk_rumor_message {
    uint8_t kind;  /* enum ffmk_rumor_kind */
    uint8_t side;  /* PROBE, REPLY: the sender's side it was sent on */
    uint8_t ask;   /* PROBE: an answer is wanted */
    uint8_t known; /* participants that the sender knows of, itself included; 255: or more */
    uint32_t slot; /* TREE: of the schedule */
};

enum ffmk_rumor_state {
    FFMK_RUMOR_DARK,
    FFMK_RUMOR_SPREADING,
    FFMK_RUMOR_CORRECTING,
    FFMK_RUMOR_RESERVE,
    FFMK_RUMOR_DONE
};

/** One node. The caller's memory, of ffmk_rumor_bytes(); zeroed it is dark. */
struct ffmk_rumor {
    uint64_t at;   /* SPREADING, CORRECTING: when the correction begins; RESERVE: when it wakes */
    uint32_t slot; /* SPREADING: the next of the schedule */
    uint8_t state; /* enum ffmk_rumor_state */
    uint8_t turn;  /* side of the next probe */
    uint8_t known;
    bool participant;
    struct ffmk_correction side[2];
    uint32_t nearest[]; /* of both sides, plan->needed each */
};

static inline size_t ffmk_rumor_bytes(const struct ffmk_rumor_plan *plan)
{
    size_t bytes = sizeof(struct ffmk_rumor) + (size_t)2 * plan->needed * sizeof(uint32_t);
    return (bytes + 7) / 8 * 8;
}

/** This node is the root, at position 0. */
void ffmk_rumor_start(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint64_t now);

/** What ffmk_rumor_receive() found; bits. */
enum {
    FFMK_RUMOR_COLOURED = 1, /* the payload is new here */
    FFMK_RUMOR_ANSWER = 2    /* *reply is to be sent to `from` */
};

/** A message has come from another position. Messages that make no sense are ignored. */
unsigned ffmk_rumor_receive(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan,
                            uint32_t me, uint32_t from, const struct ffmk_rumor_message *message,
                            uint64_t now, struct ffmk_rumor_message *reply);

/** What to do now. \return `now` when *message is to be sent to *to, at the next free slot: then
 * ask again a slot later. Otherwise when to ask again if nothing is received before;
 * FFMK_RUMOR_NEVER: no need to. */
uint64_t ffmk_rumor_next(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint32_t me,
                         uint64_t now, uint32_t *to, struct ffmk_rumor_message *message);

#endif
