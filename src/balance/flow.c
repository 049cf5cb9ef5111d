/* SPDX-License-Identifier: BSD-3-Clause
 * Second-order diffusion of potentials, and elimination. */
#include "balance/flow.h"

#include "core/spare.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

void ffmk_flow_begin(struct ffmk_flow *flow, double load, double limit, size_t n,
                     const double *conductance)
{
    *flow = (struct ffmk_flow){.n = n, .conductance = conductance, .surplus = load - limit};
    for (size_t k = 0; k < n; k++)
        flow->degree += conductance[k];
}

double ffmk_flow_receive(struct ffmk_flow *flow, const double *potentials)
{
    flow->excess = flow->surplus;
    for (size_t k = 0; k < flow->n; k++)
        flow->excess -= ffmk_flow_edge(flow, potentials, k);
    if (flow->excess > 0)
        return flow->excess;
    /* Below the limit the potential has to vanish; it can give back no more than it pushes. */
    const double pushed = flow->z > 0 ? 2 * flow->degree * flow->z : 0;
    return pushed < -flow->excess ? pushed : -flow->excess;
}

void ffmk_flow_advance(struct ffmk_flow *flow)
{
    if (flow->n == 0)
        return;
    const double moved = flow->z + flow->excess / (2 * flow->degree);
    const double next = moved > 0 ? moved : 0;
    const double momentum = (double)flow->age / (flow->age + 3.0);
    flow->z = next + momentum * (next - flow->x);
    flow->x = next;
    flow->age++;
}

void ffmk_flow_restart(struct ffmk_flow *flow)
{
    flow->age = 0;
    flow->z = flow->x;
}

/* A graph as a network of resistors, nodes being eliminated: what a node has too much of goes to
 * those left in proportion to its conductances, and theirs to each other grow by what went through
 * it (star-mesh transformation). Nothing is ever subtracted (Grassmann, Taksar, Heyman 1985), so
 * conductances may differ by any order of magnitude. */
struct network {
    uint32_t n;
    double *conductance;  /* n × n, both ways */
    double *degree;       /* of an eliminated node: sum over those that were left */
    double *surplus;      /* with what the eliminated gave */
    double *x;            /* potentials */
    uint32_t *order;      /* of the eliminated */
    uint32_t *first;      /* of the neighbours each of them had left, in that order */
    uint32_t *neighbours; /* one behind another */
    uint32_t *leader;     /* of each node's component */
    bool *gone;
    uint32_t n_order;
};

static bool network_build(struct network *network, uint32_t n, size_t n_links,
                          const struct ffmk_flow_link *links)
{
    const size_t square = (size_t)n * n;
    *network =
        (struct network){.n = n,
                         .conductance = ffmk_spare_calloc(square + 1, sizeof(double)),
                         .degree = ffmk_spare_calloc(n + 1ul, sizeof(double)),
                         .surplus = ffmk_spare_malloc((n + 1ul) * sizeof(double)),
                         .x = ffmk_spare_malloc((n + 1ul) * sizeof(double)),
                         .order = ffmk_spare_malloc((n + 1ul) * sizeof(uint32_t)),
                         .first = ffmk_spare_calloc(n + 2ul, sizeof(uint32_t)),
                         .neighbours = ffmk_spare_malloc((square / 2 + 1) * sizeof(uint32_t)),
                         .leader = ffmk_spare_malloc((n + 1ul) * sizeof(uint32_t)),
                         .gone = ffmk_spare_calloc(n + 1ul, sizeof(bool))};
    if (!network->conductance || !network->degree || !network->surplus || !network->x ||
        !network->order || !network->first || !network->neighbours || !network->leader ||
        !network->gone)
        return false;
    for (size_t e = 0; e < n_links; e++) {
        network->conductance[(size_t)links[e].a * n + links[e].b] += links[e].conductance;
        network->conductance[(size_t)links[e].b * n + links[e].a] += links[e].conductance;
    }
    return true;
}

static void network_free(struct network *network)
{
    free(network->conductance);
    free(network->degree);
    free(network->surplus);
    free(network->x);
    free(network->order);
    free(network->first);
    free(network->neighbours);
    free(network->leader);
    free(network->gone);
}

static uint32_t leader_of(uint32_t *leader, uint32_t node)
{
    while (leader[node] != node)
        node = leader[node] = leader[leader[node]];
    return node;
}

/* Where a component has no room for all, each node keeps a part of what is too much, by its degree:
 * as diffusion would leave it. */
static void make_room(struct network *network, size_t n_links, const struct ffmk_flow_link *links,
                      double *surplus)
{
    const uint32_t n = network->n;
    double *sum = network->surplus, *degrees = network->x, *degree = network->degree;
    for (uint32_t i = 0; i < n; i++) {
        network->leader[i] = i;
        sum[i] = degrees[i] = 0;
    }
    for (size_t e = 0; e < n_links; e++) {
        degree[links[e].a] += links[e].conductance;
        degree[links[e].b] += links[e].conductance;
        network->leader[leader_of(network->leader, links[e].a)] =
            leader_of(network->leader, links[e].b);
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t leader = leader_of(network->leader, i);
        sum[leader] += surplus[i];
        degrees[leader] += degree[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t leader = leader_of(network->leader, i);
        if (sum[leader] > 0 && degrees[leader] > 0)
            surplus[i] -= sum[leader] * (degree[i] / degrees[leader]);
        degree[i] = 0;
    }
}

static void eliminate(struct network *network, uint32_t node)
{
    const size_t n = network->n;
    const double *own = network->conductance + node * n;
    const uint32_t first = network->first[network->n_order];
    uint32_t *neighbours = network->neighbours + first, n_neighbours = 0;
    network->gone[node] = true;
    for (uint32_t i = 0; i < n; i++)
        if (own[i] > 0 && !network->gone[i]) {
            neighbours[n_neighbours++] = i;
            network->degree[node] += own[i];
        }
    network->order[network->n_order++] = node;
    network->first[network->n_order] = first + n_neighbours;
    for (uint32_t k = 0; k < n_neighbours; k++) {
        const double share = own[neighbours[k]] / network->degree[node];
        double *row = network->conductance + neighbours[k] * n;
        network->surplus[neighbours[k]] += share * network->surplus[node];
        for (uint32_t l = 0; l < n_neighbours; l++) /* what comes to itself does not count */
            row[neighbours[l]] += share * own[neighbours[l]];
    }
}

/* Potentials of the eliminated for these surpluses, which are changed; the others have none. */
static void find_potentials(struct network *network, double *surplus)
{
    const uint32_t *neighbours = network->neighbours;
    memset(network->x, 0, network->n * sizeof *network->x);
    for (uint32_t o = 0; o < network->n_order; o++) {
        const uint32_t node = network->order[o];
        const double *own = network->conductance + (size_t)node * network->n;
        for (uint32_t k = network->first[o]; k < network->first[o + 1]; k++)
            surplus[neighbours[k]] += own[neighbours[k]] / network->degree[node] * surplus[node];
    }
    for (uint32_t o = network->n_order; o-- > 0;) {
        const uint32_t node = network->order[o];
        const double *own = network->conductance + (size_t)node * network->n;
        double sum = surplus[node];
        for (uint32_t k = network->first[o]; k < network->first[o + 1]; k++)
            sum += own[neighbours[k]] * network->x[neighbours[k]];
        if (network->degree[node] > 0)
            network->x[node] = sum / network->degree[node];
    }
}

int ffmk_flow_solve(uint32_t n, const double *load, const double *limit, size_t n_links,
                    struct ffmk_flow_link *links, double tolerance)
{
    struct network network;
    double *surplus = ffmk_spare_calloc(n + 1ul, sizeof *surplus);
    const bool built = network_build(&network, n, n_links, links) && surplus;
    for (uint32_t i = 0; i < n && built; i++)
        surplus[i] = load[i] - limit[i];
    if (built) {
        make_room(&network, n_links, links, surplus);
        memcpy(network.surplus, surplus, n * sizeof *surplus);
    }
    bool any = built;
    while (any) {
        any = false;
        for (uint32_t i = 0; i < n; i++)
            if (!network.gone[i] && network.surplus[i] > tolerance) {
                eliminate(&network, i);
                any = true;
            }
    }
    for (size_t e = 0; e < n_links; e++)
        links[e].flow = 0;
    /* Differences of potentials are less exact than these; what is left flows the second time. */
    for (int time = 0; time < 2 && built; time++) {
        memcpy(network.surplus, surplus, n * sizeof *surplus);
        find_potentials(&network, network.surplus);
        for (size_t e = 0; e < n_links; e++) {
            const double flow =
                links[e].conductance * (network.x[links[e].a] - network.x[links[e].b]);
            links[e].flow += flow;
            surplus[links[e].a] -= flow;
            surplus[links[e].b] += flow;
        }
    }
    network_free(&network);
    free(surplus);
    return built ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
}
