/* SPDX-License-Identifier: BSD-3-Clause
 * Components, and what connects them. */
#include "balance/inside.h"

#include "core/spare.h"

#include <ffmk.h>
#include <stdlib.h>

/* Of an edge that only makes a graph connected: what goes over it is cut off from all it is linked
 * to. */
static const double NARROW = 0.125;

static uint32_t find_leader(uint32_t *leader, uint32_t m)
{
    while (leader[m] != m)
        m = leader[m] = leader[leader[m]];
    return m;
}

int ffmk_inside_build(struct ffmk_inside *inside, const struct ffmk_tree *tree)
{
    size_t n = 2ul * tree->n;
    for (uint32_t m = 0; m < tree->n; m++)
        n += tree->members[m].n_borders;
    inside->links = ffmk_spare_malloc(n * sizeof *inside->links);
    inside->leader = ffmk_spare_malloc(tree->n * sizeof *inside->leader);
    if (!inside->links || !inside->leader)
        return FFMK_ERR_NO_MEMORY;
    for (uint32_t m = 0; m < tree->n; m++)
        inside->leader[m] = m;
    for (uint32_t m = 0; m < tree->n; m++)
        for (uint32_t e = 0; e < tree->members[m].n_borders; e++) {
            const struct ffmk_tree_border *border = &tree->members[m].borders[e];
            const uint32_t other = border->unit - tree->first;
            if (!ffmk_tree_is_inside(tree, border->unit) || other <= m)
                continue;
            inside->links[inside->n++] = (struct ffmk_flow_link){m, other, border->conductance, 0};
            const uint32_t a = find_leader(inside->leader, m);
            const uint32_t b = find_leader(inside->leader, other);
            inside->leader[a < b ? b : a] = a < b ? a : b;
        }
    inside->n_given = inside->n;
    return FFMK_SUCCESS;
}

static void join(struct ffmk_inside *inside, uint32_t a, uint32_t b)
{
    inside->links[inside->n++] = (struct ffmk_flow_link){a, b, NARROW, 0};
    inside->leader[find_leader(inside->leader, b)] = find_leader(inside->leader, a);
}

/* A component, by its member that has most (above what it should have), or least. */
struct island {
    uint32_t member;
    double surplus; /* of the component */
};

static int compare_islands(const void *a, const void *b)
{
    const struct island *left = a;
    const struct island *right = b;
    if (left->surplus != right->surplus)
        return left->surplus > right->surplus ? -1 : 1;
    return left->member < right->member ? -1 : 1;
}

int ffmk_inside_connect(struct ffmk_inside *inside, const struct ffmk_tree *tree,
                        const double *load, const double *limit)
{
    const uint32_t n = tree->n;
    double *surplus = ffmk_spare_calloc(2ul * n, sizeof *surplus);
    struct island *islands = ffmk_spare_malloc(2ul * n * sizeof *islands);
    uint32_t n_poor = 0, n_rich = 0, n_givers = 0;
    if (!surplus || !islands) {
        free(surplus);
        free(islands);
        return FFMK_ERR_NO_MEMORY;
    }
    double *of_component = surplus + n, mean = 0;
    struct island *rich = islands + n;
    for (uint32_t m = 0; m < n; m++) {
        surplus[m] = load[m] - limit[m];
        of_component[find_leader(inside->leader, m)] += surplus[m];
        mean += limit[m] / n;
    }
    uint32_t first = find_leader(inside->leader, 0); /* the richest component */
    for (uint32_t m = 0; m < n; m++)
        if (inside->leader[m] == m && of_component[m] > of_component[first])
            first = m;
    for (uint32_t m = 0; m < n; m++) {
        if (inside->leader[m] != m || m == first)
            continue;
        struct island island = {.member = m, .surplus = of_component[m]};
        const double sign = island.surplus > 0 ? 1 : -1;
        for (uint32_t k = 0; k < n; k++)
            if (find_leader(inside->leader, k) == m &&
                sign * surplus[k] > sign * surplus[island.member])
                island.member = k;
        if (island.surplus > 0)
            rich[n_rich++] = island;
        else
            islands[n_poor++] = island;
    }
    qsort(islands, n_poor, sizeof *islands, compare_islands);
    /* Rich ones in a chain, whose first is the richest component; all their members give. */
    for (uint32_t r = 0; r < n_rich; r++)
        join(inside, r > 0 ? rich[r - 1].member : first, rich[r].member);
    const uint32_t main = find_leader(inside->leader, first);
    for (uint32_t m = 0; m < n; m++)
        if (find_leader(inside->leader, m) == main)
            rich[n_givers++] = (struct island){m, surplus[m]};
    qsort(rich, n_givers, sizeof *rich, compare_islands);
    for (uint32_t p = 0, g = 0; p < n_poor; g = g + 1 < n_givers ? g + 1 : 0) {
        const double share = mean > 0 ? rich[g].surplus / mean : 0;
        const uint32_t rest = n_poor - p;
        uint32_t wants = share > 1 ? (share < rest ? (uint32_t)(share + 0.5) : rest) : 1;
        for (uint32_t w = 0; w < wants; w++)
            join(inside, w < 2 ? rich[g].member : islands[p + (w - 2) / 2].member,
                 islands[p + w].member);
        p += wants;
    }
    free(surplus);
    free(islands);
    return FFMK_SUCCESS;
}

void ffmk_inside_free(struct ffmk_inside *inside)
{
    free(inside->links);
    free(inside->leader);
    *inside = (struct ffmk_inside){0};
}
