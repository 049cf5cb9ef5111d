/* SPDX-License-Identifier: BSD-3-Clause
 * Fills parts, carries their letters, and counts what came of it. */
#include "sim/balance.h"

#include "balance/part.h"
#include "sim/hierarchy.h"
#include "sim/start.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IN_PASS = 8, PLACES = 64 * IN_PASS, TELL_EVERY = 1 << 15, USUAL_LETTERS = 90 };

/* What computing costs where it is not measured, in ns: fitted to means that `--compute measured`
 * found for 64 and 512 ranks of 27 and 216 items, hot spot and front, on an AMD EPYC
 * (see docs/balance-sim.md). */
static const double READ_NS[] = {
    [FFMK_PART_UP] = 350,      [FFMK_PART_DOWN] = 1800, [FFMK_PART_OFFER] = 300,
    [FFMK_PART_ANSWER] = 1200, [FFMK_PART_NEWS] = 300,  [FFMK_PART_POTENTIAL] = 200,
    [FFMK_PART_MORE] = 550,
};
static const double BEGIN_NS = 4000, BEGIN_LINK_NS = 2; /* a pass: borders, totals; a link */
static const double SUM_NS = 5000, BARE_SUM_NS = 1500;  /* a group, on the way up; no borders */
static const double OFFER_NS = 1000, OFFER_BYTE_NS = 0.35;
static const double JUDGE_NS = 3000, JUDGE_ITEM_NS = 190; /* an item of its own that is near */
static const double LEAVE_NS = 1000, LEAVE_ITEM_NS = 120; /* the same where none goes over */
static const double POTENTIAL_NS = 400, NEWS_NS = 350, MORE_NS = 800;

/* What is known of a rank while a plan is made. */
struct rank {
    uint32_t sent;
    float computed_ns;
    uint16_t place;
};

struct ffmk_sim_balance {
    struct ffmk_sim_balance_case wanted;
    struct ffmk_rules rules;
    struct ffmk_workload workload;
    int32_t *owner;  /* of each id; below 0: there is no such item */
    uint64_t *first; /* of each rank's items, in held */
    uint64_t *held;

    /* Of a plan. */
    struct ffmk_part *parts;
    struct rank *ranks;
    struct ffmk_loggp *loggp;
    struct ffmk_sim_balance_call *call;
    int32_t *next; /* owners by the plan */
    double heaviest;
    uint64_t marked_ns; /* when computing was last charged for */
    uint64_t looked_ns; /* what a look at the clock takes */
    uint32_t done;
    bool failed;
    double left_ns[PLACES];  /* when the last rank was further than a place */
    uint32_t chains[PLACES]; /* longest chain of letters until then */
};

struct ffmk_rules ffmk_sim_balance_usual(int32_t ranks, double imbalance)
{
    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    options.imbalance = imbalance;
    return ffmk_rules_of(&options, ranks);
}

struct ffmk_sim_balance *ffmk_sim_balance_create(const struct ffmk_sim_balance_case *wanted)
{
    struct ffmk_sim_balance *sim = calloc(1, sizeof *sim);
    if (!sim)
        return NULL;
    sim->wanted = *wanted;
    sim->rules = ffmk_sim_balance_usual((int32_t)wanted->ranks, wanted->imbalance);
    if (wanted->fanout)
        sim->rules.fanout = wanted->fanout;
    if (wanted->max_passes)
        sim->rules.passes_most = wanted->max_passes;
    bool good = ffmk_workload_begin(&sim->workload, wanted->workload, wanted->ranks, wanted->side,
                                    wanted->seed);
    const uint64_t end = ffmk_workload_end(&sim->workload);
    sim->owner = malloc(end * sizeof *sim->owner);
    sim->next = malloc(end * sizeof *sim->next);
    sim->first = malloc((wanted->ranks + 2ul) * sizeof *sim->first);
    sim->held = malloc(end * sizeof *sim->held);
    sim->parts = calloc(wanted->ranks, sizeof *sim->parts);
    sim->ranks = calloc(wanted->ranks, sizeof *sim->ranks);
    good = good && sim->owner && sim->next && sim->first && sim->held && sim->parts && sim->ranks;
    for (uint64_t id = 0; good && id < end; id++)
        sim->owner[id] = -1;
    if (good && (wanted->bisected ? ffmk_start_halves(&sim->workload, sim->owner)
                                  : ffmk_start_blocks(&sim->workload, wanted->curve, sim->owner)))
        return sim;
    ffmk_sim_balance_destroy(sim);
    return NULL;
}

void ffmk_sim_balance_destroy(struct ffmk_sim_balance *sim)
{
    if (!sim)
        return;
    for (uint32_t rank = 0; sim->parts && rank < sim->wanted.ranks; rank++)
        ffmk_part_free(&sim->parts[rank]);
    ffmk_loggp_destroy(sim->loggp);
    free(sim->owner);
    free(sim->next);
    free(sim->first);
    free(sim->held);
    free(sim->parts);
    free(sim->ranks);
    free(sim);
}

const struct ffmk_rules *ffmk_sim_balance_rules(const struct ffmk_sim_balance *sim)
{
    return &sim->rules;
}

int32_t ffmk_sim_balance_owner(const struct ffmk_sim_balance *sim, uint64_t id)
{
    return sim->owner[id];
}

static double weight_of(const struct ffmk_sim_balance *sim, uint64_t id, int32_t rank, int64_t step)
{
    return ffmk_workload_weight(&sim->workload, id, step) *
           ffmk_workload_rank_factor(&sim->workload, (uint32_t)rank, step);
}

/* Largest load / mean, and links between ranks, if they had what `owner` says. */
static bool count(struct ffmk_sim_balance *sim, const int32_t *owner, int64_t step,
                  double *imbalance_p, double *cut_p)
{
    ffmk_link links[FFMK_WORKLOAD_MAX_LINKS];
    double *load = calloc(sim->wanted.ranks, sizeof *load);
    double whole = 0, most = 0, cut = 0;
    if (!load)
        return false;
    for (uint64_t id = 0; id < ffmk_workload_end(&sim->workload); id++) {
        if (owner[id] < 0)
            continue;
        const double weight = weight_of(sim, id, sim->owner[id], step);
        load[owner[id]] += weight;
        whole += weight;
        const size_t n = ffmk_workload_links(&sim->workload, id, links);
        for (size_t k = 0; k < n; k++)
            cut += links[k].id > id && owner[links[k].id] != owner[id];
        sim->heaviest = fmax(sim->heaviest, weight);
    }
    for (uint32_t rank = 0; rank < sim->wanted.ranks; rank++)
        most = fmax(most, load[rank]);
    free(load);
    *imbalance_p = whole > 0 ? most / (whole / sim->wanted.ranks) : 1;
    *cut_p = cut;
    return true;
}

/* The items of each rank, ascending. */
static void sort_items(struct ffmk_sim_balance *sim)
{
    const uint64_t end = ffmk_workload_end(&sim->workload);
    const uint32_t ranks = sim->wanted.ranks;
    memset(sim->first, 0, (ranks + 2ul) * sizeof *sim->first);
    for (uint64_t id = 0; id < end; id++)
        if (sim->owner[id] >= 0)
            sim->first[sim->owner[id] + 2]++;
    for (uint32_t rank = 0; rank < ranks; rank++)
        sim->first[rank + 2] += sim->first[rank + 1];
    for (uint64_t id = 0; id < end; id++)
        if (sim->owner[id] >= 0)
            sim->held[sim->first[sim->owner[id] + 1]++] = id;
}

/* As a job does it: balance/plan.c. */
static int fill(struct ffmk_sim_balance *sim, uint32_t rank, int64_t step)
{
    struct ffmk_graph *graph = &sim->parts[rank].graph;
    ffmk_link links[FFMK_WORKLOAD_MAX_LINKS];
    struct ffmk_graph_target targets[FFMK_WORKLOAD_MAX_LINKS];
    const uint64_t *held = sim->held + sim->first[rank];
    const size_t items = sim->first[rank + 1] - sim->first[rank];
    size_t n_links = 0;
    for (size_t i = 0; i < items; i++)
        n_links += ffmk_workload_links(&sim->workload, held[i], links);
    if (!ffmk_graph_reserve(graph, items, n_links, 0))
        return FFMK_ERR_NO_MEMORY;
    for (size_t i = 0; i < items; i++) {
        const size_t n = ffmk_workload_links(&sim->workload, held[i], links);
        double position[3];
        const double weight = weight_of(sim, held[i], (int32_t)rank, step) / sim->heaviest;
        struct ffmk_graph_record record = {.id = held[i],
                                           .home = (int32_t)rank,
                                           .origin = (int32_t)rank,
                                           .best = (int32_t)rank,
                                           .n_links = (uint32_t)n,
                                           .placed = 1};
        size_t outside = 0;
        ffmk_workload_position(&sim->workload, held[i], position);
        for (int axis = 0; axis < 3; axis++)
            record.position[axis] = (float)position[axis];
        for (size_t k = 0; k < n; k++) {
            targets[k] = (struct ffmk_graph_target){links[k].id, (float)links[k].weight,
                                                    sim->owner[links[k].id]};
            outside += targets[k].part != (int32_t)rank;
        }
        if (!ffmk_graph_reserve(graph, 0, 0, items - i + outside))
            return FFMK_ERR_NO_MEMORY;
        ffmk_graph_add(graph, &record, &weight, targets);
    }
    return FFMK_SUCCESS;
}

/* What it costs, by the model, to come to this letter. */
static double cost_of(const struct ffmk_sim_balance *sim, int32_t from, int32_t to,
                      enum ffmk_part_letter kind, size_t bytes)
{
    const struct ffmk_part *part = &sim->parts[from];
    const int32_t fanout = sim->rules.fanout;
    int32_t step = 1; /* between members of a group */
    switch (kind) {
    case FFMK_PART_UP:
        if (part->level > 0)
            return part->n_trees > 1 && part->course.refines ? BARE_SUM_NS : SUM_NS;
        return BEGIN_NS + BEGIN_LINK_NS * part->graph.n_links;
    case FFMK_PART_DOWN:
        for (uint32_t level = 0; level < part->n_trees; level++, step *= fanout)
            if (to - from == step) /* the first of a group */
                return ffmk_hierarchy_solve_ns(part->trees[level].n);
        return 0;
    case FFMK_PART_POTENTIAL:
        return POTENTIAL_NS;
    case FFMK_PART_OFFER:
        return OFFER_NS + OFFER_BYTE_NS * (double)bytes;
    case FFMK_PART_ANSWER:
        return ffmk_meeting_moves(bytes) ? JUDGE_NS + JUDGE_ITEM_NS * part->border.n_band
                                         : LEAVE_NS + LEAVE_ITEM_NS * part->border.n_band;
    case FFMK_PART_NEWS:
        return NEWS_NS;
    case FFMK_PART_MORE:
        return MORE_NS;
    }
    return 0;
}

/* Charge a rank for what it computed since the mark, or `ns` by the model. */
static void charge(struct ffmk_sim_balance *sim, uint32_t rank, double ns)
{
    if (sim->wanted.clock_ns) {
        const uint64_t spent = sim->wanted.clock_ns() - sim->marked_ns;
        ns = spent > sim->looked_ns ? (double)(spent - sim->looked_ns) : 0;
    }
    ffmk_loggp_compute(sim->loggp, rank, ns);
    sim->ranks[rank].computed_ns += (float)ns;
}

static uint64_t touch(const void *data, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; data && i < bytes; i += 64)
        sum += ((const volatile uint8_t *)data)[i];
    return sum;
}

/* A processor that has one rank has its memory at hand; one that goes from rank to rank fetches it
 * each time, and must not be charged for that. */
static void warm(const struct ffmk_sim_balance *sim, uint32_t rank)
{
    const struct ffmk_part *part = &sim->parts[rank];
    const struct ffmk_graph *graph = &part->graph;
    const struct ffmk_border *border = &part->border;
    touch(part, sizeof *part);
    touch(graph->items, graph->n_places * sizeof *graph->items);
    touch(graph->weights, graph->n_places * sizeof *graph->weights);
    touch(graph->vertices, graph->n_vertices * sizeof *graph->vertices);
    touch(graph->links, graph->n_links * sizeof *graph->links);
    touch(graph->index, (graph->index_mask + 1ul) * sizeof *graph->index);
    touch(border->partners, border->n * sizeof *border->partners);
    touch(border->touches, border->n_touches * sizeof *border->touches);
    touch(border->index.slots, border->index.n_slots * sizeof *border->index.slots);
    touch(border->band, border->band_capacity * sizeof *border->band);
    touch(border->mark, border->mark_capacity * sizeof *border->mark);
    touch(part->stash, part->n_stash * sizeof *part->stash);
    for (uint32_t t = 0; part->trees && t < part->n_trees; t++)
        for (uint32_t m = 0; part->trees[t].members && m < part->trees[t].n; m++) {
            const struct ffmk_tree_member *member = &part->trees[t].members[m];
            touch(member, sizeof *member);
            touch(member->borders, member->n_borders * sizeof *member->borders);
        }
}

/* Not charged is what the network itself computes. */
static void mark(struct ffmk_sim_balance *sim)
{
    if (sim->wanted.clock_ns)
        sim->marked_ns = sim->wanted.clock_ns();
}

static void post(void *context, int32_t from, int32_t to, enum ffmk_part_letter kind,
                 struct ffmk_wire_out *letter)
{
    struct ffmk_sim_balance *sim = context;
    charge(sim, (uint32_t)from,
           sim->wanted.clock_ns ? 0 : cost_of(sim, from, to, kind, letter->length));
    struct ffmk_loggp_letter out = {.from = (uint32_t)from,
                                    .to = (uint32_t)to,
                                    .kind = kind,
                                    .bytes = (uint32_t)letter->length,
                                    .data = letter->data};
    if (letter->capacity > letter->length && letter->data) {
        void *less = realloc(letter->data, letter->length);
        out.data = less ? less : letter->data;
    }
    sim->ranks[from].sent++;
    sim->call->messages++;
    sim->call->bytes += letter->length;
    if (!ffmk_loggp_send(sim->loggp, &out)) {
        free(out.data);
        sim->failed = true;
    }
    mark(sim);
}

/* What a pass goes through; the tree twice, where diffusion comes before it. */
static const uint8_t phases[IN_PASS] = {
    FFMK_SIM_BALANCE_UP,   FFMK_SIM_BALANCE_DOWN, FFMK_SIM_BALANCE_SPREAD, FFMK_SIM_BALANCE_UP,
    FFMK_SIM_BALANCE_DOWN, FFMK_SIM_BALANCE_MEET, FFMK_SIM_BALANCE_NEWS,   FFMK_SIM_BALANCE_NEWS};
enum { UP, DOWN, SPREAD, UP_AGAIN, DOWN_AGAIN, MEET, NEWS };

/* How far a part is: passes, and the place within one. */
static uint32_t place_of(const struct ffmk_part *part)
{
    static const uint8_t places[] = {
        [FFMK_PART_UP] = UP,      [FFMK_PART_DOWN] = DOWN,   [FFMK_PART_POTENTIAL] = SPREAD,
        [FFMK_PART_OFFER] = MEET, [FFMK_PART_ANSWER] = MEET, [FFMK_PART_NEWS] = NEWS,
        [FFMK_PART_MORE] = NEWS};
    int32_t from;
    enum ffmk_part_letter kind;
    const uint32_t passes = (uint32_t)part->course.result.passes; /* begun */
    if (!ffmk_part_awaits(part, &from, &kind))
        return IN_PASS * passes + SPREAD; /* all are behind DOWN of this one */
    const uint32_t place = places[kind];
    if (place <= DOWN && part->spread.done)
        return IN_PASS * (passes - 1) + place + UP_AGAIN;
    return IN_PASS * (passes - (place > DOWN)) + place;
}

/* Take over what the best plan does with the items that a part holds in the end. */
static void harvest(struct ffmk_sim_balance *sim, uint32_t rank)
{
    struct ffmk_part *part = &sim->parts[rank];
    struct ffmk_sim_balance_call *call = sim->call;
    for (uint32_t i = 0; i < part->graph.n_places; i++)
        if (ffmk_graph_is_held(&part->graph, i))
            sim->next[ffmk_graph_id(&part->graph, i)] = part->graph.items[i].best;
    call->passes = part->course.result.passes;
    call->code = part->course.result.code < call->code ? part->course.result.code : call->code;
    call->bound = part->course.result.bound;
    call->ns = fmax(call->ns, ffmk_loggp_now_ns(sim->loggp, rank));
    ffmk_part_free(part);
    *part = (struct ffmk_part){.done = true};
    sim->done++;
}

/* A rank went on. */
static void follow(struct ffmk_sim_balance *sim, uint32_t rank)
{
    const uint32_t place = place_of(&sim->parts[rank]);
    const double now = ffmk_loggp_now_ns(sim->loggp, rank);
    const uint32_t chain = ffmk_loggp_chain(sim->loggp, rank);
    for (uint32_t p = sim->ranks[rank].place; p < place && p < PLACES; p++) {
        sim->left_ns[p] = fmax(sim->left_ns[p], now);
        sim->chains[p] = chain > sim->chains[p] ? chain : sim->chains[p];
    }
    sim->ranks[rank].place = (uint16_t)place;
    struct ffmk_part *part = &sim->parts[rank];
    if (part->done) {
        harvest(sim, rank);
    } else if (part->n_stash == 0) { /* a kilobyte a rank */
        free(part->stash);
        part->stash = NULL;
        part->stash_capacity = 0;
    }
}

static bool begin_parts(struct ffmk_sim_balance *sim, int64_t step)
{
    const uint32_t ranks = sim->wanted.ranks;
    sim->loggp = ffmk_loggp_create(ranks, &sim->wanted.times);
    if (!sim->loggp)
        return false;
    memset(sim->ranks, 0, ranks * sizeof *sim->ranks);
    memset(sim->left_ns, 0, sizeof sim->left_ns);
    memset(sim->chains, 0, sizeof sim->chains);
    memcpy(sim->next, sim->owner, ffmk_workload_end(&sim->workload) * sizeof *sim->next);
    sim->done = 0;
    sim->failed = false;
    sort_items(sim);
    for (uint32_t rank = 0; rank < ranks; rank++)
        ffmk_part_begin(&sim->parts[rank], &sim->rules, (int32_t)rank, post, sim);
    for (uint32_t rank = 0; rank < ranks; rank++) {
        const int code = fill(sim, rank, step);
        mark(sim);
        ffmk_part_start(&sim->parts[rank], code);
        charge(sim, rank, 0);
        follow(sim, rank);
    }
    return true;
}

static void hear(struct ffmk_sim_balance *sim, const struct ffmk_loggp_letter *letter)
{
    struct ffmk_wire_out body = {
        .data = letter->data, .length = letter->bytes, .capacity = letter->bytes};
    const uint32_t to = letter->to;
    if (sim->wanted.clock_ns) {
        warm(sim, to);
        touch(letter->data, letter->bytes);
    } else {
        charge(sim, to, READ_NS[letter->kind]);
    }
    mark(sim);
    ffmk_part_hear(&sim->parts[to], (int32_t)letter->from, (enum ffmk_part_letter)letter->kind,
                   &body);
    ffmk_wire_free(&body);
    charge(sim, to, 0);
    follow(sim, to);
}

/* Links between ranks, load and items that move, by owner and next. */
static bool conclude(struct ffmk_sim_balance *sim, int64_t step)
{
    struct ffmk_sim_balance_call *call = sim->call;
    double whole = 0, moved = 0, before = 0;
    uint32_t chain = 0;
    for (uint64_t id = 0; id < ffmk_workload_end(&sim->workload); id++) {
        if (sim->owner[id] < 0)
            continue;
        const double weight = weight_of(sim, id, sim->owner[id], step);
        whole += weight;
        if (sim->next[id] != sim->owner[id]) {
            moved += weight;
            call->items_migrated++;
        }
    }
    call->migrated = whole > 0 ? moved / whole : 0;
    if (!count(sim, sim->next, step, &call->imbalance_after, &call->cut_after))
        return false;
    memcpy(sim->owner, sim->next, ffmk_workload_end(&sim->workload) * sizeof *sim->next);
    for (int p = 0; p < PLACES; p++) {
        const double left = fmax(sim->left_ns[p], before);
        call->phase_ns[phases[p % IN_PASS]] += left - before;
        before = left;
        const uint32_t longest = sim->chains[p] > chain ? sim->chains[p] : chain;
        call->chain[phases[p % IN_PASS]] += longest - chain;
        chain = longest;
    }
    for (uint32_t rank = 0; rank < sim->wanted.ranks; rank++) {
        const struct rank *of = &sim->ranks[rank];
        call->messages_most = of->sent > call->messages_most ? of->sent : call->messages_most;
        call->computing_most_ns = fmax(call->computing_most_ns, (double)of->computed_ns);
    }
    return true;
}

/* What a look at the clock takes. */
static void look(struct ffmk_sim_balance *sim)
{
    sim->looked_ns = UINT64_MAX;
    for (int i = 0; sim->wanted.clock_ns && i < 100; i++) {
        const uint64_t begun = sim->wanted.clock_ns();
        const uint64_t took = sim->wanted.clock_ns() - begun;
        sim->looked_ns = took < sim->looked_ns ? took : sim->looked_ns;
    }
}

bool ffmk_sim_balance_plan(struct ffmk_sim_balance *sim, int64_t step,
                           void (*heard)(void *context, double share), void *context,
                           struct ffmk_sim_balance_call *call)
{
    const uint32_t ranks = sim->wanted.ranks;
    struct ffmk_loggp_letter letter;
    *call = (struct ffmk_sim_balance_call){.levels = ffmk_tree_levels(&sim->rules)};
    sim->call = call;
    sim->heaviest = 0;
    look(sim);
    bool good = count(sim, sim->owner, step, &call->imbalance_before, &call->cut_before) &&
                begin_parts(sim, step);
    for (uint64_t n = 1; good && !sim->failed && ffmk_loggp_next(sim->loggp, &letter); n++) {
        hear(sim, &letter);
        if (heard && n % TELL_EVERY == 0)
            heard(context, (double)TELL_EVERY / ((double)USUAL_LETTERS * ranks));
    }
    good = good && !sim->failed;
    if (good && sim->done < ranks)
        call->code = FFMK_ERR_STATE;
    for (uint32_t rank = 0; rank < ranks; rank++) {
        ffmk_part_free(&sim->parts[rank]);
        sim->parts[rank] = (struct ffmk_part){0};
    }
    good = good && !call->code && conclude(sim, step);
    ffmk_loggp_destroy(sim->loggp);
    sim->loggp = NULL;
    return good;
}
