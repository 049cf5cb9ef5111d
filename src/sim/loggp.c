/* SPDX-License-Identifier: BSD-3-Clause
 * Clocks of the nodes, and letters under way in a radix heap (Ahuja and others 1990): time never
 * goes back, so the next letters are found by the highest bit in which their time differs from the
 * last. A heap of a million letters would be one cache miss a level; here they are moved in bulk.
 * Letters of the same time stay in the order in which they were sent. */
#include "sim/loggp.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 65 };

/* Room for so many events is kept where there are none at the moment. */
enum { KEPT = 1 << 16 };

static const struct ffmk_loggp_named named[] = {
    {"infiniband",
     {3200, 1100, 1080, 0.5},
     "Tukey (Argonne, InfiniBand, MVAPICH), by Netgauge: tests/conf/ng-mpi-tukey.dat of "
     "github.com/codes-org/codes; L is half a round trip, 5.4 us, less 2 o"},
    {"aries",
     {480, 350, 700, 0.1},
     "Cray Aries, Open MPI: osu_latency (Trinitite, Los Alamos) 1.18 us, osu_mbw_mr 1.43 million "
     "messages/s and 9.96 GB/s a pair, gist.github.com/hppritcha; o taken as g / 2"},
};

const struct ffmk_loggp_named *ffmk_loggp_named(size_t i)
{
    return i < sizeof named / sizeof named[0] ? &named[i] : NULL;
}

struct clock {
    uint64_t processor, out, in; /* free from then on, in picoseconds */
    uint32_t chain;
};

struct event {
    uint64_t at;
    struct ffmk_loggp_letter letter;
};

struct ffmk_loggp {
    uint64_t wire, overhead, gap;
    double byte;
    uint64_t last; /* no event is earlier */
    struct bucket {
        struct event *events;
        size_t n, capacity;
        size_t taken; /* of bucket 0 */
    } buckets[BUCKETS];
    struct clock clocks[];
};

static uint64_t picoseconds(double ns)
{
    return (uint64_t)(ns * 1000 + 0.5);
}

struct ffmk_loggp *ffmk_loggp_create(uint32_t nodes, const struct ffmk_loggp_times *times)
{
    struct ffmk_loggp *loggp = calloc(1, sizeof *loggp + nodes * sizeof *loggp->clocks);
    if (!loggp)
        return NULL;
    loggp->wire = picoseconds(times->wire_ns);
    loggp->overhead = picoseconds(times->overhead_ns);
    loggp->gap = picoseconds(times->gap_ns);
    loggp->byte = times->byte_ns * 1000;
    return loggp;
}

void ffmk_loggp_destroy(struct ffmk_loggp *loggp)
{
    for (int b = 0; loggp && b < BUCKETS; b++) {
        struct bucket *bucket = &loggp->buckets[b];
        for (size_t e = bucket->taken; e < bucket->n; e++)
            free(bucket->events[e].letter.data);
        free(bucket->events);
    }
    free(loggp);
}

/* 0 for what is now, else 1 + the highest bit in which it differs. */
static int bucket_of(const struct ffmk_loggp *loggp, uint64_t at)
{
    const uint64_t difference = at ^ loggp->last;
    return difference ? 64 - __builtin_clzll(difference) : 0;
}

static bool put(struct ffmk_loggp *loggp, const struct event *event)
{
    struct bucket *bucket = &loggp->buckets[bucket_of(loggp, event->at)];
    if (bucket->n == bucket->capacity) {
        const size_t capacity = bucket->capacity + bucket->capacity / 2 + 64;
        struct event *events = realloc(bucket->events, capacity * sizeof *events);
        if (!events)
            return false;
        bucket->events = events;
        bucket->capacity = capacity;
    }
    bucket->events[bucket->n++] = *event;
    return true;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* How long the bytes behind the first take. */
static uint64_t tail(const struct ffmk_loggp *loggp, uint32_t bytes)
{
    return bytes > 1 ? (uint64_t)(loggp->byte * (bytes - 1)) : 0;
}

bool ffmk_loggp_send(struct ffmk_loggp *loggp, const struct ffmk_loggp_letter *letter)
{
    struct clock *clock = &loggp->clocks[letter->from];
    const uint64_t start = later(clock->processor, clock->out);
    clock->processor = start + loggp->overhead;
    clock->out = start + loggp->gap + tail(loggp, letter->bytes);
    struct event event = {.at = start + loggp->overhead + loggp->wire, .letter = *letter};
    event.letter.chain = clock->chain + 1;
    return put(loggp, &event);
}

/* Fill bucket 0 from the first that has any. The lower buckets are empty and all of its events
 * belong there then. */
static bool refill(struct ffmk_loggp *loggp)
{
    struct bucket *now = &loggp->buckets[0];
    now->n = now->taken = 0;
    int b = 1;
    while (b < BUCKETS && loggp->buckets[b].n == 0)
        b++;
    if (b == BUCKETS)
        return false;
    struct bucket bucket = loggp->buckets[b];
    loggp->buckets[b] = (struct bucket){0};
    uint64_t first = UINT64_MAX;
    for (size_t e = 0; e < bucket.n; e++)
        first = bucket.events[e].at < first ? bucket.events[e].at : first;
    loggp->last = first;
    bool good = true;
    for (size_t e = 0; e < bucket.n; e++)
        if (!put(loggp, &bucket.events[e])) {
            free(bucket.events[e].letter.data);
            good = false;
        }
    if (loggp->buckets[b].events || bucket.capacity > KEPT) /* none there: all went lower */
        free(bucket.events);
    else
        loggp->buckets[b] = (struct bucket){.events = bucket.events, .capacity = bucket.capacity};
    return good;
}

bool ffmk_loggp_next(struct ffmk_loggp *loggp, struct ffmk_loggp_letter *letter)
{
    struct bucket *now = &loggp->buckets[0];
    if (now->taken == now->n && !refill(loggp))
        return false;
    const struct event *event = &now->events[now->taken++];
    struct clock *clock = &loggp->clocks[event->letter.to];
    const uint64_t bytes = tail(loggp, event->letter.bytes);
    const uint64_t begun = later(event->at, clock->in);
    clock->in = begun + loggp->gap + bytes;
    clock->processor = later(begun + bytes, clock->processor) + loggp->overhead;
    clock->chain = event->letter.chain > clock->chain ? event->letter.chain : clock->chain;
    *letter = event->letter;
    return true;
}

void ffmk_loggp_compute(struct ffmk_loggp *loggp, uint32_t node, double ns)
{
    loggp->clocks[node].processor += picoseconds(ns);
}

double ffmk_loggp_now_ns(const struct ffmk_loggp *loggp, uint32_t node)
{
    return (double)loggp->clocks[node].processor / 1000;
}

uint32_t ffmk_loggp_chain(const struct ffmk_loggp *loggp, uint32_t node)
{
    return loggp->clocks[node].chain;
}
