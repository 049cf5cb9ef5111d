/* SPDX-License-Identifier: BSD-3-Clause
 * One connection of a stream: what comes through it and what goes. */
#include "gossip/net/stream_inside.h"

#include "core/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* At one call: others want to be served, too. */
enum { BYTES_AT_ONCE = 4 << 20 };

/* While a large frame comes, its sender hears so often that somebody takes it. */
static const uint64_t ACKNOWLEDGE_EVERY_NS = 10000000;

static bool refuse(struct ffmk_connection *connection)
{
    ffmk_endpoint_count(&connection->endpoint->counts.refused);
    return false;
}

static bool is_gone(const struct ffmk_peer *peer)
{
    return peer->dead || peer->endpoint->excluded;
}

/* \return bytes, 0: none now, -1: it is broken. */
static ssize_t receive(struct ffmk_connection *connection, void *to, size_t bytes)
{
    ssize_t n = recv(connection->file, to, bytes, MSG_DONTWAIT);
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

static ssize_t transmit(struct ffmk_connection *connection, const void *from, size_t bytes)
{
    ssize_t n = send(connection->file, from, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

/* Under the lock. The one that is being sent is wanted until that is done. */
static void release(struct ffmk_connection *connection)
{
    struct ffmk_stream *stream = &connection->peer->stream;
    while (stream->first && stream->first->sequence <= stream->acknowledged &&
           stream->first != connection->at) {
        struct ffmk_frame *frame = stream->first;
        stream->first = frame->next;
        ffmk_blocks_give(&connection->endpoint->frames, frame);
    }
}

void ffmk_connection_drop_frame(struct ffmk_connection *connection)
{
    ffmk_endpoint_enter(connection->endpoint);
    connection->at = NULL;
    release(connection);
    ffmk_endpoint_leave(connection->endpoint);
}

static bool take_acknowledgement(struct ffmk_connection *connection)
{
    struct ffmk_endpoint *endpoint = connection->endpoint;
    struct ffmk_peer *peer = connection->peer;
    struct ffmk_frame_head head;
    if (!ffmk_frame_get_short(connection->head, endpoint->card.key, FFMK_FRAME_ACK, &head) ||
        head.from != peer->card.id)
        return refuse(connection);
    connection->got = 0;
    uint64_t now = ffmk_clock_ns();
    ffmk_endpoint_enter(endpoint);
    bool good = head.number <= peer->stream.sent && !is_gone(peer);
    if (good) {
        ffmk_endpoint_pass_time(endpoint, now);
        ffmk_peer_heard(peer);
        if (connection->heard || head.number > peer->stream.acknowledged)
            peer->stream.since = endpoint->own_ns;
        if (head.number > peer->stream.acknowledged)
            peer->stream.acknowledged = head.number;
        connection->heard = true;
        peer->stream.delay_ns = 0;
        release(connection);
        ffmk_peer_touch(peer);
        ffmk_endpoint_turn(endpoint, now);
    }
    ffmk_endpoint_leave(endpoint);
    return good;
}

static bool take_hello(struct ffmk_connection *connection)
{
    struct ffmk_endpoint *endpoint = connection->endpoint;
    struct ffmk_frame_head head;
    if (!ffmk_frame_get_short(connection->head, endpoint->card.key, FFMK_FRAME_HELLO, &head) ||
        head.number != endpoint->card.id)
        return refuse(connection);
    connection->got = 0;
    uint64_t now = ffmk_clock_ns();
    ffmk_endpoint_enter(endpoint);
    struct ffmk_peer *peer = ffmk_peer_of(endpoint, head.from);
    bool good = peer && !is_gone(peer);
    if (good) {
        ffmk_endpoint_pass_time(endpoint, now);
        ffmk_peer_heard(peer);
    } else if (peer && peer->dead) {
        ffmk_post_exclude(peer, now);
        ffmk_endpoint_turn(endpoint, now);
    }
    ffmk_endpoint_leave(endpoint);
    if (!peer)
        return refuse(connection);
    if (good)
        ffmk_connection_replaces(connection, peer);
    connection->owes = good; /* what has come need not come again */
    return good;
}

static bool begin_frame(struct ffmk_connection *connection)
{
    struct ffmk_frame_head head;
    if (!ffmk_frame_get_head(connection->head, &head) || head.kind != FFMK_FRAME_MESSAGE ||
        head.from != connection->peer->card.id || head.length < FFMK_NAME_BYTES ||
        head.length > FFMK_NAME_BYTES + FFMK_PEER_MOST_BYTES)
        return refuse(connection);
    connection->frame_bytes = FFMK_FRAME_HEAD_BYTES + head.length + FFMK_SEAL_BYTES;
    connection->frame =
        ffmk_blocks_take(&connection->endpoint->streams.frames, connection->frame_bytes);
    if (!connection->frame)
        return false; /* it is sent again */
    memcpy(connection->frame, connection->head, FFMK_FRAME_HEAD_BYTES);
    return true;
}

static bool take_frame(struct ffmk_connection *connection)
{
    struct ffmk_endpoint *endpoint = connection->endpoint;
    struct ffmk_peer *peer = connection->peer;
    const uint8_t *frame = connection->frame;
    const size_t sealed = connection->frame_bytes - FFMK_SEAL_BYTES;
    struct ffmk_frame_head head;
    if (!ffmk_frame_get_head(frame, &head) ||
        !ffmk_seal_fits(endpoint->card.key, frame, sealed, frame + sealed) ||
        head.number > peer->stream.come + 1)
        return refuse(connection);
    uint64_t now = ffmk_clock_ns();
    ffmk_endpoint_enter(endpoint);
    bool good = !is_gone(peer);
    if (good) {
        ffmk_endpoint_pass_time(endpoint, now);
        ffmk_peer_heard(peer);
        if (head.number == peer->stream.come + 1) {
            peer->stream.come++;
            ffmk_endpoint_deliver(endpoint, peer, frame + FFMK_FRAME_HEAD_BYTES, head.length, now);
        }
        ffmk_endpoint_turn(endpoint, now);
    }
    ffmk_endpoint_leave(endpoint);
    ffmk_blocks_give(&endpoint->streams.frames, connection->frame);
    connection->frame = NULL;
    connection->got = 0;
    connection->owes = true;
    return good;
}

/* Something of it came. */
static bool take(struct ffmk_connection *connection)
{
    if (connection->frame)
        return connection->got < connection->frame_bytes || take_frame(connection);
    bool brief = connection->outgoing || !connection->peer;
    if (connection->got < (brief ? FFMK_FRAME_SHORT_BYTES : FFMK_FRAME_HEAD_BYTES))
        return true;
    if (connection->outgoing)
        return take_acknowledgement(connection);
    return connection->peer ? begin_frame(connection) : take_hello(connection);
}

static ssize_t receive_next(struct ffmk_connection *connection)
{
    const size_t got = connection->got;
    if (connection->frame)
        return receive(connection, connection->frame + got, connection->frame_bytes - got);
    bool brief = connection->outgoing || !connection->peer;
    size_t bytes = brief ? FFMK_FRAME_SHORT_BYTES : FFMK_FRAME_HEAD_BYTES;
    return receive(connection, connection->head + got, bytes - got);
}

bool ffmk_connection_read(struct ffmk_connection *connection)
{
    for (size_t all = 0; all < BYTES_AT_ONCE;) {
        ssize_t n = receive_next(connection);
        if (n < 0)
            return false;
        if (n == 0)
            break;
        all += (size_t)n;
        connection->got += (size_t)n;
        if (!take(connection))
            return false;
    }
    if (connection->frame && ffmk_clock_ns() - connection->acknowledged_at > ACKNOWLEDGE_EVERY_NS)
        connection->owes = true;
    return !connection->owes || ffmk_connection_write(connection);
}

/* The next that goes, if there is any. */
static bool pick(struct ffmk_connection *connection)
{
    struct ffmk_peer *peer = connection->peer;
    if (!connection->outgoing) {
        if (!connection->owes)
            return false;
        struct ffmk_frame_head head = {.kind = FFMK_FRAME_ACK,
                                       .from = connection->endpoint->card.id,
                                       .number = peer->stream.come};
        ffmk_frame_put_short(&head, peer->card.key, connection->brief);
        connection->brief_left = sizeof connection->brief;
        connection->owes = false;
        connection->acknowledged_at = ffmk_clock_ns();
        return true;
    }
    ffmk_endpoint_enter(connection->endpoint);
    struct ffmk_frame *at = is_gone(peer) ? NULL : peer->stream.first;
    while (at && (at->sequence <= connection->last || at->sequence <= peer->stream.acknowledged))
        at = at->next;
    ffmk_endpoint_leave(connection->endpoint);
    connection->at = at;
    connection->written = 0;
    return at != NULL;
}

static void frame_went(struct ffmk_connection *connection)
{
    ffmk_endpoint_count(&connection->endpoint->counts.stream_frames);
    connection->last = connection->at->sequence;
    ffmk_endpoint_enter(connection->endpoint);
    connection->at = NULL;
    release(connection); /* an earlier connection may have brought it */
    ffmk_peer_touch(connection->peer);
    ffmk_endpoint_unlock(connection->endpoint);
}

bool ffmk_connection_write(struct ffmk_connection *connection)
{
    if (connection->connecting)
        return true;
    for (size_t all = 0; all < BYTES_AT_ONCE;) {
        if (connection->brief_left == 0 && !connection->at && !pick(connection)) {
            event_del(connection->writable);
            return true;
        }
        ssize_t n;
        if (connection->brief_left > 0) {
            n = transmit(connection,
                         connection->brief + sizeof connection->brief - connection->brief_left,
                         connection->brief_left);
            connection->brief_left -= n > 0 ? (size_t)n : 0;
        } else {
            struct ffmk_frame *at = connection->at;
            n = transmit(connection, at->data + connection->written,
                         at->bytes - connection->written);
            connection->written += n > 0 ? (size_t)n : 0;
            if (connection->written == at->bytes)
                frame_went(connection);
        }
        if (n < 0)
            return false;
        if (n == 0)
            break;
        all += (size_t)n;
    }
    event_add(connection->writable, NULL);
    return true;
}
