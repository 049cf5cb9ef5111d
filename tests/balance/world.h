/* SPDX-License-Identifier: BSD-3-Clause
 * Random sets of items on random numbers of parts, and the letters between these, for tests of
 * parts. */
#ifndef FFMK_TESTS_BALANCE_WORLD_H
#define FFMK_TESTS_BALANCE_WORLD_H

#include "balance/part.h"

enum { SLAB = 12, PARTS = 24, ITEMS = SLAB * SLAB * PARTS, LINKS = 8 };

struct world {
    uint64_t seed;
    struct ffmk_rules rules;
    uint32_t n;
    int part[ITEMS];
    bool pinned[ITEMS];
    double weight[ITEMS][FFMK_GRAPH_WEIGHTS];
    float position[ITEMS][3];
    bool placed;
    uint32_t n_links[ITEMS];
    uint32_t link[ITEMS][LINKS];
    float link_weight[ITEMS][LINKS];
    double capacity[PARTS], own_limit[PARTS];
};

/* Letters under way. Those of one kind from one part to another arrive in their order. `parts`: as
 * they are sent it is checked that they may be. */
struct post {
    const struct ffmk_part *parts;
    struct letter {
        int from, to;
        enum ffmk_part_letter kind;
        struct ffmk_wire_out body;
    } * letters;
    size_t n, capacity;
    int pass; /* the last one decided on */
    bool repairs;
    double excess;
    int told[PARTS][PARTS];  /* the last pass in which news went from one to another, */
    int since[PARTS][PARTS]; /* and the first of those without a gap */
};

/** Any world, by its seed. */
void world_draw(struct world *world, uint64_t seed);

/** Link two items, unless they are or have too many links. */
void world_tie(struct world *world, uint32_t a, uint32_t b, float weight);

/** Fill in a part that has begun. `sleepy`: what nothing elsewhere is linked to sleeps. */
void world_fill(struct ffmk_part *part, struct world *world, int number, bool sleepy);

/** For ffmk_part_begin(), with the post as context. */
void post_send(void *context, int32_t from, int32_t to, enum ffmk_part_letter kind,
               struct ffmk_wire_out *body);

/** Hand over the letter at `at`, or one of its kind between the same parts that is older. */
void post_deliver(struct post *post, struct ffmk_part *parts, size_t at);

#endif
