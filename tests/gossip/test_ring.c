/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, over thousands of seeds: a ring has exactly those who are not dead, in order, and
 * for each host its first member that lives; the same dead give the same ring, however it is asked
 * for; what it puts on the wire is read back, and nothing that is cut, too much or doubled is. */
#include "core/rng.h"
#include "gossip/ring.h"

#include "cases.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 3000 };

static uint8_t dead[MOST];
static uint8_t again[MOST];
static uint64_t host[MOST];

static void draw(uint64_t *state, uint32_t members)
{
    const uint64_t hosts = 1 + ffmk_rng_below(state, members);
    const double rate = ffmk_rng_unit(state) * ffmk_rng_unit(state);
    for (uint32_t i = 0; i < members; i++) {
        dead[i] = ffmk_rng_unit(state) < rate;
        host[i] = ffmk_rng_mix(ffmk_rng_below(state, hosts));
    }
    dead[ffmk_rng_below(state, members)] = 0;
}

static void check(const struct ffmk_rings *rings, const struct ffmk_ring *ring)
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < ring->members; i++) {
        ck_assert_int_eq(ffmk_ring_has(ring, i), !dead[i]);
        if (dead[i])
            continue;
        ck_assert_uint_eq(ring->rank[nodes], i);
        ck_assert_uint_eq(ring->index[i], nodes++);
        const uint32_t speaker = ring->speaker[ring->place[rings->host[i]]];
        ck_assert(speaker <= i && !dead[speaker] && host[speaker] == host[i]);
    }
    ck_assert_uint_eq(ring->nodes, nodes);
    for (uint32_t i = 1; i < ring->hosts; i++)
        ck_assert_uint_lt(ring->speaker[i - 1], ring->speaker[i]);
}

START_TEST(rings_are_what_lives)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        uint64_t state = seed;
        const uint32_t members =
            1 + (uint32_t)ffmk_rng_below(&state, ffmk_rng_below(&state, 8) ? 40 : MOST);
        struct ffmk_rings rings;
        draw(&state, members);
        ck_assert(ffmk_rings_create(&rings, members, host));
        struct ffmk_ring *ring = ffmk_ring_of(&rings, dead);
        ck_assert_ptr_nonnull(ring);
        check(&rings, ring);
        for (uint32_t i = 1; i < members; i++)
            ck_assert(rings.host[i] >= rings.host[i - 1] || !rings.in_order);

        struct ffmk_wire_out out = {0};
        ffmk_ring_put(ring, &out);
        struct ffmk_wire_in in = {.data = out.data, .length = out.length};
        ffmk_ring_get(&in, members, again);
        ck_assert(!in.failed && in.at == out.length && memcmp(dead, again, members) == 0);
        in.at = 0;
        ck_assert_ptr_eq(ffmk_ring_find(&rings, &in), ring);
        ck_assert_uint_eq(in.at, out.length);
        ck_assert_ptr_eq(ffmk_ring_of(&rings, again), ring);
        in = (struct ffmk_wire_in){.data = out.data, .length = out.length - 1};
        ck_assert_ptr_null(ffmk_ring_find(&rings, &in));
        ffmk_ring_get(&in, members, again);
        ck_assert_msg(in.failed, "seed %lu: cut", (unsigned long)seed);
        ffmk_wire_free(&out);
        for (int i = 0; i < 3; i++)
            ffmk_ring_release(&rings, ring);
        ck_assert_ptr_null(rings.first);
        ffmk_rings_destroy(&rings);
    }
}
END_TEST

START_TEST(senseless_bytes_are_refused)
{
    for (uint64_t seed = 1; seed <= 50000; seed++) {
        uint64_t state = seed;
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(ffmk_rng_below(&state, 3) ? ffmk_rng_below(&state, 4)
                                                           : ffmk_rng_next(&state));
        bytes[2] = bytes[3] = 0;
        const uint32_t members = 1 + (uint32_t)ffmk_rng_below(&state, 300);
        struct ffmk_wire_in in = {.data = bytes, .length = ffmk_rng_below(&state, sizeof bytes)};
        ffmk_ring_get(&in, members, again);
        uint32_t count = 0;
        for (uint32_t i = 0; i < members; i++)
            count += again[i];
        ck_assert_msg(in.failed || count == (uint32_t)(bytes[0] | bytes[1] << 8), "seed %lu",
                      (unsigned long)seed);
    }
}
END_TEST

CASES("ring", rings_are_what_lives, senseless_bytes_are_refused)
