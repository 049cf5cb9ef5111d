/* SPDX-License-Identifier: BSD-3-Clause
 * Block numbers, coordinates and neighbours. */
#include "grid.h"

struct grid grid_make(const int cells[AXES], const int block_cells[AXES])
{
    struct grid grid = {.n_blocks = 1};
    for (int axis = 0; axis < AXES; axis++) {
        grid.cells[axis] = cells[axis];
        grid.block_cells[axis] = block_cells[axis];
        grid.blocks[axis] = cells[axis] / block_cells[axis];
        grid.n_blocks *= grid.blocks[axis];
    }
    return grid;
}

int grid_block_volume(const struct grid *grid)
{
    return grid->block_cells[0] * grid->block_cells[1] * grid->block_cells[2];
}

int grid_face_area(const struct grid *grid, int axis)
{
    return grid_block_volume(grid) / grid->block_cells[axis];
}

int grid_block_id(const struct grid *grid, const int at[AXES])
{
    return (at[0] * grid->blocks[1] + at[1]) * grid->blocks[2] + at[2];
}

void grid_block_at(const struct grid *grid, int id, int at[AXES])
{
    at[2] = id % grid->blocks[2];
    at[1] = id / grid->blocks[2] % grid->blocks[1];
    at[0] = id / grid->blocks[2] / grid->blocks[1];
}

int grid_neighbour(const struct grid *grid, int id, int side)
{
    int at[AXES];
    grid_block_at(grid, id, at);
    const int axis = side_axis(side);
    at[axis] += side % 2 ? 1 : -1;
    if (at[axis] < 0 || at[axis] >= grid->blocks[axis])
        return -1;
    return grid_block_id(grid, at);
}

int grid_first_owner(const struct grid *grid, int id, int n_ranks)
{
    return (int)((int64_t)id * n_ranks / grid->n_blocks);
}
