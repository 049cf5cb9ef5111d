/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: predictions agree with the simulated engine (done and messages within 15 %), no
 * other number of rounds is clearly better than the one chosen, and opportunistic broadcasts miss
 * a node no more often than predicted. */
#include "core/rng.h"
#include "gossip/tune.h"
#include "sim/gossip.h"

#include "cases.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 512, HOP = 3 };

struct means {
    double done;
    double messages;
    double missed; /* share of the runs */
};

static struct means simulate(const struct ffmk_tune_case *wanted, uint32_t rounds, uint32_t reach,
                             uint32_t runs)
{
    struct ffmk_sim_setup setup = {
        .algorithm = wanted->table == FFMK_SCHEDULE_GOSSIP ? FFMK_SIM_GOSSIP : FFMK_SIM_CIRCULANT,
        .rules = wanted->rules,
        .mode = wanted->mode,
        .deaths_or_reach =
            wanted->mode == FFMK_RUMOR_OPPORTUNISTIC ? reach : wanted->deaths_or_reach,
        .nodes = wanted->nodes,
        .wire = 1,
        .overhead = 1,
        .rounds = rounds};
    struct ffmk_sim_gossip *gossip = ffmk_sim_gossip_create(&setup);
    size_t n_dead = (size_t)lround(wanted->dead_rate * wanted->nodes);
    struct ffmk_sim_death *deaths = calloc(n_dead + 1, sizeof *deaths);
    bool *dead = calloc(wanted->nodes, sizeof *dead);
    uint64_t state = 99;
    struct means means = {0};
    for (uint32_t run = 0; run < runs; run++) {
        memset(dead, 0, wanted->nodes * sizeof *dead);
        for (size_t i = 0; i < n_dead;) {
            uint32_t node = 1 + (uint32_t)ffmk_rng_below(&state, wanted->nodes - 1);
            if (dead[node])
                continue;
            dead[node] = true;
            deaths[i++].node = node;
        }
        struct ffmk_sim_result result;
        ck_assert(ffmk_sim_gossip_run(gossip, run, deaths, n_dead, NULL, &result));
        means.done += (double)result.done_at / runs;
        means.messages += (double)result.messages / (double)(wanted->nodes - n_dead) / runs;
        means.missed += (result.missed > 0) * 1.0 / runs;
    }
    free(deaths);
    free(dead);
    ffmk_sim_gossip_destroy(gossip);
    return means;
}

static const double rates[] = {0, 0.01, 0.05, 0.1, 0.2};

START_TEST(predictions_agree_with_simulations)
{
    for (int r = 0; r < 5; r++)
        for (int table = 0; table < 2; table++)
            for (uint32_t f = 0; f < 4; f += 3) {
                struct ffmk_tune_case wanted = {
                    .table = table,
                    .rules = table ? FFMK_RUMOR_OURS : FFMK_RUMOR_PUBLISHED,
                    .mode = f ? FFMK_RUMOR_FAILURE_PROOF : FFMK_RUMOR_CHECKED,
                    .deaths_or_reach = f,
                    .nodes = NODES,
                    .table_hop = HOP,
                    .hop_slots = HOP,
                    .dead_rate = rates[r]};
                struct ffmk_tune_choice choice = ffmk_tune_choose(&wanted);
                struct means found = simulate(&wanted, choice.rounds, 0, 60);
                ck_assert_msg(fabs(choice.done / found.done - 1) < 0.15,
                              "table %d f %u dead %g T %u: done %.1f predicted, %.1f found", table,
                              f, rates[r], choice.rounds, choice.done, found.done);
                ck_assert_msg(fabs(choice.messages / found.messages - 1) < 0.15,
                              "table %d f %u dead %g: messages %.2f predicted, %.2f found", table,
                              f, rates[r], choice.messages, found.messages);
                for (uint32_t other = choice.rounds - 2; other < choice.rounds + 3; other += 2)
                    ck_assert_msg(simulate(&wanted, other, 0, 60).done > 0.95 * found.done,
                                  "table %d f %u dead %g: T %u is better than %u", table, f,
                                  rates[r], other, choice.rounds);
            }
}
END_TEST

START_TEST(opportunistic_misses_no_more_often_than_predicted)
{
    for (int r = 1; r < 5; r++)
        for (uint32_t reach = 1; reach <= 3; reach++)
            for (int table = 0; table < 2; table++) {
                struct ffmk_tune_case wanted = {.table = table,
                                                .rules = FFMK_RUMOR_OURS,
                                                .mode = FFMK_RUMOR_OPPORTUNISTIC,
                                                .deaths_or_reach = reach,
                                                .nodes = NODES,
                                                .table_hop = HOP,
                                                .hop_slots = HOP,
                                                .dead_rate = rates[r],
                                                .miss = 0.01};
                enum { RUNS = 1000 };
                struct ffmk_tune_choice choice = ffmk_tune_choose(&wanted);
                double found = simulate(&wanted, choice.rounds, reach, RUNS).missed;
                double noise = 3 * sqrt(choice.miss / RUNS);
                ck_assert_msg(choice.miss <= 0.01 && found <= choice.miss + noise,
                              "table %d dead %g C %u T %u: missed %g predicted, %g found", table,
                              rates[r], reach, choice.rounds, choice.miss, found);
            }
}
END_TEST

START_TEST(without_unknown_dead_a_tree_needs_no_more)
{
    struct ffmk_tune_case wanted = {.table = FFMK_SCHEDULE_CIRCULANT,
                                    .rules = FFMK_RUMOR_OURS,
                                    .mode = FFMK_RUMOR_OPPORTUNISTIC,
                                    .nodes = 4096,
                                    .table_hop = HOP,
                                    .hop_slots = HOP,
                                    .miss = 1e-9};
    struct ffmk_tune_choice choice = ffmk_tune_choose(&wanted);
    ck_assert_uint_eq(choice.rounds, ffmk_schedule_tree_rounds(4096, HOP));
    ck_assert_uint_eq(choice.reach, 1);
    ck_assert_double_eq(choice.miss, 0);
}
END_TEST

CASES("tune", predictions_agree_with_simulations, opportunistic_misses_no_more_often_than_predicted,
      without_unknown_dead_a_tree_needs_no_more)
