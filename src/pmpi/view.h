/* SPDX-License-Identifier: BSD-3-Clause
 * Buffers of Fortran programs as C takes them: sentinels (MPI_BOTTOM, MPI_IN_PLACE) are addresses
 * that only the loaded MPI knows, and MPICH's mpi_f08 passes descriptors of arrays. */
#ifndef FFMK_PMPI_VIEW_H
#define FFMK_PMPI_VIEW_H

#include "pmpi/fortran.h"

static inline void *ffmk_buffer_of(void *address, const struct ffmk_fortran_sentinels *sentinels)
{
    if (address == sentinels->in_place)
        return MPI_IN_PLACE;
    return address == sentinels->bottom ? MPI_BOTTOM : address;
}

#ifndef OPEN_MPI
struct ffmk_descriptor;

/** A buffer for C: the array itself, or a copy of a section, to be given back. */
struct ffmk_view {
    const struct ffmk_descriptor *array;
    void *buffer;
    void *copy; /* NULL: none was needed */
    void *kept; /* the descriptor, beyond the call */
};

struct ffmk_view ffmk_view_of(void *argument);
/** The call returns before it is given back. */
void ffmk_view_keep(struct ffmk_view *view);
void ffmk_view_give_back(struct ffmk_view *view, bool written);
#endif

#endif
