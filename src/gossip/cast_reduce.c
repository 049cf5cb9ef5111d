/* SPDX-License-Identifier: BSD-3-Clause
 * Reductions: contributions go to who speaks for the host, and from there up a binomial tree over
 * the hosts of the attempt's ring. The i-th node stands for those from i on, up to i plus its
 * lowest bit; so what it sends is in the order of ranks, if hosts have them in order; where they
 * have not and that matters, the nodes are members. The first node has them all, and decides.
 *
 * Between two hosts it is an *exchange*: each sends the other what its members have, combines both
 * in the same order, so to the same bits, and decides.
 *
 * When one of the ring dies before, the leader begins another attempt without it. */
#include "gossip/cast_inside.h"

#include <stdlib.h>
#include <string.h>

/* Among the nodes of the tree: hosts, or members where it is flat. */
static uint32_t node_of(const struct ffmk_cast *cast, const struct ffmk_cast_op *op, uint32_t rank)
{
    return op->kind == FFMK_CAST_REDUCE_FLAT ? op->ring->index[rank]
                                             : op->ring->place[cast->rings.host[rank]];
}

static uint32_t nodes(const struct ffmk_cast_op *op)
{
    return op->kind == FFMK_CAST_REDUCE_FLAT ? op->ring->nodes : op->ring->hosts;
}

static uint32_t rank_of(const struct ffmk_cast_op *op, uint32_t node)
{
    return op->kind == FFMK_CAST_REDUCE_FLAT ? op->ring->rank[node] : op->ring->speaker[node];
}

/* Whom a member's contribution goes to if it is no node of the tree; itself if it is. */
static uint32_t speaker_of(const struct ffmk_cast *cast, const struct ffmk_cast_op *op,
                           uint32_t rank)
{
    return rank_of(op, node_of(cast, op, rank));
}

/* How many nodes a node stands for, as a power of two that may go beyond the last. */
static uint32_t span(const struct ffmk_cast_op *op, uint32_t node)
{
    uint32_t most = 1;
    while (most < nodes(op))
        most *= 2;
    return node == 0 ? most : node & -node;
}

/* Whether the node has a child at this level, 2^level further on. */
static bool has_child(const struct ffmk_cast_op *op, uint32_t node, uint32_t level)
{
    const uint64_t step = UINT64_C(1) << level;
    return step < span(op, node) && node + step < nodes(op);
}

/* It takes half the time of a tree and a spread. Not between more, where somebody who died could be
 * ahead of a leader that lives: contributions of its next operation, over a ring that the survivors
 * do not have, would be in their way. */
static bool is_exchange(const struct ffmk_cast_op *op)
{
    return op->kind == FFMK_CAST_REDUCE && op->ring->hosts == 2;
}

bool ffmk_cast_reduce_may_be_decided(const struct ffmk_cast_op *op)
{
    return op->contributed && is_exchange(op);
}

/* This member is one of the two that do it. */
static bool exchanges(const struct ffmk_cast *cast, const struct ffmk_cast_op *op)
{
    return is_exchange(op) && speaker_of(cast, op, cast->me) == cast->me;
}

static uint32_t mates(const struct ffmk_cast *cast)
{
    const uint32_t host = cast->rings.host[cast->me];
    return cast->rings.begin[host + 1] - cast->rings.begin[host];
}

/* The member that gives the i-th part; FFMK_RING_NOBODY: there is none. */
static uint32_t giver(const struct ffmk_cast *cast, const struct ffmk_cast_op *op, uint32_t i)
{
    const uint32_t node = node_of(cast, op, cast->me);
    if (speaker_of(cast, op, cast->me) != cast->me)
        return FFMK_RING_NOBODY;
    if (i >= mates(cast)) {
        const uint32_t level = i - mates(cast);
        if (is_exchange(op))
            return level == 0 ? rank_of(op, 1 - node) : FFMK_RING_NOBODY;
        return has_child(op, node, level) ? rank_of(op, node + (UINT32_C(1) << level))
                                          : FFMK_RING_NOBODY;
    }
    const uint32_t mate = cast->rings.mates[cast->rings.begin[cast->rings.host[cast->me]] + i];
    return op->kind == FFMK_CAST_REDUCE && mate != cast->me && ffmk_ring_has(op->ring, mate)
               ? mate
               : FFMK_RING_NOBODY;
}

static uint32_t parts(const struct ffmk_cast *cast)
{
    return mates(cast) + FFMK_CAST_TREE_LEVELS;
}

void ffmk_cast_reduce_drop(struct ffmk_cast *cast, struct ffmk_cast_op *op)
{
    for (uint32_t i = 0; op->part && i < parts(cast); i++)
        ffmk_blocks_give(&cast->blocks, op->part[i]);
    free(op->part);
    op->part = NULL;
    ffmk_blocks_give(&cast->blocks, op->sum);
    op->sum = NULL;
    op->contributed = false;
}

/* The parts that are combined next: from *begin_p to before what is returned. */
static uint32_t next_parts(const struct ffmk_cast *cast, const struct ffmk_cast_op *op,
                           uint32_t *begin_p)
{
    *begin_p = op->contributed ? mates(cast) : 0;
    return exchanges(cast, op) && !op->contributed ? mates(cast) : parts(cast);
}

/* The first one from `i` on, before `end`, that has not come; or `end`. */
static uint32_t next_missing(const struct ffmk_cast *cast, const struct ffmk_cast_op *op,
                             uint32_t i, uint32_t end)
{
    while (i < end && (giver(cast, op, i) == FFMK_RING_NOBODY || (op->part && op->part[i])))
        i++;
    return i;
}

/* There is something left to do for it. */
static bool is_open(const struct ffmk_cast *cast, const struct ffmk_cast_op *op)
{
    return ffmk_cast_is_reduction(op->kind) && op->ring &&
           (!op->contributed || exchanges(cast, op));
}

bool ffmk_cast_reduce_ready(const struct ffmk_cast *cast, const struct ffmk_cast_op *op)
{
    if (!op->entered || op->outcome != FFMK_CAST_OPEN || op->repair || !is_open(cast, op))
        return false;
    uint32_t begin;
    const uint32_t end = next_parts(cast, op, &begin);
    return next_missing(cast, op, begin, end) == end;
}

/* `sum` becomes the operation's, or its own does if that is NULL. */
static void decide(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint8_t *sum)
{
    if (!sum) {
        sum = op->own;
        op->own = NULL;
    }
    ffmk_cast_decide(cast, op, FFMK_CAST_HAS_VALUE, sum, op->own_bytes, 0, op->ring);
}

/* What this node stands for, `sum`, or only its own if that is NULL. */
static void contribute(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t to,
                       const uint8_t *sum)
{
    struct ffmk_cast_message message = ffmk_cast_about(cast, op, FFMK_CAST_CONTRIBUTION);
    message.ring = op->ring;
    message.bytes = (uint32_t)op->own_bytes;
    ffmk_cast_send(cast, to, &message, sum ? sum : op->own, op->own_bytes);
    op->contributed = true;
}

/* What this node stands for is combined: `sum`, or only its own if that is NULL. */
static void pass_on(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint8_t *sum, uint64_t now)
{
    const uint32_t node = node_of(cast, op, cast->me);
    const uint32_t speaker = speaker_of(cast, op, cast->me);
    if (exchanges(cast, op)) {
        op->sum = sum;
        contribute(cast, op, giver(cast, op, mates(cast)), sum);
        return;
    }
    ffmk_cast_reduce_drop(cast, op);
    if (node == 0 && speaker == cast->me) {
        decide(cast, op, sum);
        ffmk_cast_spread_start(cast, op, &op->manner, now);
        return;
    }
    /* Its own is kept: another attempt may want it. */
    contribute(cast, op, speaker == cast->me ? rank_of(op, node & (node - 1)) : speaker, sum);
    ffmk_blocks_give(&cast->blocks, sum);
}

/* From the last to the first, which is this member's own, into the last. \return the caller's, or
 * NULL: there are none but its own. */
static uint8_t *add_up(const struct ffmk_cast *cast, struct ffmk_cast_op *op,
                       ffmk_cast_combiner *combine, void *context)
{
    uint8_t *later = NULL;
    uint32_t begin;
    for (uint32_t i = next_parts(cast, op, &begin); op->part && i-- > begin;) {
        if (!op->part[i])
            continue;
        if (later) {
            combine(context, op->part[i], later, op->own_bytes);
        } else {
            later = op->part[i];
            op->part[i] = NULL;
        }
    }
    if (later)
        combine(context, op->own, later, op->own_bytes);
    return later;
}

/* What the other host's members have, with what this one's have: the first node's first. */
static void exchange(struct ffmk_cast *cast, struct ffmk_cast_op *op, ffmk_cast_combiner *combine,
                     void *context)
{
    uint8_t **other = &op->part[mates(cast)];
    uint8_t *sum = op->sum;
    op->sum = NULL;
    if (node_of(cast, op, cast->me) == 0) {
        if (combine)
            combine(context, sum ? sum : op->own, *other, op->own_bytes);
        ffmk_blocks_give(&cast->blocks, sum);
        sum = *other;
        *other = NULL;
    } else if (combine) {
        combine(context, *other, sum ? sum : op->own, op->own_bytes);
    }
    decide(cast, op, sum);
}

void ffmk_cast_combine(struct ffmk_cast *cast, uint64_t number, ffmk_cast_combiner *combine,
                       void *context, uint64_t now)
{
    struct ffmk_cast_op *op = ffmk_cast_op_of(cast, number);
    while (op && ffmk_cast_reduce_ready(cast, op)) {
        if (op->contributed)
            exchange(cast, op, combine, context);
        else
            pass_on(cast, op, combine ? add_up(cast, op, combine, context) : NULL, now);
    }
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
        (op->entered && message->bytes != op->own_bytes) ||
        (op->part && message->bytes != op->part_bytes))
        return;
    uint32_t i = 0;
    while (i < parts(cast) && giver(cast, op, i) != from)
        i++;
    if (!op->part)
        op->part = calloc(parts(cast), sizeof *op->part);
    op->part_bytes = message->bytes;
    if (i == parts(cast) || (op->part && op->part[i]))
        return;
    if (!op->part) {
        ffmk_cast_break(cast);
        return;
    }
    uint8_t *copy = ffmk_cast_copy(cast, message->payload, message->bytes);
    if (!copy)
        return;
    op->part[i] = copy;
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
    if (!is_open(cast, op))
        return;
    const struct ffmk_cast_message ping = {.type = FFMK_CAST_PING};
    uint32_t i;
    const uint32_t end = next_parts(cast, op, &i);
    for (i = next_missing(cast, op, i, end); i < end; i = next_missing(cast, op, i + 1, end))
        ffmk_cast_send(cast, giver(cast, op, i), &ping, NULL, 0);
}
