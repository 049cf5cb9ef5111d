/* SPDX-License-Identifier: BSD-3-Clause
 * Links and scores of the items along a border. */
#include "balance/court.h"

#include "core/rng.h"
#include "core/spare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of 2,100 walks on the moving hot spot that would have begun with a step worse than this, in mean
 * links, 44 came to anything. */
static const double HOPE = -1;

/* Nor does one that has lost more than this come to more than it found before. */
static const double DEPTH = 3;

/* An item that gains more than this goes over although it does not fit, if something comes back. */
static const double TRADE = 0.5;

/* What speaks for an item's going to a part because it comes from there, or against it because it
 * comes from here. */
static double price_of(const struct ffmk_meeting *meeting, int32_t origin, int32_t to,
                       const double *weights)
{
    if (origin != to && origin != meeting->graph->part)
        return 0;
    double cost = 0;
    for (unsigned d = 0; d < meeting->rules->n_shared; d++)
        cost += weights[d] * meeting->price[d];
    return origin == to ? cost : -cost;
}

bool ffmk_court_is_quiet(const struct ffmk_meeting *meeting, int32_t part)
{
    const struct ffmk_graph *graph = meeting->graph;
    const struct ffmk_border *border = meeting->border;
    const struct ffmk_rules *rules = meeting->rules;
    const double least = (HOPE - rules->pull / 2) * meeting->scale->link;
    if (graph->sums.n < rules->least_items)
        return false;
    for (uint32_t q = 0; q < border->n_band; q++) {
        const uint32_t place = border->band[q];
        const double *weights = ffmk_graph_weights(graph, place);
        if (ffmk_graph_gain(graph, place, part) +
                price_of(meeting, graph->items[place].origin, part, weights) >=
            least)
            return false;
    }
    return true;
}

bool ffmk_court_read(struct ffmk_court *court, struct ffmk_wire_in *in)
{
    const struct ffmk_meeting *meeting = court->meeting;
    court->head = ffmk_wire_get_bytes(in, ffmk_offer_head_bytes(meeting->graph->n_weights));
    if (!court->head ||
        court->head->n_band > (in->length - in->at) / sizeof(struct ffmk_offer_item))
        return false;
    court->foreign = ffmk_spare_malloc((court->head->n_band + 1) * sizeof *court->foreign);
    for (uint32_t q = 0; court->foreign && q < court->head->n_band; q++) {
        if (!ffmk_offer_read_item(meeting->graph->n_weights, in, &court->foreign[q]))
            return false;
        court->n_links += court->foreign[q].record->n_links;
    }
    return court->foreign != NULL;
}

/* An item has as much room as it has links. */
static void link_to(struct ffmk_court *court, uint32_t from, uint32_t to, float weight)
{
    struct ffmk_refine_item *item = &court->items[from];
    court->links[item->first + item->n_links++] = (struct ffmk_refine_link){to, weight};
}

/* Links within the problem, and what speaks for an item's going there, of items at home. */
static void link_own(struct ffmk_court *court)
{
    const struct ffmk_graph *graph = court->meeting->graph;
    const struct ffmk_border *border = court->meeting->border;
    for (uint32_t q = 0; q < court->n_own; q++) {
        const struct ffmk_graph_item *item = &graph->items[border->band[q]];
        const struct ffmk_graph_link *end = graph->links + item->first + item->n_links;
        double score = court->items[q].score;
        for (const struct ffmk_graph_link *link = end - item->n_links; link < end; link++) {
            const struct ffmk_vertex *other = &graph->vertices[link->vertex];
            if (ffmk_vertex_is_held(other)) {
                score -= (double)link->weight;
                if (ffmk_vertex_is_awake(other) && border->mark[other->held] != 0)
                    link_to(court, q, border->mark[other->held] - 1, link->weight);
            } else if (other->part == court->guest) {
                score += (double)link->weight;
            }
        }
        court->items[q].score = score;
    }
}

/* The same of items that are offered. What the guest does not hold itself it may take to be where
 * it was when the pass began. */
static void link_offered(struct ffmk_court *court)
{
    const struct ffmk_graph *graph = court->meeting->graph;
    const struct ffmk_border *border = court->meeting->border;
    for (uint32_t at = court->n_own; at < court->n; at++) {
        const struct ffmk_offer_item *foreign = &court->foreign[at - court->n_own];
        double score = court->items[at].score;
        for (uint32_t k = 0; k < foreign->record->n_links; k++) {
            const struct ffmk_graph_target *link = &foreign->links[k];
            if (ffmk_offer_has(link->part))
                link_to(court, at, court->n_own + ffmk_offer_place(link->part), link->weight);
            if (ffmk_offer_has(link->part) || link->part == court->guest) {
                score -= (double)link->weight;
                continue;
            }
            const uint32_t vertex = ffmk_graph_find(graph, link->id);
            if (vertex == FFMK_GRAPH_NONE || !ffmk_vertex_is_held(&graph->vertices[vertex]))
                continue;
            score += (double)link->weight;
            const uint32_t mark = ffmk_vertex_is_awake(&graph->vertices[vertex])
                                      ? border->mark[graph->vertices[vertex].held]
                                      : 0;
            if (mark != 0) {
                link_to(court, at, mark - 1, link->weight);
                link_to(court, mark - 1, at, link->weight);
            }
        }
        court->items[at].score = score;
    }
}

static double square_distance(const float position[3], const double centre[4])
{
    double square = 0;
    for (int axis = 0; axis < 3; axis++) {
        const double d = (double)position[axis] - centre[axis];
        square += d * d;
    }
    return square;
}

/* What speaks for going from the judge to the guest besides the cut. */
static double bias_of(const struct ffmk_court *court, const float position[3], bool placed,
                      int32_t origin, const double *weights)
{
    const struct ffmk_meeting *meeting = court->meeting;
    const struct ffmk_rules *rules = meeting->rules;
    double bias = price_of(meeting, origin, court->guest, weights);
    if (placed && rules->pull > 0 && meeting->centre[3] > 0 && court->head->centre[3] > 0) {
        const double here = square_distance(position, meeting->centre);
        const double there = square_distance(position, court->head->centre);
        const double relative = (here - there) / (here + there);
        if (isfinite(relative)) /* not 0/0, and coordinates may be huge */
            bias += rules->pull * relative / 2 * meeting->scale->link;
    }
    return bias;
}

static void set_up_items(struct ffmk_court *court)
{
    const struct ffmk_graph *graph = court->meeting->graph;
    const struct ffmk_border *border = court->meeting->border;
    const uint64_t seed = court->meeting->rules->seed;
    uint32_t first = 0;
    for (uint32_t q = 0; q < court->n_own; q++) {
        const struct ffmk_graph_item *own = &graph->items[border->band[q]];
        court->weights[q] = ffmk_graph_weights(graph, border->band[q]);
        court->items[q] = (struct ffmk_refine_item){
            .lot = ffmk_rng_mix(seed ^ ffmk_graph_id(graph, border->band[q])),
            .score = bias_of(court, own->position, own->placed, own->origin, court->weights[q]),
            .first = first};
        first += own->n_links;
    }
    for (uint32_t q = court->n_own; q < court->n; q++) {
        const struct ffmk_offer_item *foreign = &court->foreign[q - court->n_own];
        const struct ffmk_graph_record *record = foreign->record;
        court->weights[q] = foreign->weights;
        court->items[q] =
            (struct ffmk_refine_item){.lot = ffmk_rng_mix(seed ^ record->id),
                                      .score = -bias_of(court, record->position, record->placed,
                                                        record->origin, foreign->weights),
                                      .first = first,
                                      .side = 1};
        first += record->n_links;
    }
}

bool ffmk_court_set_up(struct ffmk_court *court)
{
    const struct ffmk_border *border = court->meeting->border;
    court->n_own = border->n_band;
    court->n = court->n_own + court->head->n_band;
    for (uint32_t q = 0; q < court->n_own; q++)
        court->n_links += court->meeting->graph->items[border->band[q]].n_links;
    const size_t n = court->n;
    if (court->n_links > INT32_MAX)
        return false;
    court->room = ffmk_spare_malloc(n * (sizeof *court->items + sizeof *court->weights) +
                                    court->n_links * sizeof *court->links +
                                    ffmk_refine_scratch(n) * sizeof *court->scratch);
    if (!court->room)
        return false;
    court->items = court->room;
    court->weights = (const double **)(court->items + n);
    court->links = (struct ffmk_refine_link *)(court->weights + n);
    court->scratch = (uint32_t *)(court->links + court->n_links);
    set_up_items(court);
    link_own(court);
    link_offered(court);
    return true;
}

void ffmk_court_decide(struct ffmk_court *court)
{
    struct ffmk_meeting *meeting = court->meeting;
    const struct ffmk_rules *rules = meeting->rules;
    const unsigned n_weights = meeting->graph->n_weights;
    double unit[FFMK_GRAPH_WEIGHTS];
    for (unsigned d = 0; d < n_weights; d++) {
        court->load[0][d] = meeting->load[d] - court->head->of[d].flow;
        court->load[1][d] = court->head->of[d].load;
        court->limit[d] = court->head->of[d].limit;
        unit[d] = d < rules->n_shared ? meeting->scale->mean[d] : meeting->limit[d];
        if (!(unit[d] > 0))
            unit[d] = 1;
    }
    struct ffmk_refine refine = {
        .n_weights = n_weights,
        .unit = unit,
        .side = {{court->load[0], meeting->allowed, meeting->graph->sums.n - meeting->kept,
                  rules->least_items},
                 {court->load[1], court->limit, court->head->n, rules->least_items}},
        .items = court->items,
        .weights = court->weights,
        .links = court->links,
        .n = court->n,
        .patience = rules->patience,
        .depth = DEPTH * meeting->scale->link,
        .trade = TRADE * meeting->scale->link,
        .mixes = meeting->scale->grain > 0,
        .squares = {meeting->graph->sums.squares, court->head->squares},
        .hope = HOPE * meeting->scale->link,
        .scratch = court->scratch};
    ffmk_refine(&refine);
    meeting->improved += refine.improved / meeting->scale->link;
}

void ffmk_court_free(struct ffmk_court *court)
{
    free(court->foreign);
    free(court->room);
}
