/* SPDX-License-Identifier: BSD-3-Clause
 * Collectives between two groups and among neighbours, with arrays precisely as long as the
 * standard says: whoever reads what lies behind them gets a segmentation fault. */
#include "counts.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NO MPI_STATUS_IGNORE

enum { INT = sizeof(int), MOST = 16, ARRAYS = 16 };

static int out[4 * MOST];
static int in[4 * MOST];

/* ---- arrays ---- */

static struct {
    char *pages;
    size_t page;
} arrays[ARRAYS];
static int arrays_used;

/* A copy that ends where a page does that nobody may read. */
static void *end_of_page(const void *from, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0 ||
        arrays_used == ARRAYS)
        MPI_Abort(MPI_COMM_WORLD, 1);
    arrays[arrays_used].pages = pages;
    arrays[arrays_used++].page = page;
    return memcpy(pages + page - bytes, from, bytes);
}

static void free_arrays(void)
{
    while (arrays_used > 0) {
        arrays_used--;
        munmap(arrays[arrays_used].pages, 2 * arrays[arrays_used].page);
    }
}

/* n times the same number; where n blocks of that many begin; n times MPI_INT. */
#define ARRAY(name, type, number_i)                                                                \
    static type *name(int n, int number)                                                           \
    {                                                                                              \
        type array[MOST] = {0};                                                                    \
        for (int i = 0; i < n; i++)                                                                \
            array[i] = number_i;                                                                   \
        return end_of_page(array, (size_t)n * sizeof *array);                                      \
    }
ARRAY(numbers, int, number)
ARRAY(places, int, i *number)
ARRAY(types, MPI_Datatype, number ? MPI_INT : MPI_DATATYPE_NULL)
ARRAY(far_places, MPI_Aint, (MPI_Aint)i *number)
#if MPI_VERSION >= 4
ARRAY(big, MPI_Count, number)
#endif

#define NB(name, bytes, ...) M(name, bytes, __VA_ARGS__, &r), M(Wait, 0, &r, NO)

/* ---- between two groups ---- */

/* Everybody gives two integers to everybody over there. */
static void alltoall(MPI_Comm inter, int remote)
{
    MPI_Request r;
    const int all = remote * 2 * INT;
    int *const two = numbers(remote, 2);
    int *const at = places(remote, 2);
    int *const byte_at = places(remote, 2 * INT);
    MPI_Datatype *const type = types(remote, 1);
    M(Alltoall, all, out, 2, MPI_INT, in, 2, MPI_INT, inter);
    M(Alltoallv, all, out, two, at, MPI_INT, in, two, at, MPI_INT, inter);
    M(Alltoallw, all, out, two, byte_at, type, in, two, byte_at, type, inter);
    NB(Ialltoall, all, out, 2, MPI_INT, in, 2, MPI_INT, inter);
    NB(Ialltoallv, all, out, two, at, MPI_INT, in, two, at, MPI_INT, inter);
    NB(Ialltoallw, all, out, two, byte_at, type, in, two, byte_at, type, inter);
#if MPI_VERSION >= 4
    MPI_Count *const big_two = big(remote, 2);
    MPI_Aint *const far_at = far_places(remote, 2);
    MPI_Aint *const far_byte_at = far_places(remote, 2 * INT);
    M(Alltoallv_c, all, out, big_two, far_at, MPI_INT, in, big_two, far_at, MPI_INT, inter);
    M(Alltoallw_c, all, out, big_two, far_byte_at, type, in, big_two, far_byte_at, type, inter);
#endif
    free_arrays();
}

/* What is gathered counts nothing: which arguments mean something differs. */
static void gather(MPI_Comm inter, int remote)
{
    MPI_Request r;
    int *const two = numbers(remote, 2);
    int *const at = places(remote, 2);
    M(Allgather, 0, out, 2, MPI_INT, in, 2, MPI_INT, inter);
    M(Allgatherv, 0, out, 2, MPI_INT, in, two, at, MPI_INT, inter);
    NB(Iallgatherv, 0, out, 2, MPI_INT, in, two, at, MPI_INT, inter);
#if MPI_VERSION >= 4
    M(Allgatherv_c, 0, out, 2, MPI_INT, in, big(remote, 2), far_places(remote, 2), MPI_INT, inter);
#endif
    free_arrays();
}

/* The root has arrays of what is over there. Its buffer for what it would give itself means
 * nothing, but Open MPI lets it not be MPI_IN_PLACE. */
#ifdef OPEN_MPI
static void *const nothing = NULL;
#else
static void *const nothing = MPI_IN_PLACE;
#endif

static void rooted(MPI_Comm inter, int remote, int root)
{
    MPI_Request r;
    if (root == MPI_ROOT) {
        int *const two = numbers(remote, 2);
        int *const at = places(remote, 2);
        M(Gatherv, 0, nothing, 0, MPI_INT, in, two, at, MPI_INT, root, inter);
        M(Scatterv, 0, out, two, at, MPI_INT, nothing, 0, MPI_INT, root, inter);
        NB(Igatherv, 0, nothing, 0, MPI_INT, in, two, at, MPI_INT, root, inter);
        NB(Iscatterv, 0, out, two, at, MPI_INT, nothing, 0, MPI_INT, root, inter);
    } else {
        M(Gatherv, 0, out, 2, MPI_INT, NULL, NULL, NULL, MPI_INT, root, inter);
        M(Scatterv, 0, NULL, NULL, NULL, MPI_INT, in, 2, MPI_INT, root, inter);
        NB(Igatherv, 0, out, 2, MPI_INT, NULL, NULL, NULL, MPI_INT, root, inter);
        NB(Iscatterv, 0, NULL, NULL, NULL, MPI_INT, in, 2, MPI_INT, root, inter);
    }
    free_arrays();
}

/* Both groups scatter as much as the other one reduces; counts are those of one's own group. */
static void reduce_scatter(MPI_Comm inter, int local, int remote)
{
    MPI_Request r;
    const int all = local * remote * INT;
    int *const counts = numbers(local, remote);
    M(Reduce_scatter, all, out, in, counts, MPI_INT, MPI_SUM, inter);
    M(Reduce_scatter_block, all, out, in, remote, MPI_INT, MPI_SUM, inter);
    NB(Ireduce_scatter, all, out, in, counts, MPI_INT, MPI_SUM, inter);
    NB(Ireduce_scatter_block, all, out, in, remote, MPI_INT, MPI_SUM, inter);
#if MPI_VERSION >= 4
    M(Reduce_scatter_c, all, out, in, big(local, remote), MPI_INT, MPI_SUM, inter);
#endif
    free_arrays();
}

/* ---- within one ---- */

/* In place, and among neighbours: two of them, or one. */
static void within(MPI_Comm ring)
{
    MPI_Comm graph;
    const int size = counts_size;
    const int ranks[] = {(counts_rank + 1) % size, (counts_rank + size - 1) % size};
    int *const two = numbers(size, 2);
    int *const at = places(size, 2);
    int *const byte_at = places(size, 2 * INT);
    MPI_Datatype *const type = types(size, 1);
    const void *const here = MPI_IN_PLACE;
    M(Allgatherv, 2 * INT, here, 0, MPI_INT, in, two, at, MPI_INT, ring);
    M(Gatherv, 2 * INT, counts_rank == 0 ? here : out, 2, MPI_INT, in, two, at, MPI_INT, 0, ring);
    M(Alltoallv, size * 2 * INT, here, NULL, NULL, MPI_INT, in, two, at, MPI_INT, ring);
    M(Alltoallw, size * 2 * INT, here, NULL, NULL, NULL, in, two, byte_at, type, ring);
    M(Reduce_scatter, size * 2 * INT, here, in, two, MPI_INT, MPI_SUM, ring);
    free_arrays();

    int *const each = numbers(2, 2);
    int *const from = places(2, 2);
    MPI_Aint *const far_from = far_places(2, 2 * INT);
    MPI_Datatype *const both = types(2, 1);
    M(Neighbor_alltoallv, 2 * 2 * INT, out, each, from, MPI_INT, in, each, from, MPI_INT, ring);
    M(Neighbor_alltoallw, 2 * 2 * INT, out, each, far_from, both, in, each, far_from, both, ring);
    free_arrays();

    M(Dist_graph_create_adjacent, 0, ring, 1, &ranks[1], MPI_UNWEIGHTED, 1, &ranks[0],
      MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &graph);
    int *const once = numbers(1, 2);
    int *const only = places(1, 0);
    M(Neighbor_alltoallv, 2 * INT, out, once, only, MPI_INT, in, once, only, MPI_INT, graph);
    M(Comm_free, 0, &graph);
    free_arrays();
}

/* The first rank against the others. */
void counts_between(void)
{
    MPI_Comm half;
    MPI_Comm inter;
    const int alone = counts_rank == 0;
    const int local = alone ? 1 : counts_size - 1;
    const int remote = counts_size - local;
    M(Comm_split, 0, MPI_COMM_WORLD, alone, 0, &half);
    M(Intercomm_create, 0, half, 0, MPI_COMM_WORLD, alone ? 1 : 0, 5, &inter);
    alltoall(inter, remote);
    gather(inter, remote);
    rooted(inter, remote, alone ? MPI_ROOT : 0);
    const int last = counts_size - 1;
    rooted(inter, remote, alone ? last - 1 : counts_rank == last ? MPI_ROOT : MPI_PROC_NULL);
    reduce_scatter(inter, local, remote);
    M(Comm_free, 0, &inter);
    M(Comm_free, 0, &half);
    MPI_Comm ring;
    M(Cart_create, 0, MPI_COMM_WORLD, 1, &counts_size, (int[]){1}, 0, &ring);
    within(ring);
    M(Comm_free, 0, &ring);
}
