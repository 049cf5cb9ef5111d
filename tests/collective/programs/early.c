/* SPDX-License-Identifier: BSD-3-Clause
 * An unmodified program, one of whose ranks is killed before anybody came to a first collective
 * operation: those of its communicators go on without it. Each survivor says so. */
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int rank;
    int ranks;
    MPI_Comm comms[4];
    MPI_Init(&argc, &argv);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    comms[0] = MPI_COMM_WORLD;
    MPI_Comm_dup(MPI_COMM_WORLD, &comms[1]);
    MPI_Comm_split(MPI_COMM_WORLD, 0, -rank, &comms[2]);
    MPI_Cart_create(MPI_COMM_WORLD, 1, &ranks, (int[]){1}, 0, &comms[3]);
    if (rank == ranks - 1)
        raise(SIGKILL);
    int right = 0;
    for (int c = 0; c < 4; c++) {
        int me;
        MPI_Comm_rank(comms[c], &me);
        const int root = c == 2 ? ranks - 1 : 0; /* rank 0 of MPI_COMM_WORLD */
        const int one = 1;
        int value = me == root ? 42 + c : 0;
        int sum = 0;
        MPI_Request request;
        right += MPI_Bcast(&value, 1, MPI_INT, root, comms[c]) == MPI_SUCCESS && value == 42 + c;
        right += MPI_Barrier(comms[c]) == MPI_SUCCESS;
        right += MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comms[c]) == MPI_SUCCESS &&
                 sum == ranks - 1;
        right += MPI_Ibarrier(comms[c], &request) == MPI_SUCCESS &&
                 MPI_Wait(&request, MPI_STATUS_IGNORE) == MPI_SUCCESS;
    }
    printf("rank %d: %d right\n", rank, right);
    fflush(stdout);
    MPI_Finalize();
    return 0;
}
