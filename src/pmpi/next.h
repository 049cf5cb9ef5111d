/* SPDX-License-Identifier: BSD-3-Clause
 * Where a door leads: PMPI, or the next tool's MPI_ name with FFMK_CHAIN=1. Found by name when
 * first needed, in whatever scope MPI was loaded (mpi4py and other plugins load it out of the
 * global one). */
#ifndef FFMK_PMPI_NEXT_H
#define FFMK_PMPI_NEXT_H

#include "pmpi/doors.h"

typedef void ffmk_function(void);

/** What each door calls; NULL until ffmk_next_find() found it. */
__attribute__((visibility("hidden"))) extern ffmk_function *ffmk_next[FFMK_DOORS];

/** Find what a door calls. A program that reached the door has the function, so a miss means that
 * MPI went away: that is said and the process ends. */
void ffmk_next_find(unsigned door);

/** Pass calls on to the next tool from now on. */
void ffmk_next_chain(void);

/** A symbol of the MPI that the program uses, or NULL. */
void *ffmk_next_symbol(const char *name);

#endif
