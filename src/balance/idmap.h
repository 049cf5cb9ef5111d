/* SPDX-License-Identifier: BSD-3-Clause
 * A hash table from 64-bit ids to places in an array. Knows nothing of what the ids stand for. */
#ifndef FFMK_BALANCE_IDMAP_H
#define FFMK_BALANCE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What ffmk_idmap_get() returns for an id that is not there; no place may have this value. */
#define FFMK_IDMAP_NONE SIZE_MAX

struct ffmk_idmap_slot {
    uint64_t id;
    size_t place; /* FFMK_IDMAP_NONE: empty */
};

/** Open addressing with linear probing, at most three quarters full. Begin with {0}. */
struct ffmk_idmap {
    struct ffmk_idmap_slot *slots;
    size_t n_slots; /* 0 or a power of two */
    size_t n;
};

/** Make room for n ids in all. \return false when memory ran out; the map is as before. */
bool ffmk_idmap_reserve(struct ffmk_idmap *map, size_t n);

/** Set the place of an id, new or not. \return false when memory ran out; never for an id that is
 * there already. */
bool ffmk_idmap_put(struct ffmk_idmap *map, uint64_t id, size_t place);

size_t ffmk_idmap_get(const struct ffmk_idmap *map, uint64_t id);

/** Take an id out; nothing happens when it is not there. */
void ffmk_idmap_remove(struct ffmk_idmap *map, uint64_t id);

void ffmk_idmap_free(struct ffmk_idmap *map);

#endif
