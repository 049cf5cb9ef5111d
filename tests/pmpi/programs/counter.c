/* SPDX-License-Identifier: BSD-3-Clause
 * Another small PMPI tool: counts a few calls and says so when MPI ends. */
#include <mpi.h>
#include <stdio.h>

static int barriers, sends, receives;

int MPI_Barrier(MPI_Comm comm)
{
    barriers++;
    return PMPI_Barrier(comm);
}

int MPI_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm)
{
    sends++;
    return PMPI_Send(buf, count, type, dest, tag, comm);
}

int MPI_Recv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
             MPI_Status *status)
{
    receives++;
    return PMPI_Recv(buf, count, type, source, tag, comm, status);
}

int MPI_Finalize(void)
{
    int rank;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    printf("counter %d: %d barriers, %d sends, %d receives\n", rank, barriers, sends, receives);
    fflush(stdout);
    return PMPI_Finalize();
}
