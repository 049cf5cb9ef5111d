/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, over thousands of random graphs of ranks: the flow loses nothing, leaves nobody
 * above the limit, and is the smallest such flow: it meets the Karush-Kuhn-Tucker conditions, and
 * with limits at the mean it is the one that Gaussian elimination finds. For graphs known as a
 * whole the same, also where they are in pieces, conductances differ by orders of magnitude, or
 * there is no room. */
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

/* A graph known as a whole. */
struct whole {
    uint32_t n;
    double load[MOST], limit[MOST], degree[MOST], after[MOST];
    size_t n_links;
    struct ffmk_flow_link links[4 * MOST];
    uint32_t component[MOST];
    bool lacks_room[MOST]; /* the component, to which it belongs */
};

static uint32_t component_of(const struct whole *whole, uint32_t i)
{
    while (whole->component[i] != i)
        i = whole->component[i];
    return i;
}

/* Conductances are 2^-orders to 2^orders. */
static void draw_whole(struct whole *whole, uint64_t seed, unsigned orders)
{
    uint64_t state = seed;
    memset(whole, 0, sizeof *whole);
    whole->n = 1 + (uint32_t)ffmk_rng_below(&state, MOST);
    for (uint32_t i = 0; i < whole->n; i++) {
        const double drawn = ffmk_rng_unit(&state);
        whole->load[i] = ffmk_rng_below(&state, 4) ? drawn : 10 * drawn * drawn;
        whole->limit[i] = ffmk_rng_below(&state, 8) ? 1.3 : 3 * ffmk_rng_unit(&state);
        whole->component[i] = i;
    }
    const uint64_t n = whole->n > 1 ? ffmk_rng_below(&state, 4ul * whole->n) : 0;
    for (uint64_t e = 0; e < n; e++) {
        const uint32_t a = (uint32_t)ffmk_rng_below(&state, whole->n);
        const uint32_t b = (uint32_t)ffmk_rng_below(&state, whole->n);
        const double power = orders * (2 * ffmk_rng_unit(&state) - 1);
        if (a != b)
            whole->links[whole->n_links++] =
                (struct ffmk_flow_link){a, b, pow(2, power), NAN}; /* now and then one twice */
    }
    for (size_t e = 0; e < whole->n_links; e++) {
        const struct ffmk_flow_link *link = &whole->links[e];
        whole->component[component_of(whole, link->a)] = component_of(whole, link->b);
        whole->degree[link->a] += link->conductance;
        whole->degree[link->b] += link->conductance;
    }
    for (uint32_t c = 0; c < whole->n; c++) {
        double surplus = 0;
        for (uint32_t i = 0; i < whole->n; i++)
            surplus += component_of(whole, i) == c ? whole->load[i] - whole->limit[i] : 0;
        for (uint32_t i = 0; i < whole->n && surplus > 0; i++)
            whole->lacks_room[i] = whole->lacks_room[i] || component_of(whole, i) == c;
    }
}

static void carry_out(struct whole *whole)
{
    memcpy(whole->after, whole->load, sizeof whole->after);
    for (size_t e = 0; e < whole->n_links; e++) {
        whole->after[whole->links[e].a] -= whole->links[e].flow;
        whole->after[whole->links[e].b] += whole->links[e].flow;
    }
}

/* Solve for the potentials of those that are in, by Gauss, with more digits. */
static void solve_for(const struct whole *whole, const bool *in, long double *x)
{
    long double matrix[MOST][MOST + 1] = {{0}};
    for (uint32_t i = 0; i < whole->n; i++)
        matrix[i][MOST] = (long double)whole->load[i] - (long double)whole->limit[i];
    for (size_t e = 0; e < whole->n_links; e++) {
        const struct ffmk_flow_link *link = &whole->links[e];
        matrix[link->a][link->a] += (long double)link->conductance;
        matrix[link->b][link->b] += (long double)link->conductance;
        matrix[link->a][link->b] -= (long double)link->conductance;
        matrix[link->b][link->a] -= (long double)link->conductance;
    }
    for (uint32_t p = 0; p < whole->n; p++)
        for (uint32_t i = 0; i < whole->n; i++) {
            if (!in[p] || !in[i] || i == p || matrix[p][p] == 0)
                continue;
            const long double factor = matrix[i][p] / matrix[p][p];
            for (uint32_t j = 0; j <= MOST; j++)
                matrix[i][j] -= factor * matrix[p][j];
        }
    for (uint32_t i = 0; i < whole->n; i++)
        x[i] = in[i] && matrix[i][i] != 0 ? matrix[i][MOST] / matrix[i][i] : 0;
}

/* Whoever has too much, given the potentials of all others that had, gets one, too. */
static void find_potentials(const struct whole *whole, long double *x)
{
    bool in[MOST] = {false}, more = true;
    memset(x, 0, MOST * sizeof *x);
    while (more) {
        long double left[MOST];
        more = false;
        for (uint32_t i = 0; i < whole->n; i++)
            left[i] = (long double)whole->load[i] - (long double)whole->limit[i];
        for (size_t e = 0; e < whole->n_links; e++) {
            const struct ffmk_flow_link *link = &whole->links[e];
            const long double flow = (long double)link->conductance * (x[link->a] - x[link->b]);
            left[link->a] -= flow;
            left[link->b] += flow;
        }
        for (uint32_t i = 0; i < whole->n; i++)
            if (left[i] > 1e-12L && !in[i] && !whole->lacks_room[i])
                more = in[i] = true;
        solve_for(whole, in, x);
    }
}

static void check_limits(struct whole *whole, uint64_t seed)
{
    carry_out(whole);
    double sum[MOST] = {0}, degrees[MOST] = {0};
    for (uint32_t i = 0; i < whole->n; i++) {
        const double above = whole->after[i] - whole->limit[i];
        ck_assert_msg(isfinite(whole->after[i]), "seed %d: load %g", (int)seed, whole->after[i]);
        ck_assert_msg(whole->lacks_room[i] || above < 1e-9, "seed %d: %g above the limit",
                      (int)seed, above);
        sum[component_of(whole, i)] += above;
        degrees[component_of(whole, i)] += whole->degree[i];
    }
    for (uint32_t i = 0; i < whole->n; i++) {
        const uint32_t c = component_of(whole, i);
        if (whole->lacks_room[i] && degrees[c] > 0)
            ck_assert_msg(fabs(whole->after[i] - whole->limit[i] -
                               sum[c] * whole->degree[i] / degrees[c]) < 1e-9,
                          "seed %d: no room, and %g keeps %g", (int)seed, whole->degree[i],
                          whole->after[i] - whole->limit[i]);
    }
}

START_TEST(known_as_a_whole_it_is_the_smallest)
{
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct whole whole;
        long double x[MOST];
        draw_whole(&whole, seed, seed % 3 == 0 ? 0 : 8);
        ck_assert_int_eq(
            ffmk_flow_solve(whole.n, whole.load, whole.limit, whole.n_links, whole.links, 0), 0);
        check_limits(&whole, seed);
        find_potentials(&whole, x);
        for (size_t e = 0; e < whole.n_links; e++) {
            const struct ffmk_flow_link *link = &whole.links[e];
            const double flow =
                (double)((long double)link->conductance * (x[link->a] - x[link->b]));
            ck_assert_msg(whole.lacks_room[link->a] || fabs(flow - link->flow) < 1e-9,
                          "seed %d: flow %.12g instead of %.12g", (int)seed, link->flow, flow);
        }
    }
}
END_TEST

START_TEST(conductances_differ_by_any_order)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct whole whole;
        draw_whole(&whole, seed, 10 + (unsigned)(seed % 20));
        ck_assert_int_eq(
            ffmk_flow_solve(whole.n, whole.load, whole.limit, whole.n_links, whole.links, 0), 0);
        check_limits(&whole, seed);
    }
}
END_TEST

START_TEST(what_is_tolerated_stays)
{
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct whole whole, exact;
        double energy[2] = {0};
        draw_whole(&whole, seed, 3);
        exact = whole;
        ffmk_flow_solve(whole.n, whole.load, whole.limit, whole.n_links, whole.links, 0.1);
        ffmk_flow_solve(exact.n, exact.load, exact.limit, exact.n_links, exact.links, 0);
        carry_out(&whole);
        for (uint32_t i = 0; i < whole.n; i++)
            ck_assert_msg(whole.lacks_room[i] || whole.after[i] < whole.limit[i] + 0.1 + 1e-9,
                          "seed %d: %g above the limit", (int)seed,
                          whole.after[i] - whole.limit[i]);
        for (size_t e = 0; e < whole.n_links; e++) {
            energy[0] += whole.links[e].flow * whole.links[e].flow / whole.links[e].conductance;
            energy[1] += exact.links[e].flow * exact.links[e].flow / exact.links[e].conductance;
        }
        ck_assert_msg(energy[0] <= energy[1] * (1 + 1e-9), "seed %d: energy %g, not %g", (int)seed,
                      energy[0], energy[1]);
    }
}
END_TEST

CASES("flow", flow_is_the_smallest, flow_to_the_mean_is_the_diffusion_flow,
      nothing_flows_when_all_is_well, a_lone_rank_keeps_its_load,
      known_as_a_whole_it_is_the_smallest, conductances_differ_by_any_order,
      what_is_tolerated_stays)
