/* SPDX-License-Identifier: BSD-3-Clause
 * Memory that is given back all at once: what a loaded report is made of. Nothing in it is freed
 * alone. */
#ifndef FFMK_CLI_LOAD_ARENA_H
#define FFMK_CLI_LOAD_ARENA_H

#include <stddef.h>

/** Begin with {0}; ffmk_arena_free() when done. */
struct ffmk_arena {
    struct ffmk_arena_block *newest;
};

/** Zeroed memory for count things of size bytes, aligned for any of them; never NULL for count 0.
 * \return NULL when memory ran out or count * size does not fit. */
void *ffmk_arena_get(struct ffmk_arena *arena, size_t count, size_t size);

/** A copy of a string; NULL when memory ran out. */
char *ffmk_arena_text(struct ffmk_arena *arena, const char *text);

void ffmk_arena_free(struct ffmk_arena *arena);

#endif
