/* SPDX-License-Identifier: BSD-3-Clause
 * The processes that this one has met. They are kept for good: who would forget how far the
 * messages between two have come could not tell new ones from repeated ones. */
#include "gossip/net/endpoint_inside.h"

#include "core/little.h"
#include "core/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a message that goes by memory. */
enum { MOST_HEAD_BYTES = 512 };

static struct ffmk_peer **place_of(struct ffmk_peer **table, size_t size, uint64_t id)
{
    size_t at = ffmk_rng_mix(id) & (size - 1);
    while (table[at] && table[at]->card.id != id)
        at = (at + 1) & (size - 1);
    return &table[at];
}

struct ffmk_peer *ffmk_peer_of(const struct ffmk_endpoint *endpoint, uint64_t id)
{
    return endpoint->table ? *place_of(endpoint->table, endpoint->table_size, id) : NULL;
}

/* So that one more has room, and half of it is empty. */
static bool grow(struct ffmk_endpoint *endpoint)
{
    if (2 * (endpoint->peers + 1) <= endpoint->table_size)
        return true;
    size_t size = endpoint->table_size ? 2 * endpoint->table_size : 16;
    struct ffmk_peer **table = calloc(size, sizeof *table);
    if (!table)
        return false;
    for (size_t i = 0; i < endpoint->table_size; i++)
        if (endpoint->table[i])
            *place_of(table, size, endpoint->table[i]->card.id) = endpoint->table[i];
    free(endpoint->table);
    endpoint->table = table;
    endpoint->table_size = size;
    return true;
}

struct ffmk_peer *ffmk_endpoint_meet(struct ffmk_endpoint *endpoint, const struct ffmk_card *card)
{
    if (card->id == endpoint->card.id)
        return NULL;
    struct ffmk_peer *peer = ffmk_peer_of(endpoint, card->id);
    if (peer) {
        peer->met++;
        return peer;
    }
    struct ffmk_address address = {.bytes = 0};
    if (!endpoint->carrier &&
        !ffmk_address_choose(&endpoint->card, card, endpoint->ipv6, &address)) {
        errno = EHOSTUNREACH;
        return NULL;
    }
    if (!endpoint->carrier)
        ffmk_address_set_port(&address, card->udp_port);
    peer = grow(endpoint) ? calloc(1, sizeof *peer) : NULL;
    if (!peer) {
        errno = ENOMEM;
        return NULL;
    }
    peer->endpoint = endpoint;
    peer->card = *card;
    peer->address = address;
    peer->met = 1;
    peer->due = FFMK_NEVER;
    ffmk_link_create(&peer->link);
    *place_of(endpoint->table, endpoint->table_size, card->id) = peer;
    endpoint->peers++;
    return peer;
}

void ffmk_endpoint_part(struct ffmk_endpoint *endpoint, struct ffmk_peer *peer)
{
    (void)endpoint;
    if (peer && peer->met > 0)
        peer->met--;
}

void ffmk_peers_free(struct ffmk_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->table_size; i++) {
        struct ffmk_peer *peer = endpoint->table[i];
        if (!peer)
            continue;
        ffmk_peer_drop(peer);
        ffmk_stream_drop(endpoint, &peer->stream);
        if (peer->pidfd > 0)
            close(peer->pidfd - 1);
        ffmk_outbox_close(peer->outbox);
        free(peer->hung);
        free(peer);
    }
    free(endpoint->table);
    ffmk_blocks_free(&endpoint->frames);
}

void ffmk_peer_touch(struct ffmk_peer *peer)
{
    if (peer->is_touched)
        return;
    peer->is_touched = true;
    peer->next_touched = peer->endpoint->touched;
    peer->endpoint->touched = peer;
}

void ffmk_peer_heard(struct ffmk_peer *peer)
{
    peer->heard = peer->endpoint->own_ns;
}

void ffmk_peer_try(struct ffmk_peer *peer)
{
    peer->on_trial = !peer->proved;
}

void ffmk_peer_prove(struct ffmk_peer *peer)
{
    peer->on_trial = false;
    peer->proved = true;
    peer->pending_since = peer->stream.since = peer->endpoint->own_ns;
}

bool ffmk_peer_is_proved(const struct ffmk_peer *peer)
{
    return peer->proved;
}

static void set_active(struct ffmk_peer *peer, bool active)
{
    if (peer->is_active == active)
        return;
    struct ffmk_endpoint *endpoint = peer->endpoint;
    peer->is_active = active;
    if (active) {
        peer->previous_active = NULL;
        peer->next_active = endpoint->active;
        if (endpoint->active)
            endpoint->active->previous_active = peer;
        endpoint->active = peer;
        return;
    }
    if (peer->previous_active)
        peer->previous_active->next_active = peer->next_active;
    else
        endpoint->active = peer->next_active;
    if (peer->next_active)
        peer->next_active->previous_active = peer->previous_active;
}

void ffmk_peer_note(struct ffmk_peer *peer)
{
    struct ffmk_endpoint *endpoint = peer->endpoint;
    bool pending = ffmk_link_is_pending(&peer->link) || peer->waiting || peer->stream.first ||
                   (peer->outbox && !ffmk_outbox_is_empty(peer->outbox));
    if (pending && !peer->is_pending)
        peer->pending_since = endpoint->own_ns;
    peer->is_pending = pending;
    peer->due = ffmk_link_due(&peer->link);
    set_active(peer, pending || peer->due != FFMK_NEVER);
    uint64_t due = peer->due;
    if (pending && endpoint->seen_ns + endpoint->step_ns / 2 < due)
        due = endpoint->seen_ns + endpoint->step_ns / 2;
    if (due < endpoint->peers_due)
        endpoint->peers_due = due;
    const uint64_t held = ffmk_link_held_until(&peer->link);
    if (held < endpoint->held_until)
        __atomic_store_n(&endpoint->held_until, held, __ATOMIC_SEQ_CST);
}

void ffmk_peers_release(struct ffmk_endpoint *endpoint, uint64_t until)
{
    uint64_t later = FFMK_NEVER;
    for (struct ffmk_peer *peer = endpoint->active; peer; peer = peer->next_active) {
        const uint64_t held = ffmk_link_held_until(&peer->link);
        if (held == FFMK_NEVER)
            continue;
        if (held <= until)
            ffmk_peer_touch(peer);
        else if (held < later)
            later = held;
    }
    __atomic_store_n(&endpoint->held_until, later, __ATOMIC_SEQ_CST);
}

void ffmk_peer_refill(struct ffmk_peer *peer, uint64_t now)
{
    while (peer->waiting && ffmk_link_has_room(&peer->link)) {
        struct ffmk_waiting *first = peer->waiting;
        if (!ffmk_link_send(&peer->link, first->body, first->bytes, now)) {
            ffmk_peer_bury(peer); /* no memory */
            return;
        }
        peer->waiting = first->next;
        free(first);
    }
}

void ffmk_peer_drop(struct ffmk_peer *peer)
{
    uint64_t trip = peer->link.trip;
    ffmk_link_destroy(&peer->link);
    ffmk_link_create(&peer->link);
    peer->link.trip = trip;
    while (peer->waiting) {
        struct ffmk_waiting *first = peer->waiting;
        peer->waiting = first->next;
        free(first);
    }
    ffmk_torn_free(&peer->torn);
    peer->is_pending = false;
    peer->due = FFMK_NEVER;
    set_active(peer, false);
}

void ffmk_peer_bury(struct ffmk_peer *peer)
{
    if (peer->dead)
        return;
    peer->dead = true;
    ffmk_outbox_close(peer->outbox);
    peer->outbox = NULL;
    ffmk_peer_drop(peer);
    peer->next_fallen = peer->endpoint->fallen;
    peer->endpoint->fallen = peer;
    ffmk_peer_stream(peer);
}

void ffmk_peer_stream(struct ffmk_peer *peer)
{
    struct ffmk_endpoint *endpoint = peer->endpoint;
    if (!peer->is_streaming) {
        peer->is_streaming = true;
        peer->next_streaming = endpoint->streaming;
        endpoint->streaming = peer;
    }
    endpoint->thread_wanted = true;
}

/* So many bytes of a body, behind what is to be sent. */
static uint8_t *place_for(struct ffmk_peer *peer, size_t bytes)
{
    if (!peer->waiting) {
        uint8_t *place = ffmk_link_extend(&peer->link, bytes);
        if (place)
            return place;
        /* Due at once: a time that has passed. */
        if (ffmk_link_has_room(&peer->link))
            return ffmk_link_add(&peer->link, bytes, 0);
    }
    struct ffmk_waiting *last = peer->last_waiting;
    if (!peer->waiting || bytes > sizeof last->body - last->bytes) {
        last = malloc(sizeof *last);
        if (!last)
            return NULL;
        last->next = NULL;
        last->bytes = 0;
        if (peer->waiting)
            peer->last_waiting->next = last;
        else
            peer->waiting = last;
        peer->last_waiting = last;
    }
    last->bytes += bytes;
    return last->body + last->bytes - bytes;
}

static bool send_part(struct ffmk_peer *peer, const struct ffmk_part *part)
{
    const size_t head = part->is_piece ? FFMK_BODY_PIECE_HEAD_BYTES : FFMK_BODY_HEAD_BYTES;
    uint8_t *place = place_for(peer, head + part->length);
    if (place)
        ffmk_part_put(part, place);
    return place != NULL;
}

static bool send_pieces(struct ffmk_peer *peer, const uint8_t *message, size_t bytes)
{
    const size_t most = FFMK_DATAGRAM_BODY_BYTES - FFMK_BODY_PIECE_HEAD_BYTES;
    struct ffmk_part piece = {
        .is_piece = true, .number = ++peer->torn_sent, .total = (uint32_t)bytes};
    for (size_t at = 0; at < bytes; at += piece.length) {
        piece.offset = (uint32_t)at;
        piece.bytes = message + at;
        piece.length = bytes - at < most ? bytes - at : most;
        if (!send_part(peer, &piece))
            return false;
    }
    return true;
}

/* A message for no service. */
static void ring(struct ffmk_peer *peer)
{
    static const uint8_t nobody[FFMK_NAME_BYTES];
    const struct ffmk_part part = {.bytes = nobody, .length = sizeof nobody};
    if (send_part(peer, &part))
        ffmk_peer_touch(peer);
    else
        ffmk_peer_bury(peer);
}

/* A connection stands still for as long again as the network was cut: so it is given up for a new
 * one, if it had the time for some round trips. */
static void renew_stream(struct ffmk_peer *peer)
{
    const struct ffmk_endpoint *endpoint = peer->endpoint;
    const uint64_t patience = endpoint->detect_after_ns;
    struct ffmk_stream *stream = &peer->stream;
    const uint64_t trips = 8 * peer->link.trip;
    const uint64_t apart = patience / 4 > trips ? patience / 4 : trips;
    if (!stream->first || endpoint->own_ns - stream->since < patience / 2 ||
        endpoint->own_ns - stream->renewed < apart)
        return;
    stream->renewed = endpoint->own_ns;
    stream->renew = true;
    ffmk_peer_stream(peer);
    ring(peer); /* nothing else may be on its way that it answers */
}

/* To datagrams, or, for longer, to what a stream is to bring. */
static bool answers_nothing(const struct ffmk_peer *peer)
{
    const uint64_t now = peer->endpoint->own_ns;
    const uint64_t patience = peer->endpoint->detect_after_ns;
    const uint64_t since = peer->heard > peer->pending_since ? peer->heard : peer->pending_since;
    return (peer->is_pending && now - since >= patience) ||
           (peer->stream.first && now - peer->stream.since >= 2 * patience);
}

void ffmk_peers_look(struct ffmk_endpoint *endpoint, uint64_t now)
{
    endpoint->peers_due = FFMK_NEVER;
    struct ffmk_peer *next;
    for (struct ffmk_peer *peer = endpoint->active; peer; peer = next) {
        next = peer->next_active;
        if (peer->outbox && ffmk_outbox_taken(peer->outbox) != peer->taken) {
            peer->taken = ffmk_outbox_taken(peer->outbox);
            ffmk_peer_heard(peer);
        }
        if (!peer->on_trial)
            renew_stream(peer);
        if (!peer->on_trial && answers_nothing(peer))
            ffmk_peer_bury(peer);
        if (peer->dead)
            continue;
        if (peer->due <= now)
            ffmk_peer_touch(peer);
        else
            ffmk_peer_note(peer);
    }
}

/* To a process that shares memory. \return false: it must go another way. */
static bool put_in_box(struct ffmk_peer *peer, uint64_t name, const void *head, size_t head_bytes,
                       const void *payload, size_t payload_bytes)
{
    uint8_t begin[FFMK_NAME_BYTES + MOST_HEAD_BYTES];
    if (!peer->outbox || head_bytes > MOST_HEAD_BYTES)
        return false;
    ffmk_little_put64(begin, name);
    if (head_bytes > 0)
        memcpy(begin + FFMK_NAME_BYTES, head, head_bytes);
    const enum ffmk_outbox_answer answer =
        ffmk_outbox_put(peer->outbox, begin, FFMK_NAME_BYTES + head_bytes, payload, payload_bytes);
    if (answer == FFMK_OUTBOX_RING)
        ring(peer); /* whom it reaches looks into the box */
    if (answer != FFMK_OUTBOX_NO)
        ffmk_peer_touch(peer);
    return answer != FFMK_OUTBOX_NO;
}

static void carry(struct ffmk_peer *peer, uint64_t name, const void *head, size_t head_bytes,
                  const void *payload, size_t payload_bytes)
{
    struct ffmk_carrier *carrier = peer->endpoint->carrier;
    uint8_t begin[FFMK_NAME_BYTES];
    ffmk_little_put64(begin, name);
    const void *const part[3] = {begin, head, payload};
    const size_t bytes[3] = {sizeof begin, head_bytes, payload_bytes};
    if (!carrier->send(carrier, peer->card.id, part, bytes))
        ffmk_peer_bury(peer);
}

void ffmk_peer_send(struct ffmk_peer *peer, uint64_t name, const void *head, size_t head_bytes,
                    const void *payload, size_t payload_bytes)
{
    if (peer->dead || peer->endpoint->excluded)
        return;
    ffmk_endpoint_count(&peer->endpoint->counts.messages);
    if (peer->endpoint->carrier) {
        carry(peer, name, head, head_bytes, payload, payload_bytes);
        return;
    }
    if (put_in_box(peer, name, head, head_bytes, payload, payload_bytes))
        return;
    const size_t bytes = FFMK_NAME_BYTES + head_bytes + payload_bytes;
    bool sent;
    if (bytes <= FFMK_NAME_BYTES + FFMK_PEER_SOON_BYTES) {
        uint8_t message[FFMK_NAME_BYTES + FFMK_PEER_SOON_BYTES];
        ffmk_little_put64(message, name);
        if (head_bytes > 0)
            memcpy(message + FFMK_NAME_BYTES, head, head_bytes);
        if (payload_bytes > 0)
            memcpy(message + FFMK_NAME_BYTES + head_bytes, payload, payload_bytes);
        const struct ffmk_part whole = {.bytes = message, .length = bytes};
        sent = bytes <= FFMK_NAME_BYTES + FFMK_PEER_AT_ONCE_BYTES
                   ? send_part(peer, &whole)
                   : send_pieces(peer, message, bytes);
    } else {
        sent = ffmk_stream_send(peer, name, head, head_bytes, payload, payload_bytes);
    }
    if (sent)
        ffmk_peer_touch(peer);
    else
        ffmk_peer_bury(peer);
}

bool ffmk_peer_is_dead(const struct ffmk_peer *peer)
{
    return peer->dead;
}

uint64_t ffmk_peer_trip(const struct ffmk_peer *peer)
{
    return peer->link.trip;
}

void *ffmk_peer_find(const struct ffmk_peer *peer, uint64_t name)
{
    for (size_t i = 0; i < peer->hung_n; i++)
        if (peer->hung[i].name == name)
            return peer->hung[i].value;
    return NULL;
}

bool ffmk_peer_hang(struct ffmk_peer *peer, uint64_t name, void *value)
{
    for (size_t i = 0; i < peer->hung_n; i++) {
        if (peer->hung[i].name != name)
            continue;
        if (value)
            peer->hung[i].value = value;
        else
            peer->hung[i] = peer->hung[--peer->hung_n];
        return true;
    }
    if (!value)
        return true;
    struct ffmk_hung *more = realloc(peer->hung, (peer->hung_n + 1) * sizeof *more);
    if (!more)
        return false;
    peer->hung = more;
    peer->hung[peer->hung_n++] = (struct ffmk_hung){.name = name, .value = value};
    return true;
}
