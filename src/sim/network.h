/* SPDX-License-Identifier: BSD-3-Clause
 * A virtual network of a million nodes in one process: event-driven LogP (Culler and others 1993),
 * full duplex. A message occupies its sender for o; L + 2o after its sending began it is received,
 * or later, for it occupies its receiver for o, too: of two that arrive together one waits. A node
 * that dies at t begins no message at t or later and receives none. Deterministic. Knows
 * nothing of what the messages mean. */
#ifndef FFMK_SIM_NETWORK_H
#define FFMK_SIM_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

enum { FFMK_SIM_BODY_BYTES = 16 };

#define FFMK_SIM_ALIVE UINT32_MAX

struct ffmk_sim_network;

enum ffmk_sim_kind { FFMK_SIM_ARRIVAL, FFMK_SIM_WAKE };

struct ffmk_sim_event {
    enum ffmk_sim_kind kind;
    uint32_t now;
    uint32_t node;    /* that receives, or wakes */
    uint32_t from;    /* ARRIVAL */
    const void *body; /* ARRIVAL; until the next call of anything here */
};

/** nodes ≥ 1; wire (L) and overhead (o ≥ 1) in ticks. ffmk_sim_network_destroy() when done.
 * \return NULL when out of memory. */
struct ffmk_sim_network *ffmk_sim_network_create(uint32_t nodes, uint32_t wire, uint32_t overhead);
void ffmk_sim_network_destroy(struct ffmk_sim_network *network);

/** Back to time 0: nothing under way, all alive. */
void ffmk_sim_network_reset(struct ffmk_sim_network *network);

/** The node dies at this tick. */
void ffmk_sim_network_kill(struct ffmk_sim_network *network, uint32_t node, uint32_t at);
uint32_t ffmk_sim_network_dies(const struct ffmk_sim_network *network, uint32_t node);

/** Send as soon as the sender is free. \return false when out of memory. */
bool ffmk_sim_network_send(struct ffmk_sim_network *network, uint32_t from, uint32_t to,
                           const void *body);

/** Wake a node at `at`, or as soon as it is free to send, whichever is later; but not later than it
 * was to be woken already. */
void ffmk_sim_network_wake(struct ffmk_sim_network *network, uint32_t node, uint64_t at);

/** The next event: arrivals of a tick before wakings. \return false: nothing will ever happen, or
 * out of memory, which ffmk_sim_network_failed() tells. */
bool ffmk_sim_network_next(struct ffmk_sim_network *network, struct ffmk_sim_event *event);

bool ffmk_sim_network_failed(const struct ffmk_sim_network *network);

/** Messages sent since the reset. */
uint64_t ffmk_sim_network_messages(const struct ffmk_sim_network *network);

#endif
