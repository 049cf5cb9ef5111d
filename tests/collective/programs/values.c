/* SPDX-License-Identifier: BSD-3-Clause
 * Random collective operations from a seed over several communicators, with datatypes that have
 * gaps, go backwards or differ between ranks. All of a result's memory, gaps too, must be what
 * PMPI makes of the same input. Usage: values <first seed> <seeds> <operations a seed> [<driver>]
 * With a driver (gpu.h), which each rank loads after some operations, most buffers are in device
 * memory from then on, at some ranks or at all. */
#include "calls.h"
#include "gpu.h"

#include "core/rng.h"

#include <complex.h>
#include <stdint.h>

static int me;
static uint64_t seed;
static int operation;
static const char *doing = "";

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("FAILED: rank %d, seed %llu, operation %d (%s): ", me,                          \
                   (unsigned long long)seed, operation, doing);                                    \
            printf(__VA_ARGS__);                                                                   \
            putchar('\n');                                                                         \
            fflush(stdout);                                                                        \
            PMPI_Abort(MPI_COMM_WORLD, 1);                                                         \
        }                                                                                          \
    } while (0)

/* ---- layouts: words (32 bits) of a datatype in the order of its type map ---- */

enum { MOST_WORDS = 8, LAYOUTS = 14, MOST_COMMS = 9 };

struct layout {
    const char *name;
    MPI_Datatype type;
    int words;                   /* even */
    MPI_Aint offset[MOST_WORDS]; /* bytes */
    MPI_Aint extent;
    MPI_Aint low; /* first and behind the last byte of an element */
    MPI_Aint high;
};

static struct layout layouts[LAYOUTS];

/* By MPI itself: where does each word of one element go? */
static void learn(struct layout *layout, const char *name, MPI_Datatype type)
{
    enum { ROOM = 1024, ORIGIN = 256 };
    static unsigned char memory[ROOM];
    uint32_t words[MOST_WORDS];
    int bytes;
    int position = 0;
    MPI_Aint lb;
    layout->name = name;
    layout->type = type;
    MPI_Type_commit(&type);
    MPI_Type_size(type, &bytes);
    MPI_Type_get_extent(type, &lb, &layout->extent);
    layout->words = bytes / 4;
    layout->low = ROOM;
    layout->high = -ROOM;
    memset(memory, 0, sizeof memory);
    for (int i = 0; i < layout->words; i++)
        words[i] = 0x01010101u * (unsigned)(i + 1);
    MPI_Unpack(words, bytes, &position, memory + ORIGIN, 1, type, MPI_COMM_SELF);
    for (int i = 0; i < ROOM; i += 4)
        if (memory[i]) {
            layout->offset[memory[i] - 1] = i - ORIGIN;
            layout->low = layout->low < i - ORIGIN ? layout->low : i - ORIGIN;
            layout->high = layout->high > i + 4 - ORIGIN ? layout->high : i + 4 - ORIGIN;
        }
}

/* So far from its address that there is no memory of ours where it does not belong. */
static void learn_far(struct layout *layout)
{
    const MPI_Aint far = (MPI_Aint)1 << 34;
    MPI_Datatype near;
    MPI_Type_vector(2, 1, 2, MPI_UINT32_T, &near);
    learn(layout, "far from its address", near);
    MPI_Type_create_hindexed(1, (int[]){1}, &far, near, &layout->type);
    MPI_Type_commit(&layout->type);
    for (int i = 0; i < layout->words; i++)
        layout->offset[i] += far;
    layout->low += far;
    layout->high += far;
}

static void make_layouts(void)
{
    struct layout *next = layouts;
    const MPI_Datatype word = MPI_UINT32_T;
    MPI_Datatype type;
    MPI_Datatype inner;
    MPI_Type_contiguous(4, word, &type);
    learn(next++, "contiguous", type);
    MPI_Type_vector(3, 2, 5, word, &type);
    learn(next++, "vector", type);
    MPI_Type_indexed(3, (int[]){2, 1, 3}, (int[]){7, 0, 2}, word, &type);
    learn(next++, "indexed out of order", type);
    MPI_Type_indexed(4, (int[]){1, 1, 1, 1}, (int[]){3, 1, 0, 2}, word, &type);
    learn(next++, "a permutation without gaps", type);
    MPI_Type_create_struct(3, (int[]){1, 2, 1}, (MPI_Aint[]){4, 16, 40},
                           (MPI_Datatype[]){word, MPI_FLOAT, word}, &type);
    learn(next++, "struct", type);
    MPI_Type_contiguous(4, word, &inner);
    MPI_Type_create_resized(inner, -8, 40, &type);
    learn(next++, "resized, negative lower bound", type);
    MPI_Type_create_resized(inner, 0, 16, &type);
    learn(next++, "resized to itself", type);
    MPI_Type_contiguous(2, inner, &type);
    learn(next++, "contiguous of contiguous", type);
    MPI_Type_dup(inner, &type);
    learn(next++, "duplicate", type);
    MPI_Type_create_subarray(2, (int[]){4, 6}, (int[]){2, 3}, (int[]){1, 2}, MPI_ORDER_C, word,
                             &type);
    learn(next++, "subarray", type);
    MPI_Type_create_hindexed(2, (int[]){1, 1}, (MPI_Aint[]){-12, 8}, word, &type);
    learn(next++, "before its address", type);
    learn_far(next++);
    MPI_Type_create_hvector(2, 2, -8, word, &type);
    learn(next++, "backwards", type);
    MPI_Type_vector(2, 1, 2, word, &inner);
    MPI_Type_create_resized(inner, 0, 4, &type);
    MPI_Type_contiguous(2, type, &inner); /* words 0, 2, 1, 3 */
    MPI_Type_create_resized(inner, 0, 16, &type);
    learn(next++, "interleaved", type);
}

/* Memory for n elements, and where the first one's address in it is. */
struct region {
    unsigned char *memory;
    size_t bytes;
    unsigned char *address;
};

enum { MARGIN = 64 };

static struct region region_of(const struct layout *layout, MPI_Count n)
{
    const MPI_Aint last = n > 0 ? layout->extent * (n - 1) : 0;
    const MPI_Aint low = layout->low + (last < 0 ? last : 0);
    const MPI_Aint high = layout->high + (last > 0 ? last : 0);
    struct region region = {.bytes = (size_t)(high - low) + 2 * MARGIN};
    region.memory = malloc(region.bytes);
    CHECK(region.memory, "out of memory");
    region.address = region.memory + MARGIN - low;
    return region;
}

static void dirty(struct region region, uint64_t salt)
{
    for (size_t i = 0; i < region.bytes; i++)
        region.memory[i] = (unsigned char)(salt + i * 13 + (i >> 9));
}

/* The i-th of all words. */
static unsigned char *place_of(struct region region, const struct layout *layout, size_t i)
{
    const size_t words = (size_t)layout->words;
    return region.address + (MPI_Aint)(i / words) * layout->extent + layout->offset[i % words];
}

static struct region copy_of(struct region region)
{
    struct region copy = region;
    copy.memory = malloc(region.bytes);
    CHECK(copy.memory, "out of memory");
    memcpy(copy.memory, region.memory, region.bytes);
    copy.address = copy.memory + (region.address - region.memory);
    return copy;
}

/* ---- device memory ---- */

static struct gpu gpu;
static bool has_gpu;

/* What an operation gets in place of a region: the same bytes elsewhere. */
struct place {
    unsigned char *device; /* NULL: it gets the region */
    unsigned char *address;
};

static struct place put(struct region region, uint64_t own)
{
    struct place place = {.address = region.address};
    if (!has_gpu || own % 5 == 0)
        return place;
    place.device = gpu.take(own % GPU_KINDS, region.bytes);
    CHECK(place.device, "out of device memory");
    memcpy(gpu.inside(place.device), region.memory, region.bytes);
    place.address = place.device + (region.address - region.memory);
    return place;
}

static void fetch(struct place place, struct region region)
{
    if (!place.device)
        return;
    memcpy(region.memory, gpu.inside(place.device), region.bytes);
    gpu.drop(place.device);
}

static void same(struct region found, struct region expected, const char *what)
{
    for (size_t i = 0; i < found.bytes; i++)
        CHECK(found.memory[i] == expected.memory[i], "%s: byte %td of %zu is %u, by MPI %u", what,
              found.memory + i - found.address, found.bytes, found.memory[i], expected.memory[i]);
}

/* ---- communicators ---- */

static MPI_Comm comms[MOST_COMMS];
static int n_comms;

static void make_communicators(void)
{
    comms[n_comms++] = MPI_COMM_WORLD;
    MPI_Comm_dup(MPI_COMM_WORLD, &comms[n_comms++]);
    MPI_Comm_split(MPI_COMM_WORLD, me % 2, me, &comms[n_comms++]);
    MPI_Comm_split(MPI_COMM_WORLD, me / 3, me, &comms[n_comms++]);
    MPI_Comm_split(MPI_COMM_WORLD, me % 3, -me, &comms[n_comms++]);
    MPI_Comm_split(MPI_COMM_WORLD, 0, -me, &comms[n_comms++]);
    comms[n_comms++] = MPI_COMM_SELF;
    MPI_Comm_split(MPI_COMM_WORLD, me, 0, &comms[n_comms++]);
    MPI_Comm_dup(comms[3], &comms[n_comms++]);
}

/* ---- counts ---- */

/* Bytes: few, or about the borders of slot, element, piece and ring, or many. */
static size_t draw_bytes(uint64_t *state)
{
    static const size_t borders[] = {224, 2048, 32 << 10, 64 << 10, 1 << 20, 2 << 20};
    switch (ffmk_rng_below(state, 40)) {
    case 0:
    case 1:
        return 0;
    case 2:
    case 3:
    case 4:
    case 5:
        return borders[ffmk_rng_below(state, 4)] - 50 + ffmk_rng_below(state, 100);
    case 6:
        return borders[ffmk_rng_below(state, 6)] - 50 + ffmk_rng_below(state, 100);
    case 7:
        return ffmk_rng_below(state, 3 << 20);
    case 8:
    case 9:
    case 10:
        return ffmk_rng_below(state, 100000);
    default:
        return ffmk_rng_below(state, 600);
    }
}

/* ---- broadcast ---- */

/* MPI's broadcast by way of words in a row: Open MPI's own takes segments of whole elements and so
 * goes wrong where ranks have different datatypes. */
static void bcast_words(struct region region, const struct layout *layout, MPI_Count n, int root,
                        MPI_Comm comm)
{
    const size_t words = (size_t)n * (size_t)layout->words;
    unsigned char *row = malloc(words * 4 + 1);
    for (size_t i = 0; i < words; i++)
        memcpy(row + 4 * i, place_of(region, layout, i), 4);
    PMPI_Bcast(row, (int)words, MPI_UINT32_T, root, comm);
    for (size_t i = 0; i < words; i++)
        memcpy(place_of(region, layout, i), row + 4 * i, 4);
    free(row);
}

/* The same words at all ranks, each with a layout of its own that they fill. */
static void bcast(uint64_t *state, MPI_Comm comm, uint64_t own)
{
    int size;
    MPI_Comm_size(comm, &size);
    const int root = (int)(ffmk_rng_next(state) % (unsigned)size);
    size_t words = draw_bytes(state) / 4;
    const bool alike = ffmk_rng_below(state, 2);
    const struct layout *layout = &layouts[ffmk_rng_below(state, LAYOUTS)];
    words -= words % (alike ? (unsigned)layout->words : 24);
    if (!alike)
        do
            layout = &layouts[ffmk_rng_below(&own, LAYOUTS)];
        while (24 % layout->words != 0);
    const MPI_Count n = (MPI_Count)words / layout->words;
    doing = layout->name;
    struct region found = region_of(layout, n);
    dirty(found, own);
    struct region expected = copy_of(found);
    struct place place = put(found, own >> 8);
    const int code = call_bcast(place.address, n, layout->type, root, comm);
    fetch(place, found);
    CHECK(code == 0, "broadcast of %lld: %d", (long long)n, code);
    if (alike)
        PMPI_Bcast(expected.address, (int)n, layout->type, root, comm);
    else
        bcast_words(expected, layout, n, root, comm);
    same(found, expected, "broadcast");
    free(found.memory);
    free(expected.memory);
}

/* Bytes, odd numbers of them, from odd addresses. */
static void bcast_bytes(uint64_t *state, MPI_Comm comm, uint64_t own)
{
    const struct layout byte = {"bytes", MPI_BYTE, 1, {0}, 1, 0, 1};
    int size;
    MPI_Comm_size(comm, &size);
    const int root = (int)(ffmk_rng_next(state) % (unsigned)size);
    const size_t n = draw_bytes(state);
    doing = "bytes";
    struct region found = region_of(&byte, (MPI_Count)n + 3);
    dirty(found, own);
    struct region expected = copy_of(found);
    struct place place = put(found, own >> 8);
    const int code = call_bcast(place.address + own % 3, (MPI_Count)n, MPI_BYTE, root, comm);
    fetch(place, found);
    CHECK(code == 0, "broadcast of %zu: %d", n, code);
    PMPI_Bcast(expected.address + own % 3, (int)n, MPI_BYTE, root, comm);
    same(found, expected, "broadcast of bytes");
    free(found.memory);
    free(expected.memory);
}

/* ---- allreduce ---- */

static const struct layout *layout_of(MPI_Datatype type)
{
    for (int i = 0; i < LAYOUTS; i++)
        if (layouts[i].type == type)
            return &layouts[i];
    CHECK(false, "the user's operation got another datatype");
    return NULL;
}

static uint32_t *word_at(const void *address, const struct layout *layout, int element, int word)
{
    return (uint32_t *)((char *)(uintptr_t)address + element * layout->extent +
                        layout->offset[word]);
}

/* Pairs of words are affine maps, composed: associative, not commutative. */
static void compose(void *in, void *inout, int *n, MPI_Datatype *type)
{
    const struct layout *layout = layout_of(*type);
    CHECK((uintptr_t)in % 4 == 0 && (uintptr_t)inout % 4 == 0, "a misplaced element");
    for (int i = 0; i < *n; i++)
        for (int w = 0; w < layout->words; w += 2) {
            const uint32_t factor = *word_at(in, layout, i, w);
            const uint32_t term = *word_at(in, layout, i, w + 1);
            uint32_t *to_factor = word_at(inout, layout, i, w);
            uint32_t *to_term = word_at(inout, layout, i, w + 1);
            *to_term = factor * *to_term + term;
            *to_factor *= factor;
        }
}

static MPI_Op composition;

struct reduction {
    struct layout layout; /* words: unused unless the operation is the user's */
    MPI_Op op;
    void (*fill)(unsigned char *address, MPI_Aint extent, MPI_Count n, uint64_t salt);
};

#define FILL(name, type, value)                                                                    \
    static void fill_##name(unsigned char *address, MPI_Aint extent, MPI_Count n, uint64_t salt)   \
    {                                                                                              \
        for (MPI_Count i = 0; i < n; i++) {                                                        \
            const uint64_t r = ffmk_rng_mix(salt + (uint64_t)i);                                   \
            const type x = value;                                                                  \
            memcpy(address + i * extent, &x, sizeof x);                                            \
        }                                                                                          \
    }
/* Sums of small whole numbers are exact in whatever order. */
FILL(int, int, (int)(r % 1000) - 500)
FILL(char, signed char, (signed char)(r % 7))
FILL(uint64, uint64_t, r)
FILL(float, float, (float)(r % 1000))
FILL(double, double, (double)(r % 100000) - 50000)
FILL(complex, double complex, (double)(r % 1000) + I * (double)(r % 77))
FILL(logical, int, r % 8 != 0)

/* Pairs: value and index, with whatever lies between them left alone. */
#define FILL_PAIR(name, type)                                                                      \
    static void fill_##name(unsigned char *address, MPI_Aint extent, MPI_Count n, uint64_t salt)   \
    {                                                                                              \
        const size_t behind = sizeof(type) > 4 ? sizeof(type) : 4;                                 \
        for (MPI_Count i = 0; i < n; i++) {                                                        \
            const uint64_t r = ffmk_rng_mix(salt + (uint64_t)i);                                   \
            const type value = (type)(r % 5);                                                      \
            const int index = (int)(r >> 40);                                                      \
            memcpy(address + i * extent, &value, sizeof value);                                    \
            memcpy(address + i * extent + (MPI_Aint)behind, &index, sizeof index);                 \
        }                                                                                          \
    }
FILL_PAIR(double_int, double)
FILL_PAIR(float_int, float)
FILL_PAIR(short_int, short)
FILL_PAIR(long_int, long)
FILL_PAIR(int_int, int)

static void fill_words(unsigned char *address, MPI_Aint extent, MPI_Count n, uint64_t salt)
{
    (void)address;
    (void)extent;
    (void)n;
    (void)salt; /* whatever is there will do */
}

static struct layout plain(const char *name, MPI_Datatype type)
{
    struct layout layout = {.name = name, .type = type};
    MPI_Aint lb;
    MPI_Type_get_extent(type, &lb, &layout.extent);
    layout.high = layout.extent;
    return layout;
}

static struct reduction draw_reduction(uint64_t *state)
{
    switch (ffmk_rng_below(state, 22)) {
    case 0:
        return (struct reduction){plain("int sum", MPI_INT), MPI_SUM, fill_int};
    case 1:
        return (struct reduction){plain("int max", MPI_INT), MPI_MAX, fill_int};
    case 2:
        return (struct reduction){plain("char min", MPI_SIGNED_CHAR), MPI_MIN, fill_char};
    case 3:
        return (struct reduction){plain("uint64 xor", MPI_UINT64_T), MPI_BXOR, fill_uint64};
    case 4:
        return (struct reduction){plain("float sum", MPI_FLOAT), MPI_SUM, fill_float};
    case 5:
        return (struct reduction){plain("double sum", MPI_DOUBLE), MPI_SUM, fill_double};
    case 6:
        return (struct reduction){plain("complex sum", MPI_C_DOUBLE_COMPLEX), MPI_SUM,
                                  fill_complex};
    case 7:
        return (struct reduction){plain("logical and", MPI_INT), MPI_LAND, fill_logical};
    case 8:
        return (struct reduction){plain("double_int minloc", MPI_DOUBLE_INT), MPI_MINLOC,
                                  fill_double_int};
    case 9:
        return (struct reduction){plain("float_int maxloc", MPI_FLOAT_INT), MPI_MAXLOC,
                                  fill_float_int};
    case 10:
        return (struct reduction){plain("short_int minloc", MPI_SHORT_INT), MPI_MINLOC,
                                  fill_short_int};
    case 11:
        return (struct reduction){plain("long_int maxloc", MPI_LONG_INT), MPI_MAXLOC,
                                  fill_long_int};
    case 12:
        return (struct reduction){plain("2int minloc", MPI_2INT), MPI_MINLOC, fill_int_int};
    default:
        return (struct reduction){layouts[ffmk_rng_below(state, LAYOUTS)], composition, fill_words};
    }
}

/* Gaps: MPI's own operations copy them along or not; only the data of predefined types count. */
static void same_data(const struct reduction *reduction, struct region found,
                      struct region expected, MPI_Count n)
{
    int bytes;
    MPI_Type_size(reduction->layout.type, &bytes);
    unsigned char *a = malloc((size_t)bytes * (size_t)n + 1);
    unsigned char *b = malloc((size_t)bytes * (size_t)n + 1);
    int position = 0;
    PMPI_Pack(found.address, (int)n, reduction->layout.type, a, bytes * (int)n, &position,
              MPI_COMM_SELF);
    position = 0;
    PMPI_Pack(expected.address, (int)n, reduction->layout.type, b, bytes * (int)n, &position,
              MPI_COMM_SELF);
    CHECK(memcmp(a, b, (size_t)bytes * (size_t)n) == 0, "allreduce of %lld differs", (long long)n);
    free(a);
    free(b);
}

static void allreduce(uint64_t *state, MPI_Comm comm, uint64_t own)
{
    const struct reduction reduction = draw_reduction(state);
    const struct layout *layout = &reduction.layout;
    int element;
    MPI_Type_size(layout->type, &element);
    const MPI_Count n = (MPI_Count)(draw_bytes(state) / (size_t)element);
    const int in_place = (int)ffmk_rng_below(state, 3); /* nobody, all, some */
    const bool here = in_place == 1 || (in_place == 2 && own % 2);
    doing = layout->name;
    struct region given = region_of(layout, n);
    struct region found = region_of(layout, n);
    dirty(given, own);
    dirty(found, own + 7);
    reduction.fill(here ? found.address : given.address, layout->extent, n, own);
    struct region expected = copy_of(found);
    struct region untouched = copy_of(given);
    const bool none = n == 0 && !here && own % 4 == 0; /* no buffers for no elements */
    struct place from = put(given, own >> 8);
    struct place to = put(found, own >> 16);
    const int code = call_allreduce(here   ? MPI_IN_PLACE
                                    : none ? NULL
                                           : from.address,
                                    none ? NULL : to.address, n, layout->type, reduction.op, comm);
    fetch(from, given);
    fetch(to, found);
    CHECK(code == 0, "allreduce of %lld: %d", (long long)n, code);
    same(given, untouched, "the sent buffer");
    PMPI_Allreduce(here ? MPI_IN_PLACE : given.address, expected.address, (int)n, layout->type,
                   reduction.op, comm);
    same_data(&reduction, found, expected, n);
    if (reduction.op == composition) {
        /* What is no data stays as it was. */
        for (MPI_Count i = 0; i < n; i++)
            for (int w = 0; w < layout->words; w++)
                memset(found.address + i * layout->extent + layout->offset[w], 0, 4);
        dirty(expected, own + 7);
        for (MPI_Count i = 0; i < n; i++)
            for (int w = 0; w < layout->words; w++)
                memset(expected.address + i * layout->extent + layout->offset[w], 0, 4);
        same(found, expected, "gaps after allreduce");
    }
    free(given.memory);
    free(found.memory);
    free(expected.memory);
    free(untouched.memory);
}

/* The address is in the datatype. */
static void bottom(uint64_t *state, MPI_Comm comm)
{
    static uint32_t value[2];
    static uint32_t sum[2];
    MPI_Aint address[2];
    MPI_Datatype type;
    int size;
    int rank;
    MPI_Comm_size(comm, &size);
    MPI_Comm_rank(comm, &rank);
    const int root = (int)(ffmk_rng_next(state) % (unsigned)size);
    doing = "MPI_BOTTOM";
    MPI_Get_address(&value[0], &address[0]);
    MPI_Get_address(&sum[1], &address[1]);
    MPI_Type_create_hindexed(2, (int[]){1, 1}, address, MPI_UINT32_T, &type);
    MPI_Type_commit(&type);
    value[0] = rank == root ? 17 + (unsigned)operation : 0;
    sum[1] = rank == root ? 4711 : 0;
    CHECK(call_bcast(MPI_BOTTOM, 1, type, root, comm) == 0, "broadcast");
    CHECK(value[0] == 17 + (unsigned)operation && sum[1] == 4711, "broadcast");
    MPI_Type_free(&type);
}

/* Elements of no bytes, more of them than there is time for one by one. */
static void nothing(uint64_t *state, MPI_Comm comm)
{
    enum { MANY = 2000000000 };
    MPI_Datatype inner;
    MPI_Datatype type;
    int size;
    MPI_Comm_size(comm, &size);
    doing = "elements without bytes";
    MPI_Type_vector(0, 1, 1, MPI_INT, &inner);
    MPI_Type_create_resized(inner, 0, 8, &type);
    MPI_Type_commit(&type);
    const int root = (int)(ffmk_rng_next(state) % (unsigned)size);
    CHECK(call_bcast(NULL, MANY, type, root, comm) == 0, "broadcast");
    CHECK(call_allreduce(NULL, NULL, 0, MPI_INT, MPI_SUM, comm) == 0, "allreduce");
    MPI_Type_free(&type);
    MPI_Type_free(&inner);
}

static void operate(uint64_t *state)
{
    MPI_Comm comm = comms[ffmk_rng_below(state, (uint64_t)n_comms)];
    const uint64_t own = ffmk_rng_mix(*state + (uint64_t)me * 1013);
    switch (ffmk_rng_below(state, 9)) {
    case 8:
        nothing(state, comm);
        break;
    case 0:
        doing = "barrier";
        CHECK(call_barrier(comm) == 0, "barrier");
        break;
    case 1:
        bottom(state, comm);
        break;
    case 2:
        bcast_bytes(state, comm, own);
        break;
    case 3:
    case 4:
    case 5:
        allreduce(state, comm, own);
        break;
    default:
        bcast(state, comm, own);
    }
}

/* Each communicator's operations went the way that they should have. */
static void check_ways(void)
{
    int segments = 0;
    doing = "ways";
    for (int i = 0; i < n_comms; i++) {
        const int shares = has_segment(comms[i]);
        segments += shares;
#ifdef FFMK_CALLS
        ffmk_collective_info info = {.size = sizeof info};
        int size;
        MPI_Comm_size(comms[i], &size);
        CHECK(ffmk_barrier(comms[i], &info) == 0, "barrier");
        const char *transport = getenv("FFMK_TRANSPORT");
        const char *way = shares || size == 1 ? "shared memory"
                          : transport && strcmp(transport, "mpi") == 0
                              ? "corrected gossip over MPI"
                              : "corrected gossip over UDP";
        CHECK(strcmp(info.algorithm, way) == 0, "communicator %d goes by %s", i, info.algorithm);
#endif
    }
    CHECK(segments_mapped() == segments, "%d segments of ours for %d communicators",
          segments_mapped(), segments);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    if (argc != 4 && argc != 5)
        MPI_Abort(MPI_COMM_WORLD, 2);
    const uint64_t first = strtoull(argv[1], NULL, 10);
    const uint64_t seeds = strtoull(argv[2], NULL, 10);
    make_layouts();
    make_communicators();
    MPI_Op_create(compose, 0, &composition);
    for (seed = first; seed < first + seeds; seed++) {
        uint64_t state = ffmk_rng_mix(seed);
        for (operation = 0; operation < atoi(argv[3]); operation++) {
            if (argc > 4 && !has_gpu && operation == 10 + 3 * me) {
                has_gpu = gpu_load(argv[4], &gpu);
                CHECK(has_gpu, "no driver %s", argv[4]);
            }
            operate(&state);
        }
    }
    CHECK(!has_gpu || (gpu.copies() > 0 && gpu.is_tidy()), "the driver was not used, or not left");
    check_ways();
    for (int i = 0; i < n_comms; i++)
        if (comms[i] != MPI_COMM_WORLD && comms[i] != MPI_COMM_SELF)
            MPI_Comm_free(&comms[i]);
    CHECK(segments_mapped() == has_segment(MPI_COMM_WORLD), "segments outlive their communicators");
    if (me == 0)
        puts("done");
    fflush(stdout);
    MPI_Finalize();
    return 0;
}
