/* SPDX-License-Identifier: BSD-3-Clause
 * Collectives: blocking, nonblocking, in place, persistent, large-count, and those over neighbours.
 */
#include "counts.h"

#define WORLD MPI_COMM_WORLD
#define NO    MPI_STATUS_IGNORE

enum { MOST = 16, ROOT = 0 };

static int out[4 * MOST];
static int in[4 * MOST];
static int counts[MOST]; /* rank i gives and takes i + 1 integers */
static int displacements[MOST];
static MPI_Datatype types[MOST];
static int byte_displacements[MOST];

static int prepare(void)
{
    int sum = 0;
    for (int i = 0; i < counts_size; i++) {
        counts[i] = i + 1;
        displacements[i] = sum;
        byte_displacements[i] = sum * (int)sizeof(int);
        types[i] = MPI_INT;
        sum += i + 1;
    }
    return sum;
}

enum { INT = sizeof(int) };

void counts_collective(void)
{
    const int size = counts_size;
    const int rank = counts_rank;
    const int sum = prepare();
    const int mine = rank + 1;
    /* alltoallv here: rank r sends i + 1 integers to each rank i, so it gets r + 1 from each. */
    int same[MOST];
    int same_at[MOST];
    int same_bytes[MOST];
    for (int i = 0; i < size; i++) {
        same[i] = mine;
        same_at[i] = i * mine;
        same_bytes[i] = i * mine * INT;
    }
    MPI_Request r;

    M(Barrier, 0, WORLD);
    M(Bcast, 3 * INT, out, 3, MPI_INT, ROOT, WORLD);
    M(Gather, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, ROOT, WORLD);
    M(Gatherv, mine * INT, out, mine, MPI_INT, in, counts, displacements, MPI_INT, ROOT, WORLD);
    M(Scatter, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, ROOT, WORLD);
    M(Scatterv, mine * INT, out, counts, displacements, MPI_INT, in, mine, MPI_INT, ROOT, WORLD);
    M(Allgather, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, WORLD);
    M(Allgatherv, mine * INT, out, mine, MPI_INT, in, counts, displacements, MPI_INT, WORLD);
    M(Alltoall, size * 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, WORLD);
    M(Alltoallv, sum * INT, out, counts, displacements, MPI_INT, in, same, same_at, MPI_INT, WORLD);
    M(Alltoallw, sum * INT, out, counts, byte_displacements, types, in, same, same_bytes, types,
      WORLD);
    M(Reduce, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, ROOT, WORLD);
    M(Allreduce, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    M(Reduce_scatter, sum * INT, out, in, counts, MPI_INT, MPI_SUM, WORLD);
    M(Reduce_scatter_block, size * 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    M(Scan, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    M(Exscan, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    M(Reduce_local, 2 * INT, out, in, 2, MPI_INT, MPI_SUM);

    /* In place: what the receive arguments say of a rank's own part. */
    M(Allgather, 2 * INT, MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, in, 2, MPI_INT, WORLD);
    M(Allgatherv, mine * INT, MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, in, counts, displacements,
      MPI_INT, WORLD);
    M(Alltoall, size * 2 * INT, MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, in, 2, MPI_INT, WORLD);
    M(Alltoallv, size * 2 * INT, MPI_IN_PLACE, NULL, NULL, MPI_DATATYPE_NULL, in,
      ((int[MOST]){2, 2, 2, 2, 2, 2, 2, 2}), ((int[MOST]){0, 2, 4, 6, 8, 10, 12, 14}), MPI_INT,
      WORLD);
    M(Allreduce, 2 * INT, MPI_IN_PLACE, in, 2, MPI_INT, MPI_SUM, WORLD);
    M(Scan, 2 * INT, MPI_IN_PLACE, in, 2, MPI_INT, MPI_SUM, WORLD);
    M(Reduce_scatter_block, size * 2 * INT, MPI_IN_PLACE, in, 2, MPI_INT, MPI_SUM, WORLD);
    if (rank == ROOT) {
        M(Gather, 2 * INT, MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, in, 2, MPI_INT, ROOT, WORLD);
        M(Gatherv, INT, MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, in, counts, displacements, MPI_INT,
          ROOT, WORLD);
        M(Scatter, 0, out, 2, MPI_INT, MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, ROOT, WORLD);
        M(Reduce, 2 * INT, MPI_IN_PLACE, in, 2, MPI_INT, MPI_SUM, ROOT, WORLD);
    } else {
        M(Gather, 2 * INT, out, 2, MPI_INT, NULL, 0, MPI_DATATYPE_NULL, ROOT, WORLD);
        M(Gatherv, mine * INT, out, mine, MPI_INT, NULL, NULL, NULL, MPI_DATATYPE_NULL, ROOT,
          WORLD);
        M(Scatter, 2 * INT, NULL, 0, MPI_DATATYPE_NULL, in, 2, MPI_INT, ROOT, WORLD);
        M(Reduce, 2 * INT, out, NULL, 2, MPI_INT, MPI_SUM, ROOT, WORLD);
    }

#define NB(name, bytes, ...) M(name, bytes, __VA_ARGS__, &r), M(Wait, 0, &r, NO)
    NB(Ibarrier, 0, WORLD);
    NB(Ibcast, 3 * INT, out, 3, MPI_INT, ROOT, WORLD);
    NB(Igather, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, ROOT, WORLD);
    NB(Igatherv, mine * INT, out, mine, MPI_INT, in, counts, displacements, MPI_INT, ROOT, WORLD);
    NB(Iscatter, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, ROOT, WORLD);
    NB(Iscatterv, mine * INT, out, counts, displacements, MPI_INT, in, mine, MPI_INT, ROOT, WORLD);
    NB(Iallgather, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, WORLD);
    NB(Iallgatherv, mine * INT, out, mine, MPI_INT, in, counts, displacements, MPI_INT, WORLD);
    NB(Ialltoall, size * 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, WORLD);
    NB(Ialltoallv, sum * INT, out, counts, displacements, MPI_INT, in, same, same_at, MPI_INT,
       WORLD);
    NB(Ialltoallw, sum * INT, out, counts, byte_displacements, types, in, same, same_bytes, types,
       WORLD);
    NB(Ireduce, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, ROOT, WORLD);
    NB(Iallreduce, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    NB(Ireduce_scatter, sum * INT, out, in, counts, MPI_INT, MPI_SUM, WORLD);
    NB(Ireduce_scatter_block, size * 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    NB(Iscan, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    NB(Iexscan, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
}

/* A ring as Cartesian topology has two neighbours; a directed graph one in, one out. */
void counts_neighbours(void)
{
    MPI_Comm cart;
    MPI_Comm graph;
    MPI_Comm adjacent;
    MPI_Comm listed;
    MPI_Comm row;
    MPI_Request r;
    const int size = counts_size;
    const int next = (counts_rank + 1) % size;
    const int before = (counts_rank + size - 1) % size;
    M(Cart_create, 0, WORLD, 1, &size, (int[]){1}, 0, &cart);
    M(Cart_sub, 0, cart, (int[]){1}, &row);
    M(Dist_graph_create_adjacent, 0, WORLD, 1, &before, MPI_UNWEIGHTED, 1, &next, MPI_UNWEIGHTED,
      MPI_INFO_NULL, 0, &adjacent);
    M(Dist_graph_create, 0, WORLD, 1, &counts_rank, (int[]){1}, &next, MPI_UNWEIGHTED,
      MPI_INFO_NULL, 0, &graph);
    int ends[MOST];
    int edges[MOST];
    for (int i = 0; i < size; i++) {
        ends[i] = i + 1;
        edges[i] = (i + 1) % size;
    }
    M(Graph_create, 0, WORLD, size, ends, edges, 0, &listed);

    int two[2] = {1, 2};
    int at[2] = {0, 1};
    MPI_Aint far[2] = {0, INT};
    MPI_Datatype ints[2] = {MPI_INT, MPI_INT};
    M(Neighbor_allgather, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, cart);
    M(Neighbor_allgatherv, 2 * INT, out, 2, MPI_INT, in, (int[]){2, 2}, (int[]){0, 2}, MPI_INT,
      cart);
    M(Neighbor_alltoall, 2 * 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, cart);
    M(Neighbor_alltoall, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, adjacent);
    M(Neighbor_alltoall, 3 * INT, out, 3, MPI_INT, in, 3, MPI_INT, graph);
    if (size > 2) { /* the first sends one, the other two; the ring turns it round */
        M(Neighbor_alltoallv, 2 * 2 * INT, out, (int[]){2, 2}, (int[]){0, 2}, MPI_INT, in,
          (int[]){2, 2}, (int[]){0, 2}, MPI_INT, cart);
    }
    M(Neighbor_alltoallv, INT, out, two, at, MPI_INT, in, two, at, MPI_INT, adjacent);
    M(Neighbor_alltoallw, INT, out, two, far, ints, in, two, far, ints, adjacent);
    NB(Ineighbor_allgather, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, cart);
    NB(Ineighbor_allgatherv, 2 * INT, out, 2, MPI_INT, in, ((int[]){2, 2}), ((int[]){0, 2}),
       MPI_INT, cart);
    NB(Ineighbor_alltoall, 2 * 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, cart);
    NB(Ineighbor_alltoallv, INT, out, two, at, MPI_INT, in, two, at, MPI_INT, adjacent);
    NB(Ineighbor_alltoallw, INT, out, two, far, ints, in, two, far, ints, adjacent);
    M(Comm_free, 0, &cart);
    M(Comm_free, 0, &row);
    M(Comm_free, 0, &graph);
    M(Comm_free, 0, &adjacent);
    M(Comm_free, 0, &listed);
}

#if MPI_VERSION >= 4
void counts_large_collective(void)
{
    const int size = counts_size;
    const int rank = counts_rank;
    const int sum = prepare();
    const int mine = rank + 1;
    MPI_Count big[MOST];
    MPI_Aint big_at[MOST];
    MPI_Count same[MOST];
    MPI_Aint same_at[MOST];
    for (int i = 0; i < size; i++) {
        big[i] = counts[i];
        big_at[i] = displacements[i];
        same[i] = mine;
        same_at[i] = i * mine;
    }
    MPI_Request r;
    M(Bcast_c, 3 * INT, out, 3, MPI_INT, ROOT, WORLD);
    M(Gather_c, 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, ROOT, WORLD);
    M(Gatherv_c, mine * INT, out, mine, MPI_INT, in, big, big_at, MPI_INT, ROOT, WORLD);
    M(Scatterv_c, mine * INT, out, big, big_at, MPI_INT, in, mine, MPI_INT, ROOT, WORLD);
    M(Allgatherv_c, mine * INT, out, mine, MPI_INT, in, big, big_at, MPI_INT, WORLD);
    M(Allgatherv_c, mine * INT, MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, in, big, big_at, MPI_INT,
      WORLD);
    M(Alltoall_c, size * 2 * INT, out, 2, MPI_INT, in, 2, MPI_INT, WORLD);
    M(Alltoallv_c, sum * INT, out, big, big_at, MPI_INT, in, same, same_at, MPI_INT, WORLD);
    M(Allreduce_c, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    M(Reduce_c, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, ROOT, WORLD);
    M(Reduce_scatter_c, sum * INT, out, in, big, MPI_INT, MPI_SUM, WORLD);
    M(Scan_c, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    NB(Iallreduce_c, 2 * INT, out, in, 2, MPI_INT, MPI_SUM, WORLD);
    NB(Ialltoallv_c, sum * INT, out, big, big_at, MPI_INT, in, same, same_at, MPI_INT, WORLD);

    /* Persistent collectives count at each start, without bytes. */
    M(Allreduce_init, 0, out, in, 2, MPI_INT, MPI_SUM, WORLD, MPI_INFO_NULL, &r);
    for (int i = 0; i < 3; i++) {
        M(Start, 0, &r);
        M(Wait, 0, &r, NO);
    }
    M(Request_free, 0, &r);
    M(Barrier_init, 0, WORLD, MPI_INFO_NULL, &r);
    M(Startall, 0, 1, &r);
    M(Wait, 0, &r, NO);
    M(Request_free, 0, &r);
    M(Bcast_init_c, 0, out, 2, MPI_INT, ROOT, WORLD, MPI_INFO_NULL, &r);
    M(Start, 0, &r);
    M(Wait, 0, &r, NO);
    M(Request_free, 0, &r);
}
#endif
