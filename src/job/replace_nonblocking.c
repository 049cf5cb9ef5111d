/* SPDX-License-Identifier: BSD-3-Clause
 * What stands in for MPI's nonblocking collective calls in unmodified programs. The program gets a
 * generalized request, which its MPI tests, waits for and translates like any other.
 *
 * Whether a call is ours follows from what all ranks see alike, and without asking them: such a
 * call must not wait. So a communicator whose ranks have not met yet (pmpi/constructors.c, or the
 * first operation that may wait) has its nonblocking operations from MPI. So have reductions by a
 * program's own operation: it may be freed, and is MPI's to call. */
#include "job/replace_nonblocking.h"

#include "gossip/net/patience.h"
#include "job/arithmetic.h"
#include "job/meanwhile.h"
#include "job/pending.h"
#include "job/replace_inside.h"

#include <ffmk.h>
#include <stdlib.h>

struct begun {
    struct ffmk_pending pending; /* first */
    MPI_Request request;
    struct ffmk_after after;
    struct ffmk_patience patience;
    unsigned char contributors[]; /* of a reduction */
};

static int query(void *state, MPI_Status *status)
{
    const struct begun *begun = state;
    ffmk_meanwhile_no_status(NULL, status);
    return ffmk_replace_class(begun->pending.code);
}

static int release(void *state)
{
    free(state);
    return MPI_SUCCESS;
}

/* A collective operation cannot be cancelled. */
static int cancel(void *state, int complete)
{
    (void)state;
    (void)complete;
    return MPI_SUCCESS;
}

static void completed(struct ffmk_pending *pending)
{
    struct begun *begun = (struct begun *)pending;
    if (begun->after.function)
        begun->after.function(begun->after.argument);
    PMPI_Grequest_complete(begun->request); /* from here on it may be gone */
}

#ifdef MPICH
#pragma weak PMPIX_Grequest_start /* MPICH's kin need not have it */

/* MPICH calls this while it tests or waits for the request, and then does nothing else. */
static int poll(void *state, MPI_Status *status)
{
    struct begun *begun = state;
    (void)status;
    ffmk_pending_drive();
    if (ffmk_pending_is_complete(&begun->pending))
        return MPI_SUCCESS;
    ffmk_patience_wait(&begun->patience);
    if (begun->patience.looks >= begun->patience.spins) {
        ffmk_meanwhile(false);
        ffmk_meanwhile(true);
    }
    return MPI_SUCCESS;
}

/* Until all of them are complete. */
static int wait(int n, void **states, double timeout, MPI_Status *status)
{
    (void)timeout;
    for (int i = 0; i < n; i++)
        while (!ffmk_pending_is_complete(&((struct begun *)states[i])->pending))
            poll(states[i], status);
    return MPI_SUCCESS;
}

static int start_request(struct begun *begun)
{
    return PMPIX_Grequest_start(query, release, cancel, poll, wait, begun, &begun->request);
}

static bool can(void)
{
    return PMPIX_Grequest_start != NULL;
}
#else
static int start_request(struct begun *begun)
{
    return PMPI_Grequest_start(query, release, cancel, begun, &begun->request);
}

static bool can(void)
{
    return ffmk_pending_is_driven_by_mpi();
}
#endif

/* The context, when the operation is ours. */
static struct ffmk_context *ours(MPI_Comm comm)
{
    struct ffmk_context *context = can() ? ffmk_context_known(comm) : NULL;
    return context && ffmk_context_goes_on(context) ? context : NULL;
}

/* \return NULL: no memory, or no request. */
static struct begun *begin(size_t contributors, struct ffmk_after after)
{
    struct begun *begun = malloc(sizeof *begun + contributors);
    if (!begun)
        return NULL;
    *begun = (struct begun){.pending = {.completed = completed},
                            .after = after,
                            .patience = {.spins = FFMK_PATIENCE_CROWDED}};
    if (start_request(begun) == MPI_SUCCESS)
        return begun;
    free(begun);
    return NULL;
}

/* Others count on this rank: it takes part, and then says what it lacked. */
static int without_request(int code, struct ffmk_after after, MPI_Comm comm)
{
    if (after.function)
        after.function(after.argument);
    const int class = ffmk_replace_class(code == FFMK_SUCCESS ? FFMK_ERR_NO_MEMORY : code);
    PMPI_Comm_call_errhandler(comm, class);
    return class;
}

/* \return whether it is ours; then *code_p is what the call returns. */
static bool ibcast(void *buffer, MPI_Count count, MPI_Datatype datatype, int root, MPI_Comm comm,
                   MPI_Request *request, struct ffmk_after after, int *code_p)
{
    struct ffmk_context *context = ours(comm);
    struct ffmk_packing packing;
    if (!context || !request ||
        !ffmk_replace_can_bcast(buffer, count, datatype, root, context, &packing))
        return false;
    struct begun *begun = begin(0, after);
    uint64_t messages = 0;
    if (!begun) {
        *code_p = without_request(ffmk_collective_bcast(context, buffer, &packing, root, &messages),
                                  after, comm);
        return true;
    }
    *request = begun->request;
    ffmk_pending_bcast(&begun->pending, context, buffer, &packing, root);
    *code_p = MPI_SUCCESS;
    return true;
}

static bool ibarrier(MPI_Comm comm, MPI_Request *request, int *code_p)
{
    const struct ffmk_after nothing = {.function = NULL};
    struct ffmk_context *context = ours(comm);
    if (!context || !request)
        return false;
    struct begun *begun = begin(0, nothing);
    uint64_t messages = 0;
    if (!begun) {
        *code_p = without_request(ffmk_collective_barrier(context, &messages), nothing, comm);
        return true;
    }
    *request = begun->request;
    ffmk_pending_barrier(&begun->pending, context);
    *code_p = MPI_SUCCESS;
    return true;
}

static bool iallreduce(const void *sendbuf, void *recvbuf, MPI_Count count, MPI_Datatype datatype,
                       MPI_Op op, MPI_Comm comm, MPI_Request *request, struct ffmk_after after,
                       int *code_p)
{
    struct ffmk_context *context = ours(comm);
    ffmk_combine *const combine = context ? ffmk_arithmetic_of(op, datatype) : NULL;
    struct ffmk_packing packing;
    if (!combine || !request ||
        !ffmk_replace_can_reduce(sendbuf, recvbuf, count, datatype, op, &packing))
        return false;
    struct begun *begun = begin((size_t)context->size, after);
    uint64_t messages = 0;
    if (!begun) {
        *code_p = without_request(
            ffmk_collective_allreduce(context, sendbuf, recvbuf, &packing, op, &messages), after,
            comm);
        return true;
    }
    *request = begun->request;
    ffmk_pending_allreduce(&begun->pending, context, sendbuf, recvbuf, &packing, combine,
                           begun->contributors);
    *code_p = MPI_SUCCESS;
    return true;
}

static int replace_ibcast(void *buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm,
                          MPI_Request *request)
{
    const struct ffmk_after nothing = {.function = NULL};
    int code;
    return ibcast(buffer, count, datatype, root, comm, request, nothing, &code)
               ? code
               : PMPI_Ibcast(buffer, count, datatype, root, comm, request);
}

static int replace_ibarrier(MPI_Comm comm, MPI_Request *request)
{
    int code;
    return ibarrier(comm, request, &code) ? code : PMPI_Ibarrier(comm, request);
}

static int replace_iallreduce(const void *sendbuf, void *recvbuf, int count, MPI_Datatype datatype,
                              MPI_Op op, MPI_Comm comm, MPI_Request *request)
{
    const struct ffmk_after nothing = {.function = NULL};
    int code;
    return iallreduce(sendbuf, recvbuf, count, datatype, op, comm, request, nothing, &code)
               ? code
               : PMPI_Iallreduce(sendbuf, recvbuf, count, datatype, op, comm, request);
}

#if MPI_VERSION >= 4
static int replace_ibcast_c(void *buffer, MPI_Count count, MPI_Datatype datatype, int root,
                            MPI_Comm comm, MPI_Request *request)
{
    const struct ffmk_after nothing = {.function = NULL};
    int code;
    return ibcast(buffer, count, datatype, root, comm, request, nothing, &code)
               ? code
               : PMPI_Ibcast_c(buffer, count, datatype, root, comm, request);
}

static int replace_iallreduce_c(const void *sendbuf, void *recvbuf, MPI_Count count,
                                MPI_Datatype datatype, MPI_Op op, MPI_Comm comm,
                                MPI_Request *request)
{
    const struct ffmk_after nothing = {.function = NULL};
    int code;
    return iallreduce(sendbuf, recvbuf, count, datatype, op, comm, request, nothing, &code)
               ? code
               : PMPI_Iallreduce_c(sendbuf, recvbuf, count, datatype, op, comm, request);
}
#endif

bool ffmk_replace_ibcast_fortran(void *buffer, MPI_Count count, MPI_Fint datatype, int root,
                                 MPI_Fint comm, MPI_Fint *request, struct ffmk_after after,
                                 int *code_p)
{
    MPI_Request begun = MPI_REQUEST_NULL;
    if (!ibcast(buffer, count, PMPI_Type_f2c(datatype), root, PMPI_Comm_f2c(comm), &begun, after,
                code_p))
        return false;
    if (*code_p == MPI_SUCCESS)
        *request = PMPI_Request_c2f(begun);
    return true;
}

bool ffmk_replace_ibarrier_fortran(MPI_Fint comm, MPI_Fint *request, int *code_p)
{
    MPI_Request begun = MPI_REQUEST_NULL;
    if (!ibarrier(PMPI_Comm_f2c(comm), &begun, code_p))
        return false;
    if (*code_p == MPI_SUCCESS)
        *request = PMPI_Request_c2f(begun);
    return true;
}

bool ffmk_replace_iallreduce_fortran(const void *sendbuf, void *recvbuf, MPI_Count count,
                                     MPI_Fint datatype, MPI_Fint op, MPI_Fint comm,
                                     MPI_Fint *request, struct ffmk_after after, int *code_p)
{
    MPI_Request begun = MPI_REQUEST_NULL;
    if (!iallreduce(sendbuf, recvbuf, count, PMPI_Type_f2c(datatype), PMPI_Op_f2c(op),
                    PMPI_Comm_f2c(comm), &begun, after, code_p))
        return false;
    if (*code_p == MPI_SUCCESS)
        *request = PMPI_Request_c2f(begun);
    return true;
}

typedef void function(void);

function *ffmk_replacement_nonblocking(enum ffmk_replaced call)
{
    switch (call) {
    case FFMK_REPLACED_IBCAST:
        return (function *)replace_ibcast;
    case FFMK_REPLACED_IBARRIER:
        return (function *)replace_ibarrier;
    case FFMK_REPLACED_IALLREDUCE:
        return (function *)replace_iallreduce;
#if MPI_VERSION >= 4
    case FFMK_REPLACED_IBCAST_C:
        return (function *)replace_ibcast_c;
    case FFMK_REPLACED_IALLREDUCE_C:
        return (function *)replace_iallreduce_c;
#endif
    default:
        return NULL;
    }
}
