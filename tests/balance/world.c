/* SPDX-License-Identifier: BSD-3-Clause
 * Worlds and letters. */
#include "world.h"

#include "core/rng.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void world_tie(struct world *world, uint32_t a, uint32_t b, float weight)
{
    if (a == b || world->n_links[a] == LINKS || world->n_links[b] == LINKS)
        return;
    for (uint32_t k = 0; k < world->n_links[a]; k++)
        if (world->link[a][k] == b)
            return;
    world->link_weight[a][world->n_links[a]] = world->link_weight[b][world->n_links[b]] = weight;
    world->link[a][world->n_links[a]++] = b;
    world->link[b][world->n_links[b]++] = a;
}

static void tie_all(struct world *world, uint64_t shape, uint32_t side, uint64_t *state)
{
    for (uint32_t i = 0; i < world->n; i++) {
        const uint32_t at[3] = {i % side, i / side % side, i / side / side};
        const uint32_t stride[3] = {1, side, side * side};
        for (int axis = 0; axis < 3; axis++) {
            world->position[i][axis] = (float)at[axis];
            if (shape < 3 && at[axis] + 1 < side && i + stride[axis] < world->n)
                world_tie(world, i, i + stride[axis], shape < 2 ? 1 : (float)ffmk_rng_unit(state));
        }
        for (uint64_t k = shape == 3 ? ffmk_rng_below(state, 4) : 0; k > 0; k--)
            world_tie(world, i, (uint32_t)ffmk_rng_below(state, world->n),
                      (float)ffmk_rng_below(state, 3));
    }
}

void world_draw(struct world *world, uint64_t seed)
{
    static const int fanouts[] = {64, 2, 3, 5};
    uint64_t state = seed;
    memset(world, 0, sizeof *world);
    world->seed = seed;
    const uint32_t side = 2 + (uint32_t)ffmk_rng_below(&state, 6);
    const uint32_t n_parts = 1 + (uint32_t)ffmk_rng_below(&state, PARTS);
    world->n = ffmk_rng_below(&state, 30) == 0 ? 0 : side * side * side;
    world->rules =
        (struct ffmk_rules){.n_parts = (int32_t)n_parts,
                            .fanout = fanouts[ffmk_rng_below(&state, 4)],
                            .spread = (int)ffmk_rng_below(&state, 4),
                            .n_weights = 1 + (unsigned)ffmk_rng_below(&state, 3),
                            .conductance = ffmk_rng_unit(&state),
                            .price = ffmk_rng_below(&state, 2) ? 0 : ffmk_rng_unit(&state),
                            .pull = 0.2,
                            .aim = 0.2,
                            .patience = 20,
                            .worth = 0.01,
                            .passes_most = 1 + (int)ffmk_rng_below(&state, 12),
                            .seed = seed};
    /* Now and then the last weight is one of which each part can hold so much. */
    world->rules.n_shared =
        world->rules.n_weights - (world->rules.n_weights > 1 && ffmk_rng_below(&state, 3) == 0);
    if (world->n >= 4 * n_parts && ffmk_rng_below(&state, 3) == 0)
        world->rules.least_items = 1 + (uint32_t)ffmk_rng_below(&state, 3);
    for (unsigned d = 0; d < FFMK_GRAPH_WEIGHTS; d++)
        world->rules.imbalance[d] = 1 + 0.3 * ffmk_rng_unit(&state);
    const uint64_t spread = ffmk_rng_below(&state, 4), weights = ffmk_rng_below(&state, 4);
    const uint64_t pins = ffmk_rng_below(&state, 3) == 0 ? 10 : 0;
    const bool unequal = ffmk_rng_below(&state, 4) == 0;
    world->placed = ffmk_rng_below(&state, 2);
    double total = 0;
    for (uint32_t i = 0; i < world->n; i++) {
        world->part[i] = (int)(spread == 0   ? (uint64_t)i * n_parts / world->n
                               : spread == 1 ? n_parts / 2
                               : spread == 2 ? ffmk_rng_below(&state, n_parts)
                                             : (uint64_t)i * ((n_parts + 1) / 2) / world->n);
        world->pinned[i] = pins && ffmk_rng_below(&state, pins) == 0;
        for (unsigned d = 0; d < world->rules.n_weights; d++)
            world->weight[i][d] = weights == 0   ? 0.1
                                  : weights == 1 ? ffmk_rng_unit(&state)
                                  : weights == 2 ? (double)ffmk_rng_below(&state, 3) / 3
                                                 : pow(ffmk_rng_unit(&state), 8);
        total += world->weight[i][world->rules.n_weights - 1];
    }
    for (uint32_t p = 0; p < n_parts; p++) {
        world->capacity[p] = unequal ? 0.5 + ffmk_rng_unit(&state) : 1;
        world->own_limit[p] = (1.1 + ffmk_rng_unit(&state)) * total / n_parts + 1e-6;
    }
    tie_all(world, ffmk_rng_below(&state, 5), side, &state);
    world->rules.little = ffmk_rng_below(&state, 3) == 0 ? 1 : 1e-4;
}

/* What is balanced stays so: also with several meetings at a time a part keeps below its limits. */
static void check_limits(const struct ffmk_part *part)
{
    const struct ffmk_graph_sums *sums = &part->graph.sums;
    for (unsigned d = 0; d < part->rules->n_weights; d++)
        ck_assert_msg(sums->load[d] <= part->limit[d] * (1 + 1e-9),
                      "seed %d: part %d refines, and has %g where %g is allowed",
                      (int)part->rules->seed, part->graph.part, sums->load[d], part->limit[d]);
    ck_assert_msg(sums->n >= part->rules->least_items,
                  "seed %d: part %d refines, and has %d items where %d is least",
                  (int)part->rules->seed, part->graph.part, (int)sums->n,
                  (int)part->rules->least_items);
}

/* In a pass without flows, who has too much asks everybody, but for borders that have just come up.
 */
static void check_asked(const struct ffmk_part *part)
{
    uint32_t n_asked = part->n_order;
    bool above = false;
    for (unsigned d = 0; d < part->rules->n_weights; d++)
        above = above || part->load[d] > part->limit[d];
    for (uint32_t k = 0; k < part->border.n && part->n_trees > 1 && part->course.settled; k++)
        n_asked += part->border.partners[k].turn == 0 && part->border.partners[k].patience > 0;
    if (above && part->rules->n_shared == part->rules->n_weights)
        ck_assert_msg(n_asked == part->border.n, "seed %d: part %d has too much and asks %d of %d",
                      (int)part->rules->seed, part->graph.part, (int)n_asked, (int)part->border.n);
}

/* A border that has been one for some passes: what should flow over it was settled in a meeting. */
static void check_carried(const struct ffmk_part *part, uint32_t partner)
{
    bool met = true;
    for (unsigned d = 0; d < part->rules->n_weights; d++)
        met = met && part->border.partners[partner].flow[d] == 0;
    for (uint32_t at = 0; at < part->n_order; at++)
        met = met || part->order[at] == partner;
    ck_assert_msg(met, "seed %d: part %d has not met %d", (int)part->rules->seed, part->graph.part,
                  part->border.partners[partner].part);
}

/* A pass without flows leaves no more above limits than it found; where a part that is full changes
 * what the others share, limits change, too. */
static void check_repairs(struct post *post, const struct ffmk_part *root)
{
    const struct ffmk_course *course = &root->course;
    if (course->result.passes == post->pass)
        return;
    if (post->repairs && root->rules->n_shared == root->rules->n_weights)
        ck_assert_msg(course->excess <= post->excess * (1 + 1e-9),
                      "seed %d: pass %d repairs, and what is above limits grows from %g to %g",
                      (int)root->rules->seed, post->pass, post->excess, course->excess);
    post->pass = course->result.passes;
    post->repairs = course->repairs;
    post->excess = course->excess;
}

/* In a tree of groups, who refines says nothing of borders on the way up; and once little is left
 * to move, borders that have just come up, so that no news went there in the last pass, are not
 * met; but what is to flow over one is carried in the fourth pass at the latest. */
static void check_letter(struct post *post, const struct ffmk_part *from, int32_t to,
                         enum ffmk_part_letter kind, const struct ffmk_wire_out *body)
{
    int *told = &post->told[from->graph.part][to], *since = &post->since[from->graph.part][to];
    const int pass = from->course.result.passes;
    if (kind == FFMK_PART_NEWS) {
        const uint32_t partner = ffmk_border_partner(&from->border, to);
        const bool linked = from->border.partners[partner].touched != FFMK_GRAPH_NONE;
        *since = !linked ? pass + 1 : pass > 1 && *told == pass - 1 ? *since : pass;
        *told = pass;
        if (pass - *since >= FFMK_BORDER_PATIENCE)
            check_carried(from, partner);
    }
    if (kind == FFMK_PART_DOWN && from->graph.part == 0)
        check_repairs(post, from);
    if (kind == FFMK_PART_NEWS && from->course.repairs)
        check_asked(from);
    if (kind == FFMK_PART_UP && from->course.refines)
        check_limits(from);
    if (from->n_trees > 1 && kind == FFMK_PART_UP && from->course.refines)
        ck_assert_uint_le(body->length, sizeof(struct ffmk_totals));
    if (from->n_trees > 1 && kind == FFMK_PART_OFFER && from->course.settled) {
        const struct ffmk_partner *partner =
            &from->border.partners[ffmk_border_partner(&from->border, to)];
        const bool no_border = partner->touched == FFMK_GRAPH_NONE;
        ck_assert(no_border || *told == pass - 1);
    }
}

void post_send(void *context, int32_t from, int32_t to, enum ffmk_part_letter kind,
               struct ffmk_wire_out *body)
{
    struct post *post = context;
    if (post->parts)
        check_letter(post, &post->parts[from], to, kind, body);
    if (post->n == post->capacity)
        post->letters = realloc(post->letters,
                                (post->capacity = 2 * post->capacity + 64) * sizeof *post->letters);
    post->letters[post->n++] = (struct letter){from, to, kind, *body};
}

void post_deliver(struct post *post, struct ffmk_part *parts, size_t at)
{
    const struct letter drawn = post->letters[at];
    size_t first = at;
    for (size_t l = at; l-- > 0;)
        if (post->letters[l].from == drawn.from && post->letters[l].to == drawn.to &&
            post->letters[l].kind == drawn.kind)
            first = l;
    struct letter letter = post->letters[first];
    memmove(&post->letters[first], &post->letters[first + 1], (--post->n - first) * sizeof letter);
    ffmk_part_hear(&parts[letter.to], letter.from, letter.kind, &letter.body);
    ffmk_wire_free(&letter.body);
}

static struct ffmk_graph_record describe(const struct world *world, uint32_t item,
                                         struct ffmk_graph_target links[LINKS], bool *outer_p)
{
    const int number = world->part[item];
    *outer_p = false;
    for (uint32_t k = 0; k < world->n_links[item]; k++) {
        const uint32_t other = world->link[item][k];
        links[k] =
            (struct ffmk_graph_target){other, world->link_weight[item][k], world->part[other]};
        *outer_p = *outer_p || world->part[other] != number;
    }
    struct ffmk_graph_record record = {.id = item,
                                       .home = number,
                                       .origin = number,
                                       .best = number,
                                       .n_links = world->n_links[item],
                                       .placed = world->placed,
                                       .pinned = world->pinned[item]};
    memcpy(record.position, world->position[item], sizeof record.position);
    return record;
}

static bool rouse(struct ffmk_graph *graph, const struct world *world, uint32_t item)
{
    struct ffmk_graph_target links[LINKS];
    bool outer;
    const struct ffmk_graph_record record = describe(world, item, links, &outer);
    if (!ffmk_graph_reserve(graph, 1, LINKS, LINKS))
        return false;
    ffmk_graph_rouse(graph, &record, world->weight[item], links);
    return true;
}

static bool wake(void *source, struct ffmk_graph *graph, const uint64_t *id)
{
    const struct world *world = source;
    if (id)
        return rouse(graph, world, (uint32_t)*id);
    for (uint32_t i = 0; i < world->n; i++) {
        const uint32_t vertex = ffmk_graph_find(graph, i);
        if (world->part[i] == graph->part &&
            (vertex == FFMK_GRAPH_NONE || graph->vertices[vertex].held == FFMK_GRAPH_ASLEEP) &&
            !rouse(graph, world, i))
            return false;
    }
    return true;
}

void world_fill(struct ffmk_part *part, struct world *world, int number, bool sleepy)
{
    struct ffmk_graph *graph = &part->graph;
    part->capacity = world->capacity[number];
    part->own_limit[world->rules.n_weights - 1] = world->own_limit[number];
    if (sleepy) {
        graph->wake = wake;
        graph->source = world;
    }
    for (uint32_t i = 0; i < world->n; i++) {
        struct ffmk_graph_target links[LINKS];
        bool outer;
        if (world->part[i] != number)
            continue;
        const struct ffmk_graph_record record = describe(world, i, links, &outer);
        double weight = 0;
        for (uint32_t k = 0; k < record.n_links; k++)
            weight += (double)links[k].weight;
        ffmk_graph_doze(graph, &record, world->weight[i], weight);
        if (outer || !sleepy)
            ck_assert(rouse(graph, world, i));
        else
            ffmk_graph_sleep(graph, world->weight[i]);
    }
    if (world->seed % 2)
        ck_assert(ffmk_graph_ready(graph));
}
