/* SPDX-License-Identifier: BSD-3-Clause
 * Shift tables. */
#include "gossip/schedule.h"

#include "core/rng.h"

#include <ffmk.h>
#include <stdlib.h>

/* R(t) for t = 0, 1, …: the last k of them are all that the next one needs. */
struct growth {
    uint32_t hop;
    uint32_t t;
    uint64_t last[FFMK_SCHEDULE_MAX_HOP]; /* R(t - 1), … by t modulo k */
};

static uint64_t grow(struct growth *growth)
{
    uint32_t t = growth->t++;
    uint32_t place = t % growth->hop;
    uint64_t before = t > 0 ? growth->last[(t - 1) % growth->hop] : 0;
    uint64_t value = t < growth->hop ? 1 : before + growth->last[place];
    growth->last[place] = value;
    return value;
}

uint32_t ffmk_schedule_tree_rounds(uint32_t nodes, uint32_t hop)
{
    /* What is sent in slots 0 … T - 1 has coloured R(T + k - 1) nodes. */
    struct growth growth = {.hop = hop};
    for (uint32_t t = 0; t < hop - 1; t++)
        grow(&growth);
    uint32_t rounds = 0;
    while (grow(&growth) < nodes)
        rounds++;
    return rounds;
}

static void fill(struct ffmk_schedule *schedule)
{
    struct growth growth = {.hop = schedule->hop};
    uint64_t random = schedule->seed;
    for (uint32_t t = 0; t < schedule->hop - 1; t++)
        grow(&growth);
    for (uint32_t t = 0; t < schedule->rounds; t++) {
        if (t < schedule->tree)
            schedule->shift[t] = (uint32_t)grow(&growth);
        else
            schedule->shift[t] = 1 + (uint32_t)ffmk_rng_below(&random, schedule->nodes - 1);
    }
}

int ffmk_schedule_create(struct ffmk_schedule *schedule, enum ffmk_schedule_table table,
                         uint32_t nodes, uint32_t hop, uint32_t rounds, bool wraps, uint64_t seed)
{
    if (nodes < 1 || nodes > FFMK_SCHEDULE_MAX_NODES || hop < 1 || hop > FFMK_SCHEDULE_MAX_HOP ||
        rounds > FFMK_SCHEDULE_MAX_ROUNDS)
        return FFMK_ERR_ARGUMENT;
    *schedule = (struct ffmk_schedule){
        .table = table,
        .nodes = nodes,
        .rounds = nodes > 1 ? rounds : 0,
        .hop = hop,
        .wraps = wraps,
        .seed = seed,
    };
    if (table == FFMK_SCHEDULE_CIRCULANT) {
        schedule->tree = ffmk_schedule_tree_rounds(nodes, hop);
        schedule->shift = malloc((schedule->rounds + 1) * sizeof *schedule->shift);
        if (!schedule->shift)
            return FFMK_ERR_NO_MEMORY;
        fill(schedule);
    }
    return FFMK_SUCCESS;
}

void ffmk_schedule_destroy(struct ffmk_schedule *schedule)
{
    free(schedule->shift);
    schedule->shift = NULL;
}

static uint32_t random_target(const struct ffmk_schedule *schedule, uint32_t me, uint32_t slot)
{
    uint64_t stream = ffmk_rng_mix(schedule->seed ^ ((uint64_t)slot << 32 | me));
    uint64_t shift = 1 + ffmk_rng_below(&stream, schedule->nodes - 1);
    return (uint32_t)((me + shift) % schedule->nodes);
}

uint32_t ffmk_schedule_target(const struct ffmk_schedule *schedule, uint32_t me, uint32_t slot)
{
    if (schedule->table == FFMK_SCHEDULE_GOSSIP)
        return random_target(schedule, me, slot);
    uint64_t target = (uint64_t)me + schedule->shift[slot];
    if (target < schedule->nodes)
        return (uint32_t)target;
    if (slot < schedule->tree && !schedule->wraps)
        return me;
    return (uint32_t)(target % schedule->nodes);
}
