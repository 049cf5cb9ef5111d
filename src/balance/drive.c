/* SPDX-License-Identifier: BSD-3-Clause
 * With a part on each rank, whose letter is needed next is known, and waited for; others wait in
 * MPI. Else letters are taken as they come, and say between whom they go. */
#include "balance/drive.h"

#include "core/spare.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

/* At the end of a letter, where there are more parts than ranks, or fewer. */
struct address {
    int32_t from, to, kind, pad;
};

static bool is_simple(const struct ffmk_drive *drive)
{
    return drive->rules.n_parts == drive->team->size;
}

int ffmk_drive_host(const struct ffmk_drive *drive, int part)
{
    return (int)((int64_t)part * drive->team->size / drive->rules.n_parts);
}

/* The first part of a rank, or, without any, of the next that has one. */
static int first_of(const struct ffmk_drive *drive, int rank)
{
    const int64_t size = drive->team->size;
    return (int)(((int64_t)rank * drive->rules.n_parts + size - 1) / size);
}

static void keep_here(struct ffmk_drive *drive, const struct ffmk_drive_letter *letter)
{
    if (drive->end == drive->capacity && drive->at > 0) {
        memmove(drive->here, drive->here + drive->at,
                (drive->end - drive->at) * sizeof *drive->here);
        drive->end -= drive->at;
        drive->at = 0;
    }
    if (drive->end == drive->capacity) {
        const size_t capacity = 2 * drive->capacity + 64;
        struct ffmk_drive_letter *here = ffmk_spare_realloc(drive->here, capacity * sizeof *here);
        if (!here) { /* others would wait for this letter for ever */
            drive->code = FFMK_ERR_NO_MEMORY;
            return;
        }
        drive->here = here;
        drive->capacity = capacity;
    }
    drive->here[drive->end++] = *letter;
}

static void post(void *context, int32_t from, int32_t to, enum ffmk_part_letter kind,
                 struct ffmk_wire_out *letter)
{
    struct ffmk_drive *drive = context;
    const int host = ffmk_drive_host(drive, to);
    int tag = FFMK_TAG_PART + (int)kind;
    if (host == drive->team->rank) {
        const struct ffmk_drive_letter here = {from, to, (int32_t)kind, *letter};
        keep_here(drive, &here);
        return;
    }
    if (!is_simple(drive)) {
        const struct address address = {from, to, (int32_t)kind, 0};
        tag = FFMK_TAG_PART;
        ffmk_wire_put_bytes(letter, &address, sizeof address);
        if (letter->failed) { /* an empty letter says so */
            ffmk_wire_free(letter);
            *letter = (struct ffmk_wire_out){0};
            const int code = ffmk_team_checked(
                PMPI_Send(&address, sizeof address, MPI_BYTE, host, tag, drive->team->comm));
            drive->code = drive->code ? drive->code : code;
            return;
        }
    }
    const int code = ffmk_outbox_send(drive->team, &drive->outbox, host, tag, letter);
    drive->code = drive->code ? drive->code : code;
}

int ffmk_drive_begin(struct ffmk_drive *drive, const struct ffmk_team *team,
                     const struct ffmk_rules *rules)
{
    *drive = (struct ffmk_drive){.team = team, .rules = *rules};
    ffmk_spare_begin();
    drive->first = first_of(drive, team->rank);
    drive->n = first_of(drive, team->rank + 1) - drive->first;
    drive->parts = drive->n > 1 ? calloc((size_t)drive->n, sizeof *drive->parts) : &drive->only;
    for (int p = 0; drive->parts && p < drive->n; p++)
        ffmk_part_begin(&drive->parts[p], &drive->rules, drive->first + p, post, drive);
    return drive->parts ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
}

static void deliver_here(struct ffmk_drive *drive)
{
    while (drive->at < drive->end) {
        struct ffmk_drive_letter letter = drive->here[drive->at++];
        ffmk_part_hear(ffmk_drive_part(drive, letter.to), letter.from,
                       (enum ffmk_part_letter)letter.kind, &letter.body);
        ffmk_wire_free(&letter.body);
    }
    drive->at = drive->end = 0;
}

static void run_simple(struct ffmk_drive *drive)
{
    struct ffmk_part *part = drive->parts;
    struct ffmk_wire_out letter = {0};
    int32_t from;
    enum ffmk_part_letter kind;
    while (!drive->code && ffmk_part_awaits(part, &from, &kind)) {
        drive->code = ffmk_exchange_receive(drive->team, from, FFMK_TAG_PART + (int)kind, &letter);
        if (!drive->code)
            ffmk_part_hear(part, from, kind, &letter);
        deliver_here(drive);
    }
    ffmk_wire_free(&letter);
}

/* Take a letter, if there is one. */
static void look(struct ffmk_drive *drive, int *arrived_p)
{
    MPI_Status status;
    struct ffmk_wire_out letter = {0};
    struct address address;
    int code = ffmk_team_checked(
        PMPI_Iprobe(MPI_ANY_SOURCE, FFMK_TAG_PART, drive->team->comm, arrived_p, &status));
    if (!code && *arrived_p)
        code = ffmk_exchange_receive(drive->team, status.MPI_SOURCE, FFMK_TAG_PART, &letter);
    if (!code && *arrived_p && !letter.failed && letter.length >= sizeof address) {
        letter.length -= sizeof address;
        memcpy(&address, letter.data + letter.length, sizeof address);
        ffmk_part_hear(ffmk_drive_part(drive, address.to), address.from,
                       (enum ffmk_part_letter)address.kind, &letter);
    } else if (!code && *arrived_p) {
        code = FFMK_ERR_NO_MEMORY; /* between whom it goes is lost with it */
    }
    ffmk_wire_free(&letter);
    drive->code = drive->code ? drive->code : code;
}

static void run_any(struct ffmk_drive *drive)
{
    unsigned looks = 0;
    for (int done = 0; done < drive->n && !drive->code;) {
        int arrived = 0;
        deliver_here(drive);
        while (done < drive->n && drive->parts[done].done)
            done++;
        if (done < drive->n)
            look(drive, &arrived);
        if (!arrived)
            ffmk_team_pause(&looks);
    }
}

int ffmk_drive_run(struct ffmk_drive *drive, int code, struct ffmk_part_result *result_p)
{
    for (int p = 0; p < drive->n; p++)
        ffmk_part_start(&drive->parts[p], code);
    deliver_here(drive);
    if (is_simple(drive))
        run_simple(drive);
    else
        run_any(drive);
    const int flushed = ffmk_outbox_flush(&drive->outbox);
    code = drive->code ? drive->code : flushed;
    *result_p = (struct ffmk_part_result){0};
    if (drive->n > 0)
        *result_p = drive->parts[0].course.result;
    /* A rank without a part hears from one that has it. */
    if (drive->rules.n_parts < drive->team->size && !code)
        code = ffmk_team_checked(PMPI_Bcast(result_p, (int)sizeof *result_p, MPI_BYTE,
                                            ffmk_drive_host(drive, 0), drive->team->comm));
    return code ? code : result_p->code;
}

void ffmk_drive_free(struct ffmk_drive *drive)
{
    for (int p = 0; drive->parts && p < drive->n; p++)
        ffmk_part_free(&drive->parts[p]);
    for (size_t l = drive->at; l < drive->end; l++)
        ffmk_wire_free(&drive->here[l].body);
    if (drive->parts != &drive->only)
        free(drive->parts);
    free(drive->here);
    ffmk_spare_end();
    *drive = (struct ffmk_drive){0};
}
