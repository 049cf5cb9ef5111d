/* SPDX-License-Identifier: BSD-3-Clause
 * Where the collective calls over a communicator begin, and those on its registries: all ranks tell
 * which call they make in one reduction of one shape, so that different calls meet as an error and
 * not as messages that do not fit. It must not know what the calls do. */
#ifndef FFMK_BALANCE_ENTRANCE_H
#define FFMK_BALANCE_ENTRANCE_H

#include "balance/team.h"

#include <stdbool.h>

enum ffmk_entrance_call {
    FFMK_ENTRANCE_CREATE,
    FFMK_ENTRANCE_DESTROY,
    FFMK_ENTRANCE_PLAN,
    FFMK_ENTRANCE_REBALANCE,
    FFMK_ENTRANCE_MIGRATE,
    FFMK_ENTRANCE_IF_WORTH,
    FFMK_ENTRANCE_CSR,
    FFMK_ENTRANCE_QUERY
};

/** Values that a call may agree on as it begins. */
enum { FFMK_ENTRANCE_VALUES = 29 };

/** Of a communicator; lives as long as that or a registry over it does. */
struct ffmk_entrance {
    MPI_Comm comm; /* a duplicate */
    int rank;
    int holders;    /* the communicator, and its registries */
    int registries; /* made over it so far */
    bool shared;    /* its registries' calls begin here, too: threads do not make several at once */
};

/** The entrance of the caller's communicator, made with the first call, which is collective.
 * \return the same on all ranks. */
int ffmk_entrance_of(MPI_Comm comm, struct ffmk_entrance **entrance_p);

/** A registry is made, or gone. The last one to leave frees the entrance. */
void ffmk_entrance_hold(struct ffmk_entrance *entrance);
void ffmk_entrance_leave(struct ffmk_entrance *entrance);

/** Begin a call: of all values, in place, the least over the ranks. `code` is how this rank fared
 * so far. Collective. \return FFMK_ERR_ARGUMENT after a line, where other ranks make another call;
 * else the least code. The same on all ranks. */
int ffmk_entrance_enter(const struct ffmk_team *team, enum ffmk_entrance_call call, int code,
                        uint64_t values[FFMK_ENTRANCE_VALUES]);

#endif
