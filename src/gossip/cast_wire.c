/* SPDX-License-Identifier: BSD-3-Clause
 * Messages of cast.h on the wire: encoding, and decoding that trusts nothing. */
#include "gossip/cast_inside.h"

#include <ffmk.h>

/* Of which an operation is the subject. */
static bool has_op(uint8_t type)
{
    return type <= FFMK_CAST_RESTART;
}

static bool has_ring(uint8_t type)
{
    return type <= FFMK_CAST_DEATHS;
}

static bool has_outcome(uint8_t type)
{
    return type == FFMK_CAST_SPREAD || type == FFMK_CAST_OUTCOME || type == FFMK_CAST_ANSWER ||
           type == FFMK_CAST_CONTRIBUTION;
}

static void put_spread(struct ffmk_wire_out *out, const struct ffmk_cast_message *message)
{
    ffmk_wire_put_u8(out, message->rumor.kind);
    ffmk_wire_put_u8(out, message->rumor.side);
    ffmk_wire_put_u8(out, message->rumor.ask);
    ffmk_wire_put_u8(out, message->rumor.known);
    ffmk_wire_put_u32(out, message->rumor.slot);
    ffmk_wire_put_u8(out, message->spread.mode);
    ffmk_wire_put_u8(out, message->spread.number);
    ffmk_wire_put_u32(out, message->spread.rounds);
    ffmk_wire_put_u32(out, message->spread.hop);
    ffmk_wire_put_u64(out, message->spread.speed.slot);
    ffmk_wire_put_u64(out, message->spread.speed.hop);
    ffmk_wire_put_u64(out, message->spread.speed.patience);
}

void ffmk_cast_send(struct ffmk_cast *cast, uint32_t to, const struct ffmk_cast_message *message,
                    const void *payload, size_t bytes)
{
    struct ffmk_wire_out *out = &cast->out;
    if (cast->excluded || to == cast->me || cast->dead[to])
        return;
    out->length = 0;
    ffmk_wire_put_u8(out, message->type);
    ffmk_wire_put_u64(out, message->number);
    ffmk_wire_put_u64(out, ffmk_cast_stable(cast));
    if (has_op(message->type)) {
        ffmk_wire_put_u64(out, message->attempt);
        ffmk_wire_put_u32(out, message->epoch);
        ffmk_wire_put_u8(out, message->kind);
        ffmk_wire_put_u32(out, message->origin);
    }
    if (has_ring(message->type))
        ffmk_ring_put(message->ring, out);
    if (message->type == FFMK_CAST_SPREAD)
        put_spread(out, message);
    if (message->type == FFMK_CAST_REPORT)
        ffmk_wire_put_u64(out, message->view);
    if (has_outcome(message->type)) {
        ffmk_wire_put_u8(out, message->outcome);
        ffmk_wire_put_u64(out, message->total);
        ffmk_wire_put_u32(out, message->bytes);
        ffmk_wire_put_u8(out, payload != NULL);
    }
    if (out->failed) {
        ffmk_cast_break(cast);
        return;
    }
    cast->sent++;
    cast->told_to[to] = ffmk_cast_stable(cast);
    cast->port.send(cast->port.self, to, out->data, out->length, payload, bytes);
}

void ffmk_cast_send_all(struct ffmk_cast *cast, const struct ffmk_cast_message *message)
{
    for (uint32_t i = 0; i < cast->living->nodes; i++)
        ffmk_cast_send(cast, cast->living->rank[i], message, NULL, 0);
}

struct ffmk_cast_message ffmk_cast_about(const struct ffmk_cast *cast,
                                         const struct ffmk_cast_op *op, enum ffmk_cast_type type)
{
    return (struct ffmk_cast_message){
        .type = (uint8_t)type,
        .number = op->number,
        .attempt = op->attempt,
        .epoch = op->epoch,
        .kind = op->kind,
        .origin = op->origin,
        .ring = cast->living,
        .outcome = op->outcome,
        .total = op->total,
        .bytes = (uint32_t)op->bytes,
    };
}

void ffmk_cast_send_outcome(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t to,
                            uint64_t attempt)
{
    struct ffmk_cast_message message = ffmk_cast_about(cast, op, FFMK_CAST_OUTCOME);
    /* Who asked listens to nothing below what it has promised. Whoever leads that attempt asks this
     * member, too, or has declared it dead; then nobody listens to it. */
    if (message.attempt < attempt)
        message.attempt = attempt;
    message.ring = op->contributors;
    ffmk_cast_send(cast, to, &message, op->payload, op->bytes);
    ffmk_cast_hand(cast, op, to, message.attempt);
}

void ffmk_cast_send_to_mates(struct ffmk_cast *cast, struct ffmk_cast_op *op)
{
    const struct ffmk_ring *ring = op->ring ? op->ring : cast->living;
    const uint32_t host = cast->rings.host[cast->me];
    if (ring->place[host] == FFMK_RING_NOBODY)
        return;
    const uint32_t origin = op->ring ? op->origin : cast->living->rank[0];
    if (ffmk_cast_speaker(cast, ring, origin, cast->me) != cast->me)
        return;
    for (uint32_t i = cast->rings.begin[host]; i < cast->rings.begin[host + 1]; i++)
        ffmk_cast_send_outcome(cast, op, cast->rings.mates[i], op->attempt);
}

static void get_spread(struct ffmk_wire_in *in, struct ffmk_cast_message *message)
{
    message->rumor.kind = ffmk_wire_get_u8(in);
    message->rumor.side = ffmk_wire_get_u8(in);
    message->rumor.ask = ffmk_wire_get_u8(in);
    message->rumor.known = ffmk_wire_get_u8(in);
    message->rumor.slot = ffmk_wire_get_u32(in);
    struct ffmk_cast_spread *spread = &message->spread;
    spread->mode = ffmk_wire_get_u8(in);
    spread->number = ffmk_wire_get_u8(in);
    spread->rounds = ffmk_wire_get_u32(in);
    spread->hop = ffmk_wire_get_u32(in);
    spread->speed.slot = ffmk_wire_get_u64(in);
    spread->speed.hop = ffmk_wire_get_u64(in);
    spread->speed.patience = ffmk_wire_get_u64(in);
    const uint64_t most = UINT64_C(1) << 40;
    if (spread->mode < FFMK_RUMOR_OPPORTUNISTIC || spread->mode > FFMK_RUMOR_FAILURE_PROOF ||
        spread->number > FFMK_RUMOR_MAX_DEATHS || spread->rounds > FFMK_SCHEDULE_MAX_ROUNDS ||
        spread->hop < 1 || spread->hop > FFMK_SCHEDULE_MAX_HOP || spread->speed.slot > most ||
        spread->speed.hop > most || spread->speed.patience > most ||
        message->rumor.kind > FFMK_RUMOR_REPLY || message->rumor.side > FFMK_RUMOR_DOWN)
        in->failed = true;
}

static void get_ring(struct ffmk_cast *cast, struct ffmk_wire_in *in,
                     struct ffmk_cast_message *message)
{
    message->ring = ffmk_ring_find(&cast->rings, in);
    if (message->ring)
        return;
    ffmk_ring_get(in, cast->members, cast->heard);
    if (in->failed)
        return;
    message->ring = ffmk_ring_of(&cast->rings, cast->heard);
    if (!message->ring)
        ffmk_cast_break(cast); /* no message is to be lost */
    if (!message->ring || message->ring->nodes == 0)
        in->failed = true;
}

bool ffmk_cast_decode(struct ffmk_cast *cast, const uint8_t *bytes, size_t length,
                      struct ffmk_cast_message *message)
{
    struct ffmk_wire_in in = {.data = bytes, .length = length};
    *message = (struct ffmk_cast_message){.type = ffmk_wire_get_u8(&in)};
    message->number = ffmk_wire_get_u64(&in);
    message->stable = ffmk_wire_get_u64(&in);
    if (in.failed || message->type >= FFMK_CAST_TYPES)
        return false;
    if (has_op(message->type)) {
        message->attempt = ffmk_wire_get_u64(&in);
        message->epoch = ffmk_wire_get_u32(&in);
        message->kind = ffmk_wire_get_u8(&in);
        message->origin = ffmk_wire_get_u32(&in);
        if (message->kind > FFMK_CAST_REDUCE_FLAT || message->origin >= cast->members ||
            message->number == 0 || message->attempt >> 16 > cast->members ||
            (message->attempt > 0 && message->attempt >> 16 == 0))
            return false;
    }
    if (has_ring(message->type))
        get_ring(cast, &in, message);
    if (message->type == FFMK_CAST_SPREAD && !in.failed)
        get_spread(&in, message);
    if (message->type == FFMK_CAST_REPORT)
        message->view = ffmk_wire_get_u64(&in);
    if (has_outcome(message->type)) {
        message->outcome = ffmk_wire_get_u8(&in);
        message->total = ffmk_wire_get_u64(&in);
        message->bytes = ffmk_wire_get_u32(&in);
        message->has_payload = ffmk_wire_get_u8(&in) != 0;
        if (message->outcome > FFMK_CAST_HAS_FAILED || message->bytes > FFMK_CAST_PIECE_BYTES)
            return false;
        if (message->has_payload)
            message->payload = ffmk_wire_get_bytes(&in, message->bytes);
    }
    return !in.failed && in.at == length;
}
