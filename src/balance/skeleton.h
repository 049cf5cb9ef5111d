/* SPDX-License-Identifier: BSD-3-Clause
 * Edges that keep the graph of ranks connected, so that load can flow to ranks that are linked to
 * nobody: empty ones, and parts of a graph that falls apart. */
#ifndef FFMK_BALANCE_SKELETON_H
#define FFMK_BALANCE_SKELETON_H

#include "balance/exchange.h"

/** Ranks joined to this one whatever the items do, ascending. */
struct ffmk_skeleton {
    int *ranks;
    bool *added; /* not linked by items when the plan began: one of the edges that connect
                    components */
    size_t n;
};

/** The linked ranks given, and the edges of a binary tree over the connected components, between
 * the lowest ranks of each. Collective; a component takes as many messages as it is wide. `code` as
 * in ffmk_exchange_sparse(). */
int ffmk_skeleton_build(struct ffmk_team *team, int code, const int *linked, size_t n_linked,
                        struct ffmk_skeleton *skeleton);

void ffmk_skeleton_free(struct ffmk_skeleton *skeleton);

#endif
