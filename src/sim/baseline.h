/* SPDX-License-Identifier: BSD-3-Clause
 * The broadcasts that ours is compared with: binomial graphs (Angskun, Bosilca, Dongarra 2007) and
 * an acknowledged binomial tree. Not for jobs. */
#ifndef FFMK_SIM_BASELINE_H
#define FFMK_SIM_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

enum ffmk_baseline_kind {
    FFMK_BASELINE_TREE,      /* binomial tree, acknowledged back to the root */
    FFMK_BASELINE_GRAPH,     /* binomial graph, one way, in tree order */
    FFMK_BASELINE_GRAPH_OMPI /* binomial graph in Open MPI's order: +1, -1, +2, -2, +4, … */
};

struct ffmk_baseline_message {
    uint32_t level;       /* distance 2^level */
    bool acknowledgement; /* else the payload */
};

/** One node; zeroed it is dark. */
struct ffmk_baseline {
    uint32_t next;    /* how many were sent */
    uint32_t awaited; /* acknowledgements */
    uint32_t level;   /* of the message that coloured it; the root's is above all */
    uint32_t parent;
    bool coloured;
    bool done;
};

void ffmk_baseline_start(struct ffmk_baseline *root);
/** \return whether the payload is new. */
bool ffmk_baseline_receive(struct ffmk_baseline *node, uint32_t from,
                           const struct ffmk_baseline_message *message);
/** \return whether *message is to be sent to *to; then ask again. */
bool ffmk_baseline_next(struct ffmk_baseline *node, enum ffmk_baseline_kind kind, uint32_t nodes,
                        uint32_t me, uint32_t *to, struct ffmk_baseline_message *message);

#endif
