/* SPDX-License-Identifier: BSD-3-Clause
 * MPI's own reductions of its own datatypes, without MPI: a nonblocking reduction goes on while the
 * program does something else, perhaps in another thread, where MPI must not be called. */
#ifndef FFMK_JOB_ARITHMETIC_H
#define FFMK_JOB_ARITHMETIC_H

#include "gossip/net/host.h"

#include <mpi.h>

/** What combines packed elements of a predefined datatype by a predefined operation, as
 * MPI_Reduce_local() does; it ignores its context. A duplicate of a datatype counts as that one.
 * NULL: not known here (a program's own operation or datatype), or MPI has no such. */
ffmk_combine *ffmk_arithmetic_of(MPI_Op op, MPI_Datatype datatype);

#endif
