/* SPDX-License-Identifier: BSD-3-Clause
 * Another small PMPI tool, for what happens within a few milliseconds once in years: in the midst
 * of a call, where ffmk has passed it on and waits for it, the program has its say. */
#include "midway.h"

#include <mpi.h>

struct midway midway;

static void reach(void (*program)(void))
{
    if (program)
        program();
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    reach(midway.init);
    return PMPI_Init_thread(argc, argv, required, provided);
}

int MPI_Finalize(void)
{
    reach(midway.finalize);
    return PMPI_Finalize();
}

int MPI_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm)
{
    reach(midway.sending);
    const int code = PMPI_Send(buf, count, type, dest, tag, comm);
    reach(midway.sent);
    return code;
}

int MPI_Ssend(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm)
{
    reach(midway.sending);
    const int code = PMPI_Ssend(buf, count, type, dest, tag, comm);
    reach(midway.sent);
    return code;
}

#if MPI_VERSION >= 4
int MPI_Session_init(MPI_Info info, MPI_Errhandler handler, MPI_Session *session)
{
    reach(midway.session);
    const int code = PMPI_Session_init(info, handler, session);
    reach(midway.session_begun);
    return code;
}
#endif
