/* SPDX-License-Identifier: BSD-3-Clause
 * Finds the places of things in a list by their keys: a hash table of places. */
#ifndef FFMK_JOB_INDEX_H
#define FFMK_JOB_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ffmk_index {
    uint32_t *slots; /* place + 1; 0: none */
    size_t mask;
};

/** For a list of at most `most` things. \return false without memory. */
bool ffmk_index_make(struct ffmk_index *index, size_t most);
void ffmk_index_free(struct ffmk_index *index);

/** Whether the thing at a place of the list has this key. */
typedef bool ffmk_index_same(const void *list, size_t place, const void *key);

/** The slot of the key with this hash: the place of its thing + 1, or 0, for the caller to set when
 * it adds that thing. */
uint32_t *ffmk_index_find(const struct ffmk_index *index, uint64_t hash, ffmk_index_same *same,
                          const void *list, const void *key);

#endif
