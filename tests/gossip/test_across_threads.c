/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, with processes on loopback and the endpoint's real thread: threads of a process
 * that operate at once, each with members of its own, get the right results while members come
 * late. Made for ThreadSanitizer (./dev tsan), which sees each process whole. */
#include "gossip/net/across.h"

#include "endpoint_node.h"
#include <pthread.h>

enum { PROCESSES = 3, THREADS = 3, OPERATIONS = 300, MOST_BYTES = 100000, MOST_SUMS = 5000 };

static const struct ffmk_cast_manner manner = {
    .mode = FFMK_RUMOR_CHECKED, .deaths_or_reach = 0, .miss = 1e-3};

static void sum(void *context, const void *in, void *inout, size_t n)
{
    (void)context;
    const uint32_t *from = in;
    uint32_t *to = inout;
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

static size_t draw_bytes(uint64_t *state)
{
    return ffmk_rng_below(state, 8) ? ffmk_rng_below(state, 2000)
                                    : ffmk_rng_below(state, MOST_BYTES);
}

static int bcast(struct ffmk_across *across, uint64_t *state, uint8_t *buffer)
{
    struct ffmk_across_operation operation;
    const size_t root = ffmk_rng_below(state, PROCESSES);
    const size_t bytes = draw_bytes(state);
    const uint8_t first = (uint8_t)ffmk_rng_next(state);
    for (size_t i = 0; i < bytes; i++)
        buffer[i] = node.me == (int)root ? (uint8_t)(first + i) : 0;
    ffmk_across_bcast_start(across, &operation, &manner, root, buffer, bytes);
    const int code = ffmk_across_wait(across, &operation);
    for (size_t i = 0; i < bytes; i++)
        NEED(buffer[i] == (uint8_t)(first + i));
    return code;
}

static int allreduce(struct ffmk_across *across, uint64_t *state, uint32_t *in, uint32_t *out)
{
    struct ffmk_across_operation operation;
    unsigned char contributors[PROCESSES];
    const struct ffmk_reduction reduction = {
        .n = draw_bytes(state) % MOST_SUMS, .element_bytes = sizeof *in, .combine = sum};
    for (size_t i = 0; i < reduction.n; i++)
        in[i] = (uint32_t)(i << (4 * node.me));
    ffmk_across_allreduce_start(across, &operation, &manner, &reduction, false, in, out,
                                contributors);
    const int code = ffmk_across_wait(across, &operation);
    for (uint32_t i = 0; i < reduction.n; i++)
        NEED(out[i] == i + (i << 4) + (i << 8));
    return code;
}

static void *operate(void *argument)
{
    const uint32_t number = *(uint32_t *)argument;
    struct ffmk_across_card cards[PROCESSES] = {0};
    struct ffmk_across *across;
    uint8_t *buffer = malloc(MOST_BYTES);
    uint32_t *sums = malloc(2 * MOST_SUMS * sizeof *sums);
    uint64_t state = 4711 + number;
    uint64_t own = state + 100 * (uint64_t)node.me;
    for (int i = 0; i < PROCESSES; i++) {
        cards[i].card = shared->card[i];
        cards[i].host = 1 + (uint64_t)i;
    }
    NEED(buffer && sums);
    NEED(ffmk_across_create(node.endpoint, 100 + number, cards, PROCESSES, (size_t)node.me, true,
                            &across) == FFMK_SUCCESS);
    add(&shared->stage[2 + number]);
    while (load(&shared->stage[2 + number]) < PROCESSES)
        usleep(200);
    for (int i = 0; i < OPERATIONS; i++) {
        struct ffmk_across_operation operation;
        switch (ffmk_rng_below(&state, 5)) {
        case 0:
            ffmk_across_barrier_start(across, &operation, &manner);
            NEED(ffmk_across_wait(across, &operation) == FFMK_SUCCESS);
            break;
        case 1:
            NEED(allreduce(across, &state, sums, sums + MOST_SUMS) == FFMK_SUCCESS);
            break;
        default:
            NEED(bcast(across, &state, buffer) == FFMK_SUCCESS);
        }
        if (ffmk_rng_below(&own, 10) == 0)
            usleep((useconds_t)ffmk_rng_below(&own, 5000));
    }
    ffmk_across_destroy(across);
    free(buffer);
    free(sums);
    return NULL;
}

static void operate_in_threads(void)
{
    static const uint32_t numbers[THREADS] = {0, 1, 2};
    pthread_t threads[THREADS];
    open_node(30000 * ms, 0.02);
    for (int i = 0; i < THREADS; i++)
        NEED(pthread_create(&threads[i], NULL, operate, (void *)(uintptr_t)&numbers[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ffmk_across_settle(node.endpoint);
    close_node();
}

START_TEST(threads_operate_at_once)
{
    run(PROCESSES, operate_in_threads);
}
END_TEST

CASES("across_threads", threads_operate_at_once)
