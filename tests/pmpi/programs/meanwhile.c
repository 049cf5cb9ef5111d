/* SPDX-License-Identifier: BSD-3-Clause
 * What another thread does while a call is under way: meanwhile WHAT. The tool midway.c
 * holds the call, so that each time happens what else would be rare. */
#include "midway.h"

#include <dlfcn.h>
#include <mpi.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORLD MPI_COMM_WORLD

/* ---- threads that go on while the report is made ---- */

/* The program does not link libffmk. */
static void region(const char *symbol, const char *name)
{
    int (*call)(const char *);
    void *found = dlsym(RTLD_DEFAULT, symbol);
    memcpy(&call, &found, sizeof call);
    if (call)
        call(name);
}

static void receive(void)
{
    int nothing;
    MPI_Recv(&nothing, 1, MPI_INT, MPI_PROC_NULL, 1, WORLD, MPI_STATUS_IGNORE);
}

static void probe(void)
{
    int flag;
    MPI_Iprobe(MPI_ANY_SOURCE, 1, WORLD, &flag, MPI_STATUS_IGNORE);
}

static sem_t ready;
static sem_t reported;

/* The first room for calls that are told apart, and twice and four times that, is full with 31, 63
 * and 127 of them; before that, one may be kept (record.c). */
enum { OUTLIVING = 6 };
static int full[OUTLIVING] = {30, 31, 62, 63, 126, 127};

/* Whatever the allocator has at hand for this thread. */
enum { BLOCKS = 1024, BLOCK = 1200, PATTERN = 0xff };

static void take_memory(unsigned char *blocks[BLOCKS])
{
    for (int b = 0; b < BLOCKS; b++)
        if ((blocks[b] = malloc(BLOCK)))
            memset(blocks[b], PATTERN, BLOCK);
}

static int bytes_changed(unsigned char *blocks[BLOCKS])
{
    int changed = 0;
    for (int b = 0; b < BLOCKS; b++)
        for (int i = 0; blocks[b] && i < BLOCK; i++)
            changed += blocks[b][i] != PATTERN;
    return changed;
}

/* Receives until there is no room for another region, and once more outside of them: that one is
 * charged when the report is made, and nothing can grow in its place then. Goes on to make calls,
 * which must not change what is the program's by then. */
static void *outlive(void *number)
{
    for (int i = 0; i < *(const int *)number; i++) {
        char name[32];
        snprintf(name, sizeof name, "region %d", i);
        region("ffmk_region_begin", name);
        receive();
        region("ffmk_region_end", name);
    }
    receive();
    unsigned char *before[BLOCKS];
    unsigned char *behind[BLOCKS];
    take_memory(before);
    sem_post(&ready);
    sem_wait(&reported);
    take_memory(behind);
    for (int i = 0; i < 5; i++)
        probe();
    const int changed = bytes_changed(before) + bytes_changed(behind);
    if (changed) {
        printf("FAILED: %d bytes of the program's memory were changed\n", changed);
        exit(1);
    }
    for (int b = 0; b < BLOCKS; b++) {
        free(before[b]);
        free(behind[b]);
    }
    return NULL;
}

static pthread_t outliving[OUTLIVING];

static void go_on(void)
{
    for (int i = 0; i < OUTLIVING; i++)
        sem_post(&reported);
    for (int i = 0; i < OUTLIVING; i++)
        pthread_join(outliving[i], NULL);
}

static int outlives(void)
{
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    sem_init(&ready, 0, 0);
    sem_init(&reported, 0, 0);
    for (int i = 0; level == MPI_THREAD_MULTIPLE && i < OUTLIVING; i++) {
        pthread_create(&outliving[i], NULL, outlive, &full[i]);
        sem_wait(&ready);
        midway.finalize = go_on;
    }
    MPI_Finalize();
    return 0;
}

static const struct {
    const char *what;
    int (*run)(void);
} ways[] = {
    {"outlives", outlives},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argv[1], ways[i].what) == 0)
            return ways[i].run();
    fprintf(stderr, "usage: meanwhile WHAT\n");
    return 2;
}
