/* SPDX-License-Identifier: BSD-3-Clause
 * A program that makes very many different MPI calls through C and keeps its own account of them:
 * counts STEM [careful]. With the word, other threads might make calls at the same time. */
#include "counts.h"

#include <stdio.h>

int counts_rank;
int counts_size;

int main(int argc, char **argv)
{
    int level = MPI_THREAD_SINGLE;
    if (argc > 2)
        M(Init_thread, 0, &argc, &argv, MPI_THREAD_MULTIPLE, &level);
    else
        M(Init, 0, &argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &counts_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &counts_size);
    char file[4096];
    snprintf(file, sizeof file, "%s.file", argc > 1 ? argv[1] : "counts");

    counts_p2p();
    counts_collective();
    counts_neighbours();
    counts_between();
    counts_communicators();
    counts_rma();
    counts_io(file);
    counts_datatypes();
#if MPI_VERSION >= 4
    counts_large_p2p();
    counts_large_collective();
#endif
    M(Pcontrol, 0, 1);
    M(Pcontrol, 0, 7);
    M(Barrier, 0, MPI_COMM_WORLD);
    M(Pcontrol, 0, -7);
    tally("MPI_Finalize", 0);
    MPI_Finalize();
    tally_write(argc > 1 ? argv[1] : "counts", counts_rank);
    return 0;
}
