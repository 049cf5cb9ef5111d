/* SPDX-License-Identifier: BSD-3-Clause
 * A tree over the parts: what holds for all of them is summed on the way up; on the way down the
 * flow of load is found, from the coarsest level to the finest. Parts make groups of `fanout` by
 * their numbers, groups make larger groups; the first part of a group speaks for it. A unit of
 * level 0 is a part, of level l + 1 a group of units of level l.
 *
 *   up     a unit's totals, and its borders to other units: whose, of what conductance
 *   down   the totals of all; what flows over each of these borders, and to parts beyond them; from
 *          a group of all, the turn of each (order.h), and which are not met
 *
 * Memory follows the fanout and the borders of a group. Pure; others carry the letters. */
#ifndef FFMK_BALANCE_TREE_H
#define FFMK_BALANCE_TREE_H

#include "balance/border.h"
#include "balance/rules.h"

/** Of a part, of a group, of all. */
struct ffmk_totals {
    int32_t code; /* the least */
    int32_t door; /* the part that takes what comes to it over no border: the first one that is not
                     full, or the last */
    uint64_t n_parts, n_items, n_links;
    uint64_t missing; /* items, where a part has fewer than it should */
    double capacity, capacity_most;
    double links;    /* sum of link weights; each link is seen twice */
    double cut;      /* the same, of those that lead to another part */
    double excess;   /* what is above limits, in means */
    double to_carry; /* see ffmk_wish_to_carry() */
    double improved; /* see ffmk_refine */
    struct ffmk_totals_of {
        double load;
        double rest;          /* load, once what neighbours even out among them went */
        double largest;       /* load / capacity, or / limit where that is a part's own */
        double heaviest;      /* item */
        double open;          /* capacity of those that can take their share; where limits are a
                                 part's own, their sum */
        double held;          /* what the others can have (course.h) */
    } of[FFMK_GRAPH_WEIGHTS]; /* each weight; letters end behind those that there are */
};

/** A border of a unit. */
struct ffmk_tree_border {
    uint32_t unit;    /* the other, of the same level */
    uint32_t hopeful; /* of a part's border: to be met whether something flows or not */
    double conductance;
};

/** What came down to a unit. Flows and turns are those of its borders, in the order in which it
 * gave them, of flows n_weights each. */
struct ffmk_tree_orders {
    struct ffmk_totals totals;
    uint32_t n_flows, n_extras, n_turns;
    double *flows;
    struct ffmk_border_extra *extras;
    uint8_t *turns;
};

void ffmk_tree_orders_free(struct ffmk_tree_orders *orders);

/** A group, at the part that speaks for it. Begin with ffmk_tree_begin(). */
struct ffmk_tree {
    const struct ffmk_rules *rules;
    uint32_t level; /* of its members */
    uint32_t first; /* its first member */
    uint32_t n;     /* members */
    struct ffmk_tree_member {
        bool here;
        void *letter;
        const struct ffmk_totals *totals;
        uint32_t n_borders;
        const struct ffmk_tree_border *borders;
    } * members;
    uint32_t n_here;
    uint32_t n_outside; /* borders to other groups, as given upwards */
    struct ffmk_tree_border *outside;
};

static inline bool ffmk_tree_is_inside(const struct ffmk_tree *tree, uint32_t unit)
{
    return unit >= tree->first && unit - tree->first < tree->n;
}

/** How many levels of groups there are: 1 at least. */
uint32_t ffmk_tree_levels(const struct ffmk_rules *rules);

/** Units of a level; level ffmk_tree_levels() has one. */
uint32_t ffmk_tree_units(const struct ffmk_rules *rules, uint32_t level);

/** The part that speaks for a unit. */
int32_t ffmk_tree_speaker(const struct ffmk_rules *rules, uint32_t level, uint32_t unit);

/** The group `first` begins with whose members are units of `level`.
 * \return FFMK_ERR_NO_MEMORY. */
int ffmk_tree_begin(struct ffmk_tree *tree, const struct ffmk_rules *rules, uint32_t level,
                    uint32_t first);

/** Write what a unit says of itself. */
void ffmk_tree_write(const struct ffmk_rules *rules, const struct ffmk_totals *totals,
                     uint32_t n_borders, const struct ffmk_tree_border *borders,
                     struct ffmk_wire_out *up);

/** Take what a member said. */
int ffmk_tree_take(struct ffmk_tree *tree, uint32_t unit, struct ffmk_wire_in *up);

/** All members were heard: what the group says of itself. */
int ffmk_tree_sum(struct ffmk_tree *tree, struct ffmk_totals *totals);

/** What flows and turns should be like. */
struct ffmk_tree_wish {
    double aim[FFMK_GRAPH_WEIGHTS];   /* load that flows should leave at a part of capacity 1, for
                                         shared weights; INFINITY: none need flow */
    double crumb[FFMK_GRAPH_WEIGHTS]; /* in a group of all, less than this does not flow */
    bool mixes; /* all borders are met, and a part has one meeting at a time */
};

/** Find the flows among the members, given those of the group, and write each its orders. downs has
 * room for as many letters as there are members. */
int ffmk_tree_direct(struct ffmk_tree *tree, const struct ffmk_tree_orders *orders,
                     const struct ffmk_tree_wish *wish, struct ffmk_wire_out *downs);

int ffmk_tree_read(struct ffmk_tree_orders *orders, const struct ffmk_rules *rules,
                   struct ffmk_wire_in *down);

void ffmk_tree_free(struct ffmk_tree *tree);

#endif
