/* SPDX-License-Identifier: BSD-3-Clause
 * The doors of mpi_f08, one for each row of calls.def and its large-count twin. */
#include "pmpi/fortran.h"

#ifdef OPEN_MPI
/* Plain addresses, and one ending for all. */
#define F08_NAME(fortran, f08)   mpi_##fortran##_f08_
#define F08_NAME_C(fortran, f08) mpi_##fortran##_c_f08_
#define IN_PLACE(x)              ((x) == ffmk_fortran.f08.in_place)
#else
/* A choice buffer comes as a C descriptor (TS 29113) whose first member is the address. */
#define F08_NAME(fortran, f08)   mpi_##fortran##_##f08##_
#define F08_NAME_C(fortran, f08) mpi_##fortran##_##f08##_large_
#define IN_PLACE(x)              (*(const void *const *)(x) == ffmk_fortran.f08.in_place)
#endif

#define COUNT(x)  ((int64_t) * (const MPI_Fint *)(x))
#define COUNTS(x) ((const MPI_Fint *)(x))
#define CALL(name, fortran, class, waits, parameters, names, f08, characters, ...)                 \
    FORTRAN_DOOR(F08_NAME(fortran, f08), FFMK_DOOR(name, F08), waits, names, characters,           \
                 AHEAD_##__VA_ARGS__, (__VA_ARGS__))
#include "pmpi/calls.def"

#undef COUNT
#undef COUNTS
#define COUNT(x)  BIG_COUNT(x)
#define COUNTS(x) ((const MPI_Count *)(x))
#define CALL_C(name, fortran, class, waits, parameters, names, f08, characters, ...)               \
    FORTRAN_DOOR(F08_NAME_C(fortran, f08), FFMK_DOOR(name##_c, F08), waits, names, characters,     \
                 AHEAD_##__VA_ARGS__, (__VA_ARGS__))
#include "pmpi/calls.def"
