/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, over thousands of random sets of items on random numbers of parts: a plan comes
 * to an end whatever the order in which letters arrive, and always to the same one; no item is lost
 * or doubled, pinned ones stay; every part knows where what it is linked to is; what the plan says
 * of itself is so, and is never worse than what there was. Two weights that lie at the two ends of
 * a chain of parts are evened out in one plan. */
#include "core/rng.h"

#include "cases.h"
#include "world.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Run a plan with letters arriving in the order that `order` draws; where each item is in the best
 * plan. */
static struct ffmk_part_result run(struct world *world, uint64_t order, bool sleepy,
                                   int best[ITEMS])
{
    const int n_parts = world->rules.n_parts, seed = (int)world->seed;
    static struct ffmk_part parts[PARTS];
    struct post post = {.parts = parts};
    static int held[ITEMS];
    int times[ITEMS] = {0}, counted[PARTS] = {0};
    for (int p = 0; p < n_parts; p++) {
        ffmk_part_begin(&parts[p], &world->rules, p, post_send, &post);
        world_fill(&parts[p], world, p, sleepy);
    }
    for (uint32_t i = 0; i < world->n; i++)
        held[i] = best[i] = world->part[i]; /* of what sleeps until the end */
    for (int p = 0; p < n_parts; p++) {
        ffmk_part_start(&parts[p], 0);
        while (post.n > 0 && ffmk_rng_below(&order, 2))
            post_deliver(&post, parts, ffmk_rng_below(&order, post.n));
    }
    while (post.n > 0)
        post_deliver(&post, parts, ffmk_rng_below(&order, post.n));
    for (int p = 0; p < n_parts; p++) {
        const struct ffmk_graph *graph = &parts[p].graph;
        ck_assert_msg(parts[p].done, "seed %d: part %d waits for ever", seed, p);
        ck_assert_msg(memcmp(&parts[p].course.result, &parts[0].course.result,
                             sizeof parts[p].course.result) == 0,
                      "seed %d: part %d came to another result", seed, p);
        for (uint32_t i = 0; i < graph->n_places; i++)
            if (ffmk_graph_is_held(graph, i)) {
                const uint64_t id = ffmk_graph_id(graph, i);
                times[id]++;
                held[id] = p;
                best[id] = graph->items[i].best;
                ck_assert(graph->items[i].home == world->part[id]);
            }
    }
    for (uint32_t i = 0; i < world->n; i++) {
        ck_assert_msg(times[i] == 1 || (sleepy && times[i] == 0),
                      "seed %d: item %d is there %d times", seed, (int)i, times[i]);
        counted[held[i]]++;
        if (world->pinned[i])
            ck_assert_msg(held[i] == world->part[i], "seed %d: pinned item %d moved", seed, (int)i);
    }
    for (int p = 0; p < n_parts; p++) {
        const struct ffmk_graph *graph = &parts[p].graph;
        ck_assert_msg((int)graph->sums.n == counted[p], "seed %d: part %d counts %d items, has %d",
                      seed, p, (int)graph->sums.n, counted[p]);
        /* Behind a last pass nobody hears where things went. */
        for (uint32_t i = 0; i < graph->n_places && !parts[p].course.last; i++)
            for (uint32_t k = 0; ffmk_graph_is_held(graph, i) && k < graph->items[i].n_links; k++) {
                const uint32_t vertex = graph->links[graph->items[i].first + k].vertex;
                ck_assert_msg(graph->vertices[vertex].part == held[graph->vertices[vertex].id],
                              "seed %d: part %d takes item %d to be at %d", seed, p,
                              (int)graph->vertices[vertex].id, graph->vertices[vertex].part);
            }
    }
    const struct ffmk_part_result result = parts[0].course.result;
    for (int p = 0; p < n_parts; p++)
        ffmk_part_free(&parts[p]);
    free(post.letters);
    return result;
}

struct quality {
    double imbalance, ratio, over;
    uint64_t missing;
};

static struct quality judge(const struct world *world, const int part[ITEMS])
{
    struct quality quality = {.imbalance = 1, .ratio = 1, .over = 1};
    for (unsigned d = 0; d < world->rules.n_weights; d++) {
        double load[PARTS] = {0}, total = 0, capacity = 0, largest = 0, heaviest = 0, most = 0;
        for (uint32_t i = 0; i < world->n; i++) {
            load[part[i]] += world->weight[i][d];
            total += world->weight[i][d];
            heaviest = fmax(heaviest, world->weight[i][d]);
        }
        for (int p = 0; p < world->rules.n_parts; p++) {
            capacity += world->capacity[p];
            most = fmax(most, world->capacity[p]);
            largest = fmax(largest, load[p] / world->capacity[p]);
            if (d >= world->rules.n_shared)
                quality.over = fmax(quality.over, load[p] / world->own_limit[p]);
        }
        if (d >= world->rules.n_shared || total == 0)
            continue;
        const double mean = total / capacity;
        const double bound = fmax(world->rules.imbalance[d], heaviest / (mean * most));
        quality.imbalance = fmax(quality.imbalance, largest / mean);
        quality.ratio = fmax(quality.ratio, largest / mean / bound);
    }
    uint32_t n[PARTS] = {0};
    for (uint32_t i = 0; i < world->n; i++)
        n[part[i]]++;
    for (int p = 0; p < world->rules.n_parts; p++)
        if (n[p] < world->rules.least_items)
            quality.missing += world->rules.least_items - n[p];
    return quality;
}

static bool is_worse(const struct quality *a, const struct quality *b)
{
    static const double MORE = 1 + 1e-8;
    if (a->over > b->over * MORE || a->over * MORE < b->over)
        return a->over > b->over;
    if (a->missing != b->missing)
        return a->missing > b->missing;
    return a->ratio > b->ratio * MORE;
}

/* FFMK_SEEDS=first,count in the environment runs others. */
static void check_seeds(uint64_t first, uint64_t count)
{
    static struct world world;
    int reached = 0, asked = 0, differ = 0;
    if (getenv("FFMK_SEEDS"))
        first = strtoull(getenv("FFMK_SEEDS"), NULL, 10), count = 1;
    for (uint64_t seed = first; seed < first + count; seed++) {
        int best[ITEMS], again[ITEMS];
        world_draw(&world, seed);
        const struct ffmk_part_result result = run(&world, seed, false, best);
        ck_assert_msg(result.code == 0, "seed %d: code %d", (int)seed, result.code);
        run(&world, seed + 1000003, false, again);
        ck_assert_msg(memcmp(best, again, world.n * sizeof *best) == 0,
                      "seed %d: the plan depends on the order of letters", (int)seed);
        if (seed % 3 == 0) {
            run(&world, seed, true, again);
            differ += memcmp(best, again, world.n * sizeof *best) != 0;
        }
        const struct quality before = judge(&world, world.part), after = judge(&world, best);
        ck_assert_msg(fabs(before.imbalance - result.imbalance_before) < 1e-6 * before.imbalance,
                      "seed %d: %g before, it says %g", (int)seed, before.imbalance,
                      result.imbalance_before);
        ck_assert_msg(fabs(after.imbalance - result.imbalance_after) < 1e-6 * after.imbalance,
                      "seed %d: %g after, it says %g", (int)seed, after.imbalance,
                      result.imbalance_after);
        ck_assert_msg(!is_worse(&after, &before),
                      "seed %d: worse than before: over %g to %g, missing %d to %d, ratio %g to %g",
                      (int)seed, before.over, after.over, (int)before.missing, (int)after.missing,
                      before.ratio, after.ratio);
        const bool good = before.ratio <= 1 + 1e-8 && before.over <= 1 && before.missing == 0;
        asked += !good;
        reached += !good && after.ratio <= 1 + 1e-8 && after.over <= 1 && after.missing == 0;
    }
    /* The same sums in another order: now and then rounding decides. */
    ck_assert_msg(differ <= (int)count / 500, "%d plans are others with items asleep", differ);
    ck_assert_msg(asked < 10 || reached > asked * 0.45, "%d of %d plans reached what was asked",
                  reached, asked);
    printf("%d of %d plans with something to do reached what was asked; %d are others with items "
           "asleep\n",
           reached, asked, differ);
}

START_TEST(any_items_on_any_parts)
{
    check_seeds(1, 1500);
}

START_TEST(and_others)
{
    check_seeds(100000, 1500);
}

/* 1, and 10 in a spot in a corner of the grid, of parts in slabs. */
static double spot(uint32_t i, double length, bool far)
{
    const double dx = i / SLAB - (far ? length : 0), dy = i % SLAB - (far ? SLAB : 0.0);
    return 1 + 9 * exp(-(dx * dx + dy * dy) / SLAB / SLAB / 0.3);
}

static void draw_slabs(struct world *world, int n_parts)
{
    const ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    memset(world, 0, sizeof *world);
    world->rules = ffmk_rules_of(&options, n_parts);
    world->n = (uint32_t)(SLAB * SLAB * n_parts);
    world->placed = true;
    for (uint32_t i = 0; i < world->n; i++) {
        world->part[i] = (int)(i / SLAB / SLAB);
        world->weight[i][0] = spot(i, SLAB * n_parts, false);
        world->weight[i][1] = spot(i, SLAB * n_parts, true);
        world->position[i][0] = (float)(i / SLAB);
        world->position[i][1] = (float)(i % SLAB);
        if (i % SLAB > 0)
            world_tie(world, i, i - 1, 1);
        if (i >= SLAB)
            world_tie(world, i, i - SLAB, 1);
    }
    for (int p = 0; p < n_parts; p++)
        world->capacity[p] = 1;
}

START_TEST(two_weights_at_two_ends)
{
    static struct world world;
    static int best[ITEMS];
    int passes = 0, plans = 0;
    for (int n_parts = 2; n_parts <= PARTS; n_parts++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            draw_slabs(&world, n_parts);
            world.rules.seed = seed;
            struct ffmk_part_result result = run(&world, 1, false, best);
            ck_assert_double_le(result.imbalance_after, 1.05 + 1e-6);
            memcpy(world.part, best, sizeof best);
            world.rules.n_weights = world.rules.n_shared = 2;
            result = run(&world, 2, false, best);
            ck_assert_msg(result.imbalance_after <= 1.05 + 1e-6, "%d parts, seed %d: %g to %g",
                          n_parts, (int)seed, result.imbalance_before, result.imbalance_after);
            passes += result.passes;
            plans++;
        }
    printf("two weights: %.1f passes a plan\n", (double)passes / plans);
}
END_TEST

/* One part, `full`, has no room at all, or room for half of what the others begin with. */
struct filling {
    int n_parts, full, fanout;
    double room;
    bool slabs; /* or all begins with one part beside it */
};

static int check_full_part(const struct filling *filling)
{
    static struct world world;
    static int best[ITEMS];
    const int n_parts = filling->n_parts, full = filling->full;
    const double bytes = filling->room * SLAB * SLAB;
    draw_slabs(&world, n_parts);
    world.rules.n_weights = 2;
    world.rules.fanout = filling->fanout;
    for (uint32_t i = 0; i < world.n; i++) {
        world.weight[i][1] = 1;
        world.part[i] = filling->slabs ? world.part[i] : (full + 1) % n_parts;
    }
    for (int p = 0; p < n_parts; p++)
        world.own_limit[p] = p == full ? fmax(bytes, 1e-20) : 1e15;
    const struct ffmk_part_result result = run(&world, 1, false, best);
    double load[PARTS] = {0}, total = 0, largest = 0, held = 0;
    for (uint32_t i = 0; i < world.n; i++) {
        load[best[i]] += world.weight[i][0];
        total += world.weight[i][0];
        held += best[i] == full;
    }
    for (int p = 0; p < n_parts; p++)
        largest = fmax(largest, load[p]);
    const double share = fmax(total - load[full], 0) / (n_parts - 1);
    ck_assert_msg(held <= bytes, "%d parts, %d with room for %g: holds %g", n_parts, full, bytes,
                  held);
    /* The full part's load is not known before; so 0.01 more than what is asked. */
    ck_assert_msg(largest <= 1.06 * fmax(share, total / n_parts),
                  "%d parts by %d, %d with room for %g, slabs %d: one has %g of what it should, "
                  "after %d passes",
                  n_parts, filling->fanout, full, bytes, filling->slabs, largest / share,
                  result.passes);
    return result.passes;
}

/* The others share evenly what it cannot have; what has to get past it does. */
START_TEST(a_part_that_is_full)
{
    int plans = 0, passes = 0;
    for (int n_parts = 2; n_parts <= PARTS; n_parts++)
        for (int kind = 0; kind < 24; kind++, plans++)
            passes += check_full_part(&(struct filling){.n_parts = n_parts,
                                                        .full = kind % 3 * (n_parts - 1) / 2,
                                                        .fanout = kind / 12 ? 3 : 64,
                                                        .room = kind / 3 % 2 * 0.5,
                                                        .slabs = kind / 6 % 2});
    printf("a full part: %.1f passes a plan\n", (double)passes / plans);
    ck_assert_int_lt(passes, 9 * plans);
}
END_TEST

/* Half of the items of the first part weigh 100, all others 1 to 10: as few of the heavy ones as
 * make a load do not make it exactly, so each part needs light ones, too, and these begin far away
 * from the heavy ones. Plans there are: as many heavy ones everywhere, and light ones between. */
START_TEST(few_heavy_items)
{
    static struct world world;
    static int best[ITEMS];
    int passes = 0, plans = 0;
    for (int n_parts = 2; n_parts <= PARTS; n_parts++)
        for (uint64_t seed = 1; seed <= 6; seed++) {
            draw_slabs(&world, n_parts);
            world.rules.seed = seed;
            world.rules.fanout = seed > 3 ? 5 : 64;
            for (uint32_t i = 0; i < SLAB * SLAB / 2; i++)
                world.weight[i][0] = 100;
            const struct ffmk_part_result result = run(&world, 1, false, best);
            ck_assert_msg(result.imbalance_after <= fmax(1.05, result.bound) + 1e-6,
                          "%d parts, seed %d: %g to %g after %d passes", n_parts, (int)seed,
                          result.imbalance_before, result.imbalance_after, result.passes);
            passes += result.passes;
            plans++;
        }
    printf("few heavy items: %.1f passes a plan\n", (double)passes / plans);
    ck_assert_int_lt(passes, 15 * plans);
}
END_TEST

/* Links of any weight, so that much goes to and fro; and no part may have much fewer items than
 * all have (world.c looks in each pass). */
START_TEST(least_items)
{
    static struct world world;
    static int best[ITEMS];
    for (int n_parts = 2; n_parts <= PARTS; n_parts++)
        for (uint64_t seed = 1; seed <= 6; seed++) {
            draw_slabs(&world, n_parts);
            world.rules.seed = seed;
            world.rules.fanout = seed > 3 ? 5 : 64;
            world.rules.least_items = SLAB * SLAB - 8;
            world.rules.imbalance[0] = 1.3;
            for (uint32_t i = 0; i < world.n; i++) {
                world.weight[i][0] = i < SLAB * SLAB ? 1.5 : 1;
                for (uint32_t k = 0; k < world.n_links[i]; k++) {
                    uint64_t state = seed ^ (uint64_t)i * world.link[i][k];
                    world.link_weight[i][k] = (float)ffmk_rng_unit(&state);
                }
            }
            const struct ffmk_part_result result = run(&world, 1, false, best);
            ck_assert_msg(result.imbalance_after <= 1.3 + 1e-6, "%d parts, seed %d: %g to %g",
                          n_parts, (int)seed, result.imbalance_before, result.imbalance_after);
        }
}
END_TEST

CASES("part", any_items_on_any_parts, and_others, two_weights_at_two_ends, a_part_that_is_full,
      few_heavy_items, least_items)
