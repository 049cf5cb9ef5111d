/* SPDX-License-Identifier: BSD-3-Clause
 * What a datagram looks like: who sent it to whom in which job, its place among those of this
 * pair, what has come the other way, a body, and a seal over all of it. Pure: encodes and decodes,
 * trusts nothing it is given.
 *
 *   0  magic, version (4)   8  job (8)      16  from (4)   20  to (4)   24  sequence (8)
 *   32 come (8)             40 beyond (8)   48  body …     last 16: seal
 *
 * All numbers are little-endian. */
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
    uint64_t job;
    uint32_t from; /* rank in the job */
    uint32_t to;
    uint64_t sequence; /* of this body among those from this rank to that one, from 1; 0: no body */
    uint64_t come;     /* all bodies of the other direction before this one have come, … */
    uint64_t beyond;   /* … and of the 64 behind it (come + 1, …) those whose bit is set */
    const void *body;
    size_t body_bytes; /* at most FFMK_DATAGRAM_BODY_BYTES */
};

/** \return bytes written to out, which has room for FFMK_DATAGRAM_BYTES. */
size_t ffmk_datagram_put(const struct ffmk_datagram *datagram,
                         const uint8_t key[FFMK_SEAL_KEY_BYTES], uint8_t *out);

/** Decode what has arrived; the body stays in it. \return false when it is none of this job's, or
 * its seal is wrong. */
bool ffmk_datagram_get(const uint8_t *bytes, size_t length, uint64_t job,
                       const uint8_t key[FFMK_SEAL_KEY_BYTES], struct ffmk_datagram *datagram);

#endif
