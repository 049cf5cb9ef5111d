/* SPDX-License-Identifier: BSD-3-Clause
 * The parts of a plan on the ranks of a team: carries their letters by MPI, and within a rank by
 * hand. Each rank has as many parts as any other, or one more or less. */
#ifndef FFMK_BALANCE_DRIVE_H
#define FFMK_BALANCE_DRIVE_H

#include "balance/exchange.h"
#include "balance/part.h"

struct ffmk_drive {
    const struct ffmk_team *team;
    struct ffmk_rules rules;
    struct ffmk_part *parts; /* of this rank: number first … first + n − 1 */
    struct ffmk_part only;   /* where it has no more than one */
    int first, n;
    int code; /* of MPI */
    struct ffmk_outbox outbox;
    struct ffmk_drive_letter {
        int32_t from, to, kind;
        struct ffmk_wire_out body;
    } * here; /* letters between parts of this rank, a queue */
    size_t at, end, capacity;
};

/** The graphs of drive->parts are to be filled in then. \return FFMK_ERR_NO_MEMORY, which cannot be
 * with one part: then ffmk_drive_run() is not to be called anywhere. */
int ffmk_drive_begin(struct ffmk_drive *drive, const struct ffmk_team *team,
                     const struct ffmk_rules *rules);

/** The rank that has a part. */
int ffmk_drive_host(const struct ffmk_drive *drive, int part);

/** The part of this rank with that number. */
static inline struct ffmk_part *ffmk_drive_part(struct ffmk_drive *drive, int part)
{
    return &drive->parts[part - drive->first];
}

/** Make the plan. Collective. `code` is how this rank fared so far. *result_p: what it came to, the
 * same on every rank, also on one without a part. \return its code, or FFMK_ERR_MPI. */
int ffmk_drive_run(struct ffmk_drive *drive, int code, struct ffmk_part_result *result_p);

void ffmk_drive_free(struct ffmk_drive *drive);

#endif
