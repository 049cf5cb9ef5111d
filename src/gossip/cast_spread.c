/* SPDX-License-Identifier: BSD-3-Clause
 * How an outcome spreads: corrected gossip over the hosts of the attempt's ring, from who speaks
 * for a host to who speaks for another; the origin's is at position 0. A small payload goes with
 * every message. A large one goes with the messages of a root that sends to all itself; the others
 * only tell that it is there, and who lacks it asks the first who told: at once, or where the root
 * has sent it, when it has waited for that in vain. */
#include "gossip/cast_inside.h"
#include "gossip/tune.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IDLE_TABLES = 8 };

/* A correction waits for so long: nobody's call needs it where nobody has died, and sending takes
 * time from those that do. */
static const uint64_t CORRECT_AFTER_NS = 100000;

/* Of the host of a member that speaks for it; the origin's is 0. */
static uint32_t position(const struct ffmk_cast *cast, const struct ffmk_cast_op *op, uint32_t rank)
{
    const struct ffmk_ring *ring = op->ring;
    const uint32_t *host = cast->rings.host;
    return (ring->place[host[rank]] + ring->hosts - ring->place[host[op->origin]]) % ring->hosts;
}

static uint32_t rank_at(const struct ffmk_cast *cast, const struct ffmk_cast_op *op, uint32_t place)
{
    const struct ffmk_ring *ring = op->ring;
    const uint32_t first = ring->place[cast->rings.host[op->origin]];
    return place == 0 ? op->origin : ring->speaker[(place + first) % ring->hosts];
}

static void drop_idle_tables(struct ffmk_cast *cast, uint32_t most)
{
    for (struct ffmk_cast_table **at = &cast->tables; *at && cast->idle_tables > most;) {
        struct ffmk_cast_table *table = *at;
        if (table->holds > 0) {
            at = &table->next;
            continue;
        }
        *at = table->next;
        cast->idle_tables--;
        ffmk_schedule_destroy(&table->schedule);
        free(table);
    }
}

static struct ffmk_cast_table *table_of(struct ffmk_cast *cast, uint32_t nodes, uint32_t hop,
                                        uint32_t rounds)
{
    for (struct ffmk_cast_table *table = cast->tables; table; table = table->next)
        if (table->schedule.nodes == nodes && table->schedule.hop == hop &&
            table->schedule.rounds == rounds) {
            cast->idle_tables -= table->holds++ == 0;
            return table;
        }
    struct ffmk_cast_table *table = calloc(1, sizeof *table);
    if (!table || ffmk_schedule_create(&table->schedule, FFMK_SCHEDULE_CIRCULANT, nodes, hop,
                                       rounds, true, 1) != FFMK_SUCCESS) {
        free(table);
        return NULL;
    }
    table->holds = 1;
    table->next = cast->tables;
    cast->tables = table;
    return table;
}

void ffmk_cast_spread_drop(struct ffmk_cast *cast, struct ffmk_cast_op *op)
{
    free(op->rumor);
    op->rumor = NULL;
    op->kept = 0;
    op->holder = FFMK_RING_NOBODY;
    op->next = FFMK_CAST_NEVER;
    if (op->table && --op->table->holds == 0) {
        cast->idle_tables++;
        drop_idle_tables(cast, MAX_IDLE_TABLES);
    }
    op->table = NULL;
}

void ffmk_cast_spread_free(struct ffmk_cast *cast)
{
    drop_idle_tables(cast, 0);
}

/* Ready to take part in the rumor. */
static bool begin(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                  const struct ffmk_cast_spread *spread)
{
    op->spread = *spread;
    op->table = table_of(cast, op->ring->hosts, spread->hop, spread->rounds);
    if (!op->table)
        return false;
    op->plan = ffmk_rumor_plan(&op->table->schedule, FFMK_RUMOR_OURS, spread->mode, spread->number,
                               spread->speed.slot, spread->speed.hop);
    op->plan.settled_after += CORRECT_AFTER_NS;
    /* Nodes are late for reasons of their machine, too. */
    op->plan.pause_until += spread->speed.patience;
    op->plan.ask_after += spread->speed.patience;
    if (op->plan.reserve_after != FFMK_RUMOR_NEVER)
        op->plan.reserve_after += CORRECT_AFTER_NS + 3 * spread->speed.patience;
    op->rumor = calloc(1, ffmk_rumor_bytes(&op->plan));
    return op->rumor != NULL;
}

static bool same_manner(const struct ffmk_cast_manner *a, const struct ffmk_cast_manner *b)
{
    return a->mode == b->mode && a->deaths_or_reach == b->deaths_or_reach && !(a->miss < b->miss) &&
           !(a->miss > b->miss);
}

static struct ffmk_cast_spread choose(struct ffmk_cast *cast, uint32_t nodes,
                                      const struct ffmk_cast_manner *manner)
{
    for (int i = 0; i < FFMK_CAST_CHOICES; i++)
        if (cast->choices[i].nodes == nodes && same_manner(&cast->choices[i].manner, manner))
            return cast->choices[i].spread;
    const struct ffmk_cast_speed *speed = &cast->speed;
    uint64_t hop = (speed->hop + speed->slot - 1) / speed->slot;
    /* Beyond the number of nodes a longer hop changes nothing: the origin sends to all. */
    if (hop > nodes)
        hop = nodes;
    if (hop > FFMK_SCHEDULE_MAX_HOP)
        hop = FFMK_SCHEDULE_MAX_HOP;
    const struct ffmk_tune_case wanted = {.table = FFMK_SCHEDULE_CIRCULANT,
                                          .rules = FFMK_RUMOR_OURS,
                                          .mode = manner->mode,
                                          .deaths_or_reach = manner->deaths_or_reach,
                                          .nodes = nodes,
                                          .table_hop = (uint32_t)hop,
                                          .hop_slots = (double)hop,
                                          .miss = manner->miss};
    const struct ffmk_tune_choice tuned = ffmk_tune_choose(&wanted);
    uint32_t number = manner->deaths_or_reach;
    if (manner->mode == FFMK_RUMOR_OPPORTUNISTIC && number == 0)
        number = tuned.reach < FFMK_RUMOR_MAX_DEATHS ? tuned.reach : FFMK_RUMOR_MAX_DEATHS;
    struct ffmk_cast_choice *choice = &cast->choices[cast->choice++ % FFMK_CAST_CHOICES];
    choice->nodes = nodes;
    choice->manner = *manner;
    choice->spread = (struct ffmk_cast_spread){.mode = (uint8_t)manner->mode,
                                               .number = (uint8_t)number,
                                               .rounds = tuned.rounds,
                                               .hop = (uint32_t)hop,
                                               .speed = *speed};
    return choice->spread;
}

void ffmk_cast_spread_start(struct ffmk_cast *cast, struct ffmk_cast_op *op,
                            const struct ffmk_cast_manner *manner, uint64_t now)
{
    if (op->ring->hosts == 1)
        return;
    const struct ffmk_cast_spread spread = choose(cast, op->ring->hosts, manner);
    ffmk_cast_spread_drop(cast, op); /* what somebody else said of it, who cannot know */
    if (!begin(cast, op, &spread)) {
        ffmk_cast_break(cast);
        return;
    }
    ffmk_rumor_start(op->rumor, &op->plan, now);
    op->next = now;
    ffmk_cast_wake(cast, op);
}

struct ffmk_cast_way ffmk_cast_choose(struct ffmk_cast *cast, const struct ffmk_cast_manner *manner)
{
    const uint32_t hosts = cast->living->hosts;
    if (hosts == 1)
        return (struct ffmk_cast_way){.hosts = 1};
    const struct ffmk_cast_spread spread = choose(cast, hosts, manner);
    return (struct ffmk_cast_way){
        .hosts = hosts, .rounds = spread.rounds, .hop = spread.hop, .number = spread.number};
}

static void send_rumor(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t to,
                       const struct ffmk_rumor_message *rumor)
{
    enum { HEAD_BYTES = 96 };
    struct ffmk_cast_message message = ffmk_cast_about(cast, op, FFMK_CAST_SPREAD);
    message.ring = op->ring;
    message.rumor = *rumor;
    message.spread = op->spread;
    const size_t dead = op->ring->members - op->ring->nodes;
    const size_t bytes = op->bytes + HEAD_BYTES + 4 * dead;
    const bool whole =
        rumor->kind == FFMK_RUMOR_TREE
            ? bytes <= cast->port.at_once || bytes <= cast->port.soon || op->plan.direct
            : bytes <= cast->port.at_once && rumor->kind == FFMK_RUMOR_PROBE;
    ffmk_cast_send(cast, rank_at(cast, op, to), &message, whole ? op->payload : NULL,
                   whole ? op->bytes : 0);
    if (whole)
        ffmk_cast_hand(cast, op, rank_at(cast, op, to), message.attempt);
}

static void hear(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                 const struct ffmk_rumor_message *message, uint64_t now)
{
    struct ffmk_rumor_message reply;
    const uint32_t sender = position(cast, op, from);
    const unsigned found = ffmk_rumor_receive(op->rumor, &op->plan, position(cast, op, cast->me),
                                              sender, message, now, &reply);
    if (found & FFMK_RUMOR_ANSWER)
        send_rumor(cast, op, sender, &reply);
    if (op->next > now)
        op->next = now;
    ffmk_cast_wake(cast, op);
}

void ffmk_cast_ask_holder(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t holder)
{
    const struct ffmk_cast_message need = ffmk_cast_about(cast, op, FFMK_CAST_NEED);
    op->holder = holder;
    ffmk_cast_send(cast, holder, &need, NULL, 0);
}

void ffmk_cast_on_spread(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint32_t from,
                         const struct ffmk_cast_message *message, uint64_t now)
{
    if (message->attempt < op->attempt || message->outcome != FFMK_CAST_HAS_VALUE ||
        !ffmk_ring_has(message->ring, from) || !ffmk_ring_has(message->ring, message->origin) ||
        !ffmk_ring_has(message->ring, cast->me) ||
        ffmk_cast_speaker(cast, message->ring, message->origin, from) != from ||
        ffmk_cast_speaker(cast, message->ring, message->origin, cast->me) != cast->me)
        return;
    if (message->attempt > op->attempt || !op->ring)
        ffmk_cast_promise(cast, op, message->attempt, message->ring, message->origin);
    if (op->ring != message->ring || op->origin != message->origin)
        return;
    if (!op->rumor && !begin(cast, op, &message->spread)) {
        ffmk_cast_break(cast);
        return;
    }
    if (op->outcome == FFMK_CAST_HAS_FAILED)
        return;
    if (op->outcome == FFMK_CAST_OPEN) {
        if (message->rumor.kind == FFMK_RUMOR_REPLY)
            return;
        if (!message->has_payload) {
            if (op->kept < FFMK_CAST_KEPT) {
                op->keep[op->kept].from = from;
                op->keep[op->kept++].message = message->rumor;
            }
            /* A direct root's payload is on its way. */
            if (!op->plan.direct && (op->holder == FFMK_RING_NOBODY || cast->dead[op->holder]))
                ffmk_cast_ask_holder(cast, op, from);
            return;
        }
        uint8_t *payload = ffmk_cast_copy(cast, message->payload, message->bytes);
        if (!payload)
            return;
        ffmk_cast_decide(cast, op, FFMK_CAST_HAS_VALUE, payload, message->bytes, message->total,
                         message->ring);
    }
    hear(cast, op, from, &message->rumor, now);
}

void ffmk_cast_spread_go_on(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    for (uint32_t i = 0; op->rumor && i < op->kept; i++)
        hear(cast, op, op->keep[i].from, &op->keep[i].message, now);
    op->kept = 0;
}

uint64_t ffmk_cast_spread_advance(struct ffmk_cast *cast, struct ffmk_cast_op *op, uint64_t now)
{
    if (!op->rumor || op->outcome != FFMK_CAST_HAS_VALUE || op->next > now)
        return op->next;
    for (;;) {
        uint32_t to;
        struct ffmk_rumor_message message;
        const uint64_t at =
            ffmk_rumor_next(op->rumor, &op->plan, position(cast, op, cast->me), now, &to, &message);
        if (at != now)
            return op->next = at;
        send_rumor(cast, op, to, &message);
        /* Beyond its first messages a correction looks for others at the pace of their answers. */
        if (op->rumor->state == FFMK_RUMOR_CORRECTING &&
            now >= op->rumor->at + op->plan.pause_until)
            return op->next = now + op->plan.slot + op->spread.speed.hop;
    }
}
