/* SPDX-License-Identifier: BSD-3-Clause
 * Our arithmetic of MPI's datatypes knows what the standard allows, and gives what
 * MPI_Reduce_local() gives. One process. Usage: arithmetic <seed>
 *
 * Not compared is where MPIs are wrong or differ: MPICH 4.0.2 compares unsigned numbers as if they
 * were signed, Open MPI 4.1.4 those of 64 bits, and MPI_OFFSET as if it were unsigned; its sums of
 * 8 and 16 bits stop at the greatest number. */
#include "job/arithmetic.h"

#include "core/rng.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 67, MOST_BYTES = 32 };

/* A value of so many bytes; in pairs an int or another such value is behind it. */
enum class { SIGNED, UNSIGNED, FLOATING, COMPLEX, TRUTH, BYTE, OTHER };
struct type {
    MPI_Datatype datatype;
    const char *name;
    enum class class;
    int bytes;
    int behind; /* bytes of the place; 0: no pair */
    bool fortran;
};

#define T(t, class, bytes, behind)                                                                 \
    {                                                                                              \
        t, #t, class, bytes, behind, false                                                         \
    }
#define I(t, c)                                                                                    \
    {                                                                                              \
        t, #t, SIGNED, sizeof(c), 0, false                                                         \
    }
#define N(t, c)                                                                                    \
    {                                                                                              \
        t, #t, SIGNED, sizeof(c), 0, true                                                          \
    }
#define U(t, c)                                                                                    \
    {                                                                                              \
        t, #t, UNSIGNED, sizeof(c), 0, false                                                       \
    }
#define F(t, c)                                                                                    \
    {                                                                                              \
        t, #t, FLOATING, sizeof(c), 0, false                                                       \
    }
#define C(t, c)                                                                                    \
    {                                                                                              \
        t, #t, COMPLEX, 2 * sizeof(c), 0, false                                                    \
    }
#define P(t, class, c, place)                                                                      \
    {                                                                                              \
        t, #t, class, sizeof(c), sizeof(place), false                                              \
    }
static const struct type types[] = {I(MPI_SIGNED_CHAR, char),
                                    I(MPI_SHORT, short),
                                    I(MPI_INT, int),
                                    I(MPI_LONG, long),
                                    I(MPI_LONG_LONG, long long),
                                    I(MPI_INT8_T, int8_t),
                                    I(MPI_INT16_T, int16_t),
                                    I(MPI_INT32_T, int32_t),
                                    I(MPI_INT64_T, int64_t),
                                    I(MPI_AINT, MPI_Aint),
                                    U(MPI_OFFSET, MPI_Offset),
                                    I(MPI_COUNT, MPI_Count),
                                    N(MPI_INTEGER, int),
                                    N(MPI_INTEGER1, int8_t),
                                    N(MPI_INTEGER2, int16_t),
                                    N(MPI_INTEGER4, int32_t),
                                    N(MPI_INTEGER8, int64_t),
                                    U(MPI_UNSIGNED_CHAR, char),
                                    U(MPI_UNSIGNED_SHORT, short),
                                    U(MPI_UNSIGNED, int),
                                    U(MPI_UNSIGNED_LONG, long),
                                    U(MPI_UNSIGNED_LONG_LONG, long long),
                                    U(MPI_UINT8_T, int8_t),
                                    U(MPI_UINT16_T, int16_t),
                                    U(MPI_UINT32_T, int32_t),
                                    U(MPI_UINT64_T, int64_t),
                                    F(MPI_FLOAT, float),
                                    F(MPI_DOUBLE, double),
                                    F(MPI_LONG_DOUBLE, long double),
                                    F(MPI_REAL, float),
                                    F(MPI_DOUBLE_PRECISION, double),
                                    F(MPI_REAL4, float),
                                    F(MPI_REAL8, double),
                                    C(MPI_C_FLOAT_COMPLEX, float),
                                    C(MPI_C_DOUBLE_COMPLEX, double),
                                    C(MPI_C_LONG_DOUBLE_COMPLEX, long double),
                                    C(MPI_COMPLEX, float),
                                    C(MPI_DOUBLE_COMPLEX, double),
                                    C(MPI_COMPLEX8, float),
                                    C(MPI_COMPLEX16, double),
                                    T(MPI_C_BOOL, TRUTH, 1, 0),
                                    T(MPI_LOGICAL, TRUTH, 4, 0),
                                    T(MPI_BYTE, BYTE, 1, 0),
                                    P(MPI_FLOAT_INT, FLOATING, float, int),
                                    P(MPI_DOUBLE_INT, FLOATING, double, int),
                                    P(MPI_LONG_DOUBLE_INT, FLOATING, long double, int),
                                    P(MPI_SHORT_INT, SIGNED, short, int),
                                    P(MPI_2INT, SIGNED, int, int),
                                    P(MPI_LONG_INT, SIGNED, long, int),
                                    P(MPI_2INTEGER, SIGNED, int, int),
                                    P(MPI_2REAL, FLOATING, float, float),
                                    P(MPI_2DOUBLE_PRECISION, FLOATING, double, double),
                                    T(MPI_CHAR, OTHER, 1, 0),
                                    T(MPI_WCHAR, OTHER, sizeof(wchar_t), 0),
                                    T(MPI_CHARACTER, OTHER, 1, 0)};

enum group { ARITHMETIC, ORDER, LOGIC, BITS, PLACE, NONE };
static const struct {
    MPI_Op op;
    const char *name;
    enum group group;
} ops[] = {
#define O(op, group)                                                                               \
    {                                                                                              \
        op, #op, group                                                                             \
    }
    O(MPI_SUM, ARITHMETIC), O(MPI_PROD, ARITHMETIC), O(MPI_MAX, ORDER),    O(MPI_MIN, ORDER),
    O(MPI_LAND, LOGIC),     O(MPI_LOR, LOGIC),       O(MPI_LXOR, LOGIC),   O(MPI_BAND, BITS),
    O(MPI_BOR, BITS),       O(MPI_BXOR, BITS),       O(MPI_MAXLOC, PLACE), O(MPI_MINLOC, PLACE),
    O(MPI_REPLACE, NONE),   O(MPI_NO_OP, NONE)};

/* What the standard says (MPI 3.1, 5.9.2 and 5.9.4). */
static bool is_standard(const struct type *type, enum group group)
{
    if (type->behind || group == PLACE)
        return type->behind && group == PLACE;
    switch (type->class) {
    case SIGNED:
    case UNSIGNED:
        return group != NONE && (group != LOGIC || !type->fortran);
    case FLOATING:
        return group == ARITHMETIC || group == ORDER;
    case COMPLEX:
        return group == ARITHMETIC;
    case TRUTH:
        return group == LOGIC;
    case BYTE:
        return group == BITS;
    default:
        return false;
    }
}

static uint64_t state;

static void fill_value(enum class class, int bytes, char *at)
{
    const uint64_t bits = ffmk_rng_next(&state);
    const double number = (double)ffmk_rng_below(&state, 40) / 7 - 3;
    const float f = (float)number;
    const long double l = number;
    memset(at, 0, (size_t)bytes);
    if (class == COMPLEX) {
        fill_value(FLOATING, bytes / 2, at);
        fill_value(FLOATING, bytes / 2, at + bytes / 2);
    } else if (class == FLOATING) {
        memcpy(at,
               bytes == 4   ? (const void *)&f
               : bytes == 8 ? (const void *)&number
                            : &l,
               bytes > 10 ? 10 : (size_t)bytes);
    } else if (class == TRUTH) {
        at[0] = (char)(bits & 1);
    } else if (class == BYTE) {
        at[0] = (char)bits;
    } else {
        const int64_t most = bytes == 1 ? 60 : bytes == 2 ? 16000 : 1000000000;
        int64_t value = (int64_t)(bits % (uint64_t)(ffmk_rng_below(&state, 2) ? most : 4));
        if (class == SIGNED && ffmk_rng_below(&state, 3) == 0)
            value = -value;
        memcpy(at, &value, (size_t)bytes); /* little-endian, like all machines of these tests */
    }
}

/* Elements in a row, as they are packed. */
static void fill(const struct type *type, char *bytes)
{
    for (int i = 0; i < ELEMENTS; i++, bytes += type->bytes + type->behind) {
        fill_value(type->class, type->bytes, bytes);
        if (type->behind)
            fill_value(type->behind == 4 && type->class != FLOATING ? SIGNED : type->class,
                       type->behind, bytes + type->bytes);
    }
}

/* Ten bytes of a long double are its. */
static void forget_padding(const struct type *type, char *bytes)
{
    const int element = type->bytes + type->behind;
    for (int i = 0; i < ELEMENTS * element; i++) {
        const int at = i % element;
        const bool is_long = (type->class == FLOATING && type->bytes == 16 && at < 16) ||
                             (type->class == COMPLEX && type->bytes == 32);
        if (is_long && at % 16 >= 10)
            bytes[i] = 0;
    }
}

enum { TYPES = sizeof types / sizeof types[0], OPS = sizeof ops / sizeof ops[0] };
static ffmk_combine *alone[TYPES][OPS]; /* what one thread was told */

/* \return how often another answer came than to one thread. */
static void *ask(void *turn)
{
    enum { TIMES = 2000 };
    intptr_t others = 0;
    for (int i = 0; i < TIMES * TYPES; i++) {
        const int t = (*(const int *)turn + i) % TYPES;
        const int o = i % OPS;
        if (types[t].datatype != MPI_DATATYPE_NULL)
            others += ffmk_arithmetic_of(ops[o].op, types[t].datatype) != alone[t][o];
    }
    return (void *)others; /* NOLINT: a number */
}

static int ask_at_once(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int turns[THREADS];
    intptr_t others = 0;
    for (int t = 0; t < THREADS; t++) {
        turns[t] = t * 13;
        pthread_create(&threads[t], NULL, ask, &turns[t]);
    }
    for (int t = 0; t < THREADS; t++) {
        void *found;
        pthread_join(threads[t], &found);
        others += (intptr_t)found;
    }
    if (others > 0)
        printf("FAILED: threads that ask at once were told something else %ld times\n",
               (long)others);
    return others > 0;
}

int main(int argc, char **argv)
{
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    state = strtoull(argv[1], NULL, 10);
    int failed = 0;
    int compared = 0;
    for (int t = 0; t < TYPES; t++) {
        const struct type *type = &types[t];
        if (type->datatype == MPI_DATATYPE_NULL)
            continue;
        MPI_Datatype twice;
        MPI_Datatype copy;
        MPI_Type_dup(type->datatype, &twice);
        MPI_Type_dup(twice, &copy);
        for (int o = 0; o < OPS; o++) {
            static char in[ELEMENTS * MOST_BYTES + 1];
            static char ours[ELEMENTS * MOST_BYTES + 1];
            static char theirs[ELEMENTS * MOST_BYTES];
            static char laid_in[ELEMENTS * MOST_BYTES];
            static char laid_inout[ELEMENTS * MOST_BYTES];
            const int bytes = ELEMENTS * (type->bytes + type->behind);
            /* Not aligned: packed elements need not be. */
            fill(type, in + 1);
            fill(type, ours + 1);
            int at = 0;
            MPI_Unpack(in + 1, bytes, &at, laid_in, ELEMENTS, type->datatype, MPI_COMM_SELF);
            at = 0;
            MPI_Unpack(ours + 1, bytes, &at, laid_inout, ELEMENTS, type->datatype, MPI_COMM_SELF);
            ffmk_combine *const combine = ffmk_arithmetic_of(ops[o].op, type->datatype);
            alone[t][o] = combine;
            const bool standard = is_standard(type, ops[o].group);
            const bool theirs_can =
                standard && MPI_Reduce_local(laid_in, laid_inout, ELEMENTS, type->datatype,
                                             ops[o].op) == MPI_SUCCESS;
            if (combine != ffmk_arithmetic_of(ops[o].op, copy) || (standard && !combine)) {
                printf("FAILED: %s of %s: ours %d, a duplicate's %d, MPI's %d\n", ops[o].name,
                       type->name, combine != NULL, ffmk_arithmetic_of(ops[o].op, copy) != NULL,
                       theirs_can);
                failed++;
            }
            if (!combine || !theirs_can)
                continue;
            combine(NULL, in + 1, ours + 1, ELEMENTS);
            at = 0;
            MPI_Pack(laid_inout, ELEMENTS, type->datatype, theirs, bytes, &at, MPI_COMM_SELF);
            forget_padding(type, ours + 1);
            forget_padding(type, theirs);
            compared++;
            if (at != bytes || memcmp(ours + 1, theirs, (size_t)bytes) != 0) {
                printf("FAILED: %s of %s gives something else, seed %s\n", ops[o].name, type->name,
                       argv[1]);
                failed++;
            }
        }
        MPI_Type_free(&copy);
        MPI_Type_free(&twice);
    }
    failed += ask_at_once();
    unsigned char large[] = {200, 100, 255};
    unsigned char small[] = {100, 200, 128};
    ffmk_arithmetic_of(MPI_MAX, MPI_UNSIGNED_CHAR)(NULL, large, small, 3);
    failed += memcmp(small, (unsigned char[]){200, 200, 255}, 3) != 0;
    ffmk_arithmetic_of(MPI_SUM, MPI_UNSIGNED_CHAR)(NULL, large, small, 3);
    failed += memcmp(small, (unsigned char[]){144, 44, 254}, 3) != 0;
    printf("%d compared, %d failed\n", compared, failed);
    MPI_Finalize();
    return failed > 0 || compared < 200;
}
