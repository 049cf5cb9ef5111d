/* SPDX-License-Identifier: BSD-3-Clause
 * The column of air at rest, the bins' tables, and the state at the start. */
#include "air.h"

#include <math.h>
#include <stdlib.h>

#define SMALLEST_RADIUS 2.0e-6 /* m: a freshly activated droplet */

/* Relative humidity at the start: everywhere, and on top of it where the updraft begins. */
#define HUMIDITY        0.88
#define HUMIDITY_EXCESS 0.14

double saturation_vapour(double temperature, double pressure)
{
    const double vapour_pressure =
        611.2 * exp(17.67 * (temperature - 273.15) / (temperature - 29.65));
    return 0.622 * vapour_pressure / (pressure - 0.378 * vapour_pressure);
}

/** Hydrostatic balance with a constant gradient of potential temperature has this closed form. */
static struct level level_at(double height)
{
    struct level level;
    level.theta = SURFACE_THETA + THETA_GRADIENT * height;
    level.exner =
        1.0 - GRAVITY / (HEAT_CAPACITY * THETA_GRADIENT) * log(level.theta / SURFACE_THETA);
    level.pressure = SURFACE_PRESSURE * pow(level.exner, HEAT_CAPACITY / GAS_CONSTANT);
    level.density = level.pressure / (GAS_CONSTANT * level.theta * level.exner);
    return level;
}

/** Terminal velocity (Rogers & Yau 1989): Stokes' law below 40 µm, linear above. */
static double fall_speed(double radius)
{
    return radius < 40e-6 ? 1.2e8 * radius * radius : 8.0e3 * radius;
}

/** Long's (1974) polynomial kernel for two drops of radius a and b ≥ a, m³/s. Long's units are cm³
 * and s. */
static double long_kernel(double a, double b)
{
    const double x = 4.0 / 3.0 * PI * a * a * a * 1e6;
    const double y = 4.0 / 3.0 * PI * b * b * b * 1e6;
    return 1e-6 * (b < 50e-6 ? 9.44e9 * (x * x + y * y) : 5.78e3 * (x + y));
}

static void fill_bins(struct physics *physics)
{
    for (int k = 0; k <= BINS; k++) {
        const double radius = SMALLEST_RADIUS * exp2(k / 3.0);
        physics->mass[k] =
            4.0 / 3.0 * PI * WATER_DENSITY * pow(SMALLEST_RADIUS, 3.0) * exp2((double)k);
        if (k == BINS)
            break;
        physics->radius[k] = radius;
        physics->fall_speed[k] = fall_speed(radius);
    }
}

/** A drop of bin i that merges with one of bin j ≥ i makes one between bins j and j + 1. It is
 * shared between the two so that number and mass are right (Kovetz & Olund 1969): j + 1 gets the
 * part m_i / m_j, j the rest. The last bin keeps all it gets. */
static void fill_merging(struct physics *physics)
{
    for (int i = 0; i < BINS; i++) {
        for (int j = i; j < BINS; j++) {
            /* Of n drops in one bin there are n²/2 pairs, each of which takes two from it. */
            const double rate =
                (i == j ? 0.5 : 1.0) * long_kernel(physics->radius[i], physics->radius[j]);
            const double part = exp2(i - j);
            physics->change[j][i] -= rate;
            if (j + 1 < BINS) {
                physics->change[i][j] -= rate * part;
                physics->pass_on[i][j] += rate * part;
            } else if (i < j) {
                physics->change[i][j] += rate * part;
            } else {
                physics->change[i][j] += rate;
            }
        }
    }
}

struct physics *physics_create(const struct grid *grid)
{
    struct physics *physics = calloc(1, sizeof(*physics));
    if (!physics)
        return NULL;
    const size_t volume = (size_t)grid_block_volume(grid);
    physics->grid = grid;
    physics->levels = calloc((size_t)grid->cells[2], sizeof(physics->levels[0]));
    physics->scratch = calloc(volume, sizeof(double));
    physics->updraft = calloc(volume, sizeof(double));
    if (!physics->levels || !physics->scratch || !physics->updraft) {
        physics_destroy(physics);
        return NULL;
    }
    for (int z = 0; z < grid->cells[2]; z++)
        physics->levels[z] = level_at((z + 0.5) * CELL_METRES);
    fill_bins(physics);
    fill_merging(physics);
    return physics;
}

void physics_destroy(struct physics *physics)
{
    if (!physics)
        return;
    free(physics->levels);
    free(physics->scratch);
    free(physics->updraft);
    free(physics);
}

/** A number in [−1, 1) that belongs to a cell of the domain, whoever computes it. */
static double disturbance(uint64_t seed, int x, int y, int z)
{
    uint64_t h = seed * 0x9e3779b97f4a7c15u + (uint64_t)x;
    const uint64_t parts[3] = {(uint64_t)y, (uint64_t)z, 0};
    for (int i = 0; i < 3; i++) {
        h = (h ^ (h >> 31)) * 0xbf58476d1ce4e5b9u;
        h = (h ^ (h >> 29)) * 0x94d049bb133111ebu + parts[i];
    }
    return (double)(h >> 11) * 0x1p-52 - 1.0;
}

void physics_start(const struct physics *physics, struct block *block, uint64_t seed)
{
    const struct grid *grid = physics->grid;
    const struct strides strides = block_strides(grid);
    int at[AXES];
    grid_block_at(grid, block->id, at);
    double axis_x, axis_y, radius;
    updraft_axis(grid, 0.0, &axis_x, &axis_y, &radius);

    for (int z = 0; z < grid->block_cells[2]; z++) {
        const int global_z = at[2] * grid->block_cells[2] + z;
        const struct level *level = &physics->levels[global_z];
        const double saturated = saturation_vapour(level->theta * level->exner, level->pressure);
        for (int y = 0; y < grid->block_cells[1]; y++) {
            const int global_y = at[1] * grid->block_cells[1] + y;
            for (int x = 0; x < grid->block_cells[0]; x++) {
                const int global_x = at[0] * grid->block_cells[0] + x;
                const double dx = (global_x + 0.5) * CELL_METRES - axis_x;
                const double dy = (global_y + 0.5) * CELL_METRES - axis_y;
                const double near = exp(-(dx * dx + dy * dy) / (radius * radius));
                const ptrdiff_t cell = cell_index(&strides, x, y, z);
                block->values[THETA * strides.field + cell] =
                    level->theta + 0.05 * disturbance(seed, global_x, global_y, global_z);
                block->values[VAPOUR * strides.field + cell] =
                    saturated * (HUMIDITY + HUMIDITY_EXCESS * near);
            }
        }
    }
}
