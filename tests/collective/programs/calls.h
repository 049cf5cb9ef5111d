/* SPDX-License-Identifier: BSD-3-Clause
 * The collective calls that a test is about: ffmk's own with -DFFMK_CALLS, else MPI's, which the
 * environment replaces. What a result is compared with comes from PMPI, past both. */
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

static inline int call_bcast(void *buffer, MPI_Count count, MPI_Datatype datatype, int root,
                             MPI_Comm comm)
{
#ifdef FFMK_CALLS
    return ffmk_bcast(buffer, count, datatype, root, comm, NULL);
#else
    return MPI_Bcast(buffer, (int)count, datatype, root, comm);
#endif
}

static inline int call_barrier(MPI_Comm comm)
{
#ifdef FFMK_CALLS
    return ffmk_barrier(comm, NULL);
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
