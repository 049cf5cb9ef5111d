/* SPDX-License-Identifier: BSD-3-Clause
 * Our own collective operations on MPI's communicators and datatypes. */
#include "job/collective.h"

#include <ffmk.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Packed elements and whatever else is needed only for the call: on the stack while small. */
struct scratch {
    void *memory;
    _Alignas(64) unsigned char small[2048];
};

static void *scratch_take(struct scratch *scratch, uint64_t bytes)
{
    scratch->memory = NULL;
    if (bytes <= sizeof scratch->small)
        return scratch->small;
    return scratch->memory = malloc(bytes);
}

static void scratch_drop(struct scratch *scratch)
{
    free(scratch->memory);
}

int ffmk_collective_bcast(struct ffmk_context *context, void *buffer,
                          const struct ffmk_packing *packing, int root, uint64_t *messages_p)
{
    if (context->size == 1)
        return FFMK_SUCCESS;
    if (ffmk_packing_is_direct(packing, buffer))
        return ffmk_ways_bcast(context, root, buffer, packing->bytes, messages_p);
    struct scratch scratch;
    void *bytes = scratch_take(&scratch, packing->bytes);
    /* A rank without room takes part all the same, for the order of operations. A root that has
     * none, or cannot read its buffer, sends nothing: another length to the others. */
    const bool sends = context->rank == root;
    int code = bytes ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
    if (bytes && sends)
        code = ffmk_packing_pack(packing, buffer, bytes);
    const bool nothing = sends && code != FFMK_SUCCESS;
    int sent = ffmk_ways_bcast(context, root, bytes, nothing ? 0 : packing->bytes, messages_p);
    if (code == FFMK_SUCCESS)
        code = sent;
    if (code == FFMK_SUCCESS && context->rank != root)
        code = ffmk_packing_unpack(packing, bytes, buffer);
    scratch_drop(&scratch);
    return code;
}

int ffmk_collective_barrier(struct ffmk_context *context, uint64_t *messages_p)
{
    struct ffmk_operation operation;
    if (context->size == 1)
        return FFMK_SUCCESS;
    ffmk_ways_barrier_start(context, &operation, FFMK_CALLER_WAITS);
    const int code = ffmk_ways_wait(&operation);
    *messages_p += ffmk_ways_messages(&operation);
    return code;
}

/* What a reduction of packed elements needs to know of them. */
struct operation {
    const struct ffmk_packing *packing;
    MPI_Op op;
    bool packs; /* what is sent; what is received: elsewhere than in the program's buffer */
    bool unpacks;
    char *in; /* elements as the datatype lays them out; unless contiguous */
    char *inout;
    int code; /* FFMK_ERR_MPI: the operation is not for this datatype, at all ranks alike */
};

static void reduce(struct operation *operation, const void *in, void *inout, size_t n)
{
    if (PMPI_Reduce_local(in, inout, (int)n, operation->packing->datatype, operation->op) !=
        MPI_SUCCESS)
        operation->code = FFMK_ERR_MPI;
}

static void combine(void *context, const void *in, void *inout, size_t n)
{
    struct operation *operation = context;
    if (operation->packing->contiguous) {
        reduce(operation, in, inout, n);
        return;
    }
    struct ffmk_packing part = *operation->packing;
    part.count = (MPI_Count)n;
    part.bytes = n * part.element_bytes;
    ffmk_packing_unpack(&part, in, operation->in);
    ffmk_packing_unpack(&part, inout, operation->inout);
    reduce(operation, operation->in, operation->inout, n);
    ffmk_packing_pack(&part, operation->inout, inout);
}

bool ffmk_collective_reduces(const struct ffmk_packing *packing)
{
    return packing->element_bytes <= FFMK_HOST_ELEMENT_BYTES;
}

/* Room for the elements of one part of a reduction, laid out as the datatype has them. \return
 * where the first one begins, in memory to be freed; NULL when there is none. */
static char *lay_out(const struct ffmk_packing *packing, void **memory_p)
{
    enum { ALIGNMENT = _Alignof(max_align_t) };
    MPI_Count n = packing->element_bytes
                      ? (MPI_Count)(FFMK_HOST_ELEMENT_BYTES / packing->element_bytes)
                      : packing->count;
    if (n > packing->count)
        n = packing->count;
    MPI_Aint true_lb;
    MPI_Aint true_extent;
    PMPI_Type_get_true_extent(packing->datatype, &true_lb, &true_extent);
    MPI_Aint stretch = packing->extent < 0 ? -packing->extent : packing->extent;
    size_t bytes = (size_t)(stretch * (n > 0 ? n : 1) + true_extent);
    MPI_Aint first = (packing->extent < 0 && n > 0 ? stretch * (n - 1) : 0) - true_lb;
    /* The address of an element, not its first byte, is what the program aligns. */
    MPI_Aint slack = (ALIGNMENT - first % ALIGNMENT) % ALIGNMENT;
    char *memory = calloc(1, bytes + (size_t)2 * ALIGNMENT);
    *memory_p = memory;
    return memory ? memory + slack + first : NULL;
}

/* Within a host the order of ranks is kept whatever the operation. */
static bool in_order(const struct ffmk_context *context, MPI_Op op)
{
    int commutes = 0;
    return context->across && PMPI_Op_commutative(op, &commutes) == MPI_SUCCESS && !commutes;
}

static int allreduce(struct ffmk_context *context, const void *sendbuf, void *recvbuf,
                     struct operation *operation, void *contribution, void *result,
                     unsigned char *contributors, uint64_t *messages_p)
{
    const struct ffmk_packing *packing = operation->packing;
    struct ffmk_reduction reduction = {.n = (size_t)packing->count,
                                       .element_bytes = packing->element_bytes,
                                       .combine = combine,
                                       .context = operation,
                                       .code = &operation->code};
    if (packing->element_bytes == 0)
        reduction = (struct ffmk_reduction){.element_bytes = 1, .combine = combine};
    const bool in_place = sendbuf == MPI_IN_PLACE;
    const void *from = sendbuf;
    int packed = FFMK_SUCCESS;
    if (!contribution || !result) {
        from = NULL;
    } else if (operation->packs || packing->bytes == 0) {
        packed = ffmk_packing_pack(packing, in_place ? recvbuf : sendbuf, contribution);
        from = packed == FFMK_SUCCESS ? contribution : NULL;
    }
    void *to = operation->unpacks ? result : recvbuf;
    struct ffmk_operation running;
    ffmk_ways_allreduce_start(context, &running, FFMK_CALLER_WAITS, &reduction,
                              in_order(context, operation->op), from, to, contributors);
    int code = ffmk_ways_wait(&running);
    *messages_p += ffmk_ways_messages(&running);
    if (packed != FFMK_SUCCESS)
        return packed;
    if (code == FFMK_SUCCESS)
        code = operation->code;
    if (code == FFMK_SUCCESS && operation->unpacks)
        code = ffmk_packing_unpack(packing, result, recvbuf);
    return code;
}

int ffmk_collective_allreduce(struct ffmk_context *context, const void *sendbuf, void *recvbuf,
                              const struct ffmk_packing *packing, MPI_Op op, uint64_t *messages_p)
{
    struct scratch contribution;
    struct scratch result;
    struct operation operation = {.packing = packing,
                                  .op = op,
                                  .packs = sendbuf == MPI_IN_PLACE ||
                                           !ffmk_packing_is_direct(packing, sendbuf),
                                  .unpacks = !ffmk_packing_is_direct(packing, recvbuf)};
    void *typed[2] = {NULL, NULL};
    const bool copies = operation.packs || context->size == 1;
    void *from = scratch_take(&contribution, copies ? packing->bytes : 0);
    void *to = scratch_take(&result, operation.unpacks ? packing->bytes : 0);
    int code = FFMK_SUCCESS;
    if (context->size == 1) {
        code = from ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
        if (code == FFMK_SUCCESS && sendbuf != MPI_IN_PLACE)
            code = ffmk_packing_pack(packing, sendbuf, from);
        if (code == FFMK_SUCCESS && sendbuf != MPI_IN_PLACE)
            code = ffmk_packing_unpack(packing, from, recvbuf);
    } else {
        if (!packing->contiguous) {
            operation.in = lay_out(packing, &typed[0]);
            operation.inout = lay_out(packing, &typed[1]);
        }
        if (!packing->contiguous && (!operation.in || !operation.inout))
            to = NULL; /* says that this rank cannot take part */
        code = allreduce(context, sendbuf, recvbuf, &operation, from, to, context->contributors,
                         messages_p);
    }
    free(typed[0]);
    free(typed[1]);
    scratch_drop(&contribution);
    scratch_drop(&result);
    return code;
}
