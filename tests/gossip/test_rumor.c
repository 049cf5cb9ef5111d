/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves of one node's state machine, fed by hand: the payload is new once; messages that
 * make no sense change nothing; a node goes through its phases; who is asked answers; a reserve
 * rests or wakes as promised; any stream of messages is survived and ends. */
#include "core/rng.h"
#include "gossip/rumor.h"

#include "cases.h"
#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

enum { HOP = 3 };

struct fixture {
    struct ffmk_schedule schedule;
    struct ffmk_rumor_plan plan;
    struct ffmk_rumor *rumor;
};

static struct fixture fixture(uint32_t nodes, enum ffmk_rumor_mode mode, uint32_t deaths_or_reach)
{
    struct fixture f;
    ck_assert_int_eq(ffmk_schedule_create(&f.schedule, FFMK_SCHEDULE_CIRCULANT, nodes, HOP,
                                          ffmk_schedule_tree_rounds(nodes, HOP), false, 1),
                     FFMK_SUCCESS);
    f.plan = ffmk_rumor_plan(&f.schedule, FFMK_RUMOR_OURS, mode, deaths_or_reach, 1, HOP);
    f.rumor = calloc(1, ffmk_rumor_bytes(&f.plan));
    return f;
}

/* The plan of a fixture that was returned by value points to the schedule of another. */
static void settle(struct fixture *f)
{
    f->plan.schedule = &f->schedule;
}

static void drop(struct fixture *f)
{
    ffmk_schedule_destroy(&f->schedule);
    free(f->rumor);
}

static const struct ffmk_rumor_message tree = {.kind = FFMK_RUMOR_TREE, .known = 1};
static const struct ffmk_rumor_message probe_up = {
    .kind = FFMK_RUMOR_PROBE, .side = FFMK_RUMOR_UP, .known = 1};

START_TEST(the_payload_is_new_once)
{
    struct fixture f = fixture(100, FFMK_RUMOR_CHECKED, 0);
    settle(&f);
    struct ffmk_rumor_message reply;
    ck_assert_uint_eq(ffmk_rumor_receive(f.rumor, &f.plan, 5, 0, &tree, 3, &reply),
                      FFMK_RUMOR_COLOURED);
    ck_assert_uint_eq(ffmk_rumor_receive(f.rumor, &f.plan, 5, 2, &tree, 4, &reply), 0);
    ck_assert_uint_eq(ffmk_rumor_receive(f.rumor, &f.plan, 5, 4, &probe_up, 5, &reply), 0);
    drop(&f);
    struct fixture g = fixture(100, FFMK_RUMOR_CHECKED, 0);
    settle(&g);
    ck_assert_uint_eq(ffmk_rumor_receive(g.rumor, &g.plan, 5, 4, &probe_up, 3, &reply),
                      FFMK_RUMOR_COLOURED);
    ck_assert_uint_eq(g.rumor->state, FFMK_RUMOR_DONE);
    ck_assert_uint_eq(ffmk_rumor_receive(g.rumor, &g.plan, 5, 0, &tree, 4, &reply), 0);
    drop(&g);
}
END_TEST

START_TEST(nonsense_changes_nothing)
{
    struct fixture f = fixture(10, FFMK_RUMOR_CHECKED, 0);
    settle(&f);
    const struct ffmk_rumor_message bad[] = {{.kind = 3},
                                             {.kind = 255},
                                             {.kind = FFMK_RUMOR_TREE, .slot = f.schedule.rounds},
                                             {.kind = FFMK_RUMOR_TREE, .slot = UINT32_MAX},
                                             {.kind = FFMK_RUMOR_PROBE, .side = 2},
                                             {.kind = FFMK_RUMOR_REPLY}};
    struct ffmk_rumor_message reply;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_uint_eq(ffmk_rumor_receive(f.rumor, &f.plan, 5, 0, &bad[i], 1, &reply), 0);
    ck_assert_uint_eq(ffmk_rumor_receive(f.rumor, &f.plan, 5, 5, &tree, 1, &reply), 0);
    ck_assert_uint_eq(ffmk_rumor_receive(f.rumor, &f.plan, 5, 10, &tree, 1, &reply), 0);
    ck_assert_uint_eq(f.rumor->state, FFMK_RUMOR_DARK);
    drop(&f);
}
END_TEST

/* Where the root sends to all itself. */
static uint32_t sent_at(struct fixture *f, uint32_t me, uint64_t until, uint32_t to[])
{
    struct ffmk_rumor_message message;
    uint32_t n = 0;
    for (uint64_t now = 0; now <= until; now++)
        if (ffmk_rumor_next(f->rumor, &f->plan, me, now, &to[n], &message) == now)
            n++;
    return n;
}

START_TEST(a_direct_root_is_done_and_nobody_sends_to_it)
{
    enum { NODES = 4 };
    for (uint32_t nodes = 2; nodes <= NODES; nodes++) {
        for (uint32_t me = 0; me < nodes; me++) {
            struct fixture f = fixture(nodes, FFMK_RUMOR_CHECKED, 0);
            settle(&f);
            ck_assert(f.plan.direct);
            uint32_t to[2 * NODES];
            struct ffmk_rumor_message reply;
            if (me == 0)
                ffmk_rumor_start(f.rumor, &f.plan, 0);
            else
                ffmk_rumor_receive(f.rumor, &f.plan, me, 0, &tree, 0, &reply);
            const uint32_t n = sent_at(&f, me, f.rumor->at + f.plan.pause_until - 1, to);
            if (me == 0)
                ck_assert_uint_eq(n, nodes - 1);
            else /* to each neighbour but the root */
                ck_assert_uint_eq(n, nodes == 2 ? 0 : me > 1 && me + 1 < nodes ? 2 : 1);
            for (uint32_t i = 0; i < n && me > 0; i++)
                ck_assert(to[i] == me + 1 || to[i] + 1 == me);
            if (me == 0 || nodes == 2)
                ck_assert_uint_eq(f.rumor->state, FFMK_RUMOR_DONE);
            drop(&f);
        }
    }
}
END_TEST

/* The root has died since, and nobody else answers: all up to it are sent to. */
START_TEST(who_heard_a_direct_root_does_not_rely_on_it)
{
    struct fixture f = fixture(4, FFMK_RUMOR_CHECKED, 0);
    settle(&f);
    uint32_t to[8];
    struct ffmk_rumor_message reply;
    ffmk_rumor_receive(f.rumor, &f.plan, 1, 0, &tree, 0, &reply);
    ck_assert_uint_eq(sent_at(&f, 1, 1000, to), 2);
    ck_assert_uint_eq(to[0] + to[1], 2 + 3);
    ck_assert_uint_eq(f.rumor->state, FFMK_RUMOR_DONE);
    drop(&f);
}
END_TEST

/* Beside it one probe each way is all there is. */
START_TEST(who_heard_a_direct_root_waits_for_its_neighbour_only)
{
    struct fixture f = fixture(4, FFMK_RUMOR_CHECKED, 0);
    settle(&f);
    uint32_t to[8];
    struct ffmk_rumor_message reply;
    const struct ffmk_rumor_message from_2 = {
        .kind = FFMK_RUMOR_PROBE, .side = FFMK_RUMOR_DOWN, .known = 2};
    ffmk_rumor_receive(f.rumor, &f.plan, 1, 0, &tree, 0, &reply);
    ffmk_rumor_receive(f.rumor, &f.plan, 1, 2, &from_2, 1, &reply);
    ck_assert_uint_eq(sent_at(&f, 1, 1000, to), 1);
    ck_assert_uint_eq(to[0], 2);
    ck_assert_uint_eq(f.rumor->state, FFMK_RUMOR_DONE);
    drop(&f);
}
END_TEST

START_TEST(a_large_broadcast_is_not_direct)
{
    struct fixture f = fixture(HOP + 3, FFMK_RUMOR_CHECKED, 0);
    ck_assert(!f.plan.direct);
    drop(&f);
}
END_TEST

START_TEST(a_root_spreads_then_corrects_then_asks)
{
    struct fixture f = fixture(100, FFMK_RUMOR_CHECKED, 0);
    settle(&f);
    ffmk_rumor_start(f.rumor, &f.plan, 0);
    uint64_t now = 0;
    uint32_t to;
    struct ffmk_rumor_message message;
    for (uint32_t slot = 0; slot < f.schedule.rounds; slot++, now++) {
        ck_assert_uint_eq(ffmk_rumor_next(f.rumor, &f.plan, 0, now, &to, &message), now);
        ck_assert_uint_eq(message.kind, FFMK_RUMOR_TREE);
        ck_assert_uint_eq(to, f.schedule.shift[slot]);
    }
    uint64_t begin = ffmk_rumor_next(f.rumor, &f.plan, 0, now, &to, &message);
    ck_assert_uint_eq(begin, f.schedule.rounds + HOP - 1);
    /* One message on each side, then a pause for the answers that are due. */
    ck_assert_uint_eq(ffmk_rumor_next(f.rumor, &f.plan, 0, begin, &to, &message), begin);
    ck_assert_uint_eq(to, 1);
    ck_assert_uint_eq(ffmk_rumor_next(f.rumor, &f.plan, 0, begin + 1, &to, &message), begin + 1);
    ck_assert_uint_eq(to, 99);
    uint64_t end = ffmk_rumor_next(f.rumor, &f.plan, 0, begin + 2, &to, &message);
    ck_assert_uint_eq(end, begin + f.plan.pause_until);
    struct ffmk_rumor_message reply;
    const struct ffmk_rumor_message down = {.kind = FFMK_RUMOR_PROBE, .side = FFMK_RUMOR_DOWN};
    ffmk_rumor_receive(f.rumor, &f.plan, 0, 1, &down, begin + 4, &reply);
    /* Above it knows one; below it goes on, from a certain time on asking. */
    uint32_t distance = 2;
    for (now = end; now < begin + f.plan.ask_after + 3; now++) {
        ck_assert_uint_eq(ffmk_rumor_next(f.rumor, &f.plan, 0, now, &to, &message), now);
        ck_assert_uint_eq(to, 100 - distance++);
        ck_assert_uint_eq(message.ask, now >= begin + f.plan.ask_after);
    }
    ffmk_rumor_receive(f.rumor, &f.plan, 0, 95, &probe_up, now, &reply);
    ck_assert_uint_eq(ffmk_rumor_next(f.rumor, &f.plan, 0, now, &to, &message), FFMK_RUMOR_NEVER);
    ck_assert_uint_eq(f.rumor->state, FFMK_RUMOR_DONE);
    drop(&f);
}
END_TEST

START_TEST(who_is_asked_answers_unless_it_sent_there)
{
    struct fixture f = fixture(100, FFMK_RUMOR_CHECKED, 0);
    settle(&f);
    struct ffmk_rumor_message reply;
    struct ffmk_rumor_message ask = probe_up;
    ask.ask = 1;
    ffmk_rumor_receive(f.rumor, &f.plan, 50, 0, &tree, 3, &reply);
    ck_assert_uint_eq(ffmk_rumor_receive(f.rumor, &f.plan, 50, 43, &ask, 30, &reply),
                      FFMK_RUMOR_ANSWER);
    ck_assert_uint_eq(reply.kind, FFMK_RUMOR_REPLY);
    ck_assert_uint_eq(reply.side, FFMK_RUMOR_DOWN);
    f.rumor->side[FFMK_RUMOR_DOWN].sent = 7;
    ck_assert_uint_eq(ffmk_rumor_receive(f.rumor, &f.plan, 50, 43, &ask, 30, &reply), 0);
    /* A reserve is nobody to count on. */
    struct fixture g = fixture(100, FFMK_RUMOR_CHECKED, 0);
    settle(&g);
    ffmk_rumor_receive(g.rumor, &g.plan, 50, 43, &ask, 30, &reply);
    ck_assert_uint_eq(ffmk_rumor_receive(g.rumor, &g.plan, 50, 43, &ask, 30, &reply), 0);
    drop(&f);
    drop(&g);
}
END_TEST

START_TEST(a_reserve_rests_when_it_knows_enough)
{
    struct ffmk_rumor_message reply;
    struct ffmk_rumor_message message;
    uint32_t to;
    for (uint32_t deaths = 1; deaths <= 3; deaths++) {
        struct fixture f = fixture(100, FFMK_RUMOR_FAILURE_PROOF, deaths);
        settle(&f);
        for (uint32_t i = 0; i <= deaths; i++) {
            ck_assert(f.rumor->state != FFMK_RUMOR_DONE);
            /* From both sides, so that neither side's memory is too small. */
            struct ffmk_rumor_message from = {.kind = FFMK_RUMOR_PROBE, .side = i % 2, .known = 1};
            uint32_t sender = i % 2 == FFMK_RUMOR_UP ? 49 - i : 51 + i;
            ffmk_rumor_receive(f.rumor, &f.plan, 50, sender, &from, 10, &reply);
            ffmk_rumor_receive(f.rumor, &f.plan, 50, sender, &from, 10, &reply);
        }
        ck_assert_uint_eq(f.rumor->state, FFMK_RUMOR_DONE);
        drop(&f);

        struct fixture g = fixture(100, FFMK_RUMOR_FAILURE_PROOF, deaths);
        settle(&g);
        ffmk_rumor_receive(g.rumor, &g.plan, 50, 49, &probe_up, 10, &reply);
        uint64_t wakes = ffmk_rumor_next(g.rumor, &g.plan, 50, 10, &to, &message);
        ck_assert_uint_eq(wakes, 10 + g.plan.reserve_after);
        ck_assert_uint_eq(ffmk_rumor_next(g.rumor, &g.plan, 50, wakes, &to, &message), wakes);
        ck_assert_uint_eq(message.kind, FFMK_RUMOR_PROBE);
        ck_assert(g.rumor->participant);
        drop(&g);

        struct fixture h = fixture(100, FFMK_RUMOR_FAILURE_PROOF, deaths);
        settle(&h);
        struct ffmk_rumor_message deep = probe_up;
        deep.known = (uint8_t)(deaths + 1);
        ffmk_rumor_receive(h.rumor, &h.plan, 50, 49, &deep, 10, &reply);
        ck_assert_uint_eq(h.rumor->state, FFMK_RUMOR_DONE);
        drop(&h);
    }
}
END_TEST

START_TEST(any_stream_of_messages_is_survived_and_ends)
{
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        uint64_t state = seed;
        enum ffmk_rumor_mode mode = (enum ffmk_rumor_mode)ffmk_rng_below(&state, 4);
        uint32_t nodes = 1 + (uint32_t)ffmk_rng_below(&state, 40);
        struct fixture f = fixture(nodes, mode, (uint32_t)ffmk_rng_below(&state, 6));
        settle(&f);
        uint32_t me = (uint32_t)ffmk_rng_below(&state, nodes);
        if (me == 0)
            ffmk_rumor_start(f.rumor, &f.plan, 0);
        unsigned coloured = 0;
        unsigned sent = 0;
        struct ffmk_rumor_message message;
        struct ffmk_rumor_message reply;
        uint32_t to;
        for (uint64_t now = 0; now < 900; now++) {
            if (now < 300 && ffmk_rng_below(&state, 3) == 0) {
                uint64_t bits = ffmk_rng_next(&state);
                message = (struct ffmk_rumor_message){.kind = bits & 3,
                                                      .side = bits >> 2 & 3,
                                                      .ask = bits >> 4 & 1,
                                                      .known = (uint8_t)(bits >> 8),
                                                      .slot = (uint32_t)(bits >> 16 & 63)};
                unsigned found = ffmk_rumor_receive(f.rumor, &f.plan, me, bits >> 32 & 63, &message,
                                                    now, &reply);
                coloured += (found & FFMK_RUMOR_COLOURED) != 0;
            }
            if (ffmk_rumor_next(f.rumor, &f.plan, me, now, &to, &message) == now) {
                sent++;
                ck_assert_msg(to < nodes && to != me, "seed %lu", (unsigned long)seed);
            }
        }
        ck_assert_msg(coloured <= (me != 0), "coloured %u times, seed %lu", coloured,
                      (unsigned long)seed);
        ck_assert_msg(sent <= f.schedule.rounds + nodes - 1, "%u messages, seed %lu", sent,
                      (unsigned long)seed);
        bool begun = me == 0 || coloured;
        ck_assert_msg((f.rumor->state == FFMK_RUMOR_DONE) == begun, "state %d, seed %lu",
                      f.rumor->state, (unsigned long)seed);
        drop(&f);
    }
}
END_TEST

CASES("rumor", the_payload_is_new_once, nonsense_changes_nothing,
      a_root_spreads_then_corrects_then_asks, who_is_asked_answers_unless_it_sent_there,
      a_reserve_rests_when_it_knows_enough, a_direct_root_is_done_and_nobody_sends_to_it,
      who_heard_a_direct_root_does_not_rely_on_it,
      who_heard_a_direct_root_waits_for_its_neighbour_only, a_large_broadcast_is_not_direct,
      any_stream_of_messages_is_survived_and_ends)
