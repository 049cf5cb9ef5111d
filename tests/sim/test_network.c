/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves of the virtual network: a message occupies its sender for o and its receiver for
 * o, and is received L + 2o after its sending began or when the receiver is free again, in an order
 * that is always the same; who is dead neither sends nor
 * receives; a ring of buckets that is too short for a message grows and loses nothing; a node is
 * woken when it asked to be and is free, once. */
#include "sim/network.h"

#include "core/rng.h"

#include "cases.h"
#include <stdlib.h>
#include <string.h>

static unsigned char body_of[FFMK_SIM_BODY_BYTES];

static void send(struct ffmk_sim_network *network, uint32_t from, uint32_t to, uint32_t number)
{
    memcpy(body_of, &number, sizeof number);
    ck_assert(ffmk_sim_network_send(network, from, to, body_of));
}

static uint32_t number_of(const struct ffmk_sim_event *event)
{
    uint32_t number = 0;
    memcpy(&number, event->body, sizeof number);
    return number;
}

/* The next event is this one. */
static void expect_arrival(struct ffmk_sim_network *network, uint32_t now, uint32_t node,
                           uint32_t from, uint32_t number)
{
    struct ffmk_sim_event event;
    ck_assert(ffmk_sim_network_next(network, &event));
    ck_assert_int_eq(event.kind, FFMK_SIM_ARRIVAL);
    ck_assert_uint_eq(event.now, now);
    ck_assert_uint_eq(event.node, node);
    ck_assert_uint_eq(event.from, from);
    ck_assert_uint_eq(number_of(&event), number);
}

static void expect_wake(struct ffmk_sim_network *network, uint32_t now, uint32_t node)
{
    struct ffmk_sim_event event;
    ck_assert(ffmk_sim_network_next(network, &event));
    ck_assert_int_eq(event.kind, FFMK_SIM_WAKE);
    ck_assert_uint_eq(event.now, now);
    ck_assert_uint_eq(event.node, node);
}

static void expect_end(struct ffmk_sim_network *network)
{
    struct ffmk_sim_event event;
    ck_assert(!ffmk_sim_network_next(network, &event));
    ck_assert(!ffmk_sim_network_next(network, &event));
}

START_TEST(a_message_takes_l_and_two_o)
{
    for (uint32_t wire = 0; wire < 5; wire++)
        for (uint32_t overhead = 1; overhead < 5; overhead++) {
            struct ffmk_sim_network *network = ffmk_sim_network_create(2, wire, overhead);
            send(network, 0, 1, 7);
            expect_arrival(network, wire + 2 * overhead, 1, 0, 7);
            send(network, 1, 0, 8);
            expect_arrival(network, 2 * (wire + 2 * overhead), 0, 1, 8);
            expect_end(network);
            ck_assert_uint_eq(ffmk_sim_network_messages(network), 2);
            ffmk_sim_network_destroy(network);
        }
}
END_TEST

START_TEST(sending_and_receiving_do_not_hinder_each_other)
{
    struct ffmk_sim_network *network = ffmk_sim_network_create(4, 5, 3);
    for (uint32_t i = 0; i < 4; i++)
        send(network, 0, 1 + i % 3, i);
    send(network, 3, 0, 9);
    expect_arrival(network, 11, 1, 0, 0);
    expect_arrival(network, 11, 0, 3, 9);
    /* Full duplex: what 1 receives does not keep it from sending at once. */
    send(network, 1, 2, 10);
    expect_arrival(network, 14, 2, 0, 1);
    expect_arrival(network, 17, 3, 0, 2);
    expect_arrival(network, 20, 1, 0, 3);
    expect_arrival(network, 22, 2, 1, 10);
    expect_end(network);
    ffmk_sim_network_destroy(network);
}
END_TEST

START_TEST(a_receiver_takes_one_message_in_o)
{
    enum {
        SENDERS = 1000
    }; /* more than a chunk of messages holds, and than the ring has buckets */
    struct ffmk_sim_network *network = ffmk_sim_network_create(SENDERS + 1, 2, 3);
    for (uint32_t i = SENDERS; i > 0; i--)
        send(network, i, 0, i);
    ffmk_sim_network_kill(network, 0, 8 + 3 * 900 + 1); /* what waits for the dead is lost */
    for (uint32_t k = 0; k <= 900; k++)
        expect_arrival(network, 8 + 3 * k, 0, SENDERS - k, SENDERS - k);
    expect_end(network);
    ffmk_sim_network_destroy(network);
}
END_TEST

START_TEST(arrivals_of_a_tick_come_in_the_order_of_sending_and_before_wakings)
{
    enum { SENDERS = 1000 };
    struct ffmk_sim_network *network = ffmk_sim_network_create(2 * SENDERS, 2, 1);
    ffmk_sim_network_wake(network, 5, 4);
    ffmk_sim_network_wake(network, 3, 4);
    for (uint32_t i = SENDERS; i-- > 0;)
        send(network, i, SENDERS + i, i);
    for (uint32_t i = SENDERS; i-- > 0;)
        expect_arrival(network, 4, SENDERS + i, i, i);
    expect_wake(network, 4, 5);
    expect_wake(network, 4, 3);
    expect_end(network);
    ffmk_sim_network_destroy(network);
}
END_TEST

START_TEST(the_dead_begin_nothing_and_receive_nothing)
{
    struct ffmk_sim_network *network = ffmk_sim_network_create(4, 1, 1);
    ffmk_sim_network_kill(network, 1, 0);
    ffmk_sim_network_kill(network, 2, 3);
    ffmk_sim_network_kill(network, 3, 4);
    ck_assert_uint_eq(ffmk_sim_network_dies(network, 2), 3);
    ck_assert_uint_eq(ffmk_sim_network_dies(network, 0), FFMK_SIM_ALIVE);
    send(network, 1, 0, 1); /* dead from the beginning */
    ffmk_sim_network_wake(network, 1, 0);
    for (uint32_t i = 0; i < 5; i++)
        send(network, 2, 0, 20 + i); /* begin at 0, 1, 2; the rest would at 3, 4 */
    ck_assert_uint_eq(ffmk_sim_network_messages(network), 3);
    send(network, 0, 2, 2);
    send(network, 0, 3, 3); /* arrives at 4, when it dies */
    send(network, 0, 1, 4);
    ffmk_sim_network_wake(network, 3, 3);
    ffmk_sim_network_wake(network, 3, 3);
    expect_arrival(network, 3, 0, 2, 20); /* 2 died at 3 and gets nothing then */
    expect_wake(network, 3, 3);
    ffmk_sim_network_wake(network, 3, 4);
    expect_arrival(network, 4, 0, 2, 21);
    expect_arrival(network, 5, 0, 2, 22);
    expect_end(network);
    ffmk_sim_network_destroy(network);
}
END_TEST

START_TEST(a_queue_longer_than_the_ring_loses_nothing)
{
    enum { MANY = 3000 }; /* of 3 ticks each; the ring begins with 256 */
    struct ffmk_sim_network *network = ffmk_sim_network_create(3, 1, 3);
    /* What is under way, and who is to be woken, moves with the ring. */
    send(network, 1, 2, 77);
    ffmk_sim_network_wake(network, 1, 200);
    ffmk_sim_network_wake(network, 2, 5000);
    for (uint32_t i = 0; i < MANY; i++)
        send(network, 0, 2, i);
    expect_arrival(network, 7, 2, 1, 77);
    bool woke_1 = false;
    bool woke_2 = false;
    for (uint32_t i = 0; i < MANY; i++) {
        struct ffmk_sim_event event;
        for (;;) {
            ck_assert(ffmk_sim_network_next(network, &event));
            if (event.kind == FFMK_SIM_ARRIVAL)
                break;
            ck_assert_uint_eq(event.now, event.node == 1 ? 200 : 5000);
            bool *woke = event.node == 1 ? &woke_1 : &woke_2;
            ck_assert(!*woke);
            *woke = true;
        }
        ck_assert_uint_eq(event.now, 10 + 3 * i); /* behind the one from 1 */
        ck_assert_uint_eq(number_of(&event), i);
    }
    ck_assert(woke_1 && woke_2);
    expect_end(network);
    ffmk_sim_network_destroy(network);
}
END_TEST

START_TEST(a_node_is_woken_at_its_earliest_wish_and_when_it_is_free)
{
    struct ffmk_sim_network *network = ffmk_sim_network_create(4, 1, 10);
    ffmk_sim_network_wake(network, 0, 50);
    ffmk_sim_network_wake(network, 0, 30);
    ffmk_sim_network_wake(network, 0, 40); /* not later than it was to be woken already */
    send(network, 1, 2, 1);
    ffmk_sim_network_wake(network, 1, 0);              /* is sending until 10 */
    ffmk_sim_network_wake(network, 2, UINT64_MAX - 1); /* would be never: nobody lives so long */
    expect_wake(network, 10, 1);
    expect_arrival(network, 21, 2, 1, 1);
    expect_wake(network, 30, 0);
    ffmk_sim_network_wake(network, 0, 5); /* in the past: at once */
    expect_wake(network, 30, 0);
    ffmk_sim_network_wake(network, 3, 100000); /* far beyond the ring */
    ffmk_sim_network_wake(network, 0, 31);
    expect_wake(network, 31, 0);
    expect_wake(network, 100000, 3);
    expect_end(network);
    ffmk_sim_network_destroy(network);
}
END_TEST

START_TEST(a_reset_begins_anew)
{
    struct ffmk_sim_network *network = ffmk_sim_network_create(3, 1, 1);
    ffmk_sim_network_kill(network, 2, 0);
    for (uint32_t i = 0; i < 500; i++)
        send(network, 0, 1, i);
    ffmk_sim_network_wake(network, 1, 2);
    expect_wake(network, 2, 1);
    expect_arrival(network, 3, 1, 0, 0);
    ffmk_sim_network_reset(network);
    ck_assert_uint_eq(ffmk_sim_network_messages(network), 0);
    ck_assert_uint_eq(ffmk_sim_network_dies(network, 2), FFMK_SIM_ALIVE);
    expect_end(network);
    ffmk_sim_network_reset(network);
    send(network, 0, 2, 1);
    expect_arrival(network, 3, 2, 0, 1);
    expect_end(network);
    ffmk_sim_network_destroy(network);
}
END_TEST

/* The network as a list of messages in order of time, the obvious and slow way. */
struct sent {
    uint32_t arrives;
    uint32_t to;
    uint32_t number;
};

static int by_time(const void *a, const void *b)
{
    const struct sent *x = a;
    const struct sent *y = b;
    if (x->arrives != y->arrives)
        return x->arrives < y->arrives ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Each message at the time its receiver takes it. What waits comes among the others of its tick as
 * it may, but a node takes one in a tick. */
static int by_taking(const void *a, const void *b)
{
    const struct sent *x = a;
    const struct sent *y = b;
    if (x->arrives != y->arrives)
        return x->arrives < y->arrives ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

START_TEST(random_traffic_is_that_of_a_sorted_list)
{
    enum { NODES = 20, MESSAGES = 2000 };
    static struct sent sent[MESSAGES];
    static struct sent found[MESSAGES];
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t state = seed;
        const uint32_t wire = (uint32_t)ffmk_rng_below(&state, 50);
        const uint32_t overhead = 1 + (uint32_t)ffmk_rng_below(&state, 9);
        struct ffmk_sim_network *network = ffmk_sim_network_create(NODES, wire, overhead);
        uint32_t dies[NODES];
        uint32_t free_at[NODES] = {0};
        size_t n = 0;
        for (uint32_t i = 0; i < NODES; i++) {
            dies[i] =
                ffmk_rng_below(&state, 3) ? FFMK_SIM_ALIVE : (uint32_t)ffmk_rng_below(&state, 900);
            ffmk_sim_network_kill(network, i, dies[i]);
        }
        for (uint32_t i = 0; i < MESSAGES; i++) {
            const uint32_t from = (uint32_t)ffmk_rng_below(&state, NODES);
            const uint32_t to = (uint32_t)ffmk_rng_below(&state, NODES);
            send(network, from, to, i);
            if (free_at[from] >= dies[from])
                continue;
            const uint32_t arrives = free_at[from] + wire + 2 * overhead;
            free_at[from] += overhead;
            sent[n++] = (struct sent){arrives, to, i};
        }
        qsort(sent, n, sizeof *sent, by_time);
        uint32_t takes_at[NODES] = {0};
        size_t taken = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t to = sent[i].to;
            uint32_t at = takes_at[to] > sent[i].arrives ? takes_at[to] : sent[i].arrives;
            takes_at[to] = at + overhead;
            if (at < dies[to])
                sent[taken++] = (struct sent){at, to, sent[i].number};
        }
        for (size_t i = 0; i < taken; i++) {
            struct ffmk_sim_event event;
            ck_assert(ffmk_sim_network_next(network, &event));
            found[i] = (struct sent){event.now, event.node, number_of(&event)};
            ck_assert(i == 0 || event.now >= found[i - 1].arrives);
        }
        qsort(sent, taken, sizeof *sent, by_taking);
        qsort(found, taken, sizeof *found, by_taking);
        ck_assert_msg(memcmp(sent, found, taken * sizeof *sent) == 0, "seed %d", (int)seed);
        expect_end(network);
        ffmk_sim_network_destroy(network);
    }
}
END_TEST

CASES("network", a_message_takes_l_and_two_o, sending_and_receiving_do_not_hinder_each_other,
      a_receiver_takes_one_message_in_o,
      arrivals_of_a_tick_come_in_the_order_of_sending_and_before_wakings,
      the_dead_begin_nothing_and_receive_nothing, a_queue_longer_than_the_ring_loses_nothing,
      a_node_is_woken_at_its_earliest_wish_and_when_it_is_free, a_reset_begins_anew,
      random_traffic_is_that_of_a_sorted_list)
