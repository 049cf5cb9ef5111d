/* SPDX-License-Identifier: BSD-3-Clause
 * spawns: starts two more of itself, and all meet in a barrier of both worlds and in five of their
 * own. */
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    MPI_Comm parent, both;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent == MPI_COMM_NULL)
        MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 2, MPI_INFO_NULL, 0, MPI_COMM_WORLD, &both,
                       MPI_ERRCODES_IGNORE);
    else
        both = parent;
    MPI_Barrier(both);
    for (int i = 0; i < 5; i++)
        MPI_Barrier(MPI_COMM_WORLD);
    MPI_Comm_disconnect(&both);
    MPI_Finalize();
    return 0;
}
