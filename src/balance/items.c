/* SPDX-License-Identifier: BSD-3-Clause
 * The table of items. */
#include "balance/items.h"

#include "core/log.h"
#include "core/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_cost(double value)
{
    return isfinite(value) && value >= 0;
}

static const char CALL[] = "ffmk_items_add";

static bool are_weights(const char *call, uint64_t id, size_t n, const double *weights)
{
    if (n < 1 || n > FFMK_WEIGHTS_MOST) {
        ffmk_log_mistake("%s: item %" PRIu64 ": %zu weights; an item has 1 to %d", call, id, n,
                         FFMK_WEIGHTS_MOST);
        return false;
    }
    for (size_t d = 0; d < n; d++)
        if (!is_cost(weights[d])) {
            ffmk_log_mistake("%s: item %" PRIu64 ": weight %g must be finite and not negative",
                             call, id, weights[d]);
            return false;
        }
    return true;
}

/* All weights of the caller's item. */
static size_t weights_of(const ffmk_item *item, const double **weights_p)
{
    *weights_p = item->n_weights > 0 ? item->weights : &item->weight;
    return item->n_weights > 0 ? item->n_weights : 1;
}

/* Whether the caller's item may be registered; a line says why not. */
static bool is_valid(const ffmk_item *item)
{
    if (!item || item->size != sizeof *item) {
        ffmk_log_mistake(
            "%s: the item is NULL or its size is not sizeof(ffmk_item); use FFMK_ITEM_INIT", CALL);
        return false;
    }
    if (item->n_weights > 0 && !item->weights) {
        ffmk_log_mistake("%s: item %" PRIu64 ": weights is NULL for %zu weights", CALL, item->id,
                         item->n_weights);
        return false;
    }
    const double *weights;
    const size_t n_weights = weights_of(item, &weights);
    if (!are_weights(CALL, item->id, n_weights, weights))
        return false;
    if (item->n_links > 0 && !item->links) {
        ffmk_log_mistake("%s: item %" PRIu64 ": links is NULL for %zu links", CALL, item->id,
                         item->n_links);
        return false;
    }
    for (size_t k = 0; k < item->n_links; k++) {
        const ffmk_link *link = &item->links[k];
        if (is_cost(link->weight) && link->id != item->id)
            continue;
        ffmk_log_mistake("%s: item %" PRIu64 ": link to item %" PRIu64
                         " of weight %g; a link leads to another item "
                         "and its weight is finite and not negative",
                         CALL, item->id, link->id, link->weight);
        return false;
    }
    for (int axis = 0; item->position && axis < 3; axis++)
        if (!isfinite(item->position[axis])) {
            ffmk_log_mistake("%s: item %" PRIu64 ": coordinate %d is %g and must be finite", CALL,
                             item->id, axis, item->position[axis]);
            return false;
        }
    return true;
}

static uint32_t hash_of(uint64_t id)
{
    return (uint32_t)ffmk_rng_mix(id);
}

/* The slot that holds id, or the empty one where it would go. */
static size_t slot_of(const struct ffmk_table *table, uint64_t id)
{
    const size_t mask = table->n_slots - 1;
    const uint32_t hash = hash_of(id);
    size_t at = hash & mask;
    while (table->index[at].entry != 0 &&
           (table->index[at].hash != hash || table->entries[table->index[at].entry - 1].id != id))
        at = (at + 1) & mask;
    return at;
}

/* Linear probing, at most three quarters full. */
static bool reserve_slot(struct ffmk_table *table)
{
    if (table->n < table->n_slots / 4 * 3)
        return true;
    const size_t n_slots = table->n_slots ? 2 * table->n_slots : 16;
    struct ffmk_table_slot *index = calloc(n_slots, sizeof *index);
    if (!index)
        return false;
    for (size_t i = 0; i < table->n_slots; i++) {
        size_t at = table->index[i].hash & (n_slots - 1);
        while (table->index[i].entry != 0 && index[at].entry != 0)
            at = (at + 1) & (n_slots - 1);
        if (table->index[i].entry != 0)
            index[at] = table->index[i];
    }
    free(table->index);
    table->index = index;
    table->n_slots = n_slots;
    return true;
}

/* Slots behind it move back, so there are no tombstones. */
static void empty_slot(struct ffmk_table *table, size_t hole)
{
    const size_t mask = table->n_slots - 1;
    for (size_t at = (hole + 1) & mask; table->index[at].entry != 0; at = (at + 1) & mask)
        /* One may move back to the hole unless its own probe sequence begins behind the hole. */
        if (((at - table->index[at].hash) & mask) >= ((at - hole) & mask)) {
            table->index[hole] = table->index[at];
            hole = at;
        }
    table->index[hole].entry = 0;
}

static bool reserve_one(struct ffmk_table *table)
{
    if (table->n >= INT32_MAX || !reserve_slot(table))
        return false;
    if (table->n < table->capacity)
        return true;
    const size_t capacity = table->capacity + table->capacity / 8 + 16;
    struct ffmk_entry *entries = realloc(table->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    table->entries = entries;
    table->capacity = capacity;
    return true;
}

/* \return false when memory ran out. */
static bool note_fresh(struct ffmk_table *table, uint64_t id)
{
    if (table->n_fresh > 2 * table->n + 64) { /* most of them are gone */
        table->n_sorted = table->n_fresh = 0;
        for (size_t i = 0; i < table->n; i++)
            table->fresh[table->n_fresh++] = table->entries[i].id;
    }
    if (table->n_fresh == table->fresh_capacity) {
        const size_t capacity = table->fresh_capacity + table->fresh_capacity / 2 + 16;
        uint64_t *fresh = realloc(table->fresh, capacity * sizeof *fresh);
        if (!fresh)
            return false;
        table->fresh = fresh;
        table->fresh_capacity = capacity;
    }
    table->fresh[table->n_fresh++] = id;
    return true;
}

int ffmk_table_set_weights(struct ffmk_entry *entry, const char *call, size_t n,
                           const double *weights)
{
    if (!are_weights(call, entry->id, n, weights))
        return FFMK_ERR_ARGUMENT;
    if (n - 1 != entry->n_more) {
        double *more = n > 1 ? malloc((n - 1) * sizeof *more) : NULL;
        if (n > 1 && !more)
            return FFMK_ERR_NO_MEMORY;
        free(entry->more);
        entry->more = more;
        entry->n_more = (uint8_t)(n - 1);
    }
    entry->weight = weights[0];
    if (n > 1)
        memcpy(entry->more, weights + 1, (n - 1) * sizeof *entry->more);
    return FFMK_SUCCESS;
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* How many of n links lead to an item that an earlier one leads to. */
static size_t count_repeated(const ffmk_link *links, size_t n)
{
    enum { FEW = 32 };
    size_t repeated = 0;
    uint64_t *ids = n > FEW ? malloc(n * sizeof *ids) : NULL;
    for (size_t k = 0; k < n && ids; k++)
        ids[k] = links[k].id;
    if (ids)
        qsort(ids, n, sizeof *ids, compare_ids);
    for (size_t k = 1; k < n && ids; k++)
        repeated += ids[k] == ids[k - 1];
    for (size_t k = 1; k < n && !ids; k++) {
        size_t l = 0;
        while (links[l].id != links[k].id)
            l++;
        repeated += l < k;
    }
    free(ids);
    return repeated;
}

/* What the links come to. */
static void sum_links(struct ffmk_entry *entry)
{
    const size_t n = ffmk_entry_links(entry);
    entry->link_sum = entry->link_most = 0;
    for (size_t k = 0; k < n; k++) {
        entry->link_sum += entry->links[k].weight;
        entry->link_most = fmax(entry->link_most, entry->links[k].weight);
    }
    entry->n_linked = (uint32_t)(n - count_repeated(entry->links, n));
}

int ffmk_table_add(struct ffmk_table *table, const ffmk_item *item)
{
    if (!is_valid(item))
        return FFMK_ERR_ARGUMENT;
    if (ffmk_table_find(table, item->id)) {
        ffmk_log_mistake("%s: item %" PRIu64 " is registered already", CALL, item->id);
        return FFMK_ERR_DUPLICATE;
    }

    struct ffmk_entry entry = {.id = item->id,
                               .bytes = item->bytes,
                               .placed = item->position != NULL,
                               .pinned = item->pinned != 0,
                               .n_links = (uint32_t)item->n_links};
    const size_t link_bytes = sizeof *entry.links + sizeof *entry.link_ranks;
    const double *weights;
    const size_t n_weights = weights_of(item, &weights);
    if (ffmk_table_set_weights(&entry, CALL, n_weights, weights) != FFMK_SUCCESS)
        return FFMK_ERR_NO_MEMORY;
    if (item->n_links > FFMK_ENTRY_LINKS || !reserve_one(table) || !note_fresh(table, item->id)) {
        free(entry.more);
        return FFMK_ERR_NO_MEMORY;
    }
    if (item->position)
        memcpy(entry.position, item->position, sizeof entry.position);
    if (item->n_links > 0) {
        entry.links = malloc(item->n_links * link_bytes);
        if (!entry.links) {
            free(entry.more);
            return FFMK_ERR_NO_MEMORY;
        }
        memcpy(entry.links, item->links, item->n_links * sizeof *entry.links);
        entry.link_ranks = (int *)(entry.links + item->n_links);
        for (size_t k = 0; k < item->n_links; k++)
            entry.link_ranks[k] = -1;
    }
    sum_links(&entry);
    const size_t slot = slot_of(table, entry.id);
    table->entries[table->n++] = entry;
    table->index[slot] = (struct ffmk_table_slot){hash_of(entry.id), (uint32_t)table->n};
    return FFMK_SUCCESS;
}

int ffmk_table_set_back(struct ffmk_entry *entry, size_t n, const ffmk_link *links,
                        const int *ranks)
{
    if (n == 0) {
        entry->n_back = 0;
        sum_links(entry);
        return FFMK_SUCCESS;
    }
    if (n == entry->n_back) {
        memcpy(entry->links + entry->n_links, links, n * sizeof *links);
        memcpy(entry->link_ranks + entry->n_links, ranks, n * sizeof *ranks);
        sum_links(entry);
        return FFMK_SUCCESS;
    }
    const size_t all = entry->n_links + n;
    if (all > FFMK_ENTRY_LINKS)
        return FFMK_ERR_NO_MEMORY;
    ffmk_link *block = malloc(all * (sizeof *block + sizeof *entry->link_ranks));
    if (!block)
        return FFMK_ERR_NO_MEMORY;
    int *block_ranks = (int *)(block + all);
    if (entry->n_links > 0) {
        memcpy(block, entry->links, entry->n_links * sizeof *block);
        memcpy(block_ranks, entry->link_ranks, entry->n_links * sizeof *block_ranks);
    }
    memcpy(block + entry->n_links, links, n * sizeof *block);
    memcpy(block_ranks + entry->n_links, ranks, n * sizeof *block_ranks);
    free(entry->links);
    entry->links = block;
    entry->link_ranks = block_ranks;
    entry->n_back = (uint32_t)n;
    sum_links(entry);
    return FFMK_SUCCESS;
}

void ffmk_entry_look(struct ffmk_entry *entry, int rank)
{
    entry->outer = false;
    for (size_t k = 0; k < ffmk_entry_links(entry) && !entry->outer; k++)
        entry->outer = entry->link_ranks[k] != rank;
}

int ffmk_table_remove(struct ffmk_table *table, uint64_t id)
{
    struct ffmk_entry *entry = ffmk_table_find(table, id);
    if (!entry)
        return FFMK_ERR_UNKNOWN_ITEM;
    free(entry->links);
    free(entry->more);
    empty_slot(table, slot_of(table, id));
    const struct ffmk_entry *last = &table->entries[table->n - 1];
    if (entry != last) {
        table->index[slot_of(table, last->id)].entry = (uint32_t)(entry - table->entries) + 1;
        *entry = *last;
    }
    table->n--;
    return FFMK_SUCCESS;
}

struct ffmk_entry *ffmk_table_find(const struct ffmk_table *table, uint64_t id)
{
    if (table->n == 0)
        return NULL;
    const uint32_t at = table->index[slot_of(table, id)].entry;
    return at > 0 ? &table->entries[at - 1] : NULL;
}

/* Merge what was added since with what there was, and leave out what is gone. */
static bool sort(struct ffmk_table *table)
{
    uint64_t *ids = malloc((table->n + 1) * sizeof *ids);
    if (!ids)
        return false;
    if (table->n_fresh > 1)
        qsort(table->fresh, table->n_fresh, sizeof *table->fresh, compare_ids);
    size_t n = 0;
    for (size_t old = 0, fresh = 0; old < table->n_sorted || fresh < table->n_fresh;) {
        const bool is_old = fresh == table->n_fresh ||
                            (old < table->n_sorted && table->sorted[old] <= table->fresh[fresh]);
        const uint64_t id = is_old ? table->sorted[old++] : table->fresh[fresh++];
        if (ffmk_table_find(table, id) && (n == 0 || ids[n - 1] != id)) /* it may be in both */
            ids[n++] = id;
    }
    free(table->sorted);
    free(table->fresh);
    table->sorted = ids;
    table->n_sorted = n;
    table->fresh = NULL;
    table->n_fresh = table->fresh_capacity = 0;
    return true;
}

size_t *ffmk_table_order(struct ffmk_table *table)
{
    const bool changed = table->n_fresh > 0 || table->n_sorted != table->n;
    if (changed && !sort(table))
        return NULL;
    size_t *order = malloc((table->n + 1) * sizeof *order);
    for (size_t i = 0; order && i < table->n_sorted; i++)
        order[i] = (size_t)(ffmk_table_find(table, table->sorted[i]) - table->entries);
    return order;
}

double ffmk_entry_weight(const struct ffmk_entry *entry, unsigned weight)
{
    if (weight == 0)
        return entry->weight;
    return weight <= entry->n_more ? entry->more[weight - 1] : 0;
}

void ffmk_table_free(struct ffmk_table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        free(table->entries[i].links);
        free(table->entries[i].more);
    }
    free(table->entries);
    free(table->sorted);
    free(table->fresh);
    free(table->index);
    *table = (struct ffmk_table){0};
}
