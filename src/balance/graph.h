/* SPDX-License-Identifier: BSD-3-Clause
 * The items of one part and the links between them, as they are on paper while a plan is made:
 * items change hands here, and nowhere else. Local and pure; others carry the letters.
 *
 *   vertices   every item known here: those held, and the far ends of their links
 *      └─ held ──▶ items ── first ──▶ links ── vertex ──▶ vertices
 *
 * An item that leaves keeps its vertex, so no link need be rewritten. */
#ifndef FFMK_BALANCE_GRAPH_H
#define FFMK_BALANCE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** No vertex, no item. */
#define FFMK_GRAPH_NONE UINT32_MAX

/** Instead of it in `held`, of what is not held here: heard of in this pass; given away in this
 * pass; nothing here was linked to it when the pass began, so that nobody tells us where it is.
 * Places are below. */
#define FFMK_GRAPH_NEWS (UINT32_MAX - 1)
#define FFMK_GRAPH_GONE (UINT32_MAX - 2)
#define FFMK_GRAPH_LOST (UINT32_MAX - 3)

/** Most weights an item may have, with the one that its size in memory may be. */
enum { FFMK_GRAPH_WEIGHTS = 9 };

struct ffmk_vertex {
    uint64_t id;
    int32_t part;  /* that holds it, as far as is known here */
    uint32_t held; /* place in items, or FFMK_GRAPH_NONE and its kin */
};

/** A link, undirected: the part that holds the other end has its twin. */
struct ffmk_graph_link {
    uint32_t vertex;
    float weight; /* both directions summed, in units of the heaviest link of all */
};

struct ffmk_graph_item {
    uint32_t vertex; /* FFMK_GRAPH_NONE: this place is free */
    float position[3];
    int32_t home;   /* the rank that really has it */
    int32_t origin; /* the part it was in when the plan began */
    int32_t best;   /* the part that holds it in the best plan so far */
    uint32_t first; /* its links are links[first … first + n_links) */
    uint32_t n_links : 29;
    uint32_t placed : 1;
    uint32_t pinned : 1; /* stays where it is */
    uint32_t moved : 1;  /* changed hands in this pass and stays until the next */
};

/** Begin with {.part = …, .n_weights = …}. */
struct ffmk_graph {
    int32_t part;
    unsigned n_weights; /* 1 … FFMK_GRAPH_WEIGHTS */
    struct ffmk_graph_item *items;
    double *weights; /* n_weights an item, each in units of the heaviest of all */
    uint32_t n_places, places_capacity; /* places in items, free ones included */
    uint32_t n;                         /* items held */
    uint32_t free;                      /* a free place, the next is in its `first` */
    struct ffmk_vertex *vertices;
    uint32_t n_vertices, vertices_capacity;
    struct ffmk_graph_link *links;
    uint32_t n_links, links_capacity;
    uint32_t lost_links; /* of items that left */
    uint32_t *index;     /* hash of id → vertex + 1; 0: empty */
    uint32_t index_mask;
};

/** How an item and its links travel; the ranks of a job represent numbers alike. */
struct ffmk_graph_record {
    uint64_t id;
    float position[3];
    int32_t home, origin, best;
    uint32_t n_links;
    uint8_t placed, pinned, pad[2];
};

struct ffmk_graph_target {
    uint64_t id;
    float weight;
    int32_t part;
};

/** Make room for so many items, links and far ends beyond what is there.
 * \return false when memory ran out or there would be more than 2^31 of anything. */
bool ffmk_graph_reserve(struct ffmk_graph *graph, size_t items, size_t links, size_t vertices);

/** The vertex of an id, or FFMK_GRAPH_NONE. */
uint32_t ffmk_graph_find(const struct ffmk_graph *graph, uint64_t id);

/** The vertex of an id, made where there is none, with `part` then. Room must have been reserved.
 */
uint32_t ffmk_graph_vertex(struct ffmk_graph *graph, uint64_t id, int32_t part);

/** Hold an item from now on. Links to the same item become one. Room must have been reserved.
 * \return its place. */
uint32_t ffmk_graph_add(struct ffmk_graph *graph, const struct ffmk_graph_record *record,
                        const double *weights, const struct ffmk_graph_target *links);

/** Give the item at `place` to another part. Its links stay readable until the graph is tidied. */
void ffmk_graph_give(struct ffmk_graph *graph, uint32_t place, int32_t to);

/** Another part holds an item now, as a letter says. */
void ffmk_graph_hear(struct ffmk_graph *graph, uint64_t id, int32_t part);

/** Between passes: close the holes in links, let what moved move again, and take what is not held
 * for lost: ffmk_border_find() finds again what something is linked to. */
void ffmk_graph_tidy(struct ffmk_graph *graph);

/** Remember the present plan as the best one. */
void ffmk_graph_mark_best(struct ffmk_graph *graph);

/** Sum of the items' weights, n_weights of them. */
void ffmk_graph_load(const struct ffmk_graph *graph, double *load);

/** The centre of the placed items: {x, y, z, how many they are}. */
void ffmk_graph_centre(const struct ffmk_graph *graph, double centre[4]);

void ffmk_graph_free(struct ffmk_graph *graph);

/** The vertex is an item held here. */
static inline bool ffmk_vertex_is_held(const struct ffmk_vertex *vertex)
{
    return vertex->held < FFMK_GRAPH_LOST;
}

static inline bool ffmk_graph_is_held(const struct ffmk_graph *graph, uint32_t place)
{
    return graph->items[place].vertex != FFMK_GRAPH_NONE;
}

static inline const double *ffmk_graph_weights(const struct ffmk_graph *graph, uint32_t place)
{
    return graph->weights + (size_t)place * graph->n_weights;
}

static inline uint64_t ffmk_graph_id(const struct ffmk_graph *graph, uint32_t place)
{
    return graph->vertices[graph->items[place].vertex].id;
}

#endif
