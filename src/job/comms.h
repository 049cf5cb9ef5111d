/* SPDX-License-Identifier: BSD-3-Clause
 * What the doors ask of communicators and datatypes. */
#ifndef FFMK_JOB_COMMS_H
#define FFMK_JOB_COMMS_H

#include "job/engine.h"

/** MPI is up; *counter is raised whenever a communicator goes away. */
int ffmk_comms_start(volatile uint32_t *counter);

/** No more questions. tidy: MPI is still usable, give back what we hold of it. */
void ffmk_comms_stop(int tidy);

/** See struct ffmk_engine. */
/** The communicator that a handle of the doors is. */
MPI_Comm ffmk_comms_of(uint64_t handle);
uint64_t ffmk_comms_type_size(uint64_t handle);
const struct ffmk_comm_map *ffmk_comms_map(uint64_t handle);

#endif
