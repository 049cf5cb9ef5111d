/* SPDX-License-Identifier: BSD-3-Clause
 * What a registry is, for the public calls on it. */
#ifndef FFMK_BALANCE_REGISTRY_H
#define FFMK_BALANCE_REGISTRY_H

#include "balance/entrance.h"
#include "balance/items.h"
#include "balance/plan.h"
#include "balance/team.h"
#include "core/ledger.h"

struct ffmk_items {
    struct ffmk_team team;
    struct ffmk_entrance *entrance;
    struct ffmk_table table;
    struct ffmk_plan_rank able; /* what this rank can do and hold */
    ffmk_item_ops ops;
    bool movable; /* ops were given */
    void *context;
    ffmk_balance_options options;
    bool links_known; /* link_ranks are those of the last plan, and nothing was added or removed
                         here since */
    struct ffmk_ledger ledger; /* seconds lost to imbalance, against those of moving */
    double useful_s;           /* of this rank, at the last look; negative: not measured */
    bool busy; /* inside a collective call, so that callbacks that come back are turned away */
};

/** Say what is wrong with a call. \return code. */
__attribute__((format(printf, 3, 4))) int ffmk_registry_refuse(int code, const char *call,
                                                               const char *format, ...);

/** Whether a collective call can begin: there is a registry, it is not at work, and MPI runs. */
int ffmk_registry_enter(const ffmk_items *items, const char *call);

/** Whether balancing can be over this communicator, MPI running. */
bool ffmk_registry_takes(MPI_Comm comm);

/** An empty registry without callbacks, for the collective call `call` in which this rank fared as
 * `code` says. \return the same on all ranks. */
int ffmk_registry_create(MPI_Comm comm, enum ffmk_entrance_call call, int code,
                         ffmk_items **items_p);

/** Free a registry, of which all ranks know. */
int ffmk_registry_free(ffmk_items *items);

#endif
