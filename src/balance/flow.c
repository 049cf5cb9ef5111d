/* SPDX-License-Identifier: BSD-3-Clause
 * Second-order diffusion of potentials. */
#include "balance/flow.h"

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
