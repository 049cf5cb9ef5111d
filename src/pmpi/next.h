/* SPDX-License-Identifier: BSD-3-Clause
 * Where a door leads: PMPI, or the next tool's MPI_ name with FFMK_CHAIN=1. Found by name when
 * first needed, in whatever scope MPI was loaded (mpi4py and other plugins load it out of the
 * global one). */
#ifndef FFMK_PMPI_NEXT_H
#define FFMK_PMPI_NEXT_H

#include "pmpi/doors.h"

#include <stdbool.h>

typedef void ffmk_function(void);

#pragma GCC visibility push(hidden)

/** What each door calls; NULL until ffmk_next_find() found it. */
extern ffmk_function *ffmk_next[FFMK_DOORS];

/** Whether that is known and the usual way may be taken. */
extern bool ffmk_next_usual[FFMK_DOORS];

/** Whether a handle may go away during a call that uses it: ffmk_next_be_careful() was called. */
extern bool ffmk_next_careful;

#pragma GCC visibility pop

/** Find what a door calls. A program that reached the door has the function, so a miss means that
 * MPI went away: that is said and the process ends. */
void ffmk_next_find(unsigned door);

/** The same without a change of the door: what is behind it, were it not replaced. */
ffmk_function *ffmk_next_behind(unsigned door);

/** A door leads to this function from now on. */
void ffmk_next_replace(unsigned door, ffmk_function *function);

/** Threads may make calls at once: from now on what a call moves is looked up ahead of it. */
void ffmk_next_be_careful(void);

/** Pass calls on to the next tool from now on. */
void ffmk_next_chain(void);

/** A symbol of the MPI that the program uses, or NULL. */
void *ffmk_next_symbol(const char *name);

#endif
