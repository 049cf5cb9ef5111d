/* SPDX-License-Identifier: BSD-3-Clause
 * What stands in for MPI's nonblocking collective calls in unmodified programs. */
#ifndef FFMK_JOB_REPLACE_NONBLOCKING_H
#define FFMK_JOB_REPLACE_NONBLOCKING_H

#include "job/engine.h"

/** Of ffmk_replacement(); NULL: not one of these. */
void (*ffmk_replacement_nonblocking(enum ffmk_replaced call))(void);

/** See struct ffmk_engine. */
bool ffmk_replace_ibcast_fortran(void *buffer, MPI_Count count, MPI_Fint datatype, int root,
                                 MPI_Fint comm, MPI_Fint *request, struct ffmk_after after,
                                 int *code_p);
bool ffmk_replace_ibarrier_fortran(MPI_Fint comm, MPI_Fint *request, int *code_p);
bool ffmk_replace_iallreduce_fortran(const void *sendbuf, void *recvbuf, MPI_Count count,
                                     MPI_Fint datatype, MPI_Fint op, MPI_Fint comm,
                                     MPI_Fint *request, struct ffmk_after after, int *code_p);

#endif
