/* SPDX-License-Identifier: BSD-3-Clause
 * Where the installed builds of libffmk lie: one for each MPI, relative to this command. */
#ifndef FFMK_CLI_BUILDS_H
#define FFMK_CLI_BUILDS_H

#include <stdbool.h>
#include <stddef.h>

/** The MPIs a build may exist for; NULL ends the list. */
extern const char *const ffmk_builds_names[];

/** Path of libffmk.so.0 for one of them. \return false when it is not installed. */
bool ffmk_builds_library(const char *mpi, char *path, size_t bytes);

/** "openmpi, mpich": the installed ones, for messages. */
void ffmk_builds_list(char *text, size_t bytes);

#endif
