/* SPDX-License-Identifier: BSD-3-Clause
 * The recorders of threads that go on while the report is made. */
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
            ck_assert(ffmk_recorder_snapshot(mine, 1, &snapshot));
            const unsigned long most = begun;
            ck_assert_uint_ge(snapshot.all_calls, least);
            ck_assert_uint_le(snapshot.all_calls, most);
            uint64_t bytes = 0;
            for (size_t c = 0; c < snapshot.n_calls; c++)
                bytes += snapshot.calls[c].stat.bytes;
            ck_assert_uint_eq(bytes, snapshot.all_calls);
            free(snapshot.calls);
            free(snapshot.regions);
            free(snapshot.lanes);
            free(snapshot.intervals);
            reports++;
        } while (!is_over);
        pthread_join(thread, NULL);
    }
    ck_assert_uint_gt(reports, ROUNDS);
}
END_TEST

CASES("record", a_report_is_whole_while_other_threads_grow)
