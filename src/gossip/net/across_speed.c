/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among ranks on several hosts: what the network is like, from round trips;
 * some at the beginning, and now and then one while operations are started. */
#include "gossip/net/across_inside.h"

#include "core/clock.h"
#include "core/log.h"

#include <string.h>

/* Messages that are not the cast's, by their first byte. */
enum { ECHO = 64, ECHO_BACK = 65 };
enum { ECHOES = 12, ECHO_BYTES = 1 + sizeof(uint64_t) };
enum { STREAM_BYTES = FFMK_PEER_SOON_BYTES }; /* with the question it takes a stream */

static const uint64_t LONGEST_NS = 50000000;
static const uint64_t ASK_EVERY_NS = 50000000;

static void begin(struct ffmk_across *across)
{
    across->echoes = 0;
    across->shortest = LONGEST_NS;
    across->longest = 0;
}

/* The next member on another host; where all are on one, the next. */
static struct ffmk_peer *partner(const struct ffmk_across *across)
{
    struct ffmk_peer *near = NULL;
    for (size_t i = 1; i < across->members; i++) {
        const struct ffmk_across_member *member =
            &across->member[(across->me + i) % across->members];
        if (ffmk_peer_is_dead(member->peer))
            continue;
        if (member->far)
            return member->peer;
        near = near ? near : member->peer;
    }
    return near;
}

/* With so many bytes behind the question. */
static void ask_with(struct ffmk_across *across, struct ffmk_peer *peer, size_t more, uint64_t now)
{
    static const uint8_t nothing[STREAM_BYTES];
    uint8_t message[ECHO_BYTES] = {ECHO};
    memcpy(message + 1, &now, sizeof now);
    ffmk_peer_send(peer, across->service.name, message, sizeof message, nothing, more);
}

static void ask(struct ffmk_across *across, struct ffmk_peer *peer, uint64_t now)
{
    ask_with(across, peer, 0, now);
}

static bool is_near(uint64_t one, uint64_t other)
{
    return one * 4 > other * 3 && one * 3 < other * 4;
}

/* Only the shortest tells of the network: others may have found somebody who computes. A little
 * more or less changes nothing. */
static void adapt(struct ffmk_across *across)
{
    const struct ffmk_cast_speed before = across->speed;
    const uint64_t slot = ffmk_endpoint_send_time(across->endpoint);
    struct ffmk_cast_speed speed = {.slot = slot > 0 ? slot : before.slot,
                                    .hop = across->shortest / 2,
                                    .patience = before.patience};
    begin(across);
    if (speed.hop < speed.slot)
        speed.hop = speed.slot;
    if (is_near(speed.hop, before.hop) && is_near(speed.slot, before.slot))
        return;
    across->speed = speed;
    ffmk_cast_set_speed(across->cast, &speed);
    ffmk_log_debug(
        "the network has changed: o was %.1f us, is %.1f us; L + 2o was %.1f us, is %.1f us",
        (double)before.slot * 1e-3, (double)speed.slot * 1e-3, (double)before.hop * 1e-3,
        (double)speed.hop * 1e-3);
}

bool ffmk_across_hear_echo(struct ffmk_across *across, struct ffmk_peer *peer,
                           const uint8_t *message, size_t bytes, uint64_t now)
{
    if (message[0] < ECHO)
        return false;
    if (bytes < ECHO_BYTES)
        return true;
    uint8_t reply[ECHO_BYTES];
    uint64_t sent_at;
    memcpy(&sent_at, message + 1, sizeof sent_at);
    if (message[0] == ECHO) {
        memcpy(reply, message, sizeof reply);
        reply[0] = ECHO_BACK;
        ffmk_peer_send(peer, across->service.name, reply, sizeof reply, NULL, 0);
    } else if (message[0] == ECHO_BACK) {
        across->echoes++;
        if (now <= sent_at) /* whoever took it had looked at the clock before, and lost his core */
            return true;
        const uint64_t trip = now - sent_at;
        across->shortest = trip < across->shortest ? trip : across->shortest;
        across->longest = trip > across->longest ? trip : across->longest;
        if (across->ask_at > 0 && across->echoes >= ECHOES)
            adapt(across);
    }
    return true;
}

void ffmk_across_ask(struct ffmk_across *across, uint64_t now)
{
    if (across->ask_at == 0 || now < across->ask_at)
        return;
    struct ffmk_peer *peer = partner(across);
    across->ask_at = now + ASK_EVERY_NS;
    if (peer)
        ask(across, peer, now);
}

/* How long an answer is waited for: as long as a living process may be silent, within reason. */
static uint64_t reach_patience(const struct ffmk_across *across)
{
    static const uint64_t least = 1000000000;
    static const uint64_t most = 10000000000;
    const uint64_t detect = ffmk_endpoint_detect_after(across->endpoint);
    return detect < least ? least : detect > most ? most : detect;
}

/* Whether a question with so many bytes behind it is answered. */
static bool is_answered(struct ffmk_across *across, struct ffmk_peer *peer, size_t more)
{
    const uint64_t patience = reach_patience(across);
    const uint64_t start = ffmk_clock_ns();
    begin(across);
    ffmk_endpoint_lock(across->endpoint);
    ask_with(across, peer, more, start);
    ffmk_endpoint_unlock(across->endpoint);
    for (bool last = false; across->echoes == 0 && !last;) {
        last = ffmk_clock_ns() - start >= patience; /* of what came meanwhile */
        ffmk_endpoint_wait(across->endpoint, 50000, 1000000);
    }
    return across->echoes > 0;
}

enum ffmk_across_reach ffmk_across_reach(struct ffmk_across *across)
{
    ffmk_endpoint_lock(across->endpoint);
    struct ffmk_peer *peer = partner(across);
    /* Who is excluded has no answer to anything, and his operations tell him. */
    const bool asks =
        peer && !ffmk_peer_is_proved(peer) && !ffmk_endpoint_is_excluded(across->endpoint);
    if (asks)
        ffmk_peer_try(peer);
    ffmk_endpoint_unlock(across->endpoint);
    if (!asks)
        return FFMK_ACROSS_REACHES;
    if (!is_answered(across, peer, 0))
        return FFMK_ACROSS_NO_DATAGRAMS;
    if (!is_answered(across, peer, STREAM_BYTES))
        return FFMK_ACROSS_NO_STREAMS;
    ffmk_endpoint_lock(across->endpoint);
    ffmk_peer_prove(peer);
    ffmk_endpoint_unlock(across->endpoint);
    return FFMK_ACROSS_REACHES;
}

struct ffmk_cast_speed ffmk_across_measure(struct ffmk_across *across)
{
    struct ffmk_peer *peer = partner(across);
    uint64_t spent = 0;
    begin(across);
    for (uint32_t i = 0; peer && i < ECHOES; i++) {
        const uint64_t start = ffmk_clock_ns();
        ffmk_endpoint_lock(across->endpoint);
        ask(across, peer, start);
        ffmk_endpoint_unlock(across->endpoint);
        ffmk_endpoint_wait(across->endpoint, 0, 0);
        const uint64_t sent = ffmk_clock_ns() - start;
        spent = i == 0 || sent < spent ? sent : spent;
        while (across->echoes <= i && ffmk_clock_ns() - start < LONGEST_NS)
            ffmk_endpoint_wait(across->endpoint, 50000, 1000000);
    }
    ffmk_endpoint_lock(across->endpoint);
    const uint64_t slot = ffmk_endpoint_send_time(across->endpoint);
    ffmk_endpoint_unlock(across->endpoint);
    struct ffmk_cast_speed speed = {
        .slot = slot > 0 ? slot : spent, .hop = across->shortest / 2, .patience = across->longest};
    if (speed.hop < speed.slot)
        speed.hop = speed.slot;
    if (speed.patience > LONGEST_NS)
        speed.patience = LONGEST_NS;
    return speed;
}

void ffmk_across_set_speed(struct ffmk_across *across, const struct ffmk_cast_speed *speed)
{
    ffmk_endpoint_lock(across->endpoint);
    across->speed = *speed;
    ffmk_cast_set_speed(across->cast, speed);
    begin(across);
    across->ask_at = ffmk_clock_ns() + ASK_EVERY_NS;
    ffmk_endpoint_unlock(across->endpoint);
}

bool ffmk_across_has_hosts(const struct ffmk_across *across)
{
    bool any = false;
    for (size_t i = 0; i < across->members; i++)
        any = any || across->member[i].far;
    return any;
}
