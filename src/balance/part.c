/* SPDX-License-Identifier: BSD-3-Clause
 * Phases of a part: which letters it sends when, and which it goes on with. */
#include "balance/part.h"

#include "balance/survey.h"
#include "balance/wish.h"
#include "core/spare.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fail(struct ffmk_part *part, int code)
{
    if (code < part->code)
        part->code = code;
}

static void post(struct ffmk_part *part, int32_t to, enum ffmk_part_letter kind,
                 struct ffmk_wire_out *letter)
{
    if (letter->failed) {
        fail(part, FFMK_ERR_NO_MEMORY);
        ffmk_wire_free(letter);
        *letter = (struct ffmk_wire_out){0};
    }
    part->post(part->context, part->graph.part, to, kind, letter);
}

/* Up: totals */

static void go_down(struct ffmk_part *part, uint32_t level, struct ffmk_tree_orders *orders);
static void go_on(struct ffmk_part *part);

/* The unit of this part on a level. */
static uint32_t unit_of(const struct ffmk_part *part, uint32_t level)
{
    uint32_t unit = (uint32_t)part->graph.part;
    for (; level > 0; level--)
        unit /= (uint32_t)part->rules->fanout;
    return unit;
}

/* What the unit of `level` says goes to its group, or, from the last group, down. */
static void go_up(struct ffmk_part *part, uint32_t level, const struct ffmk_totals *totals,
                  uint32_t n_borders, const struct ffmk_tree_border *borders)
{
    const uint32_t unit = unit_of(part, level), fanout = (uint32_t)part->rules->fanout;
    struct ffmk_wire_out letter = {0};
    part->level = level;
    if (level == ffmk_tree_levels(part->rules)) {
        struct ffmk_tree_orders orders = {.totals = *totals};
        go_down(part, level, &orders);
        return;
    }
    ffmk_tree_write(part->rules, totals, n_borders, borders, &letter);
    if (unit % fanout != 0) {
        part->phase = PART_DOWN;
        post(part, ffmk_tree_speaker(part->rules, level + 1, unit / fanout), FFMK_PART_UP, &letter);
        return;
    }
    struct ffmk_tree *tree = &part->trees[level];
    struct ffmk_wire_in in = {.data = letter.data, .length = letter.length};
    fail(part, ffmk_tree_begin(tree, part->rules, level, unit));
    if (tree->members)
        fail(part, ffmk_tree_take(tree, unit, &in));
    ffmk_wire_free(&letter);
    part->phase = PART_UP;
    part->at = 1;
}

/* All members of the group of `level` were heard. */
static void end_group(struct ffmk_part *part)
{
    struct ffmk_tree *tree = &part->trees[part->level];
    struct ffmk_totals totals;
    fail(part, ffmk_tree_sum(tree, &totals));
    if (part->code < totals.code)
        totals.code = part->code;
    go_up(part, part->level + 1, &totals, tree->n_outside, tree->outside);
}

static void report(struct ffmk_part *part)
{
    struct ffmk_totals totals;
    struct ffmk_wire_out borders = {0};
    if (part->n_trees == 1 || !part->course.refines)
        ffmk_survey_borders(part, &borders);
    if (borders.failed || ffmk_spare_is_gone())
        fail(part, FFMK_ERR_NO_MEMORY);
    ffmk_survey_totals(part, &totals);
    go_up(part, 0, &totals, (uint32_t)(borders.length / sizeof(struct ffmk_tree_border)),
          (const void *)borders.data);
    ffmk_wire_free(&borders);
}

/* Tell how things are, behind the meetings. */
static void end_pass(struct ffmk_part *part)
{
    part->spread.done = false;
    memcpy(part->load, part->graph.sums.load, sizeof part->load);
    report(part);
}

static void begin_pass(struct ffmk_part *part)
{
    fail(part, ffmk_border_find(&part->border, &part->graph));
    end_pass(part);
}

/* Down: what is to be done */

/* Every part decides alike. \return whether there is another pass. */
static bool decide(struct ffmk_part *part, const struct ffmk_totals *totals)
{
    const struct ffmk_rules *rules = part->rules;
    struct ffmk_course *course = &part->course;
    const bool more = ffmk_course_decide(course, rules, totals);
    if (course->improved)
        ffmk_graph_mark_best(&part->graph);
    for (unsigned d = 0; d < rules->n_weights && more; d++) {
        part->limit[d] =
            ffmk_course_limit(course, rules, d, part->capacity, part->load, part->own_limit);
        part->meeting.limit[d] = part->limit[d] * course->share[d];
    }
    return more;
}

static uint64_t key_of(const struct ffmk_part *part, int32_t other)
{
    return ffmk_order_key(part->rules, part->course.result.passes, part->graph.part, other);
}

/* Borders that came up in the last passes have no turn yet, and are many where parts are ragged:
 * all meetings of such a part wait for each other. Once there is little to move they wait for a
 * turn. */
static bool waits(const struct ffmk_part *part, const struct ffmk_partner *partner)
{
    return part->n_trees > 1 && part->course.settled && partner->turn == 0 && partner->patience > 0;
}

/* Whom to meet, in the order of turns and keys that both sides know. */
static void begin_meetings(struct ffmk_part *part, const struct ffmk_tree_orders *orders)
{
    struct ffmk_meeting *meeting = &part->meeting;
    for (uint32_t k = 0; k < part->border.n && orders->n_flows == part->border.n; k++)
        for (unsigned d = 0; d < part->rules->n_weights; d++)
            part->border.partners[k].flow[d] +=
                orders->flows[(size_t)k * part->rules->n_weights + d];
    for (uint32_t k = 0; k < part->border.n && orders->n_turns == part->border.n; k++) {
        part->border.partners[k].restless = orders->turns[k] != FFMK_ORDER_UNMET;
        part->border.partners[k].turn = orders->turns[k];
    }
    for (uint32_t x = 0; x < orders->n_extras; x++)
        fail(part, ffmk_border_join(&part->border, &orders->extras[x]));

    part->to_carry = ffmk_wish_to_carry(part->rules, &part->course.scale, &part->border);
    part->order = ffmk_spare_realloc(part->order, (part->border.n + 1ul) * sizeof *part->order);
    ffmk_meeting_begin(meeting, part->load);
    part->n_order = 0;
    for (uint32_t k = 0; k < part->border.n && part->order; k++) {
        struct ffmk_partner *partner = &part->border.partners[k];
        if (waits(part, partner))
            continue;
        for (unsigned d = 0; d < part->rules->n_weights; d++)
            meeting->load[d] -= partner->flow[d];
        if (partner->restless || part->course.wish.mixes || ffmk_wish_flows(part->rules, partner))
            part->order[part->n_order++] = k;
        partner->restless = false;
    }
    if (!part->order)
        fail(part, FFMK_ERR_NO_MEMORY);
    ffmk_order_sort(part->rules, part->course.result.passes, part->graph.part, &part->border,
                    part->order, part->n_order);
    part->phase = PART_MEET;
    part->turn_ends = 0;
}

/* Spread: diffusion among neighbours, before the flow that the tree finds */

static void send_potentials(struct ffmk_part *part)
{
    ffmk_order_draw(&part->colours, part->rules, -part->spread.steps, true, part->graph.part,
                    &part->border);
    for (uint32_t k = 0; k < part->border.n; k++) {
        struct ffmk_wire_out letter = {0};
        ffmk_spread_tell(&part->spread, part->rules, &letter);
        ffmk_order_tell(&part->colours, k, &letter);
        post(part, part->border.partners[k].part, FFMK_PART_POTENTIAL, &letter);
    }
    part->phase = PART_SPREAD;
    part->at = 0;
}

static void begin_spread(struct ffmk_part *part)
{
    double limit[FFMK_GRAPH_WEIGHTS];
    double *conductances = ffmk_spare_malloc((part->border.n + 1ul) * sizeof *conductances);
    for (uint32_t k = 0; k < part->border.n && conductances; k++)
        conductances[k] = ffmk_wish_conductance(part->rules, &part->border.partners[k]);
    for (unsigned d = 0; d < part->rules->n_weights; d++)
        limit[d] = ffmk_course_aim(&part->course, part->rules, d, part->capacity, part->load,
                                   part->own_limit);
    fail(part, ffmk_spread_begin(&part->spread, part->rules, &part->border, conductances,
                                 part->load, limit));
    fail(part, ffmk_order_begin(&part->colours, &part->border));
    free(conductances);
    send_potentials(part);
}

static void end_spread(struct ffmk_part *part)
{
    ffmk_order_settle(&part->colours, &part->border);
    if (ffmk_spread_step(&part->spread, part->rules, &part->border)) {
        send_potentials(part);
        return;
    }
    ffmk_order_free(&part->colours);
    report(part);
}

/* Orders for the unit of `level`: pass them on to its members, down to this part's own. */
static void go_down(struct ffmk_part *part, uint32_t level, struct ffmk_tree_orders *orders)
{
    const bool before = part->spread.done; /* then this is decided, and the aim set */
    const bool more = before ? orders->totals.code == FFMK_SUCCESS : decide(part, &orders->totals);
    const bool spreads = more && !before && part->course.result.passes == 1 &&
                         part->rules->spread > 0 && ffmk_tree_levels(part->rules) > 1;
    if (before && !more)
        part->course.result.code = orders->totals.code;
    for (; level > 0; level--) {
        struct ffmk_tree *tree = &part->trees[level - 1];
        struct ffmk_wire_out *downs = ffmk_spare_calloc(tree->n + 1ul, sizeof *downs);
        struct ffmk_tree_orders mine = {.totals = orders->totals};
        if (!downs || !tree->members) {
            fail(part, FFMK_ERR_NO_MEMORY);
            part->course.result.code = FFMK_ERR_NO_MEMORY;
            free(downs);
            break;
        }
        struct ffmk_tree_wish none = {.mixes = false};
        for (unsigned d = 0; d < FFMK_GRAPH_WEIGHTS; d++)
            none.aim[d] = INFINITY;
        fail(part,
             ffmk_tree_direct(tree, orders,
                              more && !spreads && !part->course.weighs ? &part->course.wish : &none,
                              downs));
        for (uint32_t m = 1; m < tree->n; m++)
            post(part, ffmk_tree_speaker(part->rules, level - 1, tree->first + m), FFMK_PART_DOWN,
                 &downs[m]);
        struct ffmk_wire_in in = {.data = downs[0].data, .length = downs[0].length};
        fail(part, ffmk_tree_read(&mine, part->rules, &in));
        ffmk_wire_free(&downs[0]);
        free(downs);
        ffmk_tree_free(tree);
        ffmk_tree_orders_free(orders);
        *orders = mine;
    }
    if (part->course.weighs) {
        report(part);
    } else if (spreads) {
        begin_spread(part);
    } else if (more) {
        begin_meetings(part, orders);
    } else {
        part->phase = PART_DONE;
        part->done = true;
    }
    ffmk_tree_orders_free(orders);
}

/* Meetings */

static bool is_judge(const struct ffmk_part *part, int32_t other)
{
    const bool lower_judges = (key_of(part, other) & 1) != 0;
    return lower_judges == (part->graph.part < other);
}

static bool judges(const struct ffmk_part *part, uint32_t at)
{
    return is_judge(part, part->border.partners[part->order[at]].part);
}

/* The next turn: make its offers. */
static void begin_turn(struct ffmk_part *part)
{
    const struct ffmk_partner *partners = part->border.partners;
    const uint32_t *order = part->order;
    uint32_t n_judged = 0, end = part->turn_ends;
    part->turn_begins = end;
    do {
        n_judged += judges(part, end++);
    } while (end < part->n_order && !part->course.wish.mixes && partners[order[end]].turn > 0 &&
             partners[order[end]].turn == partners[order[end - 1]].turn);
    part->turn_ends = end;
    ffmk_meeting_take_turn(&part->meeting, end - part->turn_begins - n_judged, n_judged);
    for (uint32_t at = part->turn_begins; at < end; at++) {
        struct ffmk_wire_out offer = {0};
        if (judges(part, at))
            continue;
        fail(part, ffmk_meeting_offer(&part->meeting, order[at], &offer));
        post(part, partners[order[at]].part, FFMK_PART_OFFER, &offer);
    }
    part->phase = PART_JUDGE;
    part->at = part->turn_begins;
}

/* Whether a letter of this turn has to come, of those that it judges or of the others. */
static bool turn_awaits(struct ffmk_part *part, bool judged)
{
    while (part->at < part->turn_ends && judges(part, part->at) != judged)
        part->at++;
    return part->at < part->turn_ends;
}

/* All meetings of this pass are over. */
static void end_meetings(struct ffmk_part *part)
{
    if (part->course.last) { /* nobody goes on from where things are now */
        end_pass(part);
        return;
    }
    if (part->n_trees > 1) {
        fail(part, ffmk_order_begin(&part->colours, &part->border));
        ffmk_order_draw(&part->colours, part->rules, part->course.result.passes, false,
                        part->graph.part, &part->border);
    }
    const bool above = ffmk_survey_is_above(part);
    for (uint32_t k = 0; k < part->border.n; k++) {
        struct ffmk_wire_out news = {0};
        part->border.partners[k].restless |= above; /* for another meeting */
        if (part->n_trees > 1)
            ffmk_order_tell(&part->colours, k, &news);
        ffmk_meeting_tell(&part->meeting, k, &news);
        post(part, part->border.partners[k].part, FFMK_PART_NEWS, &news);
    }
    part->phase = PART_NEWS;
    part->at = 0;
}

static void judge(struct ffmk_part *part, struct ffmk_wire_in *offer)
{
    const uint32_t k = part->order[part->at++];
    struct ffmk_wire_out answer = {0};
    fail(part, offer->length == 0 ? FFMK_ERR_NO_MEMORY
                                  : ffmk_meeting_judge(&part->meeting, k, offer, &answer));
    post(part, part->border.partners[k].part, FFMK_PART_ANSWER, &answer);
}

static void accept(struct ffmk_part *part, struct ffmk_wire_in *answer)
{
    const uint32_t k = part->order[part->at++];
    fail(part,
         answer->length == 0 ? FFMK_ERR_NO_MEMORY : ffmk_meeting_accept(&part->meeting, k, answer));
}

static void end_news(struct ffmk_part *part)
{
    ffmk_order_settle(&part->colours, &part->border);
    ffmk_order_free(&part->colours);
    for (uint32_t k = 0; k < part->border.n; k++)
        if (part->border.partners[k].gave) {
            struct ffmk_wire_out more = {0};
            ffmk_meeting_tell_more(&part->meeting, k, &more);
            post(part, part->border.partners[k].part, FFMK_PART_MORE, &more);
        }
    part->phase = PART_MORE;
    part->at = 0;
}

/* Go on as far as no letter is needed. */
static void go_on(struct ffmk_part *part)
{
    for (;;) {
        switch (part->phase) {
        case PART_UP:
            if (part->at < part->trees[part->level].n)
                return;
            end_group(part);
            break;
        case PART_SPREAD:
            if (part->at < part->border.n)
                return;
            end_spread(part);
            break;
        case PART_MEET:
            if (part->turn_ends < part->n_order)
                begin_turn(part);
            else
                end_meetings(part);
            break;
        case PART_JUDGE:
            if (turn_awaits(part, true))
                return;
            part->phase = PART_ANSWERS;
            part->at = part->turn_begins;
            break;
        case PART_ANSWERS:
            if (turn_awaits(part, false))
                return;
            part->phase = PART_MEET;
            break;
        case PART_NEWS:
            if (part->at < part->border.n)
                return;
            end_news(part);
            break;
        case PART_MORE:
            while (part->at < part->border.n && !part->border.partners[part->at].got)
                part->at++;
            if (part->at < part->border.n)
                return;
            ffmk_graph_tidy(&part->graph);
            begin_pass(part);
            break;
        case PART_DOWN:
        case PART_DONE:
            return;
        }
    }
}

bool ffmk_part_awaits(const struct ffmk_part *part, int32_t *from_p, enum ffmk_part_letter *kind_p)
{
    const uint32_t level = part->level;
    switch (part->phase) {
    case PART_UP:
        *from_p = ffmk_tree_speaker(part->rules, level, part->trees[level].first + part->at);
        *kind_p = FFMK_PART_UP;
        return true;
    case PART_DOWN:
        *from_p = ffmk_tree_speaker(part->rules, level + 1, unit_of(part, level + 1));
        *kind_p = FFMK_PART_DOWN;
        return true;
    case PART_JUDGE:
    case PART_ANSWERS:
        *from_p = part->border.partners[part->order[part->at]].part;
        *kind_p = part->phase == PART_JUDGE ? FFMK_PART_OFFER : FFMK_PART_ANSWER;
        return true;
    case PART_SPREAD:
    case PART_NEWS:
    case PART_MORE:
        *from_p = part->border.partners[part->at].part;
        *kind_p = part->phase == PART_SPREAD ? FFMK_PART_POTENTIAL
                  : part->phase == PART_NEWS ? FFMK_PART_NEWS
                                             : FFMK_PART_MORE;
        return true;
    case PART_MEET:
    case PART_DONE:
        break;
    }
    return false;
}

/* Read the letter that is awaited. */
static void read_letter(struct ffmk_part *part, const struct ffmk_wire_out *letter)
{
    struct ffmk_wire_in in = {.data = letter->data, .length = letter->failed ? 0 : letter->length};
    struct ffmk_tree_orders orders = {0};
    if (letter->failed)
        fail(part, FFMK_ERR_NO_MEMORY);
    switch (part->phase) {
    case PART_UP: {
        struct ffmk_tree *tree = &part->trees[part->level];
        fail(part, ffmk_tree_take(tree, tree->first + part->at++, &in));
        break;
    }
    case PART_DOWN:
        fail(part, ffmk_tree_read(&orders, part->rules, &in));
        if (in.length == 0) /* whoever sent it could not write it, and says so next time */
            orders.totals.code = FFMK_ERR_NO_MEMORY;
        go_down(part, part->level, &orders);
        break;
    case PART_SPREAD:
        ffmk_spread_hear(&part->spread, part->rules, &part->border, part->at, &in);
        ffmk_order_hear(&part->colours, part->at++, &in);
        break;
    case PART_JUDGE:
        judge(part, &in);
        break;
    case PART_ANSWERS:
        accept(part, &in);
        break;
    case PART_NEWS:
        if (part->n_trees > 1)
            ffmk_order_hear(&part->colours, part->at, &in);
        ffmk_meeting_hear(&part->meeting, part->at++, &in);
        break;
    case PART_MORE:
        ffmk_meeting_hear_more(&part->meeting, &in);
        part->at++;
        break;
    case PART_MEET:
    case PART_DONE:
        break;
    }
}

static void keep(struct ffmk_part *part, int32_t from, enum ffmk_part_letter kind,
                 struct ffmk_wire_out *letter)
{
    if (part->n_stash == part->stash_capacity) {
        const uint32_t capacity = 2 * part->stash_capacity + 8;
        struct ffmk_part_stash *stash = ffmk_spare_realloc(part->stash, capacity * sizeof *stash);
        if (!stash) {
            fail(part, FFMK_ERR_NO_MEMORY);
            ffmk_wire_free(letter);
            return;
        }
        part->stash = stash;
        part->stash_capacity = capacity;
    }
    part->stash[part->n_stash++] = (struct ffmk_part_stash){from, kind, *letter};
    *letter = (struct ffmk_wire_out){0};
}

/* Read what was kept as long as it is what is awaited. */
static void use_stash(struct ffmk_part *part)
{
    int32_t from;
    enum ffmk_part_letter kind;
    go_on(part);
    while (ffmk_part_awaits(part, &from, &kind)) {
        uint32_t at = 0;
        while (at < part->n_stash && (part->stash[at].from != from || part->stash[at].kind != kind))
            at++;
        if (at == part->n_stash)
            return;
        struct ffmk_wire_out letter = part->stash[at].letter;
        memmove(&part->stash[at], &part->stash[at + 1],
                (--part->n_stash - at) * sizeof *part->stash);
        read_letter(part, &letter);
        ffmk_wire_free(&letter);
        go_on(part);
    }
}

void ffmk_part_begin(struct ffmk_part *part, const struct ffmk_rules *rules, int32_t number,
                     ffmk_part_post *poster, void *context)
{
    *part = (struct ffmk_part){.rules = rules,
                               .graph = {.part = number, .n_weights = rules->n_weights},
                               .capacity = 1,
                               .post = poster,
                               .context = context,
                               .phase = PART_DONE};
    part->meeting = (struct ffmk_meeting){.rules = rules,
                                          .scale = &part->course.scale,
                                          .graph = &part->graph,
                                          .border = &part->border};
}

void ffmk_part_start(struct ffmk_part *part, int code)
{
    part->code = code;
    part->n_trees = ffmk_tree_levels(part->rules);
    part->trees = ffmk_spare_calloc(part->n_trees, sizeof *part->trees);
    if (!part->trees)
        fail(part, FFMK_ERR_NO_MEMORY);
    begin_pass(part);
    use_stash(part);
}

void ffmk_part_hear(struct ffmk_part *part, int32_t from, enum ffmk_part_letter kind,
                    struct ffmk_wire_out *letter)
{
    int32_t awaited;
    enum ffmk_part_letter awaited_kind;
    if (ffmk_part_awaits(part, &awaited, &awaited_kind) && awaited == from &&
        awaited_kind == kind) {
        read_letter(part, letter);
        letter->length = 0;
        letter->failed = false;
        use_stash(part);
    } else {
        keep(part, from, kind, letter);
    }
}

void ffmk_part_free(struct ffmk_part *part)
{
    for (uint32_t s = 0; s < part->n_stash; s++)
        ffmk_wire_free(&part->stash[s].letter);
    for (uint32_t t = 0; part->trees && t < part->n_trees; t++)
        ffmk_tree_free(&part->trees[t]);
    free(part->stash);
    free(part->trees);
    free(part->order);
    ffmk_spread_free(&part->spread);
    ffmk_order_free(&part->colours);
    free(part->meeting.gifts);
    free(part->meeting.offered);
    ffmk_border_free(&part->border);
    ffmk_graph_free(&part->graph);
}
