/* SPDX-License-Identifier: BSD-3-Clause
 * What stands in for MPI's collective calls in unmodified programs. Whether a call is MPI's after
 * all follows from what all ranks see alike: the kind of communicator, where its ranks are, the
 * size of an element. Wrong arguments go to MPI, which knows what to say of them. */
#include "job/replace.h"

#include "job/comms.h"
#include "job/replace_inside.h"
#include "job/replace_nonblocking.h"
#include "job/world.h"

#include <ffmk.h>

/* The context, when the operation is ours. */
static struct ffmk_context *ours(MPI_Comm comm)
{
    struct ffmk_context *context;
    if (ffmk_context_of(comm, &context) != FFMK_SUCCESS || !ffmk_context_is_ours(context))
        return NULL;
    return context;
}

int ffmk_replace_class(int code)
{
    if (code == FFMK_SUCCESS)
        return MPI_SUCCESS;
#ifdef MPIX_ERR_PROC_FAILED
    if (code == FFMK_ERR_FAILED)
        return MPIX_ERR_PROC_FAILED;
#endif
    return code == FFMK_ERR_ARGUMENT    ? MPI_ERR_TRUNCATE
           : code == FFMK_ERR_NO_MEMORY ? MPI_ERR_NO_MEM
                                        : MPI_ERR_OTHER;
}

/* An error of ours as MPI reports one: by the communicator's error handler. */
static int report(MPI_Comm comm, int code)
{
    const int class = ffmk_replace_class(code);
    if (class != MPI_SUCCESS)
        PMPI_Comm_call_errhandler(comm, class);
    return class;
}

/* Buffers that MPICH refuses at the rank that has them. Open MPI does not look at them, and what
 * MPI lets pass must not be MPI's at one rank and ours at another. */
#ifdef OPEN_MPI
static const bool mpi_looks = false;
#else
static const bool mpi_looks = true;
#endif

static bool is_missing(const void *buffer, const struct ffmk_packing *packing)
{
    MPI_Aint true_lb;
    MPI_Aint true_extent;
    return mpi_looks && !buffer && packing->bytes > 0 &&
           PMPI_Type_get_true_extent(packing->datatype, &true_lb, &true_extent) == MPI_SUCCESS &&
           true_lb == 0;
}

/* One buffer for both; unless MPICH was told to let it pass (MPIR_CVAR_COLL_ALIAS_CHECK). */
static bool is_twice(const void *sendbuf, const void *recvbuf, const struct ffmk_packing *packing)
{
    return mpi_looks && sendbuf == recvbuf && packing->bytes > 0;
}

bool ffmk_replace_can_bcast(const void *buffer, MPI_Count count, MPI_Datatype datatype, int root,
                            const struct ffmk_context *context, struct ffmk_packing *packing)
{
    return root >= 0 && root < context->size &&
           ffmk_packing_of(count, datatype, packing) == FFMK_SUCCESS &&
           !is_missing(buffer, packing);
}

bool ffmk_replace_can_reduce(const void *sendbuf, const void *recvbuf, MPI_Count count,
                             MPI_Datatype datatype, MPI_Op op, struct ffmk_packing *packing)
{
    return op != MPI_OP_NULL && ffmk_packing_of(count, datatype, packing) == FFMK_SUCCESS &&
           ffmk_collective_reduces(packing) && !(recvbuf == MPI_IN_PLACE && packing->bytes > 0) &&
           !is_missing(sendbuf, packing) && !is_missing(recvbuf, packing) &&
           !is_twice(sendbuf, recvbuf, packing);
}

/* \return whether it is ours; then *code_p is what the call returns. */
static bool bcast(void *buffer, MPI_Count count, MPI_Datatype datatype, int root, MPI_Comm comm,
                  int *code_p)
{
    struct ffmk_context *context = ours(comm);
    struct ffmk_packing packing;
    if (!context || !ffmk_replace_can_bcast(buffer, count, datatype, root, context, &packing))
        return false;
    uint64_t messages = 0;
    *code_p = report(comm, ffmk_collective_bcast(context, buffer, &packing, root, &messages));
    return true;
}

static bool allreduce(const void *sendbuf, void *recvbuf, MPI_Count count, MPI_Datatype datatype,
                      MPI_Op op, MPI_Comm comm, int *code_p)
{
    struct ffmk_context *context = ours(comm);
    struct ffmk_packing packing;
    if (!context || !ffmk_replace_can_reduce(sendbuf, recvbuf, count, datatype, op, &packing))
        return false;
    uint64_t messages = 0;
    *code_p =
        report(comm, ffmk_collective_allreduce(context, sendbuf, recvbuf, &packing, op, &messages));
    return true;
}

static int replace_bcast(void *buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm)
{
    int code;
    return bcast(buffer, count, datatype, root, comm, &code)
               ? code
               : PMPI_Bcast(buffer, count, datatype, root, comm);
}

static int replace_barrier(MPI_Comm comm)
{
    struct ffmk_context *context = ours(comm);
    if (!context)
        return PMPI_Barrier(comm);
    uint64_t messages = 0;
    return report(comm, ffmk_collective_barrier(context, &messages));
}

static int replace_allreduce(const void *sendbuf, void *recvbuf, int count, MPI_Datatype datatype,
                             MPI_Op op, MPI_Comm comm)
{
    int code;
    return allreduce(sendbuf, recvbuf, count, datatype, op, comm, &code)
               ? code
               : PMPI_Allreduce(sendbuf, recvbuf, count, datatype, op, comm);
}

#if MPI_VERSION >= 4
static int replace_bcast_c(void *buffer, MPI_Count count, MPI_Datatype datatype, int root,
                           MPI_Comm comm)
{
    int code;
    return bcast(buffer, count, datatype, root, comm, &code)
               ? code
               : PMPI_Bcast_c(buffer, count, datatype, root, comm);
}

static int replace_allreduce_c(const void *sendbuf, void *recvbuf, MPI_Count count,
                               MPI_Datatype datatype, MPI_Op op, MPI_Comm comm)
{
    int code;
    return allreduce(sendbuf, recvbuf, count, datatype, op, comm, &code)
               ? code
               : PMPI_Allreduce_c(sendbuf, recvbuf, count, datatype, op, comm);
}
#endif

/* Large counts come from MPI-4's mpi_f08 only. */
int ffmk_replace_bcast_fortran(void *buffer, MPI_Count count, MPI_Fint datatype, int root,
                               MPI_Fint comm)
{
#if MPI_VERSION >= 4
    return replace_bcast_c(buffer, count, PMPI_Type_f2c(datatype), root, PMPI_Comm_f2c(comm));
#else
    return replace_bcast(buffer, (int)count, PMPI_Type_f2c(datatype), root, PMPI_Comm_f2c(comm));
#endif
}

int ffmk_replace_barrier_fortran(MPI_Fint comm)
{
    return replace_barrier(PMPI_Comm_f2c(comm));
}

int ffmk_replace_allreduce_fortran(const void *sendbuf, void *recvbuf, MPI_Count count,
                                   MPI_Fint datatype, MPI_Fint op, MPI_Fint comm)
{
#if MPI_VERSION >= 4
    return replace_allreduce_c(sendbuf, recvbuf, count, PMPI_Type_f2c(datatype), PMPI_Op_f2c(op),
                               PMPI_Comm_f2c(comm));
#else
    return replace_allreduce(sendbuf, recvbuf, (int)count, PMPI_Type_f2c(datatype), PMPI_Op_f2c(op),
                             PMPI_Comm_f2c(comm));
#endif
}

/* All ranks of MPI_COMM_WORLD are known to be under ffmk. */
static bool all_are_here;

/* Others may have come by MPI_Comm_spawn() and its kin, without ffmk. */
static bool is_of_world(MPI_Comm comm)
{
    MPI_Group all;
    MPI_Group these;
    MPI_Group common;
    int n = -1;
    int size = 0;
    if (PMPI_Comm_group(MPI_COMM_WORLD, &all) != MPI_SUCCESS)
        return false;
    if (PMPI_Comm_group(comm, &these) == MPI_SUCCESS) {
        PMPI_Group_size(these, &size);
        if (PMPI_Group_intersection(these, all, &common) == MPI_SUCCESS) {
            PMPI_Group_size(common, &n);
            if (common != MPI_GROUP_EMPTY)
                PMPI_Group_free(&common);
        }
        PMPI_Group_free(&these);
    }
    PMPI_Group_free(&all);
    return n == size;
}

void ffmk_replace_meet(uint64_t handle)
{
    struct ffmk_context *context;
    const MPI_Comm comm = ffmk_comms_of(handle);
    int inter = 1;
    if (all_are_here && comm != MPI_COMM_NULL &&
        PMPI_Comm_test_inter(comm, &inter) == MPI_SUCCESS && !inter && is_of_world(comm))
        ffmk_context_of(comm, &context);
}

void ffmk_replace_meet_on_world(const struct ffmk_config *config)
{
    struct ffmk_context *context;
    const enum ffmk_config_id variables[] = {FFMK_CONFIG_BCAST, FFMK_CONFIG_BARRIER,
                                             FFMK_CONFIG_ALLREDUCE};
    bool any = false;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        any = any || config->value[variables[i]].number != FFMK_SURVIVAL_OFF;
    all_are_here = any && ffmk_world_has_comm();
    if (all_are_here)
        ffmk_context_of(MPI_COMM_WORLD, &context);
}

typedef void function(void);

function *ffmk_replacement(enum ffmk_replaced call)
{
    switch (call) {
    case FFMK_REPLACED_BCAST:
        return (function *)replace_bcast;
    case FFMK_REPLACED_BARRIER:
        return (function *)replace_barrier;
    case FFMK_REPLACED_ALLREDUCE:
        return (function *)replace_allreduce;
#if MPI_VERSION >= 4
    case FFMK_REPLACED_BCAST_C:
        return (function *)replace_bcast_c;
    case FFMK_REPLACED_ALLREDUCE_C:
        return (function *)replace_allreduce_c;
#endif
    default:
        return ffmk_replacement_nonblocking(call);
    }
}
