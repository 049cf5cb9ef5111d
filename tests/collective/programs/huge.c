/* SPDX-License-Identifier: BSD-3-Clause
 * A broadcast of more bytes than an int counts, straight into the program's buffer. Two ranks. */
#define FFMK_CALLS
#include "calls.h"

#include <stdint.h>
#include <sys/resource.h>

static uint64_t word_of(size_t i)
{
    return i * 0x9e3779b97f4a7c15u;
}

int main(int argc, char **argv)
{
    const size_t bytes = ((size_t)1 << 31) + 5;
    int rank;
    size_t wrong = 0;
    struct rusage before;
    struct rusage after;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    unsigned char *data = malloc(bytes);
    if (!data) {
        puts("skipped: no memory");
        MPI_Abort(MPI_COMM_WORLD, 77);
    }
    uint64_t *words = (uint64_t *)(void *)data;
    const size_t n = bytes / sizeof *words;
    memset(data, 1, bytes);
    for (size_t i = 0; rank == 1 && i < n; i++)
        words[i] = word_of(i);
    if (rank == 1)
        memcpy(data + bytes - 5, "tail", 5);
    ffmk_barrier(MPI_COMM_WORLD, NULL);
    getrusage(RUSAGE_SELF, &before);
    const int code = ffmk_bcast(data, (MPI_Count)bytes, MPI_BYTE, 1, MPI_COMM_WORLD, NULL);
    getrusage(RUSAGE_SELF, &after);
    for (size_t i = 0; i < n; i++)
        wrong += words[i] != word_of(i);
    wrong += memcmp(data + bytes - 5, "tail", 5) != 0;
    printf("rank %d: code %d, %zu wrong words, %ld kB more\n", rank, code, wrong,
           after.ru_maxrss - before.ru_maxrss);
    fflush(stdout);
    free(data);
    MPI_Finalize();
    return 0;
}
