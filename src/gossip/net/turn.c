/* SPDX-License-Identifier: BSD-3-Clause
 * One turn of the endpoint, by whoever makes it: what is due. */
#include "gossip/net/endpoint_inside.h"

#include "core/little.h"

/* A service's advance() may bring about another's; but others wait for the lock. */
enum { ROUNDS = 4 };

void ffmk_endpoint_serve(struct ffmk_endpoint *endpoint, struct ffmk_service *service)
{
    service->next = endpoint->services;
    endpoint->services = service;
    ffmk_endpoint_nudge(endpoint, service);
}

void ffmk_endpoint_retire(struct ffmk_endpoint *endpoint, struct ffmk_service *service)
{
    if (endpoint->next_service == service)
        endpoint->next_service = service->next;
    for (struct ffmk_service **at = &endpoint->services; *at; at = &(*at)->next) {
        if (*at == service) {
            *at = service->next;
            return;
        }
    }
}

void ffmk_endpoint_nudge(struct ffmk_endpoint *endpoint, struct ffmk_service *service)
{
    service->due = 0;
    endpoint->services_due = 0;
}

void ffmk_endpoint_deliver(struct ffmk_endpoint *endpoint, struct ffmk_peer *peer,
                           const uint8_t *body, size_t bytes, uint64_t now)
{
    if (bytes < FFMK_NAME_BYTES) {
        ffmk_endpoint_count(&endpoint->counts.refused);
        return;
    }
    const uint64_t name = ffmk_little_get64(body);
    for (struct ffmk_service *service = endpoint->services; service; service = service->next) {
        if (service->name != name)
            continue;
        endpoint->worked = true;
        ffmk_endpoint_nudge(endpoint, service);
        service->receive(service, peer, body + FFMK_NAME_BYTES, bytes - FFMK_NAME_BYTES, now);
        return;
    }
}

void ffmk_endpoint_carried(struct ffmk_endpoint *endpoint, uint64_t from, const uint8_t *message,
                           size_t bytes)
{
    struct ffmk_peer *peer = ffmk_peer_of(endpoint, from);
    if (peer && !peer->dead && !endpoint->excluded)
        ffmk_endpoint_deliver(endpoint, peer, message, bytes, endpoint->seen_ns);
}

void ffmk_endpoint_lost(struct ffmk_endpoint *endpoint, uint64_t id)
{
    struct ffmk_peer *peer = ffmk_peer_of(endpoint, id);
    if (peer)
        ffmk_peer_bury(peer);
}

void ffmk_endpoint_be_excluded(struct ffmk_endpoint *endpoint)
{
    if (endpoint->excluded)
        return;
    endpoint->excluded = true;
    for (size_t i = 0; i < endpoint->table_size; i++) {
        if (!endpoint->table[i])
            continue;
        ffmk_peer_drop(endpoint->table[i]);
        ffmk_peer_stream(endpoint->table[i]);
    }
}

static void tell_dead(struct ffmk_endpoint *endpoint, struct ffmk_peer *peer, uint64_t now)
{
    for (struct ffmk_service *at = endpoint->services; at; at = endpoint->next_service) {
        endpoint->next_service = at->next;
        endpoint->worked = true;
        ffmk_endpoint_nudge(endpoint, at);
        at->died(at, peer, now);
    }
    endpoint->next_service = NULL;
}

static void tell_excluded(struct ffmk_endpoint *endpoint, uint64_t now)
{
    for (struct ffmk_service *at = endpoint->services; at; at = endpoint->next_service) {
        endpoint->next_service = at->next;
        endpoint->worked = true;
        ffmk_endpoint_nudge(endpoint, at);
        at->excluded(at, now);
    }
    endpoint->next_service = NULL;
}

static void advance(struct ffmk_endpoint *endpoint, uint64_t now)
{
    uint64_t earliest = FFMK_NEVER;
    endpoint->services_due = FFMK_NEVER; /* nudges make it earlier */
    for (struct ffmk_service *at = endpoint->services; at; at = endpoint->next_service) {
        endpoint->next_service = at->next;
        if (at->due > now) {
            if (at->due < earliest)
                earliest = at->due;
            continue;
        }
        endpoint->worked = true;
        at->due = FFMK_NEVER;
        uint64_t due = at->advance(at, now); /* it may be retired now, and its memory gone */
        for (struct ffmk_service *is = endpoint->services; is; is = is->next) {
            if (is == at) {
                if (due < at->due)
                    at->due = due;
                if (at->due < earliest)
                    earliest = at->due;
                break;
            }
        }
    }
    endpoint->next_service = NULL;
    if (earliest < endpoint->services_due)
        endpoint->services_due = earliest;
}

/* It advances by little for a long time in which this process did not look, since then it may have
 * been stopped, or had no processor, like the answers to it that wait in the sockets. */
void ffmk_endpoint_pass_time(struct ffmk_endpoint *endpoint, uint64_t now)
{
    uint64_t passed = now > endpoint->seen_ns ? now - endpoint->seen_ns : 0;
    endpoint->own_ns += passed < endpoint->step_ns ? passed : endpoint->step_ns;
    endpoint->seen_ns = now;
}

void ffmk_endpoint_turn(struct ffmk_endpoint *endpoint, uint64_t now)
{
    ffmk_endpoint_pass_time(endpoint, now);
    if (endpoint->held_until != FFMK_NEVER) {
        const bool attended = __atomic_load_n(&endpoint->attending, __ATOMIC_SEQ_CST) > 0;
        if (attended || endpoint->held_until <= now)
            ffmk_peers_release(endpoint, attended ? FFMK_NEVER : now);
    }
    if (endpoint->peers_due <= now)
        ffmk_peers_look(endpoint, now);
    for (int round = 0; round < ROUNDS; round++) {
        while (endpoint->fallen) {
            struct ffmk_peer *peer = endpoint->fallen;
            endpoint->fallen = peer->next_fallen;
            tell_dead(endpoint, peer, now);
        }
        if (endpoint->excluded && !endpoint->told_excluded) {
            endpoint->told_excluded = true;
            tell_excluded(endpoint, now);
        }
        if (endpoint->services_due > now)
            break;
        advance(endpoint, now);
    }
    ffmk_post_flush(endpoint, now);
}
