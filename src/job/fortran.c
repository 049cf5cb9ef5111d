/* SPDX-License-Identifier: BSD-3-Clause
 * What only the Fortran module needs of the public calls: communicators by their Fortran handle. */
#include "job/engine.h"

int ffmk_items_create_f(MPI_Fint comm, const ffmk_item_ops *ops, void *context,
                        ffmk_items **items_p)
{
    /* Open MPI ends the program when a handle is looked up while MPI is not running;
     * ffmk_items_create() says so. Of a handle of nothing it makes a C handle of nothing. */
    int started = 0, ended = 0;
    PMPI_Initialized(&started);
    PMPI_Finalized(&ended);
    MPI_Comm found = started && !ended ? PMPI_Comm_f2c(comm) : MPI_COMM_NULL;
#ifdef OPEN_MPI
    if (!found)
        found = MPI_COMM_NULL;
#endif
    return ffmk_items_create(found, ops, context, items_p);
}
