/* SPDX-License-Identifier: BSD-3-Clause
 * What this rank holds that may move: a table of items by id. Local; must not talk to other ranks.
 */
#ifndef FFMK_BALANCE_ITEMS_H
#define FFMK_BALANCE_ITEMS_H

#include <ffmk.h>
#include <stdbool.h>

struct ffmk_entry {
    uint64_t id;
    double weight; /* the first */
    double *more;  /* those beyond it */
    size_t bytes;
    double position[3];
    double link_sum, link_most;
    ffmk_link *links;
    int *link_ranks;   /* who holds the other ends, as of the last directory look-up; same block as
                          links */
    uint32_t n_links;  /* given with it */
    uint32_t n_back;   /* others' links to it, behind its own; known with link_ranks */
    uint32_t n_linked; /* items that any of these lead to */
    uint8_t n_more;
    bool placed; /* position was given */
    bool pinned;
    bool outer; /* a link leads to another rank; known with link_ranks */
};

/** Most links that an entry can have in all. */
#define FFMK_ENTRY_LINKS ((size_t)INT32_MAX)

struct ffmk_table_slot {
    uint32_t hash;  /* of an id */
    uint32_t entry; /* its place in entries + 1; 0: empty */
};

/** Entries lie densely in no particular order. Begin with {0}. */
struct ffmk_table {
    struct ffmk_entry *entries;
    size_t n;
    size_t capacity;
    struct ffmk_table_slot *index;
    size_t n_slots;
    uint64_t *sorted; /* ids there were when order was last asked for, ascending */
    size_t n_sorted;
    uint64_t *fresh; /* added since; what is gone is in these still */
    size_t n_fresh, fresh_capacity;
};

/** Add an item; its links are copied.
 * \return FFMK_ERR_ARGUMENT, FFMK_ERR_DUPLICATE or FFMK_ERR_NO_MEMORY, as ffmk_items_add(). */
int ffmk_table_add(struct ffmk_table *table, const ffmk_item *item);

/** Set n ≥ 1 weights of an entry. \return FFMK_ERR_ARGUMENT after a line that names `call`, or
 * FFMK_ERR_NO_MEMORY. */
int ffmk_table_set_weights(struct ffmk_entry *entry, const char *call, size_t n,
                           const double *weights);

/** \return FFMK_ERR_UNKNOWN_ITEM when it is not there. */
int ffmk_table_remove(struct ffmk_table *table, uint64_t id);

/** The entry of an id, or NULL; valid until the table changes. */
struct ffmk_entry *ffmk_table_find(const struct ffmk_table *table, uint64_t id);

/** Others' links to an entry, in place of those that were known. Each belongs to who gave it.
 * \return FFMK_ERR_NO_MEMORY. */
int ffmk_table_set_back(struct ffmk_entry *entry, size_t n, const ffmk_link *links,
                        const int *ranks);

/** Its own links and those of others to it. */
static inline size_t ffmk_entry_links(const struct ffmk_entry *entry)
{
    return (size_t)entry->n_links + entry->n_back;
}

/** link_ranks were set, and this is rank `rank`: find out whether any leads elsewhere. */
void ffmk_entry_look(struct ffmk_entry *entry, int rank);

/** The places of all entries in ascending order of id; to be freed. NULL when memory ran out (never
 * for want of entries). */
size_t *ffmk_table_order(struct ffmk_table *table);

/** By any of its weights; 0 by one that it does not have. */
double ffmk_entry_weight(const struct ffmk_entry *entry, unsigned weight);

void ffmk_table_free(struct ffmk_table *table);

#endif
