/* SPDX-License-Identifier: BSD-3-Clause
 * A part knows whose letter it needs next; that one is waited for, others wait in MPI. */
#include "balance/drive.h"

#include <ffmk.h>

static void post(void *context, int32_t from, int32_t to, enum ffmk_part_letter kind,
                 struct ffmk_wire_out *letter)
{
    struct ffmk_drive *drive = context;
    (void)from;
    const int code =
        ffmk_outbox_send(drive->team, &drive->outbox, to, FFMK_TAG_PART + (int)kind, letter);
    drive->code = drive->code ? drive->code : code;
}

void ffmk_drive_begin(struct ffmk_drive *drive, const struct ffmk_team *team,
                      const struct ffmk_rules *rules)
{
    *drive = (struct ffmk_drive){.team = team};
    ffmk_part_begin(&drive->part, rules, team->rank, post, drive);
}

int ffmk_drive_run(struct ffmk_drive *drive, int code)
{
    int32_t from;
    enum ffmk_part_letter kind;
    ffmk_part_start(&drive->part, code);
    while (!drive->code && ffmk_part_awaits(&drive->part, &from, &kind)) {
        struct ffmk_wire_out letter = {0};
        const int got =
            ffmk_exchange_receive(drive->team, from, FFMK_TAG_PART + (int)kind, &letter);
        drive->code = drive->code ? drive->code : got;
        if (!got)
            ffmk_part_hear(&drive->part, from, kind, &letter);
    }
    const int flushed = ffmk_outbox_flush(&drive->outbox);
    if (drive->code || flushed)
        return FFMK_ERR_MPI;
    return drive->part.course.result.code;
}

void ffmk_drive_free(struct ffmk_drive *drive)
{
    ffmk_part_free(&drive->part);
}
