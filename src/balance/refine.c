/* SPDX-License-Identifier: BSD-3-Clause
 * The pair of queues, the walk, and the way back. What does not fit at the moment is set aside
 * until the other side gave something. */
#include "balance/refine.h"

#include "balance/graph.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Of one side. */
struct queue {
    uint32_t *heap; /* items, the best first; behind them, from the end, what was set aside */
    uint32_t n, n_aside;
    uint32_t size;
    double lightest[FFMK_GRAPH_WEIGHTS];
    double lightest_aside[FFMK_GRAPH_WEIGHTS];
};

struct walk {
    struct ffmk_refine *in;
    struct queue queue[2];
    uint32_t *at;       /* of each item: place in its heap + 1; 0: not there */
    uint32_t *sequence; /* items in the order in which they moved */
    double excess;      /* above the limits, and items that are missing */
    double excess_of[2];
};

/* A load so little above its limit is at it. */
static const double ROUNDING = 1e-12;

static bool before(const struct walk *walk, uint32_t a, uint32_t b)
{
    const struct ffmk_refine_item *left = &walk->in->items[a], *right = &walk->in->items[b];
    return left->score != right->score ? left->score > right->score : left->lot < right->lot;
}

static void place(struct walk *walk, struct queue *queue, uint32_t at, uint32_t item)
{
    queue->heap[at] = item;
    walk->at[item] = at + 1;
}

static void rise(struct walk *walk, struct queue *queue, uint32_t at)
{
    const uint32_t item = queue->heap[at];
    while (at > 0 && before(walk, item, queue->heap[(at - 1) / 2])) {
        place(walk, queue, at, queue->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(walk, queue, at, item);
}

static void sink(struct walk *walk, struct queue *queue, uint32_t at)
{
    const uint32_t item = queue->heap[at];
    for (uint32_t child; (child = 2 * at + 1) < queue->n; at = child) {
        if (child + 1 < queue->n && before(walk, queue->heap[child + 1], queue->heap[child]))
            child++;
        if (!before(walk, queue->heap[child], item))
            break;
        place(walk, queue, at, queue->heap[child]);
    }
    place(walk, queue, at, item);
}

static void push(struct walk *walk, struct queue *queue, uint32_t item)
{
    queue->heap[queue->n++] = item;
    rise(walk, queue, queue->n - 1);
}

static void pop(struct walk *walk, struct queue *queue)
{
    walk->at[queue->heap[0]] = 0;
    if (--queue->n > 0) {
        queue->heap[0] = queue->heap[queue->n];
        sink(walk, queue, 0);
    }
}

static void set_aside(struct walk *walk, struct queue *queue)
{
    const uint32_t item = queue->heap[0];
    pop(walk, queue);
    for (unsigned d = 0; d < walk->in->n_weights; d++)
        if (queue->n_aside == 0 || walk->in->weights[item][d] < queue->lightest_aside[d])
            queue->lightest_aside[d] = walk->in->weights[item][d];
    queue->heap[queue->size - ++queue->n_aside] = item;
}

static void take_back(struct walk *walk, struct queue *queue)
{
    while (queue->n_aside > 0) {
        const uint32_t item = queue->heap[queue->size - queue->n_aside--];
        push(walk, queue, item);
    }
}

static double excess_of(const struct ffmk_refine *in, const struct ffmk_refine_side *side,
                        double sign, const double *moving, int more_items)
{
    double excess = 0;
    for (unsigned d = 0; d < in->n_weights; d++) {
        const double above = side->load[d] + (moving ? sign * moving[d] : 0) - side->limit[d];
        if (above > ROUNDING * side->limit[d])
            excess += above / in->unit[d];
    }
    const int64_t missing = (int64_t)side->n_least - (int64_t)side->n - more_items;
    return missing > 0 ? excess + (double)missing : excess;
}

/* What would be above the limits, were an item on the other side. */
static double excess_after(const struct ffmk_refine *in, uint32_t item)
{
    const int from = in->items[item].side;
    const double *weights = in->weights[item];
    return excess_of(in, &in->side[from], -1, weights, -1) +
           excess_of(in, &in->side[!from], 1, weights, 1);
}

static void measure(struct walk *walk)
{
    for (int s = 0; s < 2; s++)
        walk->excess_of[s] = excess_of(walk->in, &walk->in->side[s], 0, NULL, 0);
    walk->excess = walk->excess_of[0] + walk->excess_of[1];
}

static bool fits(const struct ffmk_refine *in, const struct ffmk_refine_side *to,
                 const double *weights)
{
    for (unsigned d = 0; d < in->n_weights; d++)
        if (to->load[d] + weights[d] > to->limit[d] * (1 + ROUNDING))
            return false;
    return true;
}

/* With nothing above limits, the way may lead through less than this above them, in means. */
static const double TRADED = 0.5;

/* Nothing of this side can go: there is too much on the other one alone, or not even the lightest
 * fits there, and none is worth a trade. */
static bool is_shut(const struct walk *walk, int from)
{
    const struct ffmk_refine *in = walk->in;
    const struct queue *queue = &walk->queue[from];
    if (walk->excess > 0)
        return walk->excess_of[from] == 0 && in->side[!from].n >= in->side[!from].n_least;
    return queue->n == 0 || (in->items[queue->heap[0]].score <= in->trade &&
                             !fits(in, &in->side[!from], queue->lightest));
}

static bool may_go(const struct walk *walk, uint32_t item)
{
    const double after = excess_after(walk->in, item);
    if (walk->excess > 0)
        return after < walk->excess * (1 - ROUNDING);
    return after == 0 || (after < TRADED && walk->in->items[item].score > walk->in->trade);
}

/* The best item of a side that may go, first in its queue afterwards. */
static bool find(struct walk *walk, int from)
{
    struct queue *queue = &walk->queue[from];
    if (is_shut(walk, from))
        return false;
    while (queue->n > 0) {
        if (may_go(walk, queue->heap[0]))
            return true;
        set_aside(walk, queue);
    }
    return false;
}

static void change_side(struct ffmk_refine *in, uint32_t item)
{
    struct ffmk_refine_item *it = &in->items[item];
    const int from = it->side;
    for (unsigned d = 0; d < in->n_weights; d++) {
        in->side[from].load[d] -= in->weights[item][d];
        in->side[!from].load[d] += in->weights[item][d];
    }
    in->side[from].n--;
    in->side[!from].n++;
    it->side = (uint8_t)!from;
    it->score = -it->score;
    for (uint32_t k = it->first; k < it->first + it->n_links; k++) {
        struct ffmk_refine_item *other = &in->items[in->links[k].item];
        const double twice = 2 * (double)in->links[k].weight;
        other->score += other->side == it->side ? -twice : twice;
    }
}

static void step(struct walk *walk, int from)
{
    struct ffmk_refine *in = walk->in;
    const uint32_t item = walk->queue[from].heap[0];
    pop(walk, &walk->queue[from]);
    change_side(in, item);
    for (uint32_t k = in->items[item].first; k < in->items[item].first + in->items[item].n_links;
         k++) {
        const uint32_t other = in->links[k].item;
        if (walk->at[other] == 0)
            continue;
        struct queue *queue = &walk->queue[in->items[other].side];
        const uint32_t at = walk->at[other] - 1;
        if (in->items[other].side == from)
            rise(walk, queue, at);
        else
            sink(walk, queue, at);
    }
    const bool was_above = walk->excess > 0;
    struct queue *back = &walk->queue[!from];
    measure(walk);
    if (was_above || walk->excess > 0 || fits(in, &in->side[from], back->lightest_aside))
        take_back(walk, back);
}

/* The queues, but for their order. \return the best score. */
static double fill(struct walk *walk)
{
    double best = -INFINITY;
    const struct ffmk_refine *in = walk->in;
    for (int s = 0; s < 2; s++) {
        walk->queue[s].n = walk->queue[s].n_aside = 0;
        walk->queue[s].size = in->n;
        for (unsigned d = 0; d < in->n_weights; d++)
            walk->queue[s].lightest[d] = INFINITY;
    }
    for (uint32_t i = 0; i < in->n; i++)
        walk->at[i] = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        struct queue *queue = &walk->queue[in->items[i].side];
        for (unsigned d = 0; d < in->n_weights; d++)
            if (in->weights[i][d] < queue->lightest[d])
                queue->lightest[d] = in->weights[i][d];
        place(walk, queue, queue->n++, i);
        best = in->items[i].score > best ? in->items[i].score : best;
    }
    return best;
}

static void order(struct walk *walk)
{
    for (int s = 0; s < 2; s++)
        for (uint32_t at = walk->queue[s].n / 2; at-- > 0;)
            sink(walk, &walk->queue[s], at);
}

/* Swaps: when no single item can go, two may change places. */

enum { SWAPS_MOST = 16, PARTNERS = 6, WALKS_MOST = 2 };

static int compare_weights(const void *a, const void *b, void *context)
{
    const struct ffmk_refine *in = context;
    const uint32_t item_a = *(const uint32_t *)a, item_b = *(const uint32_t *)b;
    const double left = in->weights[item_a][0], right = in->weights[item_b][0];
    if (left != right)
        return left < right ? -1 : 1;
    return in->items[item_a].lot < in->items[item_b].lot ? -1 : 1;
}

struct swap {
    uint32_t gives, gets;
    double excess, score;
};

static uint64_t lots_of(const struct ffmk_refine *in, const struct swap *swap)
{
    return in->items[swap->gives].lot ^ in->items[swap->gets].lot;
}

static void consider(const struct walk *walk, int from, uint32_t gives, uint32_t gets,
                     struct swap *best)
{
    const struct ffmk_refine *in = walk->in;
    double difference[FFMK_GRAPH_WEIGHTS];
    for (unsigned d = 0; d < in->n_weights; d++)
        difference[d] = in->weights[gives][d] - in->weights[gets][d];
    const struct swap swap = {gives, gets,
                              excess_of(in, &in->side[from], -1, difference, 0) +
                                  excess_of(in, &in->side[!from], 1, difference, 0),
                              in->items[gives].score + in->items[gets].score};
    const bool ties =
        swap.excess <= best->excess && swap.score == best->score && best->score > -INFINITY;
    if (swap.excess < best->excess * (1 - ROUNDING) ||
        (swap.excess <= best->excess && swap.score > best->score) ||
        (ties && lots_of(in, &swap) < lots_of(in, best)))
        *best = swap;
}

/* Look for what differs by as much as is too much here, in the first of the weights. */
static bool swap_one(struct walk *walk, double *gained_p)
{
    struct ffmk_refine *in = walk->in;
    const int from = walk->excess_of[1] > walk->excess_of[0];
    const double above = in->side[from].load[0] - in->side[from].limit[0];
    uint32_t *there = walk->queue[0].heap, n_there = 0;
    for (uint32_t i = 0; i < in->n; i++)
        if (in->items[i].side != from)
            there[n_there++] = i;
    if (n_there == 0)
        return false;
    qsort_r(there, n_there, sizeof *there, compare_weights, in);
    struct swap best = {.excess = walk->excess, .score = -INFINITY};
    const double before = best.excess;
    for (uint32_t i = 0; i < in->n; i++) {
        if (in->items[i].side != from)
            continue;
        const double most = in->weights[i][0] - above; /* what may come in its place */
        uint32_t low = 0;
        for (uint32_t high = n_there; low < high;) {
            const uint32_t middle = low + (high - low) / 2;
            if (in->weights[there[middle]][0] <= most)
                low = middle + 1;
            else
                high = middle;
        }
        const uint32_t end = low + 1 < n_there ? low + 1 : n_there;
        for (uint32_t t = end > PARTNERS ? end - PARTNERS : 0; t < end; t++)
            consider(walk, from, i, there[t], &best);
    }
    if (!(best.excess < before * (1 - ROUNDING)))
        return false;
    *gained_p += in->items[best.gives].score;
    change_side(in, best.gives);
    *gained_p += in->items[best.gets].score;
    change_side(in, best.gets);
    measure(walk);
    return true;
}

/* Mixing: an item goes over, and several lighter ones come back. */

enum { MIXES_MOST = 8 };

static uint32_t heaviest_of(const struct walk *walk, int side)
{
    const struct ffmk_refine *in = walk->in;
    uint32_t best = in->n;
    for (uint32_t i = 0; i < in->n; i++)
        if (in->items[i].side == side &&
            (best == in->n || in->weights[i][0] > in->weights[best][0] ||
             (in->weights[i][0] == in->weights[best][0] && before(walk, i, best))))
            best = i;
    return best;
}

/* The best of the lighter ones, of so much load that then as much is above the limit here as there.
 * It has to make the sides more alike, and no load above a limit larger. */
static bool mix_one(struct walk *walk, double *gained_p)
{
    struct ffmk_refine *in = walk->in;
    const int from = in->squares[1] > in->squares[0];
    const struct ffmk_refine_side *here = &in->side[from], *there = &in->side[!from];
    const uint32_t heavy = heaviest_of(walk, from);
    if (heavy == in->n)
        return false;
    const double weight = in->weights[heavy][0], excess = walk->excess;
    const double apart = (here->load[0] - here->limit[0] - there->load[0] + there->limit[0]) / 2;
    const double most = weight - fmin(fmax(apart, 0), weight);
    double sum = 0, squares = 0, score = in->items[heavy].score;
    uint32_t n_moves = 0;
    change_side(in, heavy);
    walk->sequence[n_moves++] = heavy;
    fill(walk);
    order(walk);
    for (struct queue *queue = &walk->queue[!from]; queue->n > 0 && sum < most;) {
        const uint32_t item = queue->heap[0];
        const double light = in->weights[item][0];
        if (!(light > 0) || light > weight / 2 || sum + light > most) {
            pop(walk, queue);
            continue;
        }
        score += in->items[item].score;
        step(walk, !from);
        walk->sequence[n_moves++] = item;
        sum += light;
        squares += light * light;
    }
    measure(walk);
    const double less = weight * weight - squares;
    if (sum >= most / 2 && less < in->squares[from] - in->squares[!from] &&
        walk->excess <= excess * (1 + ROUNDING)) {
        in->squares[from] -= less;
        in->squares[!from] += less;
        *gained_p += score;
        return true;
    }
    while (n_moves > 0)
        change_side(in, walk->sequence[--n_moves]);
    measure(walk);
    return false;
}

/* Go from item to item, as long as it pays or might, and back to the best that was met. \return
 * whether that is another place than the first. */
static bool go_once(struct walk *walk, double *gained_p)
{
    struct ffmk_refine *in = walk->in;
    double sum = 0, best = 0, least = walk->excess;
    uint32_t n_moves = 0, n_best = 0;
    if (fill(walk) < in->hope && walk->excess == 0)
        return false;
    order(walk);
    while (n_moves - n_best <= in->patience && best - sum <= in->depth) {
        const bool found[2] = {find(walk, 0), find(walk, 1)};
        if (!found[0] && !found[1])
            break;
        const int from =
            !found[0] || (found[1] && before(walk, walk->queue[1].heap[0], walk->queue[0].heap[0]));
        const uint32_t item = walk->queue[from].heap[0];
        sum += in->items[item].score;
        step(walk, from);
        walk->sequence[n_moves++] = item;
        if (walk->excess < least * (1 - ROUNDING) || (walk->excess <= least && sum > best)) {
            least = walk->excess;
            best = sum;
            n_best = n_moves;
        }
    }
    while (n_moves > n_best)
        change_side(in, walk->sequence[--n_moves]);
    measure(walk);
    *gained_p += best;
    return n_best > 0;
}

void ffmk_refine(struct ffmk_refine *in)
{
    const size_t n = in->n;
    struct walk walk = {.in = in,
                        .queue = {{.heap = in->scratch}, {.heap = in->scratch + n}},
                        .at = in->scratch + 2 * n,
                        .sequence = in->scratch + 3 * n};
    measure(&walk);
    in->improved = 0;
    for (int walks = 0; walks < WALKS_MOST; walks++) {
        bool changed = go_once(&walk, &in->improved);
        for (int swaps = 0; swaps < SWAPS_MOST && walk.excess > 0; swaps++) {
            if (!swap_one(&walk, &in->improved))
                break;
            changed = true;
        }
        if (!changed || walk.excess == 0)
            break;
    }
    for (int mixes = 0; in->mixes && mixes < MIXES_MOST; mixes++)
        if (!mix_one(&walk, &in->improved))
            break;
}
