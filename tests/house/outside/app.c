/* SPDX-License-Identifier: BSD-3-Clause
 * An outside project: uses the installed ffmk, knows nothing of its source tree. Built as C and as
 * C++. Every rank makes exactly seven MPI_Allreduce inside a region and checks the version it was
 * built for and runs with. */
#include <ffmk.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    int rank, sum = 0, one = 1;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (strcmp(ffmk_version(), FFMK_VERSION_STRING) != 0)
        MPI_Abort(MPI_COMM_WORLD, 1);

    ffmk_items *items = NULL;
    if (ffmk_items_create(MPI_COMM_WORLD, NULL, NULL, &items) != FFMK_SUCCESS)
        MPI_Abort(MPI_COMM_WORLD, 2);
    ffmk_region_begin("sevenfold");
    for (int i = 0; i < 7; i++)
        MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    ffmk_region_end("sevenfold");
    ffmk_items_destroy(items);

    if (rank == 0)
        printf("outside: ffmk %s, %d ranks\n", ffmk_version(), sum);
    MPI_Finalize();
    return 0;
}
