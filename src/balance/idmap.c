/* SPDX-License-Identifier: BSD-3-Clause
 * Linear probing; a removal moves later slots back, so there are no tombstones. */
#include "balance/idmap.h"

#include "core/rng.h"
#include "core/spare.h"

#include <stdlib.h>

/* The slot that holds id, or the empty one where it would go. */
static size_t seek(const struct ffmk_idmap *map, uint64_t id)
{
    const size_t mask = map->n_slots - 1;
    size_t at = (size_t)ffmk_rng_mix(id) & mask;
    while (map->slots[at].place != FFMK_IDMAP_NONE && map->slots[at].id != id)
        at = (at + 1) & mask;
    return at;
}

bool ffmk_idmap_reserve(struct ffmk_idmap *map, size_t n)
{
    if (n > SIZE_MAX / 4 / sizeof *map->slots)
        return false;
    size_t n_slots = map->n_slots ? map->n_slots : 16;
    while (n_slots / 4 * 3 < n)
        n_slots *= 2;
    if (n_slots == map->n_slots)
        return true;
    struct ffmk_idmap bigger = {ffmk_spare_malloc(n_slots * sizeof *map->slots), n_slots, map->n};
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < n_slots; i++)
        bigger.slots[i].place = FFMK_IDMAP_NONE;
    for (size_t i = 0; i < map->n_slots; i++)
        if (map->slots[i].place != FFMK_IDMAP_NONE)
            bigger.slots[seek(&bigger, map->slots[i].id)] = map->slots[i];
    free(map->slots);
    *map = bigger;
    return true;
}

bool ffmk_idmap_put(struct ffmk_idmap *map, uint64_t id, size_t place)
{
    if (ffmk_idmap_get(map, id) == FFMK_IDMAP_NONE) {
        if (!ffmk_idmap_reserve(map, map->n + 1))
            return false;
        map->n++;
    }
    map->slots[seek(map, id)] = (struct ffmk_idmap_slot){id, place};
    return true;
}

size_t ffmk_idmap_get(const struct ffmk_idmap *map, uint64_t id)
{
    return map->n ? map->slots[seek(map, id)].place : FFMK_IDMAP_NONE;
}

void ffmk_idmap_remove(struct ffmk_idmap *map, uint64_t id)
{
    if (map->n == 0)
        return;
    const size_t mask = map->n_slots - 1;
    size_t hole = seek(map, id);
    if (map->slots[hole].place == FFMK_IDMAP_NONE)
        return;
    map->n--;
    for (size_t at = (hole + 1) & mask; map->slots[at].place != FFMK_IDMAP_NONE;
         at = (at + 1) & mask) {
        /* A slot may move back to the hole unless its own probe sequence begins behind the hole. */
        const size_t wanted = (size_t)ffmk_rng_mix(map->slots[at].id) & mask;
        if (((at - wanted) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole].place = FFMK_IDMAP_NONE;
}

void ffmk_idmap_free(struct ffmk_idmap *map)
{
    free(map->slots);
    *map = (struct ffmk_idmap){0};
}
