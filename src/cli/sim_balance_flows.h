/* SPDX-License-Identifier: BSD-3-Clause
 * How flows of load come about, by several schemes, for the blocks of a workload: over rounds of
 * exchange and over predicted time. */
#ifndef FFMK_CLI_SIM_BALANCE_FLOWS_H
#define FFMK_CLI_SIM_BALANCE_FLOWS_H

#include "cli/sim_balance.h"
#include "sim/diffusion.h"

enum {
    FFMK_SIM_FLOW_POINTS = 400,
    FFMK_SIM_FLOW_TREES = 3,
    FFMK_SIM_FLOWS = FFMK_DIFFUSION_SCHEMES + FFMK_SIM_FLOW_TREES
};

/** What is left of a load is followed until it is this share of the mean. */
#define FFMK_SIM_FLOW_LEAST 5e-3

struct ffmk_sim_flow {
    char label[64];
    int style;
    bool tree;    /* nothing is gained before its end, which is its only point */
    bool reached; /* FFMK_SIM_FLOW_LEAST */
    struct ffmk_diffusion_worth worth;
    double jumped; /* share of all load that goes to ranks that are not neighbours */
    size_t n;
    double rounds[FFMK_SIM_FLOW_POINTS];
    double ms[FFMK_SIM_FLOW_POINTS];
    double left[FFMK_SIM_FLOW_POINTS]; /* largest load above the mean, in means */
};

struct ffmk_sim_flows {
    struct ffmk_workload workload;
    uint32_t ranks;
    struct ffmk_loggp_times times;
    double *load; /* in means */
    size_t n_links;
    struct ffmk_flow_link *links;
    double first; /* left in the beginning */
    struct ffmk_sim_flow flows[FFMK_SIM_FLOWS];
};

/** ffmk_sim_flows_free() when done. \return NULL after a line that says why. */
struct ffmk_sim_flows *ffmk_sim_flows_find(const struct ffmk_sim_balance_words *words);
void ffmk_sim_flows_free(struct ffmk_sim_flows *flows);

/** A table, or JSON, of the schemes. */
void ffmk_sim_flows_table(FILE *out, const struct ffmk_sim_flows *flows,
                          const struct ffmk_sim_balance_words *words);
void ffmk_sim_flows_json(FILE *out, const struct ffmk_sim_flows *flows,
                         const struct ffmk_sim_balance_words *words);

#endif
