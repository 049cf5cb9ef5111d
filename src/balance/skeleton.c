/* SPDX-License-Identifier: BSD-3-Clause
 * Components by spreading the lowest rank; then a heap-ordered binary tree over their leaders, who
 * find each other through rank k, where the leader of component k registers. */
#include "balance/skeleton.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

/* Steps between two looks at whether all is quiet. */
enum { LOOK = 4 };

/* The lowest rank of this rank's component. */
static int find_leader(const struct ffmk_team *team, const struct ffmk_neighbours *neighbours,
                       double *theirs, double *leader_p)
{
    double leader = team->rank; /* a rank is exact in a double */
    double changed = 1;
    int code = FFMK_SUCCESS;
    while (changed > 0 && !code) {
        changed = 0;
        for (int step = 0; step < LOOK && !code; step++) {
            code = ffmk_exchange_share(team, neighbours, 1, &leader, theirs);
            for (size_t k = 0; k < neighbours->n && !code; k++)
                if (theirs[k] < leader) {
                    leader = theirs[k];
                    changed = 1;
                }
        }
        if (!code)
            code = ffmk_team_max(team, &changed, 1);
    }
    *leader_p = leader;
    return code;
}

/* One sparse exchange of single numbers; the caller reads them. */
static int post(struct ffmk_team *team, struct ffmk_mail *outgoing, struct ffmk_mail *incoming)
{
    const int code = ffmk_exchange_sparse(team, FFMK_SUCCESS, outgoing, incoming);
    ffmk_mail_free(outgoing);
    return code;
}

/* The tree's edges at this rank, which leads component `place` of `n`: leader's ranks, at most
 * three. Rank k is where component k is looked up; that is no leader in general. */
static int find_tree_edges(struct ffmk_team *team, bool leads, uint64_t place, uint64_t n,
                           int edges[3], size_t *n_edges_p)
{
    struct ffmk_mail outgoing = {0}, registered = {0}, replies = {0};
    const uint64_t me = (uint64_t)team->rank;
    *n_edges_p = 0;

    /* A leader registers at its component's place, and, for its parent's sake, at the parent's. */
    if (leads) {
        ffmk_wire_put_u64(ffmk_mail_to(&outgoing, (int)place), place);
        if (place > 0)
            ffmk_wire_put_u64(ffmk_mail_to(&outgoing, (int)((place - 1) / 2)), place);
    }
    int code = post(team, &outgoing, &registered);

    /* Here component `me` is looked up: tell its leader the children and the children the leader.
     */
    if (!code && me < n) {
        int leader = -1, children[2];
        size_t n_children = 0;
        for (size_t p = 0; p < registered.n; p++) {
            struct ffmk_wire_in in = ffmk_mail_read(&registered, p);
            while (in.at < in.length && !in.failed) {
                if (ffmk_wire_get_u64(&in) == me)
                    leader = registered.letters[p].rank;
                else if (n_children < 2)
                    children[n_children++] = registered.letters[p].rank;
            }
        }
        for (size_t c = 0; c < n_children; c++) {
            ffmk_wire_put_u64(ffmk_mail_to(&outgoing, leader), (uint64_t)children[c]);
            ffmk_wire_put_u64(ffmk_mail_to(&outgoing, children[c]), (uint64_t)leader);
        }
    }
    if (!code)
        code = post(team, &outgoing, &replies);
    for (size_t p = 0; p < replies.n && !code; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(&replies, p);
        while (in.at < in.length && !in.failed && *n_edges_p < 3)
            edges[(*n_edges_p)++] = (int)ffmk_wire_get_u64(&in);
    }
    ffmk_mail_free(&outgoing);
    ffmk_mail_free(&registered);
    ffmk_mail_free(&replies);
    return code;
}

/* Insert in order; leaders of different components are not linked, so none is there already. */
static void insert(struct ffmk_skeleton *skeleton, int rank)
{
    size_t at = skeleton->n++;
    for (; at > 0 && skeleton->ranks[at - 1] > rank; at--) {
        skeleton->ranks[at] = skeleton->ranks[at - 1];
        skeleton->added[at] = skeleton->added[at - 1];
    }
    skeleton->ranks[at] = rank;
    skeleton->added[at] = true;
}

int ffmk_skeleton_build(struct ffmk_team *team, int code, const int *linked, size_t n_linked,
                        struct ffmk_skeleton *skeleton)
{
    struct ffmk_neighbours neighbours = {0};
    double *theirs = malloc((n_linked + 1) * sizeof *theirs);
    *skeleton = (struct ffmk_skeleton){.ranks = calloc(n_linked + 3, sizeof *skeleton->ranks),
                                       .added = calloc(n_linked + 3, sizeof *skeleton->added)};
    if (!code && (!skeleton->ranks || !skeleton->added || !theirs ||
                  !ffmk_neighbours_reserve(&neighbours, n_linked)))
        code = FFMK_ERR_NO_MEMORY;
    code = ffmk_team_agree(team, code);
    if (code)
        goto done;
    if (n_linked > 0) {
        memcpy(skeleton->ranks, linked, n_linked * sizeof *linked);
        memcpy(neighbours.ranks, linked, n_linked * sizeof *linked);
    }
    skeleton->n = n_linked;

    double leader = 0;
    code = find_leader(team, &neighbours, theirs, &leader);
    const bool leads = leader == team->rank;
    uint64_t n = leads, place = 0;
    if (!code)
        code = ffmk_team_sum_u64(team, &n, 1);
    if (!code && n > 1) {
        const uint64_t mine = leads;
        int edges[3];
        size_t n_edges = 0;
        code = ffmk_team_checked(PMPI_Exscan(&mine, &place, 1, MPI_UINT64_T, MPI_SUM, team->comm));
        if (!code)
            code = find_tree_edges(team, leads, team->rank == 0 ? 0 : place, n, edges, &n_edges);
        for (size_t e = 0; e < n_edges && !code; e++)
            insert(skeleton, edges[e]);
    }

done:
    ffmk_neighbours_free(&neighbours);
    free(theirs);
    return code;
}

void ffmk_skeleton_free(struct ffmk_skeleton *skeleton)
{
    free(skeleton->ranks);
    free(skeleton->added);
    *skeleton = (struct ffmk_skeleton){0};
}
