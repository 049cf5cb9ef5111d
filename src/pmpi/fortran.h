/* SPDX-License-Identifier: BSD-3-Clause
 * What the two Fortran bindings share. A Fortran door is a C function whose parameters are all
 * addresses, the names of the table and then ierror (and a hidden length for each CHARACTER); they
 * are handed on untouched, so that no sentinel (MPI_IN_PLACE, MPI_STATUS_IGNORE, …) needs
 * translating. */
#ifndef FFMK_PMPI_FORTRAN_H
#define FFMK_PMPI_FORTRAN_H

#include "pmpi/door.h"

/** Addresses of MPI_IN_PLACE and MPI_BOTTOM as Fortran programs pass them; set by
 * ffmk_fortran_find_sentinels(). */
struct ffmk_fortran_sentinels {
    const void *in_place;
    const void *bottom;
};
extern struct ffmk_fortran {
    struct ffmk_fortran_sentinels plain; /* mpif.h, use mpi */
    struct ffmk_fortran_sentinels f08;   /* mpi_f08 */
} ffmk_fortran;

void ffmk_fortran_find_sentinels(void);

#define BIG_COUNT(x)     ((int64_t) * (const MPI_Count *)(x))
#define NUMBER(x)        (*(const MPI_Fint *)(x))
#define HANDLE_AT(x, i)  (FFMK_HANDLE_FORTRAN | (uint32_t)((const MPI_Fint *)(x))[i])
#define TYPE(x)          HANDLE_AT(x, 0)
#define TYPE_AT(x, i)    HANDLE_AT(x, i)
#define COMM(x)          HANDLE_AT(x, 0)
#define REQUEST(x)       HANDLE_AT(x, 0)
#define REQUEST_AT(x, i) HANDLE_AT(x, i)

/* (a, b, c) as parameters void *a, void *b, void *c. */
#define VOIDS(...)                                                                                 \
    VOIDS_N(__VA_ARGS__, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)
#define VOIDS_N(a, b, c, d, e, f, g, h, i, j, k, l, m, n, N, ...) VOIDS_##N
#define VOIDS_1(a)                                                void *a
#define VOIDS_2(a, ...)                                           void *a, VOIDS_1(__VA_ARGS__)
#define VOIDS_3(a, ...)                                           void *a, VOIDS_2(__VA_ARGS__)
#define VOIDS_4(a, ...)                                           void *a, VOIDS_3(__VA_ARGS__)
#define VOIDS_5(a, ...)                                           void *a, VOIDS_4(__VA_ARGS__)
#define VOIDS_6(a, ...)                                           void *a, VOIDS_5(__VA_ARGS__)
#define VOIDS_7(a, ...)                                           void *a, VOIDS_6(__VA_ARGS__)
#define VOIDS_8(a, ...)                                           void *a, VOIDS_7(__VA_ARGS__)
#define VOIDS_9(a, ...)                                           void *a, VOIDS_8(__VA_ARGS__)
#define VOIDS_10(a, ...)                                          void *a, VOIDS_9(__VA_ARGS__)
#define VOIDS_11(a, ...)                                          void *a, VOIDS_10(__VA_ARGS__)
#define VOIDS_12(a, ...)                                          void *a, VOIDS_11(__VA_ARGS__)
#define VOIDS_13(a, ...)                                          void *a, VOIDS_12(__VA_ARGS__)
#define VOIDS_14(a, ...)                                          void *a, VOIDS_13(__VA_ARGS__)

#define UNWRAP(...) __VA_ARGS__
#define LENGTH_PARAMETERS_0
#define LENGTH_PARAMETERS_1 , void *length1_
#define LENGTH_PARAMETERS_2 , void *length1_, void *length2_
#define LENGTHS_0
#define LENGTHS_1 , length1_
#define LENGTHS_2 , length1_, length2_

/* ierror is optional in mpi_f08: absent, it is NULL, and a call that returned has succeeded. */
#define FORTRAN_SUCCEEDED(ierror) ((ierror) == NULL || *(const MPI_Fint *)(ierror) == MPI_SUCCESS)

#define DOOR_SLOW_NAME(symbol)  DOOR_SLOW_NAME_(symbol)
#define DOOR_SLOW_NAME_(symbol) slow_##symbol
#define DOOR_NEXT_NAME(symbol)  DOOR_NEXT_NAME_(symbol)
#define DOOR_NEXT_NAME_(symbol) next_##symbol
#define FORTRAN_DOOR(symbol, door, waits, names, characters, ahead, account)                       \
    DOOR_NEXT void DOOR_NEXT_NAME(symbol)(VOIDS names,                                             \
                                          void *ierror_ LENGTH_PARAMETERS_##characters)            \
    {                                                                                              \
        typedef void function_(VOIDS names, void *ierror_ LENGTH_PARAMETERS_##characters);         \
        ((function_ *)ffmk_next[door])(UNWRAP names, ierror_ LENGTHS_##characters);                \
    }                                                                                              \
    DOOR_SLOW void DOOR_SLOW_NAME(symbol)(VOIDS names,                                             \
                                          void *ierror_ LENGTH_PARAMETERS_##characters)            \
    {                                                                                              \
        AHEAD_ALWAYS ahead;                                                                        \
        const bool records_ = ffmk_lifecycle_enter(door, DOOR_FRAME());                            \
        const uint64_t moved_ = records_ ? DOOR_LOOK(ahead, account) : 0;                          \
        if (records_)                                                                              \
            DOOR_START(DOOR_FRAME(), ffmk_clock_ticks());                                          \
        DOOR_NEXT_NAME(symbol)(UNWRAP names, ierror_ LENGTHS_##characters);                        \
        if (records_)                                                                              \
            DOOR_STOP(0, door, waits, FORTRAN_SUCCEEDED(ierror_), moved_, account);                \
    }                                                                                              \
    FFMK_PUBLIC void symbol(VOIDS names, void *ierror_ LENGTH_PARAMETERS_##characters);            \
    FFMK_PUBLIC void symbol(VOIDS names, void *ierror_ LENGTH_PARAMETERS_##characters)             \
    {                                                                                              \
        if (DOOR_IS_SLOW(door) || !AHEAD_KNOWN ahead) {                                            \
            DOOR_SLOW_NAME(symbol)(UNWRAP names, ierror_ LENGTHS_##characters);                    \
            return;                                                                                \
        }                                                                                          \
        DOOR_START(DOOR_FRAME(), ffmk_clock_read_counter());                                       \
        DOOR_NEXT_NAME(symbol)(UNWRAP names, ierror_ LENGTHS_##characters);                        \
        /* Where nothing moves it makes no difference, and ierror_ need not be kept. */            \
        const bool failed_ = AHEAD_MOVES ahead && !FORTRAN_SUCCEEDED(ierror_);                     \
        DOOR_STOP_USUAL(failed_, door, waits, ahead, account);                                     \
    }

#endif
