/* SPDX-License-Identifier: BSD-3-Clause
 * Our own ways of a communicator's collective operations, of bytes: shared memory where all ranks
 * are on one host, else the network. */
#ifndef FFMK_JOB_WAYS_H
#define FFMK_JOB_WAYS_H

#include "job/context.h"

/** An operation that was started; the caller's memory until it is complete. */
struct ffmk_operation {
    struct ffmk_context *context;
    bool locks; /* others go on with it, too */
    union {
        struct ffmk_host_operation host;
        struct ffmk_across_operation across;
    };
};

/** Whether the caller waits for an operation at once, or does something else meanwhile. */
enum ffmk_caller { FFMK_CALLER_WAITS, FFMK_CALLER_GOES };

/** As of gossip/net/host.h and across.h. */
void ffmk_ways_bcast_start(struct ffmk_context *context, struct ffmk_operation *operation,
                           enum ffmk_caller caller, int root, void *buffer, uint64_t bytes);
void ffmk_ways_barrier_start(struct ffmk_context *context, struct ffmk_operation *operation,
                             enum ffmk_caller caller);
/** `in_order`: of ranks, though hosts may have them in another. `contributors` has room for the
 * communicator's size. */
void ffmk_ways_allreduce_start(struct ffmk_context *context, struct ffmk_operation *operation,
                               enum ffmk_caller caller, const struct ffmk_reduction *reduction,
                               bool in_order, const void *contribution, void *result,
                               unsigned char *contributors);
/** Of whose caller waits. \return the operation's code. */
int ffmk_ways_wait(struct ffmk_operation *operation);
/** Of one that is complete. */
int ffmk_ways_code(const struct ffmk_operation *operation);
/** Messages that were sent while it was under way. */
uint64_t ffmk_ways_messages(const struct ffmk_operation *operation);

/** The same in one, which for a small broadcast within a host is a third of the work.
 * \return the code; *messages_p is added to. */
int ffmk_ways_bcast(struct ffmk_context *context, int root, void *buffer, uint64_t bytes,
                    uint64_t *messages_p);

/** Between entering and leaving, operations of a context that is held can be gone on with. \return
 * false: another thread does, and may wait for what this one holds. */
bool ffmk_ways_try_enter(struct ffmk_context *context);
void ffmk_ways_go_on(struct ffmk_context *context);
/** \return whether it is complete; not asked again then. */
bool ffmk_ways_harvest(struct ffmk_operation *operation);
void ffmk_ways_leave(struct ffmk_context *context);

/** What a context's operations go by, for people; static. */
const char *ffmk_ways_name(const struct ffmk_context *context);

#endif
