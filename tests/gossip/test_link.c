/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, over thousands of seeds: on a network that loses, doubles, delays and reorders
 * datagrams every body arrives exactly once, acknowledgements end, memory stays bounded, and
 * without loss nothing is sent twice; an acknowledgement waits for a body that carries it, but not
 * for long; a body grows until it is sent, and not then; in a burst, and only there, the last one
 * is held; a datagram that was changed, shortened or is for another process is none. */
#include "core/rng.h"
#include "gossip/net/link.h"

#include "cases.h"
#include <stdio.h>
#include <string.h>

enum { MOST_UNDER_WAY = 4096, BODIES = 200 };

static const uint8_t key[FFMK_SEAL_KEY_BYTES] = "sixteen bytes on";

struct flight {
    uint64_t at;
    int to;
    size_t length;
    uint8_t bytes[FFMK_DATAGRAM_BYTES];
};

struct world {
    uint64_t state;
    uint64_t now;
    double loss;
    double doubles;
    uint64_t delay; /* at most */
    struct ffmk_link_end link[2];
    uint32_t sent[2]; /* bodies */
    uint8_t got[2][BODIES];
    uint32_t datagrams;
    uint32_t n;
    struct flight flights[MOST_UNDER_WAY];
};

static void fly(struct world *world, int to, const struct ffmk_datagram *datagram)
{
    world->datagrams++;
    int copies = 1 + (ffmk_rng_unit(&world->state) < world->doubles);
    for (int i = 0; i < copies; i++) {
        if (ffmk_rng_unit(&world->state) < world->loss || world->n == MOST_UNDER_WAY)
            continue;
        struct flight *flight = &world->flights[world->n++];
        flight->at = world->now + 1 + ffmk_rng_below(&world->state, world->delay);
        flight->to = to;
        flight->length = ffmk_datagram_put(datagram, key, flight->bytes);
    }
}

static void land(struct world *world)
{
    for (uint32_t i = 0; i < world->n;) {
        struct flight *flight = &world->flights[i];
        if (flight->at > world->now) {
            i++;
            continue;
        }
        struct ffmk_datagram datagram;
        if (!ffmk_datagram_get(flight->bytes, flight->length, (uint64_t)flight->to, key, &datagram))
            ck_abort_msg("a good datagram was refused");
        int to = flight->to;
        if (ffmk_link_receive(&world->link[to], &datagram, world->now)) {
            uint32_t number;
            memcpy(&number, datagram.body, sizeof number);
            if (number >= BODIES || world->got[to][number]++)
                ck_abort_msg("body %u twice", number);
        }
        *flight = world->flights[--world->n];
    }
}

static void speak(struct world *world, int from)
{
    struct ffmk_link_end *link = &world->link[from];
    uint8_t body[FFMK_DATAGRAM_BODY_BYTES] = {0};
    while (world->sent[from] < BODIES && ffmk_rng_below(&world->state, 3)) {
        size_t bytes = 4 + ffmk_rng_below(&world->state, sizeof body - 3);
        memcpy(body, &world->sent[from], sizeof world->sent[from]);
        if (!ffmk_link_send(link, body, bytes, world->now))
            break;
        world->sent[from]++;
    }
    struct ffmk_datagram datagram = {.from = (uint64_t)from, .to = (uint64_t)!from};
    while (ffmk_link_output(link, world->now, &datagram))
        fly(world, !from, &datagram);
}

/* \return datagrams that were sent again */
static uint64_t run(struct world *world, uint64_t seed, double loss, double doubles, uint64_t delay)
{
    memset(world, 0, sizeof *world);
    world->state = seed;
    world->loss = loss;
    world->doubles = doubles;
    world->delay = delay;
    ffmk_link_create(&world->link[0]);
    ffmk_link_create(&world->link[1]);
    for (int step = 0;; step++) {
        if (step > 400000)
            ck_abort_msg("does not end, seed %lu loss %g", (unsigned long)seed, loss);
        speak(world, 0);
        speak(world, 1);
        if (world->sent[0] == BODIES && world->sent[1] == BODIES && world->n == 0 &&
            world->link[0].oldest == world->link[0].next &&
            world->link[1].oldest == world->link[1].next)
            break;
        /* On to the next thing that happens. */
        uint64_t next = world->now + 50000;
        for (uint32_t i = 0; i < world->n; i++)
            next = world->flights[i].at < next ? world->flights[i].at : next;
        for (int i = 0; i < 2; i++) {
            uint64_t due = ffmk_link_due(&world->link[i]);
            next = due < next ? due : next;
        }
        world->now = next > world->now ? next : world->now + 1;
        land(world);
    }
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < BODIES; i++)
            if (world->got[side][i] != 1)
                ck_abort_msg("body %d did not arrive, seed %lu", i, (unsigned long)seed);
    uint64_t repeats = world->link[0].repeats + world->link[1].repeats;
    ffmk_link_destroy(&world->link[0]);
    ffmk_link_destroy(&world->link[1]);
    return repeats;
}

static struct world world;

START_TEST(every_body_arrives_once)
{
    for (uint64_t seed = 1; seed <= 800; seed++) {
        uint64_t state = seed;
        double loss = ffmk_rng_unit(&state) * 0.6;
        run(&world, seed, loss, ffmk_rng_unit(&state) * 0.5, 1 + ffmk_rng_below(&state, 5000000));
    }
}
END_TEST

START_TEST(without_loss_nothing_is_sent_twice)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        ck_assert_uint_eq(run(&world, seed, 0, 0, 1), 0);
}
END_TEST

START_TEST(who_does_not_answer_is_not_flooded)
{
    struct ffmk_link_end link;
    ffmk_link_create(&link);
    const uint64_t second = 1000000000;
    for (int i = 0; i < 2 * FFMK_LINK_WINDOW; i++)
        ck_assert(ffmk_link_send(&link, "x", 1, 0) == (i < FFMK_LINK_WINDOW));
    struct ffmk_datagram datagram;
    uint32_t sent = 0;
    for (uint64_t now = 0; now < 10 * second; now = ffmk_link_due(&link))
        while (ffmk_link_output(&link, now, &datagram))
            sent++;
    ck_assert_uint_le(sent, 50 * FFMK_LINK_WINDOW);
    ffmk_link_destroy(&link);
}
END_TEST

START_TEST(forged_datagrams_are_none)
{
    uint64_t state = 5;
    uint8_t body[FFMK_DATAGRAM_BODY_BYTES];
    uint8_t bytes[FFMK_DATAGRAM_BYTES + 8];
    for (int i = 0; i < 3000; i++) {
        for (size_t b = 0; b < sizeof body; b++)
            body[b] = (uint8_t)ffmk_rng_next(&state);
        struct ffmk_datagram sent = {.from = ffmk_rng_next(&state),
                                     .to = ffmk_rng_next(&state),
                                     .sequence = 1 + ffmk_rng_below(&state, 9),
                                     .come = 7,
                                     .beyond = ffmk_rng_next(&state),
                                     .body = body,
                                     .body_bytes = 1 + ffmk_rng_below(&state, sizeof body)};
        size_t length = ffmk_datagram_put(&sent, key, bytes);
        struct ffmk_datagram got;
        ck_assert(ffmk_datagram_get(bytes, length, sent.to, key, &got));
        ck_assert(got.from == sent.from && got.to == sent.to && !got.excluded &&
                  got.sequence == sent.sequence && got.come == 7 && got.beyond == sent.beyond &&
                  got.body_bytes == sent.body_bytes && memcmp(got.body, body, got.body_bytes) == 0);
        ck_assert(!ffmk_datagram_get(bytes, length, sent.to + 1, key, &got));
        ck_assert(!ffmk_datagram_get(bytes, length - 1, sent.to, key, &got));
        size_t at = ffmk_rng_below(&state, length);
        bytes[at] ^= (uint8_t)(1 + ffmk_rng_below(&state, 255));
        ck_assert(!ffmk_datagram_get(bytes, length, sent.to, key, &got));
    }
}
END_TEST

START_TEST(who_is_excluded_is_told)
{
    uint8_t bytes[FFMK_DATAGRAM_BYTES];
    struct ffmk_datagram got;
    struct ffmk_datagram sent = {.from = 3, .to = 4, .excluded = true};
    size_t length = ffmk_datagram_put(&sent, key, bytes);
    ck_assert(ffmk_datagram_get(bytes, length, 4, key, &got));
    ck_assert(got.excluded && got.from == 3 && got.sequence == 0 && got.body_bytes == 0);
    /* Not together with a body, nor other flags. */
    sent.sequence = 1;
    sent.body = "x";
    sent.body_bytes = 1;
    length = ffmk_datagram_put(&sent, key, bytes);
    ck_assert(!ffmk_datagram_get(bytes, length, 4, key, &got));
    sent.excluded = false;
    ffmk_datagram_put(&sent, key, bytes);
    for (int at = 5; at < 8; at++) {
        bytes[at] = 2;
        ffmk_seal(key, bytes, length - FFMK_SEAL_BYTES, bytes + length - FFMK_SEAL_BYTES);
        ck_assert(!ffmk_datagram_get(bytes, length, 4, key, &got));
        bytes[at] = 0;
    }
}
END_TEST

static const uint64_t microsecond = 1000;

START_TEST(an_acknowledgement_waits_half_a_millisecond)
{
    struct ffmk_link_end link;
    struct ffmk_datagram got = {.sequence = 1, .come = 1, .body = "x", .body_bytes = 1};
    struct ffmk_datagram datagram;
    ffmk_link_create(&link);
    ck_assert(ffmk_link_due(&link) == FFMK_LINK_NEVER);
    ck_assert(ffmk_link_receive(&link, &got, 0));
    ck_assert(ffmk_link_due(&link) == 500 * microsecond);
    ck_assert(!ffmk_link_output(&link, 499 * microsecond, &datagram));
    ck_assert(ffmk_link_output(&link, 500 * microsecond, &datagram));
    ck_assert(datagram.sequence == 0 && datagram.come == 2);
    ck_assert(ffmk_link_due(&link) == FFMK_LINK_NEVER);

    /* A body carries it. */
    got.sequence = 2;
    ck_assert(ffmk_link_receive(&link, &got, 1000 * microsecond));
    ck_assert(ffmk_link_send(&link, "y", 1, 1100 * microsecond));
    ck_assert(ffmk_link_output(&link, 1100 * microsecond, &datagram));
    ck_assert(datagram.sequence == 1 && datagram.come == 3);
    ck_assert(!ffmk_link_output(&link, 1600 * microsecond, &datagram));

    /* The time counts from the first that is owed. */
    got.sequence = 3;
    ck_assert(ffmk_link_receive(&link, &got, 2000 * microsecond));
    got.sequence = 4;
    ck_assert(ffmk_link_receive(&link, &got, 2400 * microsecond));
    ck_assert(ffmk_link_due(&link) == 2500 * microsecond);
    ffmk_link_destroy(&link);
}
END_TEST

START_TEST(an_acknowledgement_of_many_or_again_does_not_wait)
{
    struct ffmk_link_end link;
    struct ffmk_datagram datagram;
    ffmk_link_create(&link);
    uint32_t alone = 0;
    for (uint64_t s = 1; s <= 64; s++) {
        struct ffmk_datagram got = {.sequence = s, .come = 1, .body = "x", .body_bytes = 1};
        ck_assert(ffmk_link_receive(&link, &got, s));
        alone += ffmk_link_output(&link, s, &datagram);
        ck_assert_uint_eq(alone, s / 16);
    }
    struct ffmk_datagram again = {.sequence = 7, .come = 1, .body = "x", .body_bytes = 1};
    ck_assert(!ffmk_link_receive(&link, &again, 100));
    ck_assert(ffmk_link_output(&link, 100, &datagram));
    ck_assert(datagram.sequence == 0 && datagram.come == 65);
    ffmk_link_destroy(&link);
}
END_TEST

START_TEST(any_numbers_are_survived)
{
    struct ffmk_link_end link;
    uint64_t state = 77;
    ffmk_link_create(&link);
    for (int i = 0; i < 300000; i++) {
        uint64_t wild = ffmk_rng_next(&state) >> ffmk_rng_below(&state, 64);
        struct ffmk_datagram datagram = {.sequence = ffmk_rng_below(&state, 3) ? wild % 200 : wild,
                                         .come = ffmk_rng_below(&state, 3) ? wild % 90 : ~wild,
                                         .beyond = ffmk_rng_next(&state),
                                         .body = "x",
                                         .body_bytes = 1};
        ffmk_link_receive(&link, &datagram, (uint64_t)i * 1000);
        if (i % 5 == 0)
            ffmk_link_send(&link, "abc", 3, (uint64_t)i * 1000);
        while (ffmk_link_output(&link, (uint64_t)i * 1000, &datagram))
            ;
        ck_assert_uint_le(link.next - link.oldest, FFMK_LINK_WINDOW);
    }
    ffmk_link_destroy(&link);
}
END_TEST

/* What was sent, and may be sent again, stays as it is. */
START_TEST(a_body_grows_until_it_is_sent)
{
    struct ffmk_link_end link;
    struct ffmk_datagram out = {0};
    uint8_t first[FFMK_DATAGRAM_BODY_BYTES];
    ffmk_link_create(&link);
    ck_assert_ptr_null(ffmk_link_extend(&link, 1));
    ck_assert(ffmk_link_send(&link, "begin", 5, 0));
    size_t bytes = 5;
    for (uint8_t *place; (place = ffmk_link_extend(&link, 10)); bytes += 10)
        memset(place, (int)bytes, 10);
    ck_assert_uint_gt(bytes + 10, FFMK_DATAGRAM_BODY_BYTES);
    ck_assert_uint_le(bytes, FFMK_DATAGRAM_BODY_BYTES);
    ck_assert(ffmk_link_output(&link, 1, &out));
    ck_assert_uint_eq(out.body_bytes, bytes);
    memcpy(first, out.body, bytes);
    ck_assert_ptr_null(ffmk_link_extend(&link, 1));
    ck_assert(ffmk_link_send(&link, "next", 4, 0));
    memset(ffmk_link_extend(&link, 10), 1, 10);
    ck_assert(ffmk_link_output(&link, 1, &out));
    ck_assert_uint_eq(out.body_bytes, 14);
    ck_assert_uint_eq(out.sequence, 2);
    ck_assert(ffmk_link_output(&link, ffmk_link_due(&link), &out)); /* again */
    ck_assert_uint_eq(out.sequence, 1);
    ck_assert_uint_eq(out.body_bytes, bytes);
    ck_assert_mem_eq(out.body, first, bytes);
    ffmk_link_destroy(&link);
}
END_TEST

/* Adds one after a while, as somebody who sends does. \return how many bodies go. */
static uint32_t send_after(struct ffmk_link_end *link, uint64_t *now, uint64_t after, size_t bytes)
{
    struct ffmk_datagram out;
    uint32_t went = 0;
    *now += after;
    uint8_t *place = ffmk_link_extend(link, bytes);
    if (!place)
        place = ffmk_link_add(link, bytes, 0);
    memset(place, 1, bytes);
    while (ffmk_link_output(link, *now, &out))
        went++;
    return went;
}

START_TEST(in_a_burst_the_last_body_is_held)
{
    struct ffmk_link_end link;
    struct ffmk_datagram out;
    uint64_t now = 1000000 * microsecond;
    ffmk_link_create(&link);
    /* The first of all is after a long time. */
    for (int i = 0; i < FFMK_LINK_BURST; i++)
        ck_assert_uint_eq(send_after(&link, &now, 5 * microsecond, 100), 1);
    ck_assert(ffmk_link_held_until(&link) == FFMK_LINK_NEVER);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(send_after(&link, &now, microsecond, 100), 0);
    ck_assert(ffmk_link_held_until(&link) == now - 9 * microsecond + FFMK_LINK_HOLD_NS);
    ck_assert(ffmk_link_due(&link) == ffmk_link_held_until(&link));
    /* What does not fit has another one go. */
    ck_assert_uint_eq(send_after(&link, &now, microsecond, 300), 1);
    /* Nor longer than that. */
    ck_assert(!ffmk_link_output(&link, now + FFMK_LINK_HOLD_NS - 1, &out));
    now += FFMK_LINK_HOLD_NS;
    ck_assert(ffmk_link_output(&link, now, &out));
    ck_assert_uint_eq(out.body_bytes, 300);
    ck_assert(ffmk_link_held_until(&link) == FFMK_LINK_NEVER);
    /* Whoever is in a hurry does not wait. */
    for (int i = 0; i < 2 * FFMK_LINK_BURST; i++)
        send_after(&link, &now, microsecond, 1);
    ck_assert(ffmk_link_held_until(&link) != FFMK_LINK_NEVER);
    ffmk_link_hurry(&link, now);
    ck_assert(ffmk_link_output(&link, now, &out));
    /* Later the burst has ended. */
    ck_assert_uint_eq(send_after(&link, &now, 100 * microsecond, 1), 1);
    ffmk_link_destroy(&link);
}
END_TEST

/* Few in a row, and then something else: never held. */
START_TEST(bursts_are_not_made_of_little)
{
    struct ffmk_link_end link;
    uint64_t now = 1000000 * microsecond;
    ffmk_link_create(&link);
    for (int round = 0; round < 1000; round++)
        for (int i = 0; i < FFMK_LINK_BURST; i++) {
            ck_assert_uint_eq(send_after(&link, &now, (i ? 5 : 100) * microsecond, 10), 1);
            const struct ffmk_datagram acknowledgement = {.come = link.next};
            ffmk_link_receive(&link, &acknowledgement, now);
        }
    ffmk_link_destroy(&link);
}
END_TEST

CASES("link", every_body_arrives_once, without_loss_nothing_is_sent_twice,
      who_does_not_answer_is_not_flooded, forged_datagrams_are_none, who_is_excluded_is_told,
      an_acknowledgement_waits_half_a_millisecond,
      an_acknowledgement_of_many_or_again_does_not_wait, any_numbers_are_survived,
      a_body_grows_until_it_is_sent, in_a_burst_the_last_body_is_held,
      bursts_are_not_made_of_little)
