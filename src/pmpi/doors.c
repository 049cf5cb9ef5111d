/* SPDX-License-Identifier: BSD-3-Clause
 * Names of the doors. */
#include "pmpi/doors.h"

enum class {
    P2P,
    COMPLETION,
    PROBE,
    PERSISTENT,
    PARTITIONED,
    COLLECTIVE,
    NEIGHBOURHOOD,
    RMA,
    IO,
    COMMUNICATOR,
    PROCESS,
    DATATYPE,
    MEMORY,
    BALANCE /* ours, of the group of that name */
};

static const char *const class_names[] = {
    [P2P] = "point to point",
    [COMPLETION] = "completion",
    [PROBE] = "probe",
    [PERSISTENT] = "persistent",
    [PARTITIONED] = "partitioned",
    [COLLECTIVE] = "collective",
    [NEIGHBOURHOOD] = "neighbourhood",
    [RMA] = "one-sided",
    [IO] = "file",
    [COMMUNICATOR] = "communicator",
    [PROCESS] = "process",
    [DATATYPE] = "datatype",
    [MEMORY] = "memory",
    [BALANCE] = "balance",
};

static const struct {
    const char *name;
    enum class class;
} calls[] = {
#define X(name, class) {"MPI_" #name, class},
    FFMK_LIFE_CALLS(X)
#undef X
#if MPI_VERSION >= 4
        {"MPI_Session_init", PROCESS},
    {"MPI_Session_finalize", PROCESS},
#endif
#define CALL(name, fortran, class, ...)   {"MPI_" #name, class},
#define CALL_C(name, fortran, class, ...) {"MPI_" #name "_c", class},
#include "pmpi/calls.def"
#define API_WAITS(name, class, ...) {#name, class},
#include "job/api.def"
};

const char *ffmk_call_name(enum ffmk_call call)
{
    return calls[call].name;
}

const char *ffmk_call_class(enum ffmk_call call)
{
    return class_names[calls[call].class];
}
