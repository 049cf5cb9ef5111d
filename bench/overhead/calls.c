/* SPDX-License-Identifier: BSD-3-Clause
 * Times four short MPI calls on this process or pair of processes, many batches each, and prints
 * the median batch in nanoseconds a call: `calls` of each kind. `calls N iprobe` makes N calls of
 * MPI_Iprobe and prints nothing: for counting instructions. */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 101, CALLS = 1000 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void iprobe(int calls)
{
    int flag;
    for (int i = 0; i < calls; i++)
        MPI_Iprobe(MPI_ANY_SOURCE, 77, MPI_COMM_SELF, &flag, MPI_STATUS_IGNORE);
}

static void allreduce_self(int calls)
{
    double in = 1;
    double out;
    for (int i = 0; i < calls; i++)
        MPI_Allreduce(&in, &out, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_SELF);
}

static void pingpong(int calls)
{
    int rank;
    double value = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    /* Two calls a turn, so half as many turns. */
    for (int i = 0; i < calls / 2; i++) {
        if (rank == 0) {
            MPI_Send(&value, 1, MPI_DOUBLE, 1, 1, MPI_COMM_WORLD);
            MPI_Recv(&value, 1, MPI_DOUBLE, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else if (rank == 1) {
            MPI_Recv(&value, 1, MPI_DOUBLE, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(&value, 1, MPI_DOUBLE, 0, 1, MPI_COMM_WORLD);
        }
    }
}

static void allreduce_world(int calls)
{
    double in = 1;
    double out;
    for (int i = 0; i < calls; i++)
        MPI_Allreduce(&in, &out, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ns(void (*kind)(int))
{
    static double batch[BATCHES];
    kind(CALLS);
    for (int b = 0; b < BATCHES; b++) {
        const double start = now_ns();
        kind(CALLS);
        batch[b] = (now_ns() - start) / CALLS;
    }
    qsort(batch, BATCHES, sizeof *batch, ascending);
    return batch[BATCHES / 2];
}

int main(int argc, char **argv)
{
    int rank;
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (argc == 3 && strcmp(argv[2], "iprobe") == 0) {
        iprobe((int)strtol(argv[1], NULL, 10));
    } else {
        const double probe = median_ns(iprobe);
        const double self = median_ns(allreduce_self);
        const double pair = size > 1 ? median_ns(pingpong) : 0;
        const double world = size > 1 ? median_ns(allreduce_world) : 0;
        if (rank == 0)
            printf("iprobe %.3f\nallreduce_self %.3f\npingpong %.3f\nallreduce_np2 %.3f\n", probe,
                   self, pair, world);
    }
    MPI_Finalize();
    return 0;
}
