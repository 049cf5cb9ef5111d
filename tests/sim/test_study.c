/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves of the statistics over many runs: who dies is drawn without replacement, evenly,
 * never the root, from seed and run alone; what is summed up is what the runs gave; what is left
 * open is chosen as well as a search over runs can. */
#include "sim/study.h"

#include "cases.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct ffmk_study_case usual(enum ffmk_sim_algorithm algorithm, uint32_t nodes)
{
    return (struct ffmk_study_case){
        .setup = {.algorithm = algorithm,
                  .rules = algorithm == FFMK_SIM_GOSSIP ? FFMK_RUMOR_PUBLISHED : FFMK_RUMOR_OURS,
                  .mode = FFMK_RUMOR_CHECKED,
                  .nodes = nodes,
                  .wire = 1,
                  .overhead = 1,
                  .rounds = FFMK_STUDY_CHOOSE},
        .miss = 1e-6,
        .seed = 1};
}

START_TEST(deaths_are_even_and_never_the_root)
{
    enum { NODES = 16, RUNS = 4000, BEFORE = 4, DURING = 2 };
    struct ffmk_study_case wanted = usual(FFMK_SIM_CIRCULANT, NODES);
    wanted.dead_before = BEFORE;
    wanted.dead_during = DURING;
    struct ffmk_study *study = ffmk_study_create(&wanted, RUNS);
    unsigned counts[NODES] = {0};
    double at_sum = 0;
    uint32_t latest = 0;
    for (int run = 0; run < RUNS; run++) {
        ck_assert(ffmk_study_run(study, NULL));
        size_t n = 0;
        const struct ffmk_sim_death *deaths = ffmk_study_deaths(study, &n);
        ck_assert_uint_eq(n, BEFORE + DURING);
        bool dead[NODES] = {false};
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_gt(deaths[i].node, 0);
            ck_assert_uint_lt(deaths[i].node, NODES);
            ck_assert_msg(!dead[deaths[i].node], "run %d: node %u dies twice", run, deaths[i].node);
            dead[deaths[i].node] = true;
            counts[deaths[i].node]++;
            ck_assert_int_eq(deaths[i].at == 0, i < BEFORE);
            if (i >= BEFORE) {
                at_sum += deaths[i].at;
                latest = deaths[i].at > latest ? deaths[i].at : latest;
            }
        }
    }
    const double mean = (double)(BEFORE + DURING) * RUNS / (NODES - 1);
    for (int i = 1; i < NODES; i++) /* five standard deviations */
        ck_assert_msg(fabs(counts[i] - mean) < 5 * sqrt(mean), "node %d died %u times, not %.0f", i,
                      counts[i], mean);
    const double horizon = ceil(ffmk_study_prediction(study)->done);
    ck_assert_double_eq(latest, horizon);
    ck_assert_double_eq_tol(at_sum / (DURING * RUNS), (horizon + 1) / 2, 0.2);
    ffmk_study_destroy(study);
}
END_TEST

START_TEST(studies_of_one_seed_see_the_same_nodes_die)
{
    const enum ffmk_sim_algorithm algorithms[] = {FFMK_SIM_GOSSIP, FFMK_SIM_CIRCULANT,
                                                  FFMK_SIM_BIG};
    struct ffmk_sim_death first[5][30];
    for (int a = 0; a < 3; a++) {
        struct ffmk_study_case wanted = usual(algorithms[a], 100);
        if (algorithms[a] == FFMK_SIM_BIG)
            wanted.setup.mode = FFMK_RUMOR_UNCORRECTED;
        wanted.dead_before = 20;
        wanted.dead_during = 10;
        struct ffmk_study *study = ffmk_study_create(&wanted, 5);
        for (int run = 0; run < 5; run++) {
            ck_assert(ffmk_study_run(study, NULL));
            size_t n = 0;
            const struct ffmk_sim_death *deaths = ffmk_study_deaths(study, &n);
            for (size_t i = 0; i < n; i++) {
                if (a > 0)
                    ck_assert_uint_eq(deaths[i].node, first[run][i].node);
                first[run][i] = deaths[i];
            }
        }
        ffmk_study_destroy(study);
    }
}
END_TEST

START_TEST(sums_are_those_of_the_runs)
{
    enum { RUNS = 37, NODES = 300, DEAD = 30 };
    struct ffmk_study_case wanted = usual(FFMK_SIM_GOSSIP, NODES);
    wanted.setup.wire = 5;
    wanted.setup.overhead = 2;
    wanted.setup.mode = FFMK_RUMOR_UNCORRECTED;
    wanted.setup.rounds = 32; /* misses a node now and then */
    wanted.dead_before = DEAD;
    struct ffmk_study *study = ffmk_study_create(&wanted, RUNS);
    uint32_t coloured_at[NODES];
    double last_sum = 0;
    double last_max = 0;
    unsigned missed_runs = 0;
    unsigned missed = 0;
    for (int run = 0; run < RUNS; run++) {
        ck_assert(ffmk_study_run(study, coloured_at));
        size_t n = 0;
        const struct ffmk_sim_death *deaths = ffmk_study_deaths(study, &n);
        uint32_t last = 0;
        unsigned dark = 0;
        for (uint32_t i = 0; i < NODES; i++) {
            dark += coloured_at[i] == FFMK_SIM_ALIVE;
            if (coloured_at[i] != FFMK_SIM_ALIVE && coloured_at[i] > last)
                last = coloured_at[i];
        }
        for (size_t i = 0; i < n; i++)
            ck_assert_uint_eq(coloured_at[deaths[i].node], FFMK_SIM_ALIVE);
        ck_assert_uint_ge(dark, DEAD);
        missed += dark - DEAD;
        missed_runs += dark > DEAD;
        last_sum += last / 2.0;
        last_max = fmax(last_max, last / 2.0);
    }
    const struct ffmk_study_summary sum = ffmk_study_sum(study);
    ck_assert_uint_eq(sum.runs, RUNS);
    ck_assert_double_eq_tol(sum.coloured_mean, last_sum / RUNS, 1e-9);
    ck_assert_double_eq(sum.coloured_max, last_max);
    ck_assert_uint_gt(missed_runs, 0);
    ck_assert_uint_lt(missed_runs, RUNS);
    ck_assert_uint_eq(sum.missed_runs, missed_runs);
    ck_assert_double_eq_tol(sum.missed_ranks_mean, (double)missed / RUNS, 1e-9);
    ffmk_study_destroy(study);
}
END_TEST

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

START_TEST(spread_and_quartiles_are_those_of_the_runs)
{
    enum { RUNS = 37 };
    struct ffmk_study_case wanted = usual(FFMK_SIM_GOSSIP, 500);
    wanted.setup.rounds = 14;
    struct ffmk_study *study = ffmk_study_create(&wanted, RUNS);
    double done[RUNS];
    double before = 0;
    struct ffmk_study_summary sum = {0};
    for (int run = 0; run < RUNS; run++) {
        ck_assert(ffmk_study_run(study, NULL));
        sum = ffmk_study_sum(study);
        done[run] = sum.done_mean * sum.runs - before;
        before += done[run];
    }
    double squares = 0;
    for (int run = 0; run < RUNS; run++)
        squares += pow(done[run] - sum.done_mean, 2);
    qsort(done, RUNS, sizeof *done, by_size);
    ck_assert_double_gt(done[27], done[9]);
    ck_assert_double_eq_tol(sum.done_max, done[RUNS - 1], 1e-9);
    ck_assert_double_eq_tol(sum.done_sd, sqrt(squares / (RUNS - 1)), 1e-9);
    for (int q = 0; q < 3; q++)
        ck_assert_double_eq_tol(sum.done_quartiles[q], done[9 * (q + 1)], 1e-9);
    ffmk_study_destroy(study);
}
END_TEST

START_TEST(the_chosen_rounds_are_as_good_as_any)
{
    for (int dead = 0; dead <= 40; dead += 20) {
        struct ffmk_study_case wanted = usual(FFMK_SIM_GOSSIP, 400);
        wanted.dead_before = (uint32_t)dead;
        struct ffmk_study *study = ffmk_study_create(&wanted, 60);
        for (int run = 0; run < 60; run++)
            ck_assert(ffmk_study_run(study, NULL));
        const double chosen = ffmk_study_sum(study).done_mean;
        ffmk_study_destroy(study);
        double best = INFINITY;
        for (wanted.setup.rounds = 8; wanted.setup.rounds < 40; wanted.setup.rounds++) {
            study = ffmk_study_create(&wanted, 60);
            for (int run = 0; run < 60; run++)
                ck_assert(ffmk_study_run(study, NULL));
            best = fmin(best, ffmk_study_sum(study).done_mean);
            ffmk_study_destroy(study);
        }
        ck_assert_msg(chosen <= 1.1 * best, "%d dead: %.2f slots, where %.2f can be had", dead,
                      chosen, best);
    }
}
END_TEST

/* The first rounds colour so few that one more changes nothing: the search must go on. */
START_TEST(rounds_are_chosen_for_many_nodes_and_long_wires)
{
    const enum ffmk_sim_algorithm algorithms[] = {FFMK_SIM_GOSSIP, FFMK_SIM_CIRCULANT};
    for (uint32_t nodes = 1; nodes <= FFMK_STUDY_MAX_NODES; nodes *= 4)
        for (uint32_t wire = 1; wire <= 300; wire *= 6)
            for (int a = 0; a < 2; a++) {
                struct ffmk_study_case wanted = usual(algorithms[a], nodes);
                wanted.setup.wire = wire;
                struct ffmk_study *study = ffmk_study_create(&wanted, 1);
                const struct ffmk_tune_choice *chosen = ffmk_study_prediction(study);
                const double hop = wire + 2.0;
                ck_assert_msg(chosen->done < 30 + 3 * hop * (1 + log2(nodes)),
                              "%u nodes, L = %u: done after %.0f", nodes, wire, chosen->done);
                ffmk_study_destroy(study);
            }
}
END_TEST

/* What is coloured before the correction's first message can arrive was by the table; that there is
 * a gap shows that the moment is right. */
START_TEST(the_correction_arrives_after_the_dissemination)
{
    const struct {
        enum ffmk_sim_algorithm algorithm;
        uint32_t wire;
        uint32_t overhead;
    } cases[] = {{FFMK_SIM_GOSSIP, 1, 1},   {FFMK_SIM_CIRCULANT, 1, 1}, {FFMK_SIM_CIRCULANT, 5, 2},
                 {FFMK_SIM_BINOMIAL, 1, 1}, {FFMK_SIM_BINOMIAL, 7, 3},  {FFMK_SIM_GOSSIP, 7, 3}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        enum { NODES = 1000 };
        uint32_t coloured_at[2][NODES];
        uint32_t arrives = 0;
        for (int corrected = 0; corrected < 2; corrected++) {
            struct ffmk_study_case wanted = usual(cases[c].algorithm, NODES);
            wanted.setup.wire = cases[c].wire;
            wanted.setup.overhead = cases[c].overhead;
            wanted.setup.rounds = 14;
            wanted.dead_before = 50;
            if (!corrected)
                wanted.setup.mode = FFMK_RUMOR_UNCORRECTED;
            struct ffmk_study *study = ffmk_study_create(&wanted, 1);
            ck_assert(ffmk_study_run(study, coloured_at[corrected]));
            arrives = ffmk_study_correction_arrives(study);
            ck_assert_int_eq(arrives == FFMK_SIM_ALIVE, !corrected);
            ffmk_study_destroy(study);
        }
        unsigned by_correction = 0;
        for (int i = 0; i < NODES; i++) {
            const uint32_t by_table = coloured_at[0][i];
            const uint32_t at = coloured_at[1][i];
            if (by_table != FFMK_SIM_ALIVE)
                ck_assert_msg(at == by_table && at < arrives, "case %zu: node %d at %u, not %u", c,
                              i, at, by_table);
            else if (at != FFMK_SIM_ALIVE)
                ck_assert_msg(at >= arrives, "case %zu: node %d at %u before %u", c, i, at,
                              arrives);
            by_correction += by_table == FFMK_SIM_ALIVE && at != FFMK_SIM_ALIVE;
        }
        ck_assert_uint_gt(by_correction, 0);
    }
}
END_TEST

CASES("study", deaths_are_even_and_never_the_root, studies_of_one_seed_see_the_same_nodes_die,
      sums_are_those_of_the_runs, spread_and_quartiles_are_those_of_the_runs,
      the_chosen_rounds_are_as_good_as_any, rounds_are_chosen_for_many_nodes_and_long_wires,
      the_correction_arrives_after_the_dissemination)
