/* SPDX-License-Identifier: BSD-3-Clause
 * Where the ranks of this program meet when their run ends. */
#include "job/meeting.h"

#include "core/log.h"

static MPI_Group group_of(const struct ffmk_job *job, const struct ffmk_world *world)
{
    MPI_Group ours;
    int range[1][3] = {{job->first_rank, job->first_rank + job->n_ranks - 1, 1}};
    PMPI_Group_range_incl(world->group, 1, range, &ours);
    return ours;
}

#if MPI_VERSION >= 4

/* A session is open to all ranks at any time. MPI_COMM_WORLD is not: one rank's MPI_Finalize may
 * come before its last session ends and another's behind, some may have no MPI_Init, and none knows
 * of the others. */

/* MPICH has 2,048 numbers for communicators, and a program may use up all that it gets. This one
 * holds one, the same on all ranks, since it is the first that any of them asks for. */
static MPI_Comm reserve = MPI_COMM_NULL;

void ffmk_meeting_prepare(const struct ffmk_job *job)
{
    (void)job;
    if (ffmk_world_has_comm() && PMPI_Comm_dup(MPI_COMM_SELF, &reserve) != MPI_SUCCESS)
        reserve = MPI_COMM_NULL;
}

static MPI_Comm open_comm(const struct ffmk_job *job, struct ffmk_world *world)
{
    MPI_Comm comm = MPI_COMM_NULL;
    if (reserve != MPI_COMM_NULL)
        PMPI_Comm_free(&reserve);
    if (job->n_ranks == 0 || !ffmk_world_open_session(world))
        return MPI_COMM_NULL;
    MPI_Group ours = group_of(job, world);
    PMPI_Comm_create_from_group(ours, "ffmk-report", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm);
    PMPI_Group_free(&ours);
    if (comm == MPI_COMM_NULL)
        ffmk_world_close(world);
    return comm;
}

void ffmk_meeting_close(struct ffmk_meeting *meeting)
{
    PMPI_Comm_free(&meeting->comm);
    ffmk_world_close(&meeting->world);
}

#else

/* One more communicator changes which numbers Open MPI gives the program's, and may be one too
 * many: MPI_COMM_WORLD does. Nothing of the program's can be taken for our collectives, but what a
 * collective that failed has left behind. */

enum { TAG = 7 };

/* Of a program among others (MPMD), its ranks alone. Open MPI's MPI_Comm_create_group sends
 * messages that the program's receives can match: it is called while there are none yet. */
static MPI_Comm program = MPI_COMM_NULL;

void ffmk_meeting_prepare(const struct ffmk_job *job)
{
    struct ffmk_world world;
    if (job->n_ranks == job->world_size || !ffmk_world_open(&world))
        return;
    MPI_Group ours = group_of(job, &world);
    if (PMPI_Comm_create_group(MPI_COMM_WORLD, ours, TAG, &program) != MPI_SUCCESS)
        program = MPI_COMM_NULL;
    PMPI_Group_free(&ours);
    ffmk_world_close(&world);
}

static MPI_Comm open_comm(const struct ffmk_job *job, struct ffmk_world *world)
{
    (void)world;
    return job->n_ranks == job->world_size ? MPI_COMM_WORLD : program;
}

void ffmk_meeting_close(struct ffmk_meeting *meeting)
{
    if (meeting->comm != MPI_COMM_WORLD)
        PMPI_Comm_free(&meeting->comm);
}

#endif

bool ffmk_meeting_open(const struct ffmk_job *job, struct ffmk_meeting *meeting)
{
    meeting->comm = open_comm(job, &meeting->world);
    if (meeting->comm == MPI_COMM_NULL)
        ffmk_log("rank %d: MPI gave no communicator for the report",
                 job->world_rank - job->first_rank);
    return meeting->comm != MPI_COMM_NULL;
}
