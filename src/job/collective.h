/* SPDX-License-Identifier: BSD-3-Clause
 * Our own collective operations on MPI's communicators and datatypes, for the public calls and for
 * the calls of unmodified programs that are replaced. Each is over a context that is there. */
#ifndef FFMK_JOB_COLLECTIVE_H
#define FFMK_JOB_COLLECTIVE_H

#include "job/packing.h"
#include "job/ways.h"

/** The communicator's context for a public call; why there is none is said. \return as
 * ffmk_context_of(), and FFMK_ERR_STATE. */
int ffmk_collective_context(MPI_Comm comm, const char *call, struct ffmk_context **context_p);

/** The same for a broadcast, with its root and its elements. */
int ffmk_collective_message(const char *call, MPI_Count count, MPI_Datatype datatype, int root,
                            MPI_Comm comm, struct ffmk_context **context_p,
                            struct ffmk_packing *packing);

/** Say what is wrong with a public call. \return code. */
int ffmk_collective_refuse(int code, const char *call, const char *what);

/** \return FFMK_SUCCESS; FFMK_ERR_FAILED; FFMK_ERR_EXCLUDED; FFMK_ERR_ARGUMENT: the root sends
 * another number of bytes; FFMK_ERR_NO_MEMORY; FFMK_ERR_MPI. *messages_p is added to, here and
 * below. */
int ffmk_collective_bcast(struct ffmk_context *context, void *buffer,
                          const struct ffmk_packing *packing, int root, uint64_t *messages_p);
int ffmk_collective_barrier(struct ffmk_context *context, uint64_t *messages_p);
/** sendbuf may be MPI_IN_PLACE. The element must fit (ffmk_collective_reduces()). */
int ffmk_collective_allreduce(struct ffmk_context *context, const void *sendbuf, void *recvbuf,
                              const struct ffmk_packing *packing, MPI_Op op, uint64_t *messages_p);

/** Whether elements of this size can be reduced; the same at all ranks. */
bool ffmk_collective_reduces(const struct ffmk_packing *packing);

#endif
