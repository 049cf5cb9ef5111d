/* SPDX-License-Identifier: BSD-3-Clause
 * The doors of the C binding, one for each row of calls.def. */
#include "pmpi/door.h"

typedef MPI_Datatype datatype_handle;
typedef MPI_Comm comm_handle;
typedef MPI_Request request_handle;

#define COUNT(x)         ((int64_t)(x))
#define BIG_COUNT(x)     ((int64_t)(x))
#define COUNTS(x)        (x)
#define NUMBER(x)        (x)
#define HANDLE(x)        ((uint64_t)(uintptr_t)(x))
#define TYPE(x)          HANDLE((datatype_handle)(x))
#define TYPE_AT(x, i)    HANDLE(((const datatype_handle *)(x))[i])
#define COMM(x)          HANDLE((comm_handle)(x))
#define REQUEST(x)       REQUEST_AT(x, 0)
#define REQUEST_AT(x, i) HANDLE(((const request_handle *)(x))[i])
#define IN_PLACE(x)      ((x) == MPI_IN_PLACE)

#define C_DOOR(name, waits, parameters, names, account)                                            \
    FFMK_C_FUNCTION(name, parameters)                                                              \
    {                                                                                              \
        enum { door_ = FFMK_DOOR(name, C) };                                                       \
        typedef int function_ parameters;                                                          \
        void *const frame_ = __builtin_frame_address(0);                                           \
        if (DOOR_PASSES_BY(door_, frame_))                                                         \
            return ((function_ *)ffmk_next[door_])names;                                           \
        int code_;                                                                                 \
        DOOR_RECORD(door_, waits, frame_, code_ = ((function_ *)ffmk_next[door_])names,            \
                    code_ == MPI_SUCCESS, account);                                                \
        return code_;                                                                              \
    }

#define CALL(name, fortran, class, waits, parameters, names, f08, characters, ...)                 \
    C_DOOR(name, waits, parameters, names, (__VA_ARGS__))
#define CALL_C(name, fortran, class, waits, parameters, names, f08, characters, ...)               \
    C_DOOR(name##_c, waits, parameters, names, (__VA_ARGS__))
#include "pmpi/wide.h"

#include "pmpi/calls.def"
