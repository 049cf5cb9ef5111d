/* SPDX-License-Identifier: BSD-3-Clause
 * Efficiencies worked out by hand, on one host and on two, and with ranks that did nothing useful.
 */
#include "job/metrics.h"

#include "cases.h"
#include <math.h>
#include <stdio.h>

enum { MOST = 8 };
static struct ffmk_rank_record records[MOST];
static struct ffmk_snapshot_region program[MOST];

/* A rank that was `elapsed` seconds in the run and `mpi` of them in MPI. */
static void rank_is(int rank, const char *host, double elapsed, double mpi)
{
    program[rank] = (struct ffmk_snapshot_region){.name = "(program)",
                                                  .count = 1,
                                                  .inclusive_ns = (uint64_t)(elapsed * 1e9),
                                                  .exclusive_ns = (uint64_t)(elapsed * 1e9),
                                                  .mpi_ns = (uint64_t)(mpi * 1e9),
                                                  .main_exclusive_ns = (uint64_t)(elapsed * 1e9),
                                                  .main_mpi_ns = (uint64_t)(mpi * 1e9)};
    records[rank] = (struct ffmk_rank_record){.rank = rank};
    snprintf(records[rank].host, sizeof records[rank].host, "%s", host);
    records[rank].data.ns_per_tick = 1;
    records[rank].data.elapsed_ns = (uint64_t)(elapsed * 1e9);
    records[rank].data.mpi_ns = (uint64_t)(mpi * 1e9);
    records[rank].data.n_regions = 1;
    records[rank].data.regions = &program[rank];
}

static void is(double found, double expected)
{
    ck_assert_msg(fabs(found - expected) < 1e-9, "%.12g, not %.12g", found, expected);
}

static struct ffmk_metrics compute(size_t n)
{
    struct ffmk_metrics metrics;
    ck_assert(ffmk_metrics_compute(records, n, (struct ffmk_scope){(int)n, (int)n}, &metrics));
    return metrics;
}

START_TEST(one_host)
{
    rank_is(0, "a", 10, 2); /* useful 8 */
    rank_is(1, "a", 10, 6); /* useful 4 */
    struct ffmk_metrics m = compute(2);
    is(m.efficiency.parallel, 0.6);
    is(m.efficiency.load_balance, 0.75);
    is(m.efficiency.load_balance_inside, 1.0 * 6 / 8);
    is(m.efficiency.load_balance_between, 1);
    is(m.efficiency.communication, 0.8);
    ck_assert_uint_eq(m.slowest, 0);
    ck_assert_uint_eq(m.fastest, 1);
    ffmk_metrics_free(&m);
}
END_TEST

START_TEST(two_hosts_not_neighbours_in_rank_order)
{
    rank_is(0, "a", 10, 1); /* a: 9, 7, mean 8 */
    rank_is(1, "b", 10, 7); /* b: 3, 1, mean 2 */
    rank_is(2, "a", 10, 3);
    rank_is(3, "b", 10, 9);
    struct ffmk_metrics m = compute(4);
    is(m.efficiency.load_balance, 5.0 / 9);
    is(m.efficiency.load_balance_inside, 8.0 / 9);
    is(m.efficiency.load_balance_between, 5.0 / 8);
    is(m.efficiency.communication, 0.9);
    is(m.efficiency.parallel, 0.5);
    ffmk_metrics_free(&m);
}
END_TEST

/* What we cost is not useful, in the run or in a region. */
START_TEST(own_cost)
{
    rank_is(0, "a", 10, 2);
    rank_is(1, "a", 10, 6);
    for (int r = 0; r < 2; r++) {
        records[r].data.cost_outside_ns = 1e6;
        records[r].data.main_calls = program[r].main_calls = 1000; /* a second */
    }
    struct ffmk_metrics m = compute(2);
    is(m.efficiency.parallel, (7.0 + 3) / 20);
    is(m.regions[0].efficiency.parallel, m.efficiency.parallel);
    is(m.regions[0].efficiency.communication, 0.7);
    ffmk_metrics_free(&m);
}
END_TEST

START_TEST(nothing_useful)
{
    rank_is(0, "a", 10, 10);
    rank_is(1, "a", 10, 10);
    struct ffmk_metrics m = compute(2);
    is(m.efficiency.parallel, 0);
    is(m.efficiency.load_balance, 1);
    is(m.efficiency.communication, 0);
    ck_assert(m.advice[0] != '\0');
    ffmk_metrics_free(&m);
    rank_is(0, "a", 0, 0); /* a run of no length */
    m = compute(1);
    is(m.efficiency.parallel, 0);
    ffmk_metrics_free(&m);
}
END_TEST

static void advice_is(size_t n, struct ffmk_scope scope, const char *words)
{
    struct ffmk_metrics m;
    ck_assert(ffmk_metrics_compute(records, n, scope, &m));
    ck_assert_ptr_nonnull(strstr(m.advice, words));
    ffmk_metrics_free(&m);
}

START_TEST(advice_knows_what_the_records_are_a_part_of)
{
    rank_is(0, "a", 10, 5);
    rank_is(1, "a", 10, 1);
    advice_is(1, (struct ffmk_scope){1, 1}, "one rank");
    advice_is(1, (struct ffmk_scope){2, 2}, "only 1 of 2 ranks");
    advice_is(2, (struct ffmk_scope){2, 2}, "rank 1 does");
    rank_is(0, "a", 10, 0.5);
    advice_is(1, (struct ffmk_scope){1, 2}, "MPI costs little"); /* one program of several */
    struct ffmk_snapshot_call wait = {
        "MPI_Wait", "completion", FFMK_BINDING_C, 0, {.ticks = 4000000000, .histogram = {1}}};
    records[0].data.calls = &wait; /* another thread's */
    records[0].data.n_calls = 1;
    advice_is(1, (struct ffmk_scope){1, 2}, "other threads are in calls 35 % of its time");
    rank_is(0, "a", 0.009, 0.004);
    rank_is(1, "a", 0.009, 0.001);
    advice_is(2, (struct ffmk_scope){2, 2}, "too short");
}
END_TEST

START_TEST(calls_are_summed_by_name_binding_and_region)
{
    struct ffmk_snapshot_call calls[3] = {
        {"MPI_Send",
         "point to point",
         FFMK_BINDING_C,
         0,
         {.ticks = 100, .max_ticks = 70, .bytes = 10, .histogram = {2}}},
        {"MPI_Send", "point to point", FFMK_BINDING_F08, 0, {.ticks = 5, .histogram = {1}}},
        {"MPI_Recv",
         "point to point",
         FFMK_BINDING_C,
         0,
         {.ticks = 400, .max_ticks = 100, .histogram = {4}}},
    };
    for (int r = 0; r < 2; r++) {
        rank_is(r, "a", 1, 0);
        records[r].data.n_calls = 3;
        records[r].data.calls = calls;
    }
    struct ffmk_metrics m = compute(2);
    ck_assert_uint_eq(m.n_calls, 3);
    ck_assert_str_eq(m.calls[0].name, "MPI_Recv"); /* most time first */
    ck_assert_uint_eq(m.calls[0].count, 8);
    is(m.calls[0].time_s, 800e-9);
    ck_assert_uint_eq(m.calls[1].count, 4);
    ck_assert_uint_eq(m.calls[1].bytes, 20);
    is(m.calls[1].max_s, 70e-9);
    ck_assert_int_eq(m.calls[2].binding, FFMK_BINDING_F08);
    ffmk_metrics_free(&m);
}
END_TEST

CASES("metrics", one_host, two_hosts_not_neighbours_in_rank_order, own_cost, nothing_useful,
      calls_are_summed_by_name_binding_and_region, advice_knows_what_the_records_are_a_part_of)
