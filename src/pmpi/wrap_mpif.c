/* SPDX-License-Identifier: BSD-3-Clause
 * The doors of mpif.h and `use mpi`, one for each row of calls.def. Neither has large-count twins.
 */
#include "pmpi/fortran.h"

#define COUNT(x)    ((int64_t) * (const MPI_Fint *)(x))
#define COUNTS(x)   ((const MPI_Fint *)(x))
#define IN_PLACE(x) ((x) == ffmk_fortran.plain.in_place)

#define CALL(name, fortran, class, waits, parameters, names, f08, characters, ...)                 \
    FORTRAN_DOOR(mpi_##fortran##_, FFMK_DOOR(name, MPIF), waits, names, characters,                \
                 AHEAD_##__VA_ARGS__, (__VA_ARGS__))
#include "pmpi/calls.def"
