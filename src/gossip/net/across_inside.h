/* SPDX-License-Identifier: BSD-3-Clause
 * What the rooms of across.h share. */
#ifndef FFMK_GOSSIP_NET_ACROSS_INSIDE_H
#define FFMK_GOSSIP_NET_ACROSS_INSIDE_H

#include "gossip/net/across.h"

/* Pieces of a reduction, and room for the largest contribution with its head. */
enum {
    FFMK_ACROSS_LEAST_REDUCE_BYTES = 2 * FFMK_HOST_ELEMENT_BYTES,
    FFMK_ACROSS_MOST_REDUCE_BYTES = 256 << 10,
    FFMK_ACROSS_SCRATCH_BYTES = FFMK_ACROSS_MOST_REDUCE_BYTES + 16
};

struct ffmk_across {
    struct ffmk_service service; /* first: what the endpoint knows */
    struct ffmk_endpoint *endpoint;
    struct ffmk_cast *cast;
    size_t members;
    size_t me;
    bool crowded;
    bool closing;
    bool news; /* for the cast, in this round */
    ffmk_host_meanwhile *meanwhile;
    struct ffmk_across_operation *first; /* of those that are not complete, in order */
    struct ffmk_across *next;            /* of all of this process */
    /* Round trips to another host */
    uint32_t echoes;
    uint64_t shortest;
    uint64_t longest;
    uint64_t ask_at; /* the next one, when an operation is started; 0: not yet */
    struct ffmk_cast_speed speed;
    unsigned char *scratch;
    struct ffmk_across_member {
        struct ffmk_peer *peer; /* NULL: this process */
        uint32_t rank;
        bool far; /* on another host */
    } member[];
};

/* across_speed.c */
/* Whether it was a message of that room. */
bool ffmk_across_hear_echo(struct ffmk_across *across, struct ffmk_peer *peer,
                           const uint8_t *message, size_t bytes, uint64_t now);
/* An operation is started: now and then the network is looked at anew. */
void ffmk_across_ask(struct ffmk_across *across, uint64_t now);

#endif
