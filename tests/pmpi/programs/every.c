/* SPDX-License-Identifier: BSD-3-Clause
 * Goes through every door of the table in every binding, each a number of times of its own, with
 * arguments that mean nothing and a tool behind the doors that swallows them (swallow.c). Fails
 * when an argument, the return code or ierror does not come through unharmed; prints each call as
 * "name binding count". With the word "lacking", through C only: no array or address is given,
 * and other threads might make calls at the same time, so that doors look at arguments first. */
#include <mpi.h>

#include "swallow.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef int any_call(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                     uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

static const struct swallowed *(*seen)(void);
static int failures;
static MPI_Comm ring; /* of one rank, with neighbours */

/* A word of which no part is the same as a part of its neighbour's. */
static uint64_t pattern(int row, int place)
{
    return ((uint64_t)(0x40 + place) << 56) | ((uint64_t)row << 40) |
           ((uint64_t)(0x60 + place) << 24) | ((uint64_t)row << 8) | (uint64_t)(place + 1);
}

/* A word for the parameter that begins `text`: what is an address lacks, the rest is good for a
 * call. \return where the next one begins. */
static const char *argument(const char *text, uint64_t *word)
{
    const size_t length = strcspn(text, ",)");
    const bool address = memchr(text, '*', length) || memchr(text, '[', length);
    *word = 0;
    if (!address && strncmp(text, "MPI_Comm ", strlen("MPI_Comm ")) == 0)
        *word = (uint64_t)(uintptr_t)ring;
    else if (!address && strncmp(text, "MPI_Datatype ", strlen("MPI_Datatype ")) == 0)
        *word = (uint64_t)(uintptr_t)MPI_INT;
    else if (!address && (strncmp(text, "int ", 4) == 0 || strncmp(text, "MPI_Count ", 10) == 0))
        *word = 1;
    text += length;
    return text + strspn(text, ", ");
}

static void go(int row, const char *name, const char *binding, const char *symbol, int arguments,
               int characters, const char *lacking)
{
    void *found = dlsym(RTLD_DEFAULT, symbol);
    any_call *call;
    memcpy(&call, &found, sizeof call);
    if (!call) {
        printf("FAILED: no symbol %s\n", symbol);
        failures++;
        return;
    }
    const int fortran = strcmp(binding, "c") != 0;
    int error = -1;
    uint64_t w[SWALLOW_WORDS];
    uint64_t cells[SWALLOW_WORDS]; /* what a Fortran call's addresses lead to; doors may look */
    for (int i = 0; i < SWALLOW_WORDS; i++) {
        cells[i] = pattern(row, i);
        w[i] = fortran ? (uint64_t)(uintptr_t)&cells[i] : cells[i];
    }
    for (int i = 0; lacking && i < arguments; i++)
        lacking = argument(lacking, &w[i]);
    if (fortran)
        w[arguments] = (uint64_t)(uintptr_t)&error;
    const int used = arguments + (fortran ? 1 + characters : 0);
    const int times = 1 + row % 3;
    for (int t = 0; t < times; t++) {
        const uint64_t before = seen()->calls;
        const int code = call(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10],
                              w[11], w[12], w[13], w[14]);
        if (seen()->calls != before + 1 || strcmp(seen()->symbol, symbol) != 0) {
            printf("FAILED: %s led to %s, %d times\n", symbol, seen()->symbol,
                   (int)(seen()->calls - before));
            failures++;
        }
        if ((fortran ? error : code) != SWALLOW_CODE) {
            printf("FAILED: %s gave back %d\n", symbol, fortran ? error : code);
            failures++;
        }
        for (int i = 0; i < used; i++) /* C's ints need only their lower half */
            if (fortran ? seen()->words[i] != w[i] : (uint32_t)seen()->words[i] != (uint32_t)w[i]) {
                printf("FAILED: argument %d of %s came through as %#llx\n", i, symbol,
                       (unsigned long long)seen()->words[i]);
                failures++;
            }
    }
    printf("%s %s %d\n", name, binding, times);
}

#define COUNT_ARGUMENTS(...)                                      COUNT_N(__VA_ARGS__, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define COUNT_N(a, b, c, d, e, f, g, h, i, j, k, l, m, n, N, ...) N

int main(int argc, char **argv)
{
    int level;
    const bool lacking = argc > 1;
    MPI_Init_thread(&argc, &argv, lacking ? MPI_THREAD_MULTIPLE : MPI_THREAD_SINGLE, &level);
    void *found = dlsym(RTLD_DEFAULT, "swallow_seen");
    if (!found) {
        printf("FAILED: the tool that swallows calls is not loaded\n");
        return 1;
    }
    memcpy(&seen, &found, sizeof seen);
    PMPI_Cart_create(MPI_COMM_SELF, 1, (int[]){1}, (int[]){1}, 0, &ring);
    int row = 0;
#define CALL(name, fortran, class, waits, parameters, names, f08, characters, ...)                 \
    row++;                                                                                         \
    go(row, "MPI_" #name, "c", "MPI_" #name, COUNT_ARGUMENTS names, 0,                             \
       lacking ? #parameters + 1 : NULL);                                                          \
    if (!lacking) {                                                                                \
        go(row, "MPI_" #name, "mpif", "mpi_" #fortran "_", COUNT_ARGUMENTS names, characters,      \
           NULL);                                                                                  \
        go(row, "MPI_" #name, "f08", F08_SYMBOL(fortran, f08), COUNT_ARGUMENTS names, characters,  \
           NULL);                                                                                  \
    }
#define CALL_C(name, fortran, class, waits, parameters, names, f08, characters, ...)               \
    row++;                                                                                         \
    go(row, "MPI_" #name "_c", "c", "MPI_" #name "_c", COUNT_ARGUMENTS names, 0,                   \
       lacking ? #parameters + 1 : NULL);                                                          \
    if (!lacking)                                                                                  \
        go(row, "MPI_" #name "_c", "f08", F08_SYMBOL_C(fortran, f08), COUNT_ARGUMENTS names,       \
           characters, NULL);
#include "pmpi/calls.def"
    PMPI_Comm_free(&ring);
    printf("MPI_Init_thread c 1\nMPI_Finalize c 1\n");
    MPI_Finalize();
    return failures != 0;
}
