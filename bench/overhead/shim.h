/* SPDX-License-Identifier: BSD-3-Clause
 * Three tools beside which ffmk is measured: the least that can time a call, the least that can
 * report what each call took and moved, and a plain recorder. */
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

/** PMPI_…, timed, with the number of calls, their time and bytes kept for each call and thread;
 * nothing else: of a datatype it assumes that it has 8 bytes. */
int sums_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status);
int sums_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm);
int sums_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm);
int sums_Recv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
              MPI_Status *status);

/** The same with a histogram of the times instead of the number. */
int plain_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status);
int plain_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                    MPI_Comm comm);
int plain_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm);
int plain_Recv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
               MPI_Status *status);

#endif
