/* SPDX-License-Identifier: BSD-3-Clause
 * Items and links of a part. */
#include "balance/graph.h"

#include "core/rng.h"
#include "core/spare.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = INT32_MAX, FEW_LINKS = 32 };

/* Room for n elements of `bytes` each in *array_p. */
static bool grow(void *array_p, uint32_t *capacity_p, size_t n, size_t bytes)
{
    void **array = array_p;
    if (n <= *capacity_p && *array)
        return true;
    if (n > MOST)
        return false;
    const size_t capacity = n + n / 8 + 8;
    void *more = ffmk_spare_realloc(*array, capacity * bytes);
    if (!more)
        return false;
    *array = more;
    *capacity_p = (uint32_t)capacity;
    return true;
}

static uint32_t slot_of(const struct ffmk_graph *graph, uint64_t id)
{
    uint32_t slot = (uint32_t)ffmk_rng_mix(id) & graph->index_mask;
    while (graph->index[slot] != 0 && graph->vertices[graph->index[slot] - 1].id != id)
        slot = (slot + 1) & graph->index_mask;
    return slot;
}

/* At most three quarters full. */
static bool reserve_index(struct ffmk_graph *graph, size_t n)
{
    if (graph->index && n <= (size_t)(graph->index_mask + 1ul) / 4 * 3)
        return true;
    size_t slots = 16;
    while (n > slots / 4 * 3)
        slots *= 2;
    uint32_t *index = ffmk_spare_calloc(slots, sizeof *index);
    if (!index)
        return false;
    free(graph->index);
    graph->index = index;
    graph->index_mask = (uint32_t)(slots - 1);
    for (uint32_t v = 0; v < graph->n_vertices; v++)
        index[slot_of(graph, graph->vertices[v].id)] = v + 1; /* NOLINT: all of them are set */
    return true;
}

bool ffmk_graph_reserve(struct ffmk_graph *graph, size_t items, size_t links, size_t vertices)
{
    const size_t n_places = graph->n_places + items;
    const size_t n_vertices = graph->n_vertices + items + vertices;
    uint32_t weights_capacity = graph->weights ? graph->places_capacity : 0;
    return grow(&graph->weights, &weights_capacity, n_places,
                graph->n_weights * sizeof *graph->weights) &&
           grow(&graph->items, &graph->places_capacity, n_places, sizeof *graph->items) &&
           grow(&graph->links, &graph->links_capacity, graph->n_links + links,
                sizeof *graph->links) &&
           grow(&graph->vertices, &graph->vertices_capacity, n_vertices, sizeof *graph->vertices) &&
           reserve_index(graph, n_vertices);
}

uint32_t ffmk_graph_find(const struct ffmk_graph *graph, uint64_t id)
{
    if (!graph->index)
        return FFMK_GRAPH_NONE;
    return graph->index[slot_of(graph, id)] - 1; /* 0 - 1 is FFMK_GRAPH_NONE */
}

uint32_t ffmk_graph_vertex(struct ffmk_graph *graph, uint64_t id, int32_t part)
{
    const uint32_t slot = slot_of(graph, id);
    if (graph->index[slot] == 0) {
        const bool sleeps = part == graph->part && graph->wake;
        graph->vertices[graph->n_vertices] = (struct ffmk_vertex){
            .id = id, .part = part, .held = sleeps ? FFMK_GRAPH_ASLEEP : FFMK_GRAPH_NONE};
        graph->index[slot] = ++graph->n_vertices;
    }
    return graph->index[slot] - 1;
}

static int compare_links(const void *a, const void *b)
{
    const struct ffmk_graph_link *left = a;
    const struct ffmk_graph_link *right = b;
    if (left->vertex != right->vertex)
        return left->vertex < right->vertex ? -1 : 1;
    /* Both ends sum the same weights in the same order. */
    return (left->weight > right->weight) - (left->weight < right->weight);
}

/* Links to the same item become one. */
static uint32_t merge(struct ffmk_graph_link *links, uint32_t n)
{
    bool twice = n > FEW_LINKS;
    for (uint32_t k = 1; k < n && !twice; k++)
        for (uint32_t l = 0; l < k && !twice; l++)
            twice = links[k].vertex == links[l].vertex;
    if (!twice)
        return n;
    qsort(links, n, sizeof *links, compare_links);
    uint32_t last = 0;
    for (uint32_t k = 1; k < n; k++) {
        if (links[k].vertex == links[last].vertex)
            links[last].weight += links[k].weight;
        else
            links[++last] = links[k];
    }
    return last + 1;
}

static void raise(double *most, const double *weights, unsigned n)
{
    for (unsigned d = 0; d < n; d++)
        if (weights[d] > most[d])
            most[d] = weights[d];
}

static void count(struct ffmk_graph_sums *sums, unsigned n_weights, int sign,
                  const float position[3], bool placed, const double *weights)
{
    sums->n += (uint32_t)sign;
    sums->squares = sums->n > 0 ? sums->squares + sign * weights[0] * weights[0] : 0;
    if (placed) {
        sums->n_placed += (uint32_t)sign;
        for (int axis = 0; axis < 3; axis++)
            sums->position[axis] += sign * (double)position[axis];
    }
    for (unsigned d = 0; d < n_weights; d++)
        sums->load[d] = sums->n > 0 ? sums->load[d] + sign * weights[d] : 0;
}

void ffmk_graph_doze(struct ffmk_graph *graph, const struct ffmk_graph_record *record,
                     const double *weights, double links)
{
    count(&graph->sums, graph->n_weights, 1, record->position, record->placed, weights);
    graph->sums.n_links += record->n_links;
    graph->sums.links += links;
    raise(graph->heaviest, weights, graph->n_weights);
}

void ffmk_graph_sleep(struct ffmk_graph *graph, const double *weights)
{
    raise(graph->drowsy, weights, graph->n_weights);
}

uint32_t ffmk_graph_awaken(struct ffmk_graph *graph, uint32_t vertex)
{
    const uint64_t id = graph->vertices[vertex].id;
    if (graph->vertices[vertex].held == FFMK_GRAPH_ASLEEP &&
        !graph->wake(graph->source, graph, &id))
        return FFMK_GRAPH_NONE;
    return graph->vertices[vertex].held;
}

bool ffmk_graph_awaken_all(struct ffmk_graph *graph)
{
    if (graph->n_awake < graph->sums.n && !graph->wake(graph->source, graph, NULL))
        return false;
    memset(graph->drowsy, 0, sizeof graph->drowsy);
    graph->lighter = true;
    return true;
}

bool ffmk_graph_ready(struct ffmk_graph *graph)
{
    enum { FEW = 64 };
    for (unsigned d = 0; d < graph->n_weights; d++)
        if (graph->drowsy[d] * FEW > graph->sums.load[d])
            return ffmk_graph_awaken_all(graph);
    return true;
}

static void put(struct ffmk_graph *graph, uint32_t place, const struct ffmk_graph_record *record,
                const double *weights, const struct ffmk_graph_target *links)
{
    graph->n_awake++;
    const uint32_t vertex = ffmk_graph_vertex(graph, record->id, graph->part);
    graph->vertices[vertex].part = graph->part;
    graph->vertices[vertex].held = place;
    struct ffmk_graph_link *own = graph->links + graph->n_links;
    for (uint32_t k = 0; k < record->n_links; k++) {
        own[k].vertex = ffmk_graph_vertex(graph, links[k].id, links[k].part);
        struct ffmk_vertex *other = &graph->vertices[own[k].vertex];
        if (other->held == FFMK_GRAPH_LOST) {
            other->part = links[k].part;
            other->held = FFMK_GRAPH_NONE;
        }
        own[k].weight = links[k].weight;
    }
    const uint32_t n_links = merge(own, record->n_links);
    graph->items[place] = (struct ffmk_graph_item){.vertex = vertex,
                                                   .home = record->home,
                                                   .origin = record->origin,
                                                   .best = record->best,
                                                   .first = graph->n_links,
                                                   .n_links = n_links & 0xfffffffu,
                                                   .placed = record->placed != 0,
                                                   .pinned = record->pinned != 0};
    memcpy(graph->items[place].position, record->position, sizeof record->position);
    memcpy(graph->weights + (size_t)place * graph->n_weights, weights,
           graph->n_weights * sizeof *weights);
    graph->n_links += n_links;
}

/* At a place of its own: whoever remembers what left one must not find it there. */
void ffmk_graph_rouse(struct ffmk_graph *graph, const struct ffmk_graph_record *record,
                      const double *weights, const struct ffmk_graph_target *links)
{
    put(graph, graph->n_places++, record, weights, links);
}

uint32_t ffmk_graph_add(struct ffmk_graph *graph, const struct ffmk_graph_record *record,
                        const double *weights, const struct ffmk_graph_target *links)
{
    double weight = 0;
    for (uint32_t k = 0; k < record->n_links; k++)
        weight += (double)links[k].weight;
    ffmk_graph_doze(graph, record, weights, weight);
    uint32_t place = graph->free;
    if (graph->n_places > graph->n_awake)
        graph->free = graph->items[place].first;
    else
        place = graph->n_places++;
    put(graph, place, record, weights, links);
    return place;
}

void ffmk_graph_give(struct ffmk_graph *graph, uint32_t place, int32_t to)
{
    struct ffmk_graph_item *item = &graph->items[place];
    graph->vertices[item->vertex].part = to;
    graph->vertices[item->vertex].held = FFMK_GRAPH_GONE;
    graph->lost_links += item->n_links;
    count(&graph->sums, graph->n_weights, -1, item->position, item->placed,
          ffmk_graph_weights(graph, place));
    for (unsigned d = 0; d < graph->n_weights; d++)
        graph->lighter |= ffmk_graph_weights(graph, place)[d] >= graph->heaviest[d];
    item->vertex = FFMK_GRAPH_NONE;
    item->first = graph->free;
    graph->free = place;
    graph->n_awake--;
}

static int compare_first(const void *a, const void *b, void *items)
{
    const struct ffmk_graph_item *of = items;
    const uint32_t left = of[*(const uint32_t *)a].first;
    const uint32_t right = of[*(const uint32_t *)b].first;
    return (left > right) - (left < right);
}

/* In the order in which they lie, each item's links move down to where the last one's end. */
static void close_holes(struct ffmk_graph *graph)
{
    uint32_t *order = ffmk_spare_malloc(((size_t)graph->n_awake + 1) * sizeof *order);
    if (!order)
        return; /* the holes stay */
    uint32_t n = 0;
    for (uint32_t i = 0; i < graph->n_places; i++)
        if (ffmk_graph_is_held(graph, i))
            order[n++] = i;
    qsort_r(order, n, sizeof *order, compare_first, graph->items);
    uint32_t end = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct ffmk_graph_item *item = &graph->items[order[i]];
        memmove(graph->links + end, graph->links + item->first,
                item->n_links * sizeof *graph->links);
        item->first = end;
        end += item->n_links;
    }
    graph->n_links = end;
    graph->lost_links = 0;
    free(order);
}

void ffmk_graph_hear(struct ffmk_graph *graph, uint64_t id, int32_t part)
{
    const uint32_t vertex = ffmk_graph_find(graph, id);
    if (vertex == FFMK_GRAPH_NONE || ffmk_vertex_is_held(&graph->vertices[vertex]))
        return; /* nothing here is linked to it, or it came here meanwhile */
    graph->vertices[vertex].part = part;
    graph->vertices[vertex].held = FFMK_GRAPH_NEWS;
}

double ffmk_graph_gain(const struct ffmk_graph *graph, uint32_t place, int32_t part)
{
    const struct ffmk_graph_item *item = &graph->items[place];
    const struct ffmk_graph_link *end = graph->links + item->first + item->n_links;
    double gain = 0;
    for (const struct ffmk_graph_link *link = end - item->n_links; link < end; link++) {
        const int32_t other = graph->vertices[link->vertex].part;
        if (other == part)
            gain += (double)link->weight;
        else if (other == graph->part)
            gain -= (double)link->weight;
    }
    return gain;
}

void ffmk_graph_tidy(struct ffmk_graph *graph)
{
    for (uint32_t v = 0; v < graph->n_vertices; v++)
        if (!ffmk_vertex_is_held(&graph->vertices[v]))
            graph->vertices[v].held = FFMK_GRAPH_LOST;
    for (uint32_t i = 0; i < graph->n_places; i++)
        graph->items[i].moved = graph->items[i].offered = 0;
    if (graph->lost_links > graph->n_links / 4)
        close_holes(graph);
}

void ffmk_graph_mark_best(struct ffmk_graph *graph)
{
    for (uint32_t i = 0; i < graph->n_places; i++)
        graph->items[i].best = graph->part;
}

const double *ffmk_graph_heaviest(struct ffmk_graph *graph)
{
    if (!graph->lighter)
        return graph->heaviest;
    memcpy(graph->heaviest, graph->drowsy, sizeof graph->drowsy);
    for (uint32_t i = 0; i < graph->n_places; i++)
        if (ffmk_graph_is_held(graph, i))
            raise(graph->heaviest, ffmk_graph_weights(graph, i), graph->n_weights);
    graph->lighter = false;
    return graph->heaviest;
}

void ffmk_graph_centre(const struct ffmk_graph *graph, double centre[4])
{
    const double n = graph->sums.n_placed;
    for (int axis = 0; axis < 3; axis++)
        centre[axis] = n > 0 ? graph->sums.position[axis] / n : 0;
    centre[3] = n;
}

void ffmk_graph_free(struct ffmk_graph *graph)
{
    free(graph->items);
    free(graph->weights);
    free(graph->vertices);
    free(graph->links);
    free(graph->index);
    *graph = (struct ffmk_graph){.part = graph->part, .n_weights = graph->n_weights};
}
