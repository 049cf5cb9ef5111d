/* SPDX-License-Identifier: BSD-3-Clause
 * Sets of items for what balances them: a bench on real ranks, a simulation with a million virtual
 * ones. Everything about an item follows from the workload, its id and the step; nothing is stored
 * for it. Pure, deterministic, and knows nothing of how items are balanced. */
#ifndef FFMK_SIM_WORKLOAD_H
#define FFMK_SIM_WORKLOAD_H

#include <ffmk.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ffmk_workload_kind {
    FFMK_WORKLOAD_HOTSPOT,   /* a region that costs ten times as much and moves */
    FFMK_WORKLOAD_FRONT,     /* a thin costly plane that crosses the domain */
    FFMK_WORKLOAD_NOISE,     /* weights of 1 to 4, drawn anew each step */
    FFMK_WORKLOAD_CLUSTERED, /* numbers of particles, in clusters that drift; many are 0 */
    FFMK_WORKLOAD_IRREGULAR, /* a graph of points in space, under a hot spot */
    FFMK_WORKLOAD_HEAVY,     /* Pareto weights; one item in sixteen draws a new one each step */
    FFMK_WORKLOAD_SLOW_RANK  /* equal weights, and a rank that becomes three times as slow */
};

/** Whom the items belong to in the beginning. */
enum ffmk_workload_start {
    FFMK_WORKLOAD_BLOCKS, /* each rank has a box of side³ cells */
    FFMK_WORKLOAD_SLABS   /* as many cells, in the order of ids: thin slabs with long surfaces */
};

enum {
    FFMK_WORKLOAD_MAX_LINKS = 124, /* of an item; room that always suffices */
    FFMK_WORKLOAD_CLUSTERS = 32
};

/** Items are cells of a box, a cube of side³ cells for each rank of a grid of ranks; their ids
 * count the cells, x fastest. Of an irregular workload some cells have no item. */
struct ffmk_workload {
    enum ffmk_workload_kind kind;
    uint32_t ranks;
    uint32_t side;
    uint32_t grid[3];  /* ranks along each axis: the cubest there is */
    uint64_t cells[3]; /* along each axis */
    uint64_t seed;
    double speed;    /* HOTSPOT, IRREGULAR: radians a step; FRONT: of its way across, a step */
    double phase;    /* at step 0 */
    double shift[3]; /* HOTSPOT, IRREGULAR: of the centre; FRONT: the direction, of length 1 */
    struct {
        double centre[3]; /* at step 0, in a domain of 1³ without borders */
        double drift[3];  /* a step */
        double particles; /* in a cell at the centre */
        double width;
    } clusters[FFMK_WORKLOAD_CLUSTERS];
};

/** Names: hotspot, hotspot-slow, hotspot-fast, front, noise, clustered, irregular, heavy,
 * slow-rank; ffmk_workload_name(i) of the i-th, NULL behind the last. ranks ≥ 1, side ≥ 2.
 * \return false: no workload of this name. */
bool ffmk_workload_begin(struct ffmk_workload *workload, const char *name, uint32_t ranks,
                         uint32_t side, uint64_t seed);
const char *ffmk_workload_name(size_t i);

/** Ids are less than this. */
uint64_t ffmk_workload_end(const struct ffmk_workload *workload);
bool ffmk_workload_has(const struct ffmk_workload *workload, uint64_t id);

/** The items of a rank in the beginning, ascending. `ids` has room for side³.
 * \return how many. */
size_t ffmk_workload_items(const struct ffmk_workload *workload, enum ffmk_workload_start start,
                           uint32_t rank, uint64_t *ids);

/** In cells. */
void ffmk_workload_position(const struct ffmk_workload *workload, uint64_t id, double position[3]);

double ffmk_workload_weight(const struct ffmk_workload *workload, uint64_t id, int64_t step);

/** How many times as much everything costs on this rank; 1 but for SLOW_RANK. */
double ffmk_workload_rank_factor(const struct ffmk_workload *workload, uint32_t rank, int64_t step);

/** All links of an item; the other ends have them, too. `links` has room for
 * FFMK_WORKLOAD_MAX_LINKS. \return how many. */
size_t ffmk_workload_links(const struct ffmk_workload *workload, uint64_t id, ffmk_link *links);

#endif
