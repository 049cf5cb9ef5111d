/* SPDX-License-Identifier: BSD-3-Clause
 * A block's state and the list of the blocks that this rank owns. Knows how to make, copy, pack and
 * hash a block, nothing of physics or MPI. */
#ifndef CLOUD_BLOCK_H
#define CLOUD_BLOCK_H

#include "grid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Droplets are counted in bins by mass, each bin's drops twice as heavy as those of the one
 * before. */
enum { BINS = 20 };

/** What a cell carries. BIN + k is the number of drops in bin k per kilogram of air. */
enum field { THETA, VAPOUR, BIN, FIELDS = BIN + BINS };

/**
 *   values   [field][z + 2][y + 2][x + 2]   x fastest; one layer of halo around the cells
 */
struct block {
    int id;
    uint64_t substeps; /**< Microphysics substeps since the last balancing: what the cloud costs,
                          counted. */
    double seconds;    /**< Time spent on this block since then: the same, measured. */
    double values[];
};

/** The blocks of this rank. */
struct blocks {
    const struct grid *grid;
    struct block **by_id; /**< [grid->n_blocks]; NULL where another rank owns the block. */
    int count;
};

/** \return false when memory is short. */
bool blocks_create(struct blocks *blocks, const struct grid *grid);
void blocks_destroy(struct blocks *blocks);

/** A new block, its cells zero. \return NULL when memory is short. */
struct block *blocks_add(struct blocks *blocks, int id);
void blocks_remove(struct blocks *blocks, int id);

/** The first block of this rank with an id of at least `id`, or NULL:
 * for (struct block *b = blocks_from(blocks, 0); b; b = blocks_from(blocks, b->id + 1)) */
struct block *blocks_from(const struct blocks *blocks, int id);

/** Steps between neighbouring cells of one field in `values`, and between fields. */
struct strides {
    ptrdiff_t axis[AXES];
    ptrdiff_t field;
};
struct strides block_strides(const struct grid *grid);

/** Index of cell (x, y, z) in a field; −1 and block_cells[axis] are the halo. */
static inline ptrdiff_t cell_index(const struct strides *strides, int x, int y, int z)
{
    return (x + 1) * strides->axis[0] + (y + 1) * strides->axis[1] + (z + 1) * strides->axis[2];
}

/** Bytes of a packed block: all its cells without halo, and its counters. */
size_t block_packed_bytes(const struct grid *grid);
void block_pack(const struct grid *grid, const struct block *block, void *buffer);
void block_unpack(const struct grid *grid, struct block *block, const void *buffer);

/** Hash of the block's number and cells. The sum of all blocks' hashes does not depend on who owns
 * which. */
uint64_t block_hash(const struct grid *grid, const struct block *block);

/** Copy the outermost cells on `side` into `face` (FIELDS × grid_face_area() values) … */
void block_get_face(const struct grid *grid, const struct block *block, int side, double *face);
/** … and a neighbour's face into the halo on `side`. */
void block_set_halo(const struct grid *grid, struct block *block, int side, const double *face);

/** Both at once, from the face of `source` on `source_side`; the two may be one block. */
void block_copy_face(const struct grid *grid, struct block *block, int side,
                     const struct block *source, int source_side);

#endif
