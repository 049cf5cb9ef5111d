/* SPDX-License-Identifier: BSD-3-Clause
 * All ranks of the job. */
#include "job/world.h"

bool ffmk_world_has_comm(void)
{
    int up = 0;
    int down = 0;
    PMPI_Initialized(&up);
    PMPI_Finalized(&down); /* with sessions still open, MPI itself is not */
    return up && !down;
}

#if MPI_VERSION >= 4

bool ffmk_world_open_session(struct ffmk_world *world)
{
    if (PMPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &world->session) != MPI_SUCCESS)
        return false;
    if (PMPI_Group_from_session_pset(world->session, "mpi://WORLD", &world->group) == MPI_SUCCESS)
        return true;
    PMPI_Session_finalize(&world->session);
    return false;
}

bool ffmk_world_open(struct ffmk_world *world)
{
    world->session = MPI_SESSION_NULL;
    return ffmk_world_has_comm() ? PMPI_Comm_group(MPI_COMM_WORLD, &world->group) == MPI_SUCCESS
                                 : ffmk_world_open_session(world);
}

void ffmk_world_close(struct ffmk_world *world)
{
    PMPI_Group_free(&world->group);
    if (world->session != MPI_SESSION_NULL)
        PMPI_Session_finalize(&world->session);
}

#else

bool ffmk_world_open(struct ffmk_world *world)
{
    return ffmk_world_has_comm() && PMPI_Comm_group(MPI_COMM_WORLD, &world->group) == MPI_SUCCESS;
}

void ffmk_world_close(struct ffmk_world *world)
{
    PMPI_Group_free(&world->group);
}

#endif
