/* SPDX-License-Identifier: BSD-3-Clause
 * Greedy selection by gain, in the manner of Fiduccia and Mattheyses (1982): candidates are pairs
 * of an item and a neighbouring rank in one heap; sending an item raises the gains of what it is
 * linked to, and makes new candidates. */
#include "balance/select.h"

#include "core/rng.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>

/* Units are the mean link weight. The pull towards the centres is what paid in our sequential
 * model; the home bonus breaks ties of cut in favour of less migration. */
static const double HOME_BONUS = 1.0;
static const double CENTRE_PULL = 0.5;

#define NOWHERE SIZE_MAX

/* An item that may go to a neighbour. */
struct candidate {
    size_t item;
    size_t neighbour;
    size_t heap_at; /* NOWHERE: not in the heap */
    double linked;  /* weight of the item's links to that neighbour */
    double pull;    /* the part of the gain that does not change */
};

struct work {
    struct ffmk_select *in;
    int *chosen;
    struct candidate
        *candidates;      /* those of an item begin at its first link: it has at most one a link */
    size_t *n_candidates; /* of each item */
    double *inner;        /* weight of each item's links that stay here */
    bool *linked;         /* of each neighbour: links led there before anything was sent */
    size_t *heap;
    size_t n_heap;
    size_t *order; /* items in the order in which to begin where there is no link */
    size_t stays;  /* the item that never goes, or NOWHERE */
    size_t n_left;
    double sent;
};

static const struct ffmk_graph_item *item_of(const struct work *work, size_t item)
{
    return &work->in->graph->items[item];
}

static double distance(const double a[3], const double b[3])
{
    return hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]);
}

/* What speaks for item → neighbour besides links. */
static double pull_of(const struct work *work, const struct ffmk_graph_item *item, size_t neighbour)
{
    const struct ffmk_select *in = work->in;
    double pull = 0;
    if (item->home == in->ranks[neighbour])
        pull += HOME_BONUS;
    else if (item->home == in->graph->rank)
        pull -= HOME_BONUS;
    const double *centre = in->centres + 4 * neighbour;
    if (item->placed && centre[3] > 0 && in->centre[3] > 0) {
        const double here = distance(item->position, in->centre);
        const double there = distance(item->position, centre);
        const double relative = (here - there) / (here + there);
        if (isfinite(relative)) /* not 0/0, and coordinates may be huge */
            pull += CENTRE_PULL * relative;
    }
    return pull;
}

static double gain_of(const struct work *work, const struct candidate *candidate)
{
    return (candidate->linked - work->inner[candidate->item]) / work->in->link_unit +
           candidate->pull;
}

static uint64_t lot(const struct work *work, size_t item)
{
    return ffmk_rng_mix(work->in->seed ^ ffmk_rng_mix(item_of(work, item)->id));
}

/* Strict order of candidates, so that the same graph gives the same choice. */
static bool before(const struct work *work, size_t left, size_t right)
{
    const struct candidate *a = &work->candidates[left];
    const struct candidate *b = &work->candidates[right];
    const double gain_a = gain_of(work, a);
    const double gain_b = gain_of(work, b);
    if (gain_a != gain_b)
        return gain_a > gain_b;
    const uint64_t lot_a = lot(work, a->item);
    const uint64_t lot_b = lot(work, b->item);
    if (lot_a != lot_b)
        return lot_a < lot_b;
    return a->neighbour < b->neighbour;
}

static void place(struct work *work, size_t at, size_t candidate)
{
    work->heap[at] = candidate;
    work->candidates[candidate].heap_at = at;
}

static void rise(struct work *work, size_t at)
{
    const size_t moving = work->heap[at];
    while (at > 0 && before(work, moving, work->heap[(at - 1) / 2])) {
        place(work, at, work->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(work, at, moving);
}

static void sink(struct work *work, size_t at)
{
    const size_t moving = work->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= work->n_heap)
            break;
        if (child + 1 < work->n_heap && before(work, work->heap[child + 1], work->heap[child]))
            child++;
        if (!before(work, work->heap[child], moving))
            break;
        place(work, at, work->heap[child]);
        at = child;
    }
    place(work, at, moving);
}

static void push(struct work *work, size_t candidate)
{
    work->heap[work->n_heap] = candidate;
    rise(work, work->n_heap++);
}

static size_t pop(struct work *work)
{
    const size_t best = work->heap[0];
    work->candidates[best].heap_at = NOWHERE;
    if (--work->n_heap > 0) {
        place(work, 0, work->heap[work->n_heap]);
        sink(work, 0);
    }
    return best;
}

/* The candidate item → neighbour, or NOWHERE. */
static size_t find_candidate(const struct work *work, size_t item, size_t neighbour)
{
    const size_t first = item_of(work, item)->first;
    for (size_t c = first; c < first + work->n_candidates[item]; c++)
        if (work->candidates[c].neighbour == neighbour)
            return c;
    return NOWHERE;
}

/* A link of `item` leads to `neighbour`. Not in the heap yet when new. */
static size_t add_linked(struct work *work, size_t item, size_t neighbour, double weight)
{
    size_t c = find_candidate(work, item, neighbour);
    if (c == NOWHERE) {
        c = item_of(work, item)->first + work->n_candidates[item]++;
        work->candidates[c] = (struct candidate){item, neighbour, NOWHERE, 0,
                                                 pull_of(work, item_of(work, item), neighbour)};
    }
    work->candidates[c].linked += weight;
    return c;
}

static size_t neighbour_of(const struct ffmk_select *in, int rank)
{
    size_t low = 0, high = in->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (in->ranks[middle] < rank)
            low = middle + 1;
        else
            high = middle;
    }
    return low < in->n && in->ranks[low] == rank ? low : NOWHERE;
}

static bool may_go(const struct work *work, size_t item, double flow)
{
    const double weight = item_of(work, item)->weight;
    if (item == work->stays || work->n_left <= 1 || weight > 2 * flow)
        return false;
    return work->sent == 0 || work->sent + weight <= work->in->load / 2;
}

static void send(struct work *work, size_t item, size_t neighbour)
{
    const struct ffmk_graph *graph = work->in->graph;
    const struct ffmk_graph_item *sent = item_of(work, item);
    work->chosen[item] = (int)neighbour;
    work->in->flow[neighbour] -= sent->weight;
    work->sent += sent->weight;
    work->n_left--;
    for (size_t k = sent->first; k < sent->first + sent->n_links; k++) {
        const struct ffmk_graph_link *link = &graph->links[k];
        const size_t other = ffmk_idmap_get(&graph->index, link->id);
        if (other == FFMK_IDMAP_NONE || work->chosen[other] != -1)
            continue;
        work->inner[other] -= link->weight;
        const unsigned known = (unsigned)work->n_candidates[other];
        const size_t fresh = add_linked(work, other, neighbour, link->weight);
        const size_t first = item_of(work, other)->first;
        /* All gains of `other` rose; what is not in the heap was too heavy before and stays out. */
        for (size_t c = first; c < first + work->n_candidates[other]; c++)
            if (work->candidates[c].heap_at != NOWHERE)
                rise(work, work->candidates[c].heap_at);
        if (work->n_candidates[other] > known && work->in->flow[neighbour] > 0)
            push(work, fresh);
    }
}

static void prepare(struct work *work)
{
    const struct ffmk_graph *graph = work->in->graph;
    for (size_t i = 0; i < graph->n; i++) {
        const struct ffmk_graph_item *item = &graph->items[i];
        work->chosen[i] = -1;
        for (size_t k = item->first; k < item->first + item->n_links; k++) {
            const struct ffmk_graph_link *link = &graph->links[k];
            if (link->rank == graph->rank) {
                work->inner[i] += link->weight;
                continue;
            }
            const size_t neighbour = neighbour_of(work->in, link->rank);
            if (neighbour != NOWHERE) {
                add_linked(work, i, neighbour, link->weight);
                work->linked[neighbour] = true;
            }
        }
    }
    work->n_left = graph->n;

    /* The heaviest item of a rank that alone reaches the limit has to be somewhere: it stays. */
    work->stays = NOWHERE;
    for (size_t i = 0; i < graph->n; i++)
        if (graph->items[i].weight >= work->in->limit * (1 - 1e-9) &&
            (work->stays == NOWHERE || graph->items[i].weight > graph->items[work->stays].weight))
            work->stays = i;
}

/* Follow the links: the best candidate that fits, again and again. */
static void fill_linked(struct work *work)
{
    while (work->n_heap > 0) {
        const struct candidate *best = &work->candidates[pop(work)];
        if (work->chosen[best->item] != -1)
            continue;
        const bool weightless = item_of(work, best->item)->weight == 0;
        if (weightless && gain_of(work, best) <= 0)
            continue; /* fills no flow and saves no cut */
        if (work->in->flow[best->neighbour] > 0 &&
            may_go(work, best->item, work->in->flow[best->neighbour]))
            send(work, best->item, best->neighbour);
    }
}

/* Where to begin when nothing is linked to a neighbour: items with little holding them here, loners
 * first. */
static int compare_seeds(const void *a, const void *b, void *context)
{
    const struct work *work = context;
    const size_t left = *(const size_t *)a;
    const size_t right = *(const size_t *)b;
    const bool foreign_left = item_of(work, left)->home != work->in->graph->rank;
    const bool foreign_right = item_of(work, right)->home != work->in->graph->rank;
    if (foreign_left != foreign_right)
        return foreign_left ? -1 : 1;
    if (work->inner[left] != work->inner[right])
        return work->inner[left] < work->inner[right] ? -1 : 1;
    const uint64_t lot_left = lot(work, left);
    const uint64_t lot_right = lot(work, right);
    return (lot_left > lot_right) - (lot_left < lot_right);
}

/* Flow to where no link leads, or, above the limit, that the links could not fill: begin with an
 * item and let its links follow. */
static void fill_unlinked(struct work *work)
{
    const struct ffmk_graph *graph = work->in->graph;
    for (size_t i = 0; i < graph->n; i++)
        work->order[i] = i;
    if (graph->n > 1)
        qsort_r(work->order, graph->n, sizeof *work->order, compare_seeds, work);
    for (size_t neighbour = 0; neighbour < work->in->n; neighbour++) {
        if (work->linked[neighbour] && work->in->load - work->sent <= work->in->limit)
            continue;
        for (size_t i = 0; i < graph->n && work->in->flow[neighbour] > 0; i++) {
            const size_t item = work->order[i];
            if (work->chosen[item] != -1 || item_of(work, item)->weight == 0 ||
                !may_go(work, item, work->in->flow[neighbour]))
                continue;
            send(work, item, neighbour);
            fill_linked(work);
        }
    }
}

/* Each edge's flow may be too small for an item while their sum is not. Each edge takes at most one
 * item so. */
static void fill_pooled(struct work *work)
{
    struct ffmk_select *in = work->in;
    double pool = 0;
    for (size_t k = 0; k < in->n; k++)
        if (in->flow[k] > 0)
            pool += in->flow[k];
    while (pool > 0 && in->load - work->sent > in->limit) {
        size_t widest = NOWHERE;
        for (size_t k = 0; k < in->n; k++)
            if (in->flow[k] > 0 && (widest == NOWHERE || in->flow[k] > in->flow[widest]))
                widest = k;
        if (widest == NOWHERE)
            return;
        size_t best = NOWHERE;
        double best_gain = 0;
        for (size_t i = 0; i < in->graph->n; i++) {
            if (work->chosen[i] != -1 || item_of(work, i)->weight == 0 || !may_go(work, i, pool))
                continue;
            const size_t c = find_candidate(work, i, widest);
            const double gain = c != NOWHERE ? gain_of(work, &work->candidates[c])
                                             : pull_of(work, item_of(work, i), widest) -
                                                   work->inner[i] / in->link_unit;
            if (best == NOWHERE || gain > best_gain ||
                (gain == best_gain && lot(work, i) < lot(work, best))) {
                best = i;
                best_gain = gain;
            }
        }
        if (best == NOWHERE)
            return;
        pool -= item_of(work, best)->weight;
        send(work, best, widest);
        in->flow[widest] = in->flow[widest] < 0 ? in->flow[widest] : 0;
    }
}

static bool sends_anything(const struct ffmk_select *in)
{
    for (size_t k = 0; k < in->n; k++)
        if (in->flow[k] > 0)
            return true;
    return false;
}

int ffmk_select(struct ffmk_select *select, int *chosen)
{
    const struct ffmk_graph *graph = select->graph;
    if (!sends_anything(select)) {
        for (size_t i = 0; i < graph->n; i++)
            chosen[i] = -1;
        return FFMK_SUCCESS;
    }
    struct work work = {.in = select,
                        .chosen = chosen,
                        .candidates = malloc((graph->n_links + 1) * sizeof *work.candidates),
                        .n_candidates = calloc(graph->n + 1, sizeof *work.n_candidates),
                        .inner = calloc(graph->n + 1, sizeof *work.inner),
                        .linked = calloc(select->n + 1, sizeof *work.linked),
                        .heap = malloc((graph->n_links + 1) * sizeof *work.heap),
                        .order = malloc((graph->n + 1) * sizeof *work.order)};
    int code = FFMK_ERR_NO_MEMORY;
    if (work.candidates && work.n_candidates && work.inner && work.linked && work.heap &&
        work.order) {
        prepare(&work);
        for (size_t i = 0; i < graph->n; i++)
            for (size_t c = graph->items[i].first; c < graph->items[i].first + work.n_candidates[i];
                 c++)
                if (select->flow[work.candidates[c].neighbour] > 0)
                    push(&work, c);
        fill_linked(&work);
        fill_unlinked(&work);
        fill_pooled(&work);
        code = FFMK_SUCCESS;
    }
    free(work.candidates);
    free(work.n_candidates);
    free(work.inner);
    free(work.linked);
    free(work.heap);
    free(work.order);
    return code;
}
