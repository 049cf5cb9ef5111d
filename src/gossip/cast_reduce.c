/* SPDX-License-Identifier: BSD-3-Clause
 * Reductions: contributions go up a binomial tree over the ring of the attempt. The node at index i
 * stands for those from i on, up to i plus its lowest bit; so what it sends is in the order of
 * ranks. The first node has them all, and decides. When one of the ring dies before, the leader
 * begins another attempt without it. */
#include "gossip/cast_inside.h"

#include <stdlib.h>
#include <string.h>

static uint32_t my_index(const struct ffmk_cast *cast, const struct ffmk_cast_op *op)
{
    return op->ring->index[cast->me];
}

/* How many nodes a node stands for, as a power of two that may go beyond the ring. */
static uint32_t span(const struct ffmk_cast_op *op, uint32_t index)
{
    uint32_t most = 1;
    while (most < op->ring->nodes)
        most *= 2;
    return index == 0 ? most : index & -index;
}

/* Whether the node has a child at this level, 2^level further on. */
static bool has_child(const struct ffmk_cast_op *op, uint32_t index, uint32_t level)
{
    const uint64_t step = UINT64_C(1) << level;
    return step < span(op, index) && index + step < op->ring->nodes;
}

void ffmk_cast_reduce_drop(struct ffmk_cast_op *op)
{
    for (int i = 0; i < FFMK_CAST_TREE_LEVELS; i++) {
        free(op->child[i]);
        op->child[i] = NULL;
    }
    op->come = 0;
    op->contributed = false;
}

bool ffmk_cast_reduce_ready(const struct ffmk_cast *cast, const struct ffmk_cast_op *op)
{
    if (op->kind != FFMK_CAST_REDUCE || !op->entered || !op->ring || op->contributed ||
        op->outcome != FFMK_CAST_OPEN || op->repair)
        return false;
    for (uint32_t level = 0; has_child(op, my_index(cast, op), level); level++)
        if (!(op->come >> level & 1))
            return false;
    return true;
}

/* What this node stands for is combined. */
static void pass_on(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint8_t *sum, uint64_t now)
{
    const uint32_t index = my_index(cast, op);
    ffmk_cast_reduce_drop(op);
    op->contributed = true;
    if (index == 0) {
        ffmk_cast_decide(cast, op, FFMK_CAST_HAS_VALUE, sum, op->own_bytes, 0, op->ring);
        ffmk_cast_spread_start(cast, op, &op->manner, now);
        return;
    }
    struct ffmk_cast_message message = ffmk_cast_about(cast, op, FFMK_CAST_CONTRIBUTION);
    message.ring = op->ring;
    message.bytes = (uint32_t)op->own_bytes;
    ffmk_cast_send(cast, op->ring->rank[index & (index - 1)], &message, sum, op->own_bytes);
    free(sum);
}

/* From the last ranks to the first, into `sum`, which is this node's own. */
static void add_up(struct ffmk_cast_op *op, uint8_t *sum, ffmk_cast_combiner *combine,
                   void *context)
{
    uint8_t *later = NULL;
    for (uint32_t level = FFMK_CAST_TREE_LEVELS; level-- > 0;) {
        if (!(op->come >> level & 1))
            continue;
        if (later)
            combine(context, op->child[level], later, op->own_bytes);
        else
            later = op->child[level];
    }
    if (!later)
        return;
    combine(context, sum, later, op->own_bytes);
    memcpy(sum, later, op->own_bytes);
}

void ffmk_cast_combine(struct ffmk_cast *cast, uint64_t number, ffmk_cast_combiner *combine,
                       void *context, uint64_t now)
{
    struct ffmk_cast_op *op = ffmk_cast_op_of(cast, number);
    if (!op || !ffmk_cast_reduce_ready(cast, op))
        return;
    uint8_t *sum = malloc(op->own_bytes + 1);
    if (!sum) {
        ffmk_cast_break(cast);
        return;
    }
    memcpy(sum, op->own, op->own_bytes);
    if (combine)
        add_up(op, sum, combine, context);
    pass_on(cast, op, sum, now);
}

void ffmk_cast_reduce_go_on(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    if (op->own_bytes == 0 && ffmk_cast_reduce_ready(cast, op))
        ffmk_cast_combine(cast, op->number, NULL, NULL, now);
}

void ffmk_cast_on_contribution(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                               const struct ffmk_cast_message *message, uint64_t now)
{
    if (message->attempt < op->attempt || !message->has_payload ||
        !ffmk_ring_has(message->ring, from) || !ffmk_ring_has(message->ring, cast->me) ||
        !ffmk_ring_has(message->ring, message->origin))
        return;
    if (message->attempt > op->attempt || !op->ring)
        ffmk_cast_promise(cast, op, message->attempt, message->ring, message->origin);
    if (op->ring != message->ring || op->outcome != FFMK_CAST_OPEN ||
        (op->entered && message->bytes != op->own_bytes))
        return;
    const uint32_t index = my_index(cast, op);
    const uint32_t step = op->ring->index[from] - index;
    uint32_t level = 0;
    while (level < FFMK_CAST_TREE_LEVELS && UINT32_C(1) << level != step)
        level++;
    if (level == FFMK_CAST_TREE_LEVELS || !has_child(op, index, level) || op->come >> level & 1)
        return;
    op->child[level] = malloc(message->bytes + 1);
    if (!op->child[level]) {
        ffmk_cast_break(cast);
        return;
    }
    memcpy(op->child[level], message->payload, message->bytes);
    op->come |= UINT32_C(1) << level;
    ffmk_cast_reduce_go_on(cast, op, now);
}

void ffmk_cast_reduce_restart(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    const uint64_t mine = (uint64_t)(cast->me + 1) << 16;
    const uint64_t attempt = op->attempt >= mine ? op->attempt + 1 : mine;
    ffmk_cast_promise(cast, op, attempt, cast->living, cast->me);
    struct ffmk_cast_message message = ffmk_cast_about(cast, op, FFMK_CAST_RESTART);
    ffmk_cast_send_all(cast, &message);
    ffmk_cast_reduce_go_on(cast, op, now);
}

void ffmk_cast_reduce_ping(struct ffmk_cast *cast, struct ffmk_cast_op *op)
{
    if (op->kind != FFMK_CAST_REDUCE || !op->ring || op->contributed)
        return;
    const struct ffmk_cast_message ping = {.type = FFMK_CAST_PING};
    const uint32_t index = my_index(cast, op);
    for (uint32_t level = 0; has_child(op, index, level); level++)
        if (!(op->come >> level & 1))
            ffmk_cast_send(cast, op->ring->rank[index + (UINT32_C(1) << level)], &ping, NULL, 0);
}
