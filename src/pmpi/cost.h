/* SPDX-License-Identifier: BSD-3-Clause
 * What an intercepted call costs on this machine, measured at start so that the report can say it.
 */
#ifndef FFMK_PMPI_COST_H
#define FFMK_PMPI_COST_H

/** Ticks that one pass through a door adds, and the part of them outside the time charged to the
 * call. The calling thread must be recording; what its recorder holds is spoilt. */
struct ffmk_cost {
    double ticks;
    double outside_ticks;
};

struct ffmk_cost ffmk_cost_measure(void);

#endif
