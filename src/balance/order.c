/* SPDX-License-Identifier: BSD-3-Clause
 * Edge colouring, more or less: greedy where all is known, by lot among neighbours. */
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
    if (left->turn != right->turn) /* 0 comes last */
        return left->turn - 1u < right->turn - 1u ? -1 : 1;
    if (left->colour != right->colour)
        return left->colour < right->colour ? -1 : 1;
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
struct choice {
    uint32_t most, sum, edge;
};

static int compare_choices(const void *a, const void *b)
{
    const struct choice *left = a;
    const struct choice *right = b;
    if (left->most != right->most)
        return left->most > right->most ? -1 : 1;
    if (left->sum != right->sum)
        return left->sum > right->sum ? -1 : 1;
    return left->edge < right->edge ? -1 : 1;
}

static const uint32_t NOBODY = UINT32_MAX;

/* Who borders whom, and who meets whom when. */
struct table {
    uint32_t n, n_turns;
    int at_once;
    uint32_t *first;                     /* of each member's neighbours; one more is their end */
    uint32_t *neighbours;                /* one behind another */
    uint32_t (*met)[FFMK_ORDER_AT_ONCE]; /* in each turn of each member; or NOBODY */
    uint32_t *near[2]; /* of each member: the last edge + 1 whose a, b it borders */
};

static void table_free(struct table *table)
{
    free(table->first);
    free(table->neighbours);
    free(table->met);
    free(table->near[0]);
    free(table->near[1]);
}

static bool table_build(struct table *table, uint32_t n, size_t n_edges,
                        const struct ffmk_order_edge *edges)
{
    uint32_t most = 0;
    table->n = n;
    table->first = ffmk_spare_calloc(n + 2ul, sizeof *table->first);
    table->neighbours = ffmk_spare_malloc((2 * n_edges + 1) * sizeof *table->neighbours);
    for (int end = 0; end < 2; end++)
        table->near[end] = ffmk_spare_calloc(n + 1ul, sizeof *table->near[end]);
    if (!table->first || !table->neighbours || !table->near[0] || !table->near[1])
        return false;
    /* Counted two places behind and filled in one behind, they end up where they should be. */
    uint32_t *count = table->first + 2, *fill = table->first + 1;
    for (size_t e = 0; e < n_edges; e++) {
        count[edges[e].a] += 1;
        count[edges[e].b] += 1;
    }
    for (uint32_t m = 0; m < n; m++) {
        most = count[m] > most ? count[m] : most;
        count[m] += fill[m];
    }
    for (size_t e = 0; e < n_edges; e++) {
        table->neighbours[fill[edges[e].a]++] = edges[e].b;
        table->neighbours[fill[edges[e].b]++] = edges[e].a;
    }
    /* An edge waits for no more than the others of its ends. */
    table->n_turns = 2 * most < FFMK_ORDER_TURNS ? 2 * most : FFMK_ORDER_TURNS;
    table->met = ffmk_spare_malloc(((size_t)n * table->n_turns + 1) * sizeof *table->met);
    for (size_t t = 0; t < (size_t)n * table->n_turns && table->met; t++)
        for (int k = 0; k < FFMK_ORDER_AT_ONCE; k++)
            table->met[t][k] = NOBODY;
    return table->met != NULL;
}

static uint32_t *met_by(const struct table *table, uint32_t member, uint32_t turn)
{
    return table->met[(size_t)member * table->n_turns + turn - 1];
}

/* The place for another meeting of a member in a turn; NULL when there is none, or it meets one
 * that borders the other end. */
static uint32_t *place_in(const struct table *table, uint32_t member, uint32_t turn,
                          const uint32_t *near_other, uint32_t stamp)
{
    uint32_t *met = met_by(table, member, turn), *place = NULL;
    for (int k = 0; k < table->at_once; k++) {
        if (met[k] == NOBODY)
            place = &met[k];
        else if (near_other[met[k]] == stamp)
            return NULL;
    }
    return place;
}

static void give_turn(struct table *table, struct ffmk_order_edge *edge, uint32_t stamp)
{
    const uint32_t ends[2] = {edge->a, edge->b};
    for (int end = 0; end < 2; end++)
        for (uint32_t k = table->first[ends[end]]; k < table->first[ends[end] + 1]; k++)
            table->near[end][table->neighbours[k]] = stamp;
    edge->turn = 0;
    for (uint32_t turn = 1; turn <= table->n_turns && edge->turn == 0; turn++) {
        uint32_t *at_a = place_in(table, edge->a, turn, table->near[1], stamp);
        uint32_t *at_b = place_in(table, edge->b, turn, table->near[0], stamp);
        if (!at_a || !at_b)
            continue;
        *at_a = edge->b;
        *at_b = edge->a;
        edge->turn = (uint8_t)turn;
    }
}

static uint32_t degree_of(const struct table *table, uint32_t member)
{
    return table->first[member + 1] - table->first[member];
}

int ffmk_order_turns(uint32_t n, size_t n_edges, struct ffmk_order_edge *edges, int at_once)
{
    struct table table = {.at_once = at_once};
    struct choice *choices = ffmk_spare_malloc((n_edges + 1) * sizeof *choices);
    const bool good = choices && table_build(&table, n, n_edges, edges);
    for (size_t e = 0; e < n_edges && good; e++) {
        const uint32_t a = degree_of(&table, edges[e].a), b = degree_of(&table, edges[e].b);
        choices[e] = (struct choice){a > b ? a : b, a + b, (uint32_t)e};
    }
    if (good && n_edges > 1)
        qsort(choices, n_edges, sizeof *choices, compare_choices);
    for (size_t r = 0; r < n_edges && good; r++)
        give_turn(&table, &edges[choices[r].edge], choices[r].edge + 1);
    free(choices);
    table_free(&table);
    return good ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
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
        struct ffmk_partner *partner = &border->partners[k];
        if (!partner->colour)
            partner->colour = lowest(pair->told.offered & pair->heard.offered);
        partner->turn = (uint8_t)((partner->colour + FFMK_ORDER_AT_ONCE - 1) / FFMK_ORDER_AT_ONCE);
    }
}

void ffmk_order_free(struct ffmk_order *order)
{
    free(order->pairs);
    *order = (struct ffmk_order){0};
}
