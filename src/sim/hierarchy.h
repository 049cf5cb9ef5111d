/* SPDX-License-Identifier: BSD-3-Clause
 * The flow that is found in jobs, by diffusion and a tree (balance/tree.h), for loads and links of
 * ranks alone: no items. The tree's letters go over a virtual LogGP network. */
#ifndef FFMK_SIM_HIERARCHY_H
#define FFMK_SIM_HIERARCHY_H

#include "balance/flow.h"
#include "sim/loggp.h"

struct ffmk_hierarchy_result {
    double time_ns; /* of the tree, until the last rank knows its flows */
    double largest; /* load that is left */
    double jumped; /* load that goes to ranks that no link leads to: a group may not be connected */
};

/** Set the flow of each link, a < b, in the order of a, then b. limit: what loads may come to, at
 * least their mean. `spread`: so many steps of diffusion (balance/flow.h) before the tree, which
 * then evens out what is left. \return false when out of memory. */
bool ffmk_hierarchy_flow(uint32_t n, const double *load, double limit, int spread, int32_t fanout,
                         size_t n_links, struct ffmk_flow_link *links,
                         const struct ffmk_loggp_times *times,
                         struct ffmk_hierarchy_result *result);

/** Levels of groups. */
uint32_t ffmk_hierarchy_levels(uint32_t n, int32_t fanout);

/** What finding the flows of a group of so many takes: as many steps as it is wide. A model, see
 * sim/balance.c. */
double ffmk_hierarchy_solve_ns(uint32_t members);

#endif
