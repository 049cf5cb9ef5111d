/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, over thousands of random graphs of ranks: the flow loses nothing, leaves nobody
 * above the limit, and is the smallest such flow: it meets the Karush-Kuhn-Tucker conditions, and
 * with limits at the mean it is the one that Gaussian elimination finds. */
#include "balance/flow.h"
#include "core/rng.h"

#include "cases.h"
#include <math.h>
#include <string.h>

enum { MOST = 24 };

struct ranks {
    size_t n;
    double load[MOST];
    double limit[MOST];
    size_t degree[MOST];
    size_t neighbour[MOST][MOST];
    double conductance[MOST][MOST];
    struct ffmk_flow flow[MOST];
};

static void join(struct ranks *ranks, size_t a, size_t b, double conductance)
{
    for (size_t k = 0; k < ranks->degree[a]; k++)
        if (ranks->neighbour[a][k] == b)
            return;
    if (a == b)
        return;
    ranks->conductance[a][ranks->degree[a]] = ranks->conductance[b][ranks->degree[b]] = conductance;
    ranks->neighbour[a][ranks->degree[a]++] = b;
    ranks->neighbour[b][ranks->degree[b]++] = a;
}

/* A random tree and some more edges; chains and stars now and then. Loads have the mean 1. */
static void draw(struct ranks *ranks, uint64_t *state, double slack)
{
    memset(ranks, 0, sizeof *ranks);
    ranks->n = 2 + ffmk_rng_below(state, MOST - 1);
    const uint64_t shape = ffmk_rng_below(state, 4);
    const uint64_t more = shape < 2 ? 0 : ffmk_rng_below(state, 3 * ranks->n);
    for (size_t i = 1; i < ranks->n; i++)
        join(ranks, i,
             shape == 0   ? i - 1
             : shape == 1 ? 0
                          : ffmk_rng_below(state, i),
             ffmk_rng_below(state, 4) ? 1 : 0.125);
    for (uint64_t e = 0; e < more; e++)
        join(ranks, ffmk_rng_below(state, ranks->n), ffmk_rng_below(state, ranks->n), 1);
    double total = 0;
    for (size_t i = 0; i < ranks->n; i++) {
        const double drawn = ffmk_rng_unit(state);
        ranks->load[i] = ffmk_rng_below(state, 4) ? drawn : 10 * drawn * drawn;
        total += ranks->load[i];
    }
    for (size_t i = 0; i < ranks->n; i++) {
        ranks->load[i] *= (double)ranks->n / total;
        ranks->limit[i] = 1 + slack;
        ffmk_flow_begin(&ranks->flow[i], ranks->load[i], ranks->limit[i], ranks->degree[i],
                        ranks->conductance[i]);
    }
}

static void hear(const struct ranks *ranks, size_t i, double *potentials)
{
    for (size_t k = 0; k < ranks->degree[i]; k++)
        potentials[k] = ffmk_flow_potential(&ranks->flow[ranks->neighbour[i][k]]);
}

/* As the planner does it; returns the steps taken. */
static int settle(struct ranks *ranks, double tolerance, int most)
{
    double last = INFINITY, potentials[MOST];
    for (int step = 1;; step++) {
        double largest = -INFINITY;
        for (size_t i = 0; i < ranks->n; i++) {
            hear(ranks, i, potentials);
            largest = fmax(largest, ffmk_flow_receive(&ranks->flow[i], potentials));
        }
        if (step % 4 == 0) {
            if (largest <= tolerance || step >= most)
                return step;
            for (size_t i = 0; largest > last && i < ranks->n; i++)
                ffmk_flow_restart(&ranks->flow[i]);
            last = largest;
        }
        for (size_t i = 0; i < ranks->n; i++)
            ffmk_flow_advance(&ranks->flow[i]);
    }
}

static double edge(const struct ranks *ranks, size_t i, size_t k)
{
    double potentials[MOST] = {0};
    hear(ranks, i, potentials);
    return ffmk_flow_edge(&ranks->flow[i], potentials, k);
}

static double load_after(const struct ranks *ranks, size_t i)
{
    double load = ranks->load[i];
    for (size_t k = 0; k < ranks->degree[i]; k++)
        load -= edge(ranks, i, k);
    return load;
}

START_TEST(flow_is_the_smallest)
{
    const double tolerance = 1e-7;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        uint64_t state = seed;
        struct ranks ranks;
        const double slacks[] = {0.01, 0.05, 0.5};
        draw(&ranks, &state, slacks[seed % 3]);
        const int steps = settle(&ranks, tolerance, 100000);
        ck_assert_msg(steps < 100000, "seed %d: no end after %d steps", (int)seed, steps);
        double total = 0;
        for (size_t i = 0; i < ranks.n; i++) {
            const double load = load_after(&ranks, i);
            const double potential = ffmk_flow_potential(&ranks.flow[i]);
            total += load;
            ck_assert_msg(load <= ranks.limit[i] + 2 * tolerance, "seed %d: load %g", (int)seed,
                          load);
            ck_assert_msg(potential >= -1e-4, "seed %d: potential %g", (int)seed, potential);
            /* Whoever pushes load away is at the limit: nothing flows that need not. */
            ck_assert_msg(potential < 1e-3 || load > ranks.limit[i] - 1e-3,
                          "seed %d: load %g, potential %g", (int)seed, load, potential);
            for (size_t k = 0; k < ranks.degree[i]; k++) {
                const size_t j = ranks.neighbour[i][k];
                for (size_t back = 0; back < ranks.degree[j]; back++)
                    if (ranks.neighbour[j][back] == i)
                        ck_assert_msg(edge(&ranks, i, k) == -edge(&ranks, j, back),
                                      "seed %d: flow is lost", (int)seed);
            }
        }
        ck_assert_msg(fabs(total - (double)ranks.n) < 1e-9 * (double)ranks.n,
                      "seed %d: load is lost", (int)seed);
    }
}
END_TEST

/* Potentials that even out all loads, x of rank 0 being 0. */
static void eliminate(const struct ranks *ranks, double *x)
{
    double matrix[MOST][MOST + 1] = {{0}};
    const size_t n = ranks->n;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ranks->degree[i]; k++) {
            matrix[i][i] += ranks->conductance[i][k];
            matrix[i][ranks->neighbour[i][k]] -= ranks->conductance[i][k];
        }
        matrix[i][MOST] = ranks->load[i] - 1;
    }
    for (size_t p = 1; p < n; p++) /* diagonally dominant: no pivoting */
        for (size_t i = 1; i < n; i++) {
            if (i == p)
                continue;
            const double factor = matrix[i][p] / matrix[p][p];
            for (size_t j = 1; j <= MOST; j++)
                if (j < n || j == MOST)
                    matrix[i][j] -= factor * matrix[p][j];
        }
    x[0] = 0;
    for (size_t i = 1; i < n; i++)
        x[i] = matrix[i][MOST] / matrix[i][i];
}

START_TEST(flow_to_the_mean_is_the_diffusion_flow)
{
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        uint64_t state = seed;
        struct ranks ranks;
        double x[MOST];
        draw(&ranks, &state, 0);
        settle(&ranks, 1e-7, 100000);
        eliminate(&ranks, x);
        for (size_t i = 0; i < ranks.n; i++)
            for (size_t k = 0; k < ranks.degree[i]; k++) {
                const double expected = ranks.conductance[i][k] * (x[i] - x[ranks.neighbour[i][k]]);
                ck_assert_msg(fabs(edge(&ranks, i, k) - expected) < 1e-3,
                              "seed %d: flow %g instead of %g", (int)seed, edge(&ranks, i, k),
                              expected);
            }
    }
}
END_TEST

START_TEST(nothing_flows_when_all_is_well)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t state = seed;
        struct ranks ranks;
        draw(&ranks, &state, 100);
        settle(&ranks, 0, 100);
        for (size_t i = 0; i < ranks.n; i++)
            for (size_t k = 0; k < ranks.degree[i]; k++)
                ck_assert_msg(edge(&ranks, i, k) == 0, "seed %d", (int)seed);
    }
}
END_TEST

START_TEST(a_lone_rank_keeps_its_load)
{
    struct ffmk_flow flow;
    ffmk_flow_begin(&flow, 5, 1, 0, NULL);
    for (int step = 0; step < 10; step++) {
        ck_assert_double_eq(ffmk_flow_receive(&flow, NULL), 4);
        ffmk_flow_advance(&flow);
    }
    ck_assert_double_eq(ffmk_flow_potential(&flow), 0);
}
END_TEST

CASES("flow", flow_is_the_smallest, flow_to_the_mean_is_the_diffusion_flow,
      nothing_flows_when_all_is_well, a_lone_rank_keeps_its_load)
