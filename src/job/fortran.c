/* SPDX-License-Identifier: BSD-3-Clause
 * What only the Fortran module needs of the public calls: handles as Fortran knows them. */
#include "balance/csr.h"
#include "job/engine.h"

/* Open MPI ends the program when a handle is looked up while MPI is not running; the C calls say
 * so, of a handle of nothing. Of one of nothing it makes a NULL. */
static int mpi_runs(void)
{
    int started = 0, ended = 0;
    PMPI_Initialized(&started);
    PMPI_Finalized(&ended);
    return started && !ended;
}

#ifdef OPEN_MPI
#define OR_NOTHING(found, nothing) ((found) ? (found) : (nothing))
#else
#define OR_NOTHING(found, nothing) (found)
#endif

static MPI_Comm comm_of(MPI_Fint comm)
{
    MPI_Comm found = mpi_runs() ? PMPI_Comm_f2c(comm) : MPI_COMM_NULL;
    return OR_NOTHING(found, MPI_COMM_NULL);
}

static MPI_Datatype datatype_of(MPI_Fint datatype)
{
    MPI_Datatype found = mpi_runs() ? PMPI_Type_f2c(datatype) : MPI_DATATYPE_NULL;
    return OR_NOTHING(found, MPI_DATATYPE_NULL);
}

static MPI_Op op_of(MPI_Fint op)
{
    MPI_Op found = mpi_runs() ? PMPI_Op_f2c(op) : MPI_OP_NULL;
    return OR_NOTHING(found, MPI_OP_NULL);
}

int ffmk_items_create_f(MPI_Fint comm, const ffmk_item_ops *ops, void *context,
                        ffmk_items **items_p)
{
    return ffmk_items_create(comm_of(comm), ops, context, items_p);
}

int ffmk_balance_csr_f(MPI_Fint comm, const ffmk_csr *csr, int64_t n_vtxdist, int64_t n_vertices,
                       const ffmk_balance_options *options, int *part, ffmk_balance_info *info)
{
    const struct ffmk_csr_room room = {n_vtxdist, n_vertices};
    return ffmk_csr_balance(comm_of(comm), csr, &room, options, part, info);
}

int ffmk_balance_query_f(MPI_Fint comm, const ffmk_query *query,
                         const ffmk_balance_options *options, ffmk_exports *exports,
                         ffmk_balance_info *info)
{
    return ffmk_balance_query(comm_of(comm), query, options, exports, info);
}

int ffmk_bcast_f(void *buffer, MPI_Count count, MPI_Fint datatype, int root, MPI_Fint comm,
                 ffmk_collective_info *info)
{
    return ffmk_bcast(buffer, count, datatype_of(datatype), root, comm_of(comm), info);
}

int ffmk_barrier_f(MPI_Fint comm, ffmk_collective_info *info)
{
    return ffmk_barrier(comm_of(comm), info);
}

int ffmk_allreduce_f(const void *sendbuf, void *recvbuf, MPI_Count count, MPI_Fint datatype,
                     MPI_Fint op, MPI_Fint comm, ffmk_collective_info *info)
{
    return ffmk_allreduce(sendbuf ? sendbuf : MPI_IN_PLACE, recvbuf, count, datatype_of(datatype),
                          op_of(op), comm_of(comm), info);
}

int ffmk_comm_dead_f(MPI_Fint comm, int *ranks, size_t capacity, size_t *count_p)
{
    return ffmk_comm_dead(comm_of(comm), ranks, capacity, count_p);
}
