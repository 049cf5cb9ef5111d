/* SPDX-License-Identifier: BSD-3-Clause
 * An MPI program that knows nothing of ffmk, and loses a rank: π by throwing darts. Each step rank
 * 0 says where the random numbers go on and all sum up what they hit; in step 3 rank 1 is killed,
 * as by the system when memory runs out. */
#include <mpi.h>

#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

enum { STEPS = 6, THROWS = 1000000 };

static double coordinate(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U; /* Knuth's constants */
    return (double)(*state >> 11) * 0x1p-53;
}

int main(int argc, char **argv)
{
    int rank;
    uint64_t seed = 0;
    double all[2] = {0, 0};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int step = 1; step <= STEPS; step++) {
        double mine[2] = {0, THROWS}, sum[2]; /* hits, throws */
        if (step == 3 && rank == 1)
            raise(SIGKILL);
        if (rank == 0)
            seed += 0x9e3779b97f4a7c15U;
        MPI_Bcast(&seed, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
        uint64_t state = seed ^ ((uint64_t)rank << 56);
        for (int i = 0; i < THROWS; i++) {
            double x = coordinate(&state), y = coordinate(&state);
            mine[0] += x * x + y * y < 1;
        }
        MPI_Allreduce(mine, sum, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        all[0] += sum[0];
        all[1] += sum[1];
        if (rank == 0)
            printf("step %d: %d million throws, pi is about %.4f\n", step,
                   (int)lround(all[1] / 1e6), 4 * all[0] / all[1]);
    }
    MPI_Finalize();
    return 0;
}
