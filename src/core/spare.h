/* SPDX-License-Identifier: BSD-3-Clause
 * Memory for what must not stop half-way. While ranks make a plan together, each waits for letters
 * of others: one that has no memory to go on would keep all waiting. So address space is kept back,
 * nobody's memory as long as nobody writes to it, and given back when malloc has no more. Whoever
 * works on that comes to the next point at which all hear of an error. Of the calling thread. */
#ifndef FFMK_CORE_SPARE_H
#define FFMK_CORE_SPARE_H

#include <stdbool.h>
#include <stddef.h>

/** From now on, until ffmk_spare_end(), something is kept back, if there is anything. */
void ffmk_spare_begin(void);
void ffmk_spare_end(void);

/** It was needed: the work should come to an end. */
bool ffmk_spare_is_gone(void);

/** As malloc() and its kin; free() frees it. */
void *ffmk_spare_malloc(size_t bytes);
void *ffmk_spare_calloc(size_t n, size_t bytes);
void *ffmk_spare_realloc(void *old, size_t bytes);

#endif
