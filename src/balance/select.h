/* SPDX-License-Identifier: BSD-3-Clause
 * Which items fill a flow: those whose leaving cuts least. Pure: a graph and flows in, a
 * destination for each item out; it moves nothing. */
#ifndef FFMK_BALANCE_SELECT_H
#define FFMK_BALANCE_SELECT_H

#include "balance/graph.h"

struct ffmk_select {
    const struct ffmk_graph *graph;
    size_t n;              /* neighbours */
    const int *ranks;      /* theirs, ascending */
    double *flow;          /* load to send to each; on return what is left of it */
    const double *centres; /* n × 4, as ffmk_graph_centre() gives them */
    double centre[4];      /* ours */
    double load;           /* ours */
    double limit;          /* no rank should hold more */
    double link_unit;      /* mean link weight over the team, > 0 */
    uint64_t seed;
};

/** Set chosen[i] to the neighbour that item i of the graph goes to, or to -1.
 *
 * An item sent is at most twice as heavy as what was left of its edge's flow, so an edge is off by
 * at most half an item; but a rank that would stay above the limit pools what its edges have left.
 * A rank sends at most half its load at a time (or one item), never its last item, and never its
 * heaviest if that alone reaches the limit: some rank has to hold it. \return FFMK_ERR_NO_MEMORY.
 */
int ffmk_select(struct ffmk_select *select, int *chosen);

#endif
