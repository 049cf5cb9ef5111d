/* SPDX-License-Identifier: BSD-3-Clause
 * Second-order diffusion of potentials. */
#include "balance/flow.h"

#include <math.h>
#include <stdlib.h>

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

/* The neighbours of each node one behind another, with their conductances; potentials are gathered
 * there, too. */
struct whole {
    struct ffmk_flow *flows;
    uint32_t *first; /* n + 1 */
    uint32_t *neighbours;
    double *conductances;
    double *potentials;
};

static bool whole_build(struct whole *whole, uint32_t n, const double *load, const double *limit,
                        size_t n_links, const struct ffmk_flow_link *links)
{
    whole->flows = calloc(n + 1ul, sizeof *whole->flows);
    whole->first = calloc(n + 2ul, sizeof *whole->first);
    whole->neighbours = calloc(2 * n_links + 1, sizeof *whole->neighbours);
    whole->conductances = calloc(2 * n_links + 1, sizeof *whole->conductances);
    whole->potentials = calloc(2 * n_links + 1, sizeof *whole->potentials);
    if (!whole->flows || !whole->first || !whole->neighbours || !whole->conductances ||
        !whole->potentials)
        return false;
    uint32_t *end = whole->first + 1; /* of each node's neighbours, once they are filled in */
    for (size_t e = 0; e < n_links; e++) {
        whole->first[links[e].a + 2]++;
        whole->first[links[e].b + 2]++;
    }
    for (uint32_t i = 2; i <= n + 1; i++)
        whole->first[i] += whole->first[i - 1];
    for (size_t e = 0; e < n_links; e++)
        for (int side = 0; side < 2; side++) {
            const uint32_t from = side ? links[e].b : links[e].a;
            whole->neighbours[end[from]] = side ? links[e].a : links[e].b;
            whole->conductances[end[from]++] = links[e].conductance;
        }
    for (uint32_t i = 0; i < n; i++)
        ffmk_flow_begin(&whole->flows[i], load[i], limit[i], whole->first[i + 1] - whole->first[i],
                        whole->conductances + whole->first[i]);
    return true;
}

static void whole_free(struct whole *whole)
{
    free(whole->flows);
    free(whole->first);
    free(whole->neighbours);
    free(whole->conductances);
    free(whole->potentials);
}

int ffmk_flow_solve(uint32_t n, const double *load, const double *limit, size_t n_links,
                    struct ffmk_flow_link *links, double tolerance, int steps_most)
{
    struct whole whole = {0};
    int step = -1;
    if (whole_build(&whole, n, load, limit, n_links, links)) {
        double last = INFINITY;
        for (step = 0; step < steps_most; step++) {
            double distance = 0;
            for (size_t k = 0; k < 2 * n_links; k++)
                whole.potentials[k] = ffmk_flow_potential(&whole.flows[whole.neighbours[k]]);
            for (uint32_t i = 0; i < n; i++)
                distance = fmax(distance, ffmk_flow_receive(&whole.flows[i],
                                                            whole.potentials + whole.first[i]));
            if (distance <= tolerance)
                break;
            for (uint32_t i = 0; i < n; i++) {
                if (distance > last)
                    ffmk_flow_restart(&whole.flows[i]);
                ffmk_flow_advance(&whole.flows[i]);
            }
            last = distance;
        }
        for (size_t e = 0; e < n_links; e++)
            links[e].flow = links[e].conductance * (ffmk_flow_potential(&whole.flows[links[e].a]) -
                                                    ffmk_flow_potential(&whole.flows[links[e].b]));
    }
    whole_free(&whole);
    return step;
}
