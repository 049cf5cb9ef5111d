/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: selection fills flows without going beyond them by more than an item, leaves no
 * rank empty, keeps what a rank cannot help having, and prefers the boundary and the way home. */
#include "balance/select.h"
#include "core/rng.h"

#include "cases.h"
#include <ffmk.h>
#include <stdlib.h>

enum { ME = 3, NEIGHBOURS = 4 };
static const int ranks[NEIGHBOURS] = {0, 2, 5, 9};

/* A chain of n items on rank ME, item 0 linked to an item of rank 2 and the last one to one of
 * rank 5. */
static void chain(struct ffmk_graph *graph, size_t n, const double *weights)
{
    struct ffmk_table table = {0};
    struct ffmk_back_links back = {0};
    for (size_t i = 0; i < n; i++) {
        const ffmk_link links[2] = {{i == 0 ? 1000 : i - 1, 1}, {i + 1 == n ? 2000 : i + 1, 1}};
        ffmk_item item = FFMK_ITEM_INIT;
        item.id = i;
        item.weight = weights ? weights[i] : 1;
        item.links = links;
        item.n_links = 2;
        ck_assert_int_eq(ffmk_table_add(&table, &item), 0);
        ffmk_table_find(&table, i)->link_ranks[0] = i == 0 ? 2 : ME;
        ffmk_table_find(&table, i)->link_ranks[1] = i + 1 == n ? 5 : ME;
    }
    size_t *order = ffmk_table_order(&table);
    *graph = (struct ffmk_graph){.rank = ME};
    ck_assert_int_eq(ffmk_graph_build(graph, &table, order, &back, 1, 1), 0);
    free(order);
    ffmk_table_free(&table);
}

static const double no_centres[4 * NEIGHBOURS];

static struct ffmk_select ask(const struct ffmk_graph *graph, double *flow)
{
    return (struct ffmk_select){.graph = graph,
                                .n = NEIGHBOURS,
                                .ranks = ranks,
                                .flow = flow,
                                .centres = no_centres,
                                .load = ffmk_graph_load(graph),
                                .limit = 1e9,
                                .link_unit = 1,
                                .seed = 1};
}

START_TEST(the_boundary_goes_first)
{
    struct ffmk_graph graph;
    int chosen[20];
    chain(&graph, 20, NULL);
    double flow[NEIGHBOURS] = {0, 3, 2, 0};
    struct ffmk_select select = ask(&graph, flow);
    ck_assert_int_eq(ffmk_select(&select, chosen), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(chosen[i], i < 3 ? 1 : i >= 18 ? 2 : -1);
    ck_assert_double_eq(flow[1], 0);
    ffmk_graph_free(&graph);
}
END_TEST

START_TEST(without_links_items_still_go)
{
    struct ffmk_graph graph;
    int chosen[20];
    chain(&graph, 20, NULL);
    double flow[NEIGHBOURS] = {0, 0, 0, 6};
    struct ffmk_select select = ask(&graph, flow);
    ck_assert_int_eq(ffmk_select(&select, chosen), 0);
    int sent = 0, cut = 0;
    for (int i = 0; i < 20; i++) {
        sent += chosen[i] == 3;
        cut += i > 0 && chosen[i] != chosen[i - 1];
    }
    ck_assert_int_eq(sent, 6);
    ck_assert_int_le(cut, 2); /* in one piece */
    ffmk_graph_free(&graph);
}
END_TEST

START_TEST(home_decides_between_equals)
{
    struct ffmk_graph graph;
    int chosen[20];
    chain(&graph, 20, NULL);
    graph.items[19].home = 5; /* its link leads there too */
    double flow[NEIGHBOURS] = {0, 0.5, 0.5, 0};
    struct ffmk_select select = ask(&graph, flow);
    select.limit = ffmk_graph_load(&graph) - 0.5; /* one has to go, by pooling */
    ck_assert_int_eq(ffmk_select(&select, chosen), 0);
    ck_assert_int_eq(chosen[19], 2);
    ffmk_graph_free(&graph);
}
END_TEST

START_TEST(flows_too_small_are_pooled_above_the_limit_only)
{
    struct ffmk_graph graph;
    int chosen[20];
    chain(&graph, 20, NULL);
    for (int above = 0; above < 2; above++) {
        double flow[NEIGHBOURS] = {0.2, 0.3, 0.3, 0.2};
        struct ffmk_select select = ask(&graph, flow);
        select.limit = above ? 19.5 : 20.5;
        ck_assert_int_eq(ffmk_select(&select, chosen), 0);
        int sent = 0;
        for (int i = 0; i < 20; i++)
            sent += chosen[i] != -1;
        ck_assert_int_eq(sent, above);
    }
    ffmk_graph_free(&graph);
}
END_TEST

START_TEST(bounds_hold_for_random_graphs)
{
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        uint64_t state = seed;
        const size_t n = ffmk_rng_below(&state, 40);
        double weights[40], heaviest = 0, limit = 0;
        const uint64_t kind = ffmk_rng_below(&state, 4);
        for (size_t i = 0; i < n; i++) {
            weights[i] = kind == 0   ? 1
                         : kind == 1 ? ffmk_rng_unit(&state)
                                     : (double)ffmk_rng_below(&state, 5);
            weights[i] *= kind == 3 && ffmk_rng_below(&state, 9) == 0 ? 30 : 1;
            heaviest = weights[i] > heaviest ? weights[i] : heaviest;
        }
        struct ffmk_graph graph;
        chain(&graph, n, weights);
        for (size_t i = 0; i < n; i++)
            graph.items[i].home =
                ffmk_rng_below(&state, 2) ? ME : ranks[ffmk_rng_below(&state, NEIGHBOURS)];
        double flow[NEIGHBOURS], wanted[NEIGHBOURS];
        for (int k = 0; k < NEIGHBOURS; k++)
            flow[k] = wanted[k] = 10 * ffmk_rng_unit(&state) - 4;
        struct ffmk_select select = ask(&graph, flow);
        select.limit = limit = ffmk_rng_below(&state, 2) ? heaviest : 0.5 * select.load + heaviest;
        int chosen[41], again[41];
        ck_assert_int_eq(ffmk_select(&select, chosen), 0);

        size_t left = 0, sends = 0;
        double sent[NEIGHBOURS] = {0}, heaviest_sent[NEIGHBOURS] = {0}, total = 0;
        for (size_t i = 0; i < n; i++) {
            ck_assert_msg(chosen[i] >= -1 && chosen[i] < NEIGHBOURS, "seed %d", (int)seed);
            if (chosen[i] == -1) {
                left++;
                continue;
            }
            sends++;
            ck_assert_msg(wanted[chosen[i]] > 0, "seed %d: against the flow", (int)seed);
            sent[chosen[i]] += weights[i];
            total += weights[i];
            if (weights[i] > heaviest_sent[chosen[i]])
                heaviest_sent[chosen[i]] = weights[i];
        }
        ck_assert_msg(n == 0 || left > 0, "seed %d: the rank is empty", (int)seed);
        ck_assert_msg(sends <= 1 || total <= select.load / 2 + 1e-9 || total <= heaviest + 1e-9,
                      "seed %d: %g of %g sent", (int)seed, total, select.load);
        for (int k = 0; k < NEIGHBOURS; k++)
            ck_assert_msg(sent[k] <= (wanted[k] > 0 ? wanted[k] : 0) + heaviest_sent[k] + 1e-9,
                          "seed %d: %g sent for a flow of %g", (int)seed, sent[k], wanted[k]);
        /* An item that fills the limit alone stays. */
        if (limit == heaviest && heaviest > 0) {
            size_t giants = 0;
            for (size_t i = 0; i < n; i++)
                giants += chosen[i] == -1 && weights[i] == heaviest;
            ck_assert_msg(giants > 0, "seed %d: the heaviest item left", (int)seed);
        }
        for (int k = 0; k < NEIGHBOURS; k++)
            flow[k] = wanted[k];
        ck_assert_int_eq(ffmk_select(&select, again), 0);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(chosen[i] == again[i], "seed %d: not the same twice", (int)seed);
        ffmk_graph_free(&graph);
    }
}
END_TEST

CASES("select", the_boundary_goes_first, without_links_items_still_go, home_decides_between_equals,
      flows_too_small_are_pooled_above_the_limit_only, bounds_hold_for_random_graphs)
