/* SPDX-License-Identifier: BSD-3-Clause
 * Rings: the members of a group without some who are dead, in order, and the hosts they are on. For
 * each host its first member speaks. What an operation is made over is a ring, which its messages
 * carry, so that all of its members have the same whatever each knows by itself. Rings are few (one
 * for each set of dead that was ever met) and shared. Pure. */
#ifndef FFMK_GOSSIP_RING_H
#define FFMK_GOSSIP_RING_H

#include "core/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum { FFMK_RING_MAX_MEMBERS = 1 << 20 };

#define FFMK_RING_NOBODY UINT32_MAX

struct ffmk_ring {
    uint32_t members;  /* of the group */
    uint32_t nodes;    /* of them that are not dead */
    uint64_t hash;     /* of the dead: the sum of a hash of each */
    uint32_t *rank;    /* of the i-th of the nodes */
    uint32_t *index;   /* of each member among the nodes; FFMK_RING_NOBODY: dead */
    uint32_t hosts;    /* on which somebody lives */
    uint32_t *speaker; /* rank, for the i-th of these hosts */
    uint32_t *place;   /* of each host among them; FFMK_RING_NOBODY: nobody lives there */
    uint8_t *wire;     /* its dead, as messages have them */
    size_t wire_bytes;
    uint32_t holds;
    struct ffmk_ring *next;
};

/** All rings of a group. ffmk_rings_destroy() when done, and when creating has failed. */
struct ffmk_rings {
    uint32_t members;
    uint32_t hosts;
    uint32_t *host;  /* of each member */
    uint32_t *mates; /* all members, host by host, … */
    uint32_t *begin; /* … where those of each host begin, and an end */
    bool in_order;   /* members go from host to host in the order of ranks */
    struct ffmk_ring *first;
};

/** `host` numbers the host of each member, in whatever way; NULL: each has its own. \return false:
 * no memory. */
bool ffmk_rings_create(struct ffmk_rings *rings, uint32_t members, const uint64_t *host);
void ffmk_rings_destroy(struct ffmk_rings *rings);

/** The ring without those whose `dead` is not 0. Held: ffmk_ring_release() when done. \return NULL:
 * no memory. */
struct ffmk_ring *ffmk_ring_of(struct ffmk_rings *rings, const uint8_t *dead);
struct ffmk_ring *ffmk_ring_hold(struct ffmk_ring *ring);
void ffmk_ring_release(struct ffmk_rings *rings, struct ffmk_ring *ring); /* NULL does no harm */

static inline bool ffmk_ring_has(const struct ffmk_ring *ring, uint32_t rank)
{
    return ring->index[rank] != FFMK_RING_NOBODY;
}

/** The ring whose dead come next, if it is one of those that are there: without a look at each
 * member. Held. \return NULL: it is not, and nothing was read. */
struct ffmk_ring *ffmk_ring_find(struct ffmk_rings *rings, struct ffmk_wire_in *in);

/** Its dead, on the wire. */
void ffmk_ring_put(const struct ffmk_ring *ring, struct ffmk_wire_out *out);
/** What ffmk_ring_put() wrote, as 0 or 1 for each member; in->failed when it makes no sense. */
void ffmk_ring_get(struct ffmk_wire_in *in, uint32_t members, uint8_t *dead);

#endif
