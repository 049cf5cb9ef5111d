/* SPDX-License-Identifier: BSD-3-Clause
 * Operations that go on while the program does something else: those of ffmk_ibcast() and of
 * nonblocking MPI calls that are replaced. Whoever is in a call of MPI, or waits in one of ours,
 * drives all of them; where MPI gives no way into its calls, a thread does now and then, which
 * calls nothing of MPI. */
#ifndef FFMK_JOB_PENDING_H
#define FFMK_JOB_PENDING_H

#include "job/packing.h"
#include "job/ways.h"

/** One of them; its owner's memory. */
struct ffmk_pending {
    /** Called once when it is complete, by a thread that may call MPI; it may free this. NULL:
     * nothing is. */
    void (*completed)(struct ffmk_pending *pending);
    bool complete; /* atomic; the memory is its owner's again then */
    int code;      /* as of a blocking operation */
    uint64_t messages;
    struct ffmk_context *context;

    /* Its own */
    struct ffmk_operation operation;
    struct ffmk_packing packing; /* its datatype is a duplicate, if one was needed */
    bool duplicated;
    void *target;                /* what is in `result` goes there, by the packing */
    void *contribution, *result; /* copies in a row */
    struct ffmk_pending *next;
};

/** Start one, of which `completed` is set. The context is held until it is complete. A rank that
 * lacks memory for it takes part all the same. */
void ffmk_pending_bcast(struct ffmk_pending *pending, struct ffmk_context *context, void *buffer,
                        const struct ffmk_packing *packing, int root);
void ffmk_pending_barrier(struct ffmk_pending *pending, struct ffmk_context *context);
/** `combine` must need nothing of MPI; `contributors` has room for the context's size, as long as
 * it takes. */
void ffmk_pending_allreduce(struct ffmk_pending *pending, struct ffmk_context *context,
                            const void *sendbuf, void *recvbuf, const struct ffmk_packing *packing,
                            ffmk_combine *combine, unsigned char *contributors);

/** Go on with all of them. Any thread that may call MPI. */
void ffmk_pending_drive(void);

static inline bool ffmk_pending_is_complete(const struct ffmk_pending *pending)
{
    return __atomic_load_n(&pending->complete, __ATOMIC_ACQUIRE);
}

/** Drive until it is complete. */
void ffmk_pending_wait(struct ffmk_pending *pending);

/** Whether MPI's calls drive them without being asked to, so that a request that completes with one
 * is all that a program needs; else its test and wait have to. */
bool ffmk_pending_is_driven_by_mpi(void);

/** No more of them: those that are not complete soon never will be. Once more does no harm. */
void ffmk_pending_stop(void);

#endif
