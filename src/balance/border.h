/* SPDX-License-Identifier: BSD-3-Clause
 * The parts that a part has to do with in a pass, and its items near each of them. Local. */
#ifndef FFMK_BALANCE_BORDER_H
#define FFMK_BALANCE_BORDER_H

#include "balance/graph.h"
#include "balance/idmap.h"
#include "core/wire.h"

enum { FFMK_BORDER_PATIENCE = 3 }; /* passes */

struct ffmk_partner {
    int32_t part;
    double linked;             /* weight of the links to its items */
    double *flow;              /* n_weights: load that should go there, from there when negative */
    struct ffmk_wire_out news; /* of items linked to its own: where they went */
    uint32_t touched;          /* the first of border->touches */
    bool gave, got;            /* items to, from it in this pass */
    uint8_t colour, turn;      /* when it is met (order.h) */
    uint32_t offered;          /* the first of the places offered to it in this turn, */
    uint32_t n_offered;        /* and how many: in the meeting's `offered` */
    bool restless;             /* items near this border changed hands in the last pass */
    uint8_t patience;          /* passes that it may wait for a turn, if it has none */
};

/** Begin with {0}. */
struct ffmk_border {
    struct ffmk_partner *partners; /* ascending */
    uint32_t n, capacity;
    unsigned n_weights;
    double *flows;           /* of all partners */
    struct ffmk_idmap index; /* part → place in partners */
    struct ffmk_touch {      /* an item that a link leads from to a partner's, once, at least */
        uint32_t item, next;
        double gain; /* what the cut would have shrunk by when the pass began, had it gone there */
    } * touches;
    uint32_t n_touches, touches_capacity;
    uint32_t *band; /* the last one asked for: items near a partner */
    uint32_t n_band, band_capacity;
    uint32_t *mark; /* of each place in the graph: place in band + 1, or 0 */
    uint32_t mark_capacity;
};

/** A load that should go to a part, whether linked or not; n_weights of `flow` count. */
struct ffmk_border_extra {
    int32_t part;
    double flow[FFMK_GRAPH_WEIGHTS];
};

/** Find the partners: holders of what our items are linked to. Those that had not been partners are
 * restless, but may wait for a turn in FFMK_BORDER_PATIENCE passes. \return FFMK_ERR_NO_MEMORY. */
int ffmk_border_find(struct ffmk_border *border, struct ffmk_graph *graph);

/** Add a partner that no link leads to. */
int ffmk_border_join(struct ffmk_border *border, const struct ffmk_border_extra *extra);

/** The place of a part in partners, or FFMK_GRAPH_NONE. */
uint32_t ffmk_border_partner(const struct ffmk_border *border, int32_t part);

/** The items that could go to a partner: those linked to its own, and as many behind them as it
 * takes to carry `load`, n_weights of them, twice, and `grain` twice by items that weigh half of it
 * at most, where that is not 0. Sets band and mark; until the next call. `needs`: also where
 * nothing is linked to it, a cluster to begin with. */
int ffmk_border_band(struct ffmk_border *border, struct ffmk_graph *graph, uint32_t partner,
                     const double *load, double grain, bool needs);

void ffmk_border_free(struct ffmk_border *border);

#endif
