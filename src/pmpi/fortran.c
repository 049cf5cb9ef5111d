/* SPDX-License-Identifier: BSD-3-Clause
 * Fortran's MPI_IN_PLACE: the address of a common block, which only the loaded MPI knows. */
#include "pmpi/fortran.h"

struct ffmk_fortran_sentinels ffmk_fortran;

void ffmk_fortran_find_sentinels(void)
{
#ifdef OPEN_MPI
    ffmk_fortran.in_place = ffmk_next_symbol("mpi_fortran_in_place_");
    ffmk_fortran.in_place_f08 = ffmk_fortran.in_place;
#else
    /* MPICH's mpif.h: a pointer that MPI_Init sets to the program's common block. mpi_f08: an
     * object. */
    const void *const *pointer = ffmk_next_symbol("MPIR_F_MPI_IN_PLACE");
    ffmk_fortran.in_place = pointer ? *pointer : NULL;
    ffmk_fortran.in_place_f08 = ffmk_next_symbol("MPIR_F08_MPI_IN_PLACE");
#endif
}
