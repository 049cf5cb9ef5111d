/* SPDX-License-Identifier: BSD-3-Clause
 * What replaced calls that block and those that do not share. */
#ifndef FFMK_JOB_REPLACE_INSIDE_H
#define FFMK_JOB_REPLACE_INSIDE_H

#include "job/collective.h"
#include "job/replace.h"

/* MPI's class of error for a code of ours. */
int ffmk_replace_class(int code);

/* Whether elements can be broadcast, or reduced, from and to these buffers; if not, MPI is to say
 * what is wrong. */
bool ffmk_replace_can_bcast(const void *buffer, MPI_Count count, MPI_Datatype datatype, int root,
                            const struct ffmk_context *context, struct ffmk_packing *packing);
bool ffmk_replace_can_reduce(const void *sendbuf, const void *recvbuf, MPI_Count count,
                             MPI_Datatype datatype, MPI_Op op, struct ffmk_packing *packing);

#endif
