/* SPDX-License-Identifier: BSD-3-Clause
 * One round: neighbours, flow, selection, and two exchanges that hand the chosen items over on
 * paper. */
#include "balance/round.h"

#include "balance/exchange.h"
#include "balance/flow.h"
#include "balance/select.h"

#include <math.h>
#include <stdlib.h>

/* Conductance of an edge: an edge that no link follows any more is kept for the sake of connection,
 * and made narrow, because what goes over it is cut off from all it is linked to. */
static const double LINKED = 1.0;
static const double NARROW = 0.125;

/* Share of the allowed excess (limit − mean) that the flow uses; the rest absorbs the grain of the
 * items. */
static const double AIM = 0.7;

enum {
    FLOW_LOOK = 4,   /* steps of the flow between two looks at how far it is */
    FLOW_STEPS = 400 /* at most, a round; the next round goes on from there */
};

/* What one round needs for its neighbours. */
struct ring {
    struct ffmk_neighbours neighbours;
    double *conductance;
    double *potentials;
    double *flow;
    double *centres;
    struct ffmk_wire_out *outgoing;
    struct ffmk_wire_out *incoming;
};

static void ring_free(struct ring *ring)
{
    for (size_t k = 0; k < ring->neighbours.n; k++) {
        if (ring->outgoing)
            ffmk_wire_free(&ring->outgoing[k]);
        if (ring->incoming)
            ffmk_wire_free(&ring->incoming[k]);
    }
    ffmk_neighbours_free(&ring->neighbours);
    free(ring->conductance);
    free(ring->potentials);
    free(ring->flow);
    free(ring->centres);
    free(ring->outgoing);
    free(ring->incoming);
    *ring = (struct ring){0};
}

static bool ring_reserve(struct ring *ring, size_t n)
{
    if (!ffmk_neighbours_reserve(&ring->neighbours, n))
        return false;
    ring->conductance = calloc(n + 1, sizeof *ring->conductance);
    ring->potentials = calloc(n + 1, sizeof *ring->potentials);
    ring->flow = calloc(n + 1, sizeof *ring->flow);
    ring->centres = calloc(4 * n + 1, sizeof *ring->centres);
    ring->outgoing = calloc(n + 1, sizeof *ring->outgoing);
    ring->incoming = calloc(n + 1, sizeof *ring->incoming);
    return ring->conductance && ring->potentials && ring->flow && ring->centres && ring->outgoing &&
           ring->incoming;
}

/* The ranks linked now and those of the skeleton, merged in order. Local. */
static int ring_build(struct ring *ring, const struct ffmk_planner *planner)
{
    const struct ffmk_skeleton *skeleton = &planner->skeleton;
    size_t n_linked;
    int *linked = ffmk_graph_linked_ranks(&planner->graph, &n_linked);
    if (!linked || !ring_reserve(ring, n_linked + skeleton->n)) {
        free(linked);
        return FFMK_ERR_NO_MEMORY;
    }
    size_t n = 0;
    for (size_t l = 0, s = 0; l < n_linked || s < skeleton->n; n++) {
        if (s == skeleton->n || (l < n_linked && linked[l] <= skeleton->ranks[s])) {
            s += s < skeleton->n && linked[l] == skeleton->ranks[s];
            ring->neighbours.ranks[n] = linked[l++];
            ring->conductance[n] = LINKED;
        } else {
            ring->conductance[n] = skeleton->added[s] ? LINKED : NARROW;
            ring->neighbours.ranks[n] = skeleton->ranks[s++];
        }
    }
    ring->neighbours.n = n;
    free(linked);
    return FFMK_SUCCESS;
}

/* The load that this rank cannot help having: its last item, or one that alone fills the limit. */
static double unavoidable(const struct ffmk_planner *planner)
{
    const struct ffmk_graph *graph = &planner->graph;
    double heaviest = 0;
    for (size_t i = 0; i < graph->n; i++)
        heaviest = fmax(heaviest, graph->items[i].weight);
    return graph->n == 1 || heaviest >= planner->limit * (1 - 1e-9) ? heaviest : 0;
}

static int find_flow(const struct ffmk_planner *planner, struct ring *ring)
{
    /* A plan that does not get better is given more slack for the grain of its items. */
    const double slack = planner->limit - planner->mean;
    const double aim = planner->mean + AIM / (1 + planner->stalls) * slack;
    const double tolerance = fmax(fmax(0.2 * slack, 1e-3 * planner->mean), 0.25 * planner->grain);
    struct ffmk_flow flow;
    double last = INFINITY;
    ffmk_flow_begin(&flow, ffmk_graph_load(&planner->graph), fmax(aim, unavoidable(planner)),
                    ring->neighbours.n, ring->conductance);
    for (int step = 1;; step++) {
        const double potential = ffmk_flow_potential(&flow);
        int code =
            ffmk_exchange_share(planner->team, &ring->neighbours, 1, &potential, ring->potentials);
        if (code)
            return code;
        double distance = ffmk_flow_receive(&flow, ring->potentials);
        if (step % FLOW_LOOK == 0) {
            code = ffmk_team_max(planner->team, &distance, 1);
            if (code)
                return code;
            if (distance <= tolerance || step >= FLOW_STEPS)
                break;
            if (distance > last)
                ffmk_flow_restart(&flow);
            last = distance;
        }
        ffmk_flow_advance(&flow);
    }
    for (size_t k = 0; k < ring->neighbours.n; k++)
        ring->flow[k] = ffmk_flow_edge(&flow, ring->potentials, k);
    return FFMK_SUCCESS;
}

static int choose(const struct ffmk_planner *planner, struct ring *ring, int *chosen)
{
    struct ffmk_select select = {.graph = &planner->graph,
                                 .n = ring->neighbours.n,
                                 .ranks = ring->neighbours.ranks,
                                 .flow = ring->flow,
                                 .centres = ring->centres,
                                 .load = ffmk_graph_load(&planner->graph),
                                 .limit = planner->limit,
                                 .link_unit = planner->link_unit,
                                 .seed = planner->options->seed};
    ffmk_graph_centre(&planner->graph, select.centre);
    const int code =
        ffmk_exchange_share(planner->team, &ring->neighbours, 4, select.centre, ring->centres);
    return code ? code : ffmk_select(&select, chosen);
}

/* Hand the chosen items over on paper. First every holder of a linked item hears where an item
 * goes, then the items go, with links that are right already. */
static int hand_over(struct ffmk_planner *planner, struct ring *ring, int code, const int *chosen)
{
    struct ffmk_graph *graph = &planner->graph;
    const struct ffmk_neighbours *neighbours = &ring->neighbours;
    for (size_t i = 0; i < graph->n && !code; i++)
        if (chosen[i] != -1)
            ffmk_graph_announce(graph, i, neighbours->ranks[chosen[i]], neighbours->n,
                                neighbours->ranks, ring->outgoing);
    code = ffmk_exchange_letters(planner->team, neighbours, code, ring->outgoing, ring->incoming);
    for (size_t k = 0; k < neighbours->n; k++) {
        struct ffmk_wire_in in = {.data = ring->incoming[k].data,
                                  .length = ring->incoming[k].length};
        if (!code)
            ffmk_graph_hear(graph, &in);
        ffmk_wire_free(&ring->outgoing[k]);
        ffmk_wire_free(&ring->incoming[k]);
    }
    if (code)
        return code;

    for (size_t i = 0; i < graph->n; i++)
        if (chosen[i] != -1) /* NOLINT: set for every item of the graph */
            ffmk_graph_write(graph, i, &ring->outgoing[chosen[i]]);
    ffmk_graph_drop(graph, chosen);
    code = ffmk_exchange_letters(planner->team, neighbours, code, ring->outgoing, ring->incoming);
    for (size_t k = 0; k < neighbours->n && !code; k++) {
        struct ffmk_wire_in in = {.data = ring->incoming[k].data,
                                  .length = ring->incoming[k].length};
        code = ffmk_graph_read(graph, &in);
    }
    return code;
}

int ffmk_round_run(struct ffmk_planner *planner)
{
    struct ring ring = {0};
    int *chosen = malloc((planner->graph.n + 1) * sizeof *chosen);
    int code = ring_build(&ring, planner);
    code = ffmk_team_agree(planner->team, chosen ? code : FFMK_ERR_NO_MEMORY);
    if (!code)
        code = find_flow(planner, &ring);
    if (!code) {
        code = choose(planner, &ring, chosen);
        code = hand_over(planner, &ring, code, chosen);
        code = ffmk_team_agree(planner->team, code);
    }
    ring_free(&ring);
    free(chosen);
    return code;
}
