/* SPDX-License-Identifier: BSD-3-Clause
 * The public calls for a broadcast that goes on while the program does something else. */
#include "core/clock.h"
#include "core/log.h"
#include "job/collective.h"

#include <ffmk.h>
#include <limits.h>
#include <stdlib.h>

struct ffmk_request {
    struct ffmk_context *context;
    MPI_Request mpi;                 /* where the broadcast is MPI's */
    struct ffmk_operation operation; /* begun: ours */
    bool begun;
    struct ffmk_packing packing;
    void *buffer; /* the program's */
    void *bytes;  /* what is in it, in a row; NULL when it is so already */
    bool receives;
    int code; /* of what was done at the start */
    uint64_t begin;
};

/* One datatype for more elements than an int can count. */
static int many(const struct ffmk_packing *packing, MPI_Datatype *type_p)
{
    enum { STEP = 1 << 20 };
    const MPI_Count steps = packing->count / STEP;
    const MPI_Count rest = packing->count % STEP;
    if (steps > INT_MAX)
        return FFMK_ERR_LIMIT;
    MPI_Datatype step = MPI_DATATYPE_NULL;
    MPI_Datatype parts[2] = {MPI_DATATYPE_NULL, packing->datatype};
    int lengths[2] = {1, (int)rest};
    MPI_Aint places[2] = {0, (MPI_Aint)(steps * STEP) * packing->extent};
    bool good = PMPI_Type_contiguous(STEP, packing->datatype, &step) == MPI_SUCCESS &&
                PMPI_Type_contiguous((int)steps, step, &parts[0]) == MPI_SUCCESS &&
                PMPI_Type_create_struct(2, lengths, places, parts, type_p) == MPI_SUCCESS &&
                PMPI_Type_commit(type_p) == MPI_SUCCESS;
    if (step != MPI_DATATYPE_NULL)
        PMPI_Type_free(&step);
    if (parts[0] != MPI_DATATYPE_NULL)
        PMPI_Type_free(&parts[0]);
    return good ? FFMK_SUCCESS : FFMK_ERR_MPI;
}

static int start_by_mpi(struct ffmk_request *request, int root, MPI_Comm comm)
{
    const struct ffmk_packing *packing = &request->packing;
    if (packing->count <= INT_MAX)
        return PMPI_Ibcast(request->buffer, (int)packing->count, packing->datatype, root, comm,
                           &request->mpi) == MPI_SUCCESS
                   ? FFMK_SUCCESS
                   : FFMK_ERR_MPI;
    MPI_Datatype all;
    int code = many(packing, &all);
    if (code != FFMK_SUCCESS)
        return code;
    if (PMPI_Ibcast(request->buffer, 1, all, root, comm, &request->mpi) != MPI_SUCCESS)
        code = FFMK_ERR_MPI;
    PMPI_Type_free(&all);
    return code;
}

static void start(struct ffmk_request *request, int root)
{
    struct ffmk_context *context = request->context;
    const struct ffmk_packing *packing = &request->packing;
    void *bytes = request->buffer;
    request->receives = context->rank != root;
    if (!ffmk_packing_is_direct(packing, request->buffer)) {
        bytes = request->bytes = malloc(packing->bytes + 1);
        if (!bytes)
            request->code = FFMK_ERR_NO_MEMORY;
        else if (!request->receives)
            request->code = ffmk_packing_pack(packing, request->buffer, bytes);
    }
    /* A rank without room takes part all the same, for the order of operations. A root that has
     * none, or cannot read its buffer, sends nothing: another length to the others. */
    const bool nothing = (!bytes || request->code != FFMK_SUCCESS) && !request->receives;
    request->begun = true;
    ffmk_ways_bcast_start(context, &request->operation, root, bytes, nothing ? 0 : packing->bytes);
}

/* \return how it ended. */
static int await(struct ffmk_request *request)
{
    if (request->mpi != MPI_REQUEST_NULL)
        return PMPI_Wait(&request->mpi, MPI_STATUS_IGNORE) == MPI_SUCCESS ? FFMK_SUCCESS
                                                                          : FFMK_ERR_MPI;
    return request->begun ? ffmk_ways_wait(&request->operation) : FFMK_SUCCESS;
}

int ffmk_ibcast(void *buffer, MPI_Count count, MPI_Datatype datatype, int root, MPI_Comm comm,
                ffmk_request **request_p)
{
    static const char call[] = "ffmk_ibcast";
    struct ffmk_context *context;
    struct ffmk_packing packing;
    if (!request_p)
        return ffmk_collective_refuse(FFMK_ERR_ARGUMENT, call, "request_p is NULL");
    *request_p = NULL;
    int code = ffmk_collective_message(call, count, datatype, root, comm, &context, &packing);
    if (code != FFMK_SUCCESS)
        return code;
    struct ffmk_request here;
    struct ffmk_request *request = calloc(1, sizeof *request);
    const bool lost = !request;
    if (lost)
        request = &here;
    *request = (struct ffmk_request){.context = context,
                                     .mpi = MPI_REQUEST_NULL,
                                     .packing = packing,
                                     .buffer = buffer,
                                     .begin = ffmk_clock_ns()};
    if (context->size > 1 && ffmk_context_is_ours(context))
        start(request, root);
    else if (context->size > 1)
        code = start_by_mpi(request, root, comm);
    if (lost) {
        /* Others count on this rank for the order of operations. */
        await(request);
        free(request->bytes);
        return FFMK_ERR_NO_MEMORY;
    }
    if (code == FFMK_SUCCESS)
        *request_p = request;
    else
        free(request);
    return code;
}

/* It is complete: give the program what it got. */
static int finish(struct ffmk_request **request_p, ffmk_collective_info *info, int code)
{
    struct ffmk_request *request = *request_p;
    if (request->code != FFMK_SUCCESS)
        code = request->code;
    if (code == FFMK_SUCCESS && request->bytes && request->receives)
        code = ffmk_packing_unpack(&request->packing, request->bytes, request->buffer);
    if (info)
        *info = (ffmk_collective_info){
            .size = sizeof *info,
            .algorithm = ffmk_ways_name(request->context),
            .messages = request->begun ? ffmk_ways_messages(&request->operation) : 0,
            .time_s = (double)(ffmk_clock_ns() - request->begin) * 1e-9,
            .dead = ffmk_context_dead(request->context)};
    free(request->bytes);
    free(request);
    *request_p = NULL;
    return code;
}

static bool usable(ffmk_request **request_p, const ffmk_collective_info *info, const char *call)
{
    const char *wrong = NULL;
    if (!request_p || !*request_p)
        wrong = "there is no request";
    else if (info && info->size != sizeof *info)
        wrong = "info->size is not sizeof(ffmk_collective_info)";
    if (wrong)
        ffmk_collective_refuse(FFMK_ERR_ARGUMENT, call, wrong);
    return !wrong;
}

int ffmk_test(ffmk_request **request_p, int *complete_p, ffmk_collective_info *info)
{
    static const char call[] = "ffmk_test";
    if (!usable(request_p, info, call))
        return FFMK_ERR_ARGUMENT;
    if (!complete_p)
        return ffmk_collective_refuse(FFMK_ERR_ARGUMENT, call, "complete_p is NULL");
    struct ffmk_request *request = *request_p;
    *complete_p = 1;
    if (request->mpi != MPI_REQUEST_NULL) {
        if (PMPI_Test(&request->mpi, complete_p, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return finish(request_p, info, FFMK_ERR_MPI);
    } else if (request->begun) {
        *complete_p = ffmk_ways_test(&request->operation);
    }
    if (!*complete_p)
        return FFMK_SUCCESS;
    return finish(request_p, info,
                  request->begun ? ffmk_ways_code(&request->operation) : FFMK_SUCCESS);
}

int ffmk_wait(ffmk_request **request_p, ffmk_collective_info *info)
{
    if (!usable(request_p, info, "ffmk_wait"))
        return FFMK_ERR_ARGUMENT;
    return finish(request_p, info, await(*request_p));
}
