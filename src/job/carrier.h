/* SPDX-License-Identifier: BSD-3-Clause
 * Messages of our own operations by MPI's point-to-point calls, over a communicator of ours with
 * the same ranks: for networks that only MPI knows well. It survives no death that MPI does not. */
#ifndef FFMK_JOB_CARRIER_H
#define FFMK_JOB_CARRIER_H

#include "gossip/net/endpoint.h"

#include <mpi.h>
#include <stdbool.h>

struct ffmk_mpi_carrier;

/** Collective over the communicator. \return NULL, errno telling why: at some ranks, it may be;
 * those who have one give it up by ffmk_carrier_abandon() then. */
struct ffmk_mpi_carrier *ffmk_carrier_open(MPI_Comm comm);
void ffmk_carrier_abandon(struct ffmk_mpi_carrier *carrier);

struct ffmk_endpoint *ffmk_carrier_endpoint(struct ffmk_mpi_carrier *carrier);

/** What went over its endpoint was destroyed. The communicator may go; ours stays until all ranks
 * need nothing of this one any more. */
void ffmk_carrier_close(struct ffmk_mpi_carrier *carrier);

/** Take leave of those that can be, once; or, MPI being about to end, wait for all of them. */
void ffmk_carrier_tidy(bool last);

#endif
