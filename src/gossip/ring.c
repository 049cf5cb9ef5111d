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

static int compare(const void *a, const void *b)
{
    const uint64_t *one = a;
    const uint64_t *other = b;
    return one[0] != other[0] ? (one[0] > other[0]) - (one[0] < other[0])
                              : (one[1] > other[1]) - (one[1] < other[1]);
}

/* Hosts are numbered by their first members; `sorted` has (host, rank) of each. */
static void number_hosts(struct ffmk_rings *rings, uint64_t (*sorted)[2])
{
    const uint32_t n = rings->members;
    qsort(sorted, n, sizeof *sorted, compare);
    /* The first member's rank stands for its host. */
    uint64_t first = 0;
    uint64_t before = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || sorted[i][0] != before)
            first = sorted[i][1];
        before = sorted[i][0];
        sorted[i][0] = first;
    }
    qsort(sorted, n, sizeof *sorted, compare);
    rings->in_order = true;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t rank = (uint32_t)sorted[i][1];
        if (i == 0 || sorted[i][0] != sorted[i - 1][0])
            rings->begin[rings->hosts++] = i;
        rings->host[rank] = rings->hosts - 1;
        rings->mates[i] = rank;
        rings->in_order = rings->in_order && rank == i;
    }
    rings->begin[rings->hosts] = n;
}

bool ffmk_rings_create(struct ffmk_rings *rings, uint32_t members, const uint64_t *host)
{
    *rings = (struct ffmk_rings){.members = members};
    rings->host = calloc(members, sizeof *rings->host);
    rings->mates = calloc(members, sizeof *rings->mates);
    rings->begin = calloc((size_t)members + 1, sizeof *rings->begin);
    uint64_t(*sorted)[2] = calloc(members, sizeof *sorted);
    const bool good = rings->host && rings->mates && rings->begin && sorted;
    for (uint32_t i = 0; good && i < members; i++) {
        sorted[i][0] = host ? host[i] : i;
        sorted[i][1] = i;
    }
    if (good)
        number_hosts(rings, sorted);
    free(sorted);
    return good;
}

void ffmk_rings_destroy(struct ffmk_rings *rings)
{
    free(rings->host);
    free(rings->mates);
    free(rings->begin);
}

static void encode(const struct ffmk_ring *ring, struct ffmk_wire_out *out);

static struct ffmk_ring *make(const struct ffmk_rings *rings, const uint8_t *dead, uint64_t hash)
{
    const uint32_t members = rings->members;
    const size_t words = (size_t)2 * members + (size_t)2 * rings->hosts;
    struct ffmk_ring *ring = calloc(1, sizeof *ring + words * sizeof(uint32_t));
    if (!ring)
        return NULL;
    ring->members = members;
    ring->hash = hash;
    ring->rank = (uint32_t *)(ring + 1);
    ring->index = ring->rank + members;
    ring->speaker = ring->index + members;
    ring->place = ring->speaker + rings->hosts;
    for (uint32_t h = 0; h < rings->hosts; h++)
        ring->place[h] = FFMK_RING_NOBODY;
    for (uint32_t i = 0; i < members; i++) {
        ring->index[i] = dead[i] ? FFMK_RING_NOBODY : ring->nodes;
        if (dead[i])
            continue;
        ring->rank[ring->nodes++] = i;
        uint32_t *place = &ring->place[rings->host[i]];
        if (*place == FFMK_RING_NOBODY) {
            *place = ring->hosts;
            ring->speaker[ring->hosts++] = i;
        }
    }
    struct ffmk_wire_out out = {0};
    encode(ring, &out);
    ring->wire = out.data;
    ring->wire_bytes = out.length;
    if (!out.failed)
        return ring;
    ffmk_wire_free(&out);
    free(ring);
    return NULL;
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
    struct ffmk_ring *ring = make(rings, dead, hash);
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
    free(ring->wire);
    free(ring);
}

/* The dead one by one where that is shorter than a bit for each member. */
static bool is_listed(uint32_t members, uint32_t dead)
{
    return (uint64_t)dead * 4 <= members / 8;
}

static void encode(const struct ffmk_ring *ring, struct ffmk_wire_out *out)
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

void ffmk_ring_put(const struct ffmk_ring *ring, struct ffmk_wire_out *out)
{
    ffmk_wire_put_bytes(out, ring->wire, ring->wire_bytes);
}

struct ffmk_ring *ffmk_ring_find(struct ffmk_rings *rings, struct ffmk_wire_in *in)
{
    const size_t left = in->failed ? 0 : in->length - in->at;
    for (struct ffmk_ring *ring = rings->first; ring; ring = ring->next)
        if (ring->wire_bytes <= left &&
            memcmp(in->data + in->at, ring->wire, ring->wire_bytes) == 0) {
            in->at += ring->wire_bytes;
            return ffmk_ring_hold(ring);
        }
    return NULL;
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
