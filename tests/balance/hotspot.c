/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: on an ordinary workload, a hot spot that moves through a grid with 6³ items a
 * rank, every step reaches the imbalance asked, moves not much more weight than must move, and
 * keeps the cut near that of cubes. Usage: hotspot <steps> [-v]. Needs a number of ranks that is a
 * cube or a product a × b × c it can find. */
#include <ffmk.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 6 };

static int grid[3] = {1, 1, 1}; /* ranks along each axis */

static void position_of(uint64_t id, double position[3])
{
    const uint64_t nx = (uint64_t)(SIDE * grid[0]), ny = (uint64_t)(SIDE * grid[1]);
    position[0] = (double)(id % nx) + 0.5;
    position[1] = (double)(id / nx % ny) + 0.5;
    position[2] = (double)(id / nx / ny) + 0.5;
}

static double weight_at(const double position[3], double phase)
{
    double square = 0;
    for (int axis = 0; axis < 3; axis++) {
        const double centre = 0.5 + 0.3 * cos(phase + 2 * axis);
        const double d = position[axis] / (SIDE * grid[axis]) - centre;
        square += d * d;
    }
    return 1 + 9 * exp(-square / 0.02);
}

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    (void)context;
    memcpy(buffer, &id, sizeof id);
    *written_p = capacity;
    return 0;
}

static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    (void)context;
    return bytes == sizeof id && memcmp(buffer, &id, sizeof id) == 0 ? 0 : 1;
}

static void drop(void *context, uint64_t id)
{
    (void)context;
    (void)id;
}

static void add(ffmk_items *items, uint64_t id)
{
    const uint64_t n[3] = {(uint64_t)(SIDE * grid[0]), (uint64_t)(SIDE * grid[1]),
                           (uint64_t)(SIDE * grid[2])};
    const uint64_t at[3] = {id % n[0], id / n[0] % n[1], id / n[0] / n[1]};
    const uint64_t stride[3] = {1, n[0], n[0] * n[1]};
    ffmk_link links[3];
    double position[3];
    ffmk_item item = FFMK_ITEM_INIT;
    position_of(id, position);
    item.id = id;
    item.bytes = sizeof id;
    item.links = links;
    item.position = position;
    for (int axis = 0; axis < 3; axis++)
        if (at[axis] + 1 < n[axis])
            links[item.n_links++] = (ffmk_link){id + stride[axis], 1};
    if (ffmk_items_add(items, &item) != 0)
        MPI_Abort(MPI_COMM_WORLD, 1);
}

int main(int argc, char **argv)
{
    int rank, size, failed = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const int steps = argc > 1 ? atoi(argv[1]) : 10;
    const int verbose = argc > 2;
    int left = size;
    for (int axis = 0, factor = 2; left > 1; factor++)
        while (left % factor == 0) {
            grid[axis++ % 3] *= factor;
            left /= factor;
        }

    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    ffmk_items *items;
    if (ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &items) != 0)
        MPI_Abort(MPI_COMM_WORLD, 1);
    const int at[3] = {rank % grid[0], rank / grid[0] % grid[1], rank / grid[0] / grid[1]};
    for (int z = 0; z < SIDE; z++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                add(items, (uint64_t)(((at[2] * SIDE + z) * SIDE * grid[1] + at[1] * SIDE + y) *
                                          SIDE * grid[0] +
                                      at[0] * SIDE + x));

    const double n_items = SIDE * SIDE * SIDE * (double)size;
    for (int step = 0; step < steps; step++) {
        size_t count;
        ffmk_items_count(items, &count);
        uint64_t *ids = malloc((count + 1) * sizeof *ids);
        ffmk_items_ids(items, ids, count);
        for (size_t i = 0; i < count; i++) {
            double position[3];
            position_of(ids[i], position);
            ffmk_items_set_weight(items, ids[i], weight_at(position, 0.15 * step));
        }
        free(ids);
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
        const int code = ffmk_rebalance(items, &info);
        if (code || info.imbalance_after > 1.05) {
            fprintf(stderr, "step %d: %s, imbalance %g\n", step, ffmk_strerror(code),
                    info.imbalance_after);
            failed = 1;
        }
        if (rank == 0 && verbose)
            printf("step %2d: imbalance %.3f -> %.3f cut %6.0f -> %6.0f moved %5.1f %% rounds %d "
                   "plan %.1f ms move %.1f ms\n",
                   step, info.imbalance_before, info.imbalance_after, info.cut_before,
                   info.cut_after, 100 * (double)info.items_moved / n_items, info.rounds,
                   1e3 * info.plan_s, 1e3 * info.migrate_s);
    }
    ffmk_items_destroy(items);
    MPI_Finalize();
    return failed;
}
