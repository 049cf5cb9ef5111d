/* SPDX-License-Identifier: BSD-3-Clause
 * Memory for payloads that are used again. malloc() gives large ones back to the kernel and gets
 * them anew, and each page of 4 KiB costs a fault: of a broadcast of 1 MiB more than a third of the
 * processor's time. Of blocks of 32 KiB … 1 MiB some are kept here; others come and go as ever.
 * Nothing of it is locked. */
#ifndef FFMK_CORE_BLOCKS_H
#define FFMK_CORE_BLOCKS_H

#include <stddef.h>

/** At most: what a root may be ahead of the slowest (gossip/cast.h), and some. */
enum { FFMK_BLOCKS_KEPT_BYTES = 9 << 20 };

struct ffmk_block;

/** Zeroed it is empty. */
struct ffmk_blocks {
    struct ffmk_block *first;
    size_t kept_bytes;
};

/** At least so many bytes, of whatever they were. \return NULL: no memory. */
void *ffmk_blocks_take(struct ffmk_blocks *blocks, size_t bytes);
/** Those that were taken, here or from others; or NULL. */
void ffmk_blocks_give(struct ffmk_blocks *blocks, void *bytes);
/** Free those that are kept. */
void ffmk_blocks_free(struct ffmk_blocks *blocks);

#endif
