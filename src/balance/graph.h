/* SPDX-License-Identifier: BSD-3-Clause
 * The items of one part and the links between them, as they are on paper while a plan is made:
 * items change hands here, and nowhere else. Local and pure; others carry the letters.
 *
 *   vertices   every item known here: those held, and the far ends of their links
 *      └─ held ──▶ items ── first ──▶ links ── vertex ──▶ vertices
 *
 * An item that leaves keeps its vertex, so no link need be rewritten.
 *
 * Items that nothing elsewhere is linked to may sleep: they count in the sums, and are read from
 * where they came from only when a plan gets that far. */
#ifndef FFMK_BALANCE_GRAPH_H
#define FFMK_BALANCE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** No vertex, no item. */
#define FFMK_GRAPH_NONE UINT32_MAX

/** Instead of it in `held`, of what is not held here: heard of in this pass; given away in this
 * pass; nothing here was linked to it when the pass began, so that nobody tells us where it is.
 * And of what is held here, but sleeps. Places are below. */
#define FFMK_GRAPH_NEWS   (UINT32_MAX - 1)
#define FFMK_GRAPH_GONE   (UINT32_MAX - 2)
#define FFMK_GRAPH_LOST   (UINT32_MAX - 3)
#define FFMK_GRAPH_ASLEEP (UINT32_MAX - 4)

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
    uint32_t n_links : 28;
    uint32_t placed : 1;
    uint32_t pinned : 1;  /* stays where it is */
    uint32_t moved : 1;   /* changed hands in this pass and stays until the next */
    uint32_t offered : 1; /* to a part that has not answered yet */
};

/** Of the items held, those that sleep included. */
struct ffmk_graph_sums {
    uint32_t n, n_placed;
    double load[FFMK_GRAPH_WEIGHTS];
    double squares;     /* of the first weights: it is large where few items make the load */
    double position[3]; /* of the placed */
    uint64_t n_links;   /* of all that were ever held, and their weight */
    double links;
};

struct ffmk_graph;

/** Rouse the item `id` of this part, or, where that is NULL, all that sleep.
 * \return false when memory ran out. */
typedef bool ffmk_graph_wake(void *source, struct ffmk_graph *graph, const uint64_t *id);

/** Begin with {.part = …, .n_weights = …}. */
struct ffmk_graph {
    int32_t part;
    unsigned n_weights;    /* 1 … FFMK_GRAPH_WEIGHTS */
    ffmk_graph_wake *wake; /* NULL: none sleep */
    void *source;
    struct ffmk_graph_sums sums;
    double drowsy[FFMK_GRAPH_WEIGHTS]; /* the heaviest of what slept when the plan began */
    double heaviest[FFMK_GRAPH_WEIGHTS];
    bool lighter; /* a heaviest one left */
    struct ffmk_graph_item *items;
    double *weights; /* n_weights an item, each in units of the heaviest of all */
    uint32_t n_places, places_capacity; /* places in items, free ones included */
    uint32_t n_awake;                   /* items in them */
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

/** There is this item, whose links weigh so much; it sleeps. */
void ffmk_graph_doze(struct ffmk_graph *graph, const struct ffmk_graph_record *record,
                     const double *weights, double links);

/** One that was counted goes on sleeping while the plan begins. */
void ffmk_graph_sleep(struct ffmk_graph *graph, const double *weights);

/** Wake an item that was counted. Links to the same item become one. Room must have been reserved.
 */
void ffmk_graph_rouse(struct ffmk_graph *graph, const struct ffmk_graph_record *record,
                      const double *weights, const struct ffmk_graph_target *links);

/** All were counted, and roused or sent to sleep: where few of the heaviest that sleep would be all
 * there is, all are woken, for a part has to know what it holds that is heavier than it should
 * hold. \return false when memory ran out. */
bool ffmk_graph_ready(struct ffmk_graph *graph);

/** The place of an item of this part, wherever it is awake; it is woken if need be.
 * FFMK_GRAPH_NONE when memory ran out. */
uint32_t ffmk_graph_awaken(struct ffmk_graph *graph, uint32_t vertex);

/** Wake all. \return false when memory ran out. */
bool ffmk_graph_awaken_all(struct ffmk_graph *graph);

/** Hold an item from now on, awake; as ffmk_graph_rouse(). \return its place, which may be one that
 * another item left. */
uint32_t ffmk_graph_add(struct ffmk_graph *graph, const struct ffmk_graph_record *record,
                        const double *weights, const struct ffmk_graph_target *links);

/** Give the item at `place` to another part. Its links stay readable until the graph is tidied. */
void ffmk_graph_give(struct ffmk_graph *graph, uint32_t place, int32_t to);

/** Another part holds an item now, as a letter says. */
void ffmk_graph_hear(struct ffmk_graph *graph, uint64_t id, int32_t part);

/** What the cut would shrink by, were an item of ours at another part: it may be negative. */
double ffmk_graph_gain(const struct ffmk_graph *graph, uint32_t place, int32_t part);

/** Between passes: close the holes in links, let what moved or was offered move again, and take
 * what is not held for lost: ffmk_border_find() finds again what something is linked to. */
void ffmk_graph_tidy(struct ffmk_graph *graph);

/** Remember the present plan as the best one. */
void ffmk_graph_mark_best(struct ffmk_graph *graph);

/** The heaviest item by each weight, or, where one that slept was heavier, that. */
const double *ffmk_graph_heaviest(struct ffmk_graph *graph);

/** The centre of the placed items: {x, y, z, how many they are}. */
void ffmk_graph_centre(const struct ffmk_graph *graph, double centre[4]);

void ffmk_graph_free(struct ffmk_graph *graph);

/** The vertex is an item held here. */
static inline bool ffmk_vertex_is_held(const struct ffmk_vertex *vertex)
{
    return vertex->held < FFMK_GRAPH_LOST;
}

/** And it is awake: `held` is a place. */
static inline bool ffmk_vertex_is_awake(const struct ffmk_vertex *vertex)
{
    return vertex->held < FFMK_GRAPH_ASLEEP;
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
