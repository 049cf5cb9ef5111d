/* SPDX-License-Identifier: BSD-3-Clause
 * Plans of the balancer among virtual ranks: each has a part (balance/part.h), the one that runs in
 * jobs, filled from a workload; their letters go over a virtual LogGP network. The first plan
 * begins with blocks, each of the next with what the one before came to. For the command and tests;
 * prints nothing. */
#ifndef FFMK_SIM_BALANCE_H
#define FFMK_SIM_BALANCE_H

#include "balance/rules.h"
#include "sim/loggp.h"
#include "sim/workload.h"

enum { FFMK_SIM_BALANCE_MAX_RANKS = 1 << 20, FFMK_SIM_BALANCE_MAX_SIDE = 16 };

struct ffmk_sim_balance_case {
    const char *workload; /* a name; see workload.h */
    uint32_t ranks;
    uint32_t side; /* of a rank's cube of items; ≥ 2 */
    uint64_t seed;
    int32_t fanout;   /* of the tree; 0: as in jobs */
    bool curve;       /* blocks are numbered along a curve through the box of ranks, not x first */
    bool bisected;    /* begin with what recursive bisection by the weights of step 0 gives, not
                         with blocks; numbered by its tree */
    double imbalance; /* asked */
    int max_passes;   /* 0: as in jobs */
    struct ffmk_loggp_times times;
    /* Computing takes what it takes on this machine, by this clock of the thread's processor time;
     * NULL: by a model of it, so that a case always gives the same. */
    uint64_t (*clock_ns)(void);
};

/** Where the time of a plan goes, in the order in which a pass goes through it: summed up from
 * borders to all; the flows on the way down; diffusion before them; meetings along borders; what
 * they came to, told. */
enum ffmk_sim_balance_phase {
    FFMK_SIM_BALANCE_UP,
    FFMK_SIM_BALANCE_DOWN,
    FFMK_SIM_BALANCE_SPREAD,
    FFMK_SIM_BALANCE_MEET,
    FFMK_SIM_BALANCE_NEWS,
    FFMK_SIM_BALANCE_PHASES
};

/** What one plan came to. */
struct ffmk_sim_balance_call {
    int code; /* FFMK_SUCCESS, or what went wrong */
    int passes;
    uint32_t levels;        /* of the tree */
    uint64_t messages;      /* of all ranks */
    uint64_t bytes;         /* in them */
    uint64_t messages_most; /* sent by the busiest rank */
    /* The longest chain of letters of which each waited for the one before. */
    uint32_t chain[FFMK_SIM_BALANCE_PHASES];
    double ns;                /* until the last rank is done */
    double computing_most_ns; /* the time in which the rank that computes most does */
    double phase_ns[FFMK_SIM_BALANCE_PHASES]; /* until the last rank has left it, of all passes */
    double imbalance_before, imbalance_after; /* counted afresh, from items and ranks alone */
    double bound;
    double cut_before, cut_after; /* links between ranks */
    double migrated;              /* share of the load that changes its rank */
    uint64_t items_migrated;
};

/** The rules in jobs. */
struct ffmk_rules ffmk_sim_balance_usual(int32_t ranks, double imbalance);

struct ffmk_sim_balance;

/** \return NULL when out of memory. ffmk_sim_balance_destroy() when done. */
struct ffmk_sim_balance *ffmk_sim_balance_create(const struct ffmk_sim_balance_case *wanted);
void ffmk_sim_balance_destroy(struct ffmk_sim_balance *sim);

/** The rules of the plans. */
const struct ffmk_rules *ffmk_sim_balance_rules(const struct ffmk_sim_balance *sim);

/** Make the plan for the weights of a step, and take it over. `heard` is called now and then, with
 * the share of what is expected to be done since its last call; or NULL. \return false when out of
 * memory, or when a part waits for a letter that never comes, which `call->code` tells
 * (FFMK_ERR_STATE). */
bool ffmk_sim_balance_plan(struct ffmk_sim_balance *sim, int64_t step,
                           void (*heard)(void *context, double share), void *context,
                           struct ffmk_sim_balance_call *call);

/** The rank that has an item now. */
int32_t ffmk_sim_balance_owner(const struct ffmk_sim_balance *sim, uint64_t id);

#endif
