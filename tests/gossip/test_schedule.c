/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: the circulant table is the LogP-optimal tree (every node is reached once, at the
 * time that Karp and others' recurrence gives, and no earlier time is possible), its subtrees are
 * scattered, what lies beyond the tree and gossip's targets are other nodes than the sender. */
#include "core/rng.h"
#include "gossip/schedule.h"

#include "cases.h"
#include <ffmk.h>
#include <stdlib.h>

/* The most nodes that can be coloured by slot t, each coloured one sending one message a slot that
 * takes hop slots: counted directly, not by the recurrence. */
static uint64_t most_coloured(uint32_t hop, uint32_t t)
{
    uint64_t new_in[512] = {1};
    uint64_t coloured = 0;
    for (uint32_t s = 0; s <= t; s++) {
        uint64_t senders = 0;
        for (uint32_t u = 0; s >= hop && u <= s - hop; u++)
            senders += new_in[u];
        if (s > 0)
            new_in[s] = senders;
        coloured += new_in[s];
    }
    return coloured;
}

START_TEST(the_tree_is_optimal_and_reaches_everyone_once)
{
    for (uint32_t hop = 1; hop <= 12; hop++)
        for (uint32_t nodes = 2; nodes <= 600; nodes += nodes < 40 ? 1 : 37) {
            uint32_t rounds = ffmk_schedule_tree_rounds(nodes, hop);
            struct ffmk_schedule schedule;
            ck_assert_int_eq(ffmk_schedule_create(&schedule, FFMK_SCHEDULE_CIRCULANT, nodes, hop,
                                                  rounds, false, 1),
                             FFMK_SUCCESS);
            uint32_t *first = malloc(nodes * sizeof *first); /* slot a node may send in */
            for (uint32_t i = 0; i < nodes; i++)
                first[i] = UINT32_MAX;
            first[0] = 0;
            uint32_t last = 0;
            for (uint32_t slot = 0; slot < rounds; slot++)
                for (uint32_t i = 0; i < nodes; i++) {
                    if (first[i] > slot)
                        continue;
                    uint32_t to = ffmk_schedule_target(&schedule, i, slot);
                    if (to == i)
                        continue;
                    ck_assert_msg(first[to] == UINT32_MAX, "node %u twice (n %u, k %u)", to, nodes,
                                  hop);
                    first[to] = last = slot + hop;
                }
            for (uint32_t i = 0; i < nodes; i++)
                ck_assert_msg(first[i] != UINT32_MAX, "node %u never (n %u, k %u)", i, nodes, hop);
            ck_assert_msg(most_coloured(hop, last) >= nodes && most_coloured(hop, last - 1) < nodes,
                          "n %u, k %u: %u slots are not the least", nodes, hop, last);
            free(first);
            ffmk_schedule_destroy(&schedule);
        }
}
END_TEST

START_TEST(targets_are_other_nodes)
{
    uint64_t state = 7;
    for (int i = 0; i < 2000; i++) {
        enum ffmk_schedule_table table =
            ffmk_rng_below(&state, 2) ? FFMK_SCHEDULE_CIRCULANT : FFMK_SCHEDULE_GOSSIP;
        uint32_t nodes = 2 + (uint32_t)ffmk_rng_below(&state, 300);
        uint32_t hop = 1 + (uint32_t)ffmk_rng_below(&state, 9);
        struct ffmk_schedule schedule;
        ck_assert_int_eq(ffmk_schedule_create(&schedule, table, nodes, hop, 60, true, state),
                         FFMK_SUCCESS);
        for (uint32_t slot = 0; slot < 60; slot++) {
            uint32_t me = (uint32_t)ffmk_rng_below(&state, nodes);
            uint32_t to = ffmk_schedule_target(&schedule, me, slot);
            ck_assert_uint_lt(to, nodes);
            bool may_be_nobody = table == FFMK_SCHEDULE_CIRCULANT && slot < schedule.tree;
            ck_assert(to != me || may_be_nobody);
            ck_assert_uint_eq(to, ffmk_schedule_target(&schedule, me, slot));
        }
        ffmk_schedule_destroy(&schedule);
    }
}
END_TEST

START_TEST(gossip_is_uniform)
{
    enum { NODES = 10, DRAWS = 90000 };
    struct ffmk_schedule schedule;
    ffmk_schedule_create(&schedule, FFMK_SCHEDULE_GOSSIP, NODES, 3, 4096, true, 3);
    unsigned hits[NODES] = {0};
    for (uint32_t i = 0; i < DRAWS; i++)
        hits[ffmk_schedule_target(&schedule, i % NODES, i / NODES % 4096)]++;
    double chi = 0;
    for (int i = 0; i < NODES; i++)
        chi += (hits[i] - DRAWS / 10.0) * (hits[i] - DRAWS / 10.0) / (DRAWS / 10.0);
    ck_assert_msg(chi < 35, "chi squared %g with 9 degrees of freedom", chi);
    ffmk_schedule_destroy(&schedule);
}
END_TEST

START_TEST(what_is_out_of_range_is_refused)
{
    struct ffmk_schedule schedule;
    ck_assert_int_eq(ffmk_schedule_create(&schedule, FFMK_SCHEDULE_GOSSIP, 0, 3, 1, true, 1),
                     FFMK_ERR_ARGUMENT);
    ck_assert_int_eq(ffmk_schedule_create(&schedule, FFMK_SCHEDULE_GOSSIP, 4, 0, 1, true, 1),
                     FFMK_ERR_ARGUMENT);
    ck_assert_int_eq(ffmk_schedule_create(&schedule, FFMK_SCHEDULE_GOSSIP, 4, 3,
                                          FFMK_SCHEDULE_MAX_ROUNDS + 1, true, 1),
                     FFMK_ERR_ARGUMENT);
    ck_assert_int_eq(ffmk_schedule_create(&schedule, FFMK_SCHEDULE_CIRCULANT, 1, 3, 9, true, 1),
                     FFMK_SUCCESS);
    ck_assert_uint_eq(schedule.rounds, 0);
    ffmk_schedule_destroy(&schedule);
}
END_TEST

CASES("schedule", the_tree_is_optimal_and_reaches_everyone_once, targets_are_other_nodes,
      gossip_is_uniform, what_is_out_of_range_is_refused)
