/* SPDX-License-Identifier: BSD-3-Clause
 * Carry a plan out: tell who holds what from now on, describe the items to their new ranks, and
 * move their data. */
#ifndef FFMK_BALANCE_MIGRATE_H
#define FFMK_BALANCE_MIGRATE_H

#include "balance/plan.h"
#include "balance/stream.h"

/** Move the items of `mover->table` where the plan wants them. Collective; all ranks return the
 * same. \return FFMK_SUCCESS also when items had to stay: mover->failure says so, on this rank
 * only. */
int ffmk_migrate_run(struct ffmk_team *team, const struct ffmk_plan *plan,
                     struct ffmk_mover *mover);

#endif
