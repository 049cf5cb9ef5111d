/* SPDX-License-Identifier: BSD-3-Clause
 * What each persistent send will send, so that MPI_Start can be accounted for. A table of fixed
 * size: written under a lock when requests are made, read without one when they are started. */
#ifndef FFMK_PMPI_PERSISTENT_H
#define FFMK_PMPI_PERSISTENT_H

#include "pmpi/record.h"

/** Remember a persistent send. \return 0: nothing is moved yet. */
uint64_t ffmk_persistent_add(struct ffmk_recorder *recorder, uint64_t request, int64_t count,
                             uint64_t datatype, int dest, uint64_t comm);

/** `request` is persistent but sends nothing: forget a send that had the same handle. \return 0. */
uint64_t ffmk_persistent_other(uint64_t request);

/** Account for one start. \return the bytes it sends. */
uint64_t ffmk_persistent_start(struct ffmk_recorder *recorder, uint64_t request);

/** Persistent sends that found no room, and are counted as calls only. */
uint64_t ffmk_persistent_untracked(void);

#endif
