/* SPDX-License-Identifier: BSD-3-Clause
 * What dynamics and microphysics both know of the air: constants, the column at rest, and the
 * tables of the bins. */
#ifndef CLOUD_AIR_H
#define CLOUD_AIR_H

#include "physics.h"

#define GRAVITY          9.81
#define HEAT_CAPACITY    1004.0 /**< Of dry air at constant pressure, J/(kg K). */
#define GAS_CONSTANT     287.0  /**< Of dry air, J/(kg K). */
#define LATENT_HEAT      2.5e6  /**< Of vaporisation, J/kg. */
#define WATER_DENSITY    1000.0
#define SURFACE_PRESSURE 1.0e5
#define SURFACE_THETA    290.0
#define THETA_GRADIENT   3.0e-3 /**< K/m: a stable atmosphere. */
#define PI               3.14159265358979323846

/** The air at rest at one height. */
struct level {
    double theta;    /**< Potential temperature, K. */
    double exner;    /**< Temperature / potential temperature. */
    double pressure; /**< Pa. */
    double density;  /**< kg/m³. */
};

struct physics {
    const struct grid *grid;
    struct level *levels; /**< [cells[2]] */
    double *scratch;      /**< One field of a block without halo: what a dynamics step writes. */
    double *updraft;      /**< Vertical wind in each cell of the block at hand. */

    double mass[BINS + 1];   /**< Of one drop, kg; the last entry bounds the last bin. */
    double radius[BINS];     /**< m */
    double fall_speed[BINS]; /**< m/s */

    /* Merging, m³/s: what one drop of bin i does to bin k, per drop there. See fill_merging() in
     * air.c. */
    double change[BINS][BINS];
    double pass_on[BINS][BINS];
};

/** fmin() and fmax() are calls, for the sake of NaN; these are one instruction each. */
static inline double smaller(double a, double b)
{
    return a < b ? a : b;
}

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

/** Saturation mixing ratio over water (Bolton 1980). */
double saturation_vapour(double temperature, double pressure);

/** Where the updraft's axis stands after `seconds`, m, and its radius. */
void updraft_axis(const struct grid *grid, double seconds, double *x_p, double *y_p,
                  double *radius_p);

#endif
