/* SPDX-License-Identifier: BSD-3-Clause
 * The domain and how it is cut into blocks: pure geometry. Knows nothing of ranks but who owns what
 * at the start. */
#ifndef CLOUD_GRID_H
#define CLOUD_GRID_H

#include <stdint.h>

enum { AXES = 3, SIDES = 6 };

/** The six sides of a block: axis = side / 2; even sides look down the axis, odd ones up. */
enum side { WEST, EAST, SOUTH, NORTH, BOTTOM, TOP };

static inline int side_axis(int side)
{
    return side / 2;
}

/** The side on which the neighbour beyond `side` sees us. */
static inline int side_opposite(int side)
{
    return side ^ 1;
}

struct grid {
    int cells[AXES];       /**< Of the whole domain. */
    int block_cells[AXES]; /**< Of one block, without halo. */
    int blocks[AXES];      /**< cells / block_cells. */
    int n_blocks;
};

/** Cells of 100 m make a domain of the default size 4.8 km × 4.8 km × 1.6 km. */
#define CELL_METRES 100.0

/** Cut `cells` into blocks; every size must be a multiple of its block size. */
struct grid grid_make(const int cells[AXES], const int block_cells[AXES]);

/** Cells of one block, and of one of its faces. */
int grid_block_volume(const struct grid *grid);
int grid_face_area(const struct grid *grid, int axis);

/** Blocks are numbered with z fastest and x slowest: consecutive ids make slabs across x. */
int grid_block_id(const struct grid *grid, const int at[AXES]);
void grid_block_at(const struct grid *grid, int id, int at[AXES]);

/** The block beyond `side` of block `id`, or −1 at the edge of the domain. */
int grid_neighbour(const struct grid *grid, int id, int side);

/** Who owns block `id` before anything is balanced: equal slabs across x, as far as the number of
 * blocks allows. */
int grid_first_owner(const struct grid *grid, int id, int n_ranks);

#endif
