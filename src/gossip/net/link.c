/* SPDX-License-Identifier: BSD-3-Clause
 * Reliable bodies over unreliable datagrams. */
#include "gossip/net/link.h"

#include <stdlib.h>
#include <string.h>

/* RFC 6298, with other bounds: within a machine room trips take microseconds, and what is late is
 * mostly a rank that computes; so the waits between repetitions grow to a quarter of a second. */
static const uint64_t FIRST_WAIT_NS = 20000000;
/* More than an acknowledgement takes that nobody hastens: ACKNOWLEDGE_WITHIN_NS, and 2 ms until the
 * endpoint's thread sees that nobody else attends. */
static const uint64_t LEAST_WAIT_NS = 5000000;
static const uint64_t MOST_WAIT_NS = 250000000;

/* An acknowledgement waits so long for a body that carries it, unless so many bodies came: then the
 * other side's window may be what all wait for. */
static const uint64_t ACKNOWLEDGE_WITHIN_NS = 500000;
enum { BODIES_AT_ONCE = 16 };

/* A process that has to wait for its turn on a core is late for some of them, again and again. */
enum { MOST_BACKOFF = 3 };

void ffmk_link_create(struct ffmk_link_end *link)
{
    *link = (struct ffmk_link_end){.next = 1, .oldest = 1, .come = 1};
}

static struct ffmk_parcel *parcel_of(struct ffmk_link_end *link, uint64_t sequence)
{
    return &link->parcels[sequence % FFMK_LINK_WINDOW];
}

static void drop(struct ffmk_parcel *parcel)
{
    free(parcel->body);
    parcel->body = NULL;
}

void ffmk_link_destroy(struct ffmk_link_end *link)
{
    for (int i = 0; i < FFMK_LINK_WINDOW; i++)
        drop(&link->parcels[i]);
}

uint8_t *ffmk_link_add(struct ffmk_link_end *link, size_t bytes, uint64_t now)
{
    uint8_t *body = ffmk_link_has_room(link) ? malloc(bytes) : NULL;
    if (!body)
        return NULL;
    *parcel_of(link, link->next) =
        (struct ffmk_parcel){.body = body, .bytes = bytes, .room = bytes, .due = now};
    link->next++;
    link->news = true;
    return body;
}

uint8_t *ffmk_link_extend(struct ffmk_link_end *link, size_t bytes)
{
    struct ffmk_parcel *last = parcel_of(link, link->next - 1);
    if (link->oldest == link->next || !last->body || last->tries > 0 ||
        bytes > FFMK_DATAGRAM_BODY_BYTES - last->bytes)
        return NULL;
    if (last->bytes + bytes > last->room) {
        uint8_t *larger = realloc(last->body, FFMK_DATAGRAM_BODY_BYTES);
        if (!larger)
            return NULL;
        last->body = larger;
        last->room = FFMK_DATAGRAM_BODY_BYTES;
    }
    uint8_t *place = last->body + last->bytes;
    last->bytes += bytes;
    link->news = true;
    return place;
}

bool ffmk_link_send(struct ffmk_link_end *link, const void *body, size_t bytes, uint64_t now)
{
    uint8_t *place = ffmk_link_add(link, bytes, now);
    if (place)
        memcpy(place, body, bytes);
    return place != NULL;
}

static uint64_t wait_for(const struct ffmk_link_end *link, uint32_t tries)
{
    uint64_t wait = link->trip ? link->trip + 4 * link->spread : FIRST_WAIT_NS;
    if (wait < LEAST_WAIT_NS)
        wait = LEAST_WAIT_NS;
    uint32_t doublings = tries - 1 > link->backoff ? tries - 1 : link->backoff;
    for (uint32_t i = 0; i < doublings && wait < MOST_WAIT_NS; i++)
        wait *= 2;
    return wait < MOST_WAIT_NS ? wait : MOST_WAIT_NS;
}

static void measure(struct ffmk_link_end *link, uint64_t trip)
{
    link->backoff = 0;
    if (trip == 0)
        trip = 1;
    if (link->trip == 0) {
        link->trip = trip;
        link->spread = trip / 2;
        return;
    }
    uint64_t off = trip > link->trip ? trip - link->trip : link->trip - trip;
    link->spread = (3 * link->spread + off) / 4;
    link->trip = (7 * link->trip + trip) / 8;
}

static void acknowledged(struct ffmk_link_end *link, uint64_t sequence, uint64_t now)
{
    struct ffmk_parcel *parcel = parcel_of(link, sequence);
    if (!parcel->body)
        return;
    /* Karn: what was sent twice tells nothing of the trip. */
    if (parcel->tries == 1)
        measure(link, now - parcel->sent_at);
    drop(parcel);
}

static void take_acknowledgements(struct ffmk_link_end *link, const struct ffmk_datagram *datagram,
                                  uint64_t now)
{
    if (datagram->come > link->next)
        return; /* of what was never sent */
    uint64_t last = 0;
    for (uint64_t s = link->oldest; s < link->next; s++) {
        uint64_t behind = s - datagram->come;
        if (s < datagram->come ||
            (s > datagram->come && behind <= 64 && datagram->beyond >> (behind - 1) & 1)) {
            acknowledged(link, s, now);
            last = s;
        }
    }
    while (link->oldest < link->next && !parcel_of(link, link->oldest)->body)
        link->oldest++;
    /* Later ones have come: those before the last three of them are lost rather than late. */
    for (uint64_t s = link->oldest; s + 3 <= last; s++) {
        struct ffmk_parcel *parcel = parcel_of(link, s);
        if (parcel->body && parcel->tries == 1) {
            parcel->due = now;
            parcel->lost = true;
        }
    }
}

/* Of those that were sent and are late only the first few are repeated: what is acknowledged then
 * tells of the others. `late` counts them, for one walk through the window. */
static bool may_go(const struct ffmk_parcel *parcel, uint32_t *late)
{
    enum { FEW = 8 };
    return parcel->body && (parcel->tries == 0 || parcel->lost || (*late)++ < FEW);
}

/* Or is none that could. */
static bool has_come(const struct ffmk_link_end *link, uint64_t sequence)
{
    if (sequence <= link->come)
        return sequence < link->come;
    uint64_t behind = sequence - link->come;
    return behind > 64 || link->beyond >> (behind - 1) & 1;
}

static void slow_down(struct ffmk_link_end *link, uint32_t by)
{
    link->quick = link->quick > by ? link->quick - by : 0;
}

bool ffmk_link_receive(struct ffmk_link_end *link, const struct ffmk_datagram *datagram,
                       uint64_t now)
{
    take_acknowledgements(link, datagram, now);
    uint64_t sequence = datagram->sequence;
    if (sequence == 0)
        return false;
    if (link->owes++ == 0)
        link->owed_at = now + ACKNOWLEDGE_WITHIN_NS;
    if (link->owes >= BODIES_AT_ONCE)
        link->owed_at = now;
    if (has_come(link, sequence)) {
        link->owed_at = now; /* the acknowledgement was lost, or is late */
        return false;
    }
    slow_down(link, 3); /* who answers is waited for, or waits */
    if (sequence > link->come) {
        uint64_t bit = UINT64_C(1) << (sequence - link->come - 1);
        link->beyond |= bit;
        return true;
    }
    /* Up to the next one that is missing. */
    link->come++;
    while (link->beyond & 1) {
        link->beyond >>= 1;
        link->come++;
    }
    link->beyond >>= 1;
    return true;
}

/* A pause within a burst may be another's turn on the core; a longer one is the caller's. */
static void note_pace(struct ffmk_link_end *link, uint64_t now)
{
    if (!link->news)
        return;
    link->news = false;
    const uint64_t gap = now - link->added_at;
    link->added_at = now;
    if (gap >= UINT64_C(3) * FFMK_LINK_BURST_NS)
        slow_down(link, FFMK_LINK_BURST);
    else if (gap >= FFMK_LINK_BURST_NS)
        slow_down(link, 2);
    else if (link->quick < 2 * FFMK_LINK_BURST - 1)
        link->quick++;
}

/* It may be the first time that this body could go. */
static bool hold(const struct ffmk_link_end *link, uint64_t sequence, struct ffmk_parcel *parcel,
                 uint64_t now)
{
    if (parcel->tries > 0)
        return false;
    if (sequence + 1 < link->next || link->quick < FFMK_LINK_BURST) {
        parcel->due = now;
        return false;
    }
    if (!parcel->held) {
        parcel->held = true;
        parcel->due = now + FFMK_LINK_HOLD_NS;
    }
    return parcel->due > now;
}

uint64_t ffmk_link_held_until(const struct ffmk_link_end *link)
{
    const struct ffmk_parcel *last = &link->parcels[(link->next - 1) % FFMK_LINK_WINDOW];
    const bool held = link->oldest < link->next && last->body && last->tries == 0 && last->held;
    return held ? last->due : FFMK_LINK_NEVER;
}

void ffmk_link_hurry(struct ffmk_link_end *link, uint64_t now)
{
    link->added_at = now;
    struct ffmk_parcel *last = parcel_of(link, link->next - 1);
    if (link->oldest < link->next && last->body && last->tries == 0) {
        last->held = true;
        last->due = 0;
    }
}

static void fill(struct ffmk_link_end *link, struct ffmk_datagram *datagram)
{
    datagram->come = link->come;
    datagram->beyond = link->beyond;
    link->owes = 0;
}

bool ffmk_link_output(struct ffmk_link_end *link, uint64_t now, struct ffmk_datagram *datagram)
{
    uint32_t late = 0;
    note_pace(link, now);
    for (uint64_t s = link->oldest; s < link->next; s++) {
        struct ffmk_parcel *parcel = parcel_of(link, s);
        if (!may_go(parcel, &late) || hold(link, s, parcel, now) || parcel->due > now)
            continue;
        link->repeats += parcel->tries > 0;
        if (parcel->tries > link->backoff && !parcel->lost && link->backoff < MOST_BACKOFF)
            link->backoff++;
        parcel->lost = false;
        parcel->tries++;
        parcel->sent_at = now;
        parcel->due = now + wait_for(link, parcel->tries);
        datagram->sequence = s;
        datagram->body = parcel->body;
        datagram->body_bytes = parcel->bytes;
        fill(link, datagram);
        return true;
    }
    if (link->owes == 0 || link->owed_at > now)
        return false;
    datagram->sequence = 0;
    datagram->body = NULL;
    datagram->body_bytes = 0;
    fill(link, datagram);
    return true;
}

uint64_t ffmk_link_due(const struct ffmk_link_end *link)
{
    uint64_t due = link->owes > 0 ? link->owed_at : FFMK_LINK_NEVER;
    uint32_t late = 0;
    for (uint64_t s = link->oldest; s < link->next; s++) {
        const struct ffmk_parcel *parcel = &link->parcels[s % FFMK_LINK_WINDOW];
        if (may_go(parcel, &late) && parcel->due < due)
            due = parcel->due;
    }
    return due;
}
