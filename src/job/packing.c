/* SPDX-License-Identifier: BSD-3-Clause
 * Elements of a datatype as bytes in a row. */
#include "job/packing.h"

#include "job/device.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

/* MPI packs with ints: so many bytes at a time. */
enum { MOST_AT_ONCE = 1 << 30 };

/* Whether elements follow each other in memory in the order of the type map. Extents alone do not
 * tell: a type may take its parts in another order than they lie. */
static bool in_order(MPI_Datatype datatype)
{
    int integers;
    int addresses;
    int datatypes;
    int combiner;
    if (PMPI_Type_get_envelope(datatype, &integers, &addresses, &datatypes, &combiner) !=
        MPI_SUCCESS)
        return false;
    if (combiner == MPI_COMBINER_NAMED)
        return true;
    if (combiner != MPI_COMBINER_DUP && combiner != MPI_COMBINER_CONTIGUOUS)
        return false;
    int count;
    MPI_Aint none;
    MPI_Datatype inner;
    if (integers > 1 || addresses > 0 || datatypes != 1 ||
        PMPI_Type_get_contents(datatype, integers, addresses, datatypes, &count, &none, &inner) !=
            MPI_SUCCESS)
        return false;
    bool ordered = in_order(inner);
    if (PMPI_Type_get_envelope(inner, &integers, &addresses, &datatypes, &combiner) ==
            MPI_SUCCESS &&
        combiner != MPI_COMBINER_NAMED)
        PMPI_Type_free(&inner);
    return ordered;
}

static bool is_named(MPI_Datatype datatype)
{
    int integers;
    int addresses;
    int datatypes;
    int combiner;
    return PMPI_Type_get_envelope(datatype, &integers, &addresses, &datatypes, &combiner) ==
               MPI_SUCCESS &&
           combiner == MPI_COMBINER_NAMED;
}

int ffmk_packing_of(MPI_Count count, MPI_Datatype datatype, struct ffmk_packing *packing)
{
    /* The last one of MPI's own, which nobody can free: its handle stands for nothing else. */
    static _Thread_local bool known;
    static _Thread_local struct ffmk_packing last;
    if (count < 0 || datatype == MPI_DATATYPE_NULL)
        return FFMK_ERR_ARGUMENT;
    if (known && datatype == last.datatype) {
        *packing = last;
        packing->count = count;
        packing->bytes = packing->element_bytes * (uint64_t)count;
        return FFMK_SUCCESS;
    }
    MPI_Count size;
    MPI_Aint true_lb;
    MPI_Aint true_extent;
    *packing = (struct ffmk_packing){.datatype = datatype, .count = count};
    if (PMPI_Type_size_x(datatype, &size) != MPI_SUCCESS ||
        PMPI_Type_get_extent(datatype, &packing->lb, &packing->extent) != MPI_SUCCESS ||
        PMPI_Type_get_true_extent(datatype, &true_lb, &true_extent) != MPI_SUCCESS || size < 0)
        return FFMK_ERR_MPI;
    packing->element_bytes = (uint64_t)size;
    packing->bytes = packing->element_bytes * (uint64_t)count;
    packing->contiguous =
        true_lb == 0 && true_extent == size && packing->extent == size && in_order(datatype);
    if (is_named(datatype)) {
        known = true;
        last = *packing;
    }
    return FFMK_SUCCESS;
}

/* Elements that MPI packs in one call; an element alone may be too large for that. */
static MPI_Count step_of(const struct ffmk_packing *packing)
{
    const uint64_t most = MOST_AT_ONCE / packing->element_bytes;
    return most ? (MPI_Count)most : 1;
}

/* The elements, from an address that MPI packs from and unpacks to. */
struct view {
    char *buffer;
    MPI_Datatype datatype;
    bool shifted; /* the datatype is the view's own */
};

/* MPICH takes MPI_BOTTOM for a missing buffer there: then they are seen from where they lie. */
static bool open_view(const struct ffmk_packing *packing, const void *buffer, struct view *view)
{
    *view = (struct view){(char *)(uintptr_t)buffer, packing->datatype, false};
    MPI_Aint true_lb;
    MPI_Aint true_extent;
    if (buffer ||
        PMPI_Type_get_true_extent(packing->datatype, &true_lb, &true_extent) != MPI_SUCCESS)
        return buffer;
    const int one = 1;
    const MPI_Aint back = -true_lb;
    view->buffer = (char *)(uintptr_t)true_lb;
    view->shifted = PMPI_Type_create_hindexed(1, &one, &back, packing->datatype, &view->datatype) ==
                        MPI_SUCCESS &&
                    PMPI_Type_commit(&view->datatype) == MPI_SUCCESS;
    return view->shifted;
}

static void close_view(struct view *view)
{
    if (view->shifted)
        PMPI_Type_free(&view->datatype);
}

static int pack(const struct ffmk_packing *packing, const void *buffer, void *bytes)
{
    struct view view;
    int code = open_view(packing, buffer, &view) ? FFMK_SUCCESS : FFMK_ERR_MPI;
    const MPI_Count step = step_of(packing);
    for (MPI_Count i = 0; i < packing->count && code == FFMK_SUCCESS; i += step) {
        MPI_Count n = packing->count - i < step ? packing->count - i : step;
        int position = 0;
        if (PMPI_Pack(view.buffer + i * packing->extent, (int)n, view.datatype,
                      (char *)bytes + (uint64_t)i * packing->element_bytes,
                      (int)((uint64_t)n * packing->element_bytes), &position,
                      MPI_COMM_SELF) != MPI_SUCCESS)
            code = FFMK_ERR_MPI;
    }
    close_view(&view);
    return code;
}

static int unpack(const struct ffmk_packing *packing, const void *bytes, void *buffer)
{
    struct view view;
    int code = open_view(packing, buffer, &view) ? FFMK_SUCCESS : FFMK_ERR_MPI;
    const MPI_Count step = step_of(packing);
    for (MPI_Count i = 0; i < packing->count && code == FFMK_SUCCESS; i += step) {
        MPI_Count n = packing->count - i < step ? packing->count - i : step;
        int position = 0;
        if (PMPI_Unpack((const char *)bytes + (uint64_t)i * packing->element_bytes,
                        (int)((uint64_t)n * packing->element_bytes), &position,
                        view.buffer + i * packing->extent, (int)n, view.datatype,
                        MPI_COMM_SELF) != MPI_SUCCESS)
            code = FFMK_ERR_MPI;
    }
    close_view(&view);
    return code;
}

/* The memory that elements touch, gaps included, and a copy of it in the host's memory. */
struct span {
    char *begin; /* the program's */
    size_t bytes;
    char *copy;
    void *buffer; /* what stands for the program's buffer when the copy is used */
};

static bool measure(const struct ffmk_packing *packing, const void *buffer, struct span *span)
{
    MPI_Aint true_lb;
    MPI_Aint true_extent;
    if (PMPI_Type_get_true_extent(packing->datatype, &true_lb, &true_extent) != MPI_SUCCESS)
        return false;
    const MPI_Aint last = (MPI_Aint)(packing->count - 1) * packing->extent;
    const MPI_Aint low = true_lb + (last < 0 ? last : 0);
    *span = (struct span){.begin = (char *)((uintptr_t)buffer + (uintptr_t)low),
                          .bytes = (size_t)(true_extent + (last < 0 ? -last : last))};
    return true;
}

static int copy_span(struct span *span, const void *buffer, bool reads)
{
    span->copy = malloc(span->bytes);
    if (!span->copy)
        return FFMK_ERR_NO_MEMORY;
    span->buffer = (void *)((uintptr_t)span->copy + ((uintptr_t)buffer - (uintptr_t)span->begin));
    return reads ? ffmk_device_read(span->copy, span->begin, span->bytes) : FFMK_SUCCESS;
}

bool ffmk_packing_is_direct(const struct ffmk_packing *packing, const void *buffer)
{
    return packing->contiguous && (packing->bytes == 0 || !ffmk_device_holds(buffer));
}

int ffmk_packing_pack(const struct ffmk_packing *packing, const void *buffer, void *bytes)
{
    if (packing->bytes == 0)
        return FFMK_SUCCESS;
    if (packing->contiguous) {
        if (ffmk_device_holds(buffer))
            return ffmk_device_read(bytes, buffer, packing->bytes);
        memcpy(bytes, buffer, packing->bytes);
        return FFMK_SUCCESS;
    }
    struct span span;
    if (!measure(packing, buffer, &span))
        return FFMK_ERR_MPI;
    if (!ffmk_device_holds(span.begin))
        return pack(packing, buffer, bytes);
    int code = copy_span(&span, buffer, true);
    if (code == FFMK_SUCCESS)
        code = pack(packing, span.buffer, bytes);
    free(span.copy);
    return code;
}

int ffmk_packing_unpack(const struct ffmk_packing *packing, const void *bytes, void *buffer)
{
    if (packing->bytes == 0)
        return FFMK_SUCCESS;
    if (packing->contiguous) {
        if (ffmk_device_holds(buffer))
            return ffmk_device_write(buffer, bytes, packing->bytes);
        memcpy(buffer, bytes, packing->bytes);
        return FFMK_SUCCESS;
    }
    struct span span;
    if (!measure(packing, buffer, &span))
        return FFMK_ERR_MPI;
    if (!ffmk_device_holds(span.begin))
        return unpack(packing, bytes, buffer);
    const bool gaps = span.bytes > packing->bytes;
    int code = copy_span(&span, buffer, gaps);
    if (code == FFMK_SUCCESS)
        code = unpack(packing, bytes, span.buffer);
    if (code == FFMK_SUCCESS)
        code = ffmk_device_write(span.begin, span.copy, span.bytes);
    free(span.copy);
    return code;
}
