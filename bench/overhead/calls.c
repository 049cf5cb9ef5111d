/* SPDX-License-Identifier: BSD-3-Clause
 * What a tool adds to four short MPI calls, measured in one process: batches of calls past every
 * tool (PMPI_…), through the three tools of shim.c, and through whatever tool is loaded (MPI_…), in
 * turns. So all meet the same addresses, pages and neighbours, and what differs between runs of a
 * program falls out.
 *
 *   calls              prints for each call the medians over batches, in nanoseconds: of a call
 *                      past every tool, and what shim, sums, plain recorder and loaded tool add
 *   calls N WAY        N calls of MPI_Iprobe by one way (none, shim, sums, plain, tool), for
 *                      counting instructions; prints nothing */
#include "shim.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 201, CALLS = 1000 };

/** The ways to call. */
struct way {
    int (*iprobe)(int, int, MPI_Comm, int *, MPI_Status *);
    int (*allreduce)(const void *, void *, int, MPI_Datatype, MPI_Op, MPI_Comm);
    int (*send)(const void *, int, MPI_Datatype, int, int, MPI_Comm);
    int (*recv)(void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Status *);
};

enum { NONE, SHIM, SUMS, PLAIN, TOOL, WAYS };
static const char *const names[WAYS] = {"none", "shim", "sums", "plain", "tool"};
static const struct way ways[WAYS] = {
    {PMPI_Iprobe, PMPI_Allreduce, PMPI_Send, PMPI_Recv},
    {shim_Iprobe, shim_Allreduce, shim_Send, shim_Recv},
    {sums_Iprobe, sums_Allreduce, sums_Send, sums_Recv},
    {plain_Iprobe, plain_Allreduce, plain_Send, plain_Recv},
    {MPI_Iprobe, MPI_Allreduce, MPI_Send, MPI_Recv},
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void iprobe(const struct way *way, int calls)
{
    int flag;
    for (int i = 0; i < calls; i++)
        way->iprobe(MPI_ANY_SOURCE, 77, MPI_COMM_SELF, &flag, MPI_STATUS_IGNORE);
}

static void allreduce(const struct way *way, int calls, MPI_Comm comm)
{
    double in = 1;
    double out;
    for (int i = 0; i < calls; i++)
        way->allreduce(&in, &out, 1, MPI_DOUBLE, MPI_SUM, comm);
}

static void allreduce_self(const struct way *way, int calls)
{
    allreduce(way, calls, MPI_COMM_SELF);
}

static void allreduce_world(const struct way *way, int calls)
{
    allreduce(way, calls, MPI_COMM_WORLD);
}

static void pingpong(const struct way *way, int calls)
{
    int rank;
    double value = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    /* Two calls a turn, so half as many turns. */
    for (int i = 0; i < calls / 2; i++) {
        if (rank == 0) {
            way->send(&value, 1, MPI_DOUBLE, 1, 1, MPI_COMM_WORLD);
            way->recv(&value, 1, MPI_DOUBLE, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else if (rank == 1) {
            way->recv(&value, 1, MPI_DOUBLE, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            way->send(&value, 1, MPI_DOUBLE, 0, 1, MPI_COMM_WORLD);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, BATCHES, sizeof *values, ascending);
    return values[BATCHES / 2];
}

static void measure(const char *name, void (*kind)(const struct way *, int), int rank)
{
    static double batch[WAYS][BATCHES];
    for (int w = 0; w < WAYS; w++)
        kind(&ways[w], CALLS);
    for (int b = 0; b < BATCHES; b++) {
        for (int turn = 0; turn < WAYS; turn++) {
            const int w = (b + turn) % WAYS;
            const double start = now_ns();
            kind(&ways[w], CALLS);
            batch[w][b] = (now_ns() - start) / CALLS;
        }
    }
    for (int w = 1; w < WAYS; w++)
        for (int b = 0; b < BATCHES; b++)
            batch[w][b] -= batch[NONE][b];
    if (rank == 0)
        printf("%s %.3f %.3f %.3f %.3f %.3f\n", name, median(batch[NONE]), median(batch[SHIM]),
               median(batch[SUMS]), median(batch[PLAIN]), median(batch[TOOL]));
}

int main(int argc, char **argv)
{
    int rank;
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (argc == 3) {
        for (int w = 0; w < WAYS; w++)
            if (strcmp(argv[2], names[w]) == 0)
                iprobe(&ways[w], (int)strtol(argv[1], NULL, 10));
    } else {
        measure("iprobe", iprobe, rank);
        measure("allreduce_self", allreduce_self, rank);
        if (size > 1) {
            measure("pingpong", pingpong, rank);
            measure("allreduce_np2", allreduce_world, rank);
        }
    }
    MPI_Finalize();
    return 0;
}
