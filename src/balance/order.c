/* SPDX-License-Identifier: BSD-3-Clause
 * Edge colouring: greedy where all is known, by lot among neighbours. */
#include "balance/order.h"

#include "core/rng.h"

#include <ffmk.h>
#include <stdlib.h>

uint64_t ffmk_order_key(const struct ffmk_rules *rules, int pass, int32_t a, int32_t b)
{
    const uint64_t low = (uint32_t)(a < b ? a : b), high = (uint32_t)(a < b ? b : a);
    return ffmk_rng_mix(ffmk_rng_mix(low << 32 | high) ^ rules->seed ^ (uint64_t)pass << 56);
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
    uint32_t *degree = calloc(n + 1ul, sizeof *degree);
    uint64_t *used = calloc(n + 1ul, sizeof *used);
    struct turn *turns = malloc((n_edges + 1) * sizeof *turns);
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
    order->told.n_bare = border->n;
    order->pairs = calloc(border->n + 1ul, sizeof *order->pairs);
    return order->pairs ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
}

void ffmk_order_tell(const struct ffmk_order *order, uint32_t partner, struct ffmk_wire_out *letter)
{
    struct ffmk_order_word word = order->told;
    word.accepts = order->pairs && order->pairs[partner].accepted;
    ffmk_wire_put_bytes(letter, &word, sizeof word);
}

void ffmk_order_hear(struct ffmk_order *order, uint32_t partner, struct ffmk_wire_in *letter)
{
    const struct ffmk_order_word *word = ffmk_wire_get_bytes(letter, sizeof *word);
    if (word && order->pairs)
        order->pairs[partner].heard = *word;
}

/* One of the first colours that are free at both ends: of as many as the end needs that has more
 * borders to colour, so that few are drawn twice at an end and no more colours get used than
 * have to be. */
static uint8_t draw(const struct ffmk_order_word *a, const struct ffmk_order_word *b, uint64_t lot)
{
    uint64_t free = ~(a->used | b->used);
    uint32_t n_free = (uint32_t)__builtin_popcountll(free);
    const uint32_t n_bare = a->n_bare > b->n_bare ? a->n_bare : b->n_bare;
    const uint32_t n = n_bare < n_free ? n_bare : n_free;
    for (uint32_t skip = n > 1 ? (uint32_t)(lot % n) : 0; skip > 0; skip--)
        free &= free - 1;
    return lowest(free);
}

/* Accept the best of the borders for which a colour was drawn. */
static void accept(struct ffmk_order *order, const struct ffmk_rules *rules, int32_t part,
                   const struct ffmk_border *border)
{
    uint64_t best[FFMK_ORDER_COLOURS + 1] = {0};
    uint32_t winner[FFMK_ORDER_COLOURS + 1];
    for (uint32_t k = 0; k < border->n; k++) {
        struct ffmk_order_pair *pair = &order->pairs[k];
        pair->accepted = false;
        pair->drawn = 0;
        if (border->partners[k].colour)
            continue;
        const uint64_t key = ffmk_order_key(rules, order->step, part, border->partners[k].part);
        pair->drawn = draw(&order->told, &pair->heard, key >> 32);
        if (pair->drawn && key >= best[pair->drawn]) {
            if (best[pair->drawn])
                order->pairs[winner[pair->drawn]].accepted = false;
            best[pair->drawn] = key;
            winner[pair->drawn] = k;
            pair->accepted = true;
        }
    }
}

void ffmk_order_step(struct ffmk_order *order, const struct ffmk_rules *rules, int32_t part,
                     struct ffmk_border *border)
{
    if (!order->pairs)
        return;
    order->step++;
    for (uint32_t k = 0; k < border->n; k++)
        if (order->pairs[k].accepted && order->pairs[k].heard.accepts)
            border->partners[k].colour = order->pairs[k].drawn;
    accept(order, rules, part, border);
    order->told = (struct ffmk_order_word){0};
    for (uint32_t k = 0; k < border->n; k++) {
        const struct ffmk_order_pair *pair = &order->pairs[k];
        order->told.used |= bit_of(border->partners[k].colour);
        order->told.used |= pair->accepted ? bit_of(pair->drawn) : 0;
        order->told.n_bare += !border->partners[k].colour;
    }
}

void ffmk_order_free(struct ffmk_order *order)
{
    free(order->pairs);
    *order = (struct ffmk_order){0};
}
