/* SPDX-License-Identifier: BSD-3-Clause
 * Numbers and names of the doors: one for each call of calls.def and each language's binding of it;
 * and our own calls that wait for other ranks. */
#ifndef FFMK_PMPI_DOORS_H
#define FFMK_PMPI_DOORS_H

#include "job/snapshot.h"

#include <mpi.h>

/* The calls with doors of their own (wrap_life.c) come first. */
#define FFMK_LIFE_CALLS(X)                                                                         \
    X(Init, PROCESS)                                                                               \
    X(Init_thread, PROCESS)                                                                        \
    X(Finalize, PROCESS)                                                                           \
    X(Abort, PROCESS)                                                                              \
    X(Pcontrol, PROCESS)

enum ffmk_call {
#define X(name, class) FFMK_CALL_##name,
    FFMK_LIFE_CALLS(X)
#undef X
#if MPI_VERSION >= 4
        FFMK_CALL_Session_init,
    FFMK_CALL_Session_finalize,
#endif
#define CALL(name, ...)   FFMK_CALL_##name,
#define CALL_C(name, ...) FFMK_CALL_##name##_c,
#include "pmpi/calls.def"
#define API_WAITS(name, ...) FFMK_CALL_##name,
#include "job/api.def"
    FFMK_CALLS
};

enum { FFMK_DOORS = FFMK_CALLS * FFMK_BINDINGS };

#define FFMK_DOOR(name, binding)                                                                   \
    ((unsigned)FFMK_CALL_##name * FFMK_BINDINGS + FFMK_BINDING_##binding)

/** Whether a door starts MPI: its time lies before the run that is reported, and is in no sum. */
static inline int ffmk_door_begins(unsigned door)
{
    const unsigned call = door / FFMK_BINDINGS;
    return call == FFMK_CALL_Init || call == FFMK_CALL_Init_thread
#if MPI_VERSION >= 4
           || call == FFMK_CALL_Session_init
#endif
        ;
}

/** Static names of a call: C spelling ("MPI_Send_c", "ffmk_rebalance") and class ("point to
 * point"). */
const char *ffmk_call_name(enum ffmk_call call);
const char *ffmk_call_class(enum ffmk_call call);

#endif
