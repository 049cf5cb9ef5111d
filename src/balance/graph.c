/* SPDX-License-Identifier: BSD-3-Clause
 * Items and links of a plan. */
#include "balance/graph.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct ffmk_graph *graph, size_t n, size_t n_links)
{
    if (n > graph->capacity || !graph->items) {
        const size_t capacity = n + n / 2 + 8;
        struct ffmk_graph_item *items = realloc(graph->items, capacity * sizeof *items);
        if (!items)
            return false;
        graph->items = items;
        graph->capacity = capacity;
    }
    if (n_links > graph->links_capacity || !graph->links) {
        const size_t capacity = n_links + n_links / 2 + 64;
        struct ffmk_graph_link *links = realloc(graph->links, capacity * sizeof *links);
        if (!links)
            return false;
        graph->links = links;
        graph->links_capacity = capacity;
    }
    return ffmk_idmap_reserve(&graph->index, n);
}

static int compare_back_links(const void *a, const void *b)
{
    const struct ffmk_back_link *left = a;
    const struct ffmk_back_link *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    if (left->other != right->other)
        return left->other < right->other ? -1 : 1;
    /* Several links between the same two: the order in which they are summed must not depend on the
     * sort. */
    return (left->weight > right->weight) - (left->weight < right->weight);
}

static int compare_links(const void *a, const void *b)
{
    const struct ffmk_graph_link *left = a;
    const struct ffmk_graph_link *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->weight > right->weight) - (left->weight < right->weight);
}

/* Links to the same item become one. Both ends merge the same weights in the same order. */
static size_t merge(struct ffmk_graph_link *links, size_t n)
{
    if (n < 2)
        return n;
    qsort(links, n, sizeof *links, compare_links);
    size_t last = 0;
    for (size_t k = 1; k < n; k++) {
        if (links[k].id == links[last].id)
            links[last].weight += links[k].weight;
        else
            links[++last] = links[k];
    }
    return last + 1;
}

int ffmk_graph_build(struct ffmk_graph *graph, const struct ffmk_table *table, const size_t *order,
                     struct ffmk_back_links *back, double weight_unit, double link_unit)
{
    size_t n_links = back->n;
    for (size_t i = 0; i < table->n; i++)
        n_links += table->entries[i].n_links;
    if (!reserve(graph, table->n, n_links))
        return FFMK_ERR_NO_MEMORY;
    if (back->n > 1)
        qsort(back->links, back->n, sizeof *back->links, compare_back_links);

    size_t b = 0;
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[order[i]];
        struct ffmk_graph_item *item = &graph->items[i];
        struct ffmk_graph_link *links = graph->links + graph->n_links;
        size_t n = 0;
        *item = (struct ffmk_graph_item){.id = entry->id,
                                         .weight = entry->weight / weight_unit,
                                         .home = graph->rank,
                                         .best = graph->rank,
                                         .placed = entry->placed,
                                         .first = graph->n_links};
        memcpy(item->position, entry->position, sizeof item->position);
        for (size_t k = 0; k < entry->n_links; k++)
            links[n++] =
                (struct ffmk_graph_link){entry->links[k].id, entry->links[k].weight / link_unit,
                                         entry->link_ranks[k], entry->link_ranks[k]};
        /* Both are in ascending order of id, and every back link is to an item of ours. */
        for (; b < back->n && back->links[b].id == entry->id; b++)
            links[n++] =
                (struct ffmk_graph_link){back->links[b].other, back->links[b].weight / link_unit,
                                         back->links[b].rank, back->links[b].rank};
        item->n_links = merge(links, n);
        graph->n_links += item->n_links;
        ffmk_idmap_put(&graph->index, item->id, i); /* cannot fail: room was reserved */
    }
    graph->n = table->n;
    return FFMK_SUCCESS;
}

void ffmk_graph_free(struct ffmk_graph *graph)
{
    free(graph->items);
    free(graph->links);
    ffmk_idmap_free(&graph->index);
    *graph = (struct ffmk_graph){.rank = graph->rank};
}

double ffmk_graph_load(const struct ffmk_graph *graph)
{
    double load = 0;
    for (size_t i = 0; i < graph->n; i++)
        load += graph->items[i].weight;
    return load;
}

static int compare_ranks(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int *ffmk_graph_linked_ranks(const struct ffmk_graph *graph, size_t *n_p)
{
    struct ffmk_idmap seen = {0};
    size_t n = 0, capacity = 8;
    int *ranks = malloc(capacity * sizeof *ranks);
    int last = graph->rank; /* most links lead where the one before led */
    for (size_t k = 0; ranks && k < graph->n_links; k++) {
        const int rank = graph->links[k].rank;
        if (rank == last || rank == graph->rank)
            continue;
        last = rank;
        if (ffmk_idmap_get(&seen, (uint64_t)rank) != FFMK_IDMAP_NONE)
            continue;
        if (n == capacity) {
            int *more = realloc(ranks, (capacity *= 2) * sizeof *ranks);
            if (!more)
                goto no_memory;
            ranks = more;
        }
        if (!ffmk_idmap_put(&seen, (uint64_t)rank, n))
            goto no_memory;
        ranks[n++] = rank;
    }
    if (ranks && n > 1)
        qsort(ranks, n, sizeof *ranks, compare_ranks);
    ffmk_idmap_free(&seen);
    *n_p = n;
    return ranks;

no_memory:
    ffmk_idmap_free(&seen);
    free(ranks);
    return NULL;
}

void ffmk_graph_centre(const struct ffmk_graph *graph, double centre[4])
{
    double n = 0;
    memset(centre, 0, 4 * sizeof *centre);
    for (size_t i = 0; i < graph->n; i++) {
        const struct ffmk_graph_item *item = &graph->items[i];
        if (!item->placed)
            continue;
        n++; /* a running mean: a sum of coordinates could overflow */
        for (int axis = 0; axis < 3; axis++)
            centre[axis] += item->position[axis] / n - centre[axis] / n;
    }
    centre[3] = n;
}

void ffmk_graph_mark_best(struct ffmk_graph *graph)
{
    for (size_t i = 0; i < graph->n; i++)
        graph->items[i].best = graph->rank;
    for (size_t k = 0; k < graph->n_links; k++)
        graph->links[k].best_rank = graph->links[k].rank;
}

double ffmk_graph_best_cut(const struct ffmk_graph *graph)
{
    double cut = 0;
    for (size_t i = 0; i < graph->n; i++) {
        const struct ffmk_graph_item *item = &graph->items[i];
        for (size_t k = item->first; k < item->first + item->n_links; k++)
            if (graph->links[k].best_rank != item->best)
                cut += graph->links[k].weight;
    }
    return cut;
}

static void set_rank(struct ffmk_graph *graph, uint64_t id, uint64_t other, int rank)
{
    const size_t place = ffmk_idmap_get(&graph->index, id);
    if (place == FFMK_IDMAP_NONE)
        return;
    const struct ffmk_graph_item *item = &graph->items[place];
    for (size_t k = item->first; k < item->first + item->n_links; k++)
        if (graph->links[k].id == other)
            graph->links[k].rank = rank;
}

void ffmk_graph_announce(struct ffmk_graph *graph, size_t place, int to, size_t n, const int *ranks,
                         struct ffmk_wire_out *letters)
{
    const struct ffmk_graph_item *item = &graph->items[place];
    for (size_t k = item->first; k < item->first + item->n_links; k++) {
        const struct ffmk_graph_link *link = &graph->links[k];
        if (ffmk_idmap_get(&graph->index, link->id) != FFMK_IDMAP_NONE) {
            set_rank(graph, link->id, item->id, to);
            continue;
        }
        const int *neighbour = bsearch(&link->rank, ranks, n, sizeof *ranks, compare_ranks);
        struct ffmk_wire_out *out = &letters[neighbour - ranks];
        ffmk_wire_put_u64(out, link->id);
        ffmk_wire_put_u64(out, item->id);
        ffmk_wire_put_u32(out, (uint32_t)to);
    }
}

void ffmk_graph_hear(struct ffmk_graph *graph, struct ffmk_wire_in *in)
{
    while (in->at < in->length && !in->failed) {
        const uint64_t id = ffmk_wire_get_u64(in);
        const uint64_t other = ffmk_wire_get_u64(in);
        set_rank(graph, id, other, (int)ffmk_wire_get_u32(in));
    }
}

void ffmk_graph_write(const struct ffmk_graph *graph, size_t place, struct ffmk_wire_out *out)
{
    const struct ffmk_graph_item *item = &graph->items[place];
    ffmk_wire_put_u64(out, item->id);
    ffmk_wire_put_f64(out, item->weight);
    for (int axis = 0; axis < 3; axis++)
        ffmk_wire_put_f64(out, item->position[axis]);
    ffmk_wire_put_u8(out, item->placed);
    ffmk_wire_put_u32(out, (uint32_t)item->home);
    ffmk_wire_put_u32(out, (uint32_t)item->best);
    ffmk_wire_put_u64(out, item->n_links);
    for (size_t k = item->first; k < item->first + item->n_links; k++) {
        const struct ffmk_graph_link *link = &graph->links[k];
        ffmk_wire_put_u64(out, link->id);
        ffmk_wire_put_f64(out, link->weight);
        ffmk_wire_put_u32(out, (uint32_t)link->rank);
        ffmk_wire_put_u32(out, (uint32_t)link->best_rank);
    }
}

void ffmk_graph_drop(struct ffmk_graph *graph, const int *gone)
{
    size_t n = 0, n_links = 0;
    for (size_t i = 0; i < graph->n; i++) {
        struct ffmk_graph_item item = graph->items[i];
        if (gone[i] != -1) {
            ffmk_idmap_remove(&graph->index, item.id);
            continue;
        }
        memmove(graph->links + n_links, graph->links + item.first,
                item.n_links * sizeof *graph->links);
        item.first = n_links;
        n_links += item.n_links;
        ffmk_idmap_put(&graph->index, item.id, n); /* known already: cannot fail */
        graph->items[n++] = item;
    }
    graph->n = n;
    graph->n_links = n_links;
}

int ffmk_graph_read(struct ffmk_graph *graph, struct ffmk_wire_in *in)
{
    while (in->at < in->length && !in->failed) {
        struct ffmk_graph_item item = {.first = graph->n_links};
        item.id = ffmk_wire_get_u64(in);
        item.weight = ffmk_wire_get_f64(in);
        for (int axis = 0; axis < 3; axis++)
            item.position[axis] = ffmk_wire_get_f64(in);
        item.placed = ffmk_wire_get_u8(in);
        item.home = (int)ffmk_wire_get_u32(in);
        item.best = (int)ffmk_wire_get_u32(in);
        item.n_links = (size_t)ffmk_wire_get_u64(in);
        if (!reserve(graph, graph->n + 1, graph->n_links + item.n_links))
            return FFMK_ERR_NO_MEMORY;
        for (size_t k = 0; k < item.n_links; k++) {
            struct ffmk_graph_link *link = &graph->links[graph->n_links++];
            link->id = ffmk_wire_get_u64(in);
            link->weight = ffmk_wire_get_f64(in);
            link->rank = (int)ffmk_wire_get_u32(in);
            link->best_rank = (int)ffmk_wire_get_u32(in);
        }
        ffmk_idmap_put(&graph->index, item.id, graph->n); /* cannot fail: room was reserved */
        graph->items[graph->n++] = item;
    }
    return FFMK_SUCCESS;
}
