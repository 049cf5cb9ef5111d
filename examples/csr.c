/* SPDX-License-Identifier: BSD-3-Clause
 * For a program that calls ParMETIS: the arrays it has already, and ffmk_balance_csr() in place of
 * ParMETIS_V3_AdaptiveRepart(). A square of cells on any number of ranks, cut into 12 parts, of
 * which the first became ten times as costly.
 *
 *   mpirun -np 4 csr */
#include <ffmk.h>

#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 60, PARTS = 12 };

int main(int argc, char **argv)
{
    int rank, size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);

    static int64_t xadj[SIDE * SIDE + 1], adjncy[4 * SIDE * SIDE];
    static double vwgt[SIDE * SIDE];
    static int part[SIDE * SIDE];
    int64_t *vtxdist = malloc(((size_t)size + 1) * sizeof *vtxdist);
    if (!vtxdist)
        return 1;
    for (int r = 0; r <= size; r++)
        vtxdist[r] = (int64_t)SIDE * SIDE * r / size;
    const int64_t first = vtxdist[rank];
    const size_t n = (size_t)(vtxdist[rank + 1] - first);

    xadj[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t v = first + (int64_t)i, x = v % SIDE, y = v / SIDE;
        int64_t *end = adjncy + xadj[i];
        if (x > 0)
            *end++ = v - 1;
        if (x + 1 < SIDE)
            *end++ = v + 1;
        if (y > 0)
            *end++ = v - SIDE;
        if (y + 1 < SIDE)
            *end++ = v + SIDE;
        xadj[i + 1] = end - adjncy;
        part[i] = (int)(y / (SIDE / 3) * 4 + x / (SIDE / 4));
        vwgt[i] = part[i] == 0 ? 10 : 1;
    }

    ffmk_csr csr = FFMK_CSR_INIT;
    csr.vtxdist = vtxdist;
    csr.xadj = xadj;
    csr.adjncy = adjncy;
    csr.vwgt = vwgt;
    csr.nparts = PARTS;
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    const int code = ffmk_balance_csr(MPI_COMM_WORLD, &csr, NULL, part, &info);
    if (rank == 0 && code)
        fprintf(stderr, "csr: %s\n", ffmk_strerror(code));
    if (rank == 0 && !code)
        printf(
            "%d parts: imbalance %.2f -> %.2f, cut %.0f -> %.0f, %d of %d vertices change part\n",
            PARTS, info.imbalance_before, info.imbalance_after, info.cut_before, info.cut_after,
            (int)info.items_moved, SIDE * SIDE);
    free(vtxdist);
    MPI_Finalize();
    return code != 0;
}
