/* SPDX-License-Identifier: BSD-3-Clause
 * For tests of net/endpoint: several processes on loopback that meet, and messages of which each is
 * known by its number. */
#ifndef FFMK_TESTS_ENDPOINT_NODE_H
#define FFMK_TESTS_ENDPOINT_NODE_H

#include "core/clock.h"
#include "core/rng.h"
#include "gossip/net/endpoint.h"

#include "cases.h"
#include <ffmk.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 5, STAGES = 16, CHILD_SECONDS = 50 };

static const uint64_t ms = 1000000;

/* What the processes of a case share. */
static struct shared {
    struct ffmk_card card[MOST];
    pid_t pid[MOST];
    uint32_t stage[STAGES];    /* how many have come to it */
    uint32_t died[MOST][MOST]; /* whom it was told of, how often */
    uint32_t excluded[MOST];
    uint32_t flag[STAGES];
} * shared;

#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d, process %d: %s\n", __LINE__, node.me, #condition);           \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* One process of a case. */
static struct node {
    int me;
    int n;
    struct ffmk_endpoint *endpoint;
    struct ffmk_service service;
    struct ffmk_peer *peer[MOST];
    void (*receive)(int from, const uint8_t *message, size_t bytes);
} node;

static inline uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline void add(uint32_t *word)
{
    __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
}

static inline int number_of(const struct ffmk_peer *peer)
{
    for (int i = 0; i < node.n; i++)
        if (node.peer[i] == peer)
            return i;
    NEED(!"a peer that is none");
    return 0;
}

static inline void on_receive(struct ffmk_service *service, struct ffmk_peer *peer,
                              const uint8_t *message, size_t bytes, uint64_t now)
{
    (void)service;
    (void)now;
    if (node.receive)
        node.receive(number_of(peer), message, bytes);
}

static inline uint64_t on_advance(struct ffmk_service *service, uint64_t now)
{
    (void)service;
    (void)now;
    return UINT64_MAX;
}

static inline void on_died(struct ffmk_service *service, struct ffmk_peer *peer, uint64_t now)
{
    (void)service;
    (void)now;
    add(&shared->died[node.me][number_of(peer)]);
}

static inline void on_excluded(struct ffmk_service *service, uint64_t now)
{
    (void)service;
    (void)now;
    add(&shared->excluded[node.me]);
}

/* They share memory, too. */
static bool by_memory;

/* 0, or the port that is on this process's card instead of its own for streams. */
static uint16_t wall;

static const uint64_t NAME = 0x123456789abcdef0;

static inline void open_node(uint64_t detect_ns, double loss)
{
    struct ffmk_endpoint_options options = {.interface = "lo",
                                            .detect_after_ns = detect_ns,
                                            .loss = loss,
                                            .seed = 1 + (uint64_t)node.me};
    NEED(ffmk_endpoint_open(&options, &node.endpoint) == FFMK_SUCCESS);
    node.service = (struct ffmk_service){.name = NAME,
                                         .receive = on_receive,
                                         .advance = on_advance,
                                         .died = on_died,
                                         .excluded = on_excluded};
    shared->card[node.me] = *ffmk_endpoint_card(node.endpoint);
    if (wall)
        shared->card[node.me].tcp_port = wall;
    shared->pid[node.me] = getpid();
    add(&shared->stage[0]);
    while (load(&shared->stage[0]) < (uint32_t)node.n)
        usleep(200);
    ffmk_endpoint_lock(node.endpoint);
    ffmk_endpoint_serve(node.endpoint, &node.service);
    for (int i = 0; i < node.n; i++) {
        node.peer[i] = ffmk_endpoint_meet(node.endpoint, &shared->card[i]);
        NEED((node.peer[i] == NULL) == (i == node.me));
        if (!by_memory || i == node.me)
            continue;
        NEED(ffmk_peer_watch(node.peer[i], shared->pid[i]));
        ffmk_peer_share(node.peer[i], shared->pid[i]);
    }
    ffmk_endpoint_unlock(node.endpoint);
    /* Whoever is met must have met. */
    add(&shared->stage[1]);
    while (load(&shared->stage[1]) < (uint32_t)node.n)
        usleep(200);
}

static inline void close_node(void)
{
    ffmk_endpoint_lock(node.endpoint);
    ffmk_endpoint_retire(node.endpoint, &node.service);
    ffmk_endpoint_unlock(node.endpoint);
    ffmk_endpoint_close(node.endpoint, 2000 * ms);
}

/* Until so many have come here. */
static inline void meet_at(int stage, int n)
{
    add(&shared->stage[stage]);
    while (load(&shared->stage[stage]) < (uint32_t)n)
        ffmk_endpoint_wait(node.endpoint, 0, ms);
}

static inline void send_to(int to, const void *message, size_t bytes)
{
    ffmk_endpoint_lock(node.endpoint);
    ffmk_peer_send(node.peer[to], NAME, message, bytes, NULL, 0);
    ffmk_endpoint_unlock(node.endpoint);
}

static pid_t children[MOST + 1];

static inline void start(int n, int i, void (*body)(void))
{
    children[i] = fork();
    if (children[i] != 0)
        return;
    alarm(CHILD_SECONDS);
    node.me = i;
    node.n = n;
    body();
    _exit(0);
}

static inline void share(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(shared != MAP_FAILED);
}

/* Wait for all; when one does not end as it should, the others are not waited for. */
static inline void end_all(int n, int killed)
{
    for (int left = n; left > 0; left--) {
        int status;
        pid_t ended = wait(&status);
        ck_assert(ended > 0);
        for (int i = 0; i < n; i++) {
            if (children[i] != ended)
                continue;
            children[i] = 0;
            bool right_end =
                i == killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : status == 0;
            for (int j = 0; j < n && !right_end; j++)
                if (children[j] > 0)
                    kill(children[j], SIGKILL);
            if (!right_end)
                ck_abort_msg("process %d ended with %#x", i, (unsigned)status);
        }
    }
}

static inline void run(int n, void (*body)(void))
{
    share();
    for (int i = 0; i < n; i++)
        start(n, i, body);
    end_all(n, -1);
}

/* A message says by its number what is in it, but for those of one byte. */

enum { MESSAGES = 1200, TINY = 16, LARGE_BYTES = 1 << 20 };

static inline size_t bytes_of(uint32_t number)
{
    if (number % TINY == 0)
        return 1;
    uint64_t mix = ffmk_rng_mix(number);
    if (number % 400 == 399)
        return LARGE_BYTES - mix % 1000;
    if (number % 40 == 39)
        return FFMK_PEER_AT_ONCE_BYTES - 2 + mix % 60000;
    return 8 + mix % (FFMK_PEER_AT_ONCE_BYTES - 8 + 1);
}

static inline void write_message(uint32_t number, int from, int to, uint8_t *out)
{
    size_t bytes = bytes_of(number);
    uint64_t state = ((uint64_t)from << 40) + ((uint64_t)to << 32) + number;
    if (bytes == 1) {
        *out = (uint8_t)(number / TINY);
        return;
    }
    uint32_t head[2] = {number, (uint32_t)from};
    memcpy(out, head, sizeof head);
    for (size_t at = sizeof head; at < bytes; at += 8) {
        uint64_t random = ffmk_rng_next(&state);
        memcpy(out + at, &random, bytes - at < 8 ? bytes - at : 8);
    }
}

static uint8_t got[MOST][MESSAGES];
static uint32_t got_in_all;
static uint8_t right[LARGE_BYTES];

static inline void check_message(int from, const uint8_t *message, size_t bytes)
{
    uint32_t number;
    if (bytes == 1)
        number = TINY * (uint32_t)*message;
    else
        memcpy(&number, message, sizeof number);
    NEED(number < MESSAGES && bytes == bytes_of(number));
    NEED(got[from][number] == 0); /* once */
    got[from][number] = 1;
    write_message(number, from, node.me, right);
    NEED(memcmp(message, right, bytes) == 0);
    add(&got_in_all);
}

#endif
