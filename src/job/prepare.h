/* SPDX-License-Identifier: BSD-3-Clause
 * How the ranks of a communicator come together for operations of our own: who is on one host, the
 * memory they share, or the network. By MPI, so all of them must be alive. */
#ifndef FFMK_JOB_PREPARE_H
#define FFMK_JOB_PREPARE_H

#include "job/context.h"

/** Called before the network is used; false: it must not be. */
typedef bool ffmk_prepare_network(void);

/** Fill in the context's host or across, or leave its operations to MPI. Collective.
 * \return FFMK_SUCCESS, FFMK_ERR_NO_MEMORY, FFMK_ERR_MPI, at all ranks alike. */
int ffmk_prepare(struct ffmk_context *context, MPI_Comm comm, ffmk_prepare_network *before);
void ffmk_prepare_undo(struct ffmk_context *context);

/** Whether it is good at all ranks. Collective. */
bool ffmk_prepare_agreed(MPI_Comm comm, int good);

#endif
