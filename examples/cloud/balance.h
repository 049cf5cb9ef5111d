/* SPDX-License-Identifier: BSD-3-Clause
 * The blocks as items that ffmk may move: what they weigh, whom they talk to, how they are packed.
 * This is the room to copy from. */
#ifndef CLOUD_BALANCE_H
#define CLOUD_BALANCE_H

#include "block.h"

#include <ffmk.h>

struct balance {
    ffmk_items *items;
    struct blocks *blocks;
    bool measured; /**< Blocks weigh their seconds instead of their counted work. */
    int times;
    double sum_before; /**< Of the imbalances that ffmk found and left, over all times. */
    double sum_after;
    uint64_t blocks_moved;
    uint64_t bytes_moved;
};

/** Register this rank's blocks, and plan once so that ffmk_items_link_ranks() knows the neighbours;
 * nothing moves. Collective. \return an FFMK_* code, the same on every rank. */
int balance_create(struct balance *balance, MPI_Comm comm, struct blocks *blocks, uint64_t seed,
                   bool measured);

/** Let ffmk move blocks, by what they cost over the last `steps` steps. Collective. \return an
 * FFMK_* code. */
int balance_now(struct balance *balance, int steps);

/** Collective, before MPI_Finalize. */
void balance_destroy(struct balance *balance);

#endif
