/* SPDX-License-Identifier: BSD-3-Clause
 * How soon a rank that waits gives its core away, where the job has more ranks than cores: in
 * MPI_COMM_WORLD, and in a communicator of two. Usage: patience; rank 1 prints both, in
 * nanoseconds, the shortest of many times. */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t first_yield; /* 0: none yet */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* In place of the C library's, for the libraries of this program, too. */
int sched_yield(void)
{
    if (first_yield == 0)
        first_yield = now_ns();
    return (int)syscall(SYS_sched_yield);
}

/* The root comes late, and sleeps meanwhile. */
static uint64_t shortest_until_yield(MPI_Comm comm)
{
    enum { TIMES = 50, LATE_US = 2000 };
    uint64_t shortest = UINT64_MAX;
    int rank;
    MPI_Comm_rank(comm, &rank);
    for (int i = 0; i < TIMES; i++) {
        char value = 0;
        if (rank == 0)
            usleep(LATE_US);
        first_yield = 0;
        const uint64_t begin = now_ns();
        MPI_Bcast(&value, 1, MPI_CHAR, 0, comm);
        if (first_yield > 0 && first_yield - begin < shortest)
            shortest = first_yield - begin;
    }
    return shortest;
}

int main(int argc, char **argv)
{
    MPI_Comm pair;
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank / 2, rank, &pair);
    const uint64_t in_world = shortest_until_yield(MPI_COMM_WORLD);
    const uint64_t in_pair = shortest_until_yield(pair);
    if (rank == 1)
        printf("%llu %llu\n", (unsigned long long)in_world, (unsigned long long)in_pair);
    MPI_Finalize();
    return 0;
}
