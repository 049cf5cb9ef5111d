/* SPDX-License-Identifier: BSD-3-Clause
 * What is kept of many durations: sum, largest, and a histogram by powers of
 * two, whose buckets also say how many there were. */
#ifndef FFMK_CORE_STATS_H
#define FFMK_CORE_STATS_H

#include <stdint.h>

enum {
    FFMK_STAT_BUCKETS = 32,
    /** Bucket b holds durations below 2^(b + FFMK_STAT_FIRST + 1) ticks: 32 ticks to 2^36, half a
       minute. */
    FFMK_STAT_FIRST = 4
};

struct ffmk_stat {
    uint64_t ticks;
    uint64_t max_ticks;
    uint64_t usual_ticks; /* a shorter one is neither the longest nor for the last bucket */
    uint64_t bytes;
    uint64_t histogram[FFMK_STAT_BUCKETS];
};

/** Where the last bucket begins. */
#define FFMK_STAT_LAST (UINT64_C(1) << (FFMK_STAT_FIRST + FFMK_STAT_BUCKETS - 1))

/** Of a duration before the last bucket. Or-ing in the lowest bucket's bit saves both the zero case
 * and the lower clamp. */
static inline unsigned ffmk_stat_bucket_usual(uint64_t ticks)
{
    return ((unsigned)__builtin_clzll(ticks | (1u << FFMK_STAT_FIRST)) ^ 63u) - FFMK_STAT_FIRST;
}

static inline unsigned ffmk_stat_bucket(uint64_t ticks)
{
    return ticks < FFMK_STAT_LAST ? ffmk_stat_bucket_usual(ticks) : FFMK_STAT_BUCKETS - 1;
}

/** One more duration, any. */
static inline void ffmk_stat_add(struct ffmk_stat *stat, uint64_t ticks, uint64_t bytes)
{
    stat->ticks += ticks;
    stat->bytes += bytes;
    stat->histogram[ffmk_stat_bucket(ticks)]++;
    if (ticks > stat->max_ticks) {
        stat->max_ticks = ticks;
        stat->usual_ticks = ticks < FFMK_STAT_LAST ? ticks : FFMK_STAT_LAST;
    }
}

/** The same for one below usual_ticks, in two parts that may be done apart: this is the sums', … */
static inline void ffmk_stat_sum_usual(struct ffmk_stat *stat, uint64_t ticks, uint64_t bytes)
{
    stat->ticks += ticks;
    stat->bytes += bytes;
}

/** … and this the histogram's. */
static inline void ffmk_stat_tally_usual(struct ffmk_stat *stat, uint64_t ticks)
{
    stat->histogram[ffmk_stat_bucket_usual(ticks)]++;
}

static inline uint64_t ffmk_stat_count(const struct ffmk_stat *stat)
{
    uint64_t count = 0;
    for (int b = 0; b < FFMK_STAT_BUCKETS; b++)
        count += stat->histogram[b];
    return count;
}

static inline void ffmk_stat_merge(struct ffmk_stat *into, const struct ffmk_stat *from)
{
    into->ticks += from->ticks;
    into->bytes += from->bytes;
    if (from->max_ticks > into->max_ticks)
        into->max_ticks = from->max_ticks;
    for (int b = 0; b < FFMK_STAT_BUCKETS; b++)
        into->histogram[b] += from->histogram[b];
}

#endif
