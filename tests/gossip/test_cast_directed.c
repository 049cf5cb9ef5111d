/* SPDX-License-Identifier: BSD-3-Clause
 * Operations of gossip/cast in which each message is delivered, held back or lost by hand: courses
 * of events that chance hardly ever takes (test_cast.c), each of which once went wrong; and
 * messages that come twice, too late, or from a liar. */
#include "gossip/cast_inside.h"

#include "cases.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 10, MOST = 100000 };
static struct ffmk_cast *cast[N];
static uint32_t n;
static uint64_t now;
static bool told[N][N];
static struct held {
    uint32_t from, to;
    size_t bytes;
    uint8_t *data;
} held[MOST];
static size_t helds;

static void send_to(void *self, uint32_t to, const void *head, size_t hb, const void *payload,
                    size_t pb)
{
    struct held *h = &held[helds++];
    h->from = (uint32_t)(uintptr_t)self;
    h->to = to;
    h->bytes = hb + pb;
    h->data = malloc(hb + pb);
    memcpy(h->data, head, hb);
    if (pb)
        memcpy(h->data + hb, payload, pb);
}
static void bury(void *self, uint32_t of)
{
    told[(uintptr_t)self][of] = true;
}
static void open_on(uint32_t members, const uint64_t *host)
{
    n = members;
    now = 1;
    helds = 0;
    memset(told, 0, sizeof told);
    for (uint32_t i = 0; i < n; i++) {
        const struct ffmk_cast_port port = {
            .self = (void *)(uintptr_t)i, .at_once = 1160, .send = send_to, .bury = bury};
        ck_assert_int_eq(ffmk_cast_create(n, i, host, &port, &cast[i]), 0);
    }
}
static void open_all(uint32_t members)
{
    open_on(members, NULL);
}
static void close_all(void)
{
    for (uint32_t i = 0; i < n; i++) {
        ffmk_cast_destroy(cast[i]);
        cast[i] = NULL;
    }
    for (size_t i = 0; i < helds; i++)
        free(held[i].data);
    helds = 0;
}
/* from, to, type: -1 any. */
static int let(int from, int to, int type)
{
    int count = 0;
    const size_t end = helds;
    for (size_t i = 0; i < end; i++) {
        struct held *h = &held[i];
        if (!h->data || (from >= 0 && h->from != (uint32_t)from) ||
            (to >= 0 && h->to != (uint32_t)to) || (type >= 0 && h->data[0] != type))
            continue;
        uint8_t *data = h->data;
        h->data = NULL;
        if (cast[h->to])
            ffmk_cast_receive(cast[h->to], h->from, data, h->bytes, now);
        free(data);
        count++;
    }
    return count;
}
static void lose(int from, int to, int type)
{
    for (size_t i = 0; i < helds; i++) {
        struct held *h = &held[i];
        if (!h->data || (from >= 0 && h->from != (uint32_t)from) ||
            (to >= 0 && h->to != (uint32_t)to) || (type >= 0 && h->data[0] != type))
            continue;
        free(h->data);
        h->data = NULL;
    }
}
/* What went by a stream, and not by datagram. */
static void lose_large(void)
{
    for (size_t i = 0; i < helds; i++)
        if (held[i].data && held[i].bytes > 10000) {
            free(held[i].data);
            held[i].data = NULL;
        }
}
static void kill_member(uint32_t who)
{
    ffmk_cast_destroy(cast[who]);
    cast[who] = NULL;
}
static void pass(uint64_t ns)
{
    now += ns;
    for (uint32_t i = 0; i < n; i++)
        if (cast[i])
            ffmk_cast_advance(cast[i], now);
}
static const struct ffmk_cast_manner manner = {.mode = FFMK_RUMOR_CHECKED, .miss = 1e-6};

/* The first of the living learns at once that two are dead, of whom one had the outcome. */
START_TEST(two_deaths_at_once_in_a_repair)
{
    open_all(5);
    ffmk_cast_bcast(cast[0], 0, &manner, "x", 2, 2, now);
    for (uint32_t i = 1; i < 5; i++)
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    let(0, 2, FFMK_CAST_SPREAD); /* 2 has it */
    let(0, 4, FFMK_CAST_SPREAD);
    for (size_t i = 0; i < helds; i++)
        if (held[i].data)
            kill_member(0);
    lose(0, 1, -1);
    lose(0, 3, -1);
    struct held *late = NULL; /* 0's message to 4 is under way, or 2's own */
    (void)late;
    ffmk_cast_advance(cast[2], now);
    let(2, 4, FFMK_CAST_SPREAD);
    lose(2, -1, FFMK_CAST_SPREAD);
    lose(0, -1, -1);
    ffmk_cast_died(cast[1], 0, now);
    ffmk_cast_advance(cast[1], now);
    let(1, 2, -1);
    let(1, 3, -1);
    let(2, 1, -1);
    let(3, 1, -1); /* 2 has it, 3 has none; 4 has not got the question yet */
    let(1, 4, FFMK_CAST_DEATHS);
    let(1, 4, FFMK_CAST_QUERY);
    let(4, 1, FFMK_CAST_ANSWER);
    /* 1 asks 2, which dies, like 3; 4 finds both, and tells 1 in one message. */
    lose(1, 2, -1);
    kill_member(2);
    kill_member(3);
    lose(2, -1, -1);
    lose(3, -1, -1);
    lose(4, -1, -1);
    ffmk_cast_died(cast[4], 2, now);
    lose(4, -1, -1);
    ffmk_cast_died(cast[4], 3, now);
    let(4, 1, FFMK_CAST_DEATHS);
    for (int i = 0; i < 200; i++) {
        let(-1, -1, -1);
        pass(20000000);
    }
    ck_assert_int_eq(ffmk_cast_state(cast[1], 1), ffmk_cast_state(cast[4], 1));
    close_all();
}
END_TEST

/* Who leads declares somebody dead, wrongly, after it asked the others. */
START_TEST(a_wrong_verdict_in_a_repair)
{
    open_all(5); /* 0 root, 1 leads, 2 has it, 3 and 4 have none */
    ffmk_cast_bcast(cast[0], 0, &manner, "x", 2, 2, now);
    for (uint32_t i = 1; i < 5; i++)
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    let(0, 2, FFMK_CAST_SPREAD);
    kill_member(0);
    lose(0, -1, -1);
    ffmk_cast_died(cast[1], 0, now);
    ffmk_cast_advance(cast[1], now);
    let(1, 3, -1);
    let(1, 4, -1);
    let(3, 1, -1);
    let(4, 1, -1);
    lose(1, 2, -1);                  /* late */
    ffmk_cast_died(cast[1], 2, now); /* wrong; so it is decided that it has failed */
    for (int i = 0; i < 4; i++) {
        let(1, 4, -1);
        let(4, 1, -1);
    }
    kill_member(1);
    lose(1, -1, -1); /* 3 has not heard of it */
    lose(4, 3, -1);
    ffmk_cast_died(cast[3], 1, now);
    ffmk_cast_advance(cast[3], now);
    let(3, 2, -1);
    let(2, 3, -1);
    ffmk_cast_died(cast[4], 1, now);
    for (int i = 0; i < 200; i++) {
        let(-1, -1, -1);
        pass(20000000);
    }
    ck_assert_int_eq(ffmk_cast_state(cast[3], 1), ffmk_cast_state(cast[4], 1));
    close_all();
}
END_TEST

static void combine(void *c, const void *in, void *inout, size_t bytes)
{
    (void)c;
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)inout)[i] += ((const uint8_t *)in)[i];
}
START_TEST(contributions_of_other_lengths)
{
    open_all(4);
    static uint8_t big[4096];
    ffmk_cast_reduce(cast[3], &manner, false, big, 8,
                     now); /* of one byte before others enter with more */
    ffmk_cast_combine(cast[3], 1, combine, NULL, now);
    ffmk_cast_reduce(cast[1], &manner, false, big, 8, now);
    ffmk_cast_combine(cast[1], 1, combine, NULL, now);
    let(-1, -1, -1);
    ffmk_cast_reduce(cast[2], &manner, false, big, 4096, now);
    if (ffmk_cast_state(cast[2], 1) == FFMK_CAST_COMBINE) {
        ffmk_cast_combine(cast[2], 1, combine, NULL, now);
    }
    close_all();
}
END_TEST
START_TEST(attempt_of_nobody)
{
    open_all(4);
    /* a contribution from 1 to 0 that says attempt 5 */
    ffmk_cast_reduce(cast[1], &manner, false, "12345678", 8, now);
    ffmk_cast_combine(cast[1], 1, combine, NULL, now);
    held[0].data[17] = 5;
    let(1, 0, -1);
    ffmk_cast_reduce(cast[0], &manner, false, "12345678", 8, now);
    close_all();
}
END_TEST

/* As across.c does it: a broadcast in two pieces, of which the second comes and the first does not;
 * then a reduction of those who remain. */
START_TEST(a_piece_without_the_first)
{
    static uint8_t big[262144];
    open_all(4);
    ffmk_cast_bcast(cast[0], 0, &manner, big, sizeof big, sizeof big + 100, now);
    ffmk_cast_leave(cast[0], 1);
    ffmk_cast_bcast(cast[0], 0, &manner, big, 100, sizeof big + 100, now);
    ffmk_cast_leave(cast[0], 2);
    for (uint32_t i = 1; i < 4; i++)
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    lose_large();
    let(0, -1, FFMK_CAST_SPREAD);
    kill_member(0);
    lose(-1, 0, -1);
    lose(0, -1, -1);
    for (uint32_t i = 1; i < 4; i++)
        ffmk_cast_died(cast[i], 0, now);
    for (int i = 0; i < 20; i++) {
        let(-1, -1, -1);
        pass(20000000);
    }
    for (uint32_t i = 1; i < 4; i++) {
        ck_assert_int_eq(ffmk_cast_state(cast[i], 1), FFMK_CAST_FAILED);
        ffmk_cast_leave(cast[i], 1);
        ffmk_cast_new_epoch(cast[i]);
    }
    for (uint32_t i = 1; i < 4; i++)
        ffmk_cast_reduce(cast[i], &manner, false, "12345678", 8, now);
    ck_assert_int_ne(ffmk_cast_state(cast[1], 2), FFMK_CAST_VALUE);
    close_all();
}
END_TEST

/* Its second piece has come under the number that survivors give to another broadcast of that root.
 */
START_TEST(a_later_broadcast_of_the_dead)
{
    static uint8_t big[262144];
    open_all(4);
    ffmk_cast_bcast(cast[0], 0, &manner, big, sizeof big, sizeof big + 100, now);
    ffmk_cast_leave(cast[0], 1);
    ffmk_cast_bcast(cast[0], 0, &manner, big, 100, sizeof big + 100, now);
    for (uint32_t i = 1; i < 4; i++)
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    lose_large();
    let(0, -1, FFMK_CAST_SPREAD);
    kill_member(0);
    lose(-1, 0, -1);
    lose(0, -1, -1);
    for (uint32_t i = 1; i < 4; i++)
        ffmk_cast_died(cast[i], 0, now);
    for (int i = 0; i < 20; i++) {
        let(-1, -1, -1);
        pass(20000000);
    }
    for (uint32_t i = 1; i < 4; i++) {
        ck_assert_int_eq(ffmk_cast_state(cast[i], 1), FFMK_CAST_FAILED);
        ffmk_cast_leave(cast[i], 1);
        ffmk_cast_new_epoch(cast[i]);
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    }
    for (int i = 0; i < 20; i++) {
        let(-1, -1, -1);
        pass(20000000);
    }
    for (uint32_t i = 1; i < 4; i++)
        ck_assert_int_eq(ffmk_cast_state(cast[i], 2), FFMK_CAST_FAILED);
    close_all();
}
END_TEST

/* Of a large payload that the root has sent to all itself, one member's is lost with the root. The
 * others tell that it is there; who lacks it asks one of them, when the root is dead. */
START_TEST(a_large_payload_is_had_from_another_when_the_root_is_dead)
{
    static uint8_t big[100000];
    memset(big, 7, sizeof big);
    open_all(4);
    ffmk_cast_bcast(cast[0], 0, &manner, big, sizeof big, sizeof big, now);
    for (uint32_t i = 1; i < 4; i++)
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    let(0, 1, FFMK_CAST_SPREAD);
    let(0, 3, FFMK_CAST_SPREAD);
    kill_member(0);
    lose(0, -1, -1);
    pass(200000); /* to the corrections */
    ck_assert_int_ge(let(-1, 2, FFMK_CAST_SPREAD), 2);
    ck_assert_int_eq(let(2, -1, FFMK_CAST_NEED), 0); /* the root's may be on its way */
    for (uint32_t i = 1; i < 4; i++)
        ffmk_cast_died(cast[i], 0, now);
    pass(1);
    ck_assert_int_eq(let(2, -1, FFMK_CAST_NEED), 1);
    let(-1, 2, FFMK_CAST_OUTCOME);
    ck_assert_int_eq(ffmk_cast_state(cast[2], 1), FFMK_CAST_VALUE);
    ck_assert_mem_eq(ffmk_cast_value(cast[2], 1).payload, big, sizeof big);
    close_all();
}
END_TEST

/* The root lives, but what it sent is late: not it is asked, but one of those who told. */
START_TEST(a_late_large_payload_is_had_from_another)
{
    static uint8_t big[100000];
    open_all(4);
    ffmk_cast_bcast(cast[0], 0, &manner, big, sizeof big, sizeof big, now);
    for (uint32_t i = 1; i < 4; i++)
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    let(0, 1, FFMK_CAST_SPREAD);
    let(0, 3, FFMK_CAST_SPREAD);
    pass(200000);
    let(1, 2, FFMK_CAST_SPREAD);
    let(3, 2, FFMK_CAST_SPREAD);
    pass(100000000);
    ck_assert_int_eq(let(2, 0, FFMK_CAST_NEED), 0);
    ck_assert_int_eq(let(2, -1, FFMK_CAST_NEED), 1);
    let(1, 2, FFMK_CAST_OUTCOME);
    let(3, 2, FFMK_CAST_OUTCOME);
    ck_assert_int_eq(ffmk_cast_state(cast[2], 1), FFMK_CAST_VALUE);
    close_all();
}
END_TEST

static uint64_t bytes_under_way(int type)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < helds; i++)
        if (held[i].data && held[i].data[0] == type)
            bytes += held[i].bytes;
    return bytes;
}

/* A payload that takes long to arrive is not sent again for each question, which would make it take
 * longer; but in the end it is. */
START_TEST(a_large_payload_on_its_way_is_not_sent_again)
{
    static uint8_t big[100000];
    int questions = 0;
    open_all(2);
    ffmk_cast_bcast(cast[0], 0, &manner, big, sizeof big, sizeof big, now);
    ffmk_cast_bcast(cast[1], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    const uint64_t first = bytes_under_way(FFMK_CAST_SPREAD);
    ck_assert_uint_gt(first, sizeof big);
    while (questions < 7) {
        pass(50000000);
        questions += let(1, 0, FFMK_CAST_NEED);
        let(1, 0, FFMK_CAST_PING);
        let(0, 1, FFMK_CAST_PING);
    }
    ck_assert_uint_eq(bytes_under_way(FFMK_CAST_SPREAD), first);
    ck_assert_uint_eq(bytes_under_way(FFMK_CAST_OUTCOME), 0);
    while (questions < 40) {
        pass(500000000);
        questions += let(1, 0, FFMK_CAST_NEED);
        let(1, 0, FFMK_CAST_PING);
        let(0, 1, FFMK_CAST_PING);
    }
    const uint64_t again = bytes_under_way(FFMK_CAST_OUTCOME);
    ck_assert_uint_gt(again, sizeof big);
    ck_assert_uint_lt(again, 5 * sizeof big);
    let(0, 1, FFMK_CAST_OUTCOME);
    ck_assert_int_eq(ffmk_cast_state(cast[1], 1), FFMK_CAST_VALUE);
    close_all();
}
END_TEST

/* Also where the root has to wait for room each time: a report tells of some operations, and what
 * is stable comes with the root's messages. */
START_TEST(back_to_back_broadcasts_take_a_message_each)
{
    enum { CALLS = 1000 };
    int messages = 0;
    open_all(2);
    for (uint32_t number = 1, late = 1; late <= CALLS; late++) {
        for (; number <= CALLS && ffmk_cast_has_room(cast[0], 64); number++) {
            ffmk_cast_bcast(cast[0], 0, &manner, "0123456789", 10, 10, now);
            ffmk_cast_leave(cast[0], number);
        }
        if (number <= CALLS)
            ffmk_cast_settle(cast[0], now);
        pass(1000);
        messages += let(-1, -1, -1);
        ffmk_cast_bcast(cast[1], 0, &manner, NULL, 0, 0, now);
        ck_assert_int_eq(ffmk_cast_state(cast[1], late), FFMK_CAST_VALUE);
        ffmk_cast_leave(cast[1], late);
        pass(1000);
        messages += let(-1, -1, -1);
    }
    ck_assert_int_le(messages, CALLS + CALLS / 10);
    close_all();
}
END_TEST

/* A hundred steps, in which all that is sent arrives. */
static void run_on(uint64_t step_ns)
{
    for (int i = 0; i < 100; i++) {
        pass(step_ns);
        let(-1, -1, -1);
    }
}

/* A root that broadcasts what others never ask for, and one that never takes what came. */
START_TEST(who_closes_needs_nothing)
{
    open_all(3);
    ffmk_cast_bcast(cast[0], 0, &manner, "x", 2, 2, now);
    ffmk_cast_leave(cast[0], 1);
    ffmk_cast_bcast(cast[0], 0, &manner, "y", 2, 2, now);
    ffmk_cast_leave(cast[0], 2);
    ffmk_cast_bcast(cast[1], 0, &manner, NULL, 0, 0, now);
    for (uint32_t i = 0; i < n; i++) {
        ck_assert(i > 0 || !ffmk_cast_is_settled(cast[i]));
        ffmk_cast_close(cast[i], now);
    }
    run_on(10000000);
    for (uint32_t i = 0; i < n; i++)
        ck_assert(ffmk_cast_is_settled(cast[i]));
    close_all();
}
END_TEST

/* As many operations as there is a report for. */
static void open_two_that_have_left(void)
{
    enum { CALLS = 16 };
    open_all(2);
    for (uint64_t number = 1; number <= CALLS; number++) {
        ffmk_cast_bcast(cast[0], 0, &manner, "x", 2, 2, now);
        ffmk_cast_leave(cast[0], number);
        pass(1000);
        let(-1, -1, -1);
        ffmk_cast_bcast(cast[1], 0, &manner, NULL, 0, 0, now);
        ffmk_cast_leave(cast[1], number);
        pass(1000);
        let(-1, -1, -1);
    }
}

/* The first knows that all have left before it says that it waits for that. */
START_TEST(who_settles_tells_the_others)
{
    open_two_that_have_left();
    pass(1000);
    ck_assert(ffmk_cast_is_settled(cast[0]));
    ck_assert(!ffmk_cast_others_know(cast[0]));
    ffmk_cast_settle(cast[0], now);
    pass(1000);
    ck_assert(ffmk_cast_others_know(cast[0]));
    let(0, 1, -1);
    ck_assert(ffmk_cast_is_settled(cast[1]));
    close_all();
}
END_TEST

/* The first knows that all have left; but the others may need it still. */
START_TEST(nobody_goes_before_all_have_closed)
{
    open_two_that_have_left();
    pass(1000);
    ffmk_cast_close(cast[0], now);
    run_on(1000000);
    ck_assert(!ffmk_cast_is_settled(cast[0]));
    ffmk_cast_close(cast[1], now);
    for (int left = 2, again = 0; left > 0; again++) {
        ck_assert_int_lt(again, 100);
        pass(1000000);
        let(-1, -1, -1);
        for (int i = 0; i < 2; i++)
            if (cast[i] && ffmk_cast_is_settled(cast[i])) {
                ffmk_cast_destroy(cast[i]);
                cast[i] = NULL;
                left--;
            }
    }
    close_all();
}
END_TEST

/* Whoever should have told the last one that all have closed dies before, and the others go. */
START_TEST(who_is_not_told_asks_all)
{
    open_all(10); /* 9 is a child of 1 */
    for (uint32_t i = 0; i < n; i++)
        ffmk_cast_close(cast[i], now);
    for (int again = 0; again < 100; again++) {
        pass(1000000);
        lose(1, 9, -1);
        let(-1, -1, -1);
    }
    ck_assert(ffmk_cast_is_settled(cast[0]));
    ck_assert(!ffmk_cast_is_settled(cast[9]));
    for (uint32_t i = 0; i < n - 1; i++)
        if (i != 5)
            kill_member(i);
    ffmk_cast_died(cast[9], 1, now);
    run_on(100000000);
    ck_assert(ffmk_cast_is_settled(cast[9]));
    close_all();
}
END_TEST

/* One of them is open still: what it may ask for is kept. */
START_TEST(who_is_open_still_gets_it)
{
    open_all(3);
    ffmk_cast_bcast(cast[0], 0, &manner, "x", 2, 2, now);
    ffmk_cast_leave(cast[0], 1);
    ffmk_cast_close(cast[0], now);
    ffmk_cast_close(cast[1], now);
    run_on(10000000);
    ck_assert(!ffmk_cast_is_settled(cast[0]));
    ffmk_cast_bcast(cast[2], 0, &manner, NULL, 0, 0, now);
    ck_assert_int_eq(ffmk_cast_state(cast[2], 1), FFMK_CAST_VALUE);
    ffmk_cast_leave(cast[2], 1);
    ffmk_cast_close(cast[2], now);
    run_on(10000000);
    for (uint32_t i = 0; i < n; i++)
        ck_assert(ffmk_cast_is_settled(cast[i]));
    close_all();
}
END_TEST

static void enter_barrier(uint32_t who)
{
    ffmk_cast_reduce(cast[who], &manner, false, NULL, 0, now);
}

/* 3 alone gets the end of the first barrier, comes to the second, and dies like 0, who decided.
 * What 2 heard of the second from 3 is over those who counted in a first that survivors made again.
 */
START_TEST(who_asks_has_another_leader)
{
    open_all(4);
    for (uint32_t i = 0; i < 4; i++)
        enter_barrier(i);
    let(3, 2, FFMK_CAST_CONTRIBUTION);
    let(2, 0, FFMK_CAST_CONTRIBUTION);
    let(1, 0, FFMK_CAST_CONTRIBUTION);
    ck_assert_int_eq(ffmk_cast_state(cast[0], 1), FFMK_CAST_VALUE);
    pass(1000000);
    let(0, 3, FFMK_CAST_SPREAD);
    lose(0, -1, -1);
    ck_assert_int_eq(ffmk_cast_state(cast[3], 1), FFMK_CAST_VALUE);
    ffmk_cast_leave(cast[3], 1);
    enter_barrier(3);
    let(3, 2, FFMK_CAST_CONTRIBUTION);
    lose(3, -1, -1);
    kill_member(0);
    kill_member(3);
    for (uint32_t i = 1; i < 3; i++) {
        ffmk_cast_died(cast[i], 0, now);
        ffmk_cast_died(cast[i], 3, now);
    }
    for (uint64_t number = 1; number <= 2; number++) {
        for (int i = 0; i < 200; i++) {
            let(-1, -1, -1);
            pass(20000000);
        }
        for (uint32_t i = 1; i < 3; i++) {
            ck_assert_int_eq(ffmk_cast_state(cast[i], number), FFMK_CAST_VALUE);
            ffmk_cast_leave(cast[i], number);
            if (number == 1)
                enter_barrier(i);
        }
    }
    close_all();
}
END_TEST

/* Two hosts: the first of two members. */
static void open_two_hosts(uint32_t members)
{
    open_on(members, (uint64_t[]){0, 0, 1, 1});
}
static void who_lives_counts(uint64_t number, uint32_t nodes)
{
    for (uint32_t i = 0; i < n; i++)
        if (cast[i]) {
            ck_assert_int_eq(ffmk_cast_state(cast[i], number), FFMK_CAST_VALUE);
            ck_assert_int_eq(ffmk_cast_value(cast[i], number).contributors->nodes, nodes);
        }
}
static void lose_member(uint32_t who)
{
    lose((int)who, -1, -1);
    kill_member(who);
    for (uint32_t i = 0; i < n; i++)
        if (cast[i])
            ffmk_cast_died(cast[i], who, now);
}
/* In an exchange 2 has all, and decides; 0 lacks what 2 sent. */
static void have_two_decide(void)
{
    for (uint32_t i = 0; i < n; i++)
        enter_barrier(i);
    let(1, 0, FFMK_CAST_CONTRIBUTION);
    let(3, 2, FFMK_CAST_CONTRIBUTION);
    ck_assert_int_eq(let(0, 2, FFMK_CAST_CONTRIBUTION), 1);
    ck_assert_int_eq(ffmk_cast_state(cast[2], 1), FFMK_CAST_VALUE);
    ck_assert_int_eq(ffmk_cast_state(cast[0], 1), FFMK_CAST_PENDING);
}

/* 1, who counts, dies, and 0 is not to decide without it. */
START_TEST(who_lacks_something_asks_who_has_decided)
{
    open_two_hosts(4);
    have_two_decide();
    lose_member(1);
    let(0, -1, -1);
    run_on(10000000);
    who_lives_counts(1, 4);
    close_all();
}
END_TEST

/* Who has decided dies, and its word with it, but not what it sent of the next. */
START_TEST(what_only_the_dead_decided_does_not_count)
{
    open_two_hosts(3);
    have_two_decide();
    ffmk_cast_leave(cast[2], 1);
    lose(2, -1, -1);
    enter_barrier(2);
    ck_assert_int_eq(let(2, 0, FFMK_CAST_CONTRIBUTION), 1);
    lose_member(2);
    run_on(10000000);
    who_lives_counts(1, 2);
    for (uint32_t i = 0; i < 2; i++) {
        ffmk_cast_leave(cast[i], 1);
        enter_barrier(i);
    }
    run_on(10000000);
    who_lives_counts(2, 2);
    close_all();
}
END_TEST

/* Nobody can have decided while the first has sent nothing: it does not ask, but begins again. */
START_TEST(who_has_sent_nothing_asks_nobody)
{
    open_two_hosts(4);
    for (uint32_t i = 1; i < 4; i++)
        enter_barrier(i);
    run_on(1000000);
    lose_member(1);
    enter_barrier(0);
    ck_assert_int_eq(let(0, -1, FFMK_CAST_QUERY), 0);
    run_on(1000000);
    who_lives_counts(1, 3);
    close_all();
}
END_TEST

/* What came before, under the numbers that it counts on with, is of other operations. */
START_TEST(who_is_excluded_gets_nothing_any_more)
{
    open_all(3);
    for (int i = 0; i < 2; i++)
        ffmk_cast_bcast(cast[0], 0, &manner, "x", 2, 2, now);
    run_on(1000000);
    ffmk_cast_exclude(cast[2]);
    enter_barrier(2);
    ck_assert_int_eq(ffmk_cast_state(cast[2], 1), FFMK_CAST_EXCLUDED);
    ffmk_cast_bcast(cast[2], 2, &manner, "y", 2, 2, now);
    ck_assert_int_eq(ffmk_cast_state(cast[2], 2), FFMK_CAST_EXCLUDED);
    close_all();
}
END_TEST

/* Without any time passing: nobody has to ask again. */
static void a_repair_takes_no_time_if(bool somebody_has_it)
{
    open_all(5);
    ffmk_cast_bcast(cast[0], 0, &manner, "x", 2, 2, now);
    for (uint32_t i = 1; i < 5; i++)
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    if (somebody_has_it)
        let(0, 2, FFMK_CAST_SPREAD);
    kill_member(0);
    lose(0, -1, -1);
    ffmk_cast_died(cast[3], 0, now); /* who is not the first */
    for (int i = 0; i < 10; i++) {
        let(-1, -1, -1);
        if (!somebody_has_it || i < 5)
            for (uint32_t j = 1; j < 5; j++)
                if (j != 2)
                    ffmk_cast_advance(cast[j], now);
    }
    for (uint32_t i = 1; i < 5; i++)
        ck_assert_int_eq(ffmk_cast_state(cast[i], 1),
                         somebody_has_it ? FFMK_CAST_VALUE : FFMK_CAST_FAILED);
    close_all();
}
START_TEST(a_repair_takes_no_time)
{
    a_repair_takes_no_time_if(false);
    a_repair_takes_no_time_if(true);
}
END_TEST

/* ---- messages that come again, late or forged ---- */

static struct held *find(int from, int to, int type)
{
    for (size_t i = 0; i < helds; i++)
        if (held[i].data && held[i].from == (uint32_t)from && held[i].to == (uint32_t)to &&
            held[i].data[0] == type)
            return &held[i];
    ck_abort_msg("no message of type %d from %d to %d", type, from, to);
    return NULL;
}

/* A copy is under way, too. */
static void repeat(const struct held *original)
{
    struct held *copy = &held[helds++];
    *copy = *original;
    copy->data = malloc(copy->bytes);
    memcpy(copy->data, original->data, copy->bytes);
}

static void forge(uint32_t from, uint32_t to, const struct ffmk_cast_message *message,
                  const void *payload, size_t bytes)
{
    ffmk_cast_send(cast[from], to, message, payload, bytes);
    ck_assert_int_eq(let((int)from, (int)to, message->type), 1);
}

static struct ffmk_cast_op *op_at(uint32_t who)
{
    return ffmk_cast_op_of(cast[who], 1);
}

/* 0 broadcasts and dies; its messages are under way. 1 takes charge, its questions are. */
static void begin_repair(void)
{
    open_all(5);
    ffmk_cast_bcast(cast[0], 0, &manner, "x", 2, 2, now);
    for (uint32_t i = 1; i < 5; i++)
        ffmk_cast_bcast(cast[i], 0, &manner, NULL, 0, 0, now);
    ffmk_cast_advance(cast[0], now);
    kill_member(0);
    ffmk_cast_died(cast[1], 0, now);
    ffmk_cast_advance(cast[1], now);
}

static void all_end_with(enum ffmk_cast_state state)
{
    for (int i = 0; i < 200; i++) {
        let(-1, -1, -1);
        pass(20000000);
    }
    for (uint32_t i = 0; i < n; i++)
        if (cast[i])
            ck_assert_int_eq(ffmk_cast_state(cast[i], 1), state);
}

/* 3 has promised to listen to nothing below the attempt of 1, whoever says it. */
START_TEST(an_outcome_below_a_promise)
{
    begin_repair();
    struct held *spread = find(0, 2, FFMK_CAST_SPREAD);
    let(1, 3, FFMK_CAST_QUERY);
    ck_assert_uint_eq(op_at(3)->attempt, 2 << 16);
    struct ffmk_cast_message outcome = ffmk_cast_about(cast[2], op_at(2), FFMK_CAST_OUTCOME);
    outcome.outcome = FFMK_CAST_HAS_VALUE;
    outcome.bytes = 2;
    forge(2, 3, &outcome, "y", 2);
    ck_assert_int_eq(ffmk_cast_state(cast[3], 1), FFMK_CAST_PENDING);
    spread->from = 2;
    spread->to = 3;
    ck_assert_int_eq(let(2, 3, FFMK_CAST_SPREAD), 1);
    ck_assert_int_eq(ffmk_cast_state(cast[3], 1), FFMK_CAST_PENDING);
    ck_assert_uint_eq(op_at(3)->attempt, 2 << 16);
    lose(0, -1, -1);
    all_end_with(FFMK_CAST_FAILED);
    close_all();
}
END_TEST

START_TEST(a_question_below_a_promise)
{
    begin_repair();
    struct ffmk_cast_message query = ffmk_cast_about(cast[1], op_at(1), FFMK_CAST_QUERY);
    struct held *earlier = find(1, 3, FFMK_CAST_QUERY);
    earlier->to = 2; /* aside */
    query.attempt++;
    forge(1, 3, &query, NULL, 0);
    ck_assert_int_eq(let(3, 1, FFMK_CAST_ANSWER), 1);
    earlier->to = 3;
    ck_assert_int_eq(let(1, 3, FFMK_CAST_QUERY), 1);
    ck_assert_uint_eq(op_at(3)->attempt, (2 << 16) + 1);
    ck_assert_int_eq(let(3, 1, FFMK_CAST_ANSWER), 0);
    /* Nor does anybody ask in another's name. */
    forge(3, 4, &query, NULL, 0);
    ck_assert_uint_eq(op_at(4)->attempt, 0);
    ck_assert_int_eq(let(4, 3, FFMK_CAST_ANSWER), 0);
    close_all();
}
END_TEST

/* What 3 has sent to 2, its parent in the tree while 0 lived. */
START_TEST(a_contribution_below_a_promise)
{
    open_all(4);
    for (uint32_t i = 0; i < 4; i++)
        ffmk_cast_reduce(cast[i], &manner, false, "1234567", 8, now);
    ffmk_cast_combine(cast[3], 1, combine, NULL, now);
    kill_member(0);
    ffmk_cast_died(cast[1], 0, now);
    ffmk_cast_advance(cast[1], now);
    ck_assert_int_ge(let(1, 2, FFMK_CAST_QUERY), 1);
    ck_assert_uint_eq(op_at(2)->attempt, 2 << 16);
    ck_assert_int_eq(let(3, 2, FFMK_CAST_CONTRIBUTION), 1);
    ck_assert_uint_eq(op_at(2)->attempt, 2 << 16);
    ck_assert_int_eq(ffmk_cast_state(cast[2], 1), FFMK_CAST_PENDING);
    close_all();
}
END_TEST

/* 1 has begun the reduction anew, which is the second attempt of its own: the first was to ask. */
START_TEST(another_begin_of_a_reduction)
{
    open_all(4);
    for (uint32_t i = 0; i < 4; i++)
        ffmk_cast_reduce(cast[i], &manner, false, "1234567", 8, now);
    kill_member(0);
    struct ffmk_cast_message need = ffmk_cast_about(cast[3], op_at(3), FFMK_CAST_NEED);
    ffmk_cast_died(cast[1], 0, now);
    ffmk_cast_advance(cast[1], now);
    let(1, -1, -1);
    let(-1, 1, FFMK_CAST_ANSWER);
    const uint64_t attempt = op_at(1)->attempt;
    ck_assert_uint_eq(attempt, (2 << 16) + 1);
    ck_assert_int_eq(let(1, 2, FFMK_CAST_RESTART), 1);
    ck_assert_uint_eq(op_at(2)->attempt, attempt);
    /* An earlier one, and one in another's name. */
    struct ffmk_cast_message restart = ffmk_cast_about(cast[1], op_at(1), FFMK_CAST_RESTART);
    restart.attempt--;
    forge(1, 2, &restart, NULL, 0);
    ck_assert_uint_eq(op_at(2)->attempt, attempt);
    restart.attempt += 5;
    forge(3, 2, &restart, NULL, 0);
    ck_assert_uint_eq(op_at(2)->attempt, attempt);
    /* Who asked while 0 led is late. */
    forge(3, 1, &need, NULL, 0);
    ck_assert_uint_eq(op_at(1)->attempt, attempt);
    close_all();
}
END_TEST

/* 3 has none and says so often; 2, which has it, was not heard yet. */
START_TEST(an_answer_counts_once)
{
    begin_repair();
    let(0, 2, FFMK_CAST_SPREAD);
    lose(0, -1, -1);
    let(1, 3, FFMK_CAST_QUERY);
    struct held *answer = find(3, 1, FFMK_CAST_ANSWER);
    for (int i = 0; i < 5; i++)
        repeat(answer);
    ck_assert_int_eq(let(3, 1, FFMK_CAST_ANSWER), 6);
    ck_assert_int_eq(ffmk_cast_state(cast[1], 1), FFMK_CAST_PENDING);
    ck_assert_uint_eq(op_at(1)->repair->waiting, 2);
    all_end_with(FFMK_CAST_VALUE);
    close_all();
}
END_TEST

/* 4 dies without one, so all are asked again; what 3 has answered was to the first question. */
START_TEST(an_answer_to_an_earlier_question)
{
    begin_repair();
    let(0, 2, FFMK_CAST_SPREAD);
    lose(0, -1, -1);
    let(1, 3, FFMK_CAST_QUERY);
    kill_member(4);
    ffmk_cast_died(cast[1], 4, now);
    ck_assert_uint_eq(op_at(1)->attempt, (2 << 16) + 1);
    ck_assert_uint_eq(op_at(1)->repair->waiting, 2);
    ck_assert_int_eq(let(3, 1, FFMK_CAST_ANSWER), 1);
    ck_assert_uint_eq(op_at(1)->repair->waiting, 2);
    lose(-1, 4, -1);
    all_end_with(FFMK_CAST_VALUE);
    close_all();
}
END_TEST

/* 1's, and then another one in its name: the first counts, before and after 0 has come to it. */
static void a_contribution_counts_once_if(bool late)
{
    uint8_t ones[8];
    memset(ones, 1, sizeof ones);
    open_all(2);
    if (!late)
        ffmk_cast_reduce(cast[0], &manner, false, ones, sizeof ones, now);
    ffmk_cast_reduce(cast[1], &manner, false, ones, sizeof ones, now);
    ffmk_cast_combine(cast[1], 1, combine, NULL, now);
    struct held *contribution = find(1, 0, FFMK_CAST_CONTRIBUTION);
    repeat(contribution);
    repeat(contribution);
    held[helds - 1].data[contribution->bytes - 1] = 77;
    ck_assert_int_eq(let(1, 0, FFMK_CAST_CONTRIBUTION), 3);
    if (late)
        ffmk_cast_reduce(cast[0], &manner, false, ones, sizeof ones, now);
    ck_assert_int_eq(ffmk_cast_state(cast[0], 1), FFMK_CAST_COMBINE);
    ffmk_cast_combine(cast[0], 1, combine, NULL, now);
    ck_assert_int_eq(ffmk_cast_state(cast[0], 1), FFMK_CAST_VALUE);
    const struct ffmk_cast_value value = ffmk_cast_value(cast[0], 1);
    ck_assert_uint_eq(value.bytes, sizeof ones);
    for (size_t i = 0; i < value.bytes; i++)
        ck_assert_uint_eq(((const uint8_t *)value.payload)[i], 2);
    close_all();
}
START_TEST(a_contribution_counts_once)
{
    a_contribution_counts_once_if(false);
    a_contribution_counts_once_if(true);
}
END_TEST

CASES("directed", a_repair_takes_no_time, two_deaths_at_once_in_a_repair,
      a_wrong_verdict_in_a_repair, contributions_of_other_lengths, attempt_of_nobody,
      a_piece_without_the_first, a_later_broadcast_of_the_dead,
      a_large_payload_is_had_from_another_when_the_root_is_dead,
      a_late_large_payload_is_had_from_another, a_large_payload_on_its_way_is_not_sent_again,
      back_to_back_broadcasts_take_a_message_each, who_closes_needs_nothing,
      who_is_open_still_gets_it, nobody_goes_before_all_have_closed, who_settles_tells_the_others,
      who_is_not_told_asks_all, who_asks_has_another_leader,
      who_lacks_something_asks_who_has_decided, what_only_the_dead_decided_does_not_count,
      who_has_sent_nothing_asks_nobody, who_is_excluded_gets_nothing_any_more,
      an_outcome_below_a_promise, a_question_below_a_promise, a_contribution_below_a_promise,
      another_begin_of_a_reduction, an_answer_counts_once, an_answer_to_an_earlier_question,
      a_contribution_counts_once)
