/* SPDX-License-Identifier: BSD-3-Clause
 * Datagrams in and out: the socket's system calls, as few as possible. */
#include "gossip/net/endpoint_inside.h"

#include "core/clock.h"
#include "core/rng.h"

#include <errno.h>
#include <ffmk.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bursts of many peers come while this process computes. */
enum { SOCKET_BYTES = 4 << 20 };

/* So often at most a dead one is told. */
static const uint64_t TELL_EVERY_NS = 100000000;

int ffmk_post_open(struct ffmk_endpoint *endpoint)
{
    const int kind = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int off = 0;
    int bytes = SOCKET_BYTES;
    endpoint->udp = socket(AF_INET6, kind, 0);
    endpoint->ipv6 = endpoint->udp >= 0 &&
                     setsockopt(endpoint->udp, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    struct ffmk_address any;
    ffmk_address_any(endpoint->ipv6, &any);
    if (endpoint->ipv6 && bind(endpoint->udp, &any.socket.any, any.bytes) != 0)
        endpoint->ipv6 = false; /* it is there, but turned off */
    if (!endpoint->ipv6) {
        if (endpoint->udp >= 0)
            close(endpoint->udp);
        ffmk_address_any(false, &any);
        endpoint->udp = socket(AF_INET, kind, 0);
        if (endpoint->udp < 0 || bind(endpoint->udp, &any.socket.any, any.bytes) != 0)
            return FFMK_ERR_IO;
    }
    setsockopt(endpoint->udp, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(endpoint->udp, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    endpoint->card.udp_port = ffmk_address_bound_port(endpoint->udp);
    return FFMK_SUCCESS;
}

void ffmk_batch_create(struct ffmk_batch *batch)
{
    for (unsigned i = 0; i < FFMK_BATCH; i++) {
        batch->part[i] =
            (struct iovec){.iov_base = batch->bytes[i], .iov_len = sizeof batch->bytes[i]};
        batch->message[i] =
            (struct mmsghdr){.msg_hdr = {.msg_iov = &batch->part[i], .msg_iovlen = 1}};
    }
}

unsigned ffmk_post_take(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch)
{
    int n = recvmmsg(endpoint->udp, batch->message, FFMK_BATCH, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

unsigned ffmk_post_take_one(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch)
{
    const ssize_t n =
        recv(endpoint->udp, batch->bytes[0], sizeof batch->bytes[0], MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0)
        return 0;
    const bool cut = (size_t)n > sizeof batch->bytes[0];
    batch->message[0].msg_len = (unsigned)n;
    batch->message[0].msg_hdr.msg_flags = cut ? MSG_TRUNC : 0;
    return 1;
}

static void refuse(struct ffmk_endpoint *endpoint)
{
    ffmk_endpoint_count(&endpoint->counts.refused);
}

static void take_piece(struct ffmk_endpoint *endpoint, struct ffmk_peer *peer,
                       const struct ffmk_part *piece, uint64_t now)
{
    struct ffmk_torn *whole;
    switch (ffmk_torn_add(&peer->torn, piece, &whole)) {
    case FFMK_TORN_WHOLE:
        ffmk_endpoint_deliver(endpoint, peer, whole->bytes, whole->total, now);
        free(whole);
        break;
    case FFMK_TORN_NONSENSE:
        refuse(endpoint);
        break;
    case FFMK_TORN_NO_MEMORY:
        ffmk_peer_bury(peer);
        break;
    default:
        break;
    }
}

static void open_body(struct ffmk_endpoint *endpoint, struct ffmk_peer *peer,
                      const struct ffmk_datagram *datagram, uint64_t now)
{
    const uint8_t *at = datagram->body;
    const uint8_t *end = at + datagram->body_bytes;
    struct ffmk_part part;
    while (at < end && !peer->dead && !endpoint->excluded) {
        if (!ffmk_part_get(&at, end, &part)) {
            refuse(endpoint);
            return;
        }
        if (part.is_piece)
            take_piece(endpoint, peer, &part, now);
        else
            ffmk_endpoint_deliver(endpoint, peer, part.bytes, part.length, now);
    }
}

static void handle(struct ffmk_endpoint *endpoint, const uint8_t *bytes, size_t length,
                   uint64_t now)
{
    struct ffmk_datagram datagram;
    if (!ffmk_datagram_get(bytes, length, endpoint->card.id, endpoint->card.key, &datagram)) {
        refuse(endpoint);
        return;
    }
    struct ffmk_peer *peer = ffmk_peer_of(endpoint, datagram.from);
    if (!peer) {
        refuse(endpoint);
        return;
    }
    if (endpoint->excluded)
        return;
    if (peer->dead) {
        if (!datagram.excluded)
            ffmk_post_exclude(peer, now);
        return;
    }
    if (datagram.excluded) {
        ffmk_endpoint_be_excluded(endpoint);
        return;
    }
    ffmk_peer_heard(peer);
    ffmk_peer_touch(peer);
    if (ffmk_link_receive(&peer->link, &datagram, now))
        open_body(endpoint, peer, &datagram, now);
}

void ffmk_post_handle(struct ffmk_endpoint *endpoint, const struct ffmk_batch *batch, unsigned n,
                      uint64_t now)
{
    for (unsigned i = 0; i < n; i++) {
        if (batch->message[i].msg_hdr.msg_flags & MSG_TRUNC)
            refuse(endpoint);
        else
            handle(endpoint, batch->bytes[i], batch->message[i].msg_len, now);
    }
}

uint64_t ffmk_endpoint_send_time(struct ffmk_endpoint *endpoint)
{
    const uint64_t ns = endpoint->send_ns;
    endpoint->send_ns = 0;
    return ns;
}

static void note_time(struct ffmk_endpoint *endpoint, uint64_t ns)
{
    if (endpoint->send_ns == 0 || ns < endpoint->send_ns)
        endpoint->send_ns = ns > 0 ? ns : 1;
}

/* What cannot be sent now is lost, like others on their way. */
static void send_out(struct ffmk_endpoint *endpoint)
{
    struct ffmk_out *out = &endpoint->out;
    if (out->n == 1) {
        const struct msghdr *only = &out->message[0].msg_hdr;
        const uint64_t begin = ffmk_clock_ns();
        if (sendto(endpoint->udp, out->bytes[0], out->part[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL,
                   only->msg_name, only->msg_namelen) > 0)
            note_time(endpoint, ffmk_clock_ns() - begin);
    }
    for (unsigned at = 0; out->n > 1 && at < out->n;) {
        int sent =
            sendmmsg(endpoint->udp, out->message + at, out->n - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        at += sent > 0 ? (unsigned)sent : 1; /* past the one that fails */
    }
    out->n = 0;
}

static void post(struct ffmk_peer *peer, struct ffmk_datagram *datagram)
{
    struct ffmk_endpoint *endpoint = peer->endpoint;
    ffmk_endpoint_count(&endpoint->counts.datagrams);
    if (endpoint->loss > 0 && ffmk_rng_unit(&endpoint->seed) < endpoint->loss)
        return;
    datagram->from = endpoint->card.id;
    datagram->to = peer->card.id;
    struct ffmk_out *out = &endpoint->out;
    unsigned i = out->n++;
    size_t bytes = ffmk_datagram_put(datagram, peer->card.key, out->bytes[i]);
    out->part[i] = (struct iovec){.iov_base = out->bytes[i], .iov_len = bytes};
    out->message[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &peer->address.socket,
                                                   .msg_namelen = peer->address.bytes,
                                                   .msg_iov = &out->part[i],
                                                   .msg_iovlen = 1}};
    if (out->n == FFMK_OUT)
        send_out(endpoint);
}

static void flush(struct ffmk_peer *peer, uint64_t now)
{
    struct ffmk_endpoint *endpoint = peer->endpoint;
    if (peer->dead || endpoint->excluded)
        return;
    ffmk_peer_refill(peer, now);
    if (peer->dead)
        return;
    if (__atomic_load_n(&endpoint->attending, __ATOMIC_SEQ_CST) > 0)
        ffmk_link_hurry(&peer->link, now);
    uint64_t repeats = peer->link.repeats;
    struct ffmk_datagram datagram = {0};
    while (ffmk_link_output(&peer->link, now, &datagram))
        post(peer, &datagram);
    if (peer->link.repeats > repeats)
        __atomic_fetch_add(&endpoint->counts.repeats, peer->link.repeats - repeats,
                           __ATOMIC_RELAXED);
    ffmk_peer_note(peer);
}

void ffmk_post_flush(struct ffmk_endpoint *endpoint, uint64_t now)
{
    while (endpoint->touched) {
        struct ffmk_peer *peer = endpoint->touched;
        endpoint->touched = peer->next_touched;
        peer->is_touched = false;
        flush(peer, now);
    }
    if (endpoint->out.n > 0)
        send_out(endpoint);
}

void ffmk_post_exclude(struct ffmk_peer *peer, uint64_t now)
{
    if (peer->endpoint->excluded ||
        (peer->told_excluded != 0 && now - peer->told_excluded < TELL_EVERY_NS))
        return;
    peer->told_excluded = now;
    struct ffmk_datagram datagram = {.excluded = true};
    post(peer, &datagram);
}
