/* SPDX-License-Identifier: BSD-3-Clause
 * The page's colour scales, for light and dark: a mixture of the three kinds of time, and amounts
 * from little to much. Useful work is pale and cool, MPI amber, waiting crimson: they differ in
 * lightness, so that all kinds of colour vision can tell them apart, and every mixture lies between
 * them. */
#ifndef FFMK_CLI_PAGE_COLOUR_H
#define FFMK_CLI_PAGE_COLOUR_H

#include <stdio.h>

/** Mixtures come in steps of 1/16 and have classes "k<mpi>-<wait>"; amounts come in 10 levels, "a0"
 * to "a9". */
enum { FFMK_COLOUR_STEPS = 16, FFMK_COLOUR_LEVELS = 10 };

/** Write the style sheet that gives the classes their colours. */
void ffmk_colour_style(FILE *out);

/** The nearest mixture of useful, MPI (not waiting) and waiting time; shares of an interval, cut to
 * sum to 1. */
struct ffmk_colour_mix {
    int mpi;
    int wait;
};
struct ffmk_colour_mix ffmk_colour_mix(double mpi, double wait);

#endif
