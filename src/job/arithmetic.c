/* SPDX-License-Identifier: BSD-3-Clause
 * MPI's own reductions of its own datatypes, without MPI. */
#include "job/arithmetic.h"

#include <stdint.h>

/* Packed elements may lie anywhere. */
#define ANYWHERE __attribute__((packed, aligned(1), may_alias))

#define COMBINE(operation, type, expression)                                                       \
    static void operation##_##type(void *context, const void *in, void *inout, size_t n)           \
    {                                                                                              \
        (void)context;                                                                             \
        const struct type *const left = in;                                                        \
        struct type *const right = inout;                                                          \
        for (size_t i = 0; i < n; i++) {                                                           \
            const struct type a = left[i];                                                         \
            const struct type b = right[i];                                                        \
            right[i] = expression;                                                                 \
        }                                                                                          \
    }

/* Unsigned arithmetic wraps where signed arithmetic may not. */
#define SUM_AND_PRODUCT(type, c, wide)                                                             \
    COMBINE(sum, type, ((struct type){(c)((wide)a.x + (wide)b.x)}))                                \
    COMBINE(prod, type, ((struct type){(c)((wide)a.x * (wide)b.x)}))
#define MAX_AND_MIN(type)                                                                          \
    COMBINE(max, type, ((struct type){a.x > b.x ? a.x : b.x}))                                     \
    COMBINE(min, type, ((struct type){a.x < b.x ? a.x : b.x}))
#define LOGICAL(type, c)                                                                           \
    COMBINE(land, type, ((struct type){(c)(a.x && b.x)}))                                          \
    COMBINE(lor, type, ((struct type){(c)(a.x || b.x)}))                                           \
    COMBINE(lxor, type, ((struct type){(c)(!a.x != !b.x)}))
#define BITWISE(type, c)                                                                           \
    COMBINE(band, type, ((struct type){(c)(a.x & b.x)}))                                           \
    COMBINE(bor, type, ((struct type){(c)(a.x | b.x)}))                                            \
    COMBINE(bxor, type, ((struct type){(c)(a.x ^ b.x)}))
#define SCALAR(type, c)                                                                            \
    struct ANYWHERE type {                                                                         \
        c x;                                                                                       \
    };
#define INTEGER(type, c)                                                                           \
    SCALAR(type, c)                                                                                \
    SUM_AND_PRODUCT(type, c, uint64_t)                                                             \
    MAX_AND_MIN(type)                                                                              \
    LOGICAL(type, c)                                                                               \
    BITWISE(type, c)
#define FLOATING(type, c)                                                                          \
    SCALAR(type, c)                                                                                \
    SUM_AND_PRODUCT(type, c, c)                                                                    \
    MAX_AND_MIN(type)
#define COMPLEX(type, c)                                                                           \
    SCALAR(type, c)                                                                                \
    SUM_AND_PRODUCT(type, c, c)
/* A value and where it is: of equal ones the lower place. */
#define PLACED(type, c, place)                                                                     \
    struct ANYWHERE type {                                                                         \
        c x;                                                                                       \
        place at;                                                                                  \
    };                                                                                             \
    COMBINE(maxloc, type, (a.x > b.x || (!(b.x > a.x) && a.at < b.at) ? a : b))                    \
    COMBINE(minloc, type, (a.x < b.x || (!(b.x < a.x) && a.at < b.at) ? a : b))

INTEGER(i8, int8_t)
INTEGER(i16, int16_t)
INTEGER(i32, int32_t)
INTEGER(i64, int64_t)
INTEGER(u8, uint8_t)
INTEGER(u16, uint16_t)
INTEGER(u32, uint32_t)
INTEGER(u64, uint64_t)
FLOATING(f32, float)
FLOATING(f64, double)
FLOATING(f80, long double)
COMPLEX(c32, float _Complex)
COMPLEX(c64, double _Complex)
COMPLEX(c80, long double _Complex)
SCALAR(truth8, _Bool)
LOGICAL(truth8, _Bool)
SCALAR(truth32, int32_t)
LOGICAL(truth32, int32_t)
SCALAR(byte, unsigned char)
BITWISE(byte, unsigned char)
PLACED(f32_at, float, int)
PLACED(f64_at, double, int)
PLACED(f80_at, long double, int)
PLACED(i16_at, short, int)
PLACED(i32_at, int, int)
PLACED(i64_at, long, int)
PLACED(f32_pair, float, float)
PLACED(f64_pair, double, double)

enum operation {
    SUM,
    PROD,
    MAX,
    MIN,
    LAND,
    LOR,
    LXOR,
    BAND,
    BOR,
    BXOR,
    MAXLOC,
    MINLOC,
    OPERATIONS
};

static enum operation operation_of(MPI_Op op)
{
    const MPI_Op known[OPERATIONS] = {MPI_SUM,  MPI_PROD, MPI_MAX,    MPI_MIN,
                                      MPI_LAND, MPI_LOR,  MPI_LXOR,   MPI_BAND,
                                      MPI_BOR,  MPI_BXOR, MPI_MAXLOC, MPI_MINLOC};
    enum operation operation = SUM;
    while (operation < OPERATIONS && known[operation] != op)
        operation++;
    return operation;
}

#define ADDS(type)    [SUM] = sum_##type, [PROD] = prod_##type
#define ORDERS(type)  [MAX] = max_##type, [MIN] = min_##type
#define DECIDES(type) [LAND] = land_##type, [LOR] = lor_##type, [LXOR] = lxor_##type
#define MASKS(type)   [BAND] = band_##type, [BOR] = bor_##type, [BXOR] = bxor_##type
#define PLACES(type)  [MAXLOC] = maxloc_##type, [MINLOC] = minloc_##type

/* Numbers by kind and size: C and Fortran have several names for one. */
enum kind { SIGNED, UNSIGNED, FLOAT, COMPLEX_NUMBER, TRUTH, BITS, KINDS };
enum { SIZES = 6 }; /* the powers of two, in bytes */

static ffmk_combine *const numbers[KINDS][SIZES][OPERATIONS] = {
    [SIGNED] = {{ADDS(i8), ORDERS(i8), DECIDES(i8), MASKS(i8)},
                {ADDS(i16), ORDERS(i16), DECIDES(i16), MASKS(i16)},
                {ADDS(i32), ORDERS(i32), DECIDES(i32), MASKS(i32)},
                {ADDS(i64), ORDERS(i64), DECIDES(i64), MASKS(i64)}},
    [UNSIGNED] = {{ADDS(u8), ORDERS(u8), DECIDES(u8), MASKS(u8)},
                  {ADDS(u16), ORDERS(u16), DECIDES(u16), MASKS(u16)},
                  {ADDS(u32), ORDERS(u32), DECIDES(u32), MASKS(u32)},
                  {ADDS(u64), ORDERS(u64), DECIDES(u64), MASKS(u64)}},
    [FLOAT] = {[2] = {ADDS(f32), ORDERS(f32)},
               [3] = {ADDS(f64), ORDERS(f64)},
#if __SIZEOF_LONG_DOUBLE__ == 16
               [4] = {ADDS(f80), ORDERS(f80)}
#endif
    },
    [COMPLEX_NUMBER] = {[3] = {ADDS(c32)},
                        [4] = {ADDS(c64)},
#if __SIZEOF_LONG_DOUBLE__ == 16
                        [5] = {ADDS(c80)}
#endif
    },
    [TRUTH] = {[0] = {DECIDES(truth8)}, [2] = {DECIDES(truth32)}},
    [BITS] = {{MASKS(byte)}}};

static ffmk_combine *number_of(MPI_Datatype datatype, enum operation operation)
{
    static const struct {
        MPI_Datatype datatype;
        enum kind kind;
    } known[] = {
        {MPI_SIGNED_CHAR, SIGNED},
        {MPI_SHORT, SIGNED},
        {MPI_INT, SIGNED},
        {MPI_LONG, SIGNED},
        {MPI_LONG_LONG, SIGNED},
        {MPI_INT8_T, SIGNED},
        {MPI_INT16_T, SIGNED},
        {MPI_INT32_T, SIGNED},
        {MPI_INT64_T, SIGNED},
        {MPI_AINT, SIGNED},
        {MPI_OFFSET, SIGNED},
        {MPI_COUNT, SIGNED},
        {MPI_INTEGER, SIGNED},
        {MPI_INTEGER1, SIGNED},
        {MPI_INTEGER2, SIGNED},
        {MPI_INTEGER4, SIGNED},
        {MPI_INTEGER8, SIGNED},
        {MPI_UNSIGNED_CHAR, UNSIGNED},
        {MPI_UNSIGNED_SHORT, UNSIGNED},
        {MPI_UNSIGNED, UNSIGNED},
        {MPI_UNSIGNED_LONG, UNSIGNED},
        {MPI_UNSIGNED_LONG_LONG, UNSIGNED},
        {MPI_UINT8_T, UNSIGNED},
        {MPI_UINT16_T, UNSIGNED},
        {MPI_UINT32_T, UNSIGNED},
        {MPI_UINT64_T, UNSIGNED},
        {MPI_FLOAT, FLOAT},
        {MPI_DOUBLE, FLOAT},
        {MPI_LONG_DOUBLE, FLOAT},
        {MPI_REAL, FLOAT},
        {MPI_DOUBLE_PRECISION, FLOAT},
        {MPI_REAL4, FLOAT},
        {MPI_REAL8, FLOAT},
        {MPI_C_FLOAT_COMPLEX, COMPLEX_NUMBER},
        {MPI_C_DOUBLE_COMPLEX, COMPLEX_NUMBER},
        {MPI_C_LONG_DOUBLE_COMPLEX, COMPLEX_NUMBER},
        {MPI_COMPLEX, COMPLEX_NUMBER},
        {MPI_DOUBLE_COMPLEX, COMPLEX_NUMBER},
        {MPI_COMPLEX8, COMPLEX_NUMBER},
        {MPI_COMPLEX16, COMPLEX_NUMBER},
        {MPI_C_BOOL, TRUTH},
        {MPI_LOGICAL, TRUTH},
        {MPI_BYTE, BITS},
    };
    int bytes = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].datatype != datatype || PMPI_Type_size(datatype, &bytes) != MPI_SUCCESS)
            continue;
        for (int size = 0; size < SIZES; size++)
            if (bytes == 1 << size)
                return numbers[known[i].kind][size][operation];
    }
    return NULL;
}

static ffmk_combine *place_of(MPI_Datatype datatype, enum operation operation)
{
    static const struct {
        MPI_Datatype datatype;
        ffmk_combine *combine[OPERATIONS];
    } known[] = {
        {MPI_FLOAT_INT, {PLACES(f32_at)}},
        {MPI_DOUBLE_INT, {PLACES(f64_at)}},
        {MPI_LONG_DOUBLE_INT, {PLACES(f80_at)}},
        {MPI_SHORT_INT, {PLACES(i16_at)}},
        {MPI_2INT, {PLACES(i32_at)}},
        {MPI_LONG_INT, {PLACES(i64_at)}},
        {MPI_2INTEGER, {PLACES(i32_at)}},
        {MPI_2REAL, {PLACES(f32_pair)}},
        {MPI_2DOUBLE_PRECISION, {PLACES(f64_pair)}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].datatype == datatype)
            return known[i].combine[operation];
    return NULL;
}

/* The datatype that it is a duplicate of, which is MPI's own or has no arithmetic. */
static MPI_Datatype original(MPI_Datatype datatype)
{
    int integers;
    int addresses;
    int datatypes;
    int combiner;
    if (PMPI_Type_get_envelope(datatype, &integers, &addresses, &datatypes, &combiner) !=
            MPI_SUCCESS ||
        combiner != MPI_COMBINER_DUP)
        return datatype;
    int none;
    MPI_Aint nowhere;
    MPI_Datatype inner;
    if (PMPI_Type_get_contents(datatype, 0, 0, 1, &none, &nowhere, &inner) != MPI_SUCCESS)
        return datatype;
    const MPI_Datatype found = original(inner);
    if (PMPI_Type_get_envelope(inner, &integers, &addresses, &datatypes, &combiner) ==
            MPI_SUCCESS &&
        combiner != MPI_COMBINER_NAMED)
        PMPI_Type_free(&inner);
    return found;
}

ffmk_combine *ffmk_arithmetic_of(MPI_Op op, MPI_Datatype datatype)
{
    const enum operation operation = operation_of(op);
    if (operation == OPERATIONS || datatype == MPI_DATATYPE_NULL)
        return NULL;
    const MPI_Datatype known = original(datatype);
    return operation == MAXLOC || operation == MINLOC ? place_of(known, operation)
                                                      : number_of(known, operation);
}
