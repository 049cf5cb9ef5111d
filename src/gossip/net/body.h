/* SPDX-License-Identifier: BSD-3-Clause
 * What is in a datagram's body: messages one behind the other, as many as were there to be sent,
 * and pieces of messages that are too large for one datagram. Pure: encodes, decodes, puts pieces
 * together; trusts nothing it is given, and keeps no more than a bounded number of messages.
 *
 *   message  length (2)                                              …
 *   piece    32,768 + length (2)   number (4)  total (4)  offset (4)  …
 *
 * All numbers are little-endian. Pieces come in any order, each once, between others'. */
#ifndef FFMK_GOSSIP_NET_BODY_H
#define FFMK_GOSSIP_NET_BODY_H

#include "gossip/net/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FFMK_BODY_HEAD_BYTES = 2,
    FFMK_BODY_PIECE_HEAD_BYTES = 14,
    /** Most bytes of a message in pieces. */
    FFMK_BODY_TORN_BYTES = (8 << 10) + 256,
    /** Messages that lack a piece: one that is missing may be the end of one and the beginning of
     * another. */
    FFMK_BODY_MOST_TORN = 2 * FFMK_LINK_WINDOW + 1
};

struct ffmk_part {
    bool is_piece;
    uint32_t number; /* of a message in pieces; others may have the same long after */
    uint32_t total;  /* bytes of it */
    uint32_t offset; /* of this piece */
    const uint8_t *bytes;
    size_t length;
};

/** \return bytes written to out: the head's and the part's own. */
size_t ffmk_part_put(const struct ffmk_part *part, uint8_t *out);

/** The part at *at, which goes on to the next. \return false: it makes no sense, like all behind
 * it. */
bool ffmk_part_get(const uint8_t **at, const uint8_t *end, struct ffmk_part *part);

/** Messages in pieces, not all of which have come. */
struct ffmk_torn {
    struct ffmk_torn *next;
    uint32_t number;
    uint32_t total;
    uint32_t got;
    uint8_t bytes[];
};

enum ffmk_torn_state {
    FFMK_TORN_LACKS_SOME,
    FFMK_TORN_WHOLE,
    FFMK_TORN_NONSENSE,
    FFMK_TORN_NO_MEMORY
};

/** A piece has come. FFMK_TORN_WHOLE: *whole_p is the caller's, to be freed. */
enum ffmk_torn_state ffmk_torn_add(struct ffmk_torn **first, const struct ffmk_part *piece,
                                   struct ffmk_torn **whole_p);
void ffmk_torn_free(struct ffmk_torn **first);

#endif
