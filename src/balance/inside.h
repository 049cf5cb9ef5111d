/* SPDX-License-Identifier: BSD-3-Clause
 * The borders between members of a group, as links that flow is found on; connected, whether the
 * borders do that or not. Local. */
#ifndef FFMK_BALANCE_INSIDE_H
#define FFMK_BALANCE_INSIDE_H

#include "balance/flow.h"
#include "balance/tree.h"

/** Begin with {0}. */
struct ffmk_inside {
    struct ffmk_flow_link *links;
    size_t n, n_given; /* the first n_given are borders */
    uint32_t *leader;  /* of each member's component */
};

/** The borders among the members of a group, and which of them are connected so.
 * \return FFMK_ERR_NO_MEMORY. */
int ffmk_inside_build(struct ffmk_inside *inside, const struct ffmk_tree *tree);

/** Connect what is apart, given the members' loads and limits. Components that have too little hang
 * below members that have too much, as many as each could fill: in a binary tree, so that in each
 * pass a part gives two others what is for half of them each. */
int ffmk_inside_connect(struct ffmk_inside *inside, const struct ffmk_tree *tree,
                        const double *load, const double *limit);

void ffmk_inside_free(struct ffmk_inside *inside);

#endif
