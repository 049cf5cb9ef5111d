/* SPDX-License-Identifier: BSD-3-Clause
 * Blocks of memory, filled one after the other. Knows nothing of what is put into them. */
#include "cli/load_arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 16 };

struct ffmk_arena_block {
    struct ffmk_arena_block *older;
    size_t used;
    size_t capacity;
    alignas(max_align_t) unsigned char bytes[];
};

void *ffmk_arena_get(struct ffmk_arena *arena, size_t count, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size != 0 && count > (SIZE_MAX / 2) / size)
        return NULL;
    size_t bytes = (count * size + align - 1) / align * align;
    if (bytes == 0)
        bytes = align;
    struct ffmk_arena_block *block = arena->newest;
    if (!block || block->capacity - block->used < bytes) {
        size_t capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        block = calloc(1, sizeof *block + capacity);
        if (!block)
            return NULL;
        block->capacity = capacity;
        block->older = arena->newest;
        arena->newest = block;
    }
    void *place = block->bytes + block->used;
    block->used += bytes;
    return place;
}

char *ffmk_arena_text(struct ffmk_arena *arena, const char *text)
{
    size_t length = strlen(text) + 1;
    char *copy = ffmk_arena_get(arena, length, 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

void ffmk_arena_free(struct ffmk_arena *arena)
{
    while (arena->newest) {
        struct ffmk_arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
}
