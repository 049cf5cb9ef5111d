/* SPDX-License-Identifier: BSD-3-Clause
 * Rings: the members of a group without some who are dead. */
#include "gossip/ring.h"

#include "core/rng.h"

#include <stdlib.h>
#include <string.h>

static bool is_without(const struct ffmk_ring *ring, const uint8_t *dead)
{
    for (uint32_t i = 0; i < ring->members; i++)
        if (ffmk_ring_has(ring, i) == (dead[i] != 0))
            return false;
    return true;
}

static struct ffmk_ring *make(uint32_t members, const uint8_t *dead, uint64_t hash)
{
    struct ffmk_ring *ring = calloc(1, sizeof *ring + (size_t)2 * members * sizeof(uint32_t));
    if (!ring)
        return NULL;
    ring->members = members;
    ring->hash = hash;
    ring->rank = (uint32_t *)(ring + 1);
    ring->index = ring->rank + members;
    for (uint32_t i = 0; i < members; i++) {
        ring->index[i] = dead[i] ? FFMK_RING_NOBODY : ring->nodes;
        if (!dead[i])
            ring->rank[ring->nodes++] = i;
    }
    return ring;
}

struct ffmk_ring *ffmk_ring_of(struct ffmk_rings *rings, const uint8_t *dead)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < rings->members; i++)
        if (dead[i])
            hash += ffmk_rng_mix(i);
    for (struct ffmk_ring *ring = rings->first; ring; ring = ring->next)
        if (ring->hash == hash && is_without(ring, dead))
            return ffmk_ring_hold(ring);
    struct ffmk_ring *ring = make(rings->members, dead, hash);
    if (!ring)
        return NULL;
    ring->next = rings->first;
    rings->first = ring;
    return ffmk_ring_hold(ring);
}

struct ffmk_ring *ffmk_ring_hold(struct ffmk_ring *ring)
{
    ring->holds++;
    return ring;
}

void ffmk_ring_release(struct ffmk_rings *rings, struct ffmk_ring *ring)
{
    if (!ring || --ring->holds > 0)
        return;
    struct ffmk_ring **at = &rings->first;
    while (*at != ring)
        at = &(*at)->next;
    *at = ring->next;
    free(ring);
}

/* The dead one by one where that is shorter than a bit for each member. */
static bool is_listed(uint32_t members, uint32_t dead)
{
    return (uint64_t)dead * 4 <= members / 8;
}

void ffmk_ring_put(const struct ffmk_ring *ring, struct ffmk_wire_out *out)
{
    const uint32_t dead = ring->members - ring->nodes;
    ffmk_wire_put_u32(out, dead);
    if (dead == 0)
        return;
    if (is_listed(ring->members, dead)) {
        for (uint32_t i = 0; i < ring->members; i++)
            if (!ffmk_ring_has(ring, i))
                ffmk_wire_put_u32(out, i);
        return;
    }
    for (uint32_t i = 0; i < ring->members; i += 8) {
        uint8_t bits = 0;
        for (uint32_t j = 0; j < 8 && i + j < ring->members; j++)
            bits |= (uint8_t)(!ffmk_ring_has(ring, i + j) << j);
        ffmk_wire_put_u8(out, bits);
    }
}

void ffmk_ring_get(struct ffmk_wire_in *in, uint32_t members, uint8_t *dead)
{
    const uint32_t count = ffmk_wire_get_u32(in);
    memset(dead, 0, members);
    if (count > members)
        in->failed = true;
    if (in->failed || count == 0)
        return;
    uint32_t found = 0;
    if (is_listed(members, count)) {
        for (uint32_t i = 0; i < count && !in->failed; i++) {
            uint32_t rank = ffmk_wire_get_u32(in);
            if (rank >= members || dead[rank])
                in->failed = true;
            else
                dead[rank] = 1;
        }
        return;
    }
    for (uint32_t i = 0; i < members && !in->failed; i += 8) {
        uint8_t bits = ffmk_wire_get_u8(in);
        for (uint32_t j = 0; j < 8 && i + j < members; j++)
            found += dead[i + j] = bits >> j & 1;
    }
    if (found != count)
        in->failed = true;
}
