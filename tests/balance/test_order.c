/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, over random graphs of parts: no part has three meetings in a turn, nor two with
 * parts that meet each other, where one part gives the turns; no two borders of a part get the same
 * colour where they agree; both ends of a border have the same turn; turns make chains
 * shorter than one meeting behind another would; and who has none does not wait for ever. */
#include "balance/order.h"
#include "core/rng.h"

#include "cases.h"
#include <ffmk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 6, PARTS = SIDE * SIDE * SIDE, DEGREE = 40, TURNS = 12 };

/* Parts in a box, each with a border to most of the 26 around it, and some to others. */
struct parts {
    uint32_t n, most; /* parts; borders of one */
    struct ffmk_border border[PARTS];
    struct ffmk_order order[PARTS];
};

static bool has_border(const struct parts *parts, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < parts->border[a].n; k++)
        if (parts->border[a].partners[k].part == (int32_t)b)
            return true;
    return false;
}

static void join(struct parts *parts, uint32_t a, uint32_t b)
{
    if (a == b || has_border(parts, a, b) || parts->border[a].n == DEGREE ||
        parts->border[b].n == DEGREE)
        return;
    for (int side = 0; side < 2; side++) {
        struct ffmk_border *border = &parts->border[side ? b : a];
        border->partners[border->n++] = (struct ffmk_partner){.part = (int32_t)(side ? a : b)};
        parts->most = border->n > parts->most ? border->n : parts->most;
    }
}

static struct parts *draw(uint64_t seed, uint32_t share)
{
    struct parts *parts = calloc(1, sizeof *parts);
    uint64_t state = seed;
    parts->n = PARTS;
    for (uint32_t p = 0; p < PARTS; p++)
        parts->border[p].partners = calloc(DEGREE, sizeof *parts->border[p].partners);
    for (uint32_t p = 0; p < PARTS; p++)
        for (uint32_t q = 0; q < p; q++) {
            const int32_t dx = (int32_t)(p % SIDE) - (int32_t)(q % SIDE);
            const int32_t dy = (int32_t)(p / SIDE % SIDE) - (int32_t)(q / SIDE % SIDE);
            const int32_t dz = (int32_t)(p / SIDE / SIDE) - (int32_t)(q / SIDE / SIDE);
            if (abs(dx) <= 1 && abs(dy) <= 1 && abs(dz) <= 1 && ffmk_rng_below(&state, 100) < share)
                join(parts, p, q);
        }
    for (uint32_t e = 0; e < PARTS / 4; e++)
        join(parts, (uint32_t)ffmk_rng_below(&state, PARTS), 0);
    return parts;
}

static void destroy(struct parts *parts)
{
    for (uint32_t p = 0; p < parts->n; p++) {
        free(parts->border[p].partners);
        ffmk_order_free(&parts->order[p]);
    }
    free(parts);
}

static struct ffmk_order_edge *edges_of(const struct parts *parts, uint32_t *n_p)
{
    struct ffmk_order_edge *edges = calloc((size_t)PARTS * DEGREE, sizeof *edges);
    *n_p = 0;
    for (uint32_t a = 0; a < parts->n; a++)
        for (uint32_t k = 0; k < parts->border[a].n; k++) {
            const struct ffmk_partner *partner = &parts->border[a].partners[k];
            if (partner->part > (int32_t)a)
                edges[(*n_p)++] =
                    (struct ffmk_order_edge){a, (uint32_t)partner->part, partner->turn};
        }
    return edges;
}

/* No part has more meetings in a turn than it may; `apart`: nor two with parts that meet. */
static void check_turns(const struct parts *parts, const struct ffmk_order_edge *edges, uint32_t n,
                        bool apart, uint64_t seed)
{
    struct turn {
        uint32_t n, with;
    }(*met)[FFMK_ORDER_TURNS + 1] = calloc(PARTS, sizeof *met);
    for (uint32_t e = 0; e < n; e++)
        for (int end = 0; end < 2 && edges[e].turn > 0; end++) {
            ck_assert(edges[e].turn <= FFMK_ORDER_TURNS);
            const uint32_t part = end ? edges[e].b : edges[e].a;
            const uint32_t other = end ? edges[e].a : edges[e].b;
            struct turn *turn = &met[part][edges[e].turn];
            ck_assert_msg(turn->n < FFMK_ORDER_AT_ONCE, "seed %d: part %d meets %d in turn %d, too",
                          (int)seed, (int)part, (int)other, edges[e].turn);
            ck_assert_msg(!apart || turn->n == 0 || !has_border(parts, turn->with, other),
                          "seed %d: part %d meets %d and %d in turn %d, and so do they", (int)seed,
                          (int)part, (int)other, (int)turn->with, edges[e].turn);
            turn->n++;
            turn->with = other;
        }
    free(met);
}

static void check_colours(const struct parts *parts, uint64_t seed)
{
    for (uint32_t p = 0; p < parts->n; p++) {
        uint64_t used = 0;
        for (uint32_t k = 0; k < parts->border[p].n; k++) {
            const struct ffmk_partner *partner = &parts->border[p].partners[k];
            ck_assert_int_eq(partner->turn, (partner->colour + 1) / 2);
            if (partner->colour == 0)
                continue;
            ck_assert(partner->colour <= FFMK_ORDER_COLOURS);
            const uint64_t bit = UINT64_C(1) << (partner->colour - 1);
            ck_assert_msg(!(used & bit), "seed %d: part %d has colour %d twice", (int)seed, (int)p,
                          partner->colour);
            used |= bit;
        }
    }
}

static int compare_edges(const void *a, const void *b)
{
    static const struct ffmk_rules rules = {.seed = 1};
    const struct ffmk_order_edge *left = a;
    const struct ffmk_order_edge *right = b;
    if (left->turn != right->turn)
        return left->turn - 1u < right->turn - 1u ? -1 : 1;
    const uint64_t one = ffmk_order_key(&rules, 1, (int32_t)left->a, (int32_t)left->b);
    return one < ffmk_order_key(&rules, 1, (int32_t)right->a, (int32_t)right->b) ? -1 : 1;
}

/* The longest chain of turns, or of meetings outside of them; sorts the edges. */
static uint32_t chain_of(struct ffmk_order_edge *edges, uint32_t n)
{
    uint32_t before[PARTS] = {0}, met[PARTS] = {0}, longest = 0;
    qsort(edges, n, sizeof *edges, compare_edges);
    for (uint32_t e = 0; e < n; e++) {
        if (e == 0 || edges[e].turn == 0 || edges[e].turn != edges[e - 1].turn)
            memcpy(before, met, sizeof before);
        const uint32_t ends[2] = {edges[e].a, edges[e].b};
        const uint32_t a = before[ends[0]], b = before[ends[1]], end = (a > b ? a : b) + 1;
        for (int i = 0; i < 2; i++)
            met[ends[i]] = end > met[ends[i]] ? end : met[ends[i]];
        longest = end > longest ? end : longest;
    }
    return longest;
}

START_TEST(one_that_knows_all_gives_the_turns)
{
    double longer = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct parts *parts = draw(seed, 20 + 3 * (uint32_t)seed);
        uint32_t n;
        struct ffmk_order_edge *edges = edges_of(parts, &n);
        const uint32_t by_keys = chain_of(edges, n);
        ck_assert_int_eq(ffmk_order_turns(parts->n, n, edges, FFMK_ORDER_AT_ONCE), FFMK_SUCCESS);
        for (uint32_t e = 0; e < n; e++)
            ck_assert(edges[e].turn > 0);
        check_turns(parts, edges, n, true, seed);
        const uint32_t by_turns = chain_of(edges, n);
        longer += (double)by_turns / parts->most / 30;
        ck_assert_msg(by_turns <= parts->most && by_turns < by_keys,
                      "seed %d: a chain of %d turns, a part has %d meetings, without turns %d",
                      (int)seed, (int)by_turns, (int)parts->most, (int)by_keys);
        free(edges);
        destroy(parts);
    }
    printf("chains of turns are %.2f times as long as a part has meetings\n", longer);
}
END_TEST

START_TEST(more_borders_than_turns)
{
    enum { STAR = FFMK_ORDER_AT_ONCE * FFMK_ORDER_TURNS + 100 };
    struct ffmk_order_edge edges[STAR];
    uint32_t bare = 0;
    for (uint32_t e = 0; e < STAR; e++)
        edges[e] = (struct ffmk_order_edge){0, e + 1, 9};
    ck_assert_int_eq(ffmk_order_turns(STAR + 1, STAR, edges, FFMK_ORDER_AT_ONCE), FFMK_SUCCESS);
    for (uint32_t e = 0; e < STAR; e++)
        bare += edges[e].turn == 0;
    ck_assert_int_eq(bare, 100);
}
END_TEST

static void exchange(struct parts *parts, const struct ffmk_rules *rules, int turn, bool thrifty)
{
    for (uint32_t p = 0; p < parts->n; p++)
        ffmk_order_draw(&parts->order[p], rules, turn, thrifty, (int32_t)p, &parts->border[p]);
    for (uint32_t p = 0; p < parts->n; p++)
        for (uint32_t k = 0; k < parts->border[p].n; k++) {
            const uint32_t q = (uint32_t)parts->border[p].partners[k].part;
            uint32_t back = 0;
            while (parts->border[q].partners[back].part != (int32_t)p)
                back++;
            struct ffmk_wire_out out = {0};
            ffmk_order_tell(&parts->order[q], back, &out);
            struct ffmk_wire_in in = {.data = out.data, .length = out.length};
            ffmk_order_hear(&parts->order[p], k, &in);
            ffmk_wire_free(&out);
        }
    for (uint32_t p = 0; p < parts->n; p++)
        ffmk_order_settle(&parts->order[p], &parts->border[p]);
}

static void check_ends(const struct parts *parts, uint64_t seed)
{
    for (uint32_t p = 0; p < parts->n; p++)
        for (uint32_t k = 0; k < parts->border[p].n; k++) {
            const struct ffmk_border *other = &parts->border[parts->border[p].partners[k].part];
            for (uint32_t l = 0; l < other->n; l++)
                if (other->partners[l].part == (int32_t)p)
                    ck_assert_msg(other->partners[l].turn == parts->border[p].partners[k].turn,
                                  "seed %d: two turns at two ends", (int)seed);
        }
}

static double share_bare(const struct ffmk_order_edge *edges, uint32_t n)
{
    uint32_t bare = 0;
    for (uint32_t e = 0; e < n; e++)
        bare += edges[e].turn == 0;
    return n > 0 ? (double)bare / n : 0;
}

START_TEST(neighbours_agree)
{
    double bare = 0, more = 0, longer = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        const struct ffmk_rules rules = {.seed = seed};
        struct parts *parts = draw(seed, 20 + 3 * (uint32_t)seed);
        uint32_t n;
        for (uint32_t p = 0; p < parts->n; p++)
            ck_assert_int_eq(ffmk_order_begin(&parts->order[p], &parts->border[p]), FFMK_SUCCESS);
        for (int turn = 1; turn <= TURNS; turn++) {
            exchange(parts, &rules, turn, true);
            check_ends(parts, seed);
        }
        struct ffmk_order_edge *edges = edges_of(parts, &n);
        check_colours(parts, seed);
        check_turns(parts, edges, n, false, seed);
        bare += share_bare(edges, n) / 30;
        longer += ((double)chain_of(edges, n) / parts->most - 1) / 30;
        free(edges);
        exchange(parts, &rules, 0, false);
        check_ends(parts, seed);
        edges = edges_of(parts, &n);
        check_colours(parts, seed);
        more += share_bare(edges, n) / 30;
        free(edges);
        destroy(parts);
    }
    printf("%.1f %% have no colour, %.1f %% after one more turn; chains %.0f %% longer than must "
           "be\n",
           100 * bare, 100 * more, 100 * longer);
    ck_assert(bare < 0.15);
    ck_assert(more < bare / 2);
    ck_assert(longer < 0.25);
}
END_TEST

/* A border that never gets a turn is met all the same in the end. */
START_TEST(patience_ends)
{
    static const struct ffmk_graph_record record = {.id = 1, .n_links = 1};
    static const struct ffmk_graph_target there = {.id = 2, .weight = 1, .part = 1};
    static const double weight = 1;
    struct ffmk_graph graph = {.part = 0, .n_weights = 1};
    struct ffmk_border border = {0};
    ck_assert(ffmk_graph_reserve(&graph, 1, 1, 1));
    ffmk_graph_add(&graph, &record, &weight, &there);
    for (int pass = 0; pass < 2 * FFMK_BORDER_PATIENCE; pass++) {
        ck_assert_int_eq(ffmk_border_find(&border, &graph), 0);
        ck_assert_uint_eq(border.n, 1);
        ck_assert_int_eq(border.partners[0].patience,
                         pass < FFMK_BORDER_PATIENCE ? FFMK_BORDER_PATIENCE - pass : 0);
        ffmk_graph_tidy(&graph);
    }
    ffmk_border_free(&border);
    ffmk_graph_free(&graph);
}
END_TEST

CASES("order", patience_ends, one_that_knows_all_gives_the_turns, more_borders_than_turns,
      neighbours_agree)
