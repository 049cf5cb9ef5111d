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

/* `offered`: together with the rest of the band. */
static void write_item(const struct ffmk_meeting *meeting, uint32_t place, bool offered,
                       struct ffmk_wire_out *out)
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
    uint8_t *room = ffmk_wire_put_room(out, sizeof record + weight_bytes +
                                                item->n_links * sizeof(struct ffmk_graph_target));
    if (!room)
        return;
    memcpy(room, &record, sizeof record);
    memcpy(room + sizeof record, ffmk_graph_weights(graph, place), weight_bytes);
    struct ffmk_graph_target *target = (void *)(room + sizeof record + weight_bytes);
    for (uint32_t k = item->first; k < item->first + item->n_links; k++) {
        const struct ffmk_vertex *other = &graph->vertices[graph->links[k].vertex];
        int32_t part = other->part;
        if (offered && ffmk_vertex_is_held(other) && border->mark[other->held] != 0)
            part = as_offered(border->mark[other->held] - 1);
        *target++ = (struct ffmk_graph_target){other->id, graph->links[k].weight, part};
    }
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

int ffmk_meeting_offer(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_out *offer)
{
    struct ffmk_border *border = meeting->border;
    const struct ffmk_graph *graph = meeting->graph;
    struct head head = {.n = graph->n};
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
    head.n_band = border->n_band;
    ffmk_wire_put_bytes(offer, &head, sizeof head);
    for (uint32_t q = 0; q < border->n_band; q++)
        write_item(meeting, border->band[q], true, offer);
    return offer->failed ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
}

/* Everything the judge needs; the own items of its problem come first, then those of the offer. */
struct court {
    struct ffmk_meeting *meeting;
    const struct head *head;
    int32_t guest;
    uint32_t n_own, n;
    struct foreign *foreign;
    struct ffmk_refine_item *items;
    const double **weights;
    struct ffmk_refine_link *links;
    uint32_t *ends; /* of each foreign link: the item of the problem, or one of these */
    size_t n_ends;
    uint32_t *scratch;
    double load[2][FFMK_GRAPH_WEIGHTS];
};

enum { END_ELSEWHERE = INT32_MAX - 2, END_GUEST, END_JUDGE };

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
        court->n_ends += court->foreign[q].record->n_links;
    }
    return court->foreign != NULL;
}

/* Where each link of the offered items leads, and how many links each item of the problem has
 * within it. */
static void find_ends(struct court *court)
{
    const struct ffmk_graph *graph = court->meeting->graph;
    const struct ffmk_border *border = court->meeting->border;
    uint32_t *end = court->ends;
    for (uint32_t q = 0; q < court->head->n_band; q++) {
        const struct foreign *foreign = &court->foreign[q];
        for (uint32_t k = 0; k < foreign->record->n_links; k++, end++) {
            const struct ffmk_graph_target *link = &foreign->links[k];
            *end = link->part == court->guest ? (uint32_t)END_GUEST : (uint32_t)END_ELSEWHERE;
            if (is_offered(link->part)) {
                *end = court->n_own + offered_place(link->part);
            } else {
                const uint32_t vertex = ffmk_graph_find(graph, link->id);
                if (vertex == FFMK_GRAPH_NONE || !ffmk_vertex_is_held(&graph->vertices[vertex]))
                    continue;
                const uint32_t mark = border->mark[graph->vertices[vertex].held];
                *end = mark != 0 ? mark - 1 : (uint32_t)END_JUDGE;
                if (mark != 0)
                    court->items[mark - 1].n_links++;
            }
            court->items[court->n_own + q].n_links += *end < END_ELSEWHERE;
        }
    }
}

static void count_own(struct court *court)
{
    const struct ffmk_graph *graph = court->meeting->graph;
    const struct ffmk_border *border = court->meeting->border;
    for (uint32_t q = 0; q < court->n_own; q++) {
        const struct ffmk_graph_item *item = &graph->items[border->band[q]];
        for (uint32_t k = item->first; k < item->first + item->n_links; k++) {
            const struct ffmk_vertex *other = &graph->vertices[graph->links[k].vertex];
            court->items[q].n_links += ffmk_vertex_is_held(other) && border->mark[other->held] != 0;
        }
    }
}

static void link_to(struct court *court, uint32_t from, uint32_t to, float weight)
{
    struct ffmk_refine_item *item = &court->items[from];
    court->links[item->first + item->n_links++] = (struct ffmk_refine_link){to, weight};
}

static void add_gains(struct court *court)
{
    const struct ffmk_graph *graph = court->meeting->graph;
    const struct ffmk_border *border = court->meeting->border;
    for (uint32_t q = 0; q < court->n_own; q++) {
        const struct ffmk_graph_item *item = &graph->items[border->band[q]];
        for (uint32_t k = item->first; k < item->first + item->n_links; k++) {
            const struct ffmk_graph_link *link = &graph->links[k];
            const struct ffmk_vertex *other = &graph->vertices[link->vertex];
            if (ffmk_vertex_is_held(other)) {
                court->items[q].gain -= (double)link->weight;
                if (border->mark[other->held] != 0)
                    link_to(court, q, border->mark[other->held] - 1, link->weight);
            } else if (other->part == court->guest) {
                court->items[q].gain += (double)link->weight;
            }
        }
    }
    const uint32_t *end = court->ends;
    for (uint32_t q = 0; q < court->head->n_band; q++) {
        const struct foreign *foreign = &court->foreign[q];
        const uint32_t at = court->n_own + q;
        for (uint32_t k = 0; k < foreign->record->n_links; k++, end++) {
            const float weight = foreign->links[k].weight;
            if (*end == END_GUEST || (*end < END_ELSEWHERE && *end >= court->n_own))
                court->items[at].gain -= (double)weight;
            else if (*end == END_JUDGE || *end < court->n_own)
                court->items[at].gain += (double)weight;
            if (*end < END_ELSEWHERE)
                link_to(court, at, *end, weight);
            if (*end < court->n_own)
                link_to(court, *end, at, weight);
        }
    }
}

static double distance(const float position[3], const double centre[4])
{
    double square = 0;
    for (int axis = 0; axis < 3; axis++) {
        const double d = (double)position[axis] - centre[axis];
        square += d * d;
    }
    return sqrt(square);
}

/* What speaks for going from the judge to the guest besides the cut. */
static double bias_of(const struct court *court, const float position[3], bool placed,
                      int32_t origin, const double *weights)
{
    const struct ffmk_meeting *meeting = court->meeting;
    const struct ffmk_rules *rules = meeting->rules;
    double bias = 0;
    if (origin == court->guest || origin == meeting->graph->part) {
        double moved = 0;
        for (unsigned d = 0; d < rules->n_shared; d++)
            moved += weights[d] / meeting->scale->item[d];
        const double cost = rules->price * moved / rules->n_shared;
        bias = origin == court->guest ? cost : -cost;
    }
    if (placed && rules->pull > 0 && meeting->centre[3] > 0 && court->head->centre[3] > 0) {
        const double here = distance(position, meeting->centre);
        const double there = distance(position, court->head->centre);
        const double relative = (here - there) / (here + there);
        if (isfinite(relative)) /* not 0/0, and coordinates may be huge */
            bias += rules->pull * relative;
    }
    return bias * meeting->scale->link;
}

static void set_up_items(struct court *court)
{
    const struct ffmk_graph *graph = court->meeting->graph;
    const struct ffmk_border *border = court->meeting->border;
    const uint64_t seed = court->meeting->rules->seed;
    for (uint32_t q = 0; q < court->n; q++) {
        struct ffmk_refine_item *item = &court->items[q];
        uint64_t id;
        *item = (struct ffmk_refine_item){.side = q >= court->n_own};
        if (q < court->n_own) {
            const struct ffmk_graph_item *own = &graph->items[border->band[q]];
            id = ffmk_graph_id(graph, border->band[q]);
            court->weights[q] = ffmk_graph_weights(graph, border->band[q]);
            item->bias = bias_of(court, own->position, own->placed, own->origin, court->weights[q]);
        } else {
            const struct foreign *foreign = &court->foreign[q - court->n_own];
            id = foreign->record->id;
            court->weights[q] = foreign->weights;
            item->bias = bias_of(court, foreign->record->position, foreign->record->placed,
                                 foreign->record->origin, foreign->weights);
        }
        item->lot = ffmk_rng_mix(seed ^ id);
    }
}

static bool set_up(struct court *court)
{
    court->n_own = court->meeting->border->n_band;
    court->n = court->n_own + court->head->n_band;
    court->items = malloc((court->n + 1ul) * sizeof *court->items);
    court->weights = malloc((court->n + 1ul) * sizeof *court->weights);
    court->ends = malloc((court->n_ends + 1) * sizeof *court->ends);
    court->scratch = malloc(ffmk_refine_scratch(court->n) * sizeof *court->scratch);
    if (!court->items || !court->weights || !court->ends || !court->scratch)
        return false;
    set_up_items(court);
    count_own(court);
    find_ends(court);
    size_t n_links = 0;
    for (uint32_t q = 0; q < court->n; q++) {
        court->items[q].first = (uint32_t)n_links;
        n_links += court->items[q].n_links;
        court->items[q].n_links = 0;
    }
    court->links = malloc((n_links + 1) * sizeof *court->links);
    if (!court->links || n_links > INT32_MAX)
        return false;
    add_gains(court);
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
        .side = {{court->load[0], meeting->limit, meeting->graph->n, rules->least_items},
                 {court->load[1], court->head->limit, court->head->n, rules->least_items}},
        .items = court->items,
        .weights = court->weights,
        .links = court->links,
        .n = court->n,
        .patience = rules->patience,
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
        const struct ffmk_vertex *other = &graph->vertices[graph->links[k].vertex];
        if (ffmk_vertex_is_held(other)) {
            const int code = ffmk_border_touch(border, partner, other->held);
            if (code)
                return code;
            /* The partner may take it to be where it was when the pass began. */
            if (graph->items[other->held].moved)
                tell(&border->partners[partner], other->id, graph->part);
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

/* Room must have been reserved. */
static void take(struct ffmk_meeting *meeting, uint32_t partner, const struct foreign *item)
{
    struct ffmk_border *border = meeting->border;
    const struct ffmk_graph *graph = meeting->graph;
    const uint32_t place = ffmk_graph_add(meeting->graph, item->record, item->weights, item->links);
    struct ffmk_graph_item *taken = &meeting->graph->items[place];
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
    take(court->meeting, partner, &item);
    free(links);
    return FFMK_SUCCESS;
}

/* Hold what the guest gives, and write what goes to it. */
static int carry_out(struct court *court, uint32_t partner, struct ffmk_wire_out *answer)
{
    struct ffmk_meeting *meeting = court->meeting;
    const uint32_t n_own = court->n_own, n = court->n;
    const struct ffmk_refine_item *items = court->items;
    struct answer_head head = {0};
    size_t n_links = 0, n_taken = 0;
    for (uint32_t q = n_own; q < n; q++)
        if (items[q].side == 0) {
            n_links += court->foreign[q - n_own].record->n_links;
            n_taken++;
        }
    if (n_taken > 0 && !ffmk_graph_reserve(meeting->graph, n_taken, n_links, n_links))
        return FFMK_ERR_NO_MEMORY;
    head.n_taken = (uint32_t)n_taken;
    for (uint32_t q = 0; q < n_own; q++)
        head.n_given += items[q].side == 1;
    memcpy(head.load, court->load[1], sizeof head.load);
    memcpy(meeting->load, court->load[0], sizeof meeting->load);
    ffmk_wire_put_bytes(answer, &head, sizeof head);
    for (uint32_t q = n_own; q < n; q++)
        if (items[q].side == 0) {
            const uint64_t place = q - n_own;
            ffmk_wire_put_bytes(answer, &place, sizeof place);
        }
    for (uint32_t q = 0; q < n_own; q++)
        if (items[q].side == 1)
            write_item(meeting, meeting->border->band[q], false, answer);
    int code = answer->failed ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
    for (uint32_t q = 0; q < n_own && !code; q++)
        if (items[q].side == 1)
            code = give(meeting, partner, meeting->border->band[q]);
    for (uint32_t q = n_own; q < n && !code; q++) {
        if (items[q].side != 0)
            continue;
        code = take_offered(court, partner, &court->foreign[q - n_own]);
    }
    return code;
}

int ffmk_meeting_judge(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_in *offer,
                       struct ffmk_wire_out *answer)
{
    struct court court = {.meeting = meeting, .guest = meeting->border->partners[partner].part};
    int code = FFMK_ERR_NO_MEMORY;
    if (read_offer(&court, offer)) {
        double flow[FFMK_GRAPH_WEIGHTS], load[FFMK_GRAPH_WEIGHTS], with[FFMK_GRAPH_WEIGHTS];
        for (unsigned d = 0; d < meeting->graph->n_weights; d++) {
            flow[d] = -court.head->flow[d];
            with[d] = meeting->load[d] + flow[d];
        }
        const bool needs = wanted(meeting, flow, with, load);
        code = ffmk_border_band(meeting->border, meeting->graph, partner, load, needs);
    }
    if (!code && !set_up(&court))
        code = FFMK_ERR_NO_MEMORY;
    if (!code) {
        decide(&court);
        code = carry_out(&court, partner, answer);
    }
    free(court.foreign);
    free(court.items);
    free(court.weights);
    free(court.links);
    free(court.ends);
    free(court.scratch);
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
        if (!read_item(meeting, answer, &item) ||
            !ffmk_graph_reserve(meeting->graph, 1, item.record->n_links, item.record->n_links))
            return FFMK_ERR_NO_MEMORY;
        take(meeting, partner, &item);
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
