/* SPDX-License-Identifier: BSD-3-Clause
 * The least a timing tool can do: two readings of the TSC around the call, and one addition. What
 * ffmk costs beyond this is what its bookkeeping costs. A shared object of its own, as a tool is.
 */
#include "shim.h"

#include <stdint.h>

static uint64_t sum;

#if defined(__x86_64__)
#define TICKS() __builtin_ia32_rdtsc()
#else
#include <time.h>
static uint64_t ticks(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
#define TICKS() ticks()
#endif

#define TIMED(call)                                                                                \
    const uint64_t start = TICKS();                                                                \
    const int code = call;                                                                         \
    sum += TICKS() - start;                                                                        \
    return code

#define SHOWN __attribute__((visibility("default")))

SHOWN int shim_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
    TIMED(PMPI_Iprobe(source, tag, comm, flag, status));
}

SHOWN int shim_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                         MPI_Comm comm)
{
    TIMED(PMPI_Allreduce(in, out, count, type, op, comm));
}

SHOWN int shim_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm)
{
    TIMED(PMPI_Send(buf, count, type, dest, tag, comm));
}

SHOWN int shim_Recv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
                    MPI_Status *status)
{
    TIMED(PMPI_Recv(buf, count, type, source, tag, comm, status));
}
