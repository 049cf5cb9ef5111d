/* SPDX-License-Identifier: BSD-3-Clause
 * How long to disseminate and how far to correct: predictions of a broadcast's time, messages and
 * chance to miss a node from the number of nodes, the network and the rate of nodes that are dead
 * without anybody knowing, and the choice that follows. Mean-field formulas; pure. */
#ifndef FFMK_GOSSIP_TUNE_H
#define FFMK_GOSSIP_TUNE_H

#include "gossip/rumor.h"

struct ffmk_tune_case {
    enum ffmk_schedule_table table;
    enum ffmk_rumor_rules rules;
    enum ffmk_rumor_mode mode;
    uint32_t deaths_or_reach; /* f; C of opportunistic, 0: choose it, too */
    uint32_t nodes;
    uint32_t table_hop; /* k of the table: hop_slots, or 1 for the binomial tree */
    double hop_slots;   /* (L + 2o) / o */
    double dead_rate;   /* share of the nodes that is dead, unknown to all, in [0, 1) */
    double miss;        /* epsilon: chance that opportunistic may miss any living node */
};

struct ffmk_tune_choice {
    uint32_t rounds; /* T */
    uint32_t reach;  /* C */
    double coloured; /* expected share of the living that the dissemination colours */
    double done;     /* expected time until the last is done, in slots */
    double messages; /* expected, per living node */
    double miss; /* at most so is the chance that a living node is missed, nobody dying meanwhile */
};

/** What is to be expected of `rounds` (and `reach`). */
struct ffmk_tune_choice ffmk_tune_predict(const struct ffmk_tune_case *wanted, uint32_t rounds,
                                          uint32_t reach);

/** The rounds (and the reach) with which it is done first; opportunistic: of those that miss a node
 * with a probability of at most `miss`. */
struct ffmk_tune_choice ffmk_tune_choose(const struct ffmk_tune_case *wanted);

#endif
