/* SPDX-License-Identifier: BSD-3-Clause
 * The smallest flow of load between neighbouring ranks after which no rank has more than its limit.
 * One rank's part of it, as a pure state machine: potentials of the neighbours in, the own
 * potential out; no messages, clock or memory.
 *
 * Over all flows y on the edges of the rank graph with load_i − Σ_j y_ij ≤ limit_i, the one with
 * the smallest Σ y_ij² / c_ij is y_ij = c_ij (x_i − x_j) with potentials x ≥ 0 that vanish where
 * the limit is not reached (Karush-Kuhn-Tucker; with limits equal to the mean load this is the
 * diffusion flow of Hu, Blake 1995 and Diekmann, Frommer, Monien 1999). The potentials come from
 * second-order diffusion with a bound below: z = x + θ (x − x')        x'' = max(0, z + (load −
 * limit − Σ_j c_ij (z_i − z_j)) / (2 Σ_j c_ij)) with θ = t / (t + 3) growing with the age t of the
 * run (Nesterov 1983; Beck, Teboulle 2009) and started again when the largest distance from done
 * grew (O'Donoghue, Candès 2015), so that no eigenvalue of the graph need be known. */
#ifndef FFMK_BALANCE_FLOW_H
#define FFMK_BALANCE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ffmk_flow {
    size_t n;                  /* neighbours */
    const double *conductance; /* c of each edge, > 0; the caller's */
    double degree;             /* Σ c */
    double surplus;            /* load − limit; may be negative */
    double x;                  /* potential */
    double z;                  /* potential, extrapolated: what neighbours are told */
    double excess;             /* load above the limit, were the flow of the last z carried out */
    unsigned age;              /* steps since the start or the last restart */
};

void ffmk_flow_begin(struct ffmk_flow *flow, double load, double limit, size_t n,
                     const double *conductance);

/** The potential to tell every neighbour now. */
static inline double ffmk_flow_potential(const struct ffmk_flow *flow)
{
    return flow->z;
}

/** Take the neighbours' potentials. \return how far this rank is from done, as load: what would be
 * left above the limit, or what would be pushed away below it although it need not. */
double ffmk_flow_receive(struct ffmk_flow *flow, const double *potentials);

/** One step, after ffmk_flow_receive(). */
void ffmk_flow_advance(struct ffmk_flow *flow);

/** Forget the momentum: the largest distance over the ranks grew. To be done by all ranks alike. */
void ffmk_flow_restart(struct ffmk_flow *flow);

/** What should flow to neighbour k (from it when negative) by the potentials last received. Exactly
 * the negative of what the neighbour finds. */
static inline double ffmk_flow_edge(const struct ffmk_flow *flow, const double *potentials,
                                    size_t k)
{
    return flow->conductance[k] * (flow->z - potentials[k]);
}

/** An edge of a graph of n nodes that one process knows as a whole. */
struct ffmk_flow_link {
    uint32_t a, b;      /* < n, different */
    double conductance; /* > 0 */
    double flow;        /* from a to b; set by ffmk_flow_solve() */
};

/** Find the flow for a whole graph: nodes that have too much are eliminated one after the other,
 * and give what they have to those left, which may then have too much. Those left in the end have
 * potential 0. What is no more than `tolerance` above a limit stays. Where the nodes of a component
 * have no room for all its load, what is too much stays in proportion to Σ c. Memory is n².
 * \return FFMK_ERR_NO_MEMORY. */
int ffmk_flow_solve(uint32_t n, const double *load, const double *limit, size_t n_links,
                    struct ffmk_flow_link *links, double tolerance);

#endif
