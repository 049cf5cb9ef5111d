/* SPDX-License-Identifier: BSD-3-Clause
 * How long collective calls take, by whoever serves MPI_Bcast, MPI_Barrier and MPI_Allreduce in
 * this process: MPI itself, or ffmk where it is preloaded and replaces them. All that the
 * measurement needs is done past every tool (PMPI_…).
 *
 *   calls      prints a line for each call, pattern and size: nanoseconds of a call, the median
 *              over batches (back to back, rotating: of the rank that took longest for the whole
 *              batch) or over calls (barriered: of the rank that took longest for the call)
 *
 * Each size is first sent, and compared, without a clock. */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LARGEST = 1 << 20, BATCHES = 21, MOST_CALLS = 2000 };
static const int sizes[] = {8, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, LARGEST};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static int rank, ranks;
static char *buffer, *other;

enum call { BCAST, BARRIER, ALLREDUCE };
enum pattern { BACK_TO_BACK, ROTATING, BARRIERED };
static const char *const call_names[] = {"bcast", "barrier", "allreduce"};
static const char *const pattern_names[] = {"back-to-back", "rotating", "barriered"};

struct kind {
    enum call call;
    enum pattern pattern;
    int bytes;
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void once(const struct kind *kind, int i)
{
    if (kind->call == BCAST)
        MPI_Bcast(buffer, kind->bytes, MPI_BYTE, kind->pattern == ROTATING ? i % ranks : 0,
                  MPI_COMM_WORLD);
    else if (kind->call == BARRIER)
        MPI_Barrier(MPI_COMM_WORLD);
    else
        MPI_Allreduce(buffer, other, kind->bytes / (int)sizeof(double), MPI_DOUBLE, MPI_SUM,
                      MPI_COMM_WORLD);
}

static void wrong(const struct kind *kind)
{
    fprintf(stderr, "rank %d: %s of %d bytes gave something else\n", rank, call_names[kind->call],
            kind->bytes);
    PMPI_Abort(MPI_COMM_WORLD, 1);
}

static void verify(const struct kind *kind)
{
    const int n = kind->bytes / (int)sizeof(double);
    double *in = (double *)(void *)buffer;
    double *out = (double *)(void *)other;
    for (int turn = 0; turn < 2 * ranks; turn++) {
        const int root = kind->pattern == ROTATING ? turn % ranks : 0;
        for (int i = 0; i < n; i++)
            in[i] = kind->call == ALLREDUCE || rank == root ? i + rank + turn : -1;
        once(kind, turn);
        for (int i = 0; kind->call == BCAST && i < n; i++)
            if (in[i] != i + root + turn)
                wrong(kind);
        for (int i = 0; kind->call == ALLREDUCE && i < n; i++)
            if (out[i] != (double)ranks * (i + turn) + ranks * (ranks - 1) / 2.)
                wrong(kind);
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of each entry the largest among the ranks, then their median. */
static double slowest(double *values, int n)
{
    static double all[MOST_CALLS];
    PMPI_Allreduce(values, all, n, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    qsort(all, (size_t)n, sizeof *all, ascending);
    return all[n / 2];
}

static double batch(const struct kind *kind, int calls)
{
    PMPI_Barrier(MPI_COMM_WORLD);
    const double begin = now_ns();
    for (int i = 0; i < calls; i++)
        once(kind, i);
    return (now_ns() - begin) / calls;
}

/* As many calls as take about so long, the same number at all ranks. */
static int calls_in(const struct kind *kind, double ns)
{
    double one = 0;
    for (int i = 0; i < 3; i++)
        one = batch(kind, 20);
    PMPI_Bcast(&one, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    const double calls = ns / (one > 1 ? one : 1);
    return calls < 20 ? 20 : calls > MOST_CALLS ? MOST_CALLS : (int)calls;
}

static void measure(enum call call, enum pattern pattern, int bytes)
{
    const struct kind kind = {call, pattern, bytes};
    static double taken[MOST_CALLS];
    double median;
    verify(&kind);
    if (pattern == BARRIERED) {
        const int calls = calls_in(&kind, 10e6);
        for (int i = 0; i < calls; i++)
            taken[i] = batch(&kind, 1);
        median = slowest(taken, calls);
    } else {
        const int calls = calls_in(&kind, 1e6);
        for (int b = 0; b < BATCHES; b++)
            taken[b] = batch(&kind, calls);
        median = slowest(taken, BATCHES);
    }
    if (rank == 0)
        printf("%s %s %d %.1f\n", call_names[call], pattern_names[pattern], bytes, median);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    buffer = aligned_alloc(4096, LARGEST);
    other = aligned_alloc(4096, LARGEST);
    if (!buffer || !other)
        MPI_Abort(MPI_COMM_WORLD, 1);
    memset(buffer, 0, LARGEST);
    memset(other, 0, LARGEST);
    measure(BARRIER, BACK_TO_BACK, 0);
    for (enum pattern pattern = BACK_TO_BACK; pattern <= BARRIERED; pattern++)
        for (int i = 0; i < SIZES; i++)
            measure(BCAST, pattern, sizes[i]);
    for (enum pattern pattern = BACK_TO_BACK; pattern <= BARRIERED; pattern += 2)
        for (int i = 0; i < SIZES; i++)
            measure(ALLREDUCE, pattern, sizes[i]);
    free(buffer);
    free(other);
    return MPI_Finalize();
}
