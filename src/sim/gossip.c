/* SPDX-License-Identifier: BSD-3-Clause
 * Broadcasts on the virtual network. */
#include "sim/gossip.h"

#include "sim/baseline.h"
#include "sim/network.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

struct ffmk_sim_gossip {
    struct ffmk_sim_setup setup;
    struct ffmk_sim_network *network;
    struct ffmk_schedule schedule; /* of the last run */
    struct ffmk_rumor_plan plan;
    size_t stride; /* bytes of a node's state */
    unsigned char *states;
};

/* What a run is made of. */
struct run {
    struct ffmk_sim_gossip *gossip;
    struct ffmk_sim_result *result;
    uint32_t *coloured_at;
    bool failed;
};

static bool is_rumor(enum ffmk_sim_algorithm algorithm)
{
    return algorithm <= FFMK_SIM_BINOMIAL;
}

struct ffmk_sim_gossip *ffmk_sim_gossip_create(const struct ffmk_sim_setup *setup)
{
    struct ffmk_sim_gossip *gossip = calloc(1, sizeof *gossip);
    if (!gossip)
        return NULL;
    gossip->setup = *setup;
    gossip->network = ffmk_sim_network_create(setup->nodes, setup->wire, setup->overhead);
    if (is_rumor(setup->algorithm)) {
        const struct ffmk_schedule none = {.nodes = setup->nodes, .hop = 1};
        gossip->plan = ffmk_rumor_plan(&none, setup->rules, setup->mode, setup->deaths_or_reach,
                                       setup->overhead, setup->wire + 2 * setup->overhead);
        gossip->stride = ffmk_rumor_bytes(&gossip->plan);
    } else {
        gossip->stride = sizeof(struct ffmk_baseline);
    }
    gossip->states = malloc(setup->nodes * gossip->stride);
    if (!gossip->network || !gossip->states) {
        ffmk_sim_gossip_destroy(gossip);
        return NULL;
    }
    return gossip;
}

void ffmk_sim_gossip_destroy(struct ffmk_sim_gossip *gossip)
{
    if (!gossip)
        return;
    ffmk_sim_network_destroy(gossip->network);
    ffmk_schedule_destroy(&gossip->schedule);
    free(gossip->states);
    free(gossip);
}

static enum ffmk_baseline_kind baseline_of(enum ffmk_sim_algorithm algorithm)
{
    return algorithm == FFMK_SIM_BINOMIAL_ACK ? FFMK_BASELINE_TREE
           : algorithm == FFMK_SIM_BIG        ? FFMK_BASELINE_GRAPH
                                              : FFMK_BASELINE_GRAPH_OMPI;
}

const struct ffmk_rumor_plan *ffmk_sim_gossip_plan(const struct ffmk_sim_gossip *gossip)
{
    return &gossip->plan;
}

const struct ffmk_rumor *ffmk_sim_gossip_node(const struct ffmk_sim_gossip *gossip, uint32_t node)
{
    return (const struct ffmk_rumor *)(gossip->states + node * gossip->stride);
}

static void *state_of(struct ffmk_sim_gossip *gossip, uint32_t node)
{
    return gossip->states + node * gossip->stride;
}

static void send(struct run *run, uint32_t from, uint32_t to, const void *message, size_t bytes)
{
    unsigned char body[FFMK_SIM_BODY_BYTES] = {0};
    memcpy(body, message, bytes);
    if (!ffmk_sim_network_send(run->gossip->network, from, to, body))
        run->failed = true;
}

static void coloured(struct run *run, uint32_t node, uint32_t now)
{
    run->result->coloured_at = now;
    if (run->coloured_at)
        run->coloured_at[node] = now;
}

_Static_assert(sizeof(struct ffmk_rumor_message) <= FFMK_SIM_BODY_BYTES, "fits a body");
_Static_assert(sizeof(struct ffmk_baseline_message) <= FFMK_SIM_BODY_BYTES, "fits a body");

static void rumor_event(struct run *run, const struct ffmk_sim_event *event)
{
    struct ffmk_sim_gossip *gossip = run->gossip;
    struct ffmk_rumor *rumor = state_of(gossip, event->node);
    struct ffmk_rumor_message message;
    if (event->kind == FFMK_SIM_ARRIVAL) {
        struct ffmk_rumor_message reply;
        memcpy(&message, event->body, sizeof message);
        unsigned found = ffmk_rumor_receive(rumor, &gossip->plan, event->node, event->from,
                                            &message, event->now, &reply);
        if (found & FFMK_RUMOR_COLOURED)
            coloured(run, event->node, event->now);
        if (found & FFMK_RUMOR_ANSWER)
            send(run, event->node, event->from, &reply, sizeof reply);
        ffmk_sim_network_wake(gossip->network, event->node, event->now);
        return;
    }
    bool was_done = rumor->state == FFMK_RUMOR_DONE;
    uint32_t to = 0;
    uint64_t again = ffmk_rumor_next(rumor, &gossip->plan, event->node, event->now, &to, &message);
    if (again == event->now)
        send(run, event->node, to, &message, sizeof message);
    if (again != FFMK_RUMOR_NEVER)
        ffmk_sim_network_wake(gossip->network, event->node, again);
    if (rumor->state == FFMK_RUMOR_DONE && !was_done)
        run->result->done_at = event->now;
}

static void baseline_event(struct run *run, const struct ffmk_sim_event *event)
{
    struct ffmk_sim_gossip *gossip = run->gossip;
    struct ffmk_baseline *node = state_of(gossip, event->node);
    struct ffmk_baseline_message message;
    if (event->kind == FFMK_SIM_ARRIVAL) {
        memcpy(&message, event->body, sizeof message);
        if (ffmk_baseline_receive(node, event->from, &message))
            coloured(run, event->node, event->now);
        ffmk_sim_network_wake(gossip->network, event->node, event->now);
        return;
    }
    bool was_done = node->done;
    uint32_t to = 0;
    if (ffmk_baseline_next(node, baseline_of(gossip->setup.algorithm), gossip->setup.nodes,
                           event->node, &to, &message)) {
        send(run, event->node, to, &message, sizeof message);
        ffmk_sim_network_wake(gossip->network, event->node, event->now);
    }
    if (node->done && !was_done)
        run->result->done_at = event->now;
}

static void count_missed(struct run *run)
{
    struct ffmk_sim_gossip *gossip = run->gossip;
    bool rumor = is_rumor(gossip->setup.algorithm);
    for (uint32_t i = 0; i < gossip->setup.nodes; i++) {
        if (ffmk_sim_network_dies(gossip->network, i) != FFMK_SIM_ALIVE)
            continue;
        run->result->living++;
        const void *state = state_of(gossip, i);
        bool dark = rumor ? ((const struct ffmk_rumor *)state)->state == FFMK_RUMOR_DARK
                          : !((const struct ffmk_baseline *)state)->coloured;
        run->result->missed += dark;
    }
}

static bool make_plan(struct ffmk_sim_gossip *gossip, uint64_t seed)
{
    struct ffmk_schedule *schedule = &gossip->schedule;
    ffmk_schedule_destroy(schedule);
    const struct ffmk_sim_setup *setup = &gossip->setup;
    uint32_t hop = setup->wire + 2 * setup->overhead;
    uint32_t k =
        setup->algorithm == FFMK_SIM_BINOMIAL ? 1 : (hop + setup->overhead - 1) / setup->overhead;
    bool wraps = setup->rules == FFMK_RUMOR_PUBLISHED ||
                 setup->rounds > ffmk_schedule_tree_rounds(setup->nodes, k);
    if (ffmk_schedule_create(schedule,
                             setup->algorithm == FFMK_SIM_GOSSIP ? FFMK_SCHEDULE_GOSSIP
                                                                 : FFMK_SCHEDULE_CIRCULANT,
                             setup->nodes, k, setup->rounds, wraps, seed) != FFMK_SUCCESS)
        return false;
    gossip->plan = ffmk_rumor_plan(schedule, setup->rules, setup->mode, setup->deaths_or_reach,
                                   setup->overhead, hop);
    return true;
}

bool ffmk_sim_gossip_run(struct ffmk_sim_gossip *gossip, uint64_t seed,
                         const struct ffmk_sim_death *deaths, size_t n_deaths,
                         uint32_t *coloured_at, struct ffmk_sim_result *result)
{
    const struct ffmk_sim_setup *setup = &gossip->setup;
    bool rumor = is_rumor(setup->algorithm);
    if (rumor && !make_plan(gossip, seed))
        return false;
    ffmk_sim_network_reset(gossip->network);
    memset(gossip->states, 0, setup->nodes * gossip->stride);
    for (size_t i = 0; i < n_deaths; i++)
        ffmk_sim_network_kill(gossip->network, deaths[i].node, deaths[i].at);
    for (uint32_t i = 0; coloured_at && i < setup->nodes; i++)
        coloured_at[i] = FFMK_SIM_ALIVE;

    *result = (struct ffmk_sim_result){0};
    struct run run = {.gossip = gossip, .result = result, .coloured_at = coloured_at};
    if (rumor)
        ffmk_rumor_start(state_of(gossip, 0), &gossip->plan, 0);
    else
        ffmk_baseline_start(state_of(gossip, 0));
    coloured(&run, 0, 0);
    ffmk_sim_network_wake(gossip->network, 0, 0);
    struct ffmk_sim_event event;
    while (!run.failed && ffmk_sim_network_next(gossip->network, &event)) {
        if (event.kind == FFMK_SIM_ARRIVAL)
            result->quiet_at = event.now;
        if (rumor)
            rumor_event(&run, &event);
        else
            baseline_event(&run, &event);
    }
    result->messages = ffmk_sim_network_messages(gossip->network);
    count_missed(&run);
    return !run.failed && !ffmk_sim_network_failed(gossip->network);
}
