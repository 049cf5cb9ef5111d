/* SPDX-License-Identifier: BSD-3-Clause
 * Advection, diffusion and the fall of drops: one explicit step of a block, reading its halo. */
#include "air.h"

#include <math.h>

#define WIND_X    2.0  /* m/s */
#define WIND_Y    1.0  /* m/s */
#define DIFFUSION 15.0 /* m²/s: turbulent mixing */

#define UPDRAFT_SPEED  2.5  /* m/s on its axis, at mid-height */
#define UPDRAFT_RADIUS 0.11 /* of the shorter side of the domain, at the start */
#define UPDRAFT_GROWTH 0.25 /* m/s */

void updraft_axis(const struct grid *grid, double seconds, double *x_p, double *y_p,
                  double *radius_p)
{
    const double length_x = grid->cells[0] * CELL_METRES;
    const double length_y = grid->cells[1] * CELL_METRES;
    *x_p = 0.13 * length_x + WIND_X * seconds;
    *y_p = 0.30 * length_y + WIND_Y * seconds;
    *radius_p = UPDRAFT_RADIUS * smaller(length_x, length_y) + UPDRAFT_GROWTH * seconds;
}

/** Fill physics->updraft: a Gaussian around the axis, strongest at mid-height, nothing at the
 * ground and the top. */
static void find_updraft(struct physics *physics, const struct block *block, int step)
{
    const struct grid *grid = physics->grid;
    int at[AXES];
    grid_block_at(grid, block->id, at);
    double axis_x, axis_y, radius;
    updraft_axis(grid, step * STEP_SECONDS, &axis_x, &axis_y, &radius);

    double *speed = physics->updraft;
    for (int z = 0; z < grid->block_cells[2]; z++) {
        const int global_z = at[2] * grid->block_cells[2] + z;
        const double by_height = UPDRAFT_SPEED * sin(PI * (global_z + 0.5) / grid->cells[2]);
        for (int y = 0; y < grid->block_cells[1]; y++) {
            const double dy = (at[1] * grid->block_cells[1] + y + 0.5) * CELL_METRES - axis_y;
            const double by_y = by_height * exp(-dy * dy / (radius * radius));
            for (int x = 0; x < grid->block_cells[0]; x++) {
                const double dx = (at[0] * grid->block_cells[0] + x + 0.5) * CELL_METRES - axis_x;
                *speed++ = by_y * exp(-dx * dx / (radius * radius));
            }
        }
    }
}

/** One step of one field. Upwind differences: stable while the Courant numbers add up to less than
 * one. */
static void step_field(struct physics *physics, double *values, double fall_speed)
{
    const struct grid *grid = physics->grid;
    const struct strides strides = block_strides(grid);
    const ptrdiff_t up_y = strides.axis[1];
    const ptrdiff_t up_z = strides.axis[2];
    const double courant = STEP_SECONDS / CELL_METRES;
    const double mixing = DIFFUSION * STEP_SECONDS / (CELL_METRES * CELL_METRES);

    const double *updraft = physics->updraft;
    double *next = physics->scratch;
    for (int z = 0; z < grid->block_cells[2]; z++) {
        for (int y = 0; y < grid->block_cells[1]; y++) {
            const double *here = &values[cell_index(&strides, 0, y, z)];
            for (int x = 0; x < grid->block_cells[0]; x++, here++) {
                const double w = *updraft++ - fall_speed;
                const double by_w = w > 0.0 ? here[0] - here[-up_z] : here[up_z] - here[0];
                const double advection =
                    WIND_X * (here[0] - here[-1]) + WIND_Y * (here[0] - here[-up_y]) + w * by_w;
                const double laplacian = here[-1] + here[1] + here[-up_y] + here[up_y] +
                                         here[-up_z] + here[up_z] - 6.0 * here[0];
                *next++ = here[0] - courant * advection + mixing * laplacian;
            }
        }
    }

    next = physics->scratch;
    for (int z = 0; z < grid->block_cells[2]; z++) {
        for (int y = 0; y < grid->block_cells[1]; y++) {
            double *here = &values[cell_index(&strides, 0, y, z)];
            for (int x = 0; x < grid->block_cells[0]; x++)
                *here++ = *next++;
        }
    }
}

void physics_dynamics(struct physics *physics, struct block *block, int step)
{
    const struct strides strides = block_strides(physics->grid);
    find_updraft(physics, block, step);
    for (int field = 0; field < FIELDS; field++) {
        const double fall_speed = field < BIN ? 0.0 : physics->fall_speed[field - BIN];
        step_field(physics, &block->values[field * strides.field], fall_speed);
    }
}
