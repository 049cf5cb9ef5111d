/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among the members of a group who do not share memory: one member's part in
 * all of them, as a pure state machine. Time, messages, deaths and what the program enters come in;
 * messages go out through a port. The job, the simulator's network of the tests, and no other code
 * but this decides what survivors get.
 *
 * All members enter the same operations in the same order, numbered from 1. A *broadcast* has its
 * payload from its root, a *reduction* gathers along a tree to its origin, the first of the living,
 * and from there both spread by corrected gossip (gossip/rumor) over a ring (gossip/ring) that the
 * origin chose; or, between two hosts, a reduction is an *exchange* by which each gathers all. What
 * a member has got of an operation is its **outcome**, a value or FAILED, and it never changes. It
 * is kept until all living members have left the operation (it is **stable**), so that whoever
 * lacks it can have it.
 *
 * Attempts: who has no outcome and waits asks whoever is in charge. If that one is dead, the first
 * of the living takes charge by a new attempt, of a higher number: it asks all the living whether
 * anybody has an outcome. Who answers promises to listen to no lower attempt any more. If somebody
 * has one, all get that; if none has, a broadcast has failed for all, and a reduction is made again
 * among the living. So two survivors never differ (docs/gossip.md proves it).
 *
 * Deaths are told to it, and are final; what it is told spreads to the others with its messages. */
#ifndef FFMK_GOSSIP_CAST_H
#define FFMK_GOSSIP_CAST_H

#include "gossip/ring.h"
#include "gossip/rumor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FFMK_CAST_WINDOW = 128,                 /* operations that are not stable */
    FFMK_CAST_PIECE_BYTES = (1 << 20) + 16, /* most of one of them */
    FFMK_CAST_UNSTABLE_BYTES = 8 << 20,     /* of a member, from which on it begins no broadcast */
    FFMK_CAST_MAX_MEMBERS = 1 << 16
};

#define FFMK_CAST_NEVER UINT64_MAX

/** What it needs of its surroundings. No function may call back into the cast. */
struct ffmk_cast_port {
    void *self;
    size_t at_once; /* bytes of a message that goes at once; … */
    size_t soon;    /* … that is worth to be sent unasked to who likely lacks it */
    /** Send to a member, reliably as long as both live, in any order. */
    void (*send)(void *self, uint32_t to, const void *head, size_t head_bytes, const void *payload,
                 size_t payload_bytes);
    /** This member was told that another one is dead; or it cannot go on itself. */
    void (*bury)(void *self, uint32_t member);
};

/** How outcomes are to spread. */
struct ffmk_cast_manner {
    enum ffmk_rumor_mode mode; /* not UNCORRECTED */
    uint32_t deaths_or_reach;  /* f; C, 0: by `miss` */
    double miss;               /* epsilon of opportunistic */
};

/** What the network is like, in ns. */
struct ffmk_cast_speed {
    uint64_t slot;     /* o: to send one message */
    uint64_t hop;      /* L + 2o */
    uint64_t patience; /* by which members are late for no reason of their own */
};

struct ffmk_cast;

/** One member. `host` tells the host of each member by some number: what crosses hosts goes from
 * one member of each, the first that lives, to the others on its host; NULL: each is on its own.
 * \return FFMK_SUCCESS, FFMK_ERR_ARGUMENT, FFMK_ERR_NO_MEMORY. */
int ffmk_cast_create(uint32_t members, uint32_t me, const uint64_t *host,
                     const struct ffmk_cast_port *port, struct ffmk_cast **cast_p);
void ffmk_cast_destroy(struct ffmk_cast *cast);

/** From now on; may be another at every member and at any time. */
void ffmk_cast_set_speed(struct ffmk_cast *cast, const struct ffmk_cast_speed *speed);

/** A message has come; one that makes no sense is ignored. */
void ffmk_cast_receive(struct ffmk_cast *cast, uint32_t from, const uint8_t *message, size_t bytes,
                       uint64_t now);
/** A member is dead. */
void ffmk_cast_died(struct ffmk_cast *cast, uint32_t member, uint64_t now);
/** This member was declared dead by others. */
void ffmk_cast_exclude(struct ffmk_cast *cast);
/** Send what is to be sent now. \return when to call again if nothing happens before. */
uint64_t ffmk_cast_advance(struct ffmk_cast *cast, uint64_t now);

/** Whether an operation of so many bytes may be entered now; 0 for a broadcast of another root. */
bool ffmk_cast_has_room(const struct ffmk_cast *cast, size_t bytes);

/** Enter the next operation, for which there must be room. The payload is copied. `total` is for
 * the program: it comes with the outcome at all members. \return its number, or 0: no memory; then
 * this member can go on with nothing and is excluded. */
uint64_t ffmk_cast_bcast(struct ffmk_cast *cast, uint32_t root,
                         const struct ffmk_cast_manner *manner, const void *payload, size_t bytes,
                         uint64_t total, uint64_t now);
/** `in_order`: contributions are to be combined in the order of ranks, though hosts may have them
 * in another; the same at all members. */
uint64_t ffmk_cast_reduce(struct ffmk_cast *cast, const struct ffmk_cast_manner *manner,
                          bool in_order, const void *payload, size_t bytes, uint64_t now);

/** What follows depends on something that has failed: what this member enters from now on is not
 * what somebody who died without knowing of it may have entered under the same number. All who live
 * say so before the same number. */
void ffmk_cast_new_epoch(struct ffmk_cast *cast);

enum ffmk_cast_state {
    FFMK_CAST_PENDING,
    FFMK_CAST_COMBINE, /* ffmk_cast_combine() is wanted */
    FFMK_CAST_VALUE,
    FFMK_CAST_FAILED,
    FFMK_CAST_EXCLUDED
};

/** Of an operation that this member has entered and not left. */
enum ffmk_cast_state ffmk_cast_state(const struct ffmk_cast *cast, uint64_t number);

/** inout[i] = in[i] op inout[i], of `bytes` bytes; to the same bits at all members. */
typedef void ffmk_cast_combiner(void *context, const void *in, void *inout, size_t bytes);

/** Combine what has come with this member's own; it may be wanted again when more comes. NULL where
 * there are no bytes. */
void ffmk_cast_combine(struct ffmk_cast *cast, uint64_t number, ffmk_cast_combiner *combine,
                       void *context, uint64_t now);

/** What a value is: valid until the operation is left. */
struct ffmk_cast_value {
    const void *payload;
    size_t bytes;
    uint64_t total;
    const struct ffmk_ring *contributors; /* of a reduction */
};
struct ffmk_cast_value ffmk_cast_value(const struct ffmk_cast *cast, uint64_t number);

/** This member needs nothing of it any more. In the order of numbers or not. */
void ffmk_cast_leave(struct ffmk_cast *cast, uint64_t number);

/** Have everything stable soon, up to the last that was entered. \return whether that is news, for
 * which there is something to send. */
bool ffmk_cast_settle(struct ffmk_cast *cast, uint64_t now);
/** This member enters no more operations, and needs nothing of those it has entered or ever hears
 * of. It is settled then when all the living have closed. \return whether that is news. */
bool ffmk_cast_close(struct ffmk_cast *cast, uint64_t now);
/** Whether it is, or this member is excluded; of one that has closed, whether it may go. */
bool ffmk_cast_is_settled(const struct ffmk_cast *cast);
/** If it is: whether those whom this member has to tell so were told. */
bool ffmk_cast_others_know(const struct ffmk_cast *cast);

/** How outcomes of this manner spread from here, as it was computed: dissemination of `rounds`
 * slots over a table with a hop of `hop` slots, and a reach of `reach`. */
struct ffmk_cast_way {
    uint32_t hosts;
    uint32_t rounds;
    uint32_t hop;
    uint32_t number; /* C of opportunistic, f of failure-proof */
};
struct ffmk_cast_way ffmk_cast_choose(struct ffmk_cast *cast,
                                      const struct ffmk_cast_manner *manner);

/** Messages that this member has sent. */
uint64_t ffmk_cast_sent(const struct ffmk_cast *cast);

/** Those who are not known to be dead. */
const struct ffmk_ring *ffmk_cast_living(const struct ffmk_cast *cast);

#endif
