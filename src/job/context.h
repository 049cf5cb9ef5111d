/* SPDX-License-Identifier: BSD-3-Clause
 * What an intracommunicator has for our own collective operations: the memory its ranks share, or
 * their part of the network, and who is dead. Hangs on the communicator as an attribute. */
#ifndef FFMK_JOB_CONTEXT_H
#define FFMK_JOB_CONTEXT_H

#include "gossip/net/across.h"
#include "gossip/net/host.h"

#include <mpi.h>
#include <pthread.h>
#include <stdbool.h>

struct ffmk_context;

/** Memory for the host, with the first operation. Without it operations are left to MPI, by all
 * ranks alike: then false. (job/prepare.c) */
bool ffmk_prepare_fill(struct ffmk_context *context);

struct ffmk_context {
    int rank;
    int size;
    /* All ranks on one host, or a network; neither: operations are left to MPI, by all alike. */
    struct ffmk_host *host;
    struct ffmk_watch *watch; /* over all ranks, with a host */
    struct ffmk_across *across;
    struct ffmk_mpi_carrier *carrier; /* of what goes across; NULL: the network */
    struct ffmk_endpoint *endpoint;   /* that it goes over */
    void *segment;
    bool filled;                 /* it has memory, which it gets with the first operation */
    unsigned char *contributors; /* of a blocking allreduce: a byte a rank */
    uint64_t name;               /* the same at all its ranks, and no other's */
    bool whole;                  /* its ranks are those of MPI_COMM_WORLD, in the same order */
    struct ffmk_context *next;   /* of all that there are */

    /* Operations that go on while the program does something else: job/pending.h. With such a one
     * the host is used under the lock. */
    pthread_mutex_t lock;
    uint32_t held;    /* by so many of them; atomic, with FFMK_CONTEXT_ORPHAN */
    uint32_t waiters; /* threads in blocking operations, which go on with the others; atomic */
    struct ffmk_pending *pending;
    struct ffmk_context *next_pending;
};

/** Its communicator is gone: it is destroyed some time after the last has let go. */
#define FFMK_CONTEXT_ORPHAN (UINT32_C(1) << 31)

/** The communicator's context. Collective when it has none yet: all its ranks must be alive then.
 * \return FFMK_SUCCESS; FFMK_ERR_ARGUMENT: not an intracommunicator; FFMK_ERR_NO_MEMORY and
 * FFMK_ERR_MPI, at all ranks alike. */
int ffmk_context_of(MPI_Comm comm, struct ffmk_context **context_p);

/** The same without making one: NULL when there is none. */
struct ffmk_context *ffmk_context_known(MPI_Comm comm);

/** Whether its operations go our own ways. */
static inline bool ffmk_context_is_ours(struct ffmk_context *context)
{
    return context->filled || context->size == 1 || context->across ||
           (context->host && ffmk_prepare_fill(context));
}

/** Whether they can go on while the program does something else. What MPI carries cannot: whoever
 * would make it go on is inside of MPI. */
static inline bool ffmk_context_goes_on(struct ffmk_context *context)
{
    return context->size > 1 && !context->carrier && ffmk_context_is_ours(context);
}

/** It is needed though its communicator may be freed meanwhile, until it is let go as often. */
void ffmk_context_hold(struct ffmk_context *context);
void ffmk_context_let_go(struct ffmk_context *context);

/** Whether operations go on while the program does something else. */
static inline bool ffmk_context_is_held(const struct ffmk_context *context)
{
    return __atomic_load_n(&context->held, __ATOMIC_ACQUIRE) != 0;
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
