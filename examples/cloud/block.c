/* SPDX-License-Identifier: BSD-3-Clause
 * The memory of blocks: allocation, faces, packing, hashing. */
#include "block.h"

#include <stdlib.h>
#include <string.h>

struct strides block_strides(const struct grid *grid)
{
    struct strides strides;
    strides.axis[0] = 1;
    strides.axis[1] = grid->block_cells[0] + 2;
    strides.axis[2] = strides.axis[1] * (grid->block_cells[1] + 2);
    strides.field = strides.axis[2] * (grid->block_cells[2] + 2);
    return strides;
}

bool blocks_create(struct blocks *blocks, const struct grid *grid)
{
    blocks->grid = grid;
    blocks->count = 0;
    blocks->by_id = calloc((size_t)grid->n_blocks, sizeof(blocks->by_id[0]));
    return blocks->by_id;
}

void blocks_destroy(struct blocks *blocks)
{
    for (int id = 0; blocks->by_id && id < blocks->grid->n_blocks; id++)
        free(blocks->by_id[id]);
    free(blocks->by_id);
}

struct block *blocks_add(struct blocks *blocks, int id)
{
    const struct strides strides = block_strides(blocks->grid);
    struct block *block =
        calloc(1, sizeof(*block) + sizeof(double) * FIELDS * (size_t)strides.field);
    if (!block)
        return NULL;
    block->id = id;
    blocks->by_id[id] = block;
    blocks->count++;
    return block;
}

void blocks_remove(struct blocks *blocks, int id)
{
    free(blocks->by_id[id]);
    blocks->by_id[id] = NULL;
    blocks->count--;
}

struct block *blocks_from(const struct blocks *blocks, int id)
{
    for (; id < blocks->grid->n_blocks; id++) {
        if (blocks->by_id[id])
            return blocks->by_id[id];
    }
    return NULL;
}

/* A box of cells in a block, and how to walk it: the one loop that faces, packing and hashing
 * share. */
struct box {
    int from[AXES];
    int to[AXES];
};

static struct box all_cells(const struct grid *grid)
{
    struct box box = {{0, 0, 0}, {0, 0, 0}};
    memcpy(box.to, grid->block_cells, sizeof(box.to));
    return box;
}

/** One layer of cells: the outermost ones on `side`, or the halo beyond them. */
static struct box layer(const struct grid *grid, int side, bool halo)
{
    struct box box = all_cells(grid);
    const int axis = side_axis(side);
    const int outermost = side % 2 ? grid->block_cells[axis] - 1 : 0;
    const int outwards = side % 2 ? 1 : -1;
    box.from[axis] = halo ? outermost + outwards : outermost;
    box.to[axis] = box.from[axis] + 1;
    return box;
}

/** Value by value: the rows of most boxes are too short for a call of memcpy to pay. */
static void copy_out(const struct grid *grid, const struct block *block, struct box box,
                     void *buffer)
{
    const struct strides strides = block_strides(grid);
    unsigned char *to = buffer;
    for (int field = 0; field < FIELDS; field++) {
        const double *values = &block->values[field * strides.field];
        for (int z = box.from[2]; z < box.to[2]; z++) {
            for (int y = box.from[1]; y < box.to[1]; y++) {
                const double *row = &values[cell_index(&strides, 0, y, z)];
                for (int x = box.from[0]; x < box.to[0]; x++, to += sizeof(double))
                    memcpy(to, &row[x], sizeof(double));
            }
        }
    }
}

static void copy_in(const struct grid *grid, struct block *block, struct box box,
                    const void *buffer)
{
    const struct strides strides = block_strides(grid);
    const unsigned char *from = buffer;
    for (int field = 0; field < FIELDS; field++) {
        double *values = &block->values[field * strides.field];
        for (int z = box.from[2]; z < box.to[2]; z++) {
            for (int y = box.from[1]; y < box.to[1]; y++) {
                double *row = &values[cell_index(&strides, 0, y, z)];
                for (int x = box.from[0]; x < box.to[0]; x++, from += sizeof(double))
                    memcpy(&row[x], from, sizeof(double));
            }
        }
    }
}

void block_get_face(const struct grid *grid, const struct block *block, int side, double *face)
{
    copy_out(grid, block, layer(grid, side, false), face);
}

void block_set_halo(const struct grid *grid, struct block *block, int side, const double *face)
{
    copy_in(grid, block, layer(grid, side, true), face);
}

void block_copy_face(const struct grid *grid, struct block *block, int side,
                     const struct block *source, int source_side)
{
    const struct strides strides = block_strides(grid);
    const struct box to = layer(grid, side, true);
    const struct box from = layer(grid, source_side, false);
    const int length = to.to[0] - to.from[0];
    for (int field = 0; field < FIELDS; field++) {
        const ptrdiff_t offset = field * strides.field;
        for (int z = 0; z < to.to[2] - to.from[2]; z++) {
            for (int y = 0; y < to.to[1] - to.from[1]; y++) {
                double *there = &block->values[offset + cell_index(&strides, to.from[0],
                                                                   to.from[1] + y, to.from[2] + z)];
                const double *here =
                    &source->values[offset + cell_index(&strides, from.from[0], from.from[1] + y,
                                                        from.from[2] + z)];
                for (int x = 0; x < length; x++)
                    there[x] = here[x];
            }
        }
    }
}

/* A packed block: its two counters, then its cells. The halo stays behind: it is exchanged before
 * it is read. */
struct packed_counters {
    uint64_t substeps;
    double seconds;
};

size_t block_packed_bytes(const struct grid *grid)
{
    return sizeof(struct packed_counters) +
           sizeof(double) * FIELDS * (size_t)grid_block_volume(grid);
}

void block_pack(const struct grid *grid, const struct block *block, void *buffer)
{
    const struct packed_counters counters = {block->substeps, block->seconds};
    memcpy(buffer, &counters, sizeof(counters));
    copy_out(grid, block, all_cells(grid), (unsigned char *)buffer + sizeof(counters));
}

void block_unpack(const struct grid *grid, struct block *block, const void *buffer)
{
    struct packed_counters counters;
    memcpy(&counters, buffer, sizeof(counters));
    block->substeps = counters.substeps;
    block->seconds = counters.seconds;
    copy_in(grid, block, all_cells(grid), (const unsigned char *)buffer + sizeof(counters));
}

/** SplitMix64's mixing step (Steele, Lea, Flood 2014): every bit of x decides every bit of the
 * result. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t block_hash(const struct grid *grid, const struct block *block)
{
    const struct strides strides = block_strides(grid);
    uint64_t hash = mix((uint64_t)block->id);
    for (int field = 0; field < FIELDS; field++) {
        for (int z = 0; z < grid->block_cells[2]; z++) {
            for (int y = 0; y < grid->block_cells[1]; y++) {
                for (int x = 0; x < grid->block_cells[0]; x++) {
                    uint64_t bits;
                    memcpy(&bits,
                           &block->values[field * strides.field + cell_index(&strides, x, y, z)],
                           sizeof(bits));
                    hash = mix(hash ^ bits);
                }
            }
        }
    }
    return hash;
}
