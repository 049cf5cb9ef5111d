/* SPDX-License-Identifier: BSD-3-Clause
 * The flow that the tree of jobs (balance/tree.h) finds, for loads and links of ranks alone: no
 * items. Its letters go over a virtual LogGP network. */
#ifndef FFMK_SIM_HIERARCHY_H
#define FFMK_SIM_HIERARCHY_H

#include "balance/flow.h"
#include "sim/loggp.h"

/** Set the flow of each link, a < b, in the order of a, then b. limit: what loads may come to, at
 * least their mean. time_ns_p: until the last rank knows its flows. \return false when out of
 * memory. */
bool ffmk_hierarchy_flow(uint32_t n, const double *load, double limit, int32_t fanout,
                         size_t n_links, struct ffmk_flow_link *links,
                         const struct ffmk_loggp_times *times, double *time_ns_p);

/** Levels of groups. */
uint32_t ffmk_hierarchy_levels(uint32_t n, int32_t fanout);

/** What finding the flows of a group of so many takes: as many steps as it is wide. A model, see
 * sim/balance.c. */
double ffmk_hierarchy_solve_ns(uint32_t members);

#endif
