/* SPDX-License-Identifier: BSD-3-Clause
 * Two pictures of a run, as SVG files that need nothing but themselves and read well on dark and on
 * light. Draws what history.h holds; measures nothing. Rank 0 only. */
#ifndef CLOUD_PICTURES_H
#define CLOUD_PICTURES_H

#include "history.h"

#include <stdbool.h>

/** Make the folder where it does not exist, and see whether files can be made in it.
 * \return false with errno set. */
bool pictures_prepare(const char *folder);

/** Write owners.svg (a horizontal slice of blocks, coloured by rank, three times) and load.svg (the
 * work of each rank over time; with `balanced`, also what it would have been without). \return
 * false with errno set. */
bool pictures_write(const char *folder, const struct history *history, bool balanced);

#endif
