/* SPDX-License-Identifier: BSD-3-Clause
 * Counts and clocks between a balancer and MPI, and between our library and malloc. A thread that
 * polls waits, too: its time from a poll that brought nothing to the end of the next one counts.
 * A look at the clock is a system call that costs about a microsecond where a call into MPI costs
 * not much more, so it is measured and taken off. */
#include "meter.h"

#include "heap.h"

#include <mpi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum kind { SENDS, SENDS_AND_WAITS, WAITS, POLLS, MEETS, STARTS };

/* A balancer may have threads of its own (Scotch has). */
static atomic_bool on;
static atomic_uint_fast64_t messages, collectives, waited_ns;
static _Thread_local uint64_t fruitless; /* when the last call ended, if it was such a poll */
static uint64_t look_ns;                 /* of CPU time that a look at its clock takes */

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static uint64_t price_of_looking(void)
{
    enum { LOOKS = 101 };
    uint64_t took[LOOKS];
    for (int i = 0; i < LOOKS; i++) {
        const uint64_t begun = now(CLOCK_THREAD_CPUTIME_ID);
        took[i] = now(CLOCK_THREAD_CPUTIME_ID) - begun;
    }
    qsort(took, LOOKS, sizeof *took, compare);
    return took[LOOKS / 2];
}

static bool waits(enum kind kind)
{
    return kind != SENDS && kind != STARTS;
}

static uint64_t enter(enum kind kind)
{
    if (!on)
        return 0;
    if (kind <= SENDS_AND_WAITS)
        messages++;
    if (kind >= MEETS)
        collectives++;
    const uint64_t since = kind == POLLS ? fruitless : 0;
    fruitless = 0;
    if (since || !waits(kind))
        return since;
    waited_ns += look_ns; /* half of this look, and half of the one that ends the wait */
    return now(CLOCK_THREAD_CPUTIME_ID);
}

static void leave(uint64_t since, bool fruitful)
{
    if (!since)
        return;
    const uint64_t end = now(CLOCK_THREAD_CPUTIME_ID);
    waited_ns += end - since;
    fruitless = fruitful ? 0 : end;
}

#define CALL(kind, name, parameters, arguments, fruitful)                                          \
    int __real_PMPI_##name parameters;                                                             \
    int __wrap_PMPI_##name parameters;                                                             \
    int __wrap_PMPI_##name parameters                                                              \
    {                                                                                              \
        const uint64_t since = enter(kind);                                                        \
        const int code = __real_PMPI_##name arguments;                                             \
        leave(since, fruitful);                                                                    \
        return code;                                                                               \
    }                                                                                              \
    int MPI_##name parameters                                                                      \
    {                                                                                              \
        return __wrap_PMPI_##name arguments;                                                       \
    }
#include "meter.def"

void meter_begin(struct meter *meter)
{
    if (!look_ns)
        look_ns = price_of_looking();
    messages = collectives = waited_ns = 0;
    fruitless = 0;
    heap_most = heap;
    on = true;
    *meter = (struct meter){.wall_s = (double)now(CLOCK_MONOTONIC),
                            .cpu_s = (double)now(CLOCK_PROCESS_CPUTIME_ID),
                            .heap_bytes = (double)heap};
}

void meter_end(struct meter *meter)
{
    meter->cpu_s = 1e-9 * ((double)now(CLOCK_PROCESS_CPUTIME_ID) - meter->cpu_s);
    meter->wall_s = 1e-9 * ((double)now(CLOCK_MONOTONIC) - meter->wall_s);
    on = false;
    meter->waited_s = 1e-9 * (double)waited_ns;
    meter->messages = (double)messages;
    meter->collectives = (double)collectives;
    meter->heap_bytes = (double)heap_most - meter->heap_bytes;
}
