/* SPDX-License-Identifier: BSD-3-Clause
 * What goes through a stream. Pure: encodes and decodes, trusts nothing it is given.
 *
 *   hello  magic, version, 1 (8)   from (8)   to (8)         0 (8)        seal (16)
 *   ack    magic, version, 2 (8)   from (8)   sequence (8)   0 (8)        seal (16)
 *   frame  magic, version, 3 (8)   from (8)   sequence (8)   length (8)   message …   seal (16)
 *
 * Sealed with the key of who gets it, a frame in one: its length is believed before that, but not
 * beyond what a message may have. All numbers are little-endian. */
#ifndef FFMK_GOSSIP_NET_FRAME_H
#define FFMK_GOSSIP_NET_FRAME_H

#include "core/seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ffmk_frame_kind { FFMK_FRAME_HELLO = 1, FFMK_FRAME_ACK, FFMK_FRAME_MESSAGE };

enum {
    FFMK_FRAME_HEAD_BYTES = 32,
    FFMK_FRAME_SHORT_BYTES = FFMK_FRAME_HEAD_BYTES + FFMK_SEAL_BYTES /* hello, ack */
};

struct ffmk_frame_head {
    enum ffmk_frame_kind kind;
    uint64_t from;   /* process */
    uint64_t number; /* to whom, or sequence */
    uint64_t length; /* of the message */
};

void ffmk_frame_put_head(const struct ffmk_frame_head *head, uint8_t out[FFMK_FRAME_HEAD_BYTES]);
/** \return false: it is none. */
bool ffmk_frame_get_head(const uint8_t bytes[FFMK_FRAME_HEAD_BYTES], struct ffmk_frame_head *head);

/** One without a message, seal and all. */
void ffmk_frame_put_short(const struct ffmk_frame_head *head,
                          const uint8_t key[FFMK_SEAL_KEY_BYTES],
                          uint8_t out[FFMK_FRAME_SHORT_BYTES]);
/** \return false: it is none of that kind. */
bool ffmk_frame_get_short(const uint8_t bytes[FFMK_FRAME_SHORT_BYTES],
                          const uint8_t key[FFMK_SEAL_KEY_BYTES], enum ffmk_frame_kind kind,
                          struct ffmk_frame_head *head);

#endif
