/* SPDX-License-Identifier: BSD-3-Clause
 * Partners, and bands of items along the borders to them. */
#include "balance/border.h"

#include "core/spare.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

static int compare_partners(const void *a, const void *b)
{
    const int32_t left = ((const struct ffmk_partner *)a)->part;
    const int32_t right = ((const struct ffmk_partner *)b)->part;
    return (left > right) - (left < right);
}

static struct ffmk_partner *append(struct ffmk_border *border, int32_t part)
{
    if (border->n == border->capacity) {
        const uint32_t capacity = border->capacity + border->capacity / 2 + 8;
        struct ffmk_partner *partners =
            ffmk_spare_realloc(border->partners, capacity * sizeof *border->partners);
        if (!partners)
            return NULL;
        border->partners = partners;
        border->capacity = capacity;
    }
    if (!ffmk_idmap_put(&border->index, (uint64_t)part, border->n))
        return NULL;
    struct ffmk_partner *partner = &border->partners[border->n++];
    *partner = (struct ffmk_partner){.part = part, .touched = FFMK_GRAPH_NONE};
    return partner;
}

/* Ascending, whatever was added. */
static void sort(struct ffmk_border *border)
{
    if (border->n > 1)
        qsort(border->partners, border->n, sizeof *border->partners, compare_partners);
    for (uint32_t k = 0; k < border->n; k++)
        ffmk_idmap_put(&border->index, (uint64_t)border->partners[k].part,
                       k); /* known already: cannot fail */
}

uint32_t ffmk_border_partner(const struct ffmk_border *border, int32_t part)
{
    const size_t place = ffmk_idmap_get(&border->index, (uint64_t)part);
    return place == FFMK_IDMAP_NONE ? FFMK_GRAPH_NONE : (uint32_t)place;
}

/* An item of ours is linked to one that the partner holds. */
static int touch(struct ffmk_border *border, uint32_t partner, uint32_t item, double weight)
{
    uint32_t *first = &border->partners[partner].touched;
    border->partners[partner].linked += weight;
    if (*first != FFMK_GRAPH_NONE && border->touches[*first].item == item) {
        border->touches[*first].gain += weight;
        return FFMK_SUCCESS;
    }
    if (border->n_touches == border->touches_capacity) {
        const uint32_t capacity = border->touches_capacity + border->touches_capacity / 2 + 16;
        struct ffmk_touch *touches =
            ffmk_spare_realloc(border->touches, capacity * sizeof *border->touches);
        if (!touches)
            return FFMK_ERR_NO_MEMORY;
        border->touches = touches;
        border->touches_capacity = capacity;
    }
    border->touches[border->n_touches] = (struct ffmk_touch){item, *first, weight};
    *first = border->n_touches++;
    return FFMK_SUCCESS;
}

/* Partners by part, the last one met of each kind: most links lead where one did a moment ago. */
enum { RECENT = 32 };

/* The place of a part, as a partner from now on; or FFMK_GRAPH_NONE when memory ran out. */
static uint32_t find_partner(struct ffmk_border *border, uint32_t recent[RECENT], int32_t part)
{
    uint32_t *at = &recent[(uint32_t)part % RECENT];
    if (*at < border->n && border->partners[*at].part == part)
        return *at;
    *at = ffmk_border_partner(border, part);
    if (*at == FFMK_GRAPH_NONE) {
        struct ffmk_partner *partner = append(border, part);
        if (!partner)
            return FFMK_GRAPH_NONE;
        partner->restless = true;
        partner->patience = FFMK_BORDER_PATIENCE;
        *at = border->n - 1;
    }
    return *at;
}

static int find_partners(struct ffmk_border *border, struct ffmk_graph *graph)
{
    uint32_t recent[RECENT] = {0};
    for (uint32_t i = 0; i < graph->n_places; i++) {
        const struct ffmk_graph_item *item = &graph->items[i];
        if (!ffmk_graph_is_held(graph, i))
            continue;
        const struct ffmk_graph_link *end = graph->links + item->first + item->n_links;
        const uint32_t first_touch = border->n_touches;
        double inside = 0;
        for (const struct ffmk_graph_link *link = end - item->n_links; link < end; link++) {
            struct ffmk_vertex *other = &graph->vertices[link->vertex];
            if (ffmk_vertex_is_held(other)) {
                inside += (double)link->weight;
                continue;
            }
            other->held = FFMK_GRAPH_NONE;
            if (other->part == graph->part)
                continue; /* there was no memory for it */
            const uint32_t k = find_partner(border, recent, other->part);
            if (k == FFMK_GRAPH_NONE)
                return FFMK_ERR_NO_MEMORY;
            const int code = touch(border, k, i, (double)link->weight);
            if (code)
                return code;
        }
        for (uint32_t t = first_touch; t < border->n_touches; t++)
            border->touches[t].gain -= inside;
    }
    return FFMK_SUCCESS;
}

/* What a pass made of a partner; what is known of it stays. */
static void begin_anew(struct ffmk_partner *partner)
{
    partner->linked = 0;
    partner->flow = NULL;
    partner->news.length = 0;
    partner->touched = FFMK_GRAPH_NONE;
    partner->gave = partner->got = false;
    if (partner->patience > 0)
        partner->patience--;
}

/* Those that nothing is linked to are none. \return whether there were any. */
static bool drop_unlinked(struct ffmk_border *border)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < border->n; k++) {
        struct ffmk_partner *partner = &border->partners[k];
        if (partner->touched == FFMK_GRAPH_NONE) {
            ffmk_idmap_remove(&border->index, (uint64_t)partner->part);
            ffmk_wire_free(&partner->news);
        } else {
            border->partners[n++] = *partner;
        }
    }
    const bool any = n < border->n;
    border->n = n;
    return any;
}

/* Flows in the order of the partners: 0 of those that had none. \return false without memory. */
static bool lay_out_flows(struct ffmk_border *border)
{
    const size_t n_weights = border->n_weights;
    double *flows = ffmk_spare_calloc((border->n + 1ul) * n_weights, sizeof *flows);
    if (!flows)
        return false;
    for (uint32_t k = 0; k < border->n; k++) {
        struct ffmk_partner *partner = &border->partners[k];
        if (partner->flow)
            memcpy(&flows[k * n_weights], partner->flow, n_weights * sizeof *flows);
        partner->flow = &flows[k * n_weights];
    }
    free(border->flows);
    border->flows = flows;
    return true;
}

static void drop_all(struct ffmk_border *border)
{
    for (uint32_t k = 0; k < border->n; k++)
        border->partners[k].touched = FFMK_GRAPH_NONE;
    drop_unlinked(border);
}

int ffmk_border_find(struct ffmk_border *border, struct ffmk_graph *graph)
{
    const uint32_t n_known = border->n;
    for (uint32_t k = 0; k < n_known; k++)
        begin_anew(&border->partners[k]);
    border->n_touches = 0;
    border->n_weights = graph->n_weights;
    const int code = find_partners(border, graph);
    const bool more = border->n > n_known;
    if (drop_unlinked(border) || more)
        sort(border);
    if (lay_out_flows(border))
        return code;
    drop_all(border);
    return FFMK_ERR_NO_MEMORY;
}

int ffmk_border_join(struct ffmk_border *border, const struct ffmk_border_extra *extra)
{
    struct ffmk_partner *partner = append(border, extra->part);
    if (!partner)
        return FFMK_ERR_NO_MEMORY;
    if (!lay_out_flows(border)) {
        ffmk_idmap_remove(&border->index, (uint64_t)extra->part);
        border->n--;
        return FFMK_ERR_NO_MEMORY;
    }
    memcpy(partner->flow, extra->flow, border->n_weights * sizeof *partner->flow);
    partner->restless = true;
    sort(border);
    return FFMK_SUCCESS;
}

/* Room for marks of all places. */
static bool reserve_marks(struct ffmk_border *border, const struct ffmk_graph *graph)
{
    if (graph->n_places <= border->mark_capacity)
        return true;
    const uint32_t capacity = graph->n_places + graph->n_places / 8 + 16;
    uint32_t *mark = ffmk_spare_realloc(border->mark, capacity * sizeof *mark);
    if (!mark)
        return false;
    memset(mark + border->mark_capacity, 0, (capacity - border->mark_capacity) * sizeof *mark);
    border->mark = mark;
    border->mark_capacity = capacity;
    return true;
}

static void clear(struct ffmk_border *border)
{
    for (uint32_t q = 0; q < border->n_band; q++)
        border->mark[border->band[q]] = 0;
    border->n_band = 0;
}

struct band {
    struct ffmk_border *border;
    struct ffmk_graph *graph;
    double load[FFMK_GRAPH_WEIGHTS];
    double grain, fine; /* load of items that are less than half a grain */
    bool failed;
};

static bool may_go(const struct ffmk_graph_item *item)
{
    return !item->moved && !item->pinned && !item->offered;
}

static void take(struct band *band, uint32_t item)
{
    struct ffmk_border *border = band->border;
    const struct ffmk_graph_item *it = &band->graph->items[item];
    if (border->mark[item] != 0 || !may_go(it))
        return;
    if (border->n_band == border->band_capacity) {
        const uint32_t capacity = 2 * border->band_capacity + 16;
        uint32_t *more = ffmk_spare_realloc(border->band, capacity * sizeof *more);
        if (!more) {
            band->failed = true;
            return;
        }
        border->band = more;
        border->band_capacity = capacity;
    }
    border->band[border->n_band++] = item;
    border->mark[item] = border->n_band;
    const double *weights = ffmk_graph_weights(band->graph, item);
    band->fine += weights[0] <= band->grain / 2 ? weights[0] : 0;
    for (unsigned d = 0; d < band->graph->n_weights; d++)
        band->load[d] += weights[d];
}

/* Take what an item is linked to, and wake it for that. */
static void take_linked(struct band *band, uint32_t item)
{
    struct ffmk_graph *graph = band->graph;
    for (uint32_t k = 0; k < graph->items[item].n_links && !band->failed; k++) {
        const uint32_t vertex = graph->links[graph->items[item].first + k].vertex;
        if (!ffmk_vertex_is_held(&graph->vertices[vertex]))
            continue;
        const uint32_t place = ffmk_graph_awaken(graph, vertex);
        band->failed = place == FFMK_GRAPH_NONE || !reserve_marks(band->border, graph);
        if (!band->failed)
            take(band, place);
    }
}

static bool suffices(const struct band *band, const double *load)
{
    for (unsigned d = 0; d < band->graph->n_weights; d++)
        if (load[d] > 0 && band->load[d] < 2 * load[d])
            return false;
    return band->fine >= 2 * band->grain;
}

/* Where to begin when nothing leads to the partner: what is held here by the least weight of
 * links. */
struct seed {
    double held;
    uint64_t id;
    uint32_t item;
};

static int compare_seeds(const void *a, const void *b)
{
    const struct seed *left = a;
    const struct seed *right = b;
    if (left->held != right->held)
        return left->held < right->held ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

/* All that could be, the best first; to be freed. NULL when memory ran out. */
static struct seed *find_seeds(struct band *band, uint32_t *n_p)
{
    struct ffmk_graph *graph = band->graph;
    if (!ffmk_graph_awaken_all(graph) || !reserve_marks(band->border, graph))
        return NULL;
    struct seed *seeds = ffmk_spare_malloc((graph->n_awake + 1ul) * sizeof *seeds);
    uint32_t n = 0;
    for (uint32_t i = 0; i < graph->n_places && seeds; i++) {
        const struct ffmk_graph_item *item = &graph->items[i];
        if (!ffmk_graph_is_held(graph, i) || !may_go(item))
            continue;
        struct seed seed = {.id = ffmk_graph_id(graph, i), .item = i};
        for (uint32_t k = item->first; k < item->first + item->n_links; k++)
            if (graph->vertices[graph->links[k].vertex].part == graph->part)
                seed.held += (double)graph->links[k].weight;
        seeds[n++] = seed;
    }
    if (n > 1)
        qsort(seeds, n, sizeof *seeds, compare_seeds);
    *n_p = n;
    return seeds;
}

/* Take what is linked to items of the band, layer by layer; behind them, where `needs`, seeds and
 * what is linked to these. */
static void extend(struct band *band, const double *load, bool needs)
{
    const struct ffmk_border *border = band->border;
    struct seed *seeds = NULL;
    uint32_t n_seeds = 0, seed = 0, at = 0;
    while (!band->failed && !suffices(band, load)) {
        const uint32_t end = border->n_band;
        for (; at < end && !band->failed; at++)
            take_linked(band, border->band[at]);
        if (border->n_band > end)
            continue;
        if (!needs)
            break;
        if (!seeds && !(seeds = find_seeds(band, &n_seeds))) {
            band->failed = true;
            break;
        }
        while (seed < n_seeds && border->mark[seeds[seed].item] != 0)
            seed++;
        if (seed == n_seeds)
            break;
        take(band, seeds[seed++].item);
    }
    free(seeds);
}

int ffmk_border_band(struct ffmk_border *border, struct ffmk_graph *graph, uint32_t partner,
                     const double *load, double grain, bool needs)
{
    struct band band = {.border = border, .graph = graph, .grain = grain};
    clear(border);
    if (!reserve_marks(border, graph))
        return FFMK_ERR_NO_MEMORY;
    /* Its links lead there still, if it is here still: the two parts did not meet yet. */
    for (uint32_t t = border->partners[partner].touched; t != FFMK_GRAPH_NONE && !band.failed;
         t = border->touches[t].next)
        if (ffmk_graph_is_held(graph, border->touches[t].item))
            take(&band, border->touches[t].item);
    extend(&band, load, needs);
    return band.failed ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
}

void ffmk_border_free(struct ffmk_border *border)
{
    for (uint32_t k = 0; k < border->n; k++)
        ffmk_wire_free(&border->partners[k].news);
    ffmk_idmap_free(&border->index);
    free(border->partners);
    free(border->flows);
    free(border->touches);
    free(border->band);
    free(border->mark);
    *border = (struct ffmk_border){0};
}
