/* SPDX-License-Identifier: BSD-3-Clause
 * What goes through a stream. */
#include "gossip/net/frame.h"

#include "core/little.h"

#include <string.h>

static const uint8_t magic[7] = {'f', 'f', 'm', 'k', 's', 1, 0};

void ffmk_frame_put_head(const struct ffmk_frame_head *head, uint8_t out[FFMK_FRAME_HEAD_BYTES])
{
    memcpy(out, magic, sizeof magic);
    out[sizeof magic] = (uint8_t)head->kind;
    ffmk_little_put64(out + 8, head->from);
    ffmk_little_put64(out + 16, head->number);
    ffmk_little_put64(out + 24, head->length);
}

bool ffmk_frame_get_head(const uint8_t bytes[FFMK_FRAME_HEAD_BYTES], struct ffmk_frame_head *head)
{
    if (memcmp(bytes, magic, sizeof magic) != 0)
        return false;
    head->kind = bytes[sizeof magic];
    head->from = ffmk_little_get64(bytes + 8);
    head->number = ffmk_little_get64(bytes + 16);
    head->length = ffmk_little_get64(bytes + 24);
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
