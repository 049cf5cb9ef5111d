/* SPDX-License-Identifier: BSD-3-Clause
 * The model: air that is blown along and mixed (dynamics), and drops that grow and merge
 * (microphysics). Works on one block at a time and knows neither ranks nor neighbours, so that who
 * owns a block cannot change a bit of the result.
 *
 * A kinematic cloud: wind and updraft are prescribed, temperature, vapour and drops answer. The
 * updraft drifts with the wind and widens, so the cloud moves and grows. */
#ifndef CLOUD_PHYSICS_H
#define CLOUD_PHYSICS_H

#include "block.h"

/** Seconds of model time a step. At the largest, a wind of 2.5 m/s over cells of 100 m makes a
 * Courant number of 0.1.
 */
#define STEP_SECONDS 4.0

struct physics;

/** Tables for this grid. \return NULL when memory is short. */
struct physics *physics_create(const struct grid *grid);
void physics_destroy(struct physics *physics);

/** The state at the start: stable, moist air, moistest where the updraft begins; `seed` decides
 * small disturbances. */
void physics_start(const struct physics *physics, struct block *block, uint64_t seed);

/** Advection by the wind (upwind), diffusion, and the fall of drops, for step number `step`. Reads
 * the halo. */
void physics_dynamics(struct physics *physics, struct block *block, int step);

/** Condensation, evaporation and coagulation in the cells that have drops or are saturated. Counts
 * its substeps. */
void physics_microphysics(const struct physics *physics, struct block *block);

/** Cost of a block in units of the dynamics of one cell, from what was counted over `steps` steps.
 */
double physics_cost(const struct grid *grid, const struct block *block, int steps);

/** Water in drops of one block, kg per kg of air, summed over its cells. */
double physics_condensate(const struct physics *physics, const struct block *block);

#endif
