/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among ranks on several hosts: what the endpoint and the cast tell each
 * other, and how it begins and ends. */
#include "gossip/net/across_inside.h"

#include "core/clock.h"

#include <errno.h>
#include <ffmk.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t SETTLE_SPIN_NS = 20000;
static const uint64_t SETTLE_SLEEP_NS = 10000000;

/* All of this process, also those that were destroyed, of which others may still need something.
 * An endpoint's lock before this one. */
static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER;
static struct ffmk_across *all;

static void on_message(struct ffmk_service *service, struct ffmk_peer *peer, const uint8_t *message,
                       size_t bytes, uint64_t now)
{
    struct ffmk_across *across = (struct ffmk_across *)service;
    const struct ffmk_across_member *from = ffmk_peer_find(peer, service->name);
    if (from && bytes > 0 && !ffmk_across_hear_echo(across, peer, message, bytes, now))
        ffmk_cast_receive(across->cast, from->rank, message, bytes, now);
}

static uint64_t on_time(struct ffmk_service *service, uint64_t now)
{
    return ffmk_cast_advance(((struct ffmk_across *)service)->cast, now);
}

static void on_death(struct ffmk_service *service, struct ffmk_peer *peer, uint64_t now)
{
    const struct ffmk_across_member *member = ffmk_peer_find(peer, service->name);
    if (member)
        ffmk_cast_died(((struct ffmk_across *)service)->cast, member->rank, now);
}

static void on_exclusion(struct ffmk_service *service, uint64_t now)
{
    (void)now;
    ffmk_cast_exclude(((struct ffmk_across *)service)->cast);
}

static void send_message(void *self, uint32_t to, const void *head, size_t head_bytes,
                         const void *payload, size_t payload_bytes)
{
    struct ffmk_across *across = self;
    ffmk_peer_send(across->member[to].peer, across->service.name, head, head_bytes, payload,
                   payload_bytes);
}

static void bury(void *self, uint32_t member)
{
    struct ffmk_across *across = self;
    if (member != across->me)
        ffmk_peer_bury(across->member[member].peer);
    else
        ffmk_endpoint_be_excluded(across->endpoint);
}

static void list(struct ffmk_across *across)
{
    pthread_mutex_lock(&listing);
    across->next = all;
    all = across;
    pthread_mutex_unlock(&listing);
}

/* The first of an endpoint behind `across`, or of all. */
static struct ffmk_across *next_of(const struct ffmk_endpoint *endpoint,
                                   const struct ffmk_across *across)
{
    pthread_mutex_lock(&listing);
    struct ffmk_across *next = across ? across->next : all;
    while (next && next->endpoint != endpoint)
        next = next->next;
    pthread_mutex_unlock(&listing);
    return next;
}

static void unlist(struct ffmk_across *across)
{
    pthread_mutex_lock(&listing);
    struct ffmk_across **at = &all;
    while (*at && *at != across)
        at = &(*at)->next;
    if (*at)
        *at = across->next;
    pthread_mutex_unlock(&listing);
}

static void release(struct ffmk_across *across)
{
    unlist(across);
    ffmk_endpoint_retire(across->endpoint, &across->service);
    for (size_t i = 0; i < across->members; i++)
        if (across->member[i].peer) {
            ffmk_peer_hang(across->member[i].peer, across->service.name, NULL);
            ffmk_endpoint_part(across->endpoint, across->member[i].peer);
        }
    ffmk_cast_destroy(across->cast);
    free(across->scratch);
    free(across);
}

/* Those of whom nobody needs anything any more. */
static void release_settled(const struct ffmk_endpoint *endpoint)
{
    for (struct ffmk_across *across = next_of(endpoint, NULL); across;) {
        struct ffmk_across *next = next_of(endpoint, across);
        if (across->closing && ffmk_cast_is_settled(across->cast))
            release(across);
        across = next;
    }
}

static int meet(struct ffmk_across *across, const struct ffmk_across_card *cards)
{
    for (size_t i = 0; i < across->members; i++) {
        struct ffmk_across_member *member = &across->member[i];
        member->rank = (uint32_t)i;
        member->far = cards[i].host != cards[across->me].host;
        if (i == across->me)
            continue;
        member->peer = ffmk_endpoint_meet(across->endpoint, &cards[i].card);
        if (!member->peer)
            return errno == ENOMEM ? FFMK_ERR_NO_MEMORY : FFMK_ERR_IO;
        if (!ffmk_peer_hang(member->peer, across->service.name, member))
            return FFMK_ERR_NO_MEMORY;
        if (cards[i].pid > 0 && ffmk_peer_watch(member->peer, (pid_t)cards[i].pid) &&
            cards[i].host == cards[across->me].host)
            ffmk_peer_share(member->peer, (pid_t)cards[i].pid);
    }
    return FFMK_SUCCESS;
}

int ffmk_across_create(struct ffmk_endpoint *endpoint, uint64_t name,
                       const struct ffmk_across_card *cards, size_t members, size_t me,
                       bool crowded, struct ffmk_across **across_p)
{
    struct ffmk_across *across =
        calloc(1, sizeof *across + members * sizeof(struct ffmk_across_member));
    *across_p = NULL;
    if (!across)
        return FFMK_ERR_NO_MEMORY;
    across->service = (struct ffmk_service){.name = name,
                                            .receive = on_message,
                                            .advance = on_time,
                                            .died = on_death,
                                            .excluded = on_exclusion};
    across->endpoint = endpoint;
    across->members = members;
    across->me = me;
    across->crowded = crowded;
    across->scratch = malloc(FFMK_ACROSS_SCRATCH_BYTES);
    const struct ffmk_cast_port port = {.self = across,
                                        .at_once = FFMK_PEER_AT_ONCE_BYTES,
                                        .soon = FFMK_PEER_SOON_BYTES,
                                        .send = send_message,
                                        .bury = bury};
    uint64_t *host = calloc(members, sizeof *host);
    for (size_t i = 0; host && i < members; i++)
        host[i] = cards[i].host;
    int code = FFMK_ERR_NO_MEMORY;
    if (host)
        code = ffmk_cast_create((uint32_t)members, (uint32_t)me, host, &port, &across->cast);
    free(host);
    if (code == FFMK_SUCCESS && !across->scratch)
        code = FFMK_ERR_NO_MEMORY;
    ffmk_endpoint_lock(endpoint);
    release_settled(endpoint);
    list(across);
    ffmk_endpoint_serve(endpoint, &across->service);
    if (code == FFMK_SUCCESS)
        code = meet(across, cards);
    if (code != FFMK_SUCCESS)
        release(across);
    ffmk_endpoint_unlock(endpoint);
    if (code == FFMK_SUCCESS)
        *across_p = across;
    return code;
}

void ffmk_across_destroy(struct ffmk_across *across)
{
    if (!across)
        return;
    struct ffmk_endpoint *endpoint = across->endpoint;
    ffmk_endpoint_lock(endpoint);
    across->closing = true;
    ffmk_cast_close(across->cast, ffmk_clock_ns());
    ffmk_endpoint_nudge(endpoint, &across->service);
    release_settled(endpoint);
    ffmk_endpoint_unlock(endpoint);
}

void ffmk_across_abandon(struct ffmk_across *across)
{
    if (!across)
        return;
    struct ffmk_endpoint *endpoint = across->endpoint;
    ffmk_endpoint_lock(endpoint);
    release(across);
    ffmk_endpoint_unlock(endpoint);
}

void ffmk_across_stay(struct ffmk_across *across)
{
    struct ffmk_endpoint *endpoint = across->endpoint;
    for (bool stays = true; stays;) {
        ffmk_endpoint_lock(endpoint);
        if (ffmk_cast_settle(across->cast, ffmk_clock_ns()))
            ffmk_endpoint_nudge(endpoint, &across->service);
        stays = !ffmk_endpoint_is_excluded(endpoint) &&
                (!ffmk_cast_is_settled(across->cast) || !ffmk_cast_others_know(across->cast));
        ffmk_endpoint_unlock(endpoint);
        if (stays)
            ffmk_endpoint_wait(endpoint, SETTLE_SPIN_NS, SETTLE_SLEEP_NS);
    }
}

bool ffmk_across_is_gone(struct ffmk_endpoint *endpoint)
{
    ffmk_endpoint_lock(endpoint);
    release_settled(endpoint);
    const bool gone = next_of(endpoint, NULL) == NULL;
    ffmk_endpoint_unlock(endpoint);
    return gone;
}

void ffmk_across_settle(struct ffmk_endpoint *endpoint)
{
    for (;;) {
        bool settled = true;
        ffmk_endpoint_lock(endpoint);
        for (struct ffmk_across *across = next_of(endpoint, NULL); across;
             across = next_of(endpoint, across)) {
            if (ffmk_cast_close(across->cast, ffmk_clock_ns()))
                ffmk_endpoint_nudge(endpoint, &across->service);
            settled = settled && ffmk_cast_is_settled(across->cast);
        }
        release_settled(endpoint);
        ffmk_endpoint_unlock(endpoint);
        if (settled)
            return;
        ffmk_endpoint_wait(endpoint, SETTLE_SPIN_NS, SETTLE_SLEEP_NS);
    }
}

void ffmk_across_set_meanwhile(struct ffmk_across *across, ffmk_host_meanwhile *meanwhile)
{
    across->meanwhile = meanwhile;
}

struct ffmk_cast_way ffmk_across_way(struct ffmk_across *across,
                                     const struct ffmk_cast_manner *manner)
{
    ffmk_endpoint_lock(across->endpoint);
    const struct ffmk_cast_way way = ffmk_cast_choose(across->cast, manner);
    ffmk_endpoint_unlock(across->endpoint);
    return way;
}

bool ffmk_across_is_dead(struct ffmk_across *across, size_t member)
{
    ffmk_endpoint_lock(across->endpoint);
    const bool dead = !ffmk_ring_has(ffmk_cast_living(across->cast), (uint32_t)member);
    ffmk_endpoint_unlock(across->endpoint);
    return dead;
}

bool ffmk_across_is_excluded(struct ffmk_across *across)
{
    ffmk_endpoint_lock(across->endpoint);
    const bool excluded = ffmk_endpoint_is_excluded(across->endpoint);
    ffmk_endpoint_unlock(across->endpoint);
    return excluded;
}
