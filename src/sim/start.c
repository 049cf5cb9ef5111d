/* SPDX-License-Identifier: BSD-3-Clause
 * Whose the items of a workload are before the first plan. */
#include "sim/start.h"

#include <stdlib.h>

void ffmk_start_number(const struct ffmk_workload *workload, int32_t *number)
{
    uint32_t side = 1;
    int bits = 0;
    int32_t n = 0;
    for (; side < workload->grid[0] || side < workload->grid[1] || side < workload->grid[2];
         side *= 2)
        bits++;
    for (uint64_t code = 0; code < (uint64_t)side * side * side; code++) {
        uint32_t at[3] = {0, 0, 0};
        for (int bit = 0; bit < 3 * bits; bit++)
            at[bit % 3] |= (uint32_t)(code >> bit & 1) << (bit / 3);
        if (at[0] < workload->grid[0] && at[1] < workload->grid[1] && at[2] < workload->grid[2])
            number[(at[2] * workload->grid[1] + at[1]) * workload->grid[0] + at[0]] = n++;
    }
}

bool ffmk_start_blocks(const struct ffmk_workload *workload, bool curve, int32_t *owner)
{
    const uint32_t ranks = workload->ranks, side = workload->side;
    int32_t *number = malloc(ranks * sizeof *number);
    uint64_t *ids = malloc((size_t)side * side * side * sizeof *ids);
    const bool good = number && ids;
    for (uint32_t rank = 0; good && rank < ranks; rank++)
        number[rank] = (int32_t)rank;
    if (good && curve)
        ffmk_start_number(workload, number);
    for (uint32_t rank = 0; good && rank < ranks; rank++) {
        const size_t n = ffmk_workload_items(workload, FFMK_WORKLOAD_BLOCKS, rank, ids);
        for (size_t i = 0; i < n; i++)
            owner[ids[i]] = number[rank];
    }
    free(number);
    free(ids);
    return good;
}

/* An item to bisect by: its coordinate, then its id. */
struct point {
    uint64_t key;
    float weight;
};
enum { ID_BITS = 44 };

static int compare_points(const void *a, const void *b)
{
    const uint64_t left = ((const struct point *)a)->key;
    const uint64_t right = ((const struct point *)b)->key;
    return (left > right) - (left < right);
}

/* Give n items to `parts` parts from `first` on: across the longest side, in halves by weight, as
 * long as there is more than one part. */
static void bisect(const struct ffmk_workload *workload, struct point *points, size_t n,
                   int32_t first, int32_t parts, int32_t *owner)
{
    const uint64_t *cells = workload->cells, mask = (UINT64_C(1) << ID_BITS) - 1;
    while (parts > 1 && n > 0) {
        uint64_t least[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX}, most[3] = {0, 0, 0};
        const uint64_t stride[3] = {1, cells[0], cells[0] * cells[1]};
        double whole = 0, half = 0;
        for (size_t i = 0; i < n; i++) {
            for (int axis = 0; axis < 3; axis++) {
                const uint64_t at = (points[i].key & mask) / stride[axis] % cells[axis];
                least[axis] = at < least[axis] ? at : least[axis];
                most[axis] = at > most[axis] ? at : most[axis];
            }
            whole += (double)points[i].weight;
        }
        int longest = 2;
        for (int axis = 1; axis >= 0; axis--)
            if (most[axis] - least[axis] > most[longest] - least[longest])
                longest = axis;
        for (size_t i = 0; i < n; i++) {
            const uint64_t id = points[i].key & mask;
            points[i].key = (id / stride[longest] % cells[longest]) << ID_BITS | id;
        }
        qsort(points, n, sizeof *points, compare_points);
        const int32_t lower = parts / 2;
        size_t at = 0;
        while (at < n && half + (double)points[at].weight / 2 < whole * lower / parts)
            half += (double)points[at++].weight;
        bisect(workload, points, at, first, lower, owner);
        points += at;
        n -= at;
        first += lower;
        parts -= lower;
    }
    for (size_t i = 0; i < n; i++)
        owner[points[i].key & mask] = first;
}

bool ffmk_start_halves(const struct ffmk_workload *workload, int32_t *owner)
{
    const uint64_t end = ffmk_workload_end(workload);
    struct point *points = malloc(end * sizeof *points);
    size_t n = 0;
    if (!points)
        return false;
    for (uint64_t id = 0; id < end; id++)
        if (ffmk_workload_has(workload, id))
            points[n++] = (struct point){id, (float)ffmk_workload_weight(workload, id, 0)};
    bisect(workload, points, n, 0, (int32_t)workload->ranks, owner);
    free(points);
    return true;
}
