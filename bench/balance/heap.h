/* SPDX-License-Identifier: BSD-3-Clause
 * Bytes of heap that are taken now, and were at most since heap_most was last set to what heap is;
 * of one thread. 0 with no_heap.c. */
#ifndef FFMK_BENCH_HEAP_H
#define FFMK_BENCH_HEAP_H

#include <stddef.h>

extern size_t heap, heap_most;

#endif
