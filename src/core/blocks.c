/* SPDX-License-Identifier: BSD-3-Clause
 * Memory for payloads that are used again. */
#include "core/blocks.h"

#include <stdlib.h>

/* Of one size class, so that a piece's block serves the last piece, too. */
enum { LEAST = 32 << 10, STEP = 64 << 10, MOST = (1 << 20) + STEP };

struct ffmk_block {
    struct ffmk_block *next;
    size_t room;
    _Alignas(16) unsigned char bytes[];
};

static size_t room_for(size_t bytes)
{
    return bytes < LEAST ? bytes : (bytes + STEP - 1) / STEP * STEP;
}

void *ffmk_blocks_take(struct ffmk_blocks *blocks, size_t bytes)
{
    const size_t room = room_for(bytes);
    for (struct ffmk_block **at = &blocks->first; room >= LEAST && *at; at = &(*at)->next) {
        struct ffmk_block *block = *at;
        if (block->room != room)
            continue;
        *at = block->next;
        blocks->kept_bytes -= room;
        return block->bytes;
    }
    struct ffmk_block *block = malloc(sizeof *block + room);
    if (!block)
        return NULL;
    block->room = room;
    return block->bytes;
}

static struct ffmk_block *block_of(void *bytes)
{
    return (struct ffmk_block *)(void *)((char *)bytes - offsetof(struct ffmk_block, bytes));
}

void ffmk_blocks_give(struct ffmk_blocks *blocks, void *bytes)
{
    struct ffmk_block *block = bytes ? block_of(bytes) : NULL;
    if (!block || block->room < LEAST || block->room > MOST ||
        blocks->kept_bytes + block->room > FFMK_BLOCKS_KEPT_BYTES) {
        free(block);
        return;
    }
    block->next = blocks->first;
    blocks->first = block;
    blocks->kept_bytes += block->room;
}

void ffmk_blocks_free(struct ffmk_blocks *blocks)
{
    while (blocks->first) {
        struct ffmk_block *block = blocks->first;
        blocks->first = block->next;
        free(block);
    }
    blocks->kept_bytes = 0;
}
