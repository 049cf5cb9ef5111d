/* SPDX-License-Identifier: BSD-3-Clause
 * The only contract between the doors (libffmk.so) and the engine (libffmk-engine.so). The engine
 * is a shared object of its own, loaded when MPI starts: the doors need nothing but libc and cost a
 * process without MPI nothing, and the engine is bound to the very MPI that the program uses,
 * however that was loaded. */
#ifndef FFMK_JOB_ENGINE_H
#define FFMK_JOB_ENGINE_H

#include "core/config.h"
#include "core/rollcall.h"
#include "job/snapshot.h"

#include <ffmk.h>
#include <stdint.h>

/** Raised with every change of this file: doors and engine of one build belong together. */
enum { FFMK_ENGINE_VERSION = 17 };

/** An MPI handle as the doors saw it: a C handle's bits, or a Fortran INTEGER with this bit set. */
#define FFMK_HANDLE_FORTRAN (UINT64_C(1) << 63)

/** What the doors need to know of a communicator to account for a call. The engine's; valid until
 * the doors' generation counter moves. */
struct ffmk_comm_map {
    int rank;
    int size;      /* of the remote group for an intercommunicator */
    int local;     /* size of the group that the rank is in */
    int inter;     /* is one */
    int outdegree; /* of its process topology, 0 without one */
    const int
        *world; /* rank in MPI_COMM_WORLD of each (remote) rank, or negative; NULL: the same rank */
};

/** What the doors tell the engine when MPI has started. */
struct ffmk_engine_start {
    const struct ffmk_config *config;
    volatile uint32_t *generation; /* the engine adds one when a communicator goes away */
    void (*at_exit)(void);         /* called when the process ends, after its own exit handlers */
    bool by_door; /* a call that starts MPI led here, not a later one that found it started */
    /* Who of this host's ranks runs under ffmk: core/rollcall.h. */
    struct ffmk_rollcall (*rollcall)(int ranks);
    /* Seconds that the calling thread was outside of calls, up to the one it is in, without what
     * was paused; negative when nothing is recorded. */
    double (*useful_s)(void);
};

/** What the engine tells the doors in return. */
struct ffmk_engine_job {
    int world_rank;
    int world_size;         /* 0: not known */
    uint32_t bins;          /* of the communication matrix */
    uint32_t ranks_per_bin; /* a power of two */
    bool threads;           /* MPI_THREAD_MULTIPLE, or it cannot be known */
};

/** The calls that our own collective operations can replace. */
enum ffmk_replaced {
    FFMK_REPLACED_BCAST,
    FFMK_REPLACED_BCAST_C,
    FFMK_REPLACED_BARRIER,
    FFMK_REPLACED_ALLREDUCE,
    FFMK_REPLACED_ALLREDUCE_C,
    FFMK_REPLACED_IBCAST,
    FFMK_REPLACED_IBCAST_C,
    FFMK_REPLACED_IBARRIER,
    FFMK_REPLACED_IALLREDUCE,
    FFMK_REPLACED_IALLREDUCE_C
};

/** What is to be done when an operation is complete, before its request is. */
struct ffmk_after {
    void (*function)(void *argument); /* NULL: nothing */
    void *argument;
};

struct ffmk_engine {
    uint32_t version;

    /** MPI is up. Collective over the job's ranks when MPI_Init led here, by a door, and none of
     * this host is missing; else local. \return FFMK_SUCCESS or an error after a line about it.
     */
    int (*start)(const struct ffmk_engine_start *start, struct ffmk_engine_job *job);
    /** The run of this rank ends: what is counted beside time stops here. System calls alone,
     * but for PAPI's. */
    void (*stop_counting)(void);
    /** Behind it: write the report. Collective over the job when ending is FINALIZE, else local,
     * and good in a copy of the process. */
    void (*finish)(const struct ffmk_snapshot *snapshot);
    /** Remove what finish() has not finished in a copy of the process. System calls alone. */
    void (*tidy)(void);
    /** Bytes of one element of a datatype. */
    uint64_t (*type_size)(uint64_t datatype);
    /** Never NULL. */
    const struct ffmk_comm_map *(*comm_map)(uint64_t comm);

    /** What stands in for an MPI call, with its C parameters; NULL when nothing does. */
    void (*(*replacement)(enum ffmk_replaced call))(void);
    /** The same with Fortran's handles. Buffers are as C takes them. \return MPI's code. */
    int (*bcast_fortran)(void *buffer, MPI_Count count, MPI_Fint datatype, int root, MPI_Fint comm);
    int (*barrier_fortran)(MPI_Fint comm);
    int (*allreduce_fortran)(const void *sendbuf, void *recvbuf, MPI_Count count, MPI_Fint datatype,
                             MPI_Fint op, MPI_Fint comm);
    /** The same for nonblocking calls. \return false: it is MPI's, and nothing was done. */
    bool (*ibcast_fortran)(void *buffer, MPI_Count count, MPI_Fint datatype, int root,
                           MPI_Fint comm, MPI_Fint *request, struct ffmk_after after, int *code_p);
    bool (*ibarrier_fortran)(MPI_Fint comm, MPI_Fint *request, int *code_p);
    bool (*iallreduce_fortran)(const void *sendbuf, void *recvbuf, MPI_Count count,
                               MPI_Fint datatype, MPI_Fint op, MPI_Fint comm, MPI_Fint *request,
                               struct ffmk_after after, int *code_p);
    /** Have what was started go on. */
    void (*drive)(void);
    /** A communicator was made, and its ranks are all at it: prepare it for operations of our own,
     * if they are known to be under ffmk. Collective then; MPI_COMM_NULL does no harm. */
    void (*meet)(uint64_t comm);
    /** Whether ranks of this job have died: then MPI_Finalize cannot be trusted to come back. */
    bool (*someone_died)(void);

    /* The public calls. */
#define API(name, parameters, arguments) int(*name) parameters;
#include "job/api.def"
};

/** The engine's only exported symbol. */
extern const struct ffmk_engine ffmk_engine_table;

#endif
