/* SPDX-License-Identifier: BSD-3-Clause
 * What goes through a stream. */
#include "gossip/net/frame.h"

#include <endian.h>
#include <string.h>

static const uint8_t magic[7] = {'f', 'f', 'm', 'k', 's', 1, 0};

static void put64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

void ffmk_frame_put_head(const struct ffmk_frame_head *head, uint8_t out[FFMK_FRAME_HEAD_BYTES])
{
    memcpy(out, magic, sizeof magic);
    out[sizeof magic] = (uint8_t)head->kind;
    put64(out + 8, head->from);
    put64(out + 16, head->number);
    put64(out + 24, head->length);
}

bool ffmk_frame_get_head(const uint8_t bytes[FFMK_FRAME_HEAD_BYTES], struct ffmk_frame_head *head)
{
    if (memcmp(bytes, magic, sizeof magic) != 0)
        return false;
    head->kind = bytes[sizeof magic];
    head->from = get64(bytes + 8);
    head->number = get64(bytes + 16);
    head->length = get64(bytes + 24);
    return true;
}

void ffmk_frame_put_short(const struct ffmk_frame_head *head,
                          const uint8_t key[FFMK_SEAL_KEY_BYTES],
                          uint8_t out[FFMK_FRAME_SHORT_BYTES])
{
    ffmk_frame_put_head(head, out);
    ffmk_seal(key, out, FFMK_FRAME_HEAD_BYTES, out + FFMK_FRAME_HEAD_BYTES);
}

bool ffmk_frame_get_short(const uint8_t bytes[FFMK_FRAME_SHORT_BYTES],
                          const uint8_t key[FFMK_SEAL_KEY_BYTES], enum ffmk_frame_kind kind,
                          struct ffmk_frame_head *head)
{
    return ffmk_frame_get_head(bytes, head) && head->kind == kind && head->length == 0 &&
           ffmk_seal_fits(key, bytes, FFMK_FRAME_HEAD_BYTES, bytes + FFMK_FRAME_HEAD_BYTES);
}
