/* SPDX-License-Identifier: BSD-3-Clause
 * What the rooms of stream.h share: stream.c makes and ends connections, connection.c reads and
 * writes them. All of it is the endpoint's thread's; the lock is not held when it begins. */
#ifndef FFMK_GOSSIP_NET_STREAM_INSIDE_H
#define FFMK_GOSSIP_NET_STREAM_INSIDE_H

#include "gossip/net/endpoint_inside.h"
#include "gossip/net/frame.h"

#include <event2/event.h>

struct ffmk_frame {
    struct ffmk_frame *next;
    uint64_t sequence;
    size_t bytes;
    uint8_t data[]; /* as it is sent */
};

struct ffmk_connection {
    struct ffmk_endpoint *endpoint;
    struct ffmk_peer *peer; /* NULL: a stranger, who has not said hello */
    int file;
    bool outgoing;   /* made by this process: frames go out, acknowledgements come in */
    bool connecting; /* not made yet */
    bool heard;     /* outgoing: the answer to its hello has come, which says how far frames have */
    uint64_t begun; /* when */
    struct event *readable, *writable;
    /* What comes: its head, or a short frame; then a frame in memory of its own. */
    uint8_t head[FFMK_FRAME_SHORT_BYTES];
    uint8_t *frame; /* NULL: a head comes */
    size_t frame_bytes;
    size_t got;
    bool owes; /* an acknowledgement */
    uint64_t acknowledged_at;
    /* What goes: a short frame, then frames. */
    uint8_t brief[FFMK_FRAME_SHORT_BYTES];
    size_t brief_left;
    struct ffmk_frame *at;                   /* a part of it went; NULL: none */
    size_t written;                          /* of it */
    uint64_t last;                           /* sequence of the last frame that went wholly */
    struct ffmk_connection *next, *previous; /* of all */
};

/* Go on with what comes or goes. \return false: it is broken, or the other side is not to be
 * believed. */
bool ffmk_connection_read(struct ffmk_connection *connection);
bool ffmk_connection_write(struct ffmk_connection *connection);

/* An outgoing one ends: what was wanted only because it was being sent is not any more. */
void ffmk_connection_drop_frame(struct ffmk_connection *connection);

/* A stranger has said who he is: in place of an earlier connection of his. */
void ffmk_connection_replaces(struct ffmk_connection *connection, struct ffmk_peer *peer);

#endif
