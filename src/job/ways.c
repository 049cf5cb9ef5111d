/* SPDX-License-Identifier: BSD-3-Clause
 * Our own ways of a communicator's collective operations. */
#include "job/ways.h"

#include "job/meanwhile.h"
#include "job/network.h"

#include <ffmk.h>

/* Begin to start an operation. From before it can be gone on with until its wait is over nobody
 * else does so: what combines its elements may be the program's, or MPI's, and for its thread
 * alone. */
static void begin(struct ffmk_context *context, struct ffmk_operation *operation,
                  enum ffmk_caller caller)
{
    if (caller == FFMK_CALLER_WAITS)
        __atomic_add_fetch(&context->waiters, 1, __ATOMIC_ACQ_REL);
    operation->context = context;
    operation->locks = ffmk_context_is_held(context);
    if (context->host && operation->locks)
        pthread_mutex_lock(&context->lock);
}

static void end(struct ffmk_operation *operation)
{
    if (operation->context->host && operation->locks)
        pthread_mutex_unlock(&operation->context->lock);
}

void ffmk_ways_bcast_start(struct ffmk_context *context, struct ffmk_operation *operation,
                           enum ffmk_caller caller, int root, void *buffer, uint64_t bytes)
{
    begin(context, operation, caller);
    if (context->host) {
        ffmk_host_bcast_start(context->host, &operation->host, (size_t)root, buffer, bytes);
    } else {
        const struct ffmk_cast_manner manner = ffmk_network_manner(FFMK_CONFIG_BCAST);
        ffmk_across_bcast_start(context->across, &operation->across, &manner, (size_t)root, buffer,
                                bytes);
    }
    end(operation);
}

void ffmk_ways_barrier_start(struct ffmk_context *context, struct ffmk_operation *operation,
                             enum ffmk_caller caller)
{
    begin(context, operation, caller);
    if (context->host) {
        ffmk_host_barrier_start(context->host, &operation->host);
    } else {
        const struct ffmk_cast_manner manner = ffmk_network_manner(FFMK_CONFIG_BARRIER);
        ffmk_across_barrier_start(context->across, &operation->across, &manner);
    }
    end(operation);
}

void ffmk_ways_allreduce_start(struct ffmk_context *context, struct ffmk_operation *operation,
                               enum ffmk_caller caller, const struct ffmk_reduction *reduction,
                               bool in_order, const void *contribution, void *result,
                               unsigned char *contributors)
{
    begin(context, operation, caller);
    if (context->host) {
        ffmk_host_allreduce_start(context->host, &operation->host, reduction, contribution, result,
                                  contributors);
    } else {
        const struct ffmk_cast_manner manner = ffmk_network_manner(FFMK_CONFIG_ALLREDUCE);
        ffmk_across_allreduce_start(context->across, &operation->across, &manner, reduction,
                                    in_order, contribution, result, contributors);
    }
    end(operation);
}

bool ffmk_ways_try_enter(struct ffmk_context *context)
{
    return context->across ? ffmk_endpoint_trylock(context->endpoint)
                           : pthread_mutex_trylock(&context->lock) == 0;
}

void ffmk_ways_leave(struct ffmk_context *context)
{
    if (context->across)
        ffmk_endpoint_unlock(context->endpoint);
    else
        pthread_mutex_unlock(&context->lock);
}

void ffmk_ways_go_on(struct ffmk_context *context)
{
    if (context->across) {
        ffmk_endpoint_glance(context->endpoint);
        ffmk_across_go_on(context->across);
    } else {
        ffmk_host_go_on(context->host);
    }
}

bool ffmk_ways_harvest(struct ffmk_operation *operation)
{
    if (operation->context->host)
        return operation->host.complete;
    if (operation->across.complete)
        ffmk_across_count(operation->context->across, &operation->across);
    return operation->across.complete;
}

/* Within a host, while other threads go on with its operations now and then. */
static bool look_under_lock(void *subject)
{
    struct ffmk_operation *operation = subject;
    struct ffmk_context *context = operation->context;
    pthread_mutex_lock(&context->lock);
    ffmk_host_go_on(context->host);
    const bool complete = operation->host.complete;
    pthread_mutex_unlock(&context->lock);
    return complete;
}

int ffmk_ways_wait(struct ffmk_operation *operation)
{
    struct ffmk_context *context = operation->context;
    if (context->across) {
        ffmk_across_wait(context->across, &operation->across);
        /* Nobody helps on a rank that has left: it stays as long as others may need it. */
        if (context->carrier)
            ffmk_across_stay(context->across);
    } else if (operation->locks)
        ffmk_meanwhile_wait(look_under_lock, operation);
    else
        ffmk_host_wait(context->host, &operation->host);
    __atomic_sub_fetch(&context->waiters, 1, __ATOMIC_ACQ_REL);
    return ffmk_ways_code(operation);
}

int ffmk_ways_code(const struct ffmk_operation *operation)
{
    return operation->context->host ? operation->host.code : operation->across.code;
}

uint64_t ffmk_ways_messages(const struct ffmk_operation *operation)
{
    return operation->context->host ? 0 : operation->across.messages;
}

int ffmk_ways_bcast(struct ffmk_context *context, int root, void *buffer, uint64_t bytes,
                    uint64_t *messages_p)
{
    if (context->host && !ffmk_context_is_held(context))
        return ffmk_host_bcast(context->host, (size_t)root, buffer, bytes);
    struct ffmk_operation operation;
    ffmk_ways_bcast_start(context, &operation, FFMK_CALLER_WAITS, root, buffer, bytes);
    const int code = ffmk_ways_wait(&operation);
    *messages_p += ffmk_ways_messages(&operation);
    return code;
}

const char *ffmk_ways_name(const struct ffmk_context *context)
{
    if (context->across)
        return context->carrier ? "corrected gossip over MPI" : "corrected gossip over UDP";
    return context->host || context->size == 1 ? "shared memory" : "MPI";
}
