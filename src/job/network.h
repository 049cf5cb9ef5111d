/* SPDX-License-Identifier: BSD-3-Clause
 * This process's endpoint on the network, opened when the first communicator needs it. */
#ifndef FFMK_JOB_NETWORK_H
#define FFMK_JOB_NETWORK_H

#include "core/config.h"
#include "gossip/net/across.h"

enum ffmk_transport { FFMK_TRANSPORT_AUTO, FFMK_TRANSPORT_UDP, FFMK_TRANSPORT_MPI };

/** What the environment asks for; the same at all ranks, if it is. */
enum ffmk_transport ffmk_network_transport(void);

/** A variable's value: what the job was started with, or of the environment when the job measures
 * nothing. */
const char *ffmk_network_setting(enum ffmk_config_id id);

/** How outcomes of an operation (BCAST, BARRIER, ALLREDUCE) are to spread: as its variable says,
 * and checked where that says nothing. */
struct ffmk_cast_manner ffmk_network_manner(enum ffmk_config_id id);

/** The endpoint; NULL when it cannot be opened, and errno says why. */
struct ffmk_endpoint *ffmk_network_endpoint(void);

/** No operation of this process is needed any more by anybody, once this returns; nobody sends to
 * it from then on. */
void ffmk_network_stop(void);

#endif
