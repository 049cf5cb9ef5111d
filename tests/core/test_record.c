/* SPDX-License-Identifier: BSD-3-Clause
 * The report, made while threads go on. */
#include "pmpi/record.h"

#include "cases.h"
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 20, REGIONS = 100, CALLS = 6, LINE = 64, PERTURB = 0x5a };
static const struct ffmk_engine_job job = {.ranks_per_bin = 1};

/* Calls that this thread is about to make, and has made. */
static atomic_ulong begun;
static atomic_ulong made;
static atomic_bool is_over;

static struct ffmk_recorder *record(void)
{
    struct ffmk_recorder *recorder = ffmk_recorder_create(&job, LINE);
    ck_assert_ptr_nonnull(recorder);
    ffmk_recorder_attach(recorder);
    return recorder;
}

static bool sum(struct ffmk_recorder *mine, double ns_per_tick, struct ffmk_snapshot *snapshot)
{
    ffmk_recorders_hold();
    const bool all = ffmk_recorder_snapshot(mine, ns_per_tick, ffmk_clock_ticks(), snapshot);
    ffmk_recorders_let_go();
    return all;
}

static void forget(struct ffmk_snapshot *snapshot)
{
    free(snapshot->calls);
    free(snapshot->regions);
    free(snapshot->lanes);
    free(snapshot->intervals);
}

/* All that it records into grows: regions, and calls within them. */
static void *grow(void *unused)
{
    struct ffmk_recorder *recorder = record();
    for (int r = 0; r < REGIONS; r++) {
        char name[32];
        snprintf(name, sizeof name, "region %d", r);
        ffmk_recorder_region_begin(recorder, name);
        for (unsigned door = 1; door <= CALLS; door++) {
            const uint64_t now = ffmk_clock_ticks();
            atomic_fetch_add(&begun, 1);
            ffmk_recorder_charge(recorder, door, false, now, now + 1, 1);
            atomic_fetch_add(&made, 1);
        }
        ffmk_recorder_region_end(recorder, name);
    }
    is_over = true;
    return unused;
}

START_TEST(a_report_is_whole_while_other_threads_grow)
{
    pthread_t thread;
    unsigned long reports = 0;
    mallopt(M_PERTURB, PERTURB); /* what is freed reads as nonsense */
    ffmk_clock_choose();
    struct ffmk_recorder *mine = record();
    for (int round = 0; round < ROUNDS; round++) {
        is_over = false;
        ck_assert_int_eq(pthread_create(&thread, NULL, grow, NULL), 0);
        do {
            struct ffmk_snapshot snapshot = {0};
            const unsigned long least = made;
            ck_assert(sum(mine, 1, &snapshot));
            const unsigned long most = begun;
            ck_assert_uint_ge(snapshot.all_calls, least);
            ck_assert_uint_le(snapshot.all_calls, most);
            uint64_t bytes = 0;
            for (size_t c = 0; c < snapshot.n_calls; c++)
                bytes += snapshot.calls[c].stat.bytes;
            ck_assert_uint_eq(bytes, snapshot.all_calls);
            forget(&snapshot);
            reports++;
        } while (!is_over);
        pthread_join(thread, NULL);
    }
    ck_assert_uint_gt(reports, ROUNDS);
}
END_TEST

static void add_line(const struct ffmk_snapshot *snapshot, struct ffmk_interval *sum)
{
    for (size_t i = 0; i < snapshot->n_intervals; i++) {
        sum->mpi_ticks += snapshot->intervals[i].mpi_ticks;
        sum->wait_ticks += snapshot->intervals[i].wait_ticks;
    }
}

START_TEST(a_report_stays_as_it_is)
{
    enum { TICKS = 1000, LANE = 0 };
    static const struct ffmk_engine_job matrix = {.ranks_per_bin = 1, .bins = 1};
    ffmk_clock_choose();
    struct ffmk_recorder *mine = ffmk_recorder_create(&matrix, LINE);
    ck_assert_ptr_nonnull(mine);
    ffmk_recorder_attach(mine);
    const uint64_t now = ffmk_clock_ticks();
    ffmk_recorder_charge(mine, 1, true, now, now + TICKS, 1);
    mine->lanes[LANE].messages = 1;
    while (ffmk_clock_ticks() < now + TICKS)
        ;
    struct ffmk_snapshot snapshot = {.n_lanes = 1};
    ck_assert(sum(mine, 1, &snapshot));
    /* So long that the line is folded together again and again. */
    ffmk_recorder_charge(mine, 1, true, now, now + (UINT64_C(1) << 40), 1);
    mine->lanes[LANE].messages = 2;
    struct ffmk_interval whole = {0, 0};
    add_line(&snapshot, &whole);
    ck_assert_uint_eq(whole.mpi_ticks, TICKS);
    ck_assert_uint_eq(whole.wait_ticks, TICKS);
    ck_assert_uint_eq(snapshot.mpi_ns, TICKS);
    ck_assert_uint_eq(snapshot.lanes[LANE].messages, 1);
    forget(&snapshot);
}
END_TEST

/* A call in each of many intervals, none of them a whole number of nanoseconds. */
START_TEST(the_time_line_and_the_calls_take_the_same_time)
{
    enum { TICKS = 1001 };
    static const double ns_per_tick = 0.4;
    ffmk_clock_choose();
    struct ffmk_recorder *mine = record();
    struct ffmk_snapshot snapshot = {0};
    unsigned door = 0; /* of a call that counts */
    while (ffmk_door_begins(door))
        door++;
    for (uint32_t i = 0; i < LINE; i++) {
        const uint64_t start = mine->origin + ((uint64_t)i << mine->line_shift);
        while (ffmk_clock_ticks() < start + TICKS)
            ;
        ffmk_recorder_charge(mine, door, true, start, start + TICKS, 1);
    }
    ck_assert(sum(mine, ns_per_tick, &snapshot));
    ck_assert_uint_eq(snapshot.regions[0].main_mpi_ns, snapshot.mpi_ns);
    ck_assert_uint_eq(snapshot.mpi_ns, (uint64_t)(LINE * TICKS * ns_per_tick));
    ck_assert_uint_eq(snapshot.wait_ns, snapshot.mpi_ns);
    forget(&snapshot);
}
END_TEST

/* A signal's handler ends the process in the midst of a charge. Check's limit tells of a wait. */
START_TEST(a_report_does_not_wait_for_its_own_thread)
{
    ffmk_clock_choose();
    struct ffmk_recorder *mine = record();
    struct ffmk_snapshot snapshot = {0};
    pthread_mutex_lock(&mine->lock);
    ck_assert(sum(mine, 1, &snapshot));
    pthread_mutex_unlock(&mine->lock);
    forget(&snapshot);
}
END_TEST

/* More rows than a recorder keeps apart: what has none is said to be lost. */
START_TEST(no_call_is_lost_in_silence)
{
    enum { MANY_REGIONS = 1000, MANY_CALLS = 70, PLACES = UINT16_MAX - 1 };
    ffmk_clock_choose();
    struct ffmk_recorder *mine = record();
    struct ffmk_snapshot snapshot = {0};
    for (int r = 0; r < MANY_REGIONS; r++) {
        char name[32];
        snprintf(name, sizeof name, "region %d", r);
        ck_assert_int_eq(ffmk_recorder_region_begin(mine, name), FFMK_SUCCESS);
        const uint64_t now = ffmk_clock_ticks();
        for (unsigned call = 0; call < MANY_CALLS; call++)
            ffmk_recorder_charge(mine, FFMK_BINDINGS * (10 + call), false, now, now, 0);
        ck_assert_int_eq(ffmk_recorder_region_end(mine, name), FFMK_SUCCESS);
    }
    ck_assert(!sum(mine, 1, &snapshot));
    ck_assert_uint_eq(snapshot.all_calls + snapshot.lost_calls, MANY_REGIONS * MANY_CALLS);
    ck_assert_uint_ge(snapshot.all_calls, PLACES - 1);
    forget(&snapshot);
}
END_TEST

CASES("record", a_report_is_whole_while_other_threads_grow, a_report_stays_as_it_is,
      the_time_line_and_the_calls_take_the_same_time, a_report_does_not_wait_for_its_own_thread,
      no_call_is_lost_in_silence)
