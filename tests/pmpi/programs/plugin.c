/* SPDX-License-Identifier: BSD-3-Clause
 * A plugin that uses MPI, for a host that knows nothing of it. */
#include <mpi.h>
#include <stddef.h>

int plugin_main(void)
{
    MPI_Init(NULL, NULL);
    for (int i = 0; i < 10; i++)
        MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    return 0;
}
