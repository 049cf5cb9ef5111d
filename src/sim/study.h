/* SPDX-License-Identifier: BSD-3-Clause
 * Many broadcasts of one kind: chooses what was left open, draws who dies and when, runs them on
 * the virtual network, and sums up. For the command, tests and benches; prints nothing. */
#ifndef FFMK_SIM_STUDY_H
#define FFMK_SIM_STUDY_H

#include "gossip/tune.h"
#include "sim/gossip.h"
#include "sim/network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FFMK_STUDY_MAX_NODES = 1 << 22,
    FFMK_STUDY_MAX_RUNS = 1000000,
    /* Fewer runs of large jobs, unless asked for: so many nodes times runs. */
    FFMK_STUDY_USUAL_WORK = 40000000,
    FFMK_STUDY_USUAL_RUNS = 100
};

#define FFMK_STUDY_CHOOSE UINT32_MAX

/** What is to be studied. */
struct ffmk_study_case {
    struct ffmk_sim_setup setup; /* rounds, or the reach C of opportunistic: or
                                    FFMK_STUDY_CHOOSE, the best */
    uint32_t dead_before;        /* nodes; the root, which is node 0, never dies */
    uint32_t dead_during;        /* nodes: each at a random tick of the expected time */
    double miss;                 /* what is chosen may miss a node with this chance at most */
    uint64_t seed;
};

/** Means over the runs; times in slots (ticks over the ticks of an overhead). */
struct ffmk_study_summary {
    uint32_t runs;
    uint32_t missed_runs; /* that left a living node without the payload */
    double coloured_mean; /* when the last node was coloured that ever was */
    double coloured_max;
    double done_mean; /* when the last node had nothing more to send */
    double done_max;
    double done_sd;
    double done_quartiles[3];
    double quiet_mean;        /* when the last message was received */
    double messages_per_rank; /* of those that live at the start */
    double missed_ranks_mean;
};

struct ffmk_study;

/** k: slots that a message takes, rounded up. */
uint32_t ffmk_study_hop(const struct ffmk_sim_setup *setup);

/** Does it spread by a table and correct, so that its time can be predicted? The others are what it
 * is compared with. */
bool ffmk_study_is_corrected(enum ffmk_sim_algorithm algorithm);

/** Runs of so many nodes when nobody says how many. */
uint32_t ffmk_study_usual_runs(uint32_t nodes);

/** Bytes that a broadcast needs, about. */
double ffmk_study_bytes(const struct ffmk_study *study);

/** Could the clock of the network, which counts ticks in 32 bits, run over? */
bool ffmk_study_too_long(const struct ffmk_sim_setup *setup);

/** Room for `runs` runs and no network yet. ffmk_study_destroy() when done.
 * \return NULL when out of memory. */
struct ffmk_study *ffmk_study_create(const struct ffmk_study_case *wanted, uint32_t runs);
void ffmk_study_destroy(struct ffmk_study *study);

/** The setup with what was chosen. */
const struct ffmk_sim_setup *ffmk_study_setup(const struct ffmk_study *study);

/** What is expected; NULL of what cannot be predicted. */
const struct ffmk_tune_choice *ffmk_study_prediction(const struct ffmk_study *study);

/** The next run. Seed and run alone decide who dies, so that several studies of one seed see the
 * same nodes die. `coloured_at`: as of ffmk_sim_gossip_run(), or NULL. \return false when out of
 * memory. */
bool ffmk_study_run(struct ffmk_study *study, uint32_t *coloured_at);

/** Who died in the last run. */
const struct ffmk_sim_death *ffmk_study_deaths(const struct ffmk_study *study, size_t *n_p);

/** The first tick in which a message of the correction can arrive; whoever is coloured earlier was
 * by the dissemination. FFMK_SIM_ALIVE: never. */
uint32_t ffmk_study_correction_arrives(const struct ffmk_study *study);

/** Of the runs so far, one at least. */
struct ffmk_study_summary ffmk_study_sum(const struct ffmk_study *study);

#endif
