/* SPDX-License-Identifier: BSD-3-Clause
 * What the rooms of replaced calls share. */
#ifndef FFMK_PMPI_REPLACE_INSIDE_H
#define FFMK_PMPI_REPLACE_INSIDE_H

#include "pmpi/replace.h"
#include "pmpi/view.h"

extern const struct ffmk_engine *ffmk_replace_engine __attribute__((visibility("hidden")));

static inline void ffmk_replace_answer(void *ierror, int code)
{
    if (ierror) /* optional in mpi_f08 */
        *(MPI_Fint *)ierror = code;
}

/* replace_nonblocking.c: Fortran's, each of its parameters an address */
typedef void ffmk_ibcast_replacement(void *buffer, void *count, void *datatype, void *root,
                                     void *comm, void *request, void *ierror);
typedef void ffmk_ibarrier_replacement(void *comm, void *request, void *ierror);
typedef void ffmk_iallreduce_replacement(void *sendbuf, void *recvbuf, void *count, void *datatype,
                                         void *op, void *comm, void *request, void *ierror);
ffmk_ibcast_replacement ffmk_ibcast_mpif, ffmk_ibcast_f08, ffmk_ibcast_f08_large;
ffmk_ibarrier_replacement ffmk_ibarrier_mpif, ffmk_ibarrier_f08;
ffmk_iallreduce_replacement ffmk_iallreduce_mpif, ffmk_iallreduce_f08, ffmk_iallreduce_f08_large;

/* Calls that look at requests have what we started go on, where MPI does not care for it. */
void ffmk_replace_completion(void);

/* constructors.c: communicators meet as they are made. */
void ffmk_replace_constructors(void);

#endif
