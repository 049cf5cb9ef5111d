/* SPDX-License-Identifier: BSD-3-Clause
 * Collectives that lack an array, blocking and not: missing [careful]. Prints which error each of
 * them returns. With the word, other threads might make calls at the same time. */
#include <mpi.h>
#include <stdio.h>

enum { NEIGHBOURS = 2 };

static int out[4];
static int in[4];
static int counts[NEIGHBOURS] = {1, 1};
static int at[NEIGHBOURS] = {0, 1};
static MPI_Aint far[NEIGHBOURS] = {0, sizeof(int)};
static MPI_Datatype types[NEIGHBOURS];
static MPI_Request request;

static void tell(const char *call, int line, int code)
{
    int class;
    MPI_Error_class(code, &class);
    printf("%s of line %d: %d\n", call, line, class);
    fflush(stdout);
}

#define BOTH(name, iname, ...)                                                                     \
    (tell(#name, __LINE__, MPI_##name(__VA_ARGS__)),                                               \
     tell(#iname, __LINE__, MPI_##iname(__VA_ARGS__, &request)))

int main(int argc, char **argv)
{
    int level;
    MPI_Comm ring;
    MPI_Init_thread(&argc, &argv, argc > 1 ? MPI_THREAD_MULTIPLE : MPI_THREAD_SINGLE, &level);
    MPI_Cart_create(MPI_COMM_SELF, 1, (int[]){1}, (int[]){1}, 0, &ring);
    MPI_Comm_set_errhandler(ring, MPI_ERRORS_RETURN);
    for (int i = 0; i < NEIGHBOURS; i++)
        types[i] = MPI_INT;
    const void *const here = MPI_IN_PLACE;

    BOTH(Alltoallv, Ialltoallv, out, NULL, NULL, MPI_INT, in, NULL, NULL, MPI_INT, ring);
    BOTH(Alltoallv, Ialltoallv, here, NULL, NULL, MPI_INT, in, NULL, NULL, MPI_INT, ring);
    BOTH(Alltoallw, Ialltoallw, out, NULL, NULL, types, in, NULL, NULL, types, ring);
    BOTH(Alltoallw, Ialltoallw, out, counts, at, NULL, in, counts, at, NULL, ring);
    BOTH(Alltoallw, Ialltoallw, here, NULL, NULL, NULL, in, NULL, NULL, types, ring);
    BOTH(Alltoallw, Ialltoallw, here, NULL, NULL, NULL, in, counts, at, NULL, ring);
    BOTH(Allgatherv, Iallgatherv, here, 0, MPI_INT, in, NULL, NULL, MPI_INT, ring);
    BOTH(Gatherv, Igatherv, here, 0, MPI_INT, in, NULL, NULL, MPI_INT, 0, ring);
    BOTH(Scatterv, Iscatterv, out, NULL, NULL, MPI_INT, in, 1, MPI_INT, 0, ring);
    BOTH(Reduce_scatter, Ireduce_scatter, out, in, NULL, MPI_INT, MPI_SUM, ring);
    BOTH(Neighbor_alltoallv, Ineighbor_alltoallv, out, NULL, NULL, MPI_INT, in, NULL, NULL, MPI_INT,
         ring);
    BOTH(Neighbor_alltoallw, Ineighbor_alltoallw, out, NULL, NULL, types, in, NULL, NULL, types,
         ring);
    BOTH(Neighbor_alltoallw, Ineighbor_alltoallw, out, counts, far, NULL, in, counts, far, NULL,
         ring);
    MPI_Comm_free(&ring);
    MPI_Finalize();
    return 0;
}
