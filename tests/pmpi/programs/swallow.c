/* SPDX-License-Identifier: BSD-3-Clause
 * A PMPI tool for FFMK_CHAIN=1 that stands behind every door of the table: it keeps the arguments
 * it was given, calls nothing and returns an error, so that calls can be made with arguments that
 * mean nothing. Its functions take fifteen words, whatever the call. */
#include <mpi.h> /* MPI_VERSION decides on rows, OPEN_MPI on names */

#include "swallow.h"

static struct swallowed seen;

const struct swallowed *swallow_seen(void)
{
    return &seen;
}

#define WORDS                                                                                      \
    uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,     \
        uint64_t a7, uint64_t a8, uint64_t a9, uint64_t a10, uint64_t a11, uint64_t a12,           \
        uint64_t a13, uint64_t a14
#define KEEP(symbol_)                                                                              \
    seen = (struct swallowed){symbol_,                                                             \
                              seen.calls + 1,                                                      \
                              {a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14}};

#define COUNT_ARGUMENTS(...)                                      COUNT_N(__VA_ARGS__, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define COUNT_N(a, b, c, d, e, f, g, h, i, j, k, l, m, n, N, ...) N

#define C_BEHIND(id, symbol)                                                                       \
    int behind_c_##id(WORDS) __asm__(symbol);                                                      \
    int behind_c_##id(WORDS)                                                                       \
    {                                                                                              \
        KEEP(symbol)                                                                               \
        return SWALLOW_CODE;                                                                       \
    }

/* ierror stands behind the call's own arguments. */
#define FORTRAN_BEHIND(id, symbol, names)                                                          \
    void behind_##id(WORDS) __asm__(symbol);                                                       \
    void behind_##id(WORDS)                                                                        \
    {                                                                                              \
        KEEP(symbol)                                                                               \
        *(int *)(uintptr_t)seen.words[COUNT_ARGUMENTS names] = SWALLOW_CODE;                       \
    }

#define CALL(name, fortran, class, waits, parameters, names, f08, ...)                             \
    C_BEHIND(name, "MPI_" #name)                                                                   \
    FORTRAN_BEHIND(mpif_##name, "mpi_" #fortran "_", names)                                        \
    FORTRAN_BEHIND(f08_##name, F08_SYMBOL(fortran, f08), names)
#define CALL_C(name, fortran, class, waits, parameters, names, f08, ...)                           \
    C_BEHIND(name##_c, "MPI_" #name "_c")                                                          \
    FORTRAN_BEHIND(f08_##name##_c, F08_SYMBOL_C(fortran, f08), names)
#include "pmpi/calls.def"
