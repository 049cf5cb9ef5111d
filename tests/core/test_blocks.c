/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves of blocks: a large one that was given back is the next of its size, also of a
 * somewhat smaller one; small and huge ones are not kept, and no more than a bounded number of
 * bytes is. Run with a memory checker it proves that nothing is lost. */
#include "core/blocks.h"

#include "cases.h"
#include <stdint.h>
#include <string.h>

enum { PIECE = (256 << 10) + 17 };

START_TEST(a_large_block_is_used_again)
{
    struct ffmk_blocks blocks = {0};
    void *first = ffmk_blocks_take(&blocks, PIECE);
    void *second = ffmk_blocks_take(&blocks, PIECE);
    ck_assert_ptr_ne(first, second);
    ck_assert_uint_eq((uintptr_t)first % 16, 0);
    memset(first, 1, PIECE);
    ffmk_blocks_give(&blocks, first);
    ck_assert_ptr_eq(ffmk_blocks_take(&blocks, PIECE - 10), first);
    ffmk_blocks_give(&blocks, first);
    void *other = ffmk_blocks_take(&blocks, 2 * PIECE);
    ck_assert_ptr_ne(other, first);
    memset(other, 1, (size_t)2 * PIECE);
    ffmk_blocks_give(&blocks, other);
    ffmk_blocks_give(&blocks, second);
    ffmk_blocks_give(&blocks, NULL);
    ffmk_blocks_free(&blocks);
    ck_assert_uint_eq(blocks.kept_bytes, 0);
}
END_TEST

START_TEST(few_are_kept)
{
    enum { MANY = 100 };
    struct ffmk_blocks blocks = {0};
    void *many[MANY];
    const size_t bytes[] = {0, 1, 1000, 20000, PIECE, 8 << 20};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        const size_t before = blocks.kept_bytes;
        void *block = ffmk_blocks_take(&blocks, bytes[i]);
        memset(block, 1, bytes[i]);
        ffmk_blocks_give(&blocks, block);
        ck_assert_int_eq(blocks.kept_bytes > before, bytes[i] == PIECE);
    }
    for (int i = 0; i < MANY; i++)
        many[i] = ffmk_blocks_take(&blocks, PIECE);
    ck_assert_uint_eq(blocks.kept_bytes, 0);
    for (int i = 0; i < MANY; i++)
        ffmk_blocks_give(&blocks, many[i]);
    ck_assert_uint_gt(blocks.kept_bytes, FFMK_BLOCKS_KEPT_BYTES / 2);
    ck_assert_uint_le(blocks.kept_bytes, FFMK_BLOCKS_KEPT_BYTES);
    ffmk_blocks_free(&blocks);
}
END_TEST

CASES("blocks", a_large_block_is_used_again, few_are_kept)
