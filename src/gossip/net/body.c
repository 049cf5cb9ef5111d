/* SPDX-License-Identifier: BSD-3-Clause
 * What is in a datagram's body. */
#include "gossip/net/body.h"

#include "core/little.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 0x8000 };

size_t ffmk_part_put(const struct ffmk_part *part, uint8_t *out)
{
    size_t head = FFMK_BODY_HEAD_BYTES;
    const size_t what = part->length | (part->is_piece ? PIECE : 0);
    out[0] = (uint8_t)what;
    out[1] = (uint8_t)(what >> 8);
    if (part->is_piece) {
        ffmk_little_put32(out + 2, part->number);
        ffmk_little_put32(out + 6, part->total);
        ffmk_little_put32(out + 10, part->offset);
        head = FFMK_BODY_PIECE_HEAD_BYTES;
    }
    memcpy(out + head, part->bytes, part->length);
    return head + part->length;
}

bool ffmk_part_get(const uint8_t **at, const uint8_t *end, struct ffmk_part *part)
{
    const uint8_t *from = *at;
    const size_t there = (size_t)(end - from);
    if (there < FFMK_BODY_HEAD_BYTES)
        return false;
    const size_t what = from[0] | (size_t)from[1] << 8;
    *part = (struct ffmk_part){.is_piece = (what & PIECE) != 0, .length = what & (PIECE - 1)};
    const size_t head = part->is_piece ? FFMK_BODY_PIECE_HEAD_BYTES : FFMK_BODY_HEAD_BYTES;
    if (part->length == 0 || there < head + part->length)
        return false;
    if (part->is_piece) {
        part->number = ffmk_little_get32(from + 2);
        part->total = ffmk_little_get32(from + 6);
        part->offset = ffmk_little_get32(from + 10);
        if (part->total > FFMK_BODY_TORN_BYTES || part->offset > part->total ||
            part->length > part->total - part->offset)
            return false;
    }
    part->bytes = from + head;
    *at = from + head + part->length;
    return true;
}

enum ffmk_torn_state ffmk_torn_add(struct ffmk_torn **first, const struct ffmk_part *piece,
                                   struct ffmk_torn **whole_p)
{
    struct ffmk_torn **at = first;
    unsigned n = 0;
    for (; *at && (*at)->number != piece->number; at = &(*at)->next)
        n++;
    if (!*at) {
        if (n >= FFMK_BODY_MOST_TORN)
            return FFMK_TORN_NONSENSE;
        *at = calloc(1, sizeof **at + piece->total);
        if (!*at)
            return FFMK_TORN_NO_MEMORY;
        (*at)->number = piece->number;
        (*at)->total = piece->total;
    }
    struct ffmk_torn *torn = *at;
    if (piece->total != torn->total || piece->length > torn->total - torn->got)
        return FFMK_TORN_NONSENSE;
    memcpy(torn->bytes + piece->offset, piece->bytes, piece->length);
    torn->got += (uint32_t)piece->length;
    if (torn->got < torn->total)
        return FFMK_TORN_LACKS_SOME;
    *at = torn->next;
    *whole_p = torn;
    return FFMK_TORN_WHOLE;
}

void ffmk_torn_free(struct ffmk_torn **first)
{
    while (*first) {
        struct ffmk_torn *torn = *first;
        *first = torn->next;
        free(torn);
    }
}
