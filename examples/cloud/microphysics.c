/* SPDX-License-Identifier: BSD-3-Clause
 * Spectral-bin microphysics of single cells: drops are activated, grow or shrink by vapour, and
 * merge. The substep follows the fastest process, so a cell costs what happens in it: nothing in
 * clear air, most where the cloud is young or evaporates. */
#include "air.h"

#include <math.h>

#define GROWTH                                                                                     \
    1.0e-10 /* m²/s: r dr/dt at 100 % supersaturation (Rogers & Yau 1989, near 283 K)             \
             */
#define DROPS_MOST    2.0e8 /* per kg: condensation nuclei that can be activated … */
#define DROPS_FULL_AT 0.005 /* … and the supersaturation that activates them all */
#define LEAST_WATER                                                                                \
    1.0e-8 /* kg/kg: less than this in drops is no cloud, and evaporates at once                   \
            */
#define MOST_SUBSTEPS 96
#define MOST_CHANGE   0.1 /* part of a bin that may move on in a substep */

/* Fewer drops than this per m³ meet nobody. It also keeps products far from the smallest doubles,
 * whose arithmetic is slow. */
#define FEWEST_DROPS 1.0e-3

/* A substep costs about as much as dynamics, exchange and clear air's microphysics of this many
 * cells: the slope over the intercept of measured seconds against counted substeps; gcc 12, x86-64.
 */
#define SUBSTEP_COST 0.8

/** One cell on its own: gathered from the block's fields, scattered back when done. */
struct cell {
    double theta;
    double vapour;
    double drops[BINS];
};

static double water_in(const struct physics *physics, const struct cell *cell)
{
    double water = 0.0;
    for (int k = 0; k < BINS; k++)
        water += cell->drops[k] * physics->mass[k];
    return water;
}

/** Turn `water` (kg/kg) of vapour into drops, or drops into vapour where negative, with its heat.
 */
static void condense(struct cell *cell, const struct level *level, double water)
{
    cell->vapour -= water;
    cell->theta += LATENT_HEAT / (HEAT_CAPACITY * level->exner) * water;
}

/** New drops in the smallest bin, as many as the supersaturation activates and are not there yet.
 */
static void activate(const struct physics *physics, const struct level *level, struct cell *cell,
                     double supersaturation)
{
    double drops = 0.0;
    for (int k = 0; k < BINS; k++)
        drops += cell->drops[k];
    const double fresh = DROPS_MOST * smaller(1.0, supersaturation / DROPS_FULL_AT) - drops;
    if (fresh <= 0.0)
        return;
    cell->drops[0] += fresh;
    condense(cell, level, fresh * physics->mass[0]);
}

/** Mass that a drop gains or loses by vapour, per metre of its radius and second. */
static double growth_rate(double supersaturation)
{
    return 4.0 * PI * WATER_DENSITY * GROWTH * fabs(supersaturation);
}

/** Growth by vapour over `seconds`: the part of bin k that grows to the mass of bin k + 1 moves
 * there. */
static void grow(const struct physics *physics, const struct level *level, struct cell *cell,
                 double supersaturation, double saturated, double seconds)
{
    double moving[BINS];
    double water = 0.0;
    const int direction = supersaturation > 0.0 ? 1 : -1;
    const double rate = growth_rate(supersaturation) * seconds;
    for (int k = 0; k < BINS; k++) {
        /* Masses double from bin to bin; drops that shrink out of bin 0 are vapour. */
        const double gap = direction > 0 || k == 0 ? physics->mass[k] : physics->mass[k - 1];
        const double part = smaller(1.0, rate * physics->radius[k] / gap);
        moving[k] = direction > 0 && k == BINS - 1 ? 0.0 : part * cell->drops[k];
        water += moving[k] * gap;
    }
    /* Do not run through the equilibrium: condensing warms, and warming raises saturation. */
    const double temperature = cell->theta * level->exner;
    const double slope =
        17.67 * 243.5 / ((temperature - 29.65) * (temperature - 29.65)) * saturated;
    const double room =
        0.5 * fabs(cell->vapour - saturated) / (1.0 + LATENT_HEAT / HEAT_CAPACITY * slope);
    const double scale = water > room ? room / water : 1.0;
    condense(cell, level, direction * scale * water);
    for (int k = 0; k < BINS; k++) {
        const double drops = scale * moving[k];
        cell->drops[k] -= drops;
        /* From bin 0 they go into the vapour; from the last one there is nowhere to grow to. */
        if (k + direction >= 0 && k + direction < BINS)
            cell->drops[k + direction] += drops;
    }
}

/** How fast drops merge now: `change` is what bin k gains (or loses) per drop in it, `pass_on` what
 * bin k + 1 gets per drop in bin k, per second. Both are sums over the bins to merge with, weighted
 * by the tables of air.c. */
struct merging {
    double change[BINS];
    double pass_on[BINS];
    double fastest; /**< The largest part that a bin loses in a second. */
};

static void find_merging(const struct physics *physics, const struct level *level,
                         const struct cell *cell, struct merging *merging)
{
    *merging = (struct merging){.fastest = 0.0};
    for (int i = 0; i < BINS; i++) {
        const double drops = cell->drops[i] * level->density;
        if (drops < FEWEST_DROPS)
            continue;
        for (int k = 0; k < BINS; k++) {
            merging->change[k] += drops * physics->change[i][k];
            merging->pass_on[k] += drops * physics->pass_on[i][k];
        }
    }
    for (int k = 0; k < BINS; k++)
        merging->fastest = larger(merging->fastest, -merging->change[k]);
}

static void merge(struct cell *cell, const struct merging *merging, double seconds)
{
    double arriving = 0.0;
    for (int k = 0; k < BINS; k++) {
        const double leaving = seconds * merging->pass_on[k] * cell->drops[k];
        cell->drops[k] += seconds * merging->change[k] * cell->drops[k] + arriving;
        arriving = leaving;
    }
}

static void evaporate_all(const struct level *level, struct cell *cell, double water)
{
    condense(cell, level, -water);
    for (int k = 0; k < BINS; k++)
        cell->drops[k] = 0.0;
}

/** One model step of a cell. \return the substeps it took: 0 in clear air. */
static int develop(const struct physics *physics, const struct level *level, struct cell *cell)
{
    double left = STEP_SECONDS;
    int substeps = 0;
    while (left > 0.0) {
        const double saturated = saturation_vapour(cell->theta * level->exner, level->pressure);
        const double supersaturation = cell->vapour / saturated - 1.0;
        const double water = water_in(physics, cell);
        if (supersaturation > 0.0) {
            activate(physics, level, cell, supersaturation);
        } else if (water < LEAST_WATER) {
            evaporate_all(level, cell, water);
            break;
        }
        struct merging merging;
        find_merging(physics, level, cell, &merging);
        /* By vapour, the smallest drops change fastest. */
        const double growing = growth_rate(supersaturation) * physics->radius[0] / physics->mass[0];
        const double wanted = MOST_CHANGE / larger(growing, merging.fastest);
        const double seconds = smaller(left, larger(wanted, STEP_SECONDS / MOST_SUBSTEPS));
        merge(cell, &merging, seconds);
        grow(physics, level, cell, supersaturation, saturated, seconds);
        left -= seconds;
        substeps++;
    }
    return substeps;
}

void physics_microphysics(const struct physics *physics, struct block *block)
{
    const struct grid *grid = physics->grid;
    const struct strides strides = block_strides(grid);
    int at[AXES];
    grid_block_at(grid, block->id, at);
    for (int z = 0; z < grid->block_cells[2]; z++) {
        const struct level *level = &physics->levels[at[2] * grid->block_cells[2] + z];
        for (int y = 0; y < grid->block_cells[1]; y++) {
            for (int x = 0; x < grid->block_cells[0]; x++) {
                double *values = &block->values[cell_index(&strides, x, y, z)];
                struct cell cell = {.theta = values[THETA * strides.field],
                                    .vapour = values[VAPOUR * strides.field]};
                for (int k = 0; k < BINS; k++)
                    cell.drops[k] = values[(BIN + k) * strides.field];
                block->substeps += (uint64_t)develop(physics, level, &cell);
                values[THETA * strides.field] = cell.theta;
                values[VAPOUR * strides.field] = cell.vapour;
                for (int k = 0; k < BINS; k++)
                    values[(BIN + k) * strides.field] = cell.drops[k];
            }
        }
    }
}

double physics_cost(const struct grid *grid, const struct block *block, int steps)
{
    return (double)grid_block_volume(grid) * steps + SUBSTEP_COST * (double)block->substeps;
}

double physics_condensate(const struct physics *physics, const struct block *block)
{
    const struct grid *grid = physics->grid;
    const struct strides strides = block_strides(grid);
    double water = 0.0;
    for (int k = 0; k < BINS; k++) {
        const double *drops = &block->values[(BIN + k) * strides.field];
        for (int z = 0; z < grid->block_cells[2]; z++)
            for (int y = 0; y < grid->block_cells[1]; y++)
                for (int x = 0; x < grid->block_cells[0]; x++)
                    water += drops[cell_index(&strides, x, y, z)] * physics->mass[k];
    }
    return water;
}
