/* SPDX-License-Identifier: BSD-3-Clause
 * Brings what every rank recorded to the first one. The only room of the report that communicates.
 */
#include "job/gather.h"

#include "core/log.h"
#include "job/meeting.h"
#include "job/record_wire.h"
#include "job/ways.h"

#include <mpi.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ffmk_rank_record ffmk_gather_own(const struct ffmk_job *job,
                                        const struct ffmk_snapshot *snapshot)
{
    struct ffmk_rank_record mine = {.rank = job->world_rank - job->first_rank,
                                    .pid = (int)job->pid,
                                    .data = *snapshot,
                                    .counted = job->counted};
    memcpy(mine.host, job->host, sizeof mine.host);
    return mine;
}

/* ---- waiting for ranks that may not come ---- */

enum { PATIENCE_S = 60 };

struct wait {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
    int rank;
    const char *where;
};

static void *tell_of_waiting(void *argument)
{
    struct wait *wait = argument;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&wait->lock);
    int code = 0;
    while (!wait->is_over && code == 0)
        code = pthread_cond_timedwait(&wait->over, &wait->lock, &until);
    if (!wait->is_over)
        ffmk_log(
            "rank %d has waited for %d s in %s for the other ranks; if some of them run without "
            "ffmk they will not come: run all of them with it, or none",
            wait->rank, PATIENCE_S, wait->where);
    pthread_mutex_unlock(&wait->lock);
    return NULL;
}

/* The program's signals are not for this thread. */
static bool start_to_wait(struct wait *wait)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&wait->thread, NULL, tell_of_waiting, wait) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void stop_waiting(struct wait *wait)
{
    pthread_mutex_lock(&wait->lock);
    wait->is_over = true;
    pthread_cond_signal(&wait->over);
    pthread_mutex_unlock(&wait->lock);
    pthread_join(wait->thread, NULL);
}

/* ---- gathering ---- */

/* Bytes travel in units, so that the displacements of a million ranks fit into an int. */
enum { UNIT = 64 };

static int units_of(int bytes)
{
    return (bytes + UNIT - 1) / UNIT;
}

/* What the first rank has room for, all ranks send. */
struct pile {
    int *bytes; /* of each rank's record, then where it begins, in units, and how many */
    int *begins;
    int *units;
    uint8_t *data;
};

static void free_pile(struct pile *pile)
{
    free(pile->bytes);
    free(pile->begins);
    free(pile->units);
    free(pile->data);
}

static bool make_room(struct pile *pile, int size)
{
    pile->begins = calloc((size_t)size, sizeof *pile->begins);
    pile->units = calloc((size_t)size, sizeof *pile->units);
    int64_t sum = 0;
    for (int i = 0; pile->begins && pile->units && i < size; i++) {
        pile->begins[i] = (int)sum;
        pile->units[i] = units_of(pile->bytes[i]);
        sum += pile->units[i];
        if (sum > INT32_MAX)
            return false;
    }
    pile->data = malloc((size_t)sum * UNIT + 1);
    return pile->begins && pile->units && pile->data;
}

/* An error is no reason to leave: the others would wait for this rank in the next collective. Only
 * the first rank calls it off, and who could not hear it sends nothing. \return whether the pile is
 * complete; on the first rank it is filled then. */
static bool heap_up(MPI_Comm comm, int rank, int size, struct ffmk_wire_out *mine,
                    struct pile *pile)
{
    /* A rank without memory sends nothing rather than half: zero bytes do not decode. */
    const int bytes = mine->failed ? 0 : (int)mine->length;
    while (!mine->failed && mine->length % UNIT)
        ffmk_wire_put_u8(mine, 0);
    if (rank == 0)
        pile->bytes = calloc((size_t)size, sizeof *pile->bytes);
    int good = rank != 0 || pile->bytes;
    if (PMPI_Bcast(&good, 1, MPI_INT, 0, comm) == MPI_SUCCESS && !good)
        return false;
    const bool came =
        PMPI_Gather(&bytes, 1, MPI_INT, pile->bytes, 1, MPI_INT, 0, comm) == MPI_SUCCESS;
    good = rank != 0 || (came && make_room(pile, size));
    const bool heard = PMPI_Bcast(&good, 1, MPI_INT, 0, comm) == MPI_SUCCESS;
    if (heard && !good)
        return false;
    MPI_Datatype unit = MPI_BYTE;
    const bool made = PMPI_Type_contiguous(UNIT, MPI_BYTE, &unit) == MPI_SUCCESS;
    if (made)
        PMPI_Type_commit(&unit);
    const bool sends = heard && made && !mine->failed;
    const bool all = PMPI_Gatherv(mine->data, sends ? units_of(bytes) : 0, unit, pile->data,
                                  pile->units, pile->begins, unit, 0, comm) == MPI_SUCCESS;
    if (made)
        PMPI_Type_free(&unit);
    return heard && made && all;
}

/* The first rank's: what the others sent, by rank. \return how many. */
static size_t sort_out(const struct pile *pile, int size, const struct ffmk_rank_record *mine,
                       struct ffmk_rank_record *records)
{
    size_t n = 0;
    records[n++] = *mine;
    for (int from = 1; from < size; from++) {
        if (ffmk_record_get(&pile->data[(size_t)pile->begins[from] * UNIT],
                            (size_t)pile->bytes[from], &records[n])) {
            n++;
        } else {
            ffmk_log("the record of rank %d did not arrive; the report is without it", from);
            free(records[n].storage);
        }
    }
    return n;
}

static size_t gather_over(MPI_Comm comm, struct ffmk_rank_record *mine,
                          struct ffmk_rank_record **records_p)
{
    int rank = 0;
    int size = 0;
    PMPI_Comm_rank(comm, &rank);
    PMPI_Comm_size(comm, &size);
    mine->rank = rank; /* the same, but with Sessions alone only this communicator knows it */
    struct ffmk_wire_out out = {0};
    ffmk_record_put(&out, mine);
    struct pile pile = {0};
    size_t n = 0;
    if (!heap_up(comm, rank, size, &out, &pile)) {
        if (rank == 0)
            ffmk_log("the reports of %d ranks could not be collected", size);
    } else if (rank == 0) {
        struct ffmk_rank_record *records = calloc((size_t)size, sizeof *records);
        if (records)
            n = sort_out(&pile, size, mine, records);
        else
            ffmk_log("out of memory for the reports of %d ranks", size);
        *records_p = records;
    }
    free_pile(&pile);
    ffmk_wire_free(&out);
    return n;
}

/* ---- past the dead ---- */

/* Who of the ranks is in this gather. */
static void count_in(void *context, const void *in, void *inout, size_t n)
{
    (void)context;
    (void)in;
    (void)inout;
    (void)n;
}

/* One rank's record to the keeper, in two broadcasts: how long it is, then itself. A rank that dies
 * on the way is left out, by all alike. */
static void pass_on(struct ffmk_context *context, size_t from, const struct ffmk_wire_out *mine,
                    bool keeps, struct ffmk_rank_record *records, size_t *n)
{
    uint64_t length = mine ? mine->length : 0;
    uint64_t messages = 0;
    if (ffmk_ways_bcast(context, (int)from, &length, sizeof length, &messages) != FFMK_SUCCESS ||
        length == 0)
        return;
    uint8_t *data = mine ? mine->data : keeps ? malloc(length) : NULL;
    struct ffmk_operation operation;
    ffmk_ways_bcast_start(context, &operation, FFMK_CALLER_WAITS, (int)from, data, length);
    if (ffmk_ways_wait(&operation) == FFMK_SUCCESS && keeps && !mine) {
        if (ffmk_record_get(data, length, &records[*n]))
            (*n)++;
        else
            free(records[*n].storage);
    }
    if (!mine)
        free(data);
}

/* On our own ways, when the program went on them: who died meanwhile, or while this goes on, stops
 * nobody. The first of those who are there keeps the records. */
static size_t gather_past_the_dead(struct ffmk_context *context, struct ffmk_rank_record *mine,
                                   struct ffmk_rank_record **records_p)
{
    const size_t size = (size_t)context->size;
    unsigned char *there = context->contributors;
    struct ffmk_rank_record *records = calloc(size, sizeof *records);
    const struct ffmk_reduction who = {.n = 1, .element_bytes = 1, .combine = count_in};
    const unsigned char one = 1;
    unsigned char result;
    struct ffmk_operation operation;
    ffmk_ways_allreduce_start(context, &operation, FFMK_CALLER_WAITS, &who, false,
                              records ? &one : NULL, &result, there);
    const int code = ffmk_ways_wait(&operation);
    size_t n = 0;
    struct ffmk_wire_out out = {0};
    if (code == FFMK_SUCCESS) {
        /* Without memory for records nobody succeeds. */
        const bool keeps = records && memchr(there, 1, size) == &there[context->rank];
        ffmk_record_put(&out, mine);
        if (out.failed)
            out.length = 0;
        if (keeps)
            records[n++] = *mine;
        for (size_t i = 0; i < size; i++)
            if (there[i])
                pass_on(context, i, i == (size_t)context->rank ? &out : NULL, keeps, records, &n);
    }
    ffmk_wire_free(&out);
    if (n > 0)
        *records_p = records;
    else
        free(records);
    return n;
}

size_t ffmk_gather(const struct ffmk_job *job, struct ffmk_rank_record *mine,
                   struct ffmk_rank_record **records_p)
{
    struct ffmk_context *context = ffmk_world_has_comm() ? ffmk_context_whole() : NULL;
    if (context && job->n_ranks == job->world_size)
        return gather_past_the_dead(context, mine, records_p);
    if (ffmk_context_any_dead())
        return 1;
    struct wait wait = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .over = PTHREAD_COND_INITIALIZER,
                        .rank = job->world_rank - job->first_rank,
                        .where = ffmk_world_has_comm() ? "MPI_Finalize" : "MPI_Session_finalize"};
    const bool watched = job->unsure && start_to_wait(&wait);
    struct ffmk_meeting meeting;
    size_t n = 0;
    if (ffmk_meeting_open(job, &meeting)) {
        /* An error on the way is not the program's: it loses the report, its handler hears nothing.
         */
        MPI_Errhandler handler;
        PMPI_Comm_get_errhandler(meeting.comm, &handler);
        PMPI_Comm_set_errhandler(meeting.comm, MPI_ERRORS_RETURN);
        n = gather_over(meeting.comm, mine, records_p);
        PMPI_Comm_set_errhandler(meeting.comm, handler);
        PMPI_Errhandler_free(&handler);
        ffmk_meeting_close(&meeting);
    }
    if (watched)
        stop_waiting(&wait);
    return n;
}

void ffmk_gather_free(struct ffmk_rank_record *records, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(records[i].storage);
    free(records);
}
