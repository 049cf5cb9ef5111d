/* SPDX-License-Identifier: BSD-3-Clause
 * Who has no outcome asks who is in charge; and when that one is dead, the first of the living
 * takes charge: all the living tell whether they have an outcome, and promise to listen to no lower
 * attempt any more. Then everybody gets the outcome that somebody has, or nobody has one. */
#include "gossip/cast_inside.h"

#include <stdlib.h>
#include <string.h>

enum { NOT_YET, HAS_NONE, HAS_IT };

static uint64_t next_attempt(const struct ffmk_cast *cast, const struct ffmk_cast_op *op)
{
    const uint64_t mine = (uint64_t)(cast->me + 1) << 16;
    return op->attempt >= mine ? op->attempt + 1 : mine;
}

static void take_charge(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    struct ffmk_cast_repair *repair = calloc(1, sizeof *repair + cast->members);
    if (!repair) {
        ffmk_cast_break(cast);
        return;
    }
    ffmk_cast_promise(cast, op, next_attempt(cast, op), NULL, op->origin);
    op->repair = repair;
    repair->holder = FFMK_RING_NOBODY;
    repair->waiting = cast->living->nodes - 1;
    const struct ffmk_cast_message query = ffmk_cast_about(cast, op, FFMK_CAST_QUERY);
    ffmk_cast_send_all(cast, &query);
    ffmk_cast_repair_go_on(cast, op, now);
}

void ffmk_cast_repair_reduction(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    if (ffmk_cast_reduce_may_be_decided(op))
        take_charge(cast, op, now);
    else
        ffmk_cast_reduce_restart(cast, op, now);
}

/* Whether this member may and must take charge: whoever leads is dead, and it is the first. */
static bool is_mine(const struct ffmk_cast *cast, const struct ffmk_cast_op *op, uint32_t leader)
{
    return !op->repair && op->outcome == FFMK_CAST_OPEN && leader != FFMK_RING_NOBODY &&
           cast->dead[leader] && ffmk_cast_first(cast) == cast->me;
}

void ffmk_cast_need(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    const struct ffmk_cast_message ping = {.type = FFMK_CAST_PING};
    uint32_t leader = ffmk_cast_leader(op);
    if (is_mine(cast, op, leader)) {
        take_charge(cast, op, now);
        return;
    }
    if (op->holder != FFMK_RING_NOBODY && !cast->dead[op->holder]) {
        ffmk_cast_send(cast, op->holder, &ping, NULL, 0);
        return;
    }
    op->holder = FFMK_RING_NOBODY;
    for (uint32_t i = 0; i < op->kept; i++)
        if (!cast->dead[op->keep[i].from]) {
            ffmk_cast_ask_holder(cast, op, op->keep[i].from);
            return;
        }
    const uint32_t speaker = cast->living->speaker[cast->living->place[cast->rings.host[cast->me]]];
    ffmk_cast_send(cast, speaker, &ping, NULL, 0);
    /* Who has taken a message and died before it answered answers to this neither; and who took the
     * number for another operation's has not heard the question. */
    const struct ffmk_cast_message query = ffmk_cast_about(cast, op, FFMK_CAST_QUERY);
    for (uint32_t i = 0; op->repair && i < cast->living->nodes; i++)
        if (op->repair->answered[cast->living->rank[i]] == NOT_YET)
            ffmk_cast_send(cast, cast->living->rank[i], &query, NULL, 0);
    ffmk_cast_reduce_ping(cast, op);
    if (leader == FFMK_RING_NOBODY || cast->dead[leader])
        leader = ffmk_cast_first(cast);
    struct ffmk_cast_message need = ffmk_cast_about(cast, op, FFMK_CAST_NEED);
    ffmk_cast_send(cast, leader, &need, NULL, 0);
}

void ffmk_cast_on_need(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                       const struct ffmk_cast_message *need, uint64_t now)
{
    if (op->outcome != FFMK_CAST_OPEN && ffmk_cast_is_handed(op, from, need->attempt)) {
        const struct ffmk_cast_message ping = {.type = FFMK_CAST_PING};
        ffmk_cast_send(cast, from, &ping, NULL, 0);
        return;
    }
    if (op->outcome != FFMK_CAST_OPEN) {
        ffmk_cast_send_outcome(cast, op, from, need->attempt);
        return;
    }
    /* Who asks may have promised something to a leader that this member did not hear of; or its
     * first attempt is over a ring of those who went on and died. */
    const struct ffmk_cast_op theirs = {
        .attempt = need->attempt, .kind = need->kind, .origin = need->origin};
    if (is_mine(cast, op, ffmk_cast_leader(op)) ||
        (need->attempt >= op->attempt && is_mine(cast, op, ffmk_cast_leader(&theirs))))
        take_charge(cast, op, now);
}

void ffmk_cast_on_query(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                        const struct ffmk_cast_message *message)
{
    if (message->attempt < op->attempt || message->attempt >> 16 != from + 1)
        return;
    /* The same attempt's outcome may have come before the question. */
    if (message->attempt > op->attempt)
        ffmk_cast_promise(cast, op, message->attempt, NULL, op->origin);
    const struct ffmk_cast_message answer = ffmk_cast_about(cast, op, FFMK_CAST_ANSWER);
    ffmk_cast_send(cast, from, &answer, NULL, 0);
}

void ffmk_cast_on_answer(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                         const struct ffmk_cast_message *message, uint64_t now)
{
    struct ffmk_cast_repair *repair = op->repair;
    if (!repair || message->attempt != op->attempt || repair->answered[from] != NOT_YET)
        return;
    repair->waiting--;
    repair->answered[from] = message->outcome == FFMK_CAST_OPEN ? HAS_NONE : HAS_IT;
    if (repair->answered[from] == HAS_IT && repair->holder == FFMK_RING_NOBODY)
        repair->holder = from;
    ffmk_cast_repair_go_on(cast, op, now);
}

static void end_repair(struct ffmk_cast *cast, struct ffmk_cast_op *op)
{
    struct ffmk_cast_repair *repair = op->repair;
    op->repair = NULL;
    for (uint32_t i = 0; i < cast->members; i++)
        if (repair->answered[i] == HAS_NONE)
            ffmk_cast_send_outcome(cast, op, i, op->attempt);
    free(repair);
}

void ffmk_cast_repair_go_on(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    struct ffmk_cast_repair *repair = op->repair;
    if (!repair || repair->waiting > 0)
        return;
    if (op->outcome != FFMK_CAST_OPEN) {
        end_repair(cast, op);
        return;
    }
    if (repair->holder != FFMK_RING_NOBODY) {
        if (op->holder != repair->holder)
            ffmk_cast_ask_holder(cast, op, repair->holder);
        return;
    }
    if (ffmk_cast_is_reduction(op->kind)) {
        free(repair);
        op->repair = NULL;
        ffmk_cast_reduce_restart(cast, op, now);
        return;
    }
    ffmk_cast_decide(cast, op, FFMK_CAST_HAS_FAILED, NULL, 0, 0, cast->living);
    end_repair(cast, op);
}

void ffmk_cast_repair_died(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                           const struct ffmk_ring *before, uint64_t now)
{
    struct ffmk_cast_repair *repair = op->repair;
    bool again = false;
    if (!repair)
        return;
    for (uint32_t i = 0; i < before->nodes; i++) {
        const uint32_t member = before->rank[i];
        if (!cast->dead[member])
            continue;
        /* Who has not answered may have it, and may yet give it to some who have answered that they
         * have none: all are to know that it is dead before they answer. If the holder is, others
         * may have it, too. */
        again = again || repair->answered[member] == NOT_YET || repair->holder == member;
        repair->answered[member] = HAS_IT; /* wants nothing */
    }
    if (!again)
        return;
    free(repair);
    op->repair = NULL;
    take_charge(cast, op, now);
}
