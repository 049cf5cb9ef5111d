/* SPDX-License-Identifier: BSD-3-Clause
 * The workloads: what an item weighs, where it is, and what it is linked to. No state. */
#include "sim/workload.h"

#include "core/rng.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    enum ffmk_workload_kind kind;
    double speed;
} names[] = {
    {"hotspot", FFMK_WORKLOAD_HOTSPOT, 0.15},
    {"hotspot-slow", FFMK_WORKLOAD_HOTSPOT, 0.03},
    {"hotspot-fast", FFMK_WORKLOAD_HOTSPOT, 0.6},
    {"front", FFMK_WORKLOAD_FRONT, 0.05},
    {"noise", FFMK_WORKLOAD_NOISE, 0},
    {"clustered", FFMK_WORKLOAD_CLUSTERED, 0},
    {"irregular", FFMK_WORKLOAD_IRREGULAR, 0.15},
    {"heavy", FFMK_WORKLOAD_HEAVY, 0},
    {"slow-rank", FFMK_WORKLOAD_SLOW_RANK, 0},
};
enum { NAMES = sizeof names / sizeof names[0] };

/* What a random number is for. */
enum purpose { SETUP, DRAW, POINT, MISSING };

static uint64_t stream(const struct ffmk_workload *w, enum purpose purpose, uint64_t id)
{
    return ffmk_rng_mix(ffmk_rng_mix(w->seed * 4 + purpose) + id);
}

static double symmetric(uint64_t *state)
{
    return 2 * ffmk_rng_unit(state) - 1;
}

/* As many ranks along each axis as make the sum of the sides least. */
static void cubest(uint32_t ranks, uint32_t grid[3])
{
    uint64_t best = UINT64_MAX;
    for (uint64_t z = 1; z * z * z <= ranks; z++)
        for (uint64_t y = z; ranks % z == 0 && y * y <= ranks / z; y++) {
            const uint64_t x = ranks / z / y;
            if (x * y * z == ranks && x + y + z < best) {
                best = x + y + z;
                grid[0] = (uint32_t)x;
                grid[1] = (uint32_t)y;
                grid[2] = (uint32_t)z;
            }
        }
}

static void begin_clusters(struct ffmk_workload *w, uint64_t *state)
{
    for (int i = 0; i < FFMK_WORKLOAD_CLUSTERS; i++) {
        for (int axis = 0; axis < 3; axis++) {
            w->clusters[i].centre[axis] = ffmk_rng_unit(state);
            w->clusters[i].drift[axis] = 0.02 * symmetric(state);
        }
        w->clusters[i].width = 0.04 + 0.04 * ffmk_rng_unit(state);
        w->clusters[i].particles = 5 + 15 * ffmk_rng_unit(state);
    }
}

bool ffmk_workload_begin(struct ffmk_workload *w, const char *name, uint32_t ranks, uint32_t side,
                         uint64_t seed)
{
    size_t i = 0;
    while (i < NAMES && strcmp(names[i].name, name) != 0)
        i++;
    if (i == NAMES)
        return false;
    *w = (struct ffmk_workload){
        .kind = names[i].kind, .speed = names[i].speed, .ranks = ranks, .side = side, .seed = seed};
    cubest(ranks, w->grid);
    for (int axis = 0; axis < 3; axis++)
        w->cells[axis] = (uint64_t)side * w->grid[axis];
    uint64_t state = stream(w, SETUP, 0);
    const double turns = ffmk_rng_unit(&state);
    if (w->kind == FFMK_WORKLOAD_CLUSTERED) {
        begin_clusters(w, &state);
    } else if (w->kind == FFMK_WORKLOAD_FRONT) {
        double square = 0;
        for (int axis = 0; axis < 3; axis++) {
            w->shift[axis] = 0.2 + ffmk_rng_unit(&state);
            square += w->shift[axis] * w->shift[axis];
        }
        for (int axis = 0; axis < 3; axis++)
            w->shift[axis] /= sqrt(square);
        w->phase = turns;
    } else {
        w->phase = 2 * 3.14159265358979323846 * turns;
        for (int axis = 0; axis < 3; axis++)
            w->shift[axis] = 0.05 * symmetric(&state);
    }
    return true;
}

const char *ffmk_workload_name(size_t i)
{
    return i < NAMES ? names[i].name : NULL;
}

uint64_t ffmk_workload_end(const struct ffmk_workload *w)
{
    return w->cells[0] * w->cells[1] * w->cells[2];
}

static void cell_of(const struct ffmk_workload *w, uint64_t id, uint64_t at[3])
{
    at[0] = id % w->cells[0];
    at[1] = id / w->cells[0] % w->cells[1];
    at[2] = id / w->cells[0] / w->cells[1];
}

static uint64_t id_of(const struct ffmk_workload *w, const uint64_t at[3])
{
    return (at[2] * w->cells[1] + at[1]) * w->cells[0] + at[0];
}

/* Inside, where the coordinates' sum leaves 1 by 4, most cells have no item. Each item so has three
 * of the six beside it at least. */
bool ffmk_workload_has(const struct ffmk_workload *w, uint64_t id)
{
    uint64_t at[3];
    if (id >= ffmk_workload_end(w))
        return false;
    cell_of(w, id, at);
    if (w->kind != FFMK_WORKLOAD_IRREGULAR || (at[0] + at[1] + at[2]) % 4 != 1)
        return true;
    for (int axis = 0; axis < 3; axis++)
        if (at[axis] == 0 || at[axis] + 1 == w->cells[axis])
            return true;
    uint64_t state = stream(w, MISSING, id);
    return ffmk_rng_unit(&state) >= 0.7;
}

size_t ffmk_workload_items(const struct ffmk_workload *w, enum ffmk_workload_start start,
                           uint32_t rank, uint64_t *ids)
{
    const uint64_t side = w->side, each = side * side * side;
    const uint64_t box[3] = {rank % w->grid[0], rank / w->grid[0] % w->grid[1],
                             rank / w->grid[0] / w->grid[1]};
    size_t n = 0;
    for (uint64_t i = 0; i < each; i++) {
        const uint64_t at[3] = {box[0] * side + i % side, box[1] * side + i / side % side,
                                box[2] * side + i / side / side};
        const uint64_t id = start == FFMK_WORKLOAD_BLOCKS ? id_of(w, at) : rank * each + i;
        if (ffmk_workload_has(w, id))
            ids[n++] = id;
    }
    return n;
}

/* Where the item is, and how far it likes to be linked: its radius, in cells. */
static double point_of(const struct ffmk_workload *w, uint64_t id, double position[3])
{
    uint64_t at[3], state = stream(w, POINT, id);
    cell_of(w, id, at);
    for (int axis = 0; axis < 3; axis++)
        position[axis] = (double)at[axis] + 0.5;
    if (w->kind != FFMK_WORKLOAD_IRREGULAR)
        return 0;
    for (int axis = 0; axis < 3; axis++)
        position[axis] += 0.45 * symmetric(&state);
    return 0.7 + 1.3 * ffmk_rng_unit(&state);
}

void ffmk_workload_position(const struct ffmk_workload *w, uint64_t id, double position[3])
{
    point_of(w, id, position);
}

static double hot(const struct ffmk_workload *w, const double at[3], int64_t step)
{
    double square = 0;
    for (int axis = 0; axis < 3; axis++) {
        const double turn = w->phase + w->speed * (double)step + 2 * axis;
        const double d = at[axis] - (0.5 + w->shift[axis] + 0.3 * cos(turn));
        square += d * d;
    }
    return 1 + 9 * exp(-square / 0.02);
}

/* 8 in the plane, 1 far from it; it comes in at a corner and leaves at the opposite one. */
static double front(const struct ffmk_workload *w, const double at[3], int64_t step)
{
    double place = 0, across = 0;
    for (int axis = 0; axis < 3; axis++) {
        place += w->shift[axis] * at[axis];
        across += w->shift[axis];
    }
    const double gone = w->phase + w->speed * (double)step;
    const double d = (place - across * (gone - floor(gone))) / 0.08;
    return 1 + 7 * exp(-d * d);
}

/* The number of particles: their density, rounded up or down by a chance that stays the item's. */
static double particles(const struct ffmk_workload *w, uint64_t id, const double at[3],
                        int64_t step)
{
    uint64_t state = stream(w, DRAW, id);
    double density = 0.5;
    for (int i = 0; i < FFMK_WORKLOAD_CLUSTERS; i++) {
        double square = 0;
        for (int axis = 0; axis < 3; axis++) {
            double d = at[axis] - w->clusters[i].centre[axis];
            d -= w->clusters[i].drift[axis] * (double)step;
            d -= floor(d + 0.5);
            square += d * d;
        }
        const double scaled = square / (w->clusters[i].width * w->clusters[i].width);
        if (scaled < 16)
            density += w->clusters[i].particles * exp(-scaled / 2);
    }
    return floor(density + ffmk_rng_unit(&state));
}

/* Pareto with index 1.5, at most 30 times its mean. Each item keeps a draw for sixteen steps. */
static double pareto(const struct ffmk_workload *w, uint64_t id, int64_t step)
{
    const double index = 1.5, most = 84;
    uint64_t state = stream(w, SETUP, id + 1);
    const uint64_t draw = ((uint64_t)step + ffmk_rng_below(&state, 16)) / 16;
    state = ffmk_rng_mix(stream(w, DRAW, id) + draw);
    return fmin(most, pow(1 - ffmk_rng_unit(&state), -1 / index));
}

double ffmk_workload_weight(const struct ffmk_workload *w, uint64_t id, int64_t step)
{
    double at[3];
    uint64_t state = stream(w, DRAW, id);
    ffmk_workload_position(w, id, at);
    for (int axis = 0; axis < 3; axis++)
        at[axis] /= (double)w->cells[axis];
    switch (w->kind) {
    case FFMK_WORKLOAD_HOTSPOT:
        return hot(w, at, step);
    case FFMK_WORKLOAD_IRREGULAR:
        return hot(w, at, step) * (0.5 + ffmk_rng_unit(&state));
    case FFMK_WORKLOAD_FRONT:
        return front(w, at, step);
    case FFMK_WORKLOAD_CLUSTERED:
        return particles(w, id, at, step);
    case FFMK_WORKLOAD_HEAVY:
        return pareto(w, id, step);
    case FFMK_WORKLOAD_NOISE:
        state = ffmk_rng_mix(state + (uint64_t)step);
        return pow(4, ffmk_rng_unit(&state));
    case FFMK_WORKLOAD_SLOW_RANK:
        return 1;
    }
    return 1;
}

double ffmk_workload_rank_factor(const struct ffmk_workload *w, uint32_t rank, int64_t step)
{
    uint64_t state = stream(w, SETUP, 0);
    return w->kind == FFMK_WORKLOAD_SLOW_RANK && step >= 1 &&
                   rank == ffmk_rng_below(&state, w->ranks)
               ? 3
               : 1;
}

/* Two points are linked when their cells share a face, or when they are no further apart than the
 * mean of their radii, which is at most 2: two cells away is far enough to look. */
static bool linked(const struct ffmk_workload *w, uint64_t id, const double here[3], double radius,
                   uint64_t other, int steps)
{
    double there[3], square = 0;
    const double reach = (radius + point_of(w, other, there)) / 2;
    for (int axis = 0; axis < 3; axis++)
        square += (here[axis] - there[axis]) * (here[axis] - there[axis]);
    return other != id && (steps == 1 || square < reach * reach) && ffmk_workload_has(w, other);
}

static size_t links_near(const struct ffmk_workload *w, uint64_t id, ffmk_link *links)
{
    uint64_t at[3];
    double here[3];
    size_t n = 0;
    cell_of(w, id, at);
    const double radius = point_of(w, id, here);
    for (int z = -2; z <= 2; z++)
        for (int y = -2; y <= 2; y++)
            for (int x = -2; x <= 2; x++) {
                const uint64_t to[3] = {at[0] + (uint64_t)x, at[1] + (uint64_t)y,
                                        at[2] + (uint64_t)z}; /* below 0 is beyond the end */
                if (to[0] < w->cells[0] && to[1] < w->cells[1] && to[2] < w->cells[2] &&
                    linked(w, id, here, radius, id_of(w, to), x * x + y * y + z * z))
                    links[n++] = (ffmk_link){id_of(w, to), 1};
            }
    return n;
}

size_t ffmk_workload_links(const struct ffmk_workload *w, uint64_t id, ffmk_link *links)
{
    uint64_t at[3], stride = 1;
    size_t n = 0;
    if (w->kind == FFMK_WORKLOAD_IRREGULAR)
        return links_near(w, id, links);
    cell_of(w, id, at);
    for (int axis = 0; axis < 3; axis++) {
        if (at[axis] > 0)
            links[n++] = (ffmk_link){id - stride, 1};
        if (at[axis] + 1 < w->cells[axis])
            links[n++] = (ffmk_link){id + stride, 1};
        stride *= w->cells[axis];
    }
    return n;
}
