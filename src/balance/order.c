/* SPDX-License-Identifier: BSD-3-Clause
 * Edge colouring: greedy where all is known, by lot among neighbours. */
#include "balance/order.h"

#include "core/rng.h"
#include "core/spare.h"

#include <ffmk.h>
#include <stdlib.h>

/* A thrifty end with n borders to colour offers n / THRIFT + FEWEST colours at a time: of 4,096
 * parts, 93 % have theirs after 12 turns, and the longest chain is that of their partners + 2. */
enum { THRIFT = 2, FEWEST = 3 };

uint64_t ffmk_order_key(const struct ffmk_rules *rules, int pass, int32_t a, int32_t b)
{
    const uint64_t low = (uint32_t)(a < b ? a : b), high = (uint32_t)(a < b ? b : a);
    return ffmk_rng_mix(ffmk_rng_mix(low << 32 | high) ^ rules->seed ^ (uint64_t)pass << 56);
}

struct sorting {
    const struct ffmk_rules *rules;
    const struct ffmk_border *border;
    int pass;
    int32_t part;
};

static int compare_places(const void *a, const void *b, void *context)
{
    const struct sorting *by = context;
    const struct ffmk_partner *left = &by->border->partners[*(const uint32_t *)a];
    const struct ffmk_partner *right = &by->border->partners[*(const uint32_t *)b];
    if (left->colour != right->colour) /* 0 comes last */
        return left->colour - 1u < right->colour - 1u ? -1 : 1;
    const uint64_t one = ffmk_order_key(by->rules, by->pass, by->part, left->part);
    const uint64_t other = ffmk_order_key(by->rules, by->pass, by->part, right->part);
    return (one > other) - (one < other);
}

void ffmk_order_sort(const struct ffmk_rules *rules, int pass, int32_t part,
                     const struct ffmk_border *border, uint32_t *places, uint32_t n)
{
    struct sorting by = {rules, border, pass, part};
    if (n > 1)
        qsort_r(places, n, sizeof *places, compare_places, &by);
}

/* The colour of the lowest bit, or 0. */
static uint8_t lowest(uint64_t colours)
{
    return colours ? (uint8_t)(__builtin_ctzll(colours) + 1) : 0;
}

static uint64_t bit_of(uint8_t colour)
{
    return colour ? UINT64_C(1) << (colour - 1) : 0;
}

/* Edges of members with many come first, for these have least choice. */
struct turn {
    uint32_t most, sum, edge;
};

static int compare_turns(const void *a, const void *b)
{
    const struct turn *left = a;
    const struct turn *right = b;
    if (left->most != right->most)
        return left->most > right->most ? -1 : 1;
    if (left->sum != right->sum)
        return left->sum > right->sum ? -1 : 1;
    return left->edge < right->edge ? -1 : 1;
}

int ffmk_order_colour(uint32_t n, size_t n_edges, struct ffmk_order_edge *edges)
{
    uint32_t *degree = ffmk_spare_calloc(n + 1ul, sizeof *degree);
    uint64_t *used = ffmk_spare_calloc(n + 1ul, sizeof *used);
    struct turn *turns = ffmk_spare_malloc((n_edges + 1) * sizeof *turns);
    const int code = degree && used && turns ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
    for (size_t e = 0; e < n_edges && !code; e++) {
        degree[edges[e].a]++;
        degree[edges[e].b]++;
    }
    for (size_t e = 0; e < n_edges && !code; e++) {
        const uint32_t a = degree[edges[e].a], b = degree[edges[e].b];
        turns[e] = (struct turn){a > b ? a : b, a + b, (uint32_t)e};
    }
    if (!code && n_edges > 1)
        qsort(turns, n_edges, sizeof *turns, compare_turns);
    for (size_t t = 0; t < n_edges && !code; t++) {
        struct ffmk_order_edge *edge = &edges[turns[t].edge];
        edge->colour = lowest(~(used[edge->a] | used[edge->b]));
        used[edge->a] |= bit_of(edge->colour);
        used[edge->b] |= bit_of(edge->colour);
    }
    free(degree);
    free(used);
    free(turns);
    return code;
}

int ffmk_order_begin(struct ffmk_order *order, const struct ffmk_border *border)
{
    ffmk_order_free(order);
    order->pairs = ffmk_spare_calloc(border->n + 1ul, sizeof *order->pairs);
    return order->pairs ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
}

/* Offer a colour to one of the borders whose other end has it left, too, as far as is known. */
static void offer(struct ffmk_order *order, const struct ffmk_border *border, uint8_t colour)
{
    struct ffmk_order_pair *winner = NULL;
    uint64_t best = 0;
    for (uint32_t k = 0; k < border->n; k++) {
        struct ffmk_order_pair *pair = &order->pairs[k];
        const uint64_t lot = ffmk_rng_mix(pair->key ^ colour);
        if (border->partners[k].colour || (pair->heard.used & bit_of(colour)) || lot < best)
            continue;
        best = lot;
        winner = pair;
    }
    if (winner)
        winner->told.offered |= bit_of(colour);
}

void ffmk_order_draw(struct ffmk_order *order, const struct ffmk_rules *rules, int turn,
                     bool thrifty, int32_t part, const struct ffmk_border *border)
{
    uint64_t used = 0;
    uint32_t n_bare = 0;
    for (uint32_t k = 0; k < border->n && order->pairs; k++) {
        used |= bit_of(border->partners[k].colour);
        n_bare += border->partners[k].colour == 0;
        order->pairs[k].key = ffmk_order_key(rules, turn, part, border->partners[k].part);
    }
    for (uint32_t k = 0; k < border->n && order->pairs; k++)
        order->pairs[k].told = (struct ffmk_order_word){.used = used};
    uint32_t n = thrifty ? n_bare / THRIFT + FEWEST : FFMK_ORDER_COLOURS;
    for (uint64_t left = ~used; left && n_bare > 0 && n > 0 && order->pairs; left &= left - 1, n--)
        offer(order, border, lowest(left));
}

void ffmk_order_tell(const struct ffmk_order *order, uint32_t partner, struct ffmk_wire_out *letter)
{
    const struct ffmk_order_word nothing = {0};
    ffmk_wire_put_bytes(letter, order->pairs ? &order->pairs[partner].told : &nothing,
                        sizeof nothing);
}

void ffmk_order_hear(struct ffmk_order *order, uint32_t partner, struct ffmk_wire_in *letter)
{
    const struct ffmk_order_word *word = ffmk_wire_get_bytes(letter, sizeof *word);
    if (word && order->pairs)
        order->pairs[partner].heard = *word;
}

void ffmk_order_settle(struct ffmk_order *order, struct ffmk_border *border)
{
    for (uint32_t k = 0; k < border->n && order->pairs; k++) {
        const struct ffmk_order_pair *pair = &order->pairs[k];
        if (!border->partners[k].colour)
            border->partners[k].colour = lowest(pair->told.offered & pair->heard.offered);
    }
}

void ffmk_order_free(struct ffmk_order *order)
{
    free(order->pairs);
    *order = (struct ffmk_order){0};
}
