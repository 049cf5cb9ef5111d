/* SPDX-License-Identifier: BSD-3-Clause
 * Messages that are too large for a datagram: connections' beginning and end. */
#include "gossip/net/stream_inside.h"

#include "core/clock.h"
#include "core/little.h"

#include <errno.h>
#include <ffmk.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t FIRST_DELAY_NS = 10000000;
static const uint64_t MOST_DELAY_NS = 1000000000;

/* A stranger has so long to say hello, and only so many are waited for; without a frame for so long
 * a connection is closed, for there may be more peers than descriptors. */
enum { STRANGER_S = 5, MOST_STRANGERS = 64, IDLE_S = 10, BACKLOG = 1024 };

static void on_readable(evutil_socket_t file, short what, void *argument);
static void on_writable(evutil_socket_t file, short what, void *argument);

static void set_option(int file, int level, int option)
{
    int on = 1;
    setsockopt(file, level, option, &on, sizeof on);
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void close_connection(struct ffmk_connection *connection)
{
    struct ffmk_streams *streams = &connection->endpoint->streams;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        streams->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    if (!connection->peer)
        streams->strangers--;
    else if (connection->outgoing)
        connection->peer->stream.out = NULL;
    else
        connection->peer->stream.in = NULL;
    free_event(connection->readable);
    free_event(connection->writable);
    close(connection->file);
    ffmk_blocks_give(&connection->endpoint->streams.frames, connection->frame);
    free(connection);
}

/* Takes the file; \return NULL, and it is closed: no memory. */
static struct ffmk_connection *new_connection(struct ffmk_endpoint *endpoint,
                                              struct ffmk_peer *peer, int file)
{
    struct ffmk_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        close(file);
        return NULL;
    }
    struct ffmk_streams *streams = &endpoint->streams;
    connection->endpoint = endpoint;
    connection->peer = peer;
    connection->file = file;
    connection->outgoing = peer != NULL;
    connection->begun = ffmk_clock_ns();
    connection->next = streams->first;
    if (streams->first)
        streams->first->previous = connection;
    streams->first = connection;
    if (peer)
        peer->stream.out = connection;
    else
        streams->strangers++;
    set_option(file, IPPROTO_TCP, TCP_NODELAY);
    connection->readable =
        event_new(endpoint->base, file, EV_READ | EV_PERSIST, on_readable, connection);
    connection->writable =
        event_new(endpoint->base, file, EV_WRITE | EV_PERSIST, on_writable, connection);
    struct timeval most = {.tv_sec = peer ? IDLE_S : STRANGER_S};
    if (!connection->readable || !connection->writable ||
        event_add(connection->readable, &most) != 0) {
        close_connection(connection);
        return NULL;
    }
    return connection;
}

static bool has_frames(struct ffmk_peer *peer)
{
    ffmk_endpoint_enter(peer->endpoint);
    bool has = peer->stream.first && !peer->dead && !peer->endpoint->excluded;
    ffmk_endpoint_leave(peer->endpoint);
    return has;
}

static void begin_connection(struct ffmk_peer *peer);

static void on_again(evutil_socket_t none, short what, void *argument)
{
    (void)none;
    (void)what;
    struct ffmk_peer *peer = argument;
    if (!peer->stream.out && has_frames(peer))
        begin_connection(peer);
}

static void begin_again(struct ffmk_peer *peer)
{
    if (!has_frames(peer))
        return;
    struct ffmk_stream *stream = &peer->stream;
    if (!stream->again)
        stream->again = event_new(peer->endpoint->base, -1, 0, on_again, peer);
    if (!stream->again)
        return; /* the silence will bury it */
    stream->delay_ns = stream->delay_ns == 0                  ? FIRST_DELAY_NS
                       : stream->delay_ns < MOST_DELAY_NS / 2 ? 2 * stream->delay_ns
                                                              : MOST_DELAY_NS;
    struct timeval after = {.tv_sec = (time_t)(stream->delay_ns / 1000000000),
                            .tv_usec = (suseconds_t)(stream->delay_ns % 1000000000 / 1000)};
    event_add(stream->again, &after);
}

static void end_connection(struct ffmk_connection *connection)
{
    struct ffmk_peer *peer = connection->outgoing ? connection->peer : NULL;
    if (peer)
        ffmk_connection_drop_frame(connection);
    close_connection(connection);
    if (peer)
        begin_again(peer);
}

static void begin_connection(struct ffmk_peer *peer)
{
    struct ffmk_endpoint *endpoint = peer->endpoint;
    struct ffmk_address address = peer->address;
    ffmk_address_set_port(&address, peer->card.tcp_port);
    int file = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct ffmk_connection *connection = file < 0 ? NULL : new_connection(endpoint, peer, file);
    if (!connection) {
        begin_again(peer);
        return;
    }
    struct ffmk_frame_head head = {
        .kind = FFMK_FRAME_HELLO, .from = endpoint->card.id, .number = peer->card.id};
    ffmk_frame_put_short(&head, peer->card.key, connection->brief);
    connection->brief_left = sizeof connection->brief;
    connection->connecting = true;
    if ((connect(file, &address.socket.any, address.bytes) != 0 && errno != EINPROGRESS) ||
        event_add(connection->writable, NULL) != 0)
        end_connection(connection);
}

static void on_readable(evutil_socket_t file, short what, void *argument)
{
    (void)file;
    struct ffmk_connection *connection = argument;
    bool good = true;
    if (what & EV_READ)
        good = connection->connecting || ffmk_connection_read(connection);
    else if (connection->outgoing)
        good = connection->connecting || has_frames(connection->peer);
    else
        good = connection->peer != NULL;
    if (good && !connection->outgoing && !connection->peer)
        good = ffmk_clock_ns() - connection->begun < UINT64_C(1000000000) * STRANGER_S;
    if (!good)
        end_connection(connection);
}

static void on_writable(evutil_socket_t file, short what, void *argument)
{
    (void)what;
    struct ffmk_connection *connection = argument;
    if (connection->connecting) {
        int error = 0;
        socklen_t bytes = sizeof error;
        if (getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0 || error != 0) {
            end_connection(connection);
            return;
        }
        connection->connecting = false;
    }
    if (!ffmk_connection_write(connection))
        end_connection(connection);
}

void ffmk_connection_replaces(struct ffmk_connection *connection, struct ffmk_peer *peer)
{
    if (peer->stream.in)
        close_connection(peer->stream.in);
    connection->endpoint->streams.strangers--;
    connection->peer = peer;
    peer->stream.in = connection;
    /* It may be silent now, but its host may not disappear unnoticed. */
    set_option(connection->file, SOL_SOCKET, SO_KEEPALIVE);
}

static void close_oldest_stranger(struct ffmk_streams *streams)
{
    struct ffmk_connection *oldest = NULL;
    for (struct ffmk_connection *at = streams->first; at; at = at->next)
        if (!at->peer)
            oldest = at;
    if (oldest)
        close_connection(oldest);
}

static void on_connection(evutil_socket_t listener, short what, void *argument)
{
    (void)what;
    struct ffmk_endpoint *endpoint = argument;
    int file = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (file >= 0) {
        if (endpoint->streams.strangers >= MOST_STRANGERS) {
            ffmk_endpoint_count(&endpoint->counts.refused);
            close_oldest_stranger(&endpoint->streams);
        }
        new_connection(endpoint, NULL, file);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        /* It would come again and again. */
        struct timeval after = {.tv_usec = 100000};
        event_del(endpoint->streams.on_connection);
        event_add(endpoint->streams.on_room, &after);
    }
}

static void on_room(evutil_socket_t none, short what, void *argument)
{
    (void)none;
    (void)what;
    event_add(((struct ffmk_endpoint *)argument)->streams.on_connection, NULL);
}

int ffmk_streams_open(struct ffmk_endpoint *endpoint)
{
    struct ffmk_streams *streams = &endpoint->streams;
    struct ffmk_address any;
    ffmk_address_any(endpoint->ipv6, &any);
    streams->listener =
        socket(any.socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (streams->listener < 0)
        return FFMK_ERR_IO;
    int off = 0;
    if (endpoint->ipv6)
        setsockopt(streams->listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(streams->listener, &any.socket.any, any.bytes) != 0 ||
        listen(streams->listener, BACKLOG) != 0)
        return FFMK_ERR_IO;
    endpoint->card.tcp_port = ffmk_address_bound_port(streams->listener);
    streams->on_connection =
        event_new(endpoint->base, streams->listener, EV_READ | EV_PERSIST, on_connection, endpoint);
    streams->on_room = event_new(endpoint->base, -1, 0, on_room, endpoint);
    return streams->on_connection && streams->on_room &&
                   event_add(streams->on_connection, NULL) == 0
               ? FFMK_SUCCESS
               : FFMK_ERR_NO_MEMORY;
}

void ffmk_streams_close(struct ffmk_endpoint *endpoint)
{
    struct ffmk_streams *streams = &endpoint->streams;
    while (streams->first)
        close_connection(streams->first); /* NOLINT: it leaves the list */
    ffmk_blocks_free(&streams->frames);
    for (size_t i = 0; i < endpoint->table_size; i++) {
        if (!endpoint->table[i])
            continue;
        free_event(endpoint->table[i]->stream.again);
        endpoint->table[i]->stream.again = NULL;
    }
    free_event(streams->on_connection);
    free_event(streams->on_room);
    if (streams->listener >= 0)
        close(streams->listener);
}

bool ffmk_stream_send(struct ffmk_peer *peer, uint64_t name, const void *head, size_t head_bytes,
                      const void *payload, size_t payload_bytes)
{
    struct ffmk_stream *stream = &peer->stream;
    const size_t length = FFMK_NAME_BYTES + head_bytes + payload_bytes;
    const size_t sealed = FFMK_FRAME_HEAD_BYTES + length;
    struct ffmk_frame *frame =
        ffmk_blocks_take(&peer->endpoint->frames, sizeof *frame + sealed + FFMK_SEAL_BYTES);
    if (!frame)
        return false;
    frame->next = NULL;
    frame->sequence = ++stream->sent;
    frame->bytes = sealed + FFMK_SEAL_BYTES;
    struct ffmk_frame_head what = {.kind = FFMK_FRAME_MESSAGE,
                                   .from = peer->endpoint->card.id,
                                   .number = frame->sequence,
                                   .length = length};
    ffmk_frame_put_head(&what, frame->data);
    uint8_t *at = frame->data + FFMK_FRAME_HEAD_BYTES;
    ffmk_little_put64(at, name);
    if (head_bytes > 0)
        memcpy(at + FFMK_NAME_BYTES, head, head_bytes);
    if (payload_bytes > 0)
        memcpy(at + FFMK_NAME_BYTES + head_bytes, payload, payload_bytes);
    ffmk_seal(peer->card.key, frame->data, sealed, frame->data + sealed);
    if (stream->first) {
        stream->last->next = frame;
    } else {
        stream->first = frame;
        stream->since = peer->endpoint->own_ns;
    }
    stream->last = frame;
    ffmk_peer_stream(peer);
    return true;
}

void ffmk_stream_drop(struct ffmk_endpoint *endpoint, struct ffmk_stream *stream)
{
    while (stream->first) {
        struct ffmk_frame *frame = stream->first;
        stream->first = frame->next;
        ffmk_blocks_give(&endpoint->frames, frame);
    }
}

static void end_stream(struct ffmk_peer *peer)
{
    struct ffmk_stream *stream = &peer->stream;
    if (stream->out)
        close_connection(stream->out);
    if (stream->in)
        close_connection(stream->in);
    free_event(stream->again);
    stream->again = NULL;
    ffmk_endpoint_enter(peer->endpoint);
    ffmk_stream_drop(peer->endpoint, stream);
    ffmk_endpoint_leave(peer->endpoint);
}

void ffmk_streams_go_on(struct ffmk_endpoint *endpoint)
{
    for (;;) {
        ffmk_endpoint_enter(endpoint);
        struct ffmk_peer *peer = endpoint->streaming;
        bool gone = peer && (peer->dead || endpoint->excluded);
        bool renew = false;
        if (peer) {
            endpoint->streaming = peer->next_streaming;
            peer->is_streaming = false;
            renew = peer->stream.renew;
            peer->stream.renew = false;
        }
        endpoint->thread_wanted = endpoint->streaming != NULL;
        ffmk_endpoint_leave(endpoint);
        if (!peer)
            return;
        struct ffmk_stream *stream = &peer->stream;
        if (gone)
            end_stream(peer);
        else if (!stream->out && !(stream->again && event_pending(stream->again, EV_TIMEOUT, NULL)))
            begin_connection(peer);
        else if (stream->out && (renew || !ffmk_connection_write(stream->out)))
            end_connection(stream->out);
    }
}
