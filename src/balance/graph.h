/* SPDX-License-Identifier: BSD-3-Clause
 * The items of a plan and the links between them, as one rank sees them while the plan is made:
 * items change hands on paper only. Local; the messages it writes and reads are carried by others.
 */
#ifndef FFMK_BALANCE_GRAPH_H
#define FFMK_BALANCE_GRAPH_H

#include "balance/directory.h"
#include "core/wire.h"

/** A link, undirected: the other end's holder has its twin. */
struct ffmk_graph_link {
    uint64_t id;   /* the other item */
    double weight; /* both directions summed, in units of the heaviest link of the team */
    int rank;      /* who holds the other item on paper */
    int best_rank; /* who holds it in the best plan so far */
};

struct ffmk_graph_item {
    uint64_t id;
    double weight; /* in units of the heaviest item of the team */
    double position[3];
    int home; /* who really has it */
    int best; /* who holds it in the best plan so far */
    bool placed;
    size_t first; /* its links are links[first … first + n_links) */
    size_t n_links;
};

/** Begin with {.rank = …}. */
struct ffmk_graph {
    int rank;
    struct ffmk_graph_item *items;
    size_t n;
    size_t capacity;
    struct ffmk_graph_link *links; /* holes are closed by ffmk_graph_drop() */
    size_t n_links;
    size_t links_capacity;
    struct ffmk_idmap index; /* id → place in items */
};

/** Put the table's items in, in the given order, with links made undirected: links of both
 * directions and several between the same two items become one. back->links are sorted by this.
 * Weights are divided by the units given. \return FFMK_ERR_NO_MEMORY. */
int ffmk_graph_build(struct ffmk_graph *graph, const struct ffmk_table *table, const size_t *order,
                     struct ffmk_back_links *back, double weight_unit, double link_unit);

void ffmk_graph_free(struct ffmk_graph *graph);

/** What a rank holds on paper. */
double ffmk_graph_load(const struct ffmk_graph *graph);

/** The other ranks that hold an item linked to one of ours, ascending, to be freed. NULL when
 * memory ran out. */
int *ffmk_graph_linked_ranks(const struct ffmk_graph *graph, size_t *n_p);

/** The centre of the placed items: {x, y, z, how many they are}. */
void ffmk_graph_centre(const struct ffmk_graph *graph, double centre[4]);

/** Remember the present plan as the best one. */
void ffmk_graph_mark_best(struct ffmk_graph *graph);

/** Weight of links that the best plan cuts, of the items held here; every link is seen from both
 * ends. */
double ffmk_graph_best_cut(const struct ffmk_graph *graph);

/** Write for the holder of each item linked to the one at `place` that it goes to rank `to`:
 * letters[k] goes to ranks[k], and ranks holds every linked rank, ascending. Links among our own
 * items are updated at once. */
void ffmk_graph_announce(struct ffmk_graph *graph, size_t place, int to, size_t n, const int *ranks,
                         struct ffmk_wire_out *letters);

/** Read what a neighbour wrote so. */
void ffmk_graph_hear(struct ffmk_graph *graph, struct ffmk_wire_in *in);

/** Write an item with its links, after all announcements were heard. */
void ffmk_graph_write(const struct ffmk_graph *graph, size_t place, struct ffmk_wire_out *out);

/** Take out the items for which gone[item] is not -1. The others keep their order. */
void ffmk_graph_drop(struct ffmk_graph *graph, const int *gone);

/** Read items that were written so and hold them from now on.
 * \return FFMK_ERR_NO_MEMORY. */
int ffmk_graph_read(struct ffmk_graph *graph, struct ffmk_wire_in *in);

#endif
