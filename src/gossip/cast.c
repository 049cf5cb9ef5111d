/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among members who do not share memory: the operations of the window,
 * entering and leaving them. */
#include "gossip/cast_inside.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t FIRST_NEED_NS = 25000000;
static const uint64_t MOST_NEED_NS = 500000000;

static void free_op(struct ffmk_cast *cast, struct ffmk_cast_op *op)
{
    ffmk_cast_spread_drop(cast, op);
    ffmk_cast_reduce_drop(cast, op);
    ffmk_ring_release(&cast->rings, op->ring);
    ffmk_ring_release(&cast->rings, op->contributors);
    cast->unstable_bytes -= op->bytes;
    ffmk_blocks_give(&cast->blocks, op->payload);
    ffmk_blocks_give(&cast->blocks, op->own);
    free(op->repair);
    free(op->handed);
    *op = (struct ffmk_cast_op){
        .next = FFMK_CAST_NEVER, .need_at = FFMK_CAST_NEVER, .holder = FFMK_RING_NOBODY};
}

void ffmk_cast_hand(const struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t to,
                    uint64_t attempt)
{
    if (op->bytes <= cast->port.soon)
        return;
    if (!op->handed)
        op->handed = calloc(cast->members, sizeof *op->handed);
    struct ffmk_cast_handed *handed = op->handed ? &op->handed[to] : NULL;
    if (handed && (!handed->is || handed->attempt < attempt))
        *handed = (struct ffmk_cast_handed){.is = true, .attempt = attempt};
}

/* It is sent again all the same, at ever greater distances: what came may have been taken for
 * another operation's and dropped. */
bool ffmk_cast_is_handed(struct ffmk_cast_op *op, uint32_t to, uint64_t attempt)
{
    enum { PATIENT = 8 };
    struct ffmk_cast_handed *handed = op->handed ? &op->handed[to] : NULL;
    if (!handed || !handed->is || handed->attempt < attempt)
        return false;
    const uint32_t asked = ++handed->asked;
    return asked < PATIENT || (asked & (asked - 1)) != 0;
}

int ffmk_cast_create(uint32_t members, uint32_t me, const uint64_t *host,
                     const struct ffmk_cast_port *port, struct ffmk_cast **cast_p)
{
    *cast_p = NULL;
    if (members == 0 || members > FFMK_CAST_MAX_MEMBERS || me >= members)
        return FFMK_ERR_ARGUMENT;
    struct ffmk_cast *cast = calloc(1, sizeof *cast);
    if (!cast)
        return FFMK_ERR_NO_MEMORY;
    cast->members = members;
    cast->me = me;
    cast->port = *port;
    cast->speed = (struct ffmk_cast_speed){.slot = 2000, .hop = 20000, .patience = 100000};
    cast->dead = calloc(members, 1);
    cast->heard = calloc(members, 1);
    cast->reported = calloc(members, sizeof *cast->reported);
    cast->reported_view = calloc(members, sizeof *cast->reported_view);
    cast->told_to = calloc(members, sizeof *cast->told_to);
    if (ffmk_rings_create(&cast->rings, members, host) && cast->dead)
        cast->living = ffmk_ring_of(&cast->rings, cast->dead);
    if (!cast->living || !cast->heard || !cast->reported || !cast->reported_view ||
        !cast->told_to) {
        ffmk_cast_destroy(cast);
        return FFMK_ERR_NO_MEMORY;
    }
    cast->agreed = ffmk_ring_hold(cast->living);
    for (int i = 0; i < FFMK_CAST_WINDOW; i++)
        free_op(cast, &cast->ops[i]);
    *cast_p = cast;
    return FFMK_SUCCESS;
}

void ffmk_cast_destroy(struct ffmk_cast *cast)
{
    if (!cast)
        return;
    for (int i = 0; i < FFMK_CAST_WINDOW; i++)
        free_op(cast, &cast->ops[i]);
    ffmk_cast_spread_free(cast);
    ffmk_ring_release(&cast->rings, cast->living);
    ffmk_ring_release(&cast->rings, cast->agreed);
    ffmk_rings_destroy(&cast->rings);
    ffmk_wire_free(&cast->out);
    ffmk_blocks_free(&cast->blocks);
    free(cast->dead);
    free(cast->heard);
    free(cast->reported);
    free(cast->reported_view);
    free(cast->told_to);
    free(cast);
}

void ffmk_cast_set_speed(struct ffmk_cast *cast, const struct ffmk_cast_speed *speed)
{
    cast->speed = *speed;
    if (cast->speed.slot == 0)
        cast->speed.slot = 1;
    if (cast->speed.hop < cast->speed.slot)
        cast->speed.hop = cast->speed.slot;
    memset(cast->choices, 0, sizeof cast->choices);
}

void ffmk_cast_exclude(struct ffmk_cast *cast)
{
    cast->excluded = true;
}

void ffmk_cast_break(struct ffmk_cast *cast)
{
    if (!cast->excluded)
        cast->port.bury(cast->port.self, cast->me);
    cast->excluded = true;
}

struct ffmk_cast_op *ffmk_cast_op_of(struct ffmk_cast *cast, uint64_t number)
{
    if (number <= cast->stable || number - cast->stable > FFMK_CAST_WINDOW)
        return NULL;
    struct ffmk_cast_op *op = &cast->ops[number % FFMK_CAST_WINDOW];
    if (op->number == 0) {
        op->number = number;
        cast->due[number % FFMK_CAST_WINDOW] = FFMK_CAST_NEVER;
        ffmk_cast_know(cast, number);
    }
    return op;
}

void ffmk_cast_wake(struct ffmk_cast *cast, struct ffmk_cast_op *op)
{
    cast->due[op->number % FFMK_CAST_WINDOW] = 0;
}

uint32_t ffmk_cast_leader(const struct ffmk_cast_op *op)
{
    if (op->attempt > 0)
        return (uint32_t)(op->attempt >> 16) - 1;
    return op->kind == FFMK_CAST_UNKNOWN ? FFMK_RING_NOBODY : op->origin;
}

void ffmk_cast_promise(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t attempt,
                       struct ffmk_ring *ring, uint32_t origin)
{
    ffmk_cast_spread_drop(cast, op);
    ffmk_cast_reduce_drop(cast, op);
    free(op->repair);
    op->repair = NULL;
    op->attempt = attempt;
    op->origin = origin;
    if (ring)
        ffmk_ring_hold(ring);
    ffmk_ring_release(&cast->rings, op->ring);
    op->ring = ring;
}

void ffmk_cast_decide(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                      enum ffmk_cast_outcome outcome, uint8_t *payload, size_t bytes,
                      uint64_t total, struct ffmk_ring *ring)
{
    op->outcome = (uint8_t)outcome;
    op->payload = payload;
    op->bytes = bytes;
    op->total = total;
    op->contributors = ffmk_ring_hold(ring);
    op->need_at = FFMK_CAST_NEVER;
    cast->unstable_bytes += bytes;
    ffmk_cast_reduce_drop(cast, op);
    ffmk_blocks_give(&cast->blocks, op->own);
    op->own = NULL;
    ffmk_cast_send_to_mates(cast, op);
}

void ffmk_cast_raise_stable(struct ffmk_cast *cast, uint64_t stable)
{
    if (stable == FFMK_CAST_CLOSED) {
        cast->all_closed = true;
        return;
    }
    while (cast->stable < stable) {
        cast->stable++;
        free_op(cast, &cast->ops[cast->stable % FFMK_CAST_WINDOW]);
    }
}

void ffmk_cast_renew(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t epoch)
{
    const uint64_t number = op->number;
    free_op(cast, op);
    op->number = number;
    op->epoch = epoch;
    cast->due[number % FFMK_CAST_WINDOW] = FFMK_CAST_NEVER;
}

bool ffmk_cast_is_same(const struct ffmk_cast_op *op, uint32_t epoch, uint8_t kind, uint32_t root)
{
    if (op->epoch != epoch)
        return false;
    if (op->kind == FFMK_CAST_UNKNOWN || kind == FFMK_CAST_UNKNOWN)
        return true;
    return op->kind == kind && (kind != FFMK_CAST_BCAST || op->origin == root);
}

static uint64_t advance_op(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    const uint64_t next = ffmk_cast_spread_advance(cast, op, now);
    if (!op->entered || op->outcome != FFMK_CAST_OPEN)
        return next;
    if (now >= op->need_at) {
        op->need_at = now + op->need_wait;
        op->need_wait *= 2;
        if (op->need_wait > MOST_NEED_NS)
            op->need_wait = MOST_NEED_NS;
        ffmk_cast_need(cast, op, now);
    }
    return next < op->need_at ? next : op->need_at;
}

uint64_t ffmk_cast_advance(struct ffmk_cast *cast, uint64_t now)
{
    uint64_t next = FFMK_CAST_NEVER;
    for (uint64_t n = cast->stable + 1; n <= cast->known && !cast->excluded; n++) {
        /* Most are not due, and the line that says so is shared by many. */
        uint64_t *due = &cast->due[n % FFMK_CAST_WINDOW];
        if (*due <= now) {
            struct ffmk_cast_op *op = &cast->ops[n % FFMK_CAST_WINDOW];
            *due = op->number == n ? advance_op(cast, op, now) : FFMK_CAST_NEVER;
        }
        if (*due < next)
            next = *due;
    }
    if (cast->excluded)
        return FFMK_CAST_NEVER;
    const uint64_t prod = ffmk_cast_stable_advance(cast, now);
    return prod < next ? prod : next;
}

void ffmk_cast_new_epoch(struct ffmk_cast *cast)
{
    cast->epoch++;
}

bool ffmk_cast_has_room(const struct ffmk_cast *cast, size_t bytes)
{
    return cast->excluded || (cast->entered - cast->stable < FFMK_CAST_WINDOW &&
                              (bytes == 0 || cast->unstable_bytes == 0 ||
                               cast->unstable_bytes + bytes <= FFMK_CAST_UNSTABLE_BYTES));
}

static struct ffmk_cast_op *enter(struct ffmk_cast *cast, enum ffmk_cast_kind kind, uint32_t root,
                                  const struct ffmk_cast_manner *manner, uint64_t now)
{
    const uint64_t number = ++cast->entered;
    struct ffmk_cast_op *op = cast->excluded ? NULL : ffmk_cast_op_of(cast, number);
    if (!op)
        return NULL;
    if (!ffmk_cast_is_same(op, cast->epoch, (uint8_t)kind, root))
        ffmk_cast_renew(cast, op, cast->epoch);
    op->entered = true;
    op->kind = (uint8_t)kind;
    op->manner = *manner;
    op->need_wait = FIRST_NEED_NS + 8 * (cast->speed.hop + cast->speed.patience);
    op->need_at = op->outcome == FFMK_CAST_OPEN ? now + op->need_wait : FFMK_CAST_NEVER;
    ffmk_cast_wake(cast, op);
    return op;
}

uint8_t *ffmk_cast_copy(struct ffmk_cast *cast, const void *payload, size_t bytes)
{
    uint8_t *copy = ffmk_blocks_take(&cast->blocks, bytes + 1);
    if (!copy)
        ffmk_cast_break(cast);
    else if (bytes > 0)
        memcpy(copy, payload, bytes);
    return copy;
}

uint64_t ffmk_cast_bcast(struct ffmk_cast *cast, uint32_t root,
                         const struct ffmk_cast_manner *manner, const void *payload, size_t bytes,
                         uint64_t total, uint64_t now)
{
    struct ffmk_cast_op *op = enter(cast, FFMK_CAST_BCAST, root, manner, now);
    if (!op)
        return cast->entered;
    if (op->attempt == 0)
        op->origin = root;
    if (root != cast->me) {
        if (cast->dead[root] && op->outcome == FFMK_CAST_OPEN)
            op->need_at = now;
        return cast->entered;
    }
    if (op->outcome != FFMK_CAST_OPEN || op->attempt > 0) {
        /* Others have decided without this member. */
        ffmk_cast_break(cast);
        return cast->entered;
    }
    uint8_t *copy = ffmk_cast_copy(cast, payload, bytes);
    if (!copy)
        return 0;
    ffmk_cast_promise(cast, op, 0, cast->living, root);
    ffmk_cast_decide(cast, op, FFMK_CAST_HAS_VALUE, copy, bytes, total, cast->living);
    ffmk_cast_spread_start(cast, op, manner, now);
    return cast->entered;
}

uint64_t ffmk_cast_reduce(struct ffmk_cast *cast, const struct ffmk_cast_manner *manner,
                          bool in_order, const void *payload, size_t bytes, uint64_t now)
{
    const bool flat = in_order && !cast->rings.in_order;
    struct ffmk_cast_op *op =
        enter(cast, flat ? FFMK_CAST_REDUCE_FLAT : FFMK_CAST_REDUCE, 0, manner, now);
    if (!op || op->outcome != FFMK_CAST_OPEN)
        return cast->entered;
    op->own = ffmk_cast_copy(cast, payload, bytes);
    op->own_bytes = bytes;
    if (op->part && op->part_bytes != bytes)
        ffmk_cast_reduce_drop(cast, op); /* the program is wrong, and waits for good */
    if (!op->own)
        return 0;
    if (op->attempt == 0 && !op->ring)
        ffmk_cast_promise(cast, op, 0, cast->agreed, cast->agreed->rank[0]);
    if (!op->ring || op->repair)
        return cast->entered;
    if (ffmk_cast_leader(op) == cast->me && op->ring != cast->living)
        ffmk_cast_repair_reduction(cast, op, now);
    else if (cast->dead[ffmk_cast_leader(op)])
        op->need_at = now;
    ffmk_cast_reduce_go_on(cast, op, now);
    return cast->entered;
}

enum ffmk_cast_state ffmk_cast_state(const struct ffmk_cast *cast, uint64_t number)
{
    const struct ffmk_cast_op *op = &cast->ops[number % FFMK_CAST_WINDOW];
    /* Who is excluded counts on, and enters nothing. */
    const bool known = op->number == number && op->entered;
    if (known && op->outcome == FFMK_CAST_HAS_VALUE)
        return FFMK_CAST_VALUE;
    if (!known || cast->excluded)
        return FFMK_CAST_EXCLUDED;
    if (op->outcome == FFMK_CAST_HAS_FAILED)
        return FFMK_CAST_FAILED;
    return op->own_bytes > 0 && ffmk_cast_reduce_ready(cast, op) ? FFMK_CAST_COMBINE
                                                                 : FFMK_CAST_PENDING;
}

struct ffmk_cast_value ffmk_cast_value(const struct ffmk_cast *cast, uint64_t number)
{
    const struct ffmk_cast_op *op = &cast->ops[number % FFMK_CAST_WINDOW];
    return (struct ffmk_cast_value){.payload = op->payload,
                                    .bytes = op->bytes,
                                    .total = op->total,
                                    .contributors = op->contributors};
}

void ffmk_cast_leave(struct ffmk_cast *cast, uint64_t number)
{
    struct ffmk_cast_op *op = &cast->ops[number % FFMK_CAST_WINDOW];
    if (op->number != number || op->left)
        return;
    op->left = true;
    cast->left_bytes += op->bytes;
    if (ffmk_cast_is_reduction(op->kind) && op->outcome == FFMK_CAST_HAS_VALUE) {
        ffmk_ring_release(&cast->rings, cast->agreed);
        cast->agreed = ffmk_ring_hold(op->contributors);
    }
    while (cast->left < cast->entered) {
        const struct ffmk_cast_op *next = &cast->ops[(cast->left + 1) % FFMK_CAST_WINDOW];
        if (next->number != cast->left + 1 || !next->left)
            break;
        cast->left++;
    }
}

uint64_t ffmk_cast_sent(const struct ffmk_cast *cast)
{
    return cast->sent;
}

const struct ffmk_ring *ffmk_cast_living(const struct ffmk_cast *cast)
{
    return cast->living;
}
