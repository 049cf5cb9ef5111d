/* SPDX-License-Identifier: BSD-3-Clause
 * All ranks of the job, by whichever way MPI was started: MPI_Init, or sessions alone. */
#ifndef FFMK_JOB_WORLD_H
#define FFMK_JOB_WORLD_H

#include <mpi.h>
#include <stdbool.h>

struct ffmk_world {
    MPI_Group group; /* MPI_COMM_WORLD's, or "mpi://WORLD" */
#if MPI_VERSION >= 4
    MPI_Session session; /* our own, or MPI_SESSION_NULL */
#endif
};

/** Whether there is MPI_COMM_WORLD, now. */
bool ffmk_world_has_comm(void);

/** Local. While it is open MPI stays up; close it before MPI ends. \return false, and nothing is
 * open, when MPI does not tell. */
bool ffmk_world_open(struct ffmk_world *world);
void ffmk_world_close(struct ffmk_world *world);

#if MPI_VERSION >= 4
/** The same by a session of our own also where there is MPI_COMM_WORLD. */
bool ffmk_world_open_session(struct ffmk_world *world);
#endif

#endif
