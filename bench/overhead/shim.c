/* SPDX-License-Identifier: BSD-3-Clause
 * The least a timing tool can do: two readings of the TSC around the call, and one addition. The
 * least that a report of calls can be made of: their number, time and bytes for each call and
 * thread. And a plain recorder: that with a histogram, whose buckets are the number. What ffmk
 * costs beyond these is what everything else costs: nested calls, regions, the matrix, the load
 * over time. A shared object of its own, as a tool is. */
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

struct plain {
    uint64_t ticks;
    uint64_t bytes;
    uint64_t count;
    uint64_t histogram[64];
};
enum { IPROBE, ALLREDUCE, SEND, RECV, CALLS };
static _Thread_local struct plain plain[CALLS] __attribute__((tls_model("initial-exec")));

#define RECORDED(which, moved, call)                                                               \
    const uint64_t start = TICKS();                                                                \
    const int code = call;                                                                         \
    const uint64_t took = TICKS() - start;                                                         \
    plain[which].ticks += took;                                                                    \
    plain[which].bytes += (uint64_t)(moved);                                                       \
    plain[which].histogram[63 - __builtin_clzll(took | 1)]++;                                      \
    return code

#define SUMMED(which, moved, call)                                                                 \
    const uint64_t start = TICKS();                                                                \
    const int code = call;                                                                         \
    plain[which].ticks += TICKS() - start;                                                         \
    plain[which].bytes += (uint64_t)(moved);                                                       \
    plain[which].count++;                                                                          \
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

SHOWN int sums_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
    SUMMED(IPROBE, 0, PMPI_Iprobe(source, tag, comm, flag, status));
}

SHOWN int sums_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                         MPI_Comm comm)
{
    SUMMED(ALLREDUCE, 8 * count, PMPI_Allreduce(in, out, count, type, op, comm));
}

SHOWN int sums_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm)
{
    SUMMED(SEND, 8 * count, PMPI_Send(buf, count, type, dest, tag, comm));
}

SHOWN int sums_Recv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
                    MPI_Status *status)
{
    SUMMED(RECV, 8 * count, PMPI_Recv(buf, count, type, source, tag, comm, status));
}

SHOWN int plain_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
    RECORDED(IPROBE, 0, PMPI_Iprobe(source, tag, comm, flag, status));
}

SHOWN int plain_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                          MPI_Comm comm)
{
    RECORDED(ALLREDUCE, 8 * count, PMPI_Allreduce(in, out, count, type, op, comm));
}

SHOWN int plain_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag,
                     MPI_Comm comm)
{
    RECORDED(SEND, 8 * count, PMPI_Send(buf, count, type, dest, tag, comm));
}

SHOWN int plain_Recv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
                     MPI_Status *status)
{
    RECORDED(RECV, 8 * count, PMPI_Recv(buf, count, type, source, tag, comm, status));
}
