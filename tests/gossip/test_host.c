/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, with real processes over shared memory, some of which are killed at random
 * moments of thousands of back-to-back operations: every survivor's result is right or the promised
 * error, and all survivors have the same ones; a late member delays nobody; nothing waits for ever.
 * Every member writes down what it got; the parent compares. */
#include "core/rng.h"
#include "gossip/net/host.h"

#include "cases.h"
#include "sizes.h"
#include <ffmk.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_MEMBERS = 16, MOST_OPERATIONS = 4000, MOST_BYTES = 3 << 20 };

/* What a member got from each operation: a hash of the code and the data. */
struct shared {
    volatile uint32_t ready;
    volatile uint32_t go;
    volatile uint32_t watching;
    pid_t pids[MOST_MEMBERS];
    volatile uint32_t done[MOST_MEMBERS]; /* operations */
    volatile uint64_t got[MOST_MEMBERS][MOST_OPERATIONS];
};

static void *share(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(memory != MAP_FAILED);
    return memory;
}

static uint64_t hash(const unsigned char *data, size_t bytes)
{
    uint64_t sum = bytes;
    for (size_t i = 0; i<bytes; i += bytes> 4096 ? 997 : 1)
        sum = ffmk_rng_mix(sum ^ data[i]);
    return sum;
}

static void fill(unsigned char *data, size_t bytes, uint64_t seed)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = (unsigned char)(seed + i * 31);
}

static void add(void *context, const void *in, void *inout, size_t n)
{
    (void)context;
    const uint64_t *from = in;
    uint64_t *to = inout;
    for (size_t i = 0; i < n; i++)
        to[i] = 3 * from[i] + to[i]; /* neither commutative nor associative: order shows */
}

/* Now by one call, now by two. */
static int bcast(struct ffmk_host *host, size_t root, void *buffer, uint64_t *bytes_p)
{
    static _Thread_local int calls;
    struct ffmk_host_operation operation;
    if (++calls % 2 == 0 && *bytes_p != 999)
        return ffmk_host_bcast(host, root, buffer, *bytes_p);
    ffmk_host_bcast_start(host, &operation, root, buffer, *bytes_p);
    int code = ffmk_host_wait(host, &operation);
    *bytes_p = operation.bytes;
    return code;
}

/* Watch all members, none of whom goes on, or ends, before all do. */
static struct ffmk_watch *watch_all(struct shared *shared, size_t members)
{
    struct ffmk_watch *watch = NULL;
    while (!shared->go)
        usleep(100);
    if (ffmk_watch_create(shared->pids, members, &watch) != FFMK_SUCCESS)
        _exit(3);
    __atomic_add_fetch(&shared->watching, 1, __ATOMIC_SEQ_CST);
    while (shared->watching < members)
        usleep(100);
    return watch;
}

static void one_bcast(struct ffmk_host *host, size_t members, size_t me, uint64_t *state,
                      unsigned char *buffer, volatile uint64_t *got)
{
    size_t root = ffmk_rng_below(state, members);
    size_t size = draw_size(state);
    uint64_t seed = ffmk_rng_next(state);
    unsigned char *expected = buffer + MOST_BYTES;
    fill(expected, size, seed);
    if (root == me)
        memcpy(buffer, expected, size);
    uint64_t bytes = size;
    int code = bcast(host, root, buffer, &bytes);
    bool right =
        code == FFMK_ERR_FAILED || (code == FFMK_SUCCESS && memcmp(buffer, expected, size) == 0);
    *got = right ? ffmk_rng_mix((uint64_t)(100 + code)) : 1;
}

static void one_allreduce(struct ffmk_host *host, size_t me, uint64_t *state, unsigned char *buffer,
                          volatile uint64_t *got)
{
    struct ffmk_reduction reduction = {
        .n = draw_size(state), .element_bytes = sizeof(uint64_t), .combine = add};
    uint64_t *contribution = (uint64_t *)(void *)buffer;
    reduction.n = reduction.n > 20000 ? 20000 : reduction.n;
    for (size_t i = 0; i < reduction.n; i++)
        contribution[i] = me * 1000003 + i;
    unsigned char counted[MOST_MEMBERS] = {0};
    uint64_t *result = (uint64_t *)(void *)(buffer + MOST_BYTES);
    struct ffmk_host_operation operation;
    ffmk_host_allreduce_start(host, &operation, &reduction, contribution, result, counted);
    ffmk_host_wait(host, &operation);
    /* The result must be that of exactly those who are said to count. */
    bool right = counted[me];
    for (size_t i = 0; i < reduction.n; i += 1 + reduction.n / 64) {
        uint64_t sum = 0;
        bool begun = false;
        for (size_t m = MOST_MEMBERS; m-- > 0;) {
            if (!counted[m])
                continue;
            sum = begun ? 3 * (m * 1000003 + i) + sum : m * 1000003 + i;
            begun = true;
        }
        right = right && result[i] == sum;
    }
    *got = right ? (hash(counted, sizeof counted) ^ hash(buffer + MOST_BYTES, reduction.n * 8)) | 2
                 : 1;
}

/* Several operations at once, which every member waits for in an order of its own. */
enum { BATCH = 7, BATCH_BYTES = 300000, FEW = 100 };

static void one_batch(struct ffmk_host *host, size_t members, size_t me, uint64_t *state,
                      uint64_t *own, volatile uint64_t *got)
{
    static _Thread_local unsigned char buffers[BATCH][BATCH_BYTES];
    static _Thread_local unsigned char expected[BATCH_BYTES];
    static _Thread_local uint64_t contributions[BATCH][FEW];
    static _Thread_local uint64_t results[BATCH][FEW];
    static _Thread_local unsigned char counted[BATCH][MOST_MEMBERS];
    struct ffmk_host_operation operations[BATCH];
    size_t sizes[BATCH];
    uint64_t seeds[BATCH];
    for (int i = 0; i < BATCH; i++) {
        uint64_t kind = ffmk_rng_below(state, 4);
        size_t root = ffmk_rng_below(state, members);
        seeds[i] = ffmk_rng_next(state);
        sizes[i] = draw_size(state) % BATCH_BYTES;
        memset(counted[i], 0, sizeof counted[i]);
        if (kind == 0) {
            ffmk_host_barrier_start(host, &operations[i]);
        } else if (kind == 1) {
            for (size_t k = 0; k < FEW; k++)
                contributions[i][k] = me * 1000003 + k;
            const struct ffmk_reduction reduction = {
                .n = sizes[i] % FEW, .element_bytes = sizeof(uint64_t), .combine = add};
            ffmk_host_allreduce_start(host, &operations[i], &reduction, contributions[i],
                                      results[i], counted[i]);
        } else {
            if (root == me)
                fill(buffers[i], sizes[i], seeds[i]);
            ffmk_host_bcast_start(host, &operations[i], root, buffers[i], sizes[i]);
        }
        if (ffmk_rng_below(own, 4) == 0)
            ffmk_host_test(host, &operations[ffmk_rng_below(own, (uint64_t)i + 1)]);
    }
    for (int k = 0; k < 2 * BATCH; k++)
        ffmk_host_wait(host, &operations[k < BATCH ? (int)ffmk_rng_below(own, BATCH) : k - BATCH]);
    uint64_t sum = 2;
    for (int i = 0; i < BATCH; i++) {
        const struct ffmk_host_operation *operation = &operations[i];
        sum = ffmk_rng_mix(sum ^ (uint64_t)operation->code);
        if (operation->kind == FFMK_HOST_BCAST && operation->code == FFMK_SUCCESS) {
            fill(expected, sizes[i], seeds[i]);
            if (memcmp(expected, buffers[i], sizes[i]) != 0) {
                *got = 1;
                return;
            }
        }
        if (operation->kind == FFMK_HOST_ALLREDUCE)
            sum ^= hash(counted[i], sizeof counted[i]) ^
                   hash((unsigned char *)results[i], sizes[i] % FEW * sizeof(uint64_t));
    }
    *got = sum | 2;
}

/* A member's life: the same draws everywhere. */
static void operate(struct shared *shared, struct ffmk_host *host, size_t members, size_t me,
                    uint64_t seed, uint32_t operations, bool naps)
{
    unsigned char *buffer = malloc(2 * MOST_BYTES);
    uint64_t state = seed;
    uint64_t own = seed ^ me * 77;
    for (uint32_t i = 0; i < operations; i++) {
        volatile uint64_t *got = &shared->got[me][i];
        struct ffmk_host_operation operation;
        switch (ffmk_rng_below(&state, 7)) {
        case 6:
            one_batch(host, members, me, &state, &own, got);
            break;
        case 0:
            ffmk_host_barrier_start(host, &operation);
            ffmk_host_wait(host, &operation);
            *got = 5;
            break;
        case 1:
            one_allreduce(host, me, &state, buffer, got);
            break;
        default:
            one_bcast(host, members, me, &state, buffer, got);
        }
        shared->done[me] = i + 1;
        if (naps && ffmk_rng_below(&own, 50) == 0)
            usleep((useconds_t)ffmk_rng_below(&own, 2000));
    }
    free(buffer);
}

static void live(struct shared *shared, void *segment, size_t members, size_t me, uint64_t seed,
                 uint32_t operations, bool naps)
{
    __atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
    struct ffmk_watch *watch = watch_all(shared, members);
    operate(shared, ffmk_host_create(segment, members, me, watch, members > 2), members, me, seed,
            operations, naps);
    _exit(0);
}

/* \return operations that failed */
static uint32_t run(size_t members, uint64_t seed, uint32_t operations, size_t deaths, bool naps)
{
    struct shared *shared = share(sizeof *shared);
    size_t bytes = ffmk_host_bytes(members);
    void *segment = share(bytes);
    for (size_t i = 0; i < members; i++) {
        pid_t pid = fork();
        if (pid == 0)
            live(shared, segment, members, i, seed, operations, naps);
        shared->pids[i] = pid;
    }
    while (shared->ready < members)
        usleep(100);
    shared->go = 1;
    bool killed[MOST_MEMBERS] = {false};
    uint64_t state = seed + 1;
    for (size_t i = 0; i < deaths; i++) {
        uint32_t at = (uint32_t)ffmk_rng_below(&state, operations);
        size_t who = ffmk_rng_below(&state, members);
        while (shared->done[(who + 1) % members] < at && shared->done[who] < operations &&
               !killed[who] && !killed[(who + 1) % members])
            usleep((useconds_t)ffmk_rng_below(&state, 60));
        kill(shared->pids[who], SIGKILL);
        killed[who] = true;
    }
    for (size_t i = 0; i < members; i++) {
        int status;
        ck_assert_int_eq(waitpid(shared->pids[i], &status, 0), shared->pids[i]);
        ck_assert_msg(killed[i] || (WIFEXITED(status) && WEXITSTATUS(status) == 0),
                      "member %zu ended with %x, seed %lu", i, status, (unsigned long)seed);
    }
    uint32_t failed = 0;
    for (uint32_t op = 0; op < operations; op++) {
        uint64_t first = 0;
        for (size_t i = 0; i < members; i++) {
            if (shared->done[i] <= op)
                continue;
            uint64_t got = shared->got[i][op];
            ck_assert_msg(got != 1, "member %zu got a wrong result of operation %u, seed %lu", i,
                          op, (unsigned long)seed);
            /* The root itself does not learn that it failed: it is dead. */
            ck_assert_msg(first == 0 || killed[i] || got == first,
                          "members disagree on operation %u, seed %lu", op, (unsigned long)seed);
            if (!killed[i])
                first = got;
        }
        failed += first == ffmk_rng_mix((uint64_t)(100 + FFMK_ERR_FAILED));
    }
    munmap(segment, bytes);
    munmap(shared, sizeof *shared);
    return failed;
}

START_TEST(everything_arrives)
{
    for (size_t members = 1; members <= 9; members += members < 3 ? 1 : 3)
        ck_assert_uint_eq(run(members, 100 + members, 1500, 0, members == 3), 0);
}
END_TEST

START_TEST(survivors_agree)
{
    uint32_t failed = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        size_t members = 2 + seed % 15;
        failed +=
            run(members, seed, 400, 1 + seed % (members > 4 ? 4 : members - 1), seed % 4 == 0);
    }
    ck_assert_uint_gt(failed, 0); /* some roots were hit in the act, or called when dead */
}
END_TEST

START_TEST(a_late_member_delays_nobody)
{
    size_t bytes = ffmk_host_bytes(3);
    void *segment = share(bytes);
    struct shared *shared = share(sizeof *shared);
    for (size_t i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct ffmk_watch *watch = watch_all(shared, 3);
            struct ffmk_host *host = ffmk_host_create(segment, 3, i, watch, true);
            while (i == 2 && shared->done[0] + shared->done[1] < 200)
                usleep(1000); /* late until the others are done with a hundred each */
            char text[600];
            for (uint32_t op = 0; op < 100; op++) {
                uint64_t length = op % 2 ? 600 : 8;
                memset(text, op % 2 == i ? (int)op : 0, sizeof text);
                if (bcast(host, op % 2, text, &length) != FFMK_SUCCESS ||
                    text[length - 1] != (char)op)
                    _exit(4);
                shared->done[i]++;
            }
            _exit(0);
        }
        shared->pids[i] = pid;
    }
    shared->go = 1;
    for (size_t i = 0; i < 3; i++) {
        int status;
        waitpid(shared->pids[i], &status, 0);
        ck_assert_int_eq(status, 0);
    }
    munmap(segment, bytes);
    munmap(shared, sizeof *shared);
}
END_TEST

/* A root that nobody keeps up with must not write over what was not read. */
static void far_ahead(struct shared *shared, void *segment, size_t me)
{
    struct ffmk_watch *watch = watch_all(shared, 2);
    struct ffmk_host *host = ffmk_host_create(segment, 2, me, watch, true);
    struct ffmk_host_operation operations[8];
    uint32_t values[8];
    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t at = i % 8;
        if (me == 1 && i % 997 == 0)
            usleep(20000);
        values[at] = me == 0 ? i : 0;
        if (i / 8 % 2 == 0) { /* now one by one, now several at once */
            if (ffmk_host_bcast(host, 0, &values[at], sizeof values[at]) != FFMK_SUCCESS ||
                values[at] != i)
                _exit(4);
            continue;
        }
        ffmk_host_bcast_start(host, &operations[at], 0, &values[at], sizeof values[at]);
        for (uint32_t k = 0; at == 7 && k < 8; k++)
            if (ffmk_host_wait(host, &operations[7 - k]) != FFMK_SUCCESS || values[7 - k] != i - k)
                _exit(5);
    }
    _exit(0);
}

START_TEST(a_root_far_ahead_waits)
{
    size_t bytes = ffmk_host_bytes(2);
    void *segment = share(bytes);
    struct shared *shared = share(sizeof *shared);
    for (size_t i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (pid == 0)
            far_ahead(shared, segment, i);
        shared->pids[i] = pid;
    }
    shared->go = 1;
    for (size_t i = 0; i < 2; i++) {
        int status;
        waitpid(shared->pids[i], &status, 0);
        ck_assert_int_eq(status, 0);
    }
    munmap(segment, bytes);
    munmap(shared, sizeof *shared);
}
END_TEST

START_TEST(another_length_is_told)
{
    size_t bytes = ffmk_host_bytes(2);
    void *segment = share(bytes);
    struct shared *shared = share(sizeof *shared);
    shared->pids[0] = getpid();
    pid_t pid = fork();
    bool child = pid == 0;
    shared->pids[1] = child ? getpid() : pid;
    struct ffmk_watch *watch;
    __atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
    while (shared->ready < 2)
        usleep(100);
    if (ffmk_watch_create(shared->pids, 2, &watch) != FFMK_SUCCESS)
        _exit(3);
    struct ffmk_host *host = ffmk_host_create(segment, 2, child, watch, false);
    char text[1000] = "";
    if (child) {
        uint64_t length = 999;
        bool right = bcast(host, 0, text, &length) == FFMK_ERR_ARGUMENT && length == 1000;
        length = 5;
        right =
            right && bcast(host, 0, text, &length) == FFMK_SUCCESS && memcmp(text, "after", 5) == 0;
        _exit(right ? 0 : 4);
    }
    uint64_t length = 1000;
    bcast(host, 0, text, &length);
    strcpy(text, "after");
    length = 5;
    bcast(host, 0, text, &length);
    int status;
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
    ffmk_host_destroy(host);
    ffmk_watch_destroy(watch);
    munmap(segment, bytes);
    munmap(shared, sizeof *shared);
}
END_TEST

/* Members that are threads of one process, which ThreadSanitizer sees all of. */
static struct in_one {
    struct shared *shared;
    void *segment;
    size_t members;
} in_one;

static void *live_in_thread(void *me)
{
    const size_t members = in_one.members;
    const size_t number = (size_t)(uintptr_t)me;
    pid_t pids[MOST_MEMBERS];
    struct ffmk_watch *watch;
    for (size_t i = 0; i < members; i++)
        pids[i] = getpid();
    if (ffmk_watch_create(pids, members, &watch) != FFMK_SUCCESS)
        _exit(3);
    struct ffmk_host *host = ffmk_host_create(in_one.segment, members, number, watch, members > 2);
    operate(in_one.shared, host, members, number, 500 + members, 500, members == 3);
    ffmk_host_destroy(host);
    ffmk_watch_destroy(watch);
    return NULL;
}

START_TEST(members_may_be_threads)
{
    for (in_one.members = 2; in_one.members <= 4; in_one.members++) {
        const size_t bytes = ffmk_host_bytes(in_one.members);
        pthread_t threads[MOST_MEMBERS];
        in_one.shared = share(sizeof *in_one.shared);
        in_one.segment = share(bytes);
        for (size_t i = 0; i < in_one.members; i++)
            ck_assert_int_eq(
                pthread_create(&threads[i], NULL, live_in_thread, (void *)(uintptr_t)i), 0);
        for (size_t i = 0; i < in_one.members; i++)
            pthread_join(threads[i], NULL);
        for (size_t i = 0; i < in_one.members; i++)
            for (uint32_t op = 0; op < 500; op++)
                ck_assert(in_one.shared->got[i][op] == in_one.shared->got[0][op] &&
                          in_one.shared->got[i][op] > 1);
        munmap(in_one.segment, bytes);
        munmap(in_one.shared, sizeof *in_one.shared);
    }
}
END_TEST

CASES("host", everything_arrives, survivors_agree, a_late_member_delays_nobody,
      a_root_far_ahead_waits, another_length_is_told, members_may_be_threads)
