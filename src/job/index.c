/* SPDX-License-Identifier: BSD-3-Clause
 * Finds the places of things in a list by their keys. */
#include "job/index.h"

#include <stdlib.h>

bool ffmk_index_make(struct ffmk_index *index, size_t most)
{
    size_t slots = 16;
    while (slots / 2 < most)
        slots *= 2;
    index->mask = slots - 1;
    index->slots = calloc(slots, sizeof *index->slots);
    return index->slots != NULL;
}

void ffmk_index_free(struct ffmk_index *index)
{
    free(index->slots);
    index->slots = NULL;
}

uint32_t *ffmk_index_find(const struct ffmk_index *index, uint64_t hash, ffmk_index_same *same,
                          const void *list, const void *key)
{
    size_t at = hash & index->mask;
    while (index->slots[at] && !same(list, index->slots[at] - 1, key))
        at = (at + 1) & index->mask;
    return &index->slots[at];
}
