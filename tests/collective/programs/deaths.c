/* SPDX-License-Identifier: BSD-3-Clause
 * Back-to-back collective operations of a job whose ranks are killed or stopped from outside. Each
 * rank writes what it got into a file that outlives it; journals.py compares. Whether data are
 * right is seen here, since every rank knows what each could have sent. Usage: deaths <folder>
 * <seed> <operations> */
#include "calls.h"

#include "core/rng.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MOST_RANKS = 64, MOST_BYTES = 3 << 20, COMMS = 4 };
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
    uint64_t left_ns;
};
struct journal {
    uint64_t pid;
    uint64_t stage; /* 1: may be killed, 2: all operations done, 3: `dead` is said, 4: MPI_Finalize
                       came back */
    uint64_t done;
    uint64_t dead; /* by their rank in MPI_COMM_WORLD, as ffmk_comm_dead() says at the end */
    struct record records[];
};

static int me;
static int n_ranks;
static MPI_Comm comms[COMMS];
static int ranks_of[COMMS]; /* mine */
static int sizes[COMMS];
static int world_rank[COMMS][MOST_RANKS];

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *map_file(const char *folder, const char *name, size_t bytes)
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

static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void await(const uint64_t *word, uint64_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value)
        usleep(500);
}

#ifdef FFMK_CALLS
static enum code code_of(int code)
{
    return code == FFMK_SUCCESS        ? SUCCEEDED
           : code == FFMK_ERR_FAILED   ? FAILED
           : code == FFMK_ERR_EXCLUDED ? EXCLUDED
                                       : WRONG;
}
#else
static int handled; /* the error that the communicator's handler was called with */

static void handle(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    handled = *code;
}

/* MPI without ULFM has one code for both. */
static enum code code_of(int code)
{
    int class = MPI_SUCCESS;
    const bool told = handled == code;
    handled = MPI_SUCCESS;
    MPI_Error_class(code, &class);
    if (!told)
        return WRONG;
#ifdef MPIX_ERR_PROC_FAILED
    if (class == MPI_ERR_OTHER)
        return EXCLUDED;
    return class == MPI_SUCCESS ? SUCCEEDED : class == MPIX_ERR_PROC_FAILED ? FAILED : WRONG;
#else
    return class == MPI_SUCCESS ? SUCCEEDED : class == MPI_ERR_OTHER ? FAILED : WRONG;
#endif
}
#endif

static uint64_t hash_of(const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    uint64_t sum = bytes;
    for (size_t i = 0; i<bytes; i += bytes> 4096 ? 509 : 1)
        sum = ffmk_rng_mix(sum ^ byte[i]);
    return sum;
}

/* Mostly small, now and then around the borders of slot, piece and ring, or large. */
static size_t draw_size(uint64_t *state)
{
    static const size_t borders[] = {224, 32 << 10, 64 << 10, 1 << 20, 2 << 20};
    switch (ffmk_rng_below(state, 16)) {
    case 0:
        return 0;
    case 1:
        return borders[ffmk_rng_below(state, 5)] - 1 + ffmk_rng_below(state, 3);
    case 2:
        return ffmk_rng_below(state, 100000);
    default:
        return ffmk_rng_below(state, 600);
    }
}

static void bcast(uint64_t *state, struct record *record)
{
    static unsigned char buffer[MOST_BYTES];
    static unsigned char expected[MOST_BYTES];
    const int root = (int)(ffmk_rng_next(state) % (unsigned)sizes[record->comm]);
    const size_t bytes = draw_size(state);
    const uint64_t seed = ffmk_rng_next(state);
    record->root = world_rank[record->comm][root];
    for (size_t i = 0; i < bytes; i++)
        expected[i] = (unsigned char)(seed + (unsigned)record->root * 7 + i * 31 + (i >> 8));
    if (record->root == me)
        memcpy(buffer, expected, bytes);
    record->entered_ns = now_ns();
    record->code =
        (uint8_t)code_of(call_bcast(buffer, (MPI_Count)bytes, MPI_BYTE, root, comms[record->comm]));
    record->left_ns = now_ns();
    if (record->code != SUCCEEDED)
        return;
    record->right = memcmp(buffer, expected, bytes) == 0;
    record->hash = hash_of(buffer, bytes);
}

/* ---- reductions ---- */

/* Affine maps, composed: associative, not commutative. The set says whose are in it. */
struct element {
    uint64_t set;
    uint64_t factor;
    uint64_t term;
};

static void compose(void *in, void *inout, int *n, MPI_Datatype *datatype)
{
    MPI_Aint lb;
    MPI_Aint extent;
    PMPI_Type_get_extent(*datatype, &lb, &extent);
    for (int i = 0; i < *n; i++) {
        const struct element *a = (const void *)((char *)in + i * extent);
        struct element *b = (void *)((char *)inout + i * extent);
        b->set |= a->set;
        b->term = a->factor * b->term + a->term;
        b->factor *= a->factor;
    }
}

static MPI_Op composition;
static MPI_Datatype dense;
static MPI_Datatype sparse;

static struct element element_of(uint64_t seed, int rank, size_t i)
{
    return (struct element){(uint64_t)1 << rank, ffmk_rng_mix(seed ^ (uint64_t)rank) | 1,
                            ffmk_rng_mix(seed + (uint64_t)rank * 977 + i)};
}

/* Whether an element is what those of its set give together: composed in the order of ranks, or bit
 * by bit. */
static bool element_is_right(const struct record *record, struct element found, uint64_t seed,
                             size_t i, bool bits)
{
    struct element all = {0, bits ? 0 : 1, 0};
    for (int r = 0; r < sizes[record->comm]; r++) {
        const int rank = world_rank[record->comm][r];
        if (!(found.set >> rank & 1))
            continue;
        const struct element its = element_of(seed, rank, i);
        if (bits)
            all = (struct element){all.set | its.set, all.factor | its.factor, all.term | its.term};
        else
            all = (struct element){all.set | its.set, all.factor * its.factor,
                                   all.factor * its.term + all.term};
    }
    return memcmp(&all, &found, sizeof all) == 0;
}

static void allreduce(uint64_t *state, struct record *record)
{
    static unsigned char given[MOST_BYTES];
    static unsigned char taken[MOST_BYTES];
#ifdef NONBLOCKING
    /* A program's own operation is not ours there. */
    const bool bits = ffmk_rng_next(state) % 2 == 0;
#else
    const bool bits = false;
#endif
    const bool gaps = ffmk_rng_next(state) % 3 == 0 && !bits;
    const size_t stride = sizeof(struct element) + (gaps ? 8 : 0);
    const size_t n = draw_size(state) / stride % 6000 + 1;
    const uint64_t seed = ffmk_rng_next(state);
    const bool in_place = ffmk_rng_mix(seed + (uint64_t)me) % 4 == 0; /* some ranks */
    unsigned char *from = in_place ? taken : given;
    for (size_t i = 0; i < n; i++) {
        const struct element mine = element_of(seed, me, i);
        memcpy(from + i * stride, &mine, sizeof mine);
    }
    record->entered_ns = now_ns();
    const MPI_Datatype datatype = bits ? MPI_UINT64_T : gaps ? sparse : dense;
    record->code = (uint8_t)code_of(
        call_allreduce(in_place ? MPI_IN_PLACE : given, taken, (MPI_Count)(bits ? 3 * n : n),
                       datatype, bits ? MPI_BOR : composition, comms[record->comm]));
    record->left_ns = now_ns();
    record->right = true;
    for (size_t i = 0; i < n; i++) {
        struct element found;
        memcpy(&found, taken + i * stride, sizeof found);
        if (i == 0)
            record->mask = found.set;
        record->hash = ffmk_rng_mix(record->hash ^ hash_of(&found, sizeof found));
        record->right = record->right && found.set == record->mask &&
                        (i % (1 + n / 32) != 0 || element_is_right(record, found, seed, i, bits));
    }
}

static void barrier(struct record *record)
{
    record->entered_ns = now_ns();
    record->code = (uint8_t)code_of(call_barrier(comms[record->comm]));
    record->left_ns = now_ns();
    record->right = true;
}

/* ---- the job ---- */

static void make_communicators(void)
{
    MPI_Group world;
    MPI_Errhandler handler = MPI_ERRORS_RETURN;
#ifndef FFMK_CALLS
    MPI_Comm_create_errhandler(handle, &handler);
#endif
    comms[0] = MPI_COMM_WORLD;
    MPI_Comm_dup(MPI_COMM_WORLD, &comms[1]);
    MPI_Comm_split(MPI_COMM_WORLD, me % 2, me, &comms[2]);
    MPI_Comm_split(MPI_COMM_WORLD, 0, -me, &comms[3]);
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    for (int c = 0; c < COMMS; c++) {
        MPI_Group group;
        int own[MOST_RANKS];
        MPI_Comm_set_errhandler(comms[c], handler);
        MPI_Comm_rank(comms[c], &ranks_of[c]);
        MPI_Comm_size(comms[c], &sizes[c]);
        MPI_Comm_group(comms[c], &group);
        for (int i = 0; i < sizes[c]; i++)
            own[i] = i;
        MPI_Group_translate_ranks(group, sizes[c], own, world, world_rank[c]);
        MPI_Group_free(&group);
    }
    MPI_Group_free(&world);
    MPI_Type_contiguous(3, MPI_UINT64_T, &dense);
    MPI_Type_create_resized(dense, 0, sizeof(struct element) + 8, &sparse);
    MPI_Type_commit(&dense);
    MPI_Type_commit(&sparse);
    MPI_Op_create(compose, 0, &composition);
}

static void operate(uint64_t *state, struct record *record)
{
    record->root = -1;
    record->comm = (uint8_t)ffmk_rng_below(state, COMMS);
    switch (ffmk_rng_below(state, 6)) {
    case 0:
        record->kind = BARRIER;
        barrier(record);
        break;
    case 1:
        record->kind = ALLREDUCE;
        allreduce(state, record);
        break;
    default:
        record->kind = BCAST;
        bcast(state, record);
    }
}

static uint64_t dead_now(void)
{
    uint64_t dead = 0;
#ifdef FFMK_CALLS
    for (int c = 0; c < COMMS; c++) {
        int ranks[MOST_RANKS];
        size_t n = 0;
        uint64_t here = 0;
        if (ffmk_comm_dead(comms[c], ranks, MOST_RANKS, &n) != FFMK_SUCCESS)
            return ~(uint64_t)0;
        for (size_t i = 0; i < n; i++)
            here |= (uint64_t)1 << world_rank[c][ranks[i]];
        if (c == 0)
            dead = here;
        else if (c != 2 && here != dead) /* the halves know of half of them */
            return ~(uint64_t)0;
    }
#endif
    return dead;
}

/* Now and then a rank comes late, and looks around: it may know who has died since the others came
 * to the operation that it has yet to begin. */
static void tarry(uint64_t *own)
{
    if (ffmk_rng_below(own, 40) != 0)
        return;
    usleep((useconds_t)ffmk_rng_below(own, 2000));
    dead_now();
}

int main(int argc, char **argv)
{
    char name[32];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    if (argc != 4 || n_ranks > MOST_RANKS)
        MPI_Abort(MPI_COMM_WORLD, 2);
    uint64_t state = strtoull(argv[2], NULL, 10);
    const uint64_t operations = strtoull(argv[3], NULL, 10);
    uint64_t own = ffmk_rng_mix(state + (uint64_t)me);
    snprintf(name, sizeof name, "rank%d", me);
    struct journal *journal =
        map_file(argv[1], name, sizeof *journal + operations * sizeof(struct record));
    uint64_t *finish = map_file(argv[1], "finish", sizeof *finish);
    make_communicators();
    for (int c = 0; c < COMMS; c++) {
        call_barrier(comms[c]); /* before anybody dies */
        char none = 0;
        call_bcast(&none, 1, MPI_CHAR, 0, comms[c]);
    }
    int expected = 0;
    for (int c = 0; c < COMMS; c++)
        expected += has_segment(comms[c]);
    if (segments_mapped() != expected)
        fprintf(stderr, "NOT OURS: rank %d has %d segments\n", me, segments_mapped());
    journal->pid = (uint64_t)getpid();
    store(&journal->stage, 1);
    for (uint64_t i = 0; i < operations; i++) {
        tarry(&own);
        operate(&state, &journal->records[i]);
        store(&journal->done, i + 1);
    }
    store(&journal->stage, 2);
    await(finish, 1);
    journal->dead = dead_now();
    store(&journal->stage, 3);
    MPI_Finalize();
    store(&journal->stage, 4);
    return 0;
}
