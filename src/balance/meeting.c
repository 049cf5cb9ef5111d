/* SPDX-License-Identifier: BSD-3-Clause
 * Letters of a meeting. An item changes hands once a pass at most, so whatever is said of where one
 * went stays true until the next. */
#include "balance/meeting.h"

#include "balance/court.h"
#include "core/spare.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct answer_head {
    double change[FFMK_GRAPH_WEIGHTS]; /* of the load that the guest offered */
    uint32_t n_taken, n_given;
};

struct news {
    uint64_t id;
    int32_t part;
    int32_t pad;
};

/* What goes to a partner and what is above the limit is what a band should carry; \return whether
 * there is any, or something to mix. */
static bool wanted(const struct ffmk_meeting *meeting, const double *flow, const double *load,
                   double *wanted_load)
{
    bool any = meeting->scale->grain > 0;
    for (unsigned d = 0; d < meeting->graph->n_weights; d++) {
        wanted_load[d] = fmax(flow[d], load[d] - meeting->allowed[d]);
        any = any || wanted_load[d] > 0;
    }
    return any;
}

void ffmk_meeting_begin(struct ffmk_meeting *meeting, const double *load)
{
    const struct ffmk_rules *rules = meeting->rules;
    const struct ffmk_scale *scale = meeting->scale;
    memcpy(meeting->load, load, sizeof meeting->load);
    ffmk_graph_centre(meeting->graph, meeting->centre);
    for (unsigned d = 0; d < rules->n_shared; d++)
        meeting->price[d] = rules->price / rules->n_shared * scale->link / scale->item[d];
    meeting->improved = 0;
    meeting->n_gifts = 0;
}

void ffmk_meeting_take_turn(struct ffmk_meeting *meeting, uint32_t n_offers, uint32_t n_judged)
{
    const uint32_t n_least = meeting->rules->least_items, n = meeting->graph->sums.n;
    const uint32_t spare = n_least > 0 && n > n_least ? n - n_least : 0;
    const uint32_t shares = n_offers + (n_judged > 0); /* what is judged, is one behind another */
    for (unsigned d = 0; d < meeting->graph->n_weights; d++)
        meeting->allowed[d] =
            meeting->load[d] + (meeting->limit[d] - meeting->load[d]) / fmax(shares, 1);
    meeting->kept = shares > 0 ? spare - spare / shares : 0;
    meeting->n_offered = 0;
}

/* Keep in mind what is offered: the band, or nothing. */
static bool note_offer(struct ffmk_meeting *meeting, uint32_t partner, uint32_t n)
{
    const uint32_t end = meeting->n_offered + n;
    if (end > meeting->offered_capacity) {
        const uint32_t capacity = end + end / 2 + 32;
        uint32_t *offered =
            ffmk_spare_realloc(meeting->offered, capacity * sizeof *meeting->offered);
        if (!offered)
            return false;
        meeting->offered = offered;
        meeting->offered_capacity = capacity;
    }
    struct ffmk_partner *to = &meeting->border->partners[partner];
    to->offered = meeting->n_offered;
    to->n_offered = n;
    for (uint32_t q = 0; q < n; q++) {
        const uint32_t place = meeting->border->band[q];
        meeting->offered[meeting->n_offered++] = place;
        meeting->graph->items[place].offered = 1;
    }
    return true;
}

int ffmk_meeting_offer(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_out *offer)
{
    struct ffmk_border *border = meeting->border;
    struct ffmk_graph *graph = meeting->graph;
    struct ffmk_offer_head head = {.n = graph->sums.n - meeting->kept,
                                   .squares = graph->sums.squares};
    const size_t head_bytes = ffmk_offer_head_bytes(graph->n_weights);
    const double *flow = border->partners[partner].flow;
    double with[FFMK_GRAPH_WEIGHTS] = {0}, load[FFMK_GRAPH_WEIGHTS] = {0};
    for (unsigned d = 0; d < graph->n_weights; d++) {
        with[d] = meeting->load[d] + flow[d];
        head.of[d] = (struct ffmk_offer_of){with[d], meeting->allowed[d], flow[d]};
    }
    memcpy(head.centre, meeting->centre, sizeof head.centre);
    const bool needs = wanted(meeting, flow, with, load);
    const int code = ffmk_border_band(border, graph, partner, load, meeting->scale->grain, needs);
    if (code)
        return code;
    if (needs || !ffmk_court_is_quiet(meeting, border->partners[partner].part))
        head.n_band = border->n_band;
    size_t bytes = head_bytes;
    for (uint32_t q = 0; q < head.n_band; q++)
        bytes += ffmk_offer_item_bytes(graph, border->band[q]);
    uint8_t *room = note_offer(meeting, partner, head.n_band) /* first: a letter has to be whole */
                        ? ffmk_wire_put_room(offer, bytes)
                        : NULL;
    if (!room)
        return FFMK_ERR_NO_MEMORY;
    memcpy(room, &head, head_bytes);
    room += head_bytes;
    for (uint32_t q = 0; q < head.n_band; q++)
        room = ffmk_offer_write_item(graph, border, border->band[q], room);
    return FFMK_SUCCESS;
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
        struct ffmk_gift *gifts = ffmk_spare_realloc(meeting->gifts, capacity * sizeof *gifts);
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

static int take(struct ffmk_meeting *meeting, uint32_t partner, const struct ffmk_offer_item *item)
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
static int take_offered(const struct ffmk_court *court, uint32_t partner,
                        const struct ffmk_offer_item *offered)
{
    const size_t n = offered->record->n_links;
    struct ffmk_graph_target *links = ffmk_spare_malloc((n + 1) * sizeof *links);
    if (!links)
        return FFMK_ERR_NO_MEMORY;
    for (size_t k = 0; k < n; k++) {
        links[k] = offered->links[k];
        if (ffmk_offer_has(links[k].part))
            links[k].part = court->guest;
    }
    const struct ffmk_offer_item item = {offered->record, offered->weights, links};
    const int code = take(court->meeting, partner, &item);
    free(links);
    return code;
}

/* Which offered items the judge takes, and its own that go over. */
static int write_answer(const struct ffmk_court *court, struct ffmk_wire_out *answer)
{
    const struct ffmk_meeting *meeting = court->meeting;
    const uint32_t *band = meeting->border->band, n_own = court->n_own, n = court->n;
    struct answer_head head = {0};
    size_t bytes = 0;
    for (unsigned d = 0; d < meeting->graph->n_weights; d++)
        head.change[d] = court->load[1][d] - court->head->of[d].load;
    for (uint32_t q = n_own; q < n; q++)
        head.n_taken += court->items[q].side == 0;
    for (uint32_t q = 0; q < n_own; q++)
        if (court->items[q].side == 1) {
            head.n_given++;
            bytes += ffmk_offer_item_bytes(meeting->graph, band[q]);
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
            room = ffmk_offer_write_item(meeting->graph, NULL, band[q], room);
    return FFMK_SUCCESS;
}

/* Hold what the guest gives, and give what goes to it. */
static int carry_out(struct ffmk_court *court, uint32_t partner)
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
static int find_own(struct ffmk_court *court, uint32_t partner, bool *should_p)
{
    struct ffmk_meeting *meeting = court->meeting;
    double flow[FFMK_GRAPH_WEIGHTS], load[FFMK_GRAPH_WEIGHTS], with[FFMK_GRAPH_WEIGHTS];
    for (unsigned d = 0; d < meeting->graph->n_weights; d++) {
        flow[d] = -court->head->of[d].flow;
        with[d] = meeting->load[d] + flow[d];
    }
    const bool needs = wanted(meeting, flow, with, load);
    const int code = ffmk_border_band(meeting->border, meeting->graph, partner, load,
                                      meeting->scale->grain, needs);
    *should_p = needs || !ffmk_court_is_quiet(meeting, court->guest);
    return code;
}

/* Nothing goes over. */
static int leave(const struct ffmk_court *court, struct ffmk_wire_out *answer)
{
    const struct answer_head head = {.n_taken = 0};
    for (unsigned d = 0; d < court->meeting->graph->n_weights; d++)
        court->meeting->load[d] -= court->head->of[d].flow;
    ffmk_wire_put_bytes(answer, &head, sizeof head);
    return answer->failed ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
}

static int settle(struct ffmk_court *court, uint32_t partner, struct ffmk_wire_out *answer)
{
    if (!ffmk_court_set_up(court))
        return FFMK_ERR_NO_MEMORY;
    ffmk_court_decide(court);
    const int code = write_answer(court, answer);
    return code ? code : carry_out(court, partner);
}

int ffmk_meeting_judge(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_in *offer,
                       struct ffmk_wire_out *answer)
{
    struct ffmk_court court = {.meeting = meeting,
                               .guest = meeting->border->partners[partner].part};
    bool should = false;
    int code = FFMK_ERR_NO_MEMORY;
    if (ffmk_court_read(&court, offer))
        code = find_own(&court, partner, &should);
    if (!code)
        code = should || court.head->n_band > 0 ? settle(&court, partner, answer)
                                                : leave(&court, answer);
    ffmk_court_free(&court);
    return code;
}

int ffmk_meeting_accept(struct ffmk_meeting *meeting, uint32_t partner, struct ffmk_wire_in *answer)
{
    const struct answer_head *head = ffmk_wire_get_bytes(answer, sizeof *head);
    const uint64_t *taken =
        head ? ffmk_wire_get_bytes(answer, head->n_taken * sizeof *taken) : NULL;
    if (!taken)
        return FFMK_ERR_NO_MEMORY;
    const struct ffmk_partner *judge = &meeting->border->partners[partner];
    const uint32_t first = judge->offered, n_offered = judge->n_offered;
    for (unsigned d = 0; d < meeting->graph->n_weights; d++)
        meeting->load[d] += judge->flow[d] + head->change[d];
    for (uint32_t q = 0; q < n_offered; q++)
        meeting->graph->items[meeting->offered[first + q]].offered = 0;
    int code = FFMK_SUCCESS;
    for (uint32_t t = 0; t < head->n_taken && !code; t++)
        if (taken[t] < n_offered)
            code = give(meeting, partner, meeting->offered[first + taken[t]]);
    for (uint32_t g = 0; g < head->n_given && !code; g++) {
        struct ffmk_offer_item item;
        if (!ffmk_offer_read_item(meeting->graph->n_weights, answer, &item))
            return FFMK_ERR_NO_MEMORY;
        code = take(meeting, partner, &item);
    }
    return code;
}

bool ffmk_meeting_moves(size_t answer_bytes)
{
    return answer_bytes > sizeof(struct answer_head);
}

void ffmk_meeting_tell(const struct ffmk_meeting *meeting, uint32_t partner,
                       struct ffmk_wire_out *news)
{
    const struct ffmk_partner *to = &meeting->border->partners[partner];
    const uint64_t restless = to->restless;
    ffmk_wire_put_bytes(news, &restless, sizeof restless);
    ffmk_wire_put_bytes(news, to->news.data, to->news.length);
    news->failed = news->failed || to->news.failed;
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
