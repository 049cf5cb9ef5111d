/* SPDX-License-Identifier: BSD-3-Clause
 * A program's own account of the MPI calls it makes, to compare the report with: M(Send, bytes,
 * arguments…) notes MPI_Send and makes it. */
#ifndef FFMK_TEST_TALLY_H
#define FFMK_TEST_TALLY_H

#include <mpi.h>
#include <stddef.h>

/** Note one call; bytes as docs/report.md means them. Callable from any thread. */
void tally(const char *name, size_t bytes);

/** Write the account of this process to <stem>.<rank>, one "name binding count bytes" a line. */
void tally_write(const char *stem, int rank);

#define M(name, bytes, ...) (tally("MPI_" #name, (size_t)(bytes)), MPI_##name(__VA_ARGS__))

#endif
