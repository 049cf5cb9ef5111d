/* SPDX-License-Identifier: BSD-3-Clause
 * Reliable bodies over unreliable datagrams, between this process and one other: acknowledgement,
 * repetition, duplicates. Each body arrives once if both processes live, in any order. A body that
 * goes the other way within half a millisecond carries the acknowledgement. A pure state
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
    FFMK_LINK_WINDOW = 64, /* bodies; as many as a datagram can acknowledge one by one */
    /* A burst: so many times in a row something was added before so much time had passed, and
     * little came. From then on the last body is held for FFMK_LINK_HOLD_NS, so that it grows, or
     * until it is full. */
    FFMK_LINK_BURST = 16,
    FFMK_LINK_BURST_NS = 20000,
    FFMK_LINK_HOLD_NS = 100000
};

#define FFMK_LINK_NEVER UINT64_MAX

/** A body that was not acknowledged yet. */
struct ffmk_parcel {
    uint8_t *body; /* NULL: none */
    size_t bytes;
    size_t room;      /* of the body's memory */
    uint64_t sent_at; /* last */
    uint64_t due;     /* when to send it (again) */
    uint32_t tries;
    bool lost; /* rather than late: later ones have come */
    bool held; /* or was, until it is due */
};

/** One end of a link. (ffmk.h has another struct ffmk_link.) */
struct ffmk_link_end {
    uint64_t next;                                /* sequence of the next new body */
    uint64_t oldest;                              /* the first that is not acknowledged, or next */
    struct ffmk_parcel parcels[FFMK_LINK_WINDOW]; /* by sequence modulo the window */
    uint64_t come;                                /* as in a datagram */
    uint64_t beyond;
    uint32_t owes;     /* bodies that came since the last acknowledgement was sent */
    uint64_t owed_at;  /* when the next one is due */
    uint64_t trip;     /* smoothed round trip, 0: not known (RFC 6298) */
    uint64_t spread;   /* its mean deviation */
    uint32_t backoff;  /* doublings of the wait since a trip was measured: the other end is slow */
    bool news;         /* something was added since ffmk_link_output() */
    uint64_t added_at; /* as that saw it, or when the sender last waited */
    uint32_t quick;    /* so often more before FFMK_LINK_BURST_NS had passed than after */
    uint64_t repeats;  /* datagrams sent again, for whoever wants to know */
};

void ffmk_link_create(struct ffmk_link_end *link);
void ffmk_link_destroy(struct ffmk_link_end *link);

/** Whether there is room for another body. */
static inline bool ffmk_link_has_room(const struct ffmk_link_end *link)
{
    return link->next - link->oldest < FFMK_LINK_WINDOW;
}

/** Whether something was sent that is not acknowledged. */
static inline bool ffmk_link_is_pending(const struct ffmk_link_end *link)
{
    return link->oldest < link->next;
}

/** Send a body of 1 … FFMK_DATAGRAM_BODY_BYTES bytes; it is copied. \return false, and nothing is
 * sent, when there is no room or no memory. */
bool ffmk_link_send(struct ffmk_link_end *link, const void *body, size_t bytes, uint64_t now);

/** The same, for the caller to write the body at the place that is returned, before the link is
 * used again; NULL: as false. */
uint8_t *ffmk_link_add(struct ffmk_link_end *link, size_t bytes, uint64_t now);

/** So many bytes more of the last body, if it was not sent yet and they have room: for the caller
 * to write them. NULL: not so. */
uint8_t *ffmk_link_extend(struct ffmk_link_end *link, size_t bytes);

/** A datagram came. \return whether its body is new. */
bool ffmk_link_receive(struct ffmk_link_end *link, const struct ffmk_datagram *datagram,
                       uint64_t now);

/** The next datagram to send now: its sequence, come, beyond and body are filled in; the body is
 * valid until the link is used again. \return false: none. */
bool ffmk_link_output(struct ffmk_link_end *link, uint64_t now, struct ffmk_datagram *datagram);

/** Until when the last body is held, or FFMK_LINK_NEVER: none is. */
uint64_t ffmk_link_held_until(const struct ffmk_link_end *link);

/** Whoever sends waits for something: hold nothing of what is there, for he has nothing to add; and
 * the time is not his. */
void ffmk_link_hurry(struct ffmk_link_end *link, uint64_t now);

/** When there is something to send (again) if nothing comes before, or FFMK_LINK_NEVER. */
uint64_t ffmk_link_due(const struct ffmk_link_end *link);

#endif
