/* SPDX-License-Identifier: BSD-3-Clause
 * What the rooms of cast.h share: an operation as one member sees it, and messages. */
#ifndef FFMK_GOSSIP_CAST_INSIDE_H
#define FFMK_GOSSIP_CAST_INSIDE_H

#include "core/blocks.h"
#include "gossip/cast.h"

enum ffmk_cast_kind {
    FFMK_CAST_UNKNOWN,
    FFMK_CAST_BCAST,
    FFMK_CAST_REDUCE,     /* mates contribute to who speaks for their host */
    FFMK_CAST_REDUCE_FLAT /* a tree over all members */
};

static inline bool ffmk_cast_is_reduction(uint8_t kind)
{
    return kind >= FFMK_CAST_REDUCE;
}

enum ffmk_cast_outcome { FFMK_CAST_OPEN, FFMK_CAST_HAS_VALUE, FFMK_CAST_HAS_FAILED };

enum ffmk_cast_type {
    FFMK_CAST_SPREAD,  /* a message of the rumor, with the payload if that is small */
    FFMK_CAST_OUTCOME, /* to one who needs it */
    FFMK_CAST_NEED,    /* who has the outcome, or is to take charge? */
    FFMK_CAST_QUERY,   /* I am in charge: have you an outcome? */
    FFMK_CAST_ANSWER,
    FFMK_CAST_CONTRIBUTION, /* to the parent in the tree, or the partner in an exchange */
    FFMK_CAST_RESTART,      /* of a reduction */
    FFMK_CAST_DEATHS,
    FFMK_CAST_REPORT, /* what my subtree has left */
    FFMK_CAST_SETTLE, /* report at once until this is stable */
    FFMK_CAST_PING,   /* are you there? and what is stable */
    FFMK_CAST_TYPES
};

enum {
    FFMK_CAST_TREE_LEVELS = 16, /* of a reduction: children of the first */
    FFMK_CAST_KEPT = 8          /* messages of the rumor that wait for the payload */
};

/* A message as it was decoded; its payload stays where it is. */
struct ffmk_cast_message {
    uint64_t number;
    uint64_t stable;
    uint64_t attempt;
    struct ffmk_ring *ring; /* held by who decodes */
    uint32_t epoch;
    /* What the operation is, as far as the sender knows. */
    uint32_t origin; /* root of a broadcast; of a reduction who leads the attempt */
    uint8_t type;
    uint8_t kind;
    /* SPREAD, OUTCOME, ANSWER, CONTRIBUTION */
    uint8_t outcome;
    bool has_payload;
    uint32_t bytes; /* of the payload, be it here or not */
    uint64_t total;
    const uint8_t *payload;
    uint64_t view; /* REPORT: hash of the dead; the number is what was left */
    /* SPREAD */
    struct ffmk_rumor_message rumor;
    struct ffmk_cast_spread {
        struct ffmk_cast_speed speed;
        uint32_t rounds;
        uint32_t hop; /* k */
        uint8_t mode;
        uint8_t number; /* f or C */
    } spread;
};

/* Shift tables are shared by operations. */
struct ffmk_cast_table {
    struct ffmk_schedule schedule;
    uint32_t holds;
    struct ffmk_cast_table *next;
};

/* What an origin chose for rings of this size; chosen again when the network's speed changes. */
struct ffmk_cast_choice {
    uint32_t nodes;
    struct ffmk_cast_manner manner;
    struct ffmk_cast_spread spread;
};
enum { FFMK_CAST_CHOICES = 8 };

struct ffmk_cast_repair {
    uint32_t waiting;   /* members that have not answered yet */
    uint32_t holder;    /* has the outcome; or FFMK_RING_NOBODY */
    uint8_t answered[]; /* by rank: 0 not yet, 1 has none, 2 has it */
};

/* To whom a large payload was sent, which takes its time to arrive but will. */
struct ffmk_cast_handed {
    bool is;
    uint32_t asked; /* for it, since */
    uint64_t attempt;
};

struct ffmk_cast_op {
    uint64_t number; /* 0: none */
    uint32_t epoch;  /* of whoever entered it */
    uint8_t kind;
    bool entered;
    bool left;
    uint32_t origin;
    uint64_t attempt; /* lower ones are not listened to */
    uint64_t total;
    /* Outcome */
    uint8_t outcome;
    uint8_t *payload;
    size_t bytes;
    struct ffmk_ring *contributors;
    /* Rumor */
    struct ffmk_ring *ring; /* of the attempt; NULL: not known yet */
    struct ffmk_cast_spread spread;
    struct ffmk_cast_table *table;
    struct ffmk_rumor_plan plan;
    struct ffmk_rumor *rumor; /* NULL: nothing was heard of it yet */
    uint32_t holder;          /* who is to send the payload, or FFMK_RING_NOBODY */
    uint32_t kept;
    struct {
        uint32_t from;
        struct ffmk_rumor_message message;
    } keep[FFMK_CAST_KEPT];
    /* Reduction */
    struct ffmk_cast_manner manner;
    uint8_t *own;
    size_t own_bytes;
    bool contributed;  /* in this attempt */
    uint8_t *sum;      /* in an exchange: what this host's members have; NULL: only its own */
    size_t part_bytes; /* of each of them */
    uint8_t **part;    /* what has come: of each mate, in their order, then of each child or
                          the partner */
    /* When nothing comes */
    uint64_t next;    /* of the rumor */
    uint64_t need_at; /* ask who is in charge */
    uint64_t need_wait;
    struct ffmk_cast_repair *repair;
    struct ffmk_cast_handed *handed; /* by rank; NULL: to nobody */
};

struct ffmk_cast {
    uint32_t members;
    uint32_t me;
    struct ffmk_cast_port port;
    struct ffmk_cast_speed speed;
    bool excluded;
    bool closed;     /* whatever is known of was left */
    bool all_closed; /* by everybody */
    uint8_t *dead;   /* by rank */
    uint8_t *heard;  /* scratch: the dead of a message */
    struct ffmk_rings rings;
    struct ffmk_ring *living;
    struct ffmk_ring *agreed;  /* contributors of the last reduction that this member left */
    struct ffmk_wire_out out;  /* of the message that is being made */
    struct ffmk_blocks blocks; /* all payloads, own ones and parts are of them */
    struct ffmk_cast_table *tables;
    uint32_t idle_tables;
    struct ffmk_cast_choice choices[FFMK_CAST_CHOICES];
    uint32_t choice; /* the one that goes next */

    uint32_t epoch;   /* of what this member enters */
    uint64_t entered; /* number of the last operation */
    uint64_t left;    /* all up to this one */
    uint64_t stable;
    uint64_t known; /* the highest number that was heard of */
    size_t unstable_bytes;
    uint64_t sent; /* messages */
    uint64_t due[FFMK_CAST_WINDOW];
    struct ffmk_cast_op ops[FFMK_CAST_WINDOW];

    /* Stability: a tree over the living, whose hash says which */
    uint64_t *reported;      /* by rank, … */
    uint64_t *reported_view; /* … and over whom */
    uint64_t said;           /* to the parent, … */
    uint64_t said_view;      /* … and over whom */
    bool say_again;
    size_t left_bytes;    /* since then */
    uint64_t told;        /* to the children, … */
    uint64_t told_settle; /* … and what was to be settled then */
    uint64_t *told_to;    /* by rank: with the last message to it */
    uint64_t settle;      /* be quick until this is stable */
    uint64_t prod_at;     /* when to ask those who are behind */
    uint64_t prod_wait;
};

/* Who speaks for its host in an operation: its origin for its own host, else the first that lives.
 */
static inline uint32_t ffmk_cast_speaker(const struct ffmk_cast *cast, const struct ffmk_ring *ring,
                                         uint32_t origin, uint32_t rank)
{
    const uint32_t host = cast->rings.host[rank];
    return host == cast->rings.host[origin] ? origin : ring->speaker[ring->place[host]];
}

/* cast.c */
/* The record of an operation; NULL: it is stable, or beyond the window. */
struct ffmk_cast_op *ffmk_cast_op_of(struct ffmk_cast *cast, uint64_t number);
void ffmk_cast_wake(struct ffmk_cast *cast, struct ffmk_cast_op *op);
/* The payload is sent; and whether who asks for it, having promised `attempt`, has it on its way.
 */
void ffmk_cast_hand(const struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t to,
                    uint64_t attempt);
bool ffmk_cast_is_handed(struct ffmk_cast_op *op, uint32_t to, uint64_t attempt);
/* Who leads the attempt; FFMK_RING_NOBODY: not known. */
uint32_t ffmk_cast_leader(const struct ffmk_cast_op *op);
static inline uint32_t ffmk_cast_first(const struct ffmk_cast *cast)
{
    return cast->living->rank[0];
}
/* Listen to nothing below this attempt any more; what was under way of lower ones ends. */
void ffmk_cast_promise(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t attempt,
                       struct ffmk_ring *ring, uint32_t origin);
/* The outcome is here. `payload` becomes the operation's. */
void ffmk_cast_decide(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                      enum ffmk_cast_outcome outcome, uint8_t *payload, size_t bytes,
                      uint64_t total, struct ffmk_ring *ring);
/* Whether what is known of it is of this operation, as far as that can be told; and if not, forget
 * it: nobody will end it. */
bool ffmk_cast_is_same(const struct ffmk_cast_op *op, uint32_t epoch, uint8_t kind, uint32_t root);
void ffmk_cast_renew(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t epoch);
/* Of the cast's blocks. \return NULL: no memory, and the cast cannot go on. */
uint8_t *ffmk_cast_copy(struct ffmk_cast *cast, const void *payload, size_t bytes);
/* Cannot go on. */
void ffmk_cast_break(struct ffmk_cast *cast);

/* cast_wire.c */
void ffmk_cast_send(struct ffmk_cast *cast, uint32_t to, const struct ffmk_cast_message *message,
                    const void *payload, size_t bytes);
/* \return false: it makes no sense. Then and else its ring, if any, is to be released. */
bool ffmk_cast_decode(struct ffmk_cast *cast, const uint8_t *bytes, size_t length,
                      struct ffmk_cast_message *message);
/* What a message about an operation says in any case. */
struct ffmk_cast_message ffmk_cast_about(const struct ffmk_cast *cast,
                                         const struct ffmk_cast_op *op, enum ffmk_cast_type type);
void ffmk_cast_send_all(struct ffmk_cast *cast, const struct ffmk_cast_message *message);
/* To the other members on this host that live, if this one speaks for it. */
void ffmk_cast_send_to_mates(struct ffmk_cast *cast, struct ffmk_cast_op *op);
void ffmk_cast_send_outcome(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t to,
                            uint64_t attempt);

/* cast_spread.c */
void ffmk_cast_spread_start(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                            const struct ffmk_cast_manner *manner, uint64_t now);
void ffmk_cast_on_spread(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                         const struct ffmk_cast_message *message, uint64_t now);
/* The payload that messages of the rumor waited for has come. */
void ffmk_cast_spread_go_on(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now);
/* It has the payload, and is to send it. */
void ffmk_cast_ask_holder(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t holder);
void ffmk_cast_spread_drop(struct ffmk_cast *cast, struct ffmk_cast_op *op);
void ffmk_cast_spread_free(struct ffmk_cast *cast);
/* \return when there is something to send next. */
uint64_t ffmk_cast_spread_advance(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now);

/* cast_reduce.c */
void ffmk_cast_on_contribution(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                               const struct ffmk_cast_message *message, uint64_t now);
void ffmk_cast_reduce_restart(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now);
/* Of an attempt that this member leads: others may have an outcome of it, and are to be asked. */
bool ffmk_cast_reduce_may_be_decided(const struct ffmk_cast_op *op);
/* There is something to combine, or to pass on. */
bool ffmk_cast_reduce_ready(const struct ffmk_cast *cast, const struct ffmk_cast_op *op);
/* If there is nothing to combine. */
void ffmk_cast_reduce_go_on(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now);
void ffmk_cast_reduce_drop(struct ffmk_cast *cast, struct ffmk_cast_op *op);
/* See whether those live whose contributions are missing. */
void ffmk_cast_reduce_ping(struct ffmk_cast *cast, struct ffmk_cast_op *op);

/* cast_repair.c */
void ffmk_cast_need(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now);
void ffmk_cast_on_need(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                       const struct ffmk_cast_message *need, uint64_t now);
void ffmk_cast_on_query(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                        const struct ffmk_cast_message *message);
void ffmk_cast_on_answer(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                         const struct ffmk_cast_message *message, uint64_t now);
/* This member leads it, and one of those who were to count is dead. */
void ffmk_cast_repair_reduction(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now);
/* Some of those of `before` are dead now. */
void ffmk_cast_repair_died(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                           const struct ffmk_ring *before, uint64_t now);
/* All have answered: as far as it can be ended, end it. */
void ffmk_cast_repair_go_on(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now);

/* cast_stable.c */
/* Above all numbers: of who has closed. */
#define FFMK_CAST_CLOSED UINT64_MAX
/* What this member tells the others of what is stable. */
static inline uint64_t ffmk_cast_stable(const struct ffmk_cast *cast)
{
    return cast->all_closed ? FFMK_CAST_CLOSED : cast->stable;
}
/* There is an operation of this number. */
void ffmk_cast_know(struct ffmk_cast *cast, uint64_t number);
void ffmk_cast_raise_stable(struct ffmk_cast *cast, uint64_t stable);
void ffmk_cast_on_report(struct ffmk_cast *cast, uint32_t from, uint64_t left, uint64_t view);
void ffmk_cast_on_settle(struct ffmk_cast *cast, uint32_t from, uint64_t number, uint64_t now);
/* Report and prod as needed. \return when next. */
uint64_t ffmk_cast_stable_advance(struct ffmk_cast *cast, uint64_t now);

#endif
