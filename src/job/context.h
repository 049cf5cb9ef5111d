/* SPDX-License-Identifier: BSD-3-Clause
 * What an intracommunicator has for our own collective operations: the memory its ranks share, or
 * their part of the network, and who is dead. Hangs on the communicator as an attribute. */
#ifndef FFMK_JOB_CONTEXT_H
#define FFMK_JOB_CONTEXT_H

#include "gossip/net/across.h"
#include "gossip/net/host.h"

#include <mpi.h>
#include <stdbool.h>

struct ffmk_context {
    int rank;
    int size;
    /* All ranks on one host, or a network; neither: operations are left to MPI, by all alike. */
    struct ffmk_host *host;
    struct ffmk_watch *watch; /* over all ranks, with a host */
    struct ffmk_across *across;
    void *segment;
    unsigned char *contributors; /* of an allreduce that is under way: a byte a rank */
    uint64_t name;               /* the same at all its ranks, and no other's */
    bool whole;                  /* its ranks are those of MPI_COMM_WORLD, in the same order */
    struct ffmk_context *next;   /* of all that there are */
};

/** The communicator's context. Collective when it has none yet: all its ranks must be alive then.
 * \return FFMK_SUCCESS; FFMK_ERR_ARGUMENT: not an intracommunicator; FFMK_ERR_NO_MEMORY and
 * FFMK_ERR_MPI, at all ranks alike. */
int ffmk_context_of(MPI_Comm comm, struct ffmk_context **context_p);

/** The same without making one: NULL when there is none. */
struct ffmk_context *ffmk_context_known(MPI_Comm comm);

/** Whether its operations go our own ways. */
static inline bool ffmk_context_is_ours(const struct ffmk_context *context)
{
    return context->size == 1 || context->host || context->across;
}

/** One whose operations do over the ranks of MPI_COMM_WORLD: the same at all of them, if they have
 * the same communicators. NULL when there is none. */
struct ffmk_context *ffmk_context_whole(void);

/** Whether a rank has ended, or was declared dead, so far as is known; or, asking the system, can
 * be seen now. */
bool ffmk_context_is_dead(struct ffmk_context *context, int rank, bool asking);
/** How many of its ranks are known to. */
int ffmk_context_dead(struct ffmk_context *context);

/** Whether a rank of any communicator that has, or had, a context has ended. Asks the system. */
bool ffmk_context_any_dead(void);

/** MPI is up; once more does no harm. It will end, and is still usable if `tidy`. */
int ffmk_context_start(void);
void ffmk_context_stop(bool tidy);

#endif
