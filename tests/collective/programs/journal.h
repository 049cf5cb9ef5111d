/* SPDX-License-Identifier: BSD-3-Clause
 * What a rank of a job under attack writes of its operations, into a file that outlives it, and
 * which ranks they are of. journals.py reads it. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "core/rng.h"

#include "sizes.h"

#include <fcntl.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MOST_RANKS = 64 };
enum kind { BCAST, BARRIER, ALLREDUCE };
enum code { SUCCEEDED, FAILED, WRONG, EXCLUDED };

/* journals.py reads these two. */
struct record {
    uint8_t kind;
    uint8_t comm;
    uint8_t code;
    uint8_t right;
    int32_t root; /* in MPI_COMM_WORLD */
    uint64_t hash;
    uint64_t mask; /* contributors by their rank in MPI_COMM_WORLD */
    uint64_t entered_ns;
    uint64_t left_ns; /* 0: it has not, or not yet said how */
};
struct journal {
    uint64_t pid;
    uint64_t stage; /* 1: may be killed, 2: all operations done, 3: `dead` is said, 4: MPI_Finalize
                       came back */
    uint64_t done;
    uint64_t dead; /* by their rank in MPI_COMM_WORLD, as ffmk_comm_dead() says at the end */
    struct record records[];
};

/* What journals.py tells all ranks. */
struct orders {
    uint64_t finish;
    uint64_t begin;
};

struct members {
    MPI_Comm comm;
    int size;
    int world_rank[MOST_RANKS];
};

static inline void learn_members(struct members *members)
{
    MPI_Group world;
    MPI_Group group;
    int own[MOST_RANKS];
    MPI_Comm_size(members->comm, &members->size);
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Comm_group(members->comm, &group);
    for (int i = 0; i < members->size; i++)
        own[i] = i;
    MPI_Group_translate_ranks(group, members->size, own, world, members->world_rank);
    MPI_Group_free(&group);
    MPI_Group_free(&world);
}

static inline uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void *map_file(const char *folder, const char *name, size_t bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *memory = MAP_FAILED;
    if (file >= 0 && ftruncate(file, (off_t)bytes) == 0)
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    close(file);
    return memory;
}

static inline struct journal *map_journal(const char *folder, int rank, uint64_t operations)
{
    char name[32];
    snprintf(name, sizeof name, "rank%d", rank);
    struct journal *journal =
        map_file(folder, name, sizeof *journal + operations * sizeof(struct record));
    journal->pid = (uint64_t)getpid();
    return journal;
}

static inline void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void await(const uint64_t *word, uint64_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value)
        usleep(500);
}

/* Who is killed meanwhile has not left. */
static inline void publish(struct record *written, const struct record *record)
{
    struct record entered = *record;
    entered.left_ns = 0;
    *written = entered;
    store(&written->left_ns, record->left_ns);
}

/* MPI without ULFM has one code for both errors. */
static inline enum code code_of_class(int class)
{
#ifdef MPIX_ERR_PROC_FAILED
    if (class == MPI_ERR_OTHER)
        return EXCLUDED;
    return class == MPI_SUCCESS ? SUCCEEDED : class == MPIX_ERR_PROC_FAILED ? FAILED : WRONG;
#else
    return class == MPI_SUCCESS ? SUCCEEDED : class == MPI_ERR_OTHER ? FAILED : WRONG;
#endif
}

static inline uint64_t hash_of(const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    uint64_t sum = bytes;
    for (size_t i = 0; i<bytes; i += bytes> 4096 ? 509 : 1)
        sum = ffmk_rng_mix(sum ^ byte[i]);
    return sum;
}

static inline unsigned char sent_byte(uint64_t seed, int root, size_t i)
{
    return (unsigned char)(seed + (unsigned)root * 7 + i * 31 + (i >> 8));
}

#endif
