/* SPDX-License-Identifier: BSD-3-Clause
 * MPI without MPI_Init: a session, or two one after the other and two at once. Exits with 77 where
 * this MPI has none. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#if MPI_VERSION >= 4

static MPI_Comm comm_of(MPI_Session session)
{
    MPI_Group group;
    MPI_Comm comm;
    MPI_Group_from_session_pset(session, "mpi://WORLD", &group);
    MPI_Comm_create_from_group(group, "ffmk.test", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm);
    MPI_Group_free(&group);
    return comm;
}

int main(int argc, char **argv)
{
    const int sessions = argc > 1 ? atoi(argv[1]) : 1;
    MPI_Session session[2];
    for (int i = 0; i < sessions; i++)
        MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session[i]);
    for (int i = 0; i < sessions; i++) {
        MPI_Comm comm = comm_of(session[i]);
        for (int b = 0; b < 10; b++)
            MPI_Barrier(comm);
        int rank;
        MPI_Comm_rank(comm, &rank);
        MPI_Comm_free(&comm);
        MPI_Session_finalize(&session[i]);
        if (rank == 0)
            printf("session %d\n", i);
    }
    return 0;
}

#else

int main(void)
{
    printf("this MPI has no sessions\n");
    return 77;
}

#endif
