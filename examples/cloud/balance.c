/* SPDX-License-Identifier: BSD-3-Clause
 * Blocks as ffmk items: registration, weights, and the three callbacks that move a block. */
#include "balance.h"

#include "physics.h"

#include <stdlib.h>

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    const struct blocks *blocks = context;
    const size_t bytes = block_packed_bytes(blocks->grid);
    if (bytes > capacity)
        return 1;
    block_pack(blocks->grid, blocks->by_id[id], buffer);
    *written_p = bytes;
    return 0;
}

/** Out of memory is no disaster: ffmk gives the block back to the rank that still has it. */
static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    struct blocks *blocks = context;
    if (bytes != block_packed_bytes(blocks->grid))
        return 1;
    struct block *block = blocks_add(blocks, (int)id);
    if (!block)
        return 1;
    block_unpack(blocks->grid, block, buffer);
    return 0;
}

static void drop(void *context, uint64_t id)
{
    blocks_remove(context, (int)id);
}

static int add_block(ffmk_items *items, const struct grid *grid, int id)
{
    ffmk_link links[SIDES];
    size_t n_links = 0;
    for (int side = 0; side < SIDES; side++) {
        const int other = grid_neighbour(grid, id, side);
        if (other < 0)
            continue;
        const int cells = grid_face_area(grid, side_axis(side));
        links[n_links++] = (ffmk_link){(uint64_t)other, (double)cells * FIELDS * sizeof(double)};
    }
    int at[AXES];
    double centre[AXES];
    grid_block_at(grid, id, at);
    for (int axis = 0; axis < AXES; axis++)
        centre[axis] = (at[axis] + 0.5) * grid->block_cells[axis];

    ffmk_item item = FFMK_ITEM_INIT;
    item.id = (uint64_t)id;
    item.bytes = block_packed_bytes(grid);
    item.n_links = n_links;
    item.links = links;
    item.position = centre;
    return ffmk_items_add(items, &item);
}

/** A plan that nobody carries out: it makes ffmk find out where every link leads. */
static int find_neighbours(struct balance *balance)
{
    int *destinations = calloc((size_t)balance->blocks->count + 1, sizeof(*destinations));
    const int code = ffmk_balance_plan(balance->items, destinations, NULL);
    free(destinations);
    return code;
}

int balance_create(struct balance *balance, MPI_Comm comm, struct blocks *blocks, uint64_t seed,
                   bool measured)
{
    *balance = (struct balance){.blocks = blocks, .measured = measured};
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    int code = ffmk_items_create(comm, &ops, blocks, &balance->items);
    if (code)
        return code;

    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    options.seed = seed;
    code = ffmk_items_set_options(balance->items, &options);
    for (const struct block *block = blocks_from(blocks, 0); block && !code;
         block = blocks_from(blocks, block->id + 1))
        code = add_block(balance->items, blocks->grid, block->id);

    /* Registering is local: agree on how it went before the next collective call. */
    MPI_Allreduce(MPI_IN_PLACE, &code, 1, MPI_INT, MPI_MIN, comm);
    return code ? code : find_neighbours(balance);
}

int balance_now(struct balance *balance, int steps)
{
    const struct blocks *blocks = balance->blocks;
    for (const struct block *block = blocks_from(blocks, 0); block;
         block = blocks_from(blocks, block->id + 1)) {
        const double weight =
            balance->measured ? block->seconds : physics_cost(blocks->grid, block, steps);
        ffmk_items_set_weight(balance->items, (uint64_t)block->id, weight);
    }
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    const int code = ffmk_rebalance(balance->items, &info);
    /* After FFMK_ERR_CALLBACK every block is in one place and sound; some just did not move. */
    if (code && code != FFMK_ERR_CALLBACK)
        return code;
    balance->times++;
    balance->sum_before += info.imbalance_before;
    balance->sum_after += info.imbalance_after;
    balance->blocks_moved += info.items_moved;
    balance->bytes_moved += info.bytes_moved;
    return FFMK_SUCCESS;
}

void balance_destroy(struct balance *balance)
{
    ffmk_items_destroy(balance->items);
    balance->items = NULL;
}
