/* SPDX-License-Identifier: BSD-3-Clause
 * The progress bar on a person's terminal; nothing anywhere else. */
#ifndef CLOUD_PROGRESS_H
#define CLOUD_PROGRESS_H

#include <stdbool.h>

/** Whether what we write to stderr ends up on a terminal, also through a launcher that reads it
 * from a pipe. */
bool progress_wanted(void);

/** Redraw the bar. */
void progress_draw(int step, int steps);

/** Wipe it. */
void progress_end(void);

#endif
