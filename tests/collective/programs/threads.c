/* SPDX-License-Identifier: BSD-3-Clause
 * Threads that operate at once, each on communicators of its own, made by all of them at once, too.
 * Every result is known from a seed. Usage: threads <seed> <operations> */
#include "calls.h"

#include "core/rng.h"

#include <pthread.h>
#include <stdint.h>

enum { THREADS = 4, COMMS = 3, MOST_BYTES = 1 << 21 };

static int me;
static int n_ranks;
static uint64_t seed;
static int operations;
static MPI_Comm comms[THREADS][COMMS];

static void fail(int thread, int operation, const char *what)
{
    printf("FAILED: rank %d, thread %d, seed %llu, operation %d: %s\n", me, thread,
           (unsigned long long)seed, operation, what);
    fflush(stdout);
    PMPI_Abort(MPI_COMM_WORLD, 1);
}

static size_t draw_bytes(uint64_t *state)
{
    switch (ffmk_rng_below(state, 40)) {
    case 0:
        return ffmk_rng_below(state, MOST_BYTES);
    case 1:
    case 2:
    case 3:
        return ffmk_rng_below(state, 80000);
    default:
        return ffmk_rng_below(state, 500);
    }
}

static const char *bcast(uint64_t *state, MPI_Comm comm, unsigned char *buffer)
{
    int size;
    int rank;
    MPI_Comm_size(comm, &size);
    MPI_Comm_rank(comm, &rank);
    const int root = (int)(ffmk_rng_next(state) % (unsigned)size);
    const size_t bytes = draw_bytes(state);
    const unsigned char first = (unsigned char)ffmk_rng_next(state);
    for (size_t i = 0; i < bytes; i++)
        buffer[i] = rank == root ? (unsigned char)(first + i * 7 + (i >> 8)) : 0;
    if (call_bcast(buffer, (MPI_Count)bytes, MPI_BYTE, root, comm) != 0)
        return "broadcast";
    for (size_t i = 0; i < bytes; i++)
        if (buffer[i] != (unsigned char)(first + i * 7 + (i >> 8)))
            return "a wrong broadcast";
    return NULL;
}

static const char *allreduce(uint64_t *state, MPI_Comm comm, unsigned char *buffer)
{
    int size;
    int rank;
    MPI_Comm_size(comm, &size);
    MPI_Comm_rank(comm, &rank);
    const size_t n = draw_bytes(state) / 2 / sizeof(int64_t);
    const int64_t factor = (int64_t)(ffmk_rng_next(state) % 1000);
    int64_t *in = (int64_t *)(void *)buffer;
    int64_t *out = in + n;
    for (size_t i = 0; i < n; i++)
        in[i] = factor * rank + (int64_t)i;
    if (call_allreduce(in, out, (MPI_Count)n, MPI_INT64_T, MPI_SUM, comm) != 0)
        return "allreduce";
    for (size_t i = 0; i < n; i++)
        if (out[i] != factor * size * (size - 1) / 2 + (int64_t)i * size)
            return "a wrong sum";
    return NULL;
}

static void *operate(void *argument)
{
    const int thread = *(const int *)argument;
    uint64_t state = ffmk_rng_mix(seed + (uint64_t)thread * 101);
    unsigned char *buffer = malloc(MOST_BYTES + 64);
    for (int i = 0; i < operations; i++) {
        MPI_Comm *comm = &comms[thread][ffmk_rng_below(&state, COMMS)];
        const uint64_t draw = ffmk_rng_below(&state, 8);
        const char *wrong = NULL;
        if (draw == 0)
            wrong = call_barrier(*comm) != 0 ? "barrier" : NULL;
        else if (draw < 3)
            wrong = allreduce(&state, *comm, buffer);
        else
            wrong = bcast(&state, *comm, buffer);
        if (wrong)
            fail(thread, i, wrong);
        if (i % 200 == 199) { /* another one in its stead, while others operate */
            MPI_Comm next;
            MPI_Comm_dup(*comm, &next);
            MPI_Comm_free(comm);
            *comm = next;
        }
    }
    free(buffer);
    return NULL;
}

int main(int argc, char **argv)
{
    int provided;
    pthread_t running[THREADS];
    int numbers[THREADS];
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    if (argc != 3 || provided != MPI_THREAD_MULTIPLE) {
        printf("no threads: level %d\n", provided);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    seed = strtoull(argv[1], NULL, 10);
    operations = atoi(argv[2]);
    for (int t = 0; t < THREADS; t++) {
        MPI_Comm_dup(MPI_COMM_WORLD, &comms[t][0]);
        MPI_Comm_split(MPI_COMM_WORLD, me % 2, me, &comms[t][1]);
        MPI_Comm_split(MPI_COMM_WORLD, 0, -me, &comms[t][2]);
    }
    for (int t = 0; t < THREADS; t++) {
        numbers[t] = t;
        pthread_create(&running[t], NULL, operate, &numbers[t]);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(running[t], NULL);
    if (!getenv("FFMK_TRANSPORT") && segments_mapped() < THREADS)
        fail(0, operations, "that was not ours");
    if (me == 0)
        puts("done");
    fflush(stdout);
    MPI_Finalize();
    return 0;
}
