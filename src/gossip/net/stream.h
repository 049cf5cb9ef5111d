/* SPDX-License-Identifier: BSD-3-Clause
 * Messages that are too large for a datagram, through TCP: to each peer a connection of its own, by
 * whoever has something for it, when it has; the other direction is the peer's. What was sent is
 * kept until it is acknowledged, and sent again by a new connection when one broke, so that it
 * arrives once if both live, and in order. So is one that stands still, for TCP waits for long
 * where a network was cut for a while. All of it happens in the endpoint's thread; others only
 * add frames. It never gives up: who is dead is for others to decide. */
#ifndef FFMK_GOSSIP_NET_STREAM_H
#define FFMK_GOSSIP_NET_STREAM_H

#include "core/blocks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct ffmk_connection;
struct ffmk_endpoint;
struct ffmk_frame;
struct ffmk_peer;

/** Of one peer. */
struct ffmk_stream {
    struct ffmk_frame *first, *last; /* not acknowledged yet; under the lock */
    uint64_t sent;                   /* sequence of the last of them; under the lock */
    /* Under the lock, by the own clock. */
    uint64_t since;   /* when the first of them became that, or one was acknowledged */
    uint64_t renewed; /* when it was last to be given a new connection for that */
    bool renew;       /* it is to be given one */
    /* The thread's. */
    uint64_t acknowledged;
    uint64_t come; /* all frames of the other direction up to this one */
    struct ffmk_connection *out, *in;
    struct event *again; /* time to connect again */
    uint64_t delay_ns;   /* until then, next time */
};

/** Of the process. */
struct ffmk_streams {
    int listener;
    struct event *on_connection, *on_room;
    struct ffmk_connection *first; /* all of them, the newest first */
    unsigned strangers;            /* of them that have not said who they are */
    struct ffmk_blocks frames;     /* that come */
};

/** Open the port, which goes on the card; before the thread starts. \return FFMK_SUCCESS,
 * FFMK_ERR_IO with errno, FFMK_ERR_NO_MEMORY. */
int ffmk_streams_open(struct ffmk_endpoint *endpoint);
/** After the thread's end. */
void ffmk_streams_close(struct ffmk_endpoint *endpoint);

/** Under the lock: put a message behind what is to be sent. \return false: no memory. */
bool ffmk_stream_send(struct ffmk_peer *peer, uint64_t name, const void *head, size_t head_bytes,
                      const void *payload, size_t payload_bytes);

/** The thread, without the lock: go on with peers for which something was added, or that died. */
void ffmk_streams_go_on(struct ffmk_endpoint *endpoint);

/** Under the lock, when the thread has nothing of it in hands, or has ended: forget the frames. */
void ffmk_stream_drop(struct ffmk_endpoint *endpoint, struct ffmk_stream *stream);

#endif
