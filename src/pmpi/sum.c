/* SPDX-License-Identifier: BSD-3-Clause
 * The sum of what all threads recorded. */
#include "pmpi/record_inside.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool holds_lists;

static bool hold(pthread_mutex_t *lock, const struct timespec *until)
{
    return pthread_mutex_timedlock(lock, until) == 0;
}

void ffmk_recorders_hold(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    holds_lists = hold(&ffmk_record_lists, &until);
    for (struct ffmk_recorder *r = ffmk_recorders; r; r = r->next)
        r->held = r != ffmk_thread.recorder && hold(&r->lock, &until);
}

void ffmk_recorders_let_go(void)
{
    for (struct ffmk_recorder *r = ffmk_recorders; r; r = r->next) {
        if (r->held)
            pthread_mutex_unlock(&r->lock);
        r->held = false;
    }
    if (holds_lists)
        pthread_mutex_unlock(&ffmk_record_lists);
    holds_lists = false;
}

static bool is_ours(const struct ffmk_recorder *recorder)
{
    return recorder->held || recorder == ffmk_thread.recorder;
}

struct sum {
    struct ffmk_snapshot *snapshot;
    struct ffmk_recorder *main_thread;
    double ns_per_tick;
    uint64_t now;
    uint32_t *call_row;   /* [region][door] row of the call + 1 */
    uint32_t *region_row; /* [region] + 1 */
    size_t calls_room;
};

static uint64_t to_ns(double ns_per_tick, uint64_t ticks)
{
    return (uint64_t)((double)ticks * ns_per_tick);
}

static struct ffmk_snapshot_region *region_row(struct sum *sum, uint32_t region)
{
    struct ffmk_snapshot *snapshot = sum->snapshot;
    if (sum->region_row[region] == 0) {
        snapshot->regions[snapshot->n_regions].name = ffmk_region_names[region];
        sum->region_row[region] = (uint32_t)++snapshot->n_regions;
    }
    return &snapshot->regions[sum->region_row[region] - 1];
}

static struct ffmk_snapshot_call *call_row(struct sum *sum, uint32_t region_index, unsigned door)
{
    struct ffmk_snapshot *snapshot = sum->snapshot;
    uint32_t *row = &sum->call_row[(size_t)region_index * FFMK_DOORS + door];
    if (*row == 0) {
        if (snapshot->n_calls == sum->calls_room) {
            const size_t room = sum->calls_room ? 2 * sum->calls_room : 64;
            struct ffmk_snapshot_call *calls = realloc(snapshot->calls, room * sizeof *calls);
            if (!calls)
                return NULL;
            snapshot->calls = calls;
            sum->calls_room = room;
        }
        const enum ffmk_call call = (enum ffmk_call)(door / FFMK_BINDINGS);
        snapshot->calls[snapshot->n_calls] = (struct ffmk_snapshot_call){
            .name = ffmk_call_name(call),
            .class_name = ffmk_call_class(call),
            .binding = (enum ffmk_binding)(door % FFMK_BINDINGS),
            .region = region_index,
        };
        *row = (uint32_t)++snapshot->n_calls;
    }
    return &snapshot->calls[*row - 1];
}

/* Other threads go on meanwhile. */
static uint64_t until_now(const struct sum *sum, uint64_t since)
{
    return sum->now > since ? sum->now - since : 0;
}

static bool sum_book(struct sum *sum, const struct ffmk_recorder *recorder, uint32_t index)
{
    const bool is_main = recorder == sum->main_thread;
    const struct ffmk_region_book *book = &recorder->books[index];
    uint64_t exclusive = book->exclusive_ticks;
    uint64_t inclusive = book->inclusive_ticks;
    if (index == recorder->current_book && !recorder->idle)
        exclusive += until_now(sum, recorder->since);
    if ((index == 0 && !recorder->idle) || book->open)
        inclusive += until_now(sum, book->begun);

    struct ffmk_snapshot_region *region = region_row(sum, book->region);
    const uint32_t region_index = (uint32_t)(region - sum->snapshot->regions);
    uint64_t mpi_ticks = 0;
    for (unsigned door = 0; door < FFMK_DOORS; door++) {
        if (book->slots[door] == 0)
            continue;
        const struct ffmk_stat *stat = &recorder->stats[book->slots[door]];
        struct ffmk_snapshot_call *call = call_row(sum, region_index, door);
        if (!call)
            return false;
        ffmk_stat_merge(&call->stat, stat);
        const uint64_t count = ffmk_stat_count(stat);
        sum->snapshot->all_calls += count;
        if (is_main)
            region->main_calls += count;
        if (!ffmk_door_begins(door))
            mpi_ticks += stat->ticks;
    }
    region->count += book->count;
    region->inclusive_ns += to_ns(sum->ns_per_tick, inclusive);
    region->exclusive_ns += to_ns(sum->ns_per_tick, exclusive);
    region->mpi_ns += to_ns(sum->ns_per_tick, mpi_ticks);
    if (is_main) {
        region->main_exclusive_ns = to_ns(sum->ns_per_tick, exclusive);
        region->main_mpi_ns = to_ns(sum->ns_per_tick, mpi_ticks);
        sum->snapshot->main_calls += region->main_calls;
    }
    return true;
}

static uint64_t recorder_bytes(const struct ffmk_recorder *recorder, size_t lanes)
{
    return sizeof *recorder + recorder->line_length * sizeof *recorder->line +
           recorder->stats_room * sizeof *recorder->stats +
           recorder->books_room * sizeof *recorder->books + lanes * sizeof *recorder->lanes;
}

static bool sum_recorder(struct sum *sum, struct ffmk_recorder *recorder)
{
    struct ffmk_snapshot *const snapshot = sum->snapshot;
    bool complete = true;
    ffmk_recorder_charge_late(recorder);
    ffmk_recorder_tally(recorder);
    recorder->last = recorder->stats;
    for (uint32_t b = 0; complete && b < recorder->books_used; b++)
        complete = sum_book(sum, recorder, b);
    snapshot->recorder_bytes += recorder_bytes(recorder, snapshot->n_lanes);
    snapshot->threads += recorder->threads;
    snapshot->lost_calls += recorder->lost;
    for (size_t i = 0; i < snapshot->n_lanes; i++) {
        snapshot->lanes[i].messages += recorder->lanes[i].messages;
        snapshot->lanes[i].bytes += recorder->lanes[i].bytes;
    }
    return complete;
}

/* The line is made to reach the end, also when the last calls lie far back. */
static bool sum_line(const struct sum *sum)
{
    struct ffmk_recorder *const recorder = sum->main_thread;
    struct ffmk_snapshot *const snapshot = sum->snapshot;
    const uint64_t elapsed = until_now(sum, recorder->origin);
    snapshot->elapsed_ns = to_ns(sum->ns_per_tick, elapsed);
    snapshot->interval_ticks = UINT64_C(1) << recorder->line_shift;
    if (!is_ours(recorder))
        return false;
    ffmk_recorder_reach(recorder, recorder->origin + elapsed);
    const size_t n = (size_t)(elapsed >> recorder->line_shift) + 1;
    snapshot->intervals = malloc(n * sizeof *snapshot->intervals);
    snapshot->n_intervals = snapshot->intervals ? n : 0;
    if (snapshot->intervals)
        memcpy(snapshot->intervals, recorder->line, n * sizeof *snapshot->intervals);
    snapshot->interval_ticks = UINT64_C(1) << recorder->line_shift; /* of a longer line, perhaps */
    uint64_t mpi_ticks = 0;
    uint64_t wait_ticks = 0;
    for (size_t i = 0; i < snapshot->n_intervals; i++) {
        mpi_ticks += snapshot->intervals[i].mpi_ticks;
        wait_ticks += snapshot->intervals[i].wait_ticks;
    }
    snapshot->mpi_ns = to_ns(sum->ns_per_tick, mpi_ticks);
    snapshot->wait_ns = to_ns(sum->ns_per_tick, wait_ticks);
    return snapshot->intervals != NULL;
}

uint64_t ffmk_recorder_useful(const struct ffmk_recorder *recorder, uint64_t until)
{
    const uint64_t end = recorder->paused_at ? recorder->paused_at : until;
    uint64_t used = recorder->going_ticks + recorder->waiting_ticks;
    if (recorder->late.door)
        used += recorder->late.ticks;
    for (uint32_t i = 0; i < recorder->line_length; i++)
        used += recorder->line[i].mpi_ticks;
    used += recorder->origin;
    return end > used ? end - used : 0;
}

static bool make_sum(struct sum *sum)
{
    struct ffmk_snapshot *const snapshot = sum->snapshot;
    sum->call_row = calloc((size_t)ffmk_region_names_used * FFMK_DOORS, sizeof *sum->call_row);
    sum->region_row = calloc(ffmk_region_names_used, sizeof *sum->region_row);
    snapshot->regions = calloc(ffmk_region_names_used, sizeof *snapshot->regions);
    snapshot->lanes = calloc(snapshot->n_lanes + 1, sizeof *snapshot->lanes);
    if (!snapshot->lanes)
        snapshot->n_lanes = 0;
    return sum->call_row && sum->region_row && snapshot->regions && snapshot->lanes;
}

bool ffmk_recorder_snapshot(struct ffmk_recorder *main_thread, double ns_per_tick, uint64_t now,
                            struct ffmk_snapshot *snapshot)
{
    struct sum sum = {
        .snapshot = snapshot, .main_thread = main_thread, .ns_per_tick = ns_per_tick, .now = now};
    if (is_ours(main_thread))
        ffmk_recorder_pause_or_resume(main_thread, false, now);
    bool complete = make_sum(&sum);
    bool all = true;
    for (struct ffmk_recorder *r = ffmk_recorders; complete && r; r = r->next) {
        if (is_ours(r))
            complete = sum_recorder(&sum, r);
        else
            all = false;
    }
    free(sum.call_row);
    free(sum.region_row);
    return sum_line(&sum) && complete && all && snapshot->lost_calls == 0;
}
