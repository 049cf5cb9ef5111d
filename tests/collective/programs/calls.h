/* SPDX-License-Identifier: BSD-3-Clause
 * The collective calls that a test is about: ffmk's own with -DFFMK_CALLS, else MPI's, which the
 * environment replaces, with -DNONBLOCKING those that do not block where there is one of ours. What
 * a result is compared with comes from PMPI, past both. */
#ifndef CALLS_H
#define CALLS_H

#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FFMK_CALLS
#include <ffmk.h>
#endif

#ifdef NONBLOCKING
static inline int call_wait(MPI_Request *request)
{
    static unsigned turn;
    if (turn++ % 2)
        return MPI_Wait(request, MPI_STATUS_IGNORE);
    int complete = 0;
    int code = MPI_SUCCESS;
    while (!complete && code == MPI_SUCCESS)
        code = MPI_Test(request, &complete, MPI_STATUS_IGNORE);
    return code;
}
#endif

static inline int call_bcast(void *buffer, MPI_Count count, MPI_Datatype datatype, int root,
                             MPI_Comm comm)
{
#ifdef FFMK_CALLS
    return ffmk_bcast(buffer, count, datatype, root, comm, NULL);
#elif defined NONBLOCKING
    MPI_Request request;
    int code = MPI_Ibcast(buffer, (int)count, datatype, root, comm, &request);
    return code == MPI_SUCCESS ? call_wait(&request) : code;
#else
    return MPI_Bcast(buffer, (int)count, datatype, root, comm);
#endif
}

static inline int call_barrier(MPI_Comm comm)
{
#ifdef FFMK_CALLS
    return ffmk_barrier(comm, NULL);
#elif defined NONBLOCKING
    MPI_Request request;
    int code = MPI_Ibarrier(comm, &request);
    return code == MPI_SUCCESS ? call_wait(&request) : code;
#else
    return MPI_Barrier(comm);
#endif
}

static inline int call_allreduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                                 MPI_Datatype datatype, MPI_Op op, MPI_Comm comm)
{
#ifdef FFMK_CALLS
    return ffmk_allreduce(sendbuf, recvbuf, count, datatype, op, comm, NULL);
#else
#ifdef NONBLOCKING
    MPI_Request request;
    if (op == MPI_BOR || op == MPI_SUM) {
        int code = MPI_Iallreduce(sendbuf, recvbuf, (int)count, datatype, op, comm, &request);
        return code == MPI_SUCCESS ? call_wait(&request) : code;
    }
#endif
    return MPI_Allreduce(sendbuf, recvbuf, (int)count, datatype, op, comm);
#endif
}

/* How many of our segments this process has. A test that compares with MPI must know that it was
 * not MPI it compared. */
static inline int segments_mapped(void)
{
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps))
        found += strstr(line, "/ffmk-comm-") != NULL;
    if (maps)
        fclose(maps);
    return found;
}

/* Has it a segment of ours? Only where its ranks, more than one, are all on one host, and do not go
 * over the network all the same. Collective. */
static inline int has_segment(MPI_Comm comm)
{
    const char *transport = getenv("FFMK_TRANSPORT");
    if (transport && strcmp(transport, "auto") != 0)
        return 0;
    MPI_Comm here;
    int sizes[2];
    PMPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
    PMPI_Comm_size(comm, &sizes[0]);
    PMPI_Comm_size(here, &sizes[1]);
    PMPI_Comm_free(&here);
    return sizes[0] > 1 && sizes[0] == sizes[1];
}

#endif
