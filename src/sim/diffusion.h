/* SPDX-License-Identifier: BSD-3-Clause
 * Ways to find which load should flow between neighbouring ranks, to compare: each step is one
 * exchange of a number with every neighbour, at all ranks at once. In the end all give the flow
 * that makes the loads equal with the smallest Σ flow² / conductance, c (x_i − x_j) with potentials
 * x. Whole graphs in one process; pure. */
#ifndef FFMK_SIM_DIFFUSION_H
#define FFMK_SIM_DIFFUSION_H

#include "balance/flow.h"

enum ffmk_diffusion_scheme {
    FFMK_DIFFUSION_FIRST,     /* Cybenko 1989, with the best step */
    FFMK_DIFFUSION_SECOND,    /* Muthukrishnan, Ghosh, Schultz 1998, with the best β */
    FFMK_DIFFUSION_CHEBYSHEV, /* the same with the β of each step (Golub, Varga 1961) */
    FFMK_DIFFUSION_GRADIENTS, /* conjugate gradients: two sums over all ranks a step */
    FFMK_DIFFUSION_OURS       /* balance/flow.h: no eigenvalue known; restarts, potentials ≥ 0 */
};
enum { FFMK_DIFFUSION_SCHEMES = 5 };
extern const char *const ffmk_diffusion_names[FFMK_DIFFUSION_SCHEMES];

/** The smallest eigenvalue but 0 and the largest one of the graph's Laplacian, or bounds of them.
 */
struct ffmk_diffusion_spectrum {
    double least, most;
};

/** Of a box of ranks whose edges all have this conductance. */
struct ffmk_diffusion_spectrum ffmk_diffusion_box(const uint32_t grid[3], double conductance);

/** Links of such a box, ranks numbered x first. `links` has room for 3 a rank. \return how many. */
size_t ffmk_diffusion_box_links(const uint32_t grid[3], double conductance,
                                struct ffmk_flow_link *links);

struct ffmk_diffusion;

/** links stay the caller's; the graph is connected, n ≥ 2. limit: what loads may come to, at least
 * their mean; only OURS stops there. ffmk_diffusion_destroy() when done. \return NULL when out of
 * memory. */
struct ffmk_diffusion *ffmk_diffusion_create(enum ffmk_diffusion_scheme scheme, uint32_t n,
                                             const double *load, double limit, size_t n_links,
                                             const struct ffmk_flow_link *links,
                                             struct ffmk_diffusion_spectrum spectrum);
void ffmk_diffusion_destroy(struct ffmk_diffusion *diffusion);

void ffmk_diffusion_step(struct ffmk_diffusion *diffusion);

/** The largest load, were the flow so far carried out. */
double ffmk_diffusion_largest(const struct ffmk_diffusion *diffusion);

/** The flow so far. */
void ffmk_diffusion_flow(const struct ffmk_diffusion *diffusion, struct ffmk_flow_link *links);

/** What a flow comes to. */
struct ffmk_diffusion_worth {
    double energy;  /* Σ flow² / conductance */
    double carried; /* Σ |flow|: load times edges that it goes over */
    double largest; /* load that it leaves */
};
/** \return false when out of memory. */
bool ffmk_diffusion_worth(uint32_t n, const double *load, size_t n_links,
                          const struct ffmk_flow_link *links, struct ffmk_diffusion_worth *worth);

#endif
