/* SPDX-License-Identifier: BSD-3-Clause
 * What a call moves: the words of calls.def's last column. Bytes are those that a rank hands over
 * (for receives: the room it offers), as the arguments say; messages to single ranks also go into
 * the communication matrix.
 *
 * The words are macros over the parameters' names, so that one table serves C, where a parameter is
 * a value, and Fortran, where it is an address. The including file says how to read one: COUNT(x)
 * COUNTS(x)   a count, an array of counts TYPE(x) TYPE_AT(x, i) COMM(x) REQUEST(x) REQUEST_AT(x, i)
 * a handle as 64 bits NUMBER(x)            an int;  IN_PLACE(x)  whether a buffer is MPI_IN_PLACE
 *
 * Each word stands for two things. By itself it is an expression of bytes, good for any arguments.
 * With AHEAD_ before it, it is what the usual way does ahead of the call: look the same up in the
 * tables of the thread, or for a send, on whose way to another rank everything counts, keep the
 * arguments.
 *
 * What is looked up after the call must not have gone away meanwhile. With MPI_THREAD_MULTIPLE
 * another thread may free a datatype or a communicator that a call under way uses. Then everything
 * is looked up ahead: doors that cannot do so in the usual way only have the slow one, and a bad
 * handle is met by our question before the call. Otherwise MPI is asked only after the call: it has
 * checked the handle. */
#ifndef FFMK_PMPI_ACCOUNT_H
#define FFMK_PMPI_ACCOUNT_H

#include "pmpi/persistent.h"
#include "pmpi/record.h"

/** Where a handle goes in a small cache, modulo its size: Open MPI's C handles are addresses of
 * structs, all others are numbers. */
static inline uint64_t ffmk_handle_place(uint64_t handle)
{
#ifdef OPEN_MPI
    return handle & FFMK_HANDLE_FORTRAN ? handle : (handle >> 8) ^ (handle >> 4);
#else
    return handle ^ ((uint32_t)handle >> 28); /* MPICH: built-in or not, and a running number */
#endif
}

/** Slow paths: the engine knows, and then the cache. */
uint64_t ffmk_account_size_miss(struct ffmk_recorder *recorder, uint64_t datatype);
const struct ffmk_comm_map *ffmk_account_map_miss(struct ffmk_recorder *recorder, uint64_t comm);

static inline uint64_t ffmk_account_size(struct ffmk_recorder *recorder, uint64_t datatype)
{
    const struct ffmk_size_entry *const entry =
        &recorder->sizes[ffmk_handle_place(datatype) % FFMK_SIZE_CACHE];
    if (__builtin_expect(entry->datatype == datatype && recorder->generation == ffmk_generation, 1))
        return entry->bytes;
    return ffmk_account_size_miss(recorder, datatype);
}

static inline const struct ffmk_comm_map *ffmk_account_map(struct ffmk_recorder *recorder,
                                                           uint64_t comm)
{
    const struct ffmk_comm_entry *const entry =
        &recorder->comms[ffmk_handle_place(comm) % FFMK_COMM_CACHE];
    if (__builtin_expect(entry->comm == comm && recorder->generation == ffmk_generation, 1))
        return entry->map;
    return ffmk_account_map_miss(recorder, comm);
}

static inline uint64_t ffmk_account_bytes(struct ffmk_recorder *recorder, int64_t count,
                                          uint64_t datatype)
{
    return count > 0 ? (uint64_t)count * ffmk_account_size(recorder, datatype) : 0;
}

/** World rank of rank `peer` of a communicator; negative when there is none (MPI_PROC_NULL, another
 * world). */
static inline int ffmk_account_world(const struct ffmk_comm_map *map, int peer)
{
    if (peer < 0 || peer >= map->size)
        return -1;
    return map->world ? map->world[peer] : peer;
}

static inline struct ffmk_lane *ffmk_account_lane(const struct ffmk_recorder *recorder, int world)
{
    return world >= 0 && recorder->lanes ? &recorder->lanes[(uint32_t)world >> recorder->bin_shift]
                                         : NULL;
}

static inline uint64_t ffmk_account_message(struct ffmk_lane *lane, uint64_t bytes)
{
    if (lane) {
        lane->messages++;
        lane->bytes += bytes;
    }
    return bytes;
}

/** Bytes of a send; where they go is in ffmk_thread.lane. */
static inline uint64_t ffmk_account_sent(struct ffmk_recorder *recorder, int64_t count,
                                         uint64_t datatype, int dest, uint64_t comm)
{
    ffmk_thread.lane = NULL;
    if (dest < 0)
        return 0;
    const uint64_t bytes = ffmk_account_bytes(recorder, count, datatype);
    ffmk_thread.lane =
        ffmk_account_lane(recorder, ffmk_account_world(ffmk_account_map(recorder, comm), dest));
    return bytes;
}

/** The same of the send of which ffmk_thread holds the arguments, by the tables alone. \return
 * false when they do not know. */
static inline bool ffmk_account_sent_usual(uint64_t *bytes, struct ffmk_lane **lane)
{
    const struct ffmk_recorder *const recorder = ffmk_thread.recorder;
    const struct ffmk_message *const message = &ffmk_thread.message;
    const struct ffmk_comm_entry *const comm =
        &recorder->comms[ffmk_handle_place(message->comm) % FFMK_COMM_CACHE];
    const struct ffmk_size_entry *const size =
        &recorder->sizes[ffmk_handle_place(message->datatype) % FFMK_SIZE_CACHE];
    /* Of a communicator that went away, `world` did, too. */
    if (__builtin_expect(comm->comm != message->comm || size->datatype != message->datatype ||
                             recorder->generation != ffmk_generation ||
                             (unsigned)message->dest >= (unsigned)comm->peers || message->count < 0,
                         0))
        return false; /* MPI_PROC_NULL or no such rank, too */
    int world = message->dest;
    if (__builtin_expect(comm->world != NULL, 0)) {
        world = comm->world[world];
        if (__builtin_expect(world < 0, 0))
            return false;
    }
    *lane = &recorder->lanes[(uint32_t)world >> recorder->bin_shift];
    *bytes = (uint64_t)message->count * size->bytes;
    return true;
}

static inline uint64_t ffmk_account_sum_int(const int *counts, int n)
{
    uint64_t sum = 0;
    for (int i = 0; counts && i < n; i++)
        sum += (uint64_t)counts[i];
    return sum;
}

static inline uint64_t ffmk_account_sum_count(const MPI_Count *counts, int n)
{
    uint64_t sum = 0;
    for (int i = 0; counts && i < n; i++)
        sum += (uint64_t)counts[i];
    return sum;
}

#define ACCOUNT_SUM(counts, n)                                                                     \
    _Generic((counts), const int *                                                                 \
             : ffmk_account_sum_int, int *                                                         \
             : ffmk_account_sum_int, const MPI_Count *                                             \
             : ffmk_account_sum_count, MPI_Count *                                                 \
             : ffmk_account_sum_count)((counts), (n))

/* ---- ahead of the call: true when the usual way may go on ---- */

static inline bool ffmk_ahead_bytes(int64_t count, uint64_t datatype)
{
    const struct ffmk_recorder *const recorder = ffmk_thread.recorder;
    const struct ffmk_size_entry *const entry =
        &recorder->sizes[ffmk_handle_place(datatype) % FFMK_SIZE_CACHE];
    if (__builtin_expect(entry->datatype != datatype || recorder->generation != ffmk_generation, 0))
        return false;
    ffmk_thread.bytes = (uint64_t)count * entry->bytes;
    return count >= 0; /* one that means nothing may be anything */
}

static inline bool ffmk_ahead_message(int64_t count, uint64_t datatype, int dest, uint64_t comm)
{
    ffmk_thread.message = (struct ffmk_message){count, datatype, comm, dest};
    return true;
}

/* A handle goes away, whether this thread records or not. Ahead of the call, for once it is free
 * another thread may get the same one for something else. */
static inline bool ffmk_ahead_forget(void)
{
    __atomic_add_fetch(&ffmk_generation, 1, __ATOMIC_RELEASE);
    return true;
}

/* What is kept for the way out; and nothing, when it can be looked up (LATER) or needs the call's
 * result (RESULT). */
enum {
    AHEAD_IS_NOTHING,
    AHEAD_IS_FORGET,
    AHEAD_IS_RESULT,
    AHEAD_IS_BYTES,
    AHEAD_IS_MESSAGE,
    AHEAD_IS_LATER
};
#define AHEAD_WHAT(what, known)   what
#define AHEAD_KNOWN(what, known)  (known)
#define AHEAD_MOVES(what, known)  (what != AHEAD_IS_NOTHING)
#define AHEAD_ALWAYS(what, known) ((void)(what == AHEAD_IS_FORGET && (known)))
/* Whether the word alone can be evaluated ahead, too; whether the usual way has to do so after the
 * call. */
#define AHEAD_CAN(what, known)   (what >= AHEAD_IS_BYTES)
#define AHEAD_AFTER(what, known) (what >= AHEAD_IS_MESSAGE)

#define AHEAD_NOTHING            (AHEAD_IS_NOTHING, true)
#define AHEAD_FORGET()           (AHEAD_IS_FORGET, ffmk_ahead_forget())
#define AHEAD_BYTES(count, type) (AHEAD_IS_BYTES, ffmk_ahead_bytes(COUNT(count), TYPE(type)))
#define AHEAD_ONE(type)          (AHEAD_IS_BYTES, ffmk_ahead_bytes(1, TYPE(type)))
#define AHEAD_SENT(count, type, dest, comm)                                                        \
    (AHEAD_IS_MESSAGE, ffmk_ahead_message(COUNT(count), TYPE(type), NUMBER(dest), COMM(comm)))
#define AHEAD_LATER                 (AHEAD_IS_LATER, true)
#define AHEAD_RESULT                (AHEAD_IS_RESULT, true)
#define AHEAD_OWN(...)              AHEAD_LATER
#define AHEAD_OWNV(...)             AHEAD_LATER
#define AHEAD_GOT(...)              AHEAD_LATER
#define AHEAD_EACH(...)             AHEAD_LATER
#define AHEAD_EACHV(...)            AHEAD_LATER
#define AHEAD_EACHW(...)            AHEAD_LATER
#define AHEAD_SUM(...)              AHEAD_LATER
#define AHEAD_SUMV(...)             AHEAD_LATER
#define AHEAD_NEIGHBOURS(...)       AHEAD_LATER
#define AHEAD_NEIGHBOURSV(...)      AHEAD_LATER
#define AHEAD_NEIGHBOURSW(...)      AHEAD_LATER
#define AHEAD_PERSISTENT(...)       AHEAD_RESULT
#define AHEAD_PERSISTENT_OTHER(...) AHEAD_RESULT
#define AHEAD_PARTITIONED(...)      AHEAD_RESULT
#define AHEAD_START(...)            AHEAD_RESULT
#define AHEAD_STARTALL(...)         AHEAD_RESULT

/* ---- the words: `recorder` is the calling thread's ---- */

#define NOTHING            0
#define BYTES(count, type) ffmk_account_bytes(recorder, COUNT(count), TYPE(type))
#define ONE(type)          ffmk_account_size(recorder, TYPE(type))
#define SENT(count, type, dest, comm)                                                              \
    ffmk_account_sent(recorder, COUNT(count), TYPE(type), NUMBER(dest), COMM(comm))
#define FORGET() (ffmk_ahead_forget(), 0) /* again: another thread may just have looked it up */

/* A rank's own part of a gather: it hands over the send arguments, or with MPI_IN_PLACE what the
 * receive arguments say of it. What is gathered or scattered between two groups counts nothing:
 * which arguments mean something differs, and what means nothing may be anything. */
#define OWN(buffer, count, type, recvcount, recvtype, comm)                                        \
    (ACCOUNT_INTER(comm) ? 0 : IN_PLACE(buffer) ? BYTES(recvcount, recvtype) : BYTES(count, type))
#define OWNV(buffer, count, type, recvcounts, recvtype, comm)                                      \
    (ACCOUNT_INTER(comm) ? 0                                                                       \
     : IN_PLACE(buffer)                                                                            \
         ? ffmk_account_bytes(recorder, ACCOUNT_MINE(recvcounts, comm), TYPE(recvtype))            \
         : BYTES(count, type))
#define GOT(buffer, count, type, comm)                                                             \
    (IN_PLACE(buffer) || ACCOUNT_INTER(comm) ? 0 : BYTES(count, type))
#define EACH(buffer, count, type, recvcount, recvtype, comm)                                       \
    ((uint64_t)ACCOUNT_SIZE(comm) *                                                                \
     (IN_PLACE(buffer) ? BYTES(recvcount, recvtype) : BYTES(count, type)))
#define EACHV(buffer, counts, type, recvcounts, recvtype, comm)                                    \
    (IN_PLACE(buffer) ? ACCOUNT_VECTOR(recvcounts, recvtype, ACCOUNT_SIZE(comm))                   \
                      : ACCOUNT_VECTOR(counts, type, ACCOUNT_SIZE(comm)))
#define EACHW(buffer, counts, types, recvcounts, recvtypes, comm)                                  \
    (IN_PLACE(buffer) ? ACCOUNT_TYPES(recvcounts, recvtypes, ACCOUNT_SIZE(comm))                   \
                      : ACCOUNT_TYPES(counts, types, ACCOUNT_SIZE(comm)))
/* What is reduced and scattered is for one's own group, between two groups as well. */
#define SUM(count, type, comm)           ((uint64_t)ACCOUNT_LOCAL(comm) * BYTES(count, type))
#define SUMV(counts, type, comm)         ACCOUNT_VECTOR(counts, type, ACCOUNT_LOCAL(comm))
#define NEIGHBOURS(count, type, comm)    ((uint64_t)ACCOUNT_DEGREE(comm) * BYTES(count, type))
#define NEIGHBOURSV(counts, type, comm)  ACCOUNT_VECTOR(counts, type, ACCOUNT_DEGREE(comm))
#define NEIGHBOURSW(counts, types, comm) ACCOUNT_TYPES(counts, types, ACCOUNT_DEGREE(comm))

#define ACCOUNT_INTER(comm)  (ffmk_account_map(recorder, COMM(comm))->inter)
#define ACCOUNT_SIZE(comm)   (ffmk_account_map(recorder, COMM(comm))->size)
#define ACCOUNT_LOCAL(comm)  (ffmk_account_map(recorder, COMM(comm))->local)
#define ACCOUNT_DEGREE(comm) (ffmk_account_map(recorder, COMM(comm))->outdegree)
#define ACCOUNT_MINE(counts, comm)                                                                 \
    (COUNTS(counts) ? (int64_t)COUNTS(counts)[ffmk_account_map(recorder, COMM(comm))->rank] : 0)
#define ACCOUNT_VECTOR(counts, type, n)                                                            \
    ffmk_account_bytes(recorder, (int64_t)ACCOUNT_SUM(COUNTS(counts), n), TYPE(type))
#define ACCOUNT_TYPES(counts, types, n)                                                            \
    __extension__({                                                                                \
        uint64_t sum_ = 0;                                                                         \
        for (int i_ = 0, n_ = (n); (counts) && (types) && i_ < n_; i_++)                           \
            sum_ += ffmk_account_bytes(recorder, (int64_t)COUNTS(counts)[i_], TYPE_AT(types, i_)); \
        sum_;                                                                                      \
    })

/* Persistent sends are remembered when made and counted at each start. */
#define PERSISTENT(count, type, dest, comm, request)                                               \
    ffmk_persistent_add(recorder, REQUEST(request), COUNT(count), TYPE(type), NUMBER(dest),        \
                        COMM(comm))
#define PARTITIONED(partitions, count, type, dest, comm, request)                                  \
    ffmk_persistent_add(recorder, REQUEST(request),                                                \
                        (int64_t)NUMBER(partitions) * BIG_COUNT(count), TYPE(type), NUMBER(dest),  \
                        COMM(comm))
#define PERSISTENT_OTHER(request) ffmk_persistent_other(REQUEST(request))
#define START(request)            ffmk_persistent_start(recorder, REQUEST(request))
#define STARTALL(count, requests)                                                                  \
    __extension__({                                                                                \
        uint64_t sum_ = 0;                                                                         \
        for (int i_ = 0, n_ = NUMBER(count); i_ < n_; i_++)                                        \
            sum_ += ffmk_persistent_start(recorder, REQUEST_AT(requests, i_));                     \
        sum_;                                                                                      \
    })

#endif
