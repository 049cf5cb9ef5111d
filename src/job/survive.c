/* SPDX-License-Identifier: BSD-3-Clause
 * The public calls of the collectives group: checks what the caller gave, finds the communicator's
 * context, and leaves to MPI, at all ranks alike, what it must. */
#include "core/clock.h"
#include "core/log.h"
#include "job/collective.h"

#include <ffmk.h>
#include <stddef.h>
#include <stdio.h>

int ffmk_collective_refuse(int code, const char *call, const char *what)
{
    ffmk_log_mistake("%s: %s", call, what);
    return code;
}

static bool mpi_runs(void)
{
    int initialised = 0;
    int finalised = 0;
    PMPI_Initialized(&initialised);
    if (initialised)
        PMPI_Finalized(&finalised);
    return initialised && !finalised;
}

int ffmk_collective_context(MPI_Comm comm, const char *call, struct ffmk_context **context_p)
{
    if (!mpi_runs())
        return ffmk_collective_refuse(FFMK_ERR_STATE, call,
                                      "MPI_COMM_WORLD is not there (yet, or any more)");
    int code = ffmk_context_of(comm, context_p);
    if (code == FFMK_ERR_ARGUMENT)
        return ffmk_collective_refuse(code, call, "the communicator must be an intracommunicator");
    return code;
}

int ffmk_collective_message(const char *call, MPI_Count count, MPI_Datatype datatype, int root,
                            MPI_Comm comm, struct ffmk_context **context_p,
                            struct ffmk_packing *packing)
{
    int code = ffmk_collective_context(comm, call, context_p);
    if (code != FFMK_SUCCESS)
        return code;
    if (root < 0 || root >= (*context_p)->size)
        return ffmk_collective_refuse(FFMK_ERR_ARGUMENT, call,
                                      "the root is no rank of the communicator");
    code = ffmk_packing_of(count, datatype, packing);
    if (code == FFMK_ERR_ARGUMENT)
        ffmk_collective_refuse(code, call, "the count is negative, or there is no datatype");
    return code;
}

static uint64_t begin_of(const ffmk_collective_info *info)
{
    return info ? ffmk_clock_ns() : 0;
}

static void fill(ffmk_collective_info *info, struct ffmk_context *context, bool by_mpi,
                 uint64_t messages, uint64_t begin)
{
    if (!info)
        return;
    *info = (ffmk_collective_info){.size = sizeof *info,
                                   .algorithm = by_mpi ? "MPI" : ffmk_ways_name(context),
                                   .messages = messages,
                                   .time_s = (double)(ffmk_clock_ns() - begin) * 1e-9,
                                   .dead = ffmk_context_dead(context)};
}

static bool info_fits(const ffmk_collective_info *info)
{
    return !info || info->size == sizeof *info;
}

static bool left_to_mpi(struct ffmk_context *context)
{
    return !ffmk_context_is_ours(context);
}

static int mpi(int code)
{
    return code == MPI_SUCCESS ? FFMK_SUCCESS : FFMK_ERR_MPI;
}

/* MPI's own broadcast of a count that may be more than an int. */
static int bcast_by_mpi(void *buffer, const struct ffmk_packing *packing, int root, MPI_Comm comm)
{
    enum { MOST = 1 << 30 };
    for (MPI_Count i = 0; i < packing->count || i == 0; i += MOST) {
        MPI_Count n = packing->count - i < MOST ? packing->count - i : MOST;
        if (PMPI_Bcast((char *)buffer + i * packing->extent, (int)n, packing->datatype, root,
                       comm) != MPI_SUCCESS)
            return FFMK_ERR_MPI;
    }
    return FFMK_SUCCESS;
}

static int allreduce_by_mpi(const void *sendbuf, void *recvbuf, const struct ffmk_packing *packing,
                            MPI_Op op, MPI_Comm comm)
{
    enum { MOST = 1 << 28 };
    for (MPI_Count i = 0; i < packing->count || i == 0; i += MOST) {
        MPI_Count n = packing->count - i < MOST ? packing->count - i : MOST;
        const char *from = sendbuf;
        if (PMPI_Allreduce(sendbuf == MPI_IN_PLACE ? MPI_IN_PLACE : from + i * packing->extent,
                           (char *)recvbuf + i * packing->extent, (int)n, packing->datatype, op,
                           comm) != MPI_SUCCESS)
            return FFMK_ERR_MPI;
    }
    return FFMK_SUCCESS;
}

int ffmk_bcast(void *buffer, MPI_Count count, MPI_Datatype datatype, int root, MPI_Comm comm,
               ffmk_collective_info *info)
{
    static const char call[] = "ffmk_bcast";
    const uint64_t begin = begin_of(info);
    struct ffmk_context *context;
    struct ffmk_packing packing;
    if (!info_fits(info))
        return ffmk_collective_refuse(FFMK_ERR_ARGUMENT, call,
                                      "info->size is not sizeof(ffmk_collective_info)");
    int code = ffmk_collective_message(call, count, datatype, root, comm, &context, &packing);
    if (code != FFMK_SUCCESS)
        return code;
    uint64_t messages = 0;
    const bool by_mpi = left_to_mpi(context);
    code = by_mpi ? bcast_by_mpi(buffer, &packing, root, comm)
                  : ffmk_collective_bcast(context, buffer, &packing, root, &messages);
    if (code == FFMK_ERR_ARGUMENT)
        ffmk_collective_refuse(
            code, call, "the root broadcasts another number of bytes than this rank expects");
    fill(info, context, by_mpi, messages, begin);
    return code;
}

int ffmk_barrier(MPI_Comm comm, ffmk_collective_info *info)
{
    static const char call[] = "ffmk_barrier";
    const uint64_t begin = begin_of(info);
    struct ffmk_context *context;
    if (!info_fits(info))
        return ffmk_collective_refuse(FFMK_ERR_ARGUMENT, call,
                                      "info->size is not sizeof(ffmk_collective_info)");
    int code = ffmk_collective_context(comm, call, &context);
    if (code != FFMK_SUCCESS)
        return code;
    uint64_t messages = 0;
    const bool by_mpi = left_to_mpi(context);
    if (by_mpi)
        code = mpi(PMPI_Barrier(comm));
    else
        code = ffmk_collective_barrier(context, &messages);
    fill(info, context, by_mpi, messages, begin);
    return code;
}

int ffmk_allreduce(const void *sendbuf, void *recvbuf, MPI_Count count, MPI_Datatype datatype,
                   MPI_Op op, MPI_Comm comm, ffmk_collective_info *info)
{
    static const char call[] = "ffmk_allreduce";
    const uint64_t begin = begin_of(info);
    struct ffmk_context *context;
    struct ffmk_packing packing;
    if (!info_fits(info))
        return ffmk_collective_refuse(FFMK_ERR_ARGUMENT, call,
                                      "info->size is not sizeof(ffmk_collective_info)");
    int code = ffmk_collective_context(comm, call, &context);
    if (code != FFMK_SUCCESS)
        return code;
    code = ffmk_packing_of(count, datatype, &packing);
    if (code == FFMK_ERR_ARGUMENT || op == MPI_OP_NULL)
        return ffmk_collective_refuse(
            FFMK_ERR_ARGUMENT, call, "the count is negative, or there is no datatype or operation");
    if (code != FFMK_SUCCESS)
        return code;
    uint64_t messages = 0;
    const bool by_mpi = left_to_mpi(context) || !ffmk_collective_reduces(&packing);
    code = by_mpi ? allreduce_by_mpi(sendbuf, recvbuf, &packing, op, comm)
                  : ffmk_collective_allreduce(context, sendbuf, recvbuf, &packing, op, &messages);
    fill(info, context, by_mpi, messages, begin);
    return code;
}

int ffmk_comm_dead(MPI_Comm comm, int *ranks, size_t capacity, size_t *count_p)
{
    static const char call[] = "ffmk_comm_dead";
    if (!mpi_runs())
        return ffmk_collective_refuse(FFMK_ERR_STATE, call,
                                      "MPI_COMM_WORLD is not there (yet, or any more)");
    if (!count_p || (!ranks && capacity > 0) || comm == MPI_COMM_NULL)
        return ffmk_collective_refuse(FFMK_ERR_ARGUMENT, call,
                                      "a pointer is NULL, or there is no communicator");
    struct ffmk_context *context = ffmk_context_known(comm);
    size_t count = 0;
    for (int i = 0; context && i < context->size; i++)
        if (i != context->rank && ffmk_context_is_dead(context, i, true)) {
            if (count < capacity)
                ranks[count] = i;
            count++;
        }
    if (context)
        ffmk_context_dead(context);
    *count_p = count;
    return count > capacity ? FFMK_ERR_LIMIT : FFMK_SUCCESS;
}
