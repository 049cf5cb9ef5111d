/* SPDX-License-Identifier: BSD-3-Clause
 * Our own ways of a communicator's collective operations. */
#include "job/ways.h"

#include "job/network.h"

#include <ffmk.h>

void ffmk_ways_bcast_start(struct ffmk_context *context, struct ffmk_operation *operation, int root,
                           void *buffer, uint64_t bytes)
{
    operation->context = context;
    if (context->host) {
        ffmk_host_bcast_start(context->host, &operation->host, (size_t)root, buffer, bytes);
        return;
    }
    const struct ffmk_cast_manner manner = ffmk_network_manner(FFMK_CONFIG_BCAST);
    ffmk_across_bcast_start(context->across, &operation->across, &manner, (size_t)root, buffer,
                            bytes);
}

void ffmk_ways_barrier_start(struct ffmk_context *context, struct ffmk_operation *operation)
{
    operation->context = context;
    if (context->host) {
        ffmk_host_barrier_start(context->host, &operation->host);
        return;
    }
    const struct ffmk_cast_manner manner = ffmk_network_manner(FFMK_CONFIG_BARRIER);
    ffmk_across_barrier_start(context->across, &operation->across, &manner);
}

void ffmk_ways_allreduce_start(struct ffmk_context *context, struct ffmk_operation *operation,
                               const struct ffmk_reduction *reduction, bool in_order,
                               const void *contribution, void *result, unsigned char *contributors)
{
    operation->context = context;
    if (context->host) {
        ffmk_host_allreduce_start(context->host, &operation->host, reduction, contribution, result,
                                  contributors);
        return;
    }
    const struct ffmk_cast_manner manner = ffmk_network_manner(FFMK_CONFIG_ALLREDUCE);
    ffmk_across_allreduce_start(context->across, &operation->across, &manner, reduction, in_order,
                                contribution, result, contributors);
}

bool ffmk_ways_test(struct ffmk_operation *operation)
{
    struct ffmk_context *context = operation->context;
    return context->host ? ffmk_host_test(context->host, &operation->host)
                         : ffmk_across_test(context->across, &operation->across);
}

int ffmk_ways_wait(struct ffmk_operation *operation)
{
    struct ffmk_context *context = operation->context;
    return context->host ? ffmk_host_wait(context->host, &operation->host)
                         : ffmk_across_wait(context->across, &operation->across);
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
    if (context->host)
        return ffmk_host_bcast(context->host, (size_t)root, buffer, bytes);
    struct ffmk_operation operation;
    ffmk_ways_bcast_start(context, &operation, root, buffer, bytes);
    const int code = ffmk_ways_wait(&operation);
    *messages_p += ffmk_ways_messages(&operation);
    return code;
}

const char *ffmk_ways_name(const struct ffmk_context *context)
{
    if (context->across)
        return "corrected gossip over UDP";
    return context->host || context->size == 1 ? "shared memory" : "MPI";
}
