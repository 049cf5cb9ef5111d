/* SPDX-License-Identifier: BSD-3-Clause
 * A virtual network: a ring of buckets, one a tick, each with its arrivals and its wakings.
 *
 *   bucket[t mod B]   arrivals: chunk -> chunk -> …      (messages by the hundred)
 *                     wakings:  node <-> node <-> …      (links in arrays by node)
 *
 * B is a power of two, so large that all messages under way arrive within one turn of the ring. Who
 * waits longer than a turn to be woken is looked at each turn. */
#include "sim/network.h"

#include <stdlib.h>
#include <string.h>

/* In a message's `to`: it has arrived, and waits for its receiver to take it. */
static const uint32_t WAITS = UINT32_C(1) << 31;

enum { CHUNK = 170, NOBODY = -1, MIN_BUCKETS = 256 };

struct message {
    uint32_t from;
    uint32_t to;
    unsigned char body[FFMK_SIM_BODY_BYTES];
};

struct chunk {
    struct chunk *next;
    uint32_t count;
    struct message messages[CHUNK];
};

struct bucket {
    struct chunk *first;
    struct chunk *last;
    int32_t waking; /* the first node, or NOBODY */
    int32_t last_waking;
};

struct node {
    uint32_t dies;
    uint32_t free_at;  /* may send again */
    uint32_t takes_at; /* may receive again */
    uint32_t wakes;    /* valid while in a bucket */
    int32_t before;    /* in the bucket's list; itself: in none */
    int32_t after;
};

struct ffmk_sim_network {
    uint32_t nodes;
    uint32_t wire;
    uint32_t overhead;
    uint32_t now;
    uint32_t mask;      /* buckets - 1 */
    uint64_t messages;  /* sent */
    uint64_t under_way; /* not yet received, and nodes to be woken */
    bool failed;        /* out of memory */
    uint32_t taken;     /* of the chunk that is being read */
    struct chunk *spare;
    struct bucket *buckets;
    struct node *node;
};

struct ffmk_sim_network *ffmk_sim_network_create(uint32_t nodes, uint32_t wire, uint32_t overhead)
{
    struct ffmk_sim_network *network = calloc(1, sizeof *network);
    if (!network)
        return NULL;
    uint32_t buckets = MIN_BUCKETS;
    while (buckets <= wire + 2 * overhead)
        buckets *= 2;
    *network = (struct ffmk_sim_network){
        .nodes = nodes, .wire = wire, .overhead = overhead, .mask = buckets - 1};
    network->buckets = calloc(buckets, sizeof *network->buckets);
    network->node = malloc(nodes * sizeof *network->node);
    if (!network->buckets || !network->node) {
        ffmk_sim_network_destroy(network);
        return NULL;
    }
    ffmk_sim_network_reset(network);
    return network;
}

static void drop_chunk(struct ffmk_sim_network *network, struct bucket *bucket)
{
    struct chunk *chunk = bucket->first;
    bucket->first = chunk->next;
    if (!bucket->first)
        bucket->last = NULL;
    chunk->next = network->spare;
    network->spare = chunk;
}

void ffmk_sim_network_destroy(struct ffmk_sim_network *network)
{
    if (!network)
        return;
    for (uint32_t b = 0; network->buckets && b <= network->mask; b++)
        while (network->buckets[b].first)
            drop_chunk(network, &network->buckets[b]);
    while (network->spare) {
        struct chunk *chunk = network->spare;
        network->spare = chunk->next;
        free(chunk);
    }
    free(network->buckets);
    free(network->node);
    free(network);
}

void ffmk_sim_network_reset(struct ffmk_sim_network *network)
{
    for (uint32_t b = 0; b <= network->mask; b++) {
        while (network->buckets[b].first)
            drop_chunk(network, &network->buckets[b]);
        network->buckets[b].waking = network->buckets[b].last_waking = NOBODY;
    }
    for (uint32_t i = 0; i < network->nodes; i++)
        network->node[i] = (struct node){.dies = FFMK_SIM_ALIVE, .before = (int32_t)i};
    network->now = 0;
    network->messages = 0;
    network->under_way = 0;
    network->taken = 0;
    network->failed = false;
}

void ffmk_sim_network_kill(struct ffmk_sim_network *network, uint32_t node, uint32_t at)
{
    network->node[node].dies = at;
}

uint32_t ffmk_sim_network_dies(const struct ffmk_sim_network *network, uint32_t node)
{
    return network->node[node].dies;
}

uint64_t ffmk_sim_network_messages(const struct ffmk_sim_network *network)
{
    return network->messages;
}

static void unlink_waking(struct ffmk_sim_network *network, int32_t i)
{
    struct node *node = &network->node[i];
    struct bucket *bucket = &network->buckets[node->wakes & network->mask];
    if (node->before == NOBODY)
        bucket->waking = node->after;
    else
        network->node[node->before].after = node->after;
    if (node->after == NOBODY)
        bucket->last_waking = node->before;
    else
        network->node[node->after].before = node->before;
    node->before = i;
    network->under_way--;
}

static void link_waking(struct ffmk_sim_network *network, int32_t i)
{
    struct node *node = &network->node[i];
    struct bucket *bucket = &network->buckets[node->wakes & network->mask];
    node->before = bucket->last_waking;
    node->after = NOBODY;
    if (bucket->last_waking == NOBODY)
        bucket->waking = i;
    else
        network->node[bucket->last_waking].after = i;
    bucket->last_waking = i;
    network->under_way++;
}

static struct chunk *room(struct ffmk_sim_network *network, struct bucket *bucket)
{
    if (bucket->last && bucket->last->count < CHUNK)
        return bucket->last;
    struct chunk *chunk = network->spare;
    if (chunk)
        network->spare = chunk->next;
    else
        chunk = malloc(sizeof *chunk);
    if (!chunk)
        return NULL;
    chunk->next = NULL;
    chunk->count = 0;
    if (bucket->last)
        bucket->last->next = chunk;
    else
        bucket->first = chunk;
    bucket->last = chunk;
    return chunk;
}

/* Make the ring so long that what arrives at `tick` has a bucket. */
static bool lengthen(struct ffmk_sim_network *network, uint32_t tick)
{
    uint32_t old_mask = network->mask;
    uint32_t length = old_mask + 1;
    while (tick - network->now >= length)
        length *= 2;
    struct bucket *old = network->buckets;
    struct bucket *buckets = calloc(length, sizeof *buckets);
    if (!buckets)
        return false;
    network->buckets = buckets;
    network->mask = length - 1;
    for (uint32_t b = 0; b < length; b++)
        buckets[b].waking = buckets[b].last_waking = NOBODY;
    for (uint32_t t = network->now; t - network->now <= old_mask; t++) {
        buckets[t & network->mask].first = old[t & old_mask].first;
        buckets[t & network->mask].last = old[t & old_mask].last;
    }
    for (uint32_t b = 0; b <= old_mask; b++)
        for (int32_t i = old[b].waking, after; i != NOBODY; i = after) {
            after = network->node[i].after;
            network->under_way--;
            link_waking(network, i);
        }
    free(old);
    return true;
}

void ffmk_sim_network_wake(struct ffmk_sim_network *network, uint32_t node, uint64_t at)
{
    struct node *state = &network->node[node];
    if (at < state->free_at)
        at = state->free_at;
    if (at < network->now)
        at = network->now;
    if (at >= state->dies)
        return;
    bool linked = state->before != (int32_t)node;
    if (linked && state->wakes <= at)
        return;
    if (linked)
        unlink_waking(network, (int32_t)node);
    state->wakes = (uint32_t)at;
    link_waking(network, (int32_t)node);
}

/* A message for this tick. \return false when out of memory. */
static bool deliver(struct ffmk_sim_network *network, uint32_t tick, const struct message *message)
{
    if (tick - network->now > network->mask && !lengthen(network, tick))
        return false;
    struct chunk *chunk = room(network, &network->buckets[tick & network->mask]);
    if (!chunk)
        return false;
    chunk->messages[chunk->count++] = *message;
    network->under_way++;
    return true;
}

bool ffmk_sim_network_send(struct ffmk_sim_network *network, uint32_t from, uint32_t to,
                           const void *body)
{
    struct node *sender = &network->node[from];
    uint32_t begin = sender->free_at > network->now ? sender->free_at : network->now;
    if (begin >= sender->dies)
        return true;
    struct message message = {.from = from, .to = to};
    memcpy(message.body, body, FFMK_SIM_BODY_BYTES);
    if (!deliver(network, begin + network->wire + 2 * network->overhead, &message))
        return false;
    sender->free_at = begin + network->overhead;
    network->messages++;
    return true;
}

/* Whether its receiver takes a message now; else it waits until then. */
static bool takes(struct ffmk_sim_network *network, const struct message *message)
{
    struct node *node = &network->node[message->to];
    uint32_t when = node->takes_at > network->now ? node->takes_at : network->now;
    node->takes_at = when + network->overhead;
    if (when == network->now)
        return true;
    struct message waiting = *message;
    waiting.to |= WAITS;
    network->failed = !deliver(network, when, &waiting);
    return false;
}

/* The next arrival of this tick at a node that lives. */
static bool take_arrival(struct ffmk_sim_network *network, struct ffmk_sim_event *event)
{
    while (!network->failed) {
        /* Anew each time: the ring grows when a message has to wait for long. */
        struct bucket *bucket = &network->buckets[network->now & network->mask];
        if (!bucket->first)
            return false;
        struct chunk *chunk = bucket->first;
        if (network->taken == chunk->count) {
            drop_chunk(network, bucket);
            network->taken = 0;
            continue;
        }
        const struct message *message = &chunk->messages[network->taken++];
        uint32_t to = message->to & ~WAITS;
        network->under_way--;
        if (network->now >= network->node[to].dies ||
            (!(message->to & WAITS) && !takes(network, message)))
            continue;
        *event = (struct ffmk_sim_event){.kind = FFMK_SIM_ARRIVAL,
                                         .now = network->now,
                                         .node = to,
                                         .from = message->from,
                                         .body = message->body};
        return true;
    }
    return false;
}

static bool take_waking(struct ffmk_sim_network *network, struct ffmk_sim_event *event)
{
    const struct bucket *bucket = &network->buckets[network->now & network->mask];
    for (int32_t i = bucket->waking; i != NOBODY;) {
        struct node *node = &network->node[i];
        int32_t after = node->after;
        if (node->wakes == network->now) {
            unlink_waking(network, i);
            *event = (struct ffmk_sim_event){
                .kind = FFMK_SIM_WAKE, .now = network->now, .node = (uint32_t)i};
            return true;
        }
        i = after;
    }
    return false;
}

bool ffmk_sim_network_next(struct ffmk_sim_network *network, struct ffmk_sim_event *event)
{
    while (network->under_way > 0 && !network->failed) {
        if (take_arrival(network, event) || take_waking(network, event))
            return true;
        network->now++;
    }
    return false;
}

bool ffmk_sim_network_failed(const struct ffmk_sim_network *network)
{
    return network->failed;
}
