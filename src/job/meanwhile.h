/* SPDX-License-Identifier: BSD-3-Clause
 * What a rank that waits in one of our operations does for MPI: what others wait for in MPI may
 * need MPI to go on here, as it does in MPI's own operations, such as the rest of a message that is
 * being sent. */
#ifndef FFMK_JOB_MEANWHILE_H
#define FFMK_JOB_MEANWHILE_H

#include <mpi.h>
#include <stdbool.h>

/** Have MPI go on a little; with `last` once more when the wait is over, which lets go of what that
 * took. Any thread that may call MPI. */
void ffmk_meanwhile(bool last);

/** Ask again and again whether this is complete, until it is; have MPI go on meanwhile, and others
 * have the core. */
void ffmk_meanwhile_wait(bool (*is_complete)(void *subject), void *subject);

/** A query function of generalized requests that says nothing. \return MPI_SUCCESS. */
int ffmk_meanwhile_no_status(void *extra, MPI_Status *status);

#endif
