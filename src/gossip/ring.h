/* SPDX-License-Identifier: BSD-3-Clause
 * Rings: the members of a group without some who are dead, in order. What an operation is made
 * over is a ring, which its messages carry, so that all of its members have the same whatever each
 * knows by itself. Rings are few (one for each set of dead that was ever met) and shared. Pure. */
#ifndef FFMK_GOSSIP_RING_H
#define FFMK_GOSSIP_RING_H

#include "core/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum { FFMK_RING_MAX_MEMBERS = 1 << 20 };

#define FFMK_RING_NOBODY UINT32_MAX

struct ffmk_ring {
    uint32_t members; /* of the group */
    uint32_t nodes;   /* of them that are not dead */
    uint64_t hash;    /* of the dead: the sum of a hash of each */
    uint32_t *rank;   /* of the i-th of the nodes */
    uint32_t *index;  /* of each member among the nodes; FFMK_RING_NOBODY: dead */
    uint32_t holds;
    struct ffmk_ring *next;
};

/** All rings of a group; begin with {0} and the number of members. */
struct ffmk_rings {
    uint32_t members;
    struct ffmk_ring *first;
};

/** The ring without those whose `dead` is not 0. Held: ffmk_ring_release() when done. \return NULL:
 * no memory. */
struct ffmk_ring *ffmk_ring_of(struct ffmk_rings *rings, const uint8_t *dead);
struct ffmk_ring *ffmk_ring_hold(struct ffmk_ring *ring);
void ffmk_ring_release(struct ffmk_rings *rings, struct ffmk_ring *ring); /* NULL does no harm */

static inline bool ffmk_ring_has(const struct ffmk_ring *ring, uint32_t rank)
{
    return ring->index[rank] != FFMK_RING_NOBODY;
}

/** Its dead, on the wire. */
void ffmk_ring_put(const struct ffmk_ring *ring, struct ffmk_wire_out *out);
/** What ffmk_ring_put() wrote, as 0 or 1 for each member; in->failed when it makes no sense. */
void ffmk_ring_get(struct ffmk_wire_in *in, uint32_t members, uint8_t *dead);

#endif
