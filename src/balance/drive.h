/* SPDX-License-Identifier: BSD-3-Clause
 * The part of this rank, with a part on each rank of a team: carries the letters of a plan by MPI.
 */
#ifndef FFMK_BALANCE_DRIVE_H
#define FFMK_BALANCE_DRIVE_H

#include "balance/exchange.h"
#include "balance/part.h"

struct ffmk_drive {
    const struct ffmk_team *team;
    struct ffmk_outbox outbox;
    int code; /* of MPI */
    struct ffmk_part part;
};

/** The graph of drive->part is to be filled in then. */
void ffmk_drive_begin(struct ffmk_drive *drive, const struct ffmk_team *team,
                      const struct ffmk_rules *rules);

/** Make the plan. Collective. `code` is how this rank fared so far.
 * \return part.course.result.code, the same on every rank, or FFMK_ERR_MPI. */
int ffmk_drive_run(struct ffmk_drive *drive, int code);

void ffmk_drive_free(struct ffmk_drive *drive);

#endif
