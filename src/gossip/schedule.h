/* SPDX-License-Identifier: BSD-3-Clause
 * Shift tables: whom a coloured node sends to in which slot of the dissemination. Positions, not
 * ranks: 0 is the root, and the ring has no known dead. Pure: knows no message, clock or state of a
 * node.
 *
 * Gossip sends to uniformly random nodes (Hoefler, Barak, Shiloh, Drezner: Corrected gossip
 * algorithms for fast reliable broadcast on unreliable systems, IPDPS 2017). The circulant table
 * sends in slot t to me + R(t + k - 1), with R(t) = 1 for t < k and R(t) = R(t - 1) + R(t - k)
 * beyond, k = ceil((L + 2o) / o): since R(t) nodes, those from 0 to R(t) - 1, are coloured in slot
 * t, that is the LogP-optimal tree of Karp, Sahay, Santos and Schauser (1993), whose subtrees lie
 * scattered over the ring. k = 1 is the interleaved binomial tree. Both are one machine: what is
 * sent where depends on the position and the slot only. */
#ifndef FFMK_GOSSIP_SCHEDULE_H
#define FFMK_GOSSIP_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum ffmk_schedule_table { FFMK_SCHEDULE_GOSSIP, FFMK_SCHEDULE_CIRCULANT };

enum {
    FFMK_SCHEDULE_MAX_NODES = 1 << 30,
    FFMK_SCHEDULE_MAX_ROUNDS = 4096, /* slots of a dissemination */
    FFMK_SCHEDULE_MAX_HOP = 1024     /* k */
};

struct ffmk_schedule {
    enum ffmk_schedule_table table;
    uint32_t nodes;
    uint32_t rounds; /* T: slots 0 … T - 1 */
    uint32_t hop;    /* k: slots from a message to the receiver's first */
    uint32_t tree;   /* circulant: slots after which the tree is complete */
    bool wraps;      /* circulant: nodes whose child in the tree would be beyond the last node send
                        to the one that many positions on from the first */
    uint64_t seed;   /* of random targets and of shifts beyond the tree */
    uint32_t *shift; /* circulant: by slot; the schedule's */
};

/** Slots after which the circulant tree of that many nodes has coloured all of them, none of which
 * is dead. */
uint32_t ffmk_schedule_tree_rounds(uint32_t nodes, uint32_t hop);

/** A table of 1 … FFMK_SCHEDULE_MAX_NODES nodes. A circulant one of more rounds than the tree has
 * goes on with shifts drawn from the seed: each slot sends every coloured node's message elsewhere,
 * so that nodes behind a dead one are reached another way. ffmk_schedule_destroy() when done.
 * \return FFMK_SUCCESS, FFMK_ERR_ARGUMENT, FFMK_ERR_NO_MEMORY. */
int ffmk_schedule_create(struct ffmk_schedule *schedule, enum ffmk_schedule_table table,
                         uint32_t nodes, uint32_t hop, uint32_t rounds, bool wraps, uint64_t seed);
void ffmk_schedule_destroy(struct ffmk_schedule *schedule);

/** Whom `me` sends to in this slot (< rounds); me itself: nobody. */
uint32_t ffmk_schedule_target(const struct ffmk_schedule *schedule, uint32_t me, uint32_t slot);

#endif
