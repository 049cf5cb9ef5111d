/* SPDX-License-Identifier: BSD-3-Clause
 * Leads the doors of collective calls to our own operations. A C call has the engine's function put
 * in MPI's place. What a Fortran call means by its arguments is found out here: its sentinels
 * (MPI_BOTTOM, MPI_IN_PLACE) are addresses that only the loaded MPI knows, and MPICH's mpi_f08
 * passes descriptors of arrays. Handles are the engine's to translate. */
#include "pmpi/replace.h"

#include "pmpi/fortran.h"

#include <stdlib.h>
#include <string.h>

static const struct ffmk_engine *engine;

/* A buffer as C takes it. */
static void *buffer_of(void *address, const void *bottom, const void *in_place)
{
    if (address == in_place)
        return MPI_IN_PLACE;
    return address == bottom ? MPI_BOTTOM : address;
}

static void answer(void *ierror, int code)
{
    if (ierror) /* optional in mpi_f08 */
        *(MPI_Fint *)ierror = code;
}

/* Plain addresses: mpif.h, `use mpi`, and Open MPI's mpi_f08. */
#define PLAIN(suffix, sentinels)                                                                   \
    static void bcast_##suffix(void *buffer, void *count, void *datatype, void *root, void *comm,  \
                               void *ierror)                                                       \
    {                                                                                              \
        answer(ierror, engine->bcast_fortran(                                                      \
                           buffer_of(buffer, sentinels.bottom, sentinels.in_place), NUMBER(count), \
                           NUMBER(datatype), NUMBER(root), NUMBER(comm)));                         \
    }                                                                                              \
    static void allreduce_##suffix(void *sendbuf, void *recvbuf, void *count, void *datatype,      \
                                   void *op, void *comm, void *ierror)                             \
    {                                                                                              \
        answer(ierror, engine->allreduce_fortran(                                                  \
                           buffer_of(sendbuf, sentinels.bottom, sentinels.in_place),               \
                           buffer_of(recvbuf, sentinels.bottom, sentinels.in_place),               \
                           NUMBER(count), NUMBER(datatype), NUMBER(op), NUMBER(comm)));            \
    }

static void barrier_fortran(void *comm, void *ierror)
{
    answer(ierror, engine->barrier_fortran(NUMBER(comm)));
}

PLAIN(mpif, ffmk_fortran.plain)

#ifdef OPEN_MPI

PLAIN(f08, ffmk_fortran.f08)

#else

/* What gfortran, since version 8, passes to a Fortran procedure for type(*), dimension(..). */
struct descriptor {
    void *base;
    size_t offset;
    size_t element_bytes;
    int version;
    int8_t rank;
    int8_t type;
    int16_t attribute;
    ptrdiff_t span; /* bytes that a stride of 1 means */
    struct {
        ptrdiff_t stride;
        ptrdiff_t first;
        ptrdiff_t last;
    } dimension[];
};

static ptrdiff_t extent_of(const struct descriptor *array, int d)
{
    return array->dimension[d].last - array->dimension[d].first + 1;
}

static ptrdiff_t stride_of(const struct descriptor *array, int d)
{
    ptrdiff_t unit = array->span > 0 ? array->span : (ptrdiff_t)array->element_bytes;
    return array->dimension[d].stride * unit;
}

/* One of assumed size is contiguous, and nobody knows how long. */
static bool is_contiguous(const struct descriptor *array)
{
    ptrdiff_t next = (ptrdiff_t)array->element_bytes;
    for (int d = 0; d < array->rank; d++) {
        if (extent_of(array, d) < 0)
            return true;
        if (extent_of(array, d) > 1 && stride_of(array, d) != next)
            return false;
        next *= extent_of(array, d);
    }
    return true;
}

static size_t elements_of(const struct descriptor *array)
{
    size_t n = 1;
    for (int d = 0; d < array->rank; d++)
        n *= (size_t)extent_of(array, d);
    return n;
}

/* Copy a section's elements to bytes in a row, or back. */
static void copy_section(const struct descriptor *array, char *bytes, bool back)
{
    size_t n = elements_of(array);
    for (size_t i = 0; i < n; i++) {
        char *at = array->base;
        size_t left = i;
        for (int d = 0; d < array->rank; d++) {
            size_t extent = (size_t)extent_of(array, d);
            at += (ptrdiff_t)(left % extent) * stride_of(array, d);
            left /= extent;
        }
        char *place = bytes + i * array->element_bytes;
        memcpy(back ? at : place, back ? place : at, array->element_bytes);
    }
}

/* A buffer for C: the array itself, or a copy of a section, to be given back. */
struct view {
    const struct descriptor *array;
    void *buffer;
    void *copy;
};

static struct view view_of(void *argument)
{
    struct view view = {.array = argument};
    view.buffer = buffer_of(view.array->base, ffmk_fortran.f08.bottom, ffmk_fortran.f08.in_place);
    if (view.buffer != view.array->base || is_contiguous(view.array))
        return view;
    view.copy = malloc(elements_of(view.array) * view.array->element_bytes + 1);
    if (!view.copy)
        abort(); /* as MPI's own error handler would: others count on this call */
    copy_section(view.array, view.copy, false);
    view.buffer = view.copy;
    return view;
}

static void give_back(struct view *view, bool written)
{
    if (view->copy && written)
        copy_section(view->array, view->copy, true);
    free(view->copy);
}

#define DESCRIBED(suffix, COUNT_OF)                                                                \
    static void bcast_##suffix(void *buffer, void *count, void *datatype, void *root, void *comm,  \
                               void *ierror)                                                       \
    {                                                                                              \
        struct view view = view_of(buffer);                                                        \
        answer(ierror, engine->bcast_fortran(view.buffer, COUNT_OF(count), NUMBER(datatype),       \
                                             NUMBER(root), NUMBER(comm)));                         \
        give_back(&view, true);                                                                    \
    }                                                                                              \
    static void allreduce_##suffix(void *sendbuf, void *recvbuf, void *count, void *datatype,      \
                                   void *op, void *comm, void *ierror)                             \
    {                                                                                              \
        struct view from = view_of(sendbuf);                                                       \
        struct view to = view_of(recvbuf);                                                         \
        answer(ierror, engine->allreduce_fortran(from.buffer, to.buffer, COUNT_OF(count),          \
                                                 NUMBER(datatype), NUMBER(op), NUMBER(comm)));     \
        give_back(&from, false);                                                                   \
        give_back(&to, true);                                                                      \
    }
DESCRIBED(f08, NUMBER)
DESCRIBED(f08_large, BIG_COUNT)

#endif

#define DOOR(variable, name, binding, function)                                                    \
    {                                                                                              \
        FFMK_CONFIG_##variable, FFMK_DOOR(name, binding), (ffmk_function *)(function)              \
    }

void ffmk_replace_collectives(const struct ffmk_config *config, const struct ffmk_engine *now)
{
    engine = now;
    const struct {
        enum ffmk_config_id variable;
        unsigned door;
        ffmk_function *function;
    } doors[] = {
        DOOR(BCAST, Bcast, C, engine->replacement(FFMK_REPLACED_BCAST)),
        DOOR(BARRIER, Barrier, C, engine->replacement(FFMK_REPLACED_BARRIER)),
        DOOR(ALLREDUCE, Allreduce, C, engine->replacement(FFMK_REPLACED_ALLREDUCE)),
        DOOR(BCAST, Bcast, MPIF, bcast_mpif),
        DOOR(BARRIER, Barrier, MPIF, barrier_fortran),
        DOOR(ALLREDUCE, Allreduce, MPIF, allreduce_mpif),
        DOOR(BCAST, Bcast, F08, bcast_f08),
        DOOR(BARRIER, Barrier, F08, barrier_fortran),
        DOOR(ALLREDUCE, Allreduce, F08, allreduce_f08),
#if MPI_VERSION >= 4
        DOOR(BCAST, Bcast_c, C, engine->replacement(FFMK_REPLACED_BCAST_C)),
        DOOR(ALLREDUCE, Allreduce_c, C, engine->replacement(FFMK_REPLACED_ALLREDUCE_C)),
#ifndef OPEN_MPI
        DOOR(BCAST, Bcast_c, F08, bcast_f08_large),
        DOOR(ALLREDUCE, Allreduce_c, F08, allreduce_f08_large),
#endif
#endif
    };
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++)
        if (config->value[doors[i].variable].number != FFMK_SURVIVAL_OFF)
            ffmk_next_replace(doors[i].door, doors[i].function);
}
