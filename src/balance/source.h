/* SPDX-License-Identifier: BSD-3-Clause
 * Where the part of a rank has its items from: the table. What something elsewhere is linked to is
 * read when a plan begins, all else when it gets that far. Local. */
#ifndef FFMK_BALANCE_SOURCE_H
#define FFMK_BALANCE_SOURCE_H

#include "balance/graph.h"
#include "balance/items.h"

/** What numbers are told in, the same on all ranks: sums cannot overflow then. */
struct ffmk_source_units {
    unsigned n_weights;
    double weights[FFMK_WEIGHTS_MOST]; /* the heaviest item by each, or 1 */
    double link;                       /* the heaviest, or 1 */
    double bytes;                      /* the largest item, or 1 */
};

/** All but `links` is the caller's. */
struct ffmk_source {
    int rank;
    const struct ffmk_table *table; /* its link_ranks are right */
    const size_t *order;            /* ffmk_table_order() */
    const struct ffmk_source_units *units;
    struct ffmk_graph_target *links; /* private: room for those of any entry */
};

/** Fill a graph, which reads from the source on until it is freed. \return FFMK_ERR_NO_MEMORY. */
int ffmk_source_fill(struct ffmk_source *source, struct ffmk_graph *graph);

void ffmk_source_free(struct ffmk_source *source);

#endif
