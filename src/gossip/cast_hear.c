/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among members who do not share memory: what comes from outside, messages
 * and deaths. */
#include "gossip/cast_inside.h"

#include <stdlib.h>
#include <string.h>

/* Some were found to be dead: those of `fresh`, which cast->dead has already. */
static void go_on_without(struct ffmk_cast *cast, const struct ffmk_ring *before, uint64_t now)
{
    for (uint64_t n = cast->stable + 1; n <= cast->known; n++) {
        struct ffmk_cast_op *op = &cast->ops[n % FFMK_CAST_WINDOW];
        if (op->number == 0)
            continue;
        ffmk_cast_repair_died(cast, op, before, now);
        if (ffmk_cast_is_reduction(op->kind) && op->outcome == FFMK_CAST_OPEN && op->ring &&
            !op->repair && ffmk_cast_leader(op) == cast->me && op->ring != cast->living)
            ffmk_cast_repair_reduction(cast, op, now);
        if (op->entered && op->outcome == FFMK_CAST_OPEN) {
            op->need_at = now;
            ffmk_cast_wake(cast, op);
        }
    }
}

/* cast->dead has new ones. \return false: this member can not, or must not, go on. */
static bool learn(struct ffmk_cast *cast, bool from_others, uint64_t now)
{
    struct ffmk_ring *before = cast->living;
    struct ffmk_ring *living = cast->dead[cast->me] ? NULL : ffmk_ring_of(&cast->rings, cast->dead);
    if (!living) {
        if (!cast->dead[cast->me])
            ffmk_cast_break(cast); /* no memory */
        cast->dead[cast->me] = 0;
        cast->excluded = true;
        return false;
    }
    cast->living = living;
    for (uint32_t i = 0; from_others && i < before->nodes; i++)
        if (cast->dead[before->rank[i]])
            cast->port.bury(cast->port.self, before->rank[i]);
    const struct ffmk_cast_message deaths = {.type = FFMK_CAST_DEATHS, .ring = living};
    if (ffmk_cast_first(cast) == cast->me)
        ffmk_cast_send_all(cast, &deaths);
    else if (!from_others)
        ffmk_cast_send(cast, ffmk_cast_first(cast), &deaths, NULL, 0);
    go_on_without(cast, before, now);
    ffmk_ring_release(&cast->rings, before);
    return !cast->excluded;
}

void ffmk_cast_died(struct ffmk_cast *cast, uint32_t member, uint64_t now)
{
    if (cast->excluded || member == cast->me || cast->dead[member])
        return;
    cast->dead[member] = 1;
    learn(cast, false, now);
}

/* Whom the sender of a message knows to be dead. */
static bool learn_of(struct ffmk_cast *cast, const struct ffmk_ring *ring, uint64_t now)
{
    bool news = false;
    if (!ring || ring == cast->living || ring->nodes == cast->members)
        return true;
    for (uint32_t i = 0; i < cast->members; i++)
        if (!ffmk_ring_has(ring, i) && !cast->dead[i]) {
            cast->dead[i] = 1;
            news = true;
        }
    return !news || learn(cast, true, now);
}

/* Whether a message is about what this member takes for the operation of that number. Who died may
 * have gone on as those who live do not: by its epoch, or since what it got was lost with it. */
static bool is_about(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                     const struct ffmk_cast_message *message)
{
    if (ffmk_cast_is_same(op, message->epoch, message->kind, message->origin))
        return true;
    if (op->entered || message->epoch < op->epoch)
        return false;
    if (message->epoch == op->epoch &&
        !(op->kind == FFMK_CAST_BCAST && cast->dead[op->origin] && !cast->dead[message->origin]))
        return false;
    ffmk_cast_renew(cast, op, message->epoch);
    return true;
}

static void on_outcome(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                       const struct ffmk_cast_message *message, uint64_t now)
{
    if (op->outcome != FFMK_CAST_OPEN || message->outcome == FFMK_CAST_OPEN ||
        message->attempt < op->attempt ||
        (message->outcome == FFMK_CAST_HAS_VALUE && !message->has_payload))
        return;
    if (message->attempt > op->attempt)
        ffmk_cast_promise(cast, op, message->attempt, NULL, op->origin);
    uint8_t *payload = NULL;
    if (message->has_payload) {
        payload = ffmk_cast_copy(cast, message->payload, message->bytes);
        if (!payload)
            return;
    }
    ffmk_cast_decide(cast, op, message->outcome, payload, payload ? message->bytes : 0,
                     message->total, message->ring);
    ffmk_cast_spread_go_on(cast, op, now);
    ffmk_cast_repair_go_on(cast, op, now);
}

static void on_op(struct ffmk_cast *cast, uint32_t from, const struct ffmk_cast_message *message,
                  uint64_t now)
{
    struct ffmk_cast_op *op = ffmk_cast_op_of(cast, message->number);
    if (!op || !is_about(cast, op, message))
        return;
    if (op->kind == FFMK_CAST_UNKNOWN && message->kind != FFMK_CAST_UNKNOWN) {
        op->kind = message->kind;
        op->origin = message->origin;
    }
    switch (message->type) {
    case FFMK_CAST_SPREAD:
        ffmk_cast_on_spread(cast, op, from, message, now);
        break;
    case FFMK_CAST_OUTCOME:
        on_outcome(cast, op, message, now);
        break;
    case FFMK_CAST_NEED:
        ffmk_cast_on_need(cast, op, from, message, now);
        break;
    case FFMK_CAST_QUERY:
        ffmk_cast_on_query(cast, op, from, message);
        break;
    case FFMK_CAST_ANSWER:
        ffmk_cast_on_answer(cast, op, from, message, now);
        break;
    case FFMK_CAST_CONTRIBUTION:
        ffmk_cast_on_contribution(cast, op, from, message, now);
        break;
    default: /* RESTART */
        if (message->attempt > op->attempt && message->attempt >> 16 == from + 1 &&
            ffmk_ring_has(message->ring, cast->me)) {
            ffmk_cast_promise(cast, op, message->attempt, message->ring, from);
            ffmk_cast_reduce_go_on(cast, op, now);
        }
    }
}

static void on_deaths(struct ffmk_cast *cast, uint32_t from, const struct ffmk_ring *ring)
{
    if (ring == cast->living)
        return;
    const struct ffmk_cast_message deaths = {.type = FFMK_CAST_DEATHS, .ring = cast->living};
    ffmk_cast_send(cast, from, &deaths, NULL, 0);
}

void ffmk_cast_receive(struct ffmk_cast *cast, uint32_t from, const uint8_t *message, size_t bytes,
                       uint64_t now)
{
    struct ffmk_cast_message heard;
    if (cast->excluded || from >= cast->members || from == cast->me || cast->dead[from])
        return;
    /* What this member has not left is not stable, whatever anybody says. */
    if (ffmk_cast_decode(cast, message, bytes, &heard) &&
        (heard.stable <= cast->left || (heard.stable == FFMK_CAST_CLOSED && cast->closed)) &&
        learn_of(cast, heard.ring, now)) {
        ffmk_cast_raise_stable(cast, heard.stable);
        if (heard.type <= FFMK_CAST_RESTART)
            on_op(cast, from, &heard, now);
        else if (heard.type == FFMK_CAST_DEATHS)
            on_deaths(cast, from, heard.ring);
        else if (heard.type == FFMK_CAST_REPORT)
            ffmk_cast_on_report(cast, from, heard.number, heard.view);
        else if (heard.type == FFMK_CAST_SETTLE)
            ffmk_cast_on_settle(cast, from, heard.number, now);
    }
    ffmk_ring_release(&cast->rings, heard.ring);
}
