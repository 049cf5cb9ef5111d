/* SPDX-License-Identifier: BSD-3-Clause
 * Iterations for the potentials x of L x = load − mean, L the weighted Laplacian. What is left of
 * the right side is what is left of the loads. */
#include "sim/diffusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const ffmk_diffusion_names[FFMK_DIFFUSION_SCHEMES] = {"first-order", "second-order",
                                                                  "chebyshev", "gradients", "ours"};

struct ffmk_diffusion {
    enum ffmk_diffusion_scheme scheme;
    uint32_t n;
    double mean, limit;
    size_t n_links;
    const struct ffmk_flow_link *links;
    double alpha, mu, beta;
    unsigned steps;
    double *x, *before; /* potentials, and those of the last step; GRADIENTS: the direction */
    double *left;       /* load − mean − L x */
    double *image;      /* GRADIENTS: L times the direction */
    double squares;     /* of left */

    /* OURS */
    struct ffmk_flow *flows;
    uint32_t *first; /* n + 1, of neighbours, conductances, potentials */
    uint32_t *neighbours;
    double *conductances, *potentials;
    double distance;
};

struct ffmk_diffusion_spectrum ffmk_diffusion_box(const uint32_t grid[3], double conductance)
{
    static const double PI = 3.14159265358979323846;
    struct ffmk_diffusion_spectrum spectrum = {INFINITY, 0};
    for (int axis = 0; axis < 3; axis++) {
        if (grid[axis] < 2)
            continue;
        const double least = conductance * (2 - 2 * cos(PI / grid[axis]));
        spectrum.least = fmin(spectrum.least, least);
        spectrum.most += conductance * (2 + 2 * cos(PI / grid[axis]));
    }
    return spectrum;
}

size_t ffmk_diffusion_box_links(const uint32_t grid[3], double conductance,
                                struct ffmk_flow_link *links)
{
    size_t n = 0;
    uint32_t at[3];
    for (at[2] = 0; at[2] < grid[2]; at[2]++)
        for (at[1] = 0; at[1] < grid[1]; at[1]++)
            for (at[0] = 0; at[0] < grid[0]; at[0]++) {
                const uint32_t here = (at[2] * grid[1] + at[1]) * grid[0] + at[0];
                const uint32_t stride[3] = {1, grid[0], grid[0] * grid[1]};
                for (int axis = 0; axis < 3; axis++)
                    if (at[axis] + 1 < grid[axis])
                        links[n++] =
                            (struct ffmk_flow_link){here, here + stride[axis], conductance, 0};
            }
    return n;
}

/* to = L of */
static void apply(const struct ffmk_diffusion *diffusion, const double *of, double *to)
{
    memset(to, 0, diffusion->n * sizeof *to);
    for (size_t e = 0; e < diffusion->n_links; e++) {
        const struct ffmk_flow_link *link = &diffusion->links[e];
        const double flow = link->conductance * (of[link->a] - of[link->b]);
        to[link->a] += flow;
        to[link->b] -= flow;
    }
}

static double product(uint32_t n, const double *a, const double *b)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Each rank's neighbours side by side, for the scheme of jobs. */
static bool begin_ours(struct ffmk_diffusion *diffusion, const double *load, double limit)
{
    const uint32_t n = diffusion->n;
    const size_t ends = 2 * diffusion->n_links;
    diffusion->flows = malloc(n * sizeof *diffusion->flows);
    diffusion->first = calloc(n + 2ul, sizeof *diffusion->first);
    diffusion->neighbours = malloc((ends + 1) * sizeof *diffusion->neighbours);
    diffusion->conductances = malloc((ends + 1) * sizeof *diffusion->conductances);
    diffusion->potentials = malloc((ends + 1) * sizeof *diffusion->potentials);
    if (!diffusion->flows || !diffusion->first || !diffusion->neighbours ||
        !diffusion->conductances || !diffusion->potentials)
        return false;
    uint32_t *first = diffusion->first, *end = first + 1; /* once they are filled in */
    for (size_t e = 0; e < diffusion->n_links; e++) {
        first[diffusion->links[e].a + 2]++;
        first[diffusion->links[e].b + 2]++;
    }
    for (uint32_t i = 2; i <= n + 1; i++)
        first[i] += first[i - 1];
    for (size_t e = 0; e < diffusion->n_links; e++)
        for (int side = 0; side < 2; side++) {
            const struct ffmk_flow_link *link = &diffusion->links[e];
            const uint32_t at = end[side ? link->b : link->a]++;
            diffusion->neighbours[at] = side ? link->a : link->b;
            diffusion->conductances[at] = link->conductance;
        }
    for (uint32_t i = 0; i < n; i++)
        ffmk_flow_begin(&diffusion->flows[i], load[i], limit, first[i + 1] - first[i],
                        diffusion->conductances + first[i]);
    diffusion->distance = INFINITY;
    return true;
}

/* Tell the neighbours, and see what is left. \return how far from done the furthest is. */
static double exchange(struct ffmk_diffusion *diffusion)
{
    double distance = 0;
    for (size_t k = 0; k < diffusion->first[diffusion->n]; k++)
        diffusion->potentials[k] = ffmk_flow_potential(&diffusion->flows[diffusion->neighbours[k]]);
    for (uint32_t i = 0; i < diffusion->n; i++) {
        distance = fmax(distance, ffmk_flow_receive(&diffusion->flows[i],
                                                    diffusion->potentials + diffusion->first[i]));
        diffusion->x[i] = ffmk_flow_potential(&diffusion->flows[i]);
    }
    return distance;
}

struct ffmk_diffusion *ffmk_diffusion_create(enum ffmk_diffusion_scheme scheme, uint32_t n,
                                             const double *load, double limit, size_t n_links,
                                             const struct ffmk_flow_link *links,
                                             struct ffmk_diffusion_spectrum spectrum)
{
    struct ffmk_diffusion *diffusion = calloc(1, sizeof *diffusion);
    if (!diffusion)
        return NULL;
    diffusion->scheme = scheme;
    diffusion->n = n;
    diffusion->limit = limit;
    diffusion->n_links = n_links;
    diffusion->links = links;
    diffusion->alpha = 2 / (spectrum.least + spectrum.most);
    diffusion->mu = (spectrum.most - spectrum.least) / (spectrum.most + spectrum.least);
    diffusion->x = calloc(n, sizeof *diffusion->x);
    diffusion->before = calloc(n, sizeof *diffusion->before);
    diffusion->left = calloc(n, sizeof *diffusion->left);
    diffusion->image = calloc(n, sizeof *diffusion->image);
    bool good = diffusion->x && diffusion->before && diffusion->left && diffusion->image;
    for (uint32_t i = 0; i < n; i++)
        diffusion->mean += load[i] / n;
    for (uint32_t i = 0; good && i < n; i++)
        diffusion->left[i] = load[i] - diffusion->mean;
    if (good && scheme == FFMK_DIFFUSION_OURS) {
        good = begin_ours(diffusion, load, limit);
        if (good)
            diffusion->distance = exchange(diffusion);
    } else if (good) {
        diffusion->squares = product(n, diffusion->left, diffusion->left);
        if (scheme == FFMK_DIFFUSION_GRADIENTS)
            memcpy(diffusion->before, diffusion->left, n * sizeof *diffusion->before);
    }
    if (good)
        return diffusion;
    ffmk_diffusion_destroy(diffusion);
    return NULL;
}

void ffmk_diffusion_destroy(struct ffmk_diffusion *diffusion)
{
    if (!diffusion)
        return;
    free(diffusion->x);
    free(diffusion->before);
    free(diffusion->left);
    free(diffusion->image);
    free(diffusion->flows);
    free(diffusion->first);
    free(diffusion->neighbours);
    free(diffusion->conductances);
    free(diffusion->potentials);
    free(diffusion);
}

static void step_ours(struct ffmk_diffusion *diffusion, double last)
{
    for (uint32_t i = 0; i < diffusion->n; i++) {
        if (diffusion->distance > last)
            ffmk_flow_restart(&diffusion->flows[i]);
        ffmk_flow_advance(&diffusion->flows[i]);
    }
    const double was = diffusion->distance;
    diffusion->distance = exchange(diffusion);
    diffusion->squares = was; /* to compare with, next time */
}

static void step_gradients(struct ffmk_diffusion *diffusion)
{
    double *direction = diffusion->before;
    apply(diffusion, direction, diffusion->image);
    const double curvature = product(diffusion->n, direction, diffusion->image);
    if (!(curvature > 0))
        return; /* nothing is left */
    const double length = diffusion->squares / curvature;
    for (uint32_t i = 0; i < diffusion->n; i++) {
        diffusion->x[i] += length * direction[i];
        diffusion->left[i] -= length * diffusion->image[i];
    }
    const double squares = product(diffusion->n, diffusion->left, diffusion->left);
    for (uint32_t i = 0; i < diffusion->n; i++)
        direction[i] = diffusion->left[i] + squares / diffusion->squares * direction[i];
    diffusion->squares = squares;
}

static double next_beta(const struct ffmk_diffusion *diffusion)
{
    const double square = diffusion->mu * diffusion->mu;
    if (diffusion->scheme == FFMK_DIFFUSION_FIRST || diffusion->steps == 0)
        return 1;
    if (diffusion->scheme == FFMK_DIFFUSION_SECOND)
        return 2 / (1 + sqrt(1 - square));
    return diffusion->steps == 1 ? 2 / (2 - square) : 4 / (4 - square * diffusion->beta);
}

void ffmk_diffusion_step(struct ffmk_diffusion *diffusion)
{
    if (diffusion->scheme == FFMK_DIFFUSION_OURS) {
        step_ours(diffusion, diffusion->steps ? diffusion->squares : INFINITY);
    } else if (diffusion->scheme == FFMK_DIFFUSION_GRADIENTS) {
        step_gradients(diffusion);
    } else {
        const double beta = next_beta(diffusion);
        for (uint32_t i = 0; i < diffusion->n; i++) {
            const double x = diffusion->x[i];
            const double moved = x + diffusion->alpha * diffusion->left[i];
            const double next = beta * moved + (1 - beta) * diffusion->before[i];
            diffusion->before[i] = x;
            diffusion->x[i] = next;
            diffusion->image[i] = next - x;
        }
        diffusion->beta = beta;
        /* What flows more by this step. */
        for (size_t e = 0; e < diffusion->n_links; e++) {
            const struct ffmk_flow_link *link = &diffusion->links[e];
            const double flow =
                link->conductance * (diffusion->image[link->a] - diffusion->image[link->b]);
            diffusion->left[link->a] -= flow;
            diffusion->left[link->b] += flow;
        }
    }
    diffusion->steps++;
}

double ffmk_diffusion_largest(const struct ffmk_diffusion *diffusion)
{
    double largest = -INFINITY;
    for (uint32_t i = 0; i < diffusion->n; i++) {
        const double left = diffusion->scheme == FFMK_DIFFUSION_OURS
                                ? diffusion->flows[i].excess + diffusion->limit - diffusion->mean
                                : diffusion->left[i];
        largest = fmax(largest, left);
    }
    return diffusion->mean + largest;
}

void ffmk_diffusion_flow(const struct ffmk_diffusion *diffusion, struct ffmk_flow_link *links)
{
    for (size_t e = 0; e < diffusion->n_links; e++)
        links[e].flow =
            links[e].conductance * (diffusion->x[links[e].a] - diffusion->x[links[e].b]);
}

bool ffmk_diffusion_worth(uint32_t n, const double *load, size_t n_links,
                          const struct ffmk_flow_link *links, struct ffmk_diffusion_worth *worth)
{
    double *left = malloc(n * sizeof *left);
    *worth = (struct ffmk_diffusion_worth){.largest = -INFINITY};
    if (!left)
        return false;
    memcpy(left, load, n * sizeof *left);
    for (size_t e = 0; e < n_links; e++) {
        worth->energy += links[e].flow * links[e].flow / links[e].conductance;
        worth->carried += fabs(links[e].flow);
        left[links[e].a] -= links[e].flow;
        left[links[e].b] += links[e].flow;
    }
    for (uint32_t i = 0; i < n; i++)
        worth->largest = fmax(worth->largest, left[i]);
    free(left);
    return true;
}
