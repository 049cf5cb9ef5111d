/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, with processes on loopback: every message arrives exactly once, as it was sent,
 * whatever its size and however many datagrams are lost; a process that computes still answers;
 * several threads wait at once and none oversleeps; all this also between processes that share
 * memory, and then mostly by that; the endpoint's thread sleeps while others attend; an address is
 * chosen that leads to the peer. */
#include "endpoint_node.h"

#include "gossip/net/address.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>

static double loss_of_case;

static void exchange(void)
{
    static uint8_t message[LARGE_BYTES];
    node.receive = check_message;
    open_node(20000 * ms, loss_of_case);
    uint64_t state = 9 + (uint64_t)node.me;
    for (uint32_t number = 0; number < MESSAGES; number++) {
        for (int to = 0; to < node.n; to++) {
            if (to == node.me)
                continue;
            write_message(number, node.me, to, message);
            send_to(to, message, bytes_of(number));
        }
        if (ffmk_rng_below(&state, 20) == 0)
            ffmk_endpoint_wait(node.endpoint, 10000, 0);
    }
    while (load(&got_in_all) < (uint32_t)(node.n - 1) * MESSAGES)
        ffmk_endpoint_wait(node.endpoint, 10000, 50 * ms);
    meet_at(2, node.n);
    NEED(load(&got_in_all) == (uint32_t)(node.n - 1) * MESSAGES);
    struct ffmk_endpoint_counts counts = ffmk_endpoint_counts(node.endpoint);
    NEED(counts.messages == load(&got_in_all) && counts.refused == 0);
    NEED(loss_of_case == 0 || by_memory || counts.repeats > 0);
    for (int i = 0; i < node.n; i++)
        NEED(shared->died[node.me][i] == 0 && shared->excluded[i] == 0);
    meet_at(3, node.n);
    close_node();
    /* Of processes that share memory the kernel tells when they end. */
    for (int i = 0; i < node.n; i++)
        NEED((by_memory || shared->died[node.me][i] == 0) && shared->excluded[i] == 0);
}

START_TEST(two_exchange_messages)
{
    run(2, exchange);
}
END_TEST

START_TEST(five_exchange_messages)
{
    run(5, exchange);
}
END_TEST

START_TEST(five_exchange_messages_by_memory)
{
    by_memory = true;
    loss_of_case = 0.3;
    run(5, exchange);
}
END_TEST

START_TEST(a_tenth_is_lost)
{
    loss_of_case = 0.1;
    run(3, exchange);
}
END_TEST

START_TEST(three_tenths_are_lost)
{
    loss_of_case = 0.3;
    run(3, exchange);
}
END_TEST

/* One sends all and leaves. */
static void leave_at_once(void)
{
    static uint8_t message[LARGE_BYTES];
    node.receive = check_message;
    open_node(20000 * ms, 0.1);
    if (node.me == 0) {
        for (uint32_t number = 0; number < MESSAGES; number++) {
            write_message(number, 0, 1, message);
            send_to(1, message, bytes_of(number));
        }
        uint64_t begin = ffmk_clock_ns();
        ffmk_endpoint_lock(node.endpoint);
        ffmk_endpoint_retire(node.endpoint, &node.service);
        ffmk_endpoint_unlock(node.endpoint);
        ffmk_endpoint_close(node.endpoint, 20000 * ms);
        NEED(ffmk_clock_ns() - begin < 19000 * ms); /* since all was acknowledged */
        add(&shared->flag[0]);
        return;
    }
    while (!load(&shared->flag[0]))
        ffmk_endpoint_wait(node.endpoint, 0, 10 * ms);
    NEED(load(&got_in_all) == MESSAGES);
    close_node();
}

START_TEST(what_was_sent_arrives_though_the_sender_leaves)
{
    run(2, leave_at_once);
}
END_TEST

/* Answers what comes, wherever it runs: what takes some datagrams with what takes a stream. */
enum { SOME_BYTES = 5000, STREAM_BYTES = 20000 };
static uint32_t echoes;

static void echo(int from, const uint8_t *message, size_t bytes)
{
    static const uint8_t large[STREAM_BYTES];
    const bool some = bytes == SOME_BYTES;
    if (node.me == 0) /* under the lock */
        ffmk_peer_send(node.peer[from], NAME, some ? large : message, some ? sizeof large : bytes,
                       NULL, 0);
    else
        add(&echoes);
}

static void compute(void)
{
    static uint8_t message[STREAM_BYTES];
    const size_t larger[40] = {STREAM_BYTES, SOME_BYTES}; /* and many without a byte */
    enum { ROUNDS = 200 };
    uint32_t asked = 0;
    node.receive = echo;
    open_node(1000 * ms, 0);
    if (node.me == 0) {
        /* First it attends, sleeping so long that the thread sleeps well, too. */
        uint64_t begin = ffmk_clock_ns();
        while (!load(&shared->flag[1]) || ffmk_clock_ns() < begin + 200 * ms)
            ffmk_endpoint_wait(node.endpoint, 0, 50 * ms);
        add(&shared->flag[2]);
        while (!load(&shared->flag[0]))
            for (volatile int i = 0; i < 100000; i++)
                ; /* nothing of the endpoint's */
    } else {
        for (uint32_t i = 0; i < ROUNDS; i++) {
            while (i == 1 && !load(&shared->flag[2]))
                usleep(1000);
            if (i == ROUNDS / 2)
                usleep(100000); /* all is acknowledged, the other's thread sleeps well */
            for (size_t k = 0; i % 2 == 0 && i > 0 && i < ROUNDS / 2 && k < 40; k++, asked++)
                send_to(0, message, larger[k]);
            send_to(0, message, 10);
            asked++;
            while (load(&echoes) < asked) {
                ffmk_endpoint_wait(node.endpoint, 10000, 100 * ms);
                NEED(shared->died[1][0] == 0);
            }
            if (i == 0)
                add(&shared->flag[1]);
        }
        /* Without an answer, an acknowledgement is enough. */
        add(&shared->flag[0]);
    }
    meet_at(2, 2);
    NEED(load(&shared->died[node.me][!node.me]) == 0);
    meet_at(3, 2); /* for the end of a process of this host is seen at once */
    close_node();
}

START_TEST(who_computes_answers)
{
    run(2, compute);
}
END_TEST

START_TEST(who_computes_answers_by_memory)
{
    by_memory = true;
    run(2, compute);
}
END_TEST

/* The last messages of a burst wait for others, but not until somebody attends again, which the
 * thread would see first after two milliseconds. Beside it a message alone, which tells whether
 * this machine has time for who waits. */
static void count_all(int from, const uint8_t *message, size_t bytes)
{
    (void)from;
    (void)message;
    (void)bytes;
    add(&shared->flag[0]);
}

/* \return whether so many messages in a row have come within half a millisecond; the thread alone
 * looks a whole one after its last look, at the earliest. */
static bool come_soon(uint32_t messages)
{
    const uint8_t message[50] = {0};
    const uint32_t before = load(&shared->flag[0]);
    ffmk_endpoint_wait(node.endpoint, 0, 0);
    for (uint32_t i = 0; i < messages; i++)
        send_to(1, message, sizeof message);
    const uint64_t begin = ffmk_clock_ns();
    while (load(&shared->flag[0]) < before + messages)
        usleep(20); /* nothing of the endpoint's */
    return ffmk_clock_ns() - begin < ms / 2;
}

static void compute_after_a_burst(void)
{
    enum { ROUNDS = 50, BURST = 40 };
    uint32_t alone = 0;
    uint32_t in_bursts = 0;
    node.receive = count_all;
    open_node(5000 * ms, 0);
    for (uint32_t round = 0; node.me == 0 && round < ROUNDS; round++) {
        alone += come_soon(1);
        in_bursts += come_soon(BURST);
    }
    while (node.me == 1 && load(&shared->flag[0]) < ROUNDS * (BURST + 1))
        ffmk_endpoint_wait(node.endpoint, 10000, 10 * ms);
    if (node.me == 0) {
        const struct ffmk_endpoint_counts counts = ffmk_endpoint_counts(node.endpoint);
        NEED(counts.datagrams < counts.messages);
        const bool tells = alone >= ROUNDS * 9 / 10;
        if (!tells)
            fprintf(stderr,
                    "not looked at when bursts come, for only %u of %d messages came soon\n", alone,
                    ROUNDS);
        NEED(!tells || in_bursts > ROUNDS * 3 / 4);
    }
    meet_at(2, 2);
    close_node();
}

START_TEST(who_computes_after_a_burst_has_sent_it)
{
    run(2, compute_after_a_burst);
}
END_TEST

/* Threads of the first process, each with a service of its own, which the second answers. */

enum { THREADS = 3, ANSWERS = 400 };

static struct asker {
    struct ffmk_service service;
    pthread_t thread;
    uint32_t answers;
    uint64_t longest_ns;
} askers[THREADS];

static void on_answer(struct ffmk_service *service, struct ffmk_peer *peer, const uint8_t *message,
                      size_t bytes, uint64_t now)
{
    (void)now;
    if (node.me == 1)
        ffmk_peer_send(peer, service->name, message, bytes, NULL, 0);
    else
        add(&((struct asker *)service)->answers);
}

static void ask_once(struct asker *asker, size_t bytes)
{
    static const uint8_t message[3000];
    ffmk_endpoint_lock(node.endpoint);
    ffmk_peer_send(node.peer[1], asker->service.name, message, bytes, NULL, 0);
    ffmk_endpoint_unlock(node.endpoint);
}

static void *ask(void *argument)
{
    struct asker *asker = argument;
    for (uint32_t i = 0; i < ANSWERS; i++) {
        uint64_t begin = ffmk_clock_ns();
        ask_once(asker, i % 4 ? 100 : 3000);
        while (load(&asker->answers) <= i)
            ffmk_endpoint_wait(node.endpoint, i % 3 ? 0 : 5000, 4000 * ms);
        uint64_t took = ffmk_clock_ns() - begin;
        if (took > asker->longest_ns)
            asker->longest_ns = took;
    }
    return NULL;
}

static void ask_from_threads(void)
{
    open_node(30000 * ms, 0);
    ffmk_endpoint_lock(node.endpoint);
    for (int i = 0; i < THREADS; i++) {
        askers[i].service = node.service;
        askers[i].service.name = 100 + (uint64_t)i;
        askers[i].service.receive = on_answer;
        ffmk_endpoint_serve(node.endpoint, &askers[i].service);
    }
    ffmk_endpoint_unlock(node.endpoint);
    meet_at(2, 2);
    if (node.me == 0) {
        for (int i = 0; i < THREADS; i++)
            NEED(pthread_create(&askers[i].thread, NULL, ask, &askers[i]) == 0);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(askers[i].thread, NULL);
            NEED(askers[i].longest_ns < 2000 * ms); /* nobody overslept */
        }
        /* What comes by a stream wakes who sleeps, though no datagram comes. */
        struct asker *asker = &askers[0];
        uint32_t late = 0;
        for (uint32_t i = 0; i < 40; i++) {
            uint64_t begin = ffmk_clock_ns();
            ask_once(asker, 3000);
            while (load(&asker->answers) <= ANSWERS + i)
                ffmk_endpoint_wait(node.endpoint, 0, 4000 * ms);
            late += ffmk_clock_ns() - begin > 30 * ms;
        }
        NEED(late < 20);
        add(&shared->flag[0]);
    }
    while (!load(&shared->flag[0]))
        ffmk_endpoint_wait(node.endpoint, 0, 10 * ms);
    ffmk_endpoint_lock(node.endpoint);
    for (int i = 0; i < THREADS; i++)
        ffmk_endpoint_retire(node.endpoint, &askers[i].service);
    ffmk_endpoint_unlock(node.endpoint);
    close_node();
}

START_TEST(threads_wait_at_once)
{
    run(2, ask_from_threads);
}
END_TEST

static uint32_t came;

static void count_one(int from, const uint8_t *message, size_t bytes)
{
    (void)from, (void)message, (void)bytes;
    __atomic_add_fetch(&came, 1, __ATOMIC_SEQ_CST);
}

/* The thread sleeps for long when this process looks once and goes on to compute. */
static void look_once(void)
{
    node.receive = count_one;
    open_node(20000 * ms, 0);
    for (int round = 0; round < 5; round++) {
        usleep(30000);
        if (node.me == 1) {
            ffmk_endpoint_wait(node.endpoint, 0, 0);
            add(&shared->flag[round]);
            for (int wait = 0; wait < 2000 && load(&came) <= (uint32_t)round; wait++)
                usleep(1000);
            NEED(load(&came) == (uint32_t)round + 1); /* or it lies in the box */
            add(&shared->flag[STAGES - 1]);
        } else {
            while (!load(&shared->flag[round]))
                usleep(100);
            send_to(1, "now", 3);
            while (load(&shared->flag[STAGES - 1]) <= (uint32_t)round)
                usleep(1000);
        }
    }
    meet_at(3, 2);
    close_node();
}

START_TEST(who_looks_once_still_gets_what_comes_by_memory)
{
    by_memory = true;
    run(2, look_once);
}
END_TEST

START_TEST(threads_wait_at_once_by_memory)
{
    by_memory = true;
    run(2, ask_from_threads);
}
END_TEST

/* How often the endpoint's thread went to sleep. */
static uint64_t naps(void)
{
    uint64_t n = 0;
    bool there = false;
    DIR *tasks = opendir("/proc/self/task");
    NEED(tasks);
    for (struct dirent *task; (task = readdir(tasks));) {
        char path[300];
        char line[200];
        bool its = false;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "r");
        while (status && fgets(line, sizeof line, status)) {
            if (strncmp(line, "Name:", 5) == 0)
                there |= its = strstr(line, "ffmk-net") != NULL;
            if (its && strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
                n += strtoull(line + 24, NULL, 10);
        }
        if (status)
            fclose(status);
    }
    closedir(tasks);
    NEED(there);
    return n;
}

static uint32_t pings;

static void count_ping(int from, const uint8_t *message, size_t bytes)
{
    (void)from;
    (void)message;
    (void)bytes;
    add(&pings);
}

static void play(void)
{
    enum { ROUNDS = 10000 };
    uint8_t ball[64] = {0};
    node.receive = count_ping;
    open_node(30000 * ms, 0);
    meet_at(2, 2);
    uint64_t before = naps();
    uint64_t begin = ffmk_clock_ns();
    while (ffmk_clock_ns() < begin + 200 * ms)
        ffmk_endpoint_wait(node.endpoint, 0, 50 * ms);
    NEED(naps() - before < 50); /* it need not look while nothing happens */
    uint64_t took[2];
    uint64_t slept[2];
    for (int way = 0; way < 2; way++) { /* mostly spinning, always sleeping */
        begin = ffmk_clock_ns();
        before = naps();
        for (uint32_t i = 0; i < ROUNDS; i++) {
            if (node.me == 0)
                send_to(1, ball, sizeof ball);
            while (load(&pings) <= (uint32_t)way * ROUNDS + i)
                ffmk_endpoint_wait(node.endpoint, way == 0 ? 20000 : 0, ms);
            if (node.me == 1)
                send_to(0, ball, sizeof ball);
        }
        took[way] = ffmk_clock_ns() - begin;
        slept[way] = naps() - before;
        /* Half as often where there are cores for all; far less often than a message comes. */
        NEED(slept[way] <= 2 * took[way] / ms + 50);
    }
    struct ffmk_endpoint_counts counts = ffmk_endpoint_counts(node.endpoint);
    if (node.me == 0) {
        ffmk_endpoint_lock(node.endpoint);
        printf("64 B there and back: %.1f us spinning, %.1f sleeping; %lu datagrams for %d; the "
               "thread slept %.2f and %.2f times a ms\n",
               (double)took[0] / ROUNDS / 1e3, (double)took[1] / ROUNDS / 1e3,
               (unsigned long)counts.datagrams, 2 * ROUNDS,
               (double)slept[0] * (double)ms / (double)took[0],
               (double)slept[1] * (double)ms / (double)took[1]);
        /* Where they share memory few are left, of while one sleeps. */
        NEED(by_memory || ffmk_peer_trip(node.peer[1]) > 0);
        NEED(!by_memory || (counts.datagrams > ROUNDS / 8 && counts.datagrams < ROUNDS * 3 / 2));
        ffmk_endpoint_unlock(node.endpoint);
        fflush(stdout);
    }
    meet_at(3, 2);
    close_node();
}

START_TEST(the_thread_sleeps_while_others_attend)
{
    run(2, play);
}
END_TEST

/* Who sends a message now and then, and looks when it does, but never waits. */
static void only_send(void)
{
    enum { ROUNDS = 5000 };
    static const uint64_t apart = 50000;
    const uint8_t message[64] = {0};
    node.receive = count_ping;
    open_node(30000 * ms, 0);
    meet_at(2, 2);
    const uint64_t before = naps();
    const uint64_t begin = ffmk_clock_ns();
    for (uint64_t next = begin; node.me == 0 && next < begin + ROUNDS * apart; next += apart) {
        while (ffmk_clock_ns() < next)
            ;
        ffmk_endpoint_lock(node.endpoint);
        ffmk_endpoint_glance_again(node.endpoint, ffmk_clock_ns());
        ffmk_peer_send(node.peer[1], NAME, message, sizeof message, NULL, 0);
        ffmk_endpoint_unlock(node.endpoint);
    }
    if (node.me == 0)
        NEED(naps() - before < (ffmk_clock_ns() - begin) / ms + 50);
    while (node.me == 1 && load(&pings) < ROUNDS)
        ffmk_endpoint_wait(node.endpoint, 20000, 10 * ms);
    meet_at(3, 2);
    close_node();
}

START_TEST(the_thread_sleeps_while_one_only_sends)
{
    run(2, only_send);
}
END_TEST

START_TEST(the_thread_sleeps_while_others_attend_by_memory)
{
    by_memory = true;
    run(2, play);
}
END_TEST

START_TEST(values_hang_on_peers)
{
    struct ffmk_endpoint_options options = {.interface = "lo", .detect_after_ns = 1000 * ms};
    struct ffmk_endpoint *a;
    struct ffmk_endpoint *b;
    ck_assert(ffmk_endpoint_open(&options, &a) == FFMK_SUCCESS);
    ck_assert(ffmk_endpoint_open(&options, &b) == FFMK_SUCCESS);
    ffmk_endpoint_lock(a);
    ck_assert(!ffmk_endpoint_meet(a, ffmk_endpoint_card(a)));
    struct ffmk_peer *peer = ffmk_endpoint_meet(a, ffmk_endpoint_card(b));
    ck_assert(peer && ffmk_endpoint_meet(a, ffmk_endpoint_card(b)) == peer);
    struct ffmk_card far = {.id = 5, .addresses = 0};
    errno = 0;
    ck_assert(!ffmk_endpoint_meet(a, &far) && errno == EHOSTUNREACH);
    far.addresses = 1;
    far.address[0].family = 4;
    for (uint64_t id = 10; id < 300; id++) { /* the table grows */
        far.id = id;
        ck_assert(ffmk_endpoint_meet(a, &far));
    }
    ck_assert(ffmk_endpoint_meet(a, ffmk_endpoint_card(b)) == peer);
    ck_assert(!ffmk_peer_find(peer, 1) && ffmk_peer_hang(peer, 1, NULL));
    ck_assert(ffmk_peer_hang(peer, 1, &options) && ffmk_peer_hang(peer, 2, &a));
    ck_assert(ffmk_peer_find(peer, 1) == &options && ffmk_peer_find(peer, 2) == &a);
    ck_assert(ffmk_peer_hang(peer, 1, &b) && ffmk_peer_find(peer, 1) == &b);
    ck_assert(ffmk_peer_hang(peer, 1, NULL) && !ffmk_peer_find(peer, 1));
    ck_assert(ffmk_peer_find(peer, 2) == &a);
    ffmk_endpoint_part(a, peer);
    ffmk_endpoint_unlock(a);
    ffmk_endpoint_close(a, 0);
    ffmk_endpoint_close(b, 0);
}
END_TEST

static void add_address(struct ffmk_card *card, const char *text, uint8_t prefix)
{
    uint8_t *bytes = card->address[card->addresses].bytes;
    card->address[card->addresses].family = strchr(text, ':') ? 6 : 4;
    card->address[card->addresses++].prefix = prefix;
    ck_assert(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes) == 1);
}

static const char *chosen(const struct ffmk_card *own, const struct ffmk_card *peer, bool ipv6)
{
    static char text[INET6_ADDRSTRLEN];
    struct ffmk_address address;
    if (!ffmk_address_choose(own, peer, ipv6, &address))
        return "none";
    if (ipv6)
        inet_ntop(AF_INET6, &address.socket.v6.sin6_addr, text, sizeof text);
    else
        inet_ntop(AF_INET, &address.socket.v4.sin_addr, text, sizeof text);
    return text;
}

START_TEST(an_address_is_chosen)
{
    struct ffmk_card own = {0};
    struct ffmk_card peer = {0};
    add_address(&own, "10.1.0.5", 16);
    add_address(&own, "172.17.0.1", 16); /* a bridge, the same on all hosts */
    add_address(&peer, "172.17.0.1", 16);
    add_address(&peer, "192.168.3.4", 24);
    add_address(&peer, "10.1.200.7", 16);
    ck_assert_str_eq(chosen(&own, &peer, true), "::ffff:10.1.200.7");
    ck_assert_str_eq(chosen(&own, &peer, false), "10.1.200.7");
    peer.addresses = 2;
    ck_assert_str_eq(chosen(&own, &peer, false), "192.168.3.4");
    ck_assert_str_eq(chosen(&own, &own, false), "10.1.0.5"); /* on this host */
    struct ffmk_card six = {0};
    add_address(&six, "fd00::9", 64);
    ck_assert_str_eq(chosen(&own, &six, true), "none");
    add_address(&own, "fd00::1", 64);
    ck_assert_str_eq(chosen(&own, &six, true), "fd00::9");
    ck_assert_str_eq(chosen(&own, &six, false), "none");
    peer.addresses = UINT32_MAX; /* whatever a card says */
    ck_assert_str_ne(chosen(&own, &peer, true), "none");

    struct ffmk_card card;
    ck_assert(ffmk_address_fill(&card, "127.0.0.0/8", true) == FFMK_SUCCESS);
    ck_assert(card.addresses == 1 && card.address[0].family == 4 && card.address[0].prefix == 8);
    ck_assert(ffmk_address_fill(&card, "lo", false) == FFMK_SUCCESS);
    ck_assert(ffmk_address_fill(&card, "", true) == FFMK_SUCCESS && card.addresses >= 1);
    ck_assert(ffmk_address_fill(&card, NULL, true) == FFMK_SUCCESS);
    const char *const wrong[] = {"nosuch0", "203.0.113.0/24", "127.0.0.0/33", "127.0.0.0/",
                                 "lo/8",    "127.0.0.0/8x",   "127.0.0/8",    "::1/129",
                                 "/",       "127.0.0.0/-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert(ffmk_address_fill(&card, wrong[i], true) == FFMK_ERR_ARGUMENT);
    struct ffmk_endpoint_options options = {.interface = "nosuch0", .detect_after_ns = 1};
    struct ffmk_endpoint *none;
    ck_assert(ffmk_endpoint_open(&options, &none) == FFMK_ERR_ARGUMENT);
}
END_TEST

CASES("endpoint", an_address_is_chosen, values_hang_on_peers, two_exchange_messages,
      five_exchange_messages, a_tenth_is_lost, three_tenths_are_lost,
      what_was_sent_arrives_though_the_sender_leaves, who_computes_answers,
      who_computes_after_a_burst_has_sent_it, threads_wait_at_once,
      five_exchange_messages_by_memory, who_computes_answers_by_memory,
      threads_wait_at_once_by_memory, who_looks_once_still_gets_what_comes_by_memory,
      the_thread_sleeps_while_others_attend, the_thread_sleeps_while_others_attend_by_memory,
      the_thread_sleeps_while_one_only_sends)
