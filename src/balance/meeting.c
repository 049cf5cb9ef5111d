/* SPDX-License-Identifier: BSD-3-Clause
 * Letters of a meeting. An item changes hands once a pass at most, so whatever is said of where one
 * went stays true until the next. */
#include "balance/meeting.h"

#include "balance/refine.h"
#include "core/rng.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of 2,100 walks on the moving hot spot that would have begun with a step worse than this, in mean
 * links, 44 came to anything. */
static const double HOPE = -1;

/* Nor does one that has lost more than this come to more than it found before. */
static const double DEPTH = 3;

/* Letters are arrays of these, so that every part of them is aligned. */
struct head {
    double load[FFMK_GRAPH_WEIGHTS]; /* with nothing going over */
    double limit[FFMK_GRAPH_WEIGHTS];
    double flow[FFMK_GRAPH_WEIGHTS]; /* to the judge */
    double centre[4];
    uint32_t n;      /* items held */
    uint32_t n_band; /* items offered */
};

struct answer_head {
    double load[FFMK_GRAPH_WEIGHTS]; /* of the guest, from now on */
    uint32_t n_taken, n_given;
};

struct news {
    uint64_t id;
    int32_t part;
    int32_t pad;
};

/* An item of a letter; the letter's. */
struct foreign {
    const struct ffmk_graph_record *record;
    const double *weights;
    const struct ffmk_graph_target *links;
};

/* A target's part when it is an item of the same offer: its place there. */
static int32_t as_offered(uint32_t place)
{
    return -2 - (int32_t)place;
}

static bool is_offered(int32_t part)
{
    return part <= -2;
}

static uint32_t offered_place(int32_t part)
{
    return (uint32_t)(-2 - part);
}

static size_t item_bytes(const struct ffmk_meeting *meeting, uint32_t place)
{
    const struct ffmk_graph *graph = meeting->graph;
    return sizeof(struct ffmk_graph_record) + graph->n_weights * sizeof(double) +
           graph->items[place].n_links * sizeof(struct ffmk_graph_target);
}

/* `offered`: together with the rest of the band. \return where it ends. */
static uint8_t *write_item(const struct ffmk_meeting *meeting, uint32_t place, bool offered,
                           uint8_t *room)
{
    const struct ffmk_graph *graph = meeting->graph;
    const struct ffmk_border *border = meeting->border;
    const struct ffmk_graph_item *item = &graph->items[place];
    struct ffmk_graph_record record = {.id = ffmk_graph_id(graph, place),
                                       .home = item->home,
                                       .origin = item->origin,
                                       .best = item->best,
                                       .n_links = item->n_links,
                                       .placed = item->placed,
                                       .pinned = item->pinned};
    memcpy(record.position, item->position, sizeof record.position);
    const size_t weight_bytes = graph->n_weights * sizeof(double);
    memcpy(room, &record, sizeof record);
    memcpy(room + sizeof record, ffmk_graph_weights(graph, place), weight_bytes);
    struct ffmk_graph_target *target = (void *)(room + sizeof record + weight_bytes);
    for (uint32_t k = item->first; k < item->first + item->n_links; k++) {
        const struct ffmk_vertex *other = &graph->vertices[graph->links[k].vertex];
        int32_t part = other->part;
        if (offered && ffmk_vertex_is_awake(other) && border->mark[other->held] != 0)
            part = as_offered(border->mark[other->held] - 1);
        *target++ = (struct ffmk_graph_target){other->id, graph->links[k].weight, part};
    }
    return (void *)target;
}

static bool read_item(const struct ffmk_meeting *meeting, struct ffmk_wire_in *in,
                      struct foreign *item)
{
    item->record = ffmk_wire_get_bytes(in, sizeof *item->record);
    item->weights = ffmk_wire_get_bytes(in, meeting->graph->n_weights * sizeof *item->weights);
    item->links =
        item->record ? ffmk_wire_get_bytes(in, item->record->n_links * sizeof *item->links) : NULL;
    return !in->failed;
}

/* What goes to a partner and what is above the limit is what a band should carry. */
static bool wanted(const struct ffmk_meeting *meeting, const double *flow, const double *load,
                   double *wanted_load)
{
    bool any = false;
    for (unsigned d = 0; d < meeting->graph->n_weights; d++) {
        wanted_load[d] = fmax(flow[d], load[d] - meeting->limit[d]);
        any = any || wanted_load[d] > 0;
    }
    return any;
}

/* What speaks for an item's going to a part because it comes from there, or against it because it
 * comes from here. */
static double price_of(const struct ffmk_meeting *meeting, int32_t origin, int32_t to,
                       const double *weights)
{
    const struct ffmk_rules *rules = meeting->rules;
    if (origin != to && origin != meeting->graph->part)
        return 0;
    double moved = 0;
    for (unsigned d = 0; d < rules->n_shared; d++)
        moved += weights[d] / meeting->scale->item[d];
    const double cost = rules->price * moved / rules->n_shared * meeting->scale->link;
    return origin == to ? cost : -cost;
}

/* Whether no item of the band has so much that speaks for its going that it is worth a look. The
 * other part's centre is left out of it. */
static bool is_quiet(const struct ffmk_meeting *meeting, int32_t part)
{
    const struct ffmk_graph *graph = meeting->graph;
    const struct ffmk_border *border = meeting->border;
    const struct ffmk_rules *rules = meeting->rules;
    const double least = (HOPE - rules->pull / 2) * meeting->scale->link;
    if (graph->sums.n < rules->least_items)
        return false;
    for (uint32_t q = 0; q < border->n_band; q++) {
        const struct ffmk_graph_item *item = &graph->items[border->band[q]];
        const struct ffmk_graph_link *end = graph->links + item->first + item->n_links;
        double score = 0;
        for (const struct ffmk_graph_link *link = end - item->n_links; link < end; link++) {
            const struct ffmk_vertex *other = &graph->vertices[link->vertex];
            if (other->part == part)
                score += (double)link->weight;
            else if (other->part == graph->part)
                score -= (double)link->weight;
        }
        if (score +
                price_of(meeting, item->origin, part, ffmk_graph_weights(graph, border->band[q])) >=
            least)
            return false;
    }
    return true;
}

int ffmk_meeting_offer(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_out *offer)
{
    struct ffmk_border *border = meeting->border;
    struct ffmk_graph *graph = meeting->graph;
    struct head head = {.n = graph->sums.n};
    for (unsigned d = 0; d < graph->n_weights; d++) {
        head.flow[d] = border->partners[partner].flow[d];
        head.load[d] = meeting->load[d] + head.flow[d];
        head.limit[d] = meeting->limit[d];
    }
    memcpy(head.centre, meeting->centre, sizeof head.centre);
    double load[FFMK_GRAPH_WEIGHTS];
    const bool needs = wanted(meeting, head.flow, head.load, load);
    const int code = ffmk_border_band(border, graph, partner, load, needs);
    if (code)
        return code;
    head.n_band = needs || !is_quiet(meeting, border->partners[partner].part) ? border->n_band : 0;
    size_t bytes = sizeof head;
    for (uint32_t q = 0; q < head.n_band; q++)
        bytes += item_bytes(meeting, border->band[q]);
    uint8_t *room = ffmk_wire_put_room(offer, bytes);
    if (!room)
        return FFMK_ERR_NO_MEMORY;
    memcpy(room, &head, sizeof head);
    room += sizeof head;
    for (uint32_t q = 0; q < head.n_band; q++)
        room = write_item(meeting, border->band[q], true, room);
    return FFMK_SUCCESS;
}

/* Everything the judge needs; the own items of its problem come first, then those of the offer. */
struct court {
    struct ffmk_meeting *meeting;
    const struct head *head;
    int32_t guest;
    uint32_t n_own, n;
    struct foreign *foreign;
    size_t n_links; /* of all items, and room for them */
    void *room;     /* for all that follows */
    struct ffmk_refine_item *items;
    const double **weights;
    struct ffmk_refine_link *links;
    uint32_t *scratch;
    double load[2][FFMK_GRAPH_WEIGHTS];
};

static bool read_offer(struct court *court, struct ffmk_wire_in *in)
{
    const struct ffmk_meeting *meeting = court->meeting;
    court->head = ffmk_wire_get_bytes(in, sizeof *court->head);
    if (!court->head || court->head->n_band > (in->length - in->at) / sizeof(struct foreign))
        return false;
    court->foreign = malloc((court->head->n_band + 1) * sizeof *court->foreign);
    for (uint32_t q = 0; court->foreign && q < court->head->n_band; q++) {
        if (!read_item(meeting, in, &court->foreign[q]))
            return false;
        court->n_links += court->foreign[q].record->n_links;
    }
    return court->foreign != NULL;
}

/* An item has as much room as it has links. */
static void link_to(struct court *court, uint32_t from, uint32_t to, float weight)
{
    struct ffmk_refine_item *item = &court->items[from];
    court->links[item->first + item->n_links++] = (struct ffmk_refine_link){to, weight};
}

/* Links within the problem, and what speaks for an item's going there, of items at home. */
static void link_own(struct court *court)
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
static void link_offered(struct court *court)
{
    const struct ffmk_graph *graph = court->meeting->graph;
    const struct ffmk_border *border = court->meeting->border;
    for (uint32_t at = court->n_own; at < court->n; at++) {
        const struct foreign *foreign = &court->foreign[at - court->n_own];
        double score = court->items[at].score;
        for (uint32_t k = 0; k < foreign->record->n_links; k++) {
            const struct ffmk_graph_target *link = &foreign->links[k];
            if (is_offered(link->part))
                link_to(court, at, court->n_own + offered_place(link->part), link->weight);
            if (is_offered(link->part) || link->part == court->guest) {
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
static double bias_of(const struct court *court, const float position[3], bool placed,
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

static void set_up_items(struct court *court)
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
        const struct foreign *foreign = &court->foreign[q - court->n_own];
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

static bool set_up(struct court *court)
{
    const struct ffmk_border *border = court->meeting->border;
    court->n_own = border->n_band;
    court->n = court->n_own + court->head->n_band;
    for (uint32_t q = 0; q < court->n_own; q++)
        court->n_links += court->meeting->graph->items[border->band[q]].n_links;
    const size_t n = court->n;
    if (court->n_links > INT32_MAX)
        return false;
    court->room = malloc(n * (sizeof *court->items + sizeof *court->weights) +
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

static void decide(struct court *court)
{
    struct ffmk_meeting *meeting = court->meeting;
    const struct ffmk_rules *rules = meeting->rules;
    const unsigned n_weights = meeting->graph->n_weights;
    double unit[FFMK_GRAPH_WEIGHTS];
    for (unsigned d = 0; d < n_weights; d++) {
        court->load[0][d] = meeting->load[d] - court->head->flow[d];
        court->load[1][d] = court->head->load[d];
        unit[d] = d < rules->n_shared ? meeting->scale->mean[d] : meeting->limit[d];
        if (!(unit[d] > 0))
            unit[d] = 1;
    }
    struct ffmk_refine refine = {
        .n_weights = n_weights,
        .unit = unit,
        .side = {{court->load[0], meeting->limit, meeting->graph->sums.n, rules->least_items},
                 {court->load[1], court->head->limit, court->head->n, rules->least_items}},
        .items = court->items,
        .weights = court->weights,
        .links = court->links,
        .n = court->n,
        .patience = rules->patience,
        .depth = DEPTH * meeting->scale->link,
        .hope = HOPE * meeting->scale->link,
        .scratch = court->scratch};
    ffmk_refine(&refine);
    meeting->improved += refine.improved / meeting->scale->link;
}

/* Several links to the same part: told once. */
static void tell(struct ffmk_partner *partner, uint64_t id, int32_t part)
{
    const struct news news = {.id = id, .part = part};
    struct ffmk_wire_out *out = &partner->news;
    partner->restless = true;
    if (out->length == 0 || memcmp(out->data + out->length - sizeof news, &news, sizeof news) != 0)
        ffmk_wire_put_bytes(out, &news, sizeof news);
}

/* An item left for a partner: tell the holders of what it is linked to, and remember what is linked
 * to it. */
static int give(struct ffmk_meeting *meeting, uint32_t partner, uint32_t place)
{
    struct ffmk_graph *graph = meeting->graph;
    struct ffmk_border *border = meeting->border;
    const struct ffmk_graph_item item = graph->items[place];
    const int32_t to = border->partners[partner].part;
    const uint64_t id = ffmk_graph_id(graph, place);
    if (meeting->n_gifts == meeting->gifts_capacity) {
        const uint32_t capacity = 2 * meeting->gifts_capacity + 16;
        struct ffmk_gift *gifts = realloc(meeting->gifts, capacity * sizeof *gifts);
        if (!gifts)
            return FFMK_ERR_NO_MEMORY;
        meeting->gifts = gifts;
        meeting->gifts_capacity = capacity;
    }
    meeting->gifts[meeting->n_gifts++] = (struct ffmk_gift){partner, item.first, item.n_links};
    ffmk_graph_give(graph, place, to);
    border->partners[partner].gave = border->partners[partner].restless = true;
    uint32_t last = partner;
    for (uint32_t k = item.first; k < item.first + item.n_links; k++) {
        /* What is linked to an item elsewhere must not sleep. */
        const uint32_t vertex = graph->links[k].vertex;
        const uint32_t held = ffmk_graph_awaken(graph, vertex);
        const struct ffmk_vertex *other = &graph->vertices[vertex];
        if (ffmk_vertex_is_awake(other)) {
            /* The partner may take it to be where it was when the pass began. */
            if (graph->items[held].moved)
                tell(&border->partners[partner], other->id, graph->part);
        } else if (ffmk_vertex_is_held(other)) {
            return FFMK_ERR_NO_MEMORY;
        } else if (other->part != to) {
            /* Known to be a partner: it held the other end when the pass began, or got it since. */
            if (border->partners[last].part != other->part)
                last = ffmk_border_partner(border, other->part);
            tell(&border->partners[last], id, to);
            if (other->held == FFMK_GRAPH_GONE)
                tell(&border->partners[partner], other->id, other->part);
        }
    }
    return FFMK_SUCCESS;
}

static int take(struct ffmk_meeting *meeting, uint32_t partner, const struct foreign *item)
{
    struct ffmk_border *border = meeting->border;
    struct ffmk_graph *graph = meeting->graph;
    if (!ffmk_graph_reserve(graph, 1, item->record->n_links, item->record->n_links))
        return FFMK_ERR_NO_MEMORY;
    const uint32_t place = ffmk_graph_add(graph, item->record, item->weights, item->links);
    struct ffmk_graph_item *taken = &graph->items[place];
    taken->moved = 1;
    border->partners[partner].got = border->partners[partner].restless = true;
    for (uint32_t k = taken->first; k < taken->first + taken->n_links; k++) {
        const struct ffmk_vertex *other = &graph->vertices[graph->links[k].vertex];
        const uint32_t known =
            ffmk_vertex_is_held(other) ? FFMK_GRAPH_NONE : ffmk_border_partner(border, other->part);
        if (known == FFMK_GRAPH_NONE || known == partner)
            continue;
        border->partners[known].restless = true;
        /* Whoever gave it takes what it is linked to to be here still, and tells nobody else. */
        if (other->held == FFMK_GRAPH_GONE)
            tell(&border->partners[known], item->record->id, graph->part);
    }
    return FFMK_SUCCESS;
}

/* Links within the offer lead to the guest; where both ends come, the second one's coming sets that
 * right. */
static int take_offered(const struct court *court, uint32_t partner, const struct foreign *offered)
{
    const size_t n = offered->record->n_links;
    struct ffmk_graph_target *links = malloc((n + 1) * sizeof *links);
    if (!links)
        return FFMK_ERR_NO_MEMORY;
    for (size_t k = 0; k < n; k++) {
        links[k] = offered->links[k];
        if (is_offered(links[k].part))
            links[k].part = court->guest;
    }
    const struct foreign item = {offered->record, offered->weights, links};
    const int code = take(court->meeting, partner, &item);
    free(links);
    return code;
}

/* Which offered items the judge takes, and its own that go over. */
static int write_answer(const struct court *court, struct ffmk_wire_out *answer)
{
    const struct ffmk_meeting *meeting = court->meeting;
    const uint32_t *band = meeting->border->band, n_own = court->n_own, n = court->n;
    struct answer_head head = {0};
    size_t bytes = 0;
    memcpy(head.load, court->load[1], sizeof head.load);
    for (uint32_t q = n_own; q < n; q++)
        head.n_taken += court->items[q].side == 0;
    for (uint32_t q = 0; q < n_own; q++)
        if (court->items[q].side == 1) {
            head.n_given++;
            bytes += item_bytes(meeting, band[q]);
        }
    bytes += sizeof head + head.n_taken * sizeof(uint64_t);
    uint8_t *room = ffmk_wire_put_room(answer, bytes);
    if (!room)
        return FFMK_ERR_NO_MEMORY;
    memcpy(room, &head, sizeof head);
    uint64_t *place = (void *)(room + sizeof head);
    for (uint32_t q = n_own; q < n; q++)
        if (court->items[q].side == 0)
            *place++ = q - n_own;
    room = (void *)place;
    for (uint32_t q = 0; q < n_own; q++)
        if (court->items[q].side == 1)
            room = write_item(meeting, band[q], false, room);
    return FFMK_SUCCESS;
}

/* Hold what the guest gives, and give what goes to it. */
static int carry_out(struct court *court, uint32_t partner)
{
    struct ffmk_meeting *meeting = court->meeting;
    const uint32_t n_own = court->n_own;
    int code = FFMK_SUCCESS;
    memcpy(meeting->load, court->load[0], sizeof meeting->load);
    for (uint32_t q = 0; q < n_own && !code; q++)
        if (court->items[q].side == 1)
            code = give(meeting, partner, meeting->border->band[q]);
    for (uint32_t q = n_own; q < court->n && !code; q++)
        if (court->items[q].side == 0)
            code = take_offered(court, partner, &court->foreign[q - n_own]);
    return code;
}

/* The own items that could go, and whether any should. */
static int find_own(struct court *court, uint32_t partner, bool *should_p)
{
    struct ffmk_meeting *meeting = court->meeting;
    double flow[FFMK_GRAPH_WEIGHTS], load[FFMK_GRAPH_WEIGHTS], with[FFMK_GRAPH_WEIGHTS];
    for (unsigned d = 0; d < meeting->graph->n_weights; d++) {
        flow[d] = -court->head->flow[d];
        with[d] = meeting->load[d] + flow[d];
    }
    const bool needs = wanted(meeting, flow, with, load);
    const int code = ffmk_border_band(meeting->border, meeting->graph, partner, load, needs);
    *should_p = needs || !is_quiet(meeting, court->guest);
    return code;
}

/* Nothing goes over. */
static int leave(const struct court *court, struct ffmk_wire_out *answer)
{
    struct answer_head head = {0};
    memcpy(head.load, court->head->load, sizeof head.load);
    for (unsigned d = 0; d < court->meeting->graph->n_weights; d++)
        court->meeting->load[d] -= court->head->flow[d];
    ffmk_wire_put_bytes(answer, &head, sizeof head);
    return answer->failed ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
}

static int settle(struct court *court, uint32_t partner, struct ffmk_wire_out *answer)
{
    if (!set_up(court))
        return FFMK_ERR_NO_MEMORY;
    decide(court);
    const int code = write_answer(court, answer);
    return code ? code : carry_out(court, partner);
}

int ffmk_meeting_judge(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_in *offer,
                       struct ffmk_wire_out *answer)
{
    struct court court = {.meeting = meeting, .guest = meeting->border->partners[partner].part};
    bool should = false;
    int code = FFMK_ERR_NO_MEMORY;
    if (read_offer(&court, offer))
        code = find_own(&court, partner, &should);
    if (!code)
        code = should || court.head->n_band > 0 ? settle(&court, partner, answer)
                                                : leave(&court, answer);
    free(court.foreign);
    free(court.room);
    return code;
}

int ffmk_meeting_accept(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_in *answer)
{
    const struct answer_head *head = ffmk_wire_get_bytes(answer, sizeof *head);
    const uint64_t *taken =
        head ? ffmk_wire_get_bytes(answer, head->n_taken * sizeof *taken) : NULL;
    if (!taken)
        return FFMK_ERR_NO_MEMORY;
    memcpy(meeting->load, head->load, sizeof meeting->load);
    int code = FFMK_SUCCESS;
    for (uint32_t t = 0; t < head->n_taken && !code; t++)
        if (taken[t] < meeting->border->n_band)
            code = give(meeting, partner, meeting->border->band[taken[t]]);
    for (uint32_t g = 0; g < head->n_given && !code; g++) {
        struct foreign item;
        if (!read_item(meeting, answer, &item))
            return FFMK_ERR_NO_MEMORY;
        code = take(meeting, partner, &item);
    }
    return code;
}

void ffmk_meeting_tell(const struct ffmk_meeting *meeting, uint32_t partner,
                       struct ffmk_wire_out *news)
{
    const struct ffmk_partner *to = &meeting->border->partners[partner];
    const uint64_t restless = to->restless;
    ffmk_wire_put_bytes(news, &restless, sizeof restless);
    ffmk_wire_put_bytes(news, to->news.data, to->news.length);
}

void ffmk_meeting_hear_more(struct ffmk_meeting *meeting, struct ffmk_wire_in *news)
{
    while (news->at < news->length && !news->failed) {
        const struct news *one = ffmk_wire_get_bytes(news, sizeof *one);
        if (one)
            ffmk_graph_hear(meeting->graph, one->id, one->part);
    }
}

void ffmk_meeting_hear(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_in *news)
{
    const uint64_t *restless = ffmk_wire_get_bytes(news, sizeof *restless);
    if (restless && *restless)
        meeting->border->partners[partner].restless = true;
    ffmk_meeting_hear_more(meeting, news);
}

void ffmk_meeting_tell_more(const struct ffmk_meeting *meeting, uint32_t partner,
                            struct ffmk_wire_out *news)
{
    const struct ffmk_graph *graph = meeting->graph;
    for (uint32_t g = 0; g < meeting->n_gifts; g++) {
        const struct ffmk_gift *gift = &meeting->gifts[g];
        for (uint32_t k = gift->first; gift->partner == partner && k < gift->first + gift->n_links;
             k++) {
            const struct ffmk_vertex *other = &graph->vertices[graph->links[k].vertex];
            const struct news one = {.id = other->id, .part = other->part};
            if (other->held == FFMK_GRAPH_NEWS)
                ffmk_wire_put_bytes(news, &one, sizeof one);
        }
    }
}
