/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves of schemes of diffusion: all come to the flow that Gaussian elimination finds; of
 * a box the spectrum is that of its Laplacian. Of the tree: what it finds leaves no load above the
 * limit and is not much more than the smallest flow; with one group it is the smallest. */
#include "sim/diffusion.h"
#include "sim/hierarchy.h"

#include "cases.h"
#include "core/rng.h"
#include <math.h>
#include <string.h>

enum { MOST = 27, MOST_LINKS = MOST * MOST };

struct graph {
    uint32_t n;
    size_t n_links;
    struct ffmk_flow_link links[MOST_LINKS];
    double load[MOST];
    struct ffmk_diffusion_spectrum spectrum;
};

static void draw_loads(struct graph *graph, uint64_t seed)
{
    double sum = 0;
    for (uint32_t i = 0; i < graph->n; i++)
        sum += graph->load[i] = 0.2 + ffmk_rng_unit(&seed);
    for (uint32_t i = 0; i < graph->n; i++)
        graph->load[i] *= graph->n / sum;
}

/* Potentials by elimination; the last is 0. */
static void eliminate(const struct graph *graph, double x[MOST])
{
    static double a[MOST][MOST + 1];
    const uint32_t n = graph->n - 1;
    memset(a, 0, sizeof a);
    for (size_t e = 0; e < graph->n_links; e++) {
        const struct ffmk_flow_link *link = &graph->links[e];
        a[link->a][link->a] += link->conductance;
        a[link->b][link->b] += link->conductance;
        a[link->a][link->b] -= link->conductance;
        a[link->b][link->a] -= link->conductance;
    }
    for (uint32_t i = 0; i < n; i++)
        a[i][MOST] = graph->load[i] - 1;
    for (uint32_t p = 0; p < n; p++)
        for (uint32_t i = p + 1; i < n; i++) {
            const double factor = a[i][p] / a[p][p];
            for (uint32_t k = p; k < n; k++)
                a[i][k] -= factor * a[p][k];
            a[i][MOST] -= factor * a[p][MOST];
        }
    x[n] = 0;
    for (uint32_t i = n; i-- > 0;) {
        x[i] = a[i][MOST];
        for (uint32_t k = i + 1; k < n; k++)
            x[i] -= a[i][k] * x[k];
        x[i] /= a[i][i];
    }
}

static void check_schemes(struct graph *graph)
{
    double x[MOST];
    draw_loads(graph, graph->n);
    eliminate(graph, x);
    for (int scheme = 0; scheme < FFMK_DIFFUSION_SCHEMES; scheme++) {
        struct ffmk_diffusion *diffusion =
            ffmk_diffusion_create((enum ffmk_diffusion_scheme)scheme, graph->n, graph->load, 1,
                                  graph->n_links, graph->links, graph->spectrum);
        struct ffmk_diffusion_worth worth;
        int rounds = 0;
        ck_assert_ptr_nonnull(diffusion);
        while (ffmk_diffusion_largest(diffusion) > 1 + 1e-8 && rounds++ < 50000)
            ffmk_diffusion_step(diffusion);
        ck_assert_double_le(ffmk_diffusion_largest(diffusion), 1 + 1e-8);
        ffmk_diffusion_flow(diffusion, graph->links);
        ffmk_diffusion_destroy(diffusion);
        for (size_t e = 0; e < graph->n_links; e++) {
            const struct ffmk_flow_link *link = &graph->links[e];
            ck_assert_double_eq_tol(link->flow, link->conductance * (x[link->a] - x[link->b]),
                                    1e-5);
        }
        ck_assert(
            ffmk_diffusion_worth(graph->n, graph->load, graph->n_links, graph->links, &worth));
        ck_assert_double_le(worth.largest, 1 + 1e-7);
    }
}

static void box(struct graph *graph, uint32_t x, uint32_t y, uint32_t z, double conductance)
{
    const uint32_t grid[3] = {x, y, z};
    graph->n = x * y * z;
    graph->n_links = ffmk_diffusion_box_links(grid, conductance, graph->links);
    graph->spectrum = ffmk_diffusion_box(grid, conductance);
}

START_TEST(all_schemes_come_to_the_flow_of_elimination)
{
    struct graph graph;
    static const uint32_t boxes[][3] = {{2, 1, 1}, {7, 1, 1}, {4, 3, 1}, {3, 3, 3}};
    for (size_t b = 0; b < sizeof boxes / sizeof boxes[0]; b++) {
        box(&graph, boxes[b][0], boxes[b][1], boxes[b][2], (double)b + 0.5);
        check_schemes(&graph);
    }
    /* All with all: every eigenvalue is n. */
    graph.n = 6;
    graph.n_links = 0;
    for (uint32_t a = 0; a < graph.n; a++)
        for (uint32_t b = a + 1; b < graph.n; b++)
            graph.links[graph.n_links++] = (struct ffmk_flow_link){a, b, 1, 0};
    graph.spectrum = (struct ffmk_diffusion_spectrum){graph.n, graph.n};
    check_schemes(&graph);
    /* Conductances that differ: bounds from the least and the largest. */
    box(&graph, 5, 4, 1, 1);
    for (size_t e = 0; e < graph.n_links; e++)
        graph.links[e].conductance = 1 + (double)(e % 3);
    graph.spectrum.most *= 3;
    check_schemes(&graph);
}
END_TEST

/* x = cos(π (i + 1/2) k / n) is an eigenvector of a chain. */
START_TEST(the_spectrum_is_that_of_the_laplacian)
{
    struct graph graph;
    box(&graph, 9, 1, 1, 2);
    for (int which = 0; which < 2; which++) {
        const double k = which ? graph.n - 1 : 1;
        const double value = which ? graph.spectrum.most : graph.spectrum.least;
        double x[MOST], image[MOST] = {0};
        for (uint32_t i = 0; i < graph.n; i++)
            x[i] = cos(3.14159265358979323846 * (i + 0.5) * k / graph.n);
        for (size_t e = 0; e < graph.n_links; e++) {
            const struct ffmk_flow_link *link = &graph.links[e];
            image[link->a] += link->conductance * (x[link->a] - x[link->b]);
            image[link->b] -= link->conductance * (x[link->a] - x[link->b]);
        }
        for (uint32_t i = 0; i < graph.n; i++)
            ck_assert_double_eq_tol(image[i], value * x[i], 1e-9);
    }
}
END_TEST

START_TEST(the_tree_leaves_nothing_above_the_limit)
{
    const struct ffmk_loggp_times times = {1000, 100, 100, 0.1};
    struct graph graph;
    struct ffmk_diffusion_worth least, worth;
    struct ffmk_hierarchy_result result;
    double limits[MOST];
    const double limit = 1.02;
    box(&graph, 3, 3, 3, 1);
    draw_loads(&graph, 5);
    for (uint32_t i = 0; i < graph.n; i++)
        limits[i] = limit;
    ck_assert_int_eq(ffmk_flow_solve(graph.n, graph.load, limits, graph.n_links, graph.links, 1e-9),
                     0);
    ck_assert(ffmk_diffusion_worth(graph.n, graph.load, graph.n_links, graph.links, &least));
    for (int32_t fanout = 2; fanout <= 32; fanout++)
        for (int spread = 0; spread <= 10; spread += 5) {
            ck_assert(ffmk_hierarchy_flow(graph.n, graph.load, limit, spread, fanout, graph.n_links,
                                          graph.links, &times, &result));
            ck_assert(
                ffmk_diffusion_worth(graph.n, graph.load, graph.n_links, graph.links, &worth));
            ck_assert_double_le(result.largest, limit + 0.02);
            ck_assert(result.jumped > 0 || fabs(result.largest - worth.largest) < 1e-9);
            ck_assert(fanout < 27 || result.jumped == 0);
            ck_assert_double_le(worth.energy, least.energy * (fanout < 27 ? 6 : 1.1));
            ck_assert_double_ge(result.time_ns,
                                2 * ffmk_hierarchy_levels(graph.n, fanout) * 1200.0);
        }
}
END_TEST

CASES("sim diffusion", all_schemes_come_to_the_flow_of_elimination,
      the_spectrum_is_that_of_the_laplacian, the_tree_leaves_nothing_above_the_limit)
