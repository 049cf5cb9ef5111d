/* SPDX-License-Identifier: BSD-3-Clause
 * Peers on this host: their end is a fact that the kernel tells at once, through a descriptor of
 * the process (pidfd) in a set of them that the endpoint's thread waits for; and what they send
 * comes by memory. */
#include "gossip/net/endpoint_inside.h"

#include <errno.h>
#include <event2/event.h>
#include <ffmk.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { AT_ONCE = 16 };

static void on_end(evutil_socket_t mates, short what, void *argument)
{
    (void)what;
    struct ffmk_endpoint *endpoint = argument;
    struct epoll_event ended[AT_ONCE];
    const int n = epoll_wait(mates, ended, AT_ONCE, 0);
    ffmk_endpoint_lock(endpoint);
    for (int i = 0; i < n; i++) {
        struct ffmk_peer *peer = ended[i].data.ptr;
        epoll_ctl(mates, EPOLL_CTL_DEL, peer->pidfd - 1, NULL);
        close(peer->pidfd - 1);
        peer->pidfd = 0;
        ffmk_peer_bury(peer);
    }
    ffmk_endpoint_unlock(endpoint);
}

int ffmk_mates_open(struct ffmk_endpoint *endpoint)
{
    endpoint->mates = epoll_create1(EPOLL_CLOEXEC);
    if (endpoint->mates < 0)
        return FFMK_ERR_IO;
    endpoint->on_mate =
        event_new(endpoint->base, endpoint->mates, EV_READ | EV_PERSIST, on_end, endpoint);
    return endpoint->on_mate && event_add(endpoint->on_mate, NULL) == 0 ? FFMK_SUCCESS
                                                                        : FFMK_ERR_NO_MEMORY;
}

void ffmk_mates_close(struct ffmk_endpoint *endpoint)
{
    if (endpoint->on_mate)
        event_free(endpoint->on_mate);
    if (endpoint->mates >= 0)
        close(endpoint->mates);
}

bool ffmk_peer_watch(struct ffmk_peer *peer, pid_t pid)
{
    if (peer->pidfd > 0 || peer->dead)
        return true;
    const int file = (int)syscall(SYS_pidfd_open, pid, 0);
    if (file < 0) {
        if (errno == ESRCH)
            ffmk_peer_bury(peer);
        return errno == ESRCH;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    if (epoll_ctl(peer->endpoint->mates, EPOLL_CTL_ADD, file, &event) != 0) {
        close(file);
        return false;
    }
    peer->pidfd = file + 1;
    return true;
}

void ffmk_peer_share(struct ffmk_peer *peer, pid_t pid)
{
    if (!peer->outbox && !peer->dead && peer->card.mailbox > 0)
        peer->outbox = ffmk_outbox_open(pid, (int)peer->card.mailbox - 1, peer->card.id,
                                        peer->endpoint->card.id);
}

struct taking {
    struct ffmk_endpoint *endpoint;
    uint64_t now;
};

static bool take(void *self, uint64_t from, const uint8_t *message, size_t bytes)
{
    const struct taking *taking = self;
    struct ffmk_endpoint *endpoint = taking->endpoint;
    struct ffmk_peer *peer = ffmk_peer_of(endpoint, from);
    if (endpoint->excluded)
        return false;
    if (!peer) {
        ffmk_endpoint_count(&endpoint->counts.refused);
    } else if (peer->dead) {
        ffmk_post_exclude(peer, taking->now);
    } else {
        ffmk_peer_heard(peer);
        ffmk_endpoint_deliver(endpoint, peer, message, bytes, taking->now);
    }
    return true;
}

void ffmk_mates_take(struct ffmk_endpoint *endpoint, uint64_t now)
{
    struct taking taking = {.endpoint = endpoint, .now = now};
    ffmk_mailbox_empty(&endpoint->box, take, &taking);
}
