/* SPDX-License-Identifier: BSD-3-Clause
 * What stands in for MPI's collective calls in unmodified programs. */
#ifndef FFMK_JOB_REPLACE_H
#define FFMK_JOB_REPLACE_H

#include "job/engine.h"

/** See struct ffmk_engine. */
void (*ffmk_replacement(enum ffmk_replaced call))(void);
int ffmk_replace_bcast_fortran(void *buffer, MPI_Count count, MPI_Fint datatype, int root,
                               MPI_Fint comm);
int ffmk_replace_barrier_fortran(MPI_Fint comm);
int ffmk_replace_allreduce_fortran(const void *sendbuf, void *recvbuf, MPI_Count count,
                                   MPI_Fint datatype, MPI_Fint op, MPI_Fint comm);
void ffmk_replace_meet(uint64_t handle);

/** All ranks of MPI_COMM_WORLD are under ffmk, and come here: the same for it, if the environment
 * has a call replaced. Where this was not called communicators are not prepared as they are made.
 */
void ffmk_replace_meet_on_world(const struct ffmk_config *config);

#endif
