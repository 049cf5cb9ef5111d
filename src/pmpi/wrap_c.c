/* SPDX-License-Identifier: BSD-3-Clause
 * The doors of the C binding, one for each row of calls.def. */
#include "pmpi/door.h"

typedef MPI_Datatype datatype_handle;
typedef MPI_Comm comm_handle;
typedef MPI_Request request_handle;

static inline uint64_t c_handle(uint64_t handle)
{
#ifdef OPEN_MPI
    if (handle & FFMK_HANDLE_FORTRAN)
        __builtin_unreachable(); /* an address of a process: saves each door a comparison */
#endif
    return handle;
}

#define COUNT(x)         ((int64_t)(x))
#define BIG_COUNT(x)     ((int64_t)(x))
#define COUNTS(x)        (x)
#define NUMBER(x)        (x)
#define HANDLE(x)        c_handle((uintptr_t)(x))
#define TYPE(x)          HANDLE((datatype_handle)(x))
#define TYPE_AT(x, i)    HANDLE(((const datatype_handle *)(x))[i])
#define COMM(x)          HANDLE((comm_handle)(x))
#define REQUEST(x)       REQUEST_AT(x, 0)
#define REQUEST_AT(x, i) HANDLE(((const request_handle *)(x))[i])
#define IN_PLACE(x)      ((x) == MPI_IN_PLACE)

#define C_DOOR(name, waits, parameters, names, ahead, account)                                     \
    DOOR_NEXT int next_##name parameters                                                           \
    {                                                                                              \
        typedef int function_ parameters;                                                          \
        return ((function_ *)ffmk_next[FFMK_DOOR(name, C)])names;                                  \
    }                                                                                              \
    DOOR_SLOW int slow_##name parameters                                                           \
    {                                                                                              \
        enum { door_ = FFMK_DOOR(name, C) };                                                       \
        AHEAD_ALWAYS ahead;                                                                        \
        if (!ffmk_lifecycle_enter(door_, DOOR_FRAME()))                                            \
            return next_##name names;                                                              \
        const uint64_t moved_ = DOOR_LOOK(ahead, account);                                         \
        DOOR_START(DOOR_FRAME(), ffmk_clock_ticks());                                              \
        const int code_ = next_##name names;                                                       \
        return DOOR_STOP(code_, door_, waits, code_ == MPI_SUCCESS, moved_, account);              \
    }                                                                                              \
    FFMK_C_FUNCTION(name, parameters)                                                              \
    {                                                                                              \
        enum { door_ = FFMK_DOOR(name, C) };                                                       \
        if (DOOR_IS_SLOW(door_) || !AHEAD_KNOWN ahead)                                             \
            return slow_##name names;                                                              \
        DOOR_START(DOOR_FRAME(), ffmk_clock_read_counter());                                       \
        const int code_ = next_##name names;                                                       \
        return DOOR_STOP_USUAL(code_, door_, waits, ahead, account);                               \
    }

#define CALL(name, fortran, class, waits, parameters, names, f08, characters, ...)                 \
    C_DOOR(name, waits, parameters, names, AHEAD_##__VA_ARGS__, (__VA_ARGS__))
#define CALL_C(name, fortran, class, waits, parameters, names, f08, characters, ...)               \
    C_DOOR(name##_c, waits, parameters, names, AHEAD_##__VA_ARGS__, (__VA_ARGS__))
#include "pmpi/wide.h"

#include "pmpi/calls.def"
