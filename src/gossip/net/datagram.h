/* SPDX-License-Identifier: BSD-3-Clause
 * What a datagram looks like: from which process to which, its place among those of this pair, what
 * has come the other way, a body, and a seal over all of it by the receiver's key. Pure: encodes
 * and decodes, trusts nothing it is given.
 *
 *   0  magic, version (5), flags (1), 0 (2)   8  from (8)   16  to (8)   24  sequence (8)
 *   32 come (8)             40 beyond (8)     48  body …    last 16: seal
 *
 * All numbers are little-endian. Flag 1: whom it is for is excluded; such a one has no body. */
#ifndef FFMK_GOSSIP_NET_DATAGRAM_H
#define FFMK_GOSSIP_NET_DATAGRAM_H

#include "core/seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FFMK_DATAGRAM_HEAD_BYTES = 48,
    /** IPv6's least MTU, 1,280, without its head and UDP's. */
    FFMK_DATAGRAM_BYTES = 1232,
    FFMK_DATAGRAM_BODY_BYTES = FFMK_DATAGRAM_BYTES - FFMK_DATAGRAM_HEAD_BYTES - FFMK_SEAL_BYTES
};

struct ffmk_datagram {
    uint64_t from; /* processes, by the ids on their cards */
    uint64_t to;
    bool excluded;     /* says that the receiver was declared dead */
    uint64_t sequence; /* of this body among those of this pair, from 1; 0: no body */
    uint64_t come;     /* all bodies of the other direction before this one have come, … */
    uint64_t beyond;   /* … and of the 64 behind it (come + 1, …) those whose bit is set */
    const void *body;
    size_t body_bytes; /* at most FFMK_DATAGRAM_BODY_BYTES */
};

/** \return bytes written to out, which has room for FFMK_DATAGRAM_BYTES. */
size_t ffmk_datagram_put(const struct ffmk_datagram *datagram,
                         const uint8_t key[FFMK_SEAL_KEY_BYTES], uint8_t *out);

/** Decode what has arrived at process `id`, whose key it is; the body stays in it. \return false
 * when it is for another, or none, or its seal is wrong. */
bool ffmk_datagram_get(const uint8_t *bytes, size_t length, uint64_t id,
                       const uint8_t key[FFMK_SEAL_KEY_BYTES], struct ffmk_datagram *datagram);

#endif
