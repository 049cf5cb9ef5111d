/* SPDX-License-Identifier: BSD-3-Clause
 * The smallest use of ffmk: a region with some work and an MPI call in it. */
#include <ffmk.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    int rank;
    double mine = 0.0, sum = 0.0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    ffmk_region_begin("harmonic sum");
    for (long k = 1; k <= (rank + 1) * 10000000L; k++) /* the higher the rank, the more to do */
        mine += 1.0 / (double)k;
    MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    ffmk_region_end("harmonic sum");
    if (rank == 0)
        printf("Hello from ffmk %s: %.6f\n", ffmk_version(), sum);
    MPI_Finalize();
    return 0;
}
