/* SPDX-License-Identifier: BSD-3-Clause
 * Fortran's MPI_IN_PLACE and MPI_BOTTOM: addresses of common blocks, which only the loaded MPI
 * knows. */
#include "pmpi/fortran.h"

struct ffmk_fortran ffmk_fortran;

void ffmk_fortran_find_sentinels(void)
{
#ifdef OPEN_MPI
    ffmk_fortran.plain.in_place = ffmk_next_symbol("mpi_fortran_in_place_");
    ffmk_fortran.plain.bottom = ffmk_next_symbol("mpi_fortran_bottom_");
    ffmk_fortran.f08 = ffmk_fortran.plain;
#else
    /* MPICH's mpif.h: pointers that MPI_Init sets to the program's common block. mpi_f08: objects.
     */
    const void *const *pointer = ffmk_next_symbol("MPIR_F_MPI_IN_PLACE");
    ffmk_fortran.plain.in_place = pointer ? *pointer : NULL;
    pointer = ffmk_next_symbol("MPIR_F_MPI_BOTTOM");
    ffmk_fortran.plain.bottom = pointer ? *pointer : NULL;
    ffmk_fortran.f08.in_place = ffmk_next_symbol("MPIR_F08_MPI_IN_PLACE");
    ffmk_fortran.f08.bottom = ffmk_next_symbol("MPIR_F08_MPI_BOTTOM");
#endif
}
