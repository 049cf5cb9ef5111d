/* SPDX-License-Identifier: BSD-3-Clause
 * Whose the items of a workload are before the first plan of a simulation. `owner` has a place for
 * each id below ffmk_workload_end(); those of ids without an item stay as they are. Pure. */
#ifndef FFMK_SIM_START_H
#define FFMK_SIM_START_H

#include "sim/workload.h"

/** Numbers of a workload's blocks along a curve, the curve of Morton, on which groups of the tree
 * are compact. */
void ffmk_start_number(const struct ffmk_workload *workload, int32_t *number);

/** Blocks, numbered x first or along the curve. \return false when memory ran out. */
bool ffmk_start_blocks(const struct ffmk_workload *workload, bool curve, int32_t *owner);

/** What recursive bisection by the weights of step 0 gives, numbered by its tree. */
bool ffmk_start_halves(const struct ffmk_workload *workload, int32_t *owner);

#endif
