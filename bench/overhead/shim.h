/* SPDX-License-Identifier: BSD-3-Clause
 * The least that a tool which times calls can do, beside which ffmk is measured. */
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

#endif
