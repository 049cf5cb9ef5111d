/* SPDX-License-Identifier: BSD-3-Clause
 * Two tools beside which ffmk is measured: the least that can time a call, and a plain one that
 * keeps of each what the report shows first. */
#ifndef SHIM_H
#define SHIM_H

#include <mpi.h>

/** PMPI_…, with two readings of the TSC around it and one addition. */
int shim_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status);
int shim_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm);
int shim_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm);
int shim_Recv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
              MPI_Status *status);

/** PMPI_…, timed, with the sum of the times, the bytes and a histogram kept for each call and
 * thread; nothing else: of a datatype it assumes that it has 8 bytes. */
int plain_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status);
int plain_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                    MPI_Comm comm);
int plain_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm);
int plain_Recv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
               MPI_Status *status);

#endif
