/* SPDX-License-Identifier: BSD-3-Clause
 * Reliable bodies over unreliable datagrams, between this process and one other: acknowledgement,
 * repetition, duplicates. Each body arrives once if both processes live, in any order. A pure state
 * machine: time in nanoseconds and datagrams come in, datagrams go out; no sockets. Memory is
 * bounded: at most FFMK_LINK_WINDOW bodies wait for their acknowledgement. It never gives up: who
 * is dead is for others to decide. */
#ifndef FFMK_GOSSIP_NET_LINK_H
#define FFMK_GOSSIP_NET_LINK_H

#include "gossip/net/datagram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FFMK_LINK_WINDOW = 64 /* bodies; as many as a datagram can acknowledge one by one */
};

#define FFMK_LINK_NEVER UINT64_MAX

/** A body that was not acknowledged yet. */
struct ffmk_parcel {
    uint8_t *body; /* NULL: none */
    size_t bytes;
    uint64_t sent_at; /* last */
    uint64_t due;     /* when to send it (again) */
    uint32_t tries;
};

struct ffmk_link {
    uint64_t next;                                /* sequence of the next new body */
    uint64_t oldest;                              /* the first that is not acknowledged, or next */
    struct ffmk_parcel parcels[FFMK_LINK_WINDOW]; /* by sequence modulo the window */
    uint64_t come;                                /* as in a datagram */
    uint64_t beyond;
    bool owes;        /* an acknowledgement */
    uint64_t trip;    /* smoothed round trip, 0: not known (RFC 6298) */
    uint64_t spread;  /* its mean deviation */
    uint64_t repeats; /* datagrams sent again, for whoever wants to know */
};

void ffmk_link_create(struct ffmk_link *link);
void ffmk_link_destroy(struct ffmk_link *link);

/** Whether there is room for another body. */
static inline bool ffmk_link_has_room(const struct ffmk_link *link)
{
    return link->next - link->oldest < FFMK_LINK_WINDOW;
}

/** Send a body of 1 … FFMK_DATAGRAM_BODY_BYTES bytes; it is copied. \return false, and nothing is
 * sent, when there is no room or no memory. */
bool ffmk_link_send(struct ffmk_link *link, const void *body, size_t bytes, uint64_t now);

/** A datagram came. \return whether its body is new. */
bool ffmk_link_receive(struct ffmk_link *link, const struct ffmk_datagram *datagram, uint64_t now);

/** The next datagram to send now: its sequence, come, beyond and body are filled in; the body is
 * valid until the link is used again. \return false: none. */
bool ffmk_link_output(struct ffmk_link *link, uint64_t now, struct ffmk_datagram *datagram);

/** When there is something to send again if nothing comes before, or FFMK_LINK_NEVER. */
uint64_t ffmk_link_due(const struct ffmk_link *link);

#endif
