/* SPDX-License-Identifier: BSD-3-Clause
 * Buffers of Fortran programs as C takes them: sections of arrays. */
#include "pmpi/view.h"

#ifndef OPEN_MPI

#include <stdlib.h>
#include <string.h>

/* What gfortran, since version 8, passes to a Fortran procedure for type(*), dimension(..). */
struct ffmk_descriptor {
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

static ptrdiff_t extent_of(const struct ffmk_descriptor *array, int d)
{
    return array->dimension[d].last - array->dimension[d].first + 1;
}

static ptrdiff_t stride_of(const struct ffmk_descriptor *array, int d)
{
    ptrdiff_t unit = array->span > 0 ? array->span : (ptrdiff_t)array->element_bytes;
    return array->dimension[d].stride * unit;
}

/* One of assumed size is contiguous, and nobody knows how long. */
static bool is_contiguous(const struct ffmk_descriptor *array)
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

static size_t elements_of(const struct ffmk_descriptor *array)
{
    size_t n = 1;
    for (int d = 0; d < array->rank; d++)
        n *= (size_t)extent_of(array, d);
    return n;
}

/* Copy a section's elements to bytes in a row, or back. */
static void copy_section(const struct ffmk_descriptor *array, char *bytes, bool back)
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

struct ffmk_view ffmk_view_of(void *argument)
{
    struct ffmk_view view = {.array = argument};
    view.buffer = ffmk_buffer_of(view.array->base, &ffmk_fortran.f08);
    if (view.buffer != view.array->base || is_contiguous(view.array))
        return view;
    view.copy = malloc(elements_of(view.array) * view.array->element_bytes + 1);
    if (!view.copy)
        abort(); /* as MPI's own error handler would: others count on this call */
    copy_section(view.array, view.copy, false);
    view.buffer = view.copy;
    return view;
}

void ffmk_view_keep(struct ffmk_view *view)
{
    const size_t bytes =
        sizeof *view->array + (size_t)view->array->rank * sizeof view->array->dimension[0];
    view->kept = malloc(bytes);
    if (!view->kept)
        abort();
    view->array = memcpy(view->kept, view->array, bytes);
}

void ffmk_view_give_back(struct ffmk_view *view, bool written)
{
    if (view->copy && written)
        copy_section(view->array, view->copy, true);
    free(view->copy);
    free(view->kept);
}

#endif
