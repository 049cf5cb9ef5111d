/* SPDX-License-Identifier: BSD-3-Clause
 * The public calls for a broadcast that goes on while the program does something else. */
#include "core/clock.h"
#include "core/log.h"
#include "job/collective.h"
#include "job/pending.h"

#include <ffmk.h>
#include <limits.h>
#include <stdlib.h>

struct ffmk_request {
    struct ffmk_context *context;
    MPI_Request mpi; /* where the broadcast is MPI's */
    struct ffmk_pending pending;
    bool begun; /* it is ours */
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

static int start_by_mpi(struct ffmk_request *request, void *buffer,
                        const struct ffmk_packing *packing, int root, MPI_Comm comm)
{
    if (packing->count <= INT_MAX)
        return PMPI_Ibcast(buffer, (int)packing->count, packing->datatype, root, comm,
                           &request->mpi) == MPI_SUCCESS
                   ? FFMK_SUCCESS
                   : FFMK_ERR_MPI;
    MPI_Datatype all;
    int code = many(packing, &all);
    if (code != FFMK_SUCCESS)
        return code;
    if (PMPI_Ibcast(buffer, 1, all, root, comm, &request->mpi) != MPI_SUCCESS)
        code = FFMK_ERR_MPI;
    PMPI_Type_free(&all);
    return code;
}

/* \return how it ended. */
static int await(struct ffmk_request *request)
{
    if (request->mpi != MPI_REQUEST_NULL)
        return PMPI_Wait(&request->mpi, MPI_STATUS_IGNORE) == MPI_SUCCESS ? FFMK_SUCCESS
                                                                          : FFMK_ERR_MPI;
    if (request->begun)
        ffmk_pending_wait(&request->pending);
    return request->begun ? request->pending.code : FFMK_SUCCESS;
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
    *request = (struct ffmk_request){
        .context = context, .mpi = MPI_REQUEST_NULL, .begin = ffmk_clock_ns()};
    ffmk_context_hold(context);
    request->begun = ffmk_context_goes_on(context);
    if (request->begun)
        ffmk_pending_bcast(&request->pending, context, buffer, &packing, root);
    else if (context->size > 1)
        code = start_by_mpi(request, buffer, &packing, root, comm);
    if (lost) {
        /* Others count on this rank for the order of operations. */
        await(request);
        code = FFMK_ERR_NO_MEMORY;
    } else if (code == FFMK_SUCCESS) {
        *request_p = request;
        return code;
    } else {
        free(request);
    }
    ffmk_context_let_go(context);
    return code;
}

static const char *ways_name(const struct ffmk_request *request)
{
    return request->begun || request->context->size == 1 ? ffmk_ways_name(request->context) : "MPI";
}

/* It is complete. */
static int finish(struct ffmk_request **request_p, ffmk_collective_info *info, int code)
{
    struct ffmk_request *request = *request_p;
    if (info)
        *info = (ffmk_collective_info){.size = sizeof *info,
                                       .algorithm = ways_name(request),
                                       .messages = request->pending.messages,
                                       .time_s = (double)(ffmk_clock_ns() - request->begin) * 1e-9,
                                       .dead = ffmk_context_dead(request->context)};
    ffmk_context_let_go(request->context);
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
        ffmk_pending_drive();
        *complete_p = ffmk_pending_is_complete(&request->pending);
    }
    if (!*complete_p)
        return FFMK_SUCCESS;
    return finish(request_p, info, request->begun ? request->pending.code : FFMK_SUCCESS);
}

int ffmk_wait(ffmk_request **request_p, ffmk_collective_info *info)
{
    if (!usable(request_p, info, "ffmk_wait"))
        return FFMK_ERR_ARGUMENT;
    return finish(request_p, info, await(*request_p));
}
