/* SPDX-License-Identifier: BSD-3-Clause
 * Broadcasts on the virtual network: the production engine (gossip/rumor) and what it is compared
 * with. One call is one broadcast. */
#ifndef FFMK_SIM_GOSSIP_H
#define FFMK_SIM_GOSSIP_H

#include "gossip/rumor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ffmk_sim_algorithm {
    FFMK_SIM_GOSSIP,       /* random targets */
    FFMK_SIM_CIRCULANT,    /* the circulant table */
    FFMK_SIM_BINOMIAL,     /* the circulant table with k = 1: the interleaved binomial tree */
    FFMK_SIM_BINOMIAL_ACK, /* a binomial tree, acknowledged back to the root */
    FFMK_SIM_BIG,          /* binomial graph, one way, in tree order */
    FFMK_SIM_BIG_OMPI      /* binomial graph in Open MPI's order: +1, -1, +2, -2, +4, … */
};

struct ffmk_sim_setup {
    enum ffmk_sim_algorithm algorithm;
    enum ffmk_rumor_rules rules;
    enum ffmk_rumor_mode mode;
    uint32_t deaths_or_reach; /* f, or C */
    uint32_t nodes;
    uint32_t wire;     /* L, in ticks */
    uint32_t overhead; /* o, in ticks */
    uint32_t rounds;   /* T */
};

/** A node and when it dies; 0: before. */
struct ffmk_sim_death {
    uint32_t node;
    uint32_t at;
};

struct ffmk_sim_result {
    uint32_t coloured_at; /* when the last living node was coloured that ever was, in ticks */
    uint32_t done_at;     /* when the last living node was done with it */
    uint32_t quiet_at;    /* when the last message was received */
    uint32_t missed;      /* living nodes that were not coloured */
    uint32_t living;      /* at the end */
    uint64_t messages;
};

struct ffmk_sim_gossip;

/** Plan of the last run, and what became of a node in it. Not for baselines. */
const struct ffmk_rumor_plan *ffmk_sim_gossip_plan(const struct ffmk_sim_gossip *gossip);
const struct ffmk_rumor *ffmk_sim_gossip_node(const struct ffmk_sim_gossip *gossip, uint32_t node);

/** Make room for broadcasts of this setup. ffmk_sim_gossip_destroy() when done.
 * \return NULL when out of memory. */
struct ffmk_sim_gossip *ffmk_sim_gossip_create(const struct ffmk_sim_setup *setup);
void ffmk_sim_gossip_destroy(struct ffmk_sim_gossip *gossip);

/** One broadcast from node 0 with these deaths. `coloured_at`, unless NULL, gets for each node when
 * it was coloured, or FFMK_SIM_ALIVE. \return false when out of memory. */
bool ffmk_sim_gossip_run(struct ffmk_sim_gossip *gossip, uint64_t seed,
                         const struct ffmk_sim_death *deaths, size_t n_deaths,
                         uint32_t *coloured_at, struct ffmk_sim_result *result);

#endif
