/* SPDX-License-Identifier: BSD-3-Clause
 * For a program in which nobody counts. */
#include "heap.h"

size_t heap, heap_most;
