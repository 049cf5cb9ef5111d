/* SPDX-License-Identifier: BSD-3-Clause
 * Counts between whoever is linked with this and malloc (the linker's --wrap of malloc, calloc,
 * realloc, free). */
#include "heap.h"

#include <malloc.h>

size_t heap, heap_most;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void __real_free(void *old);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void __wrap_free(void *old);

static void *counted(void *block)
{
    heap += malloc_usable_size(block);
    heap_most = heap > heap_most ? heap : heap_most;
    return block;
}

void *__wrap_malloc(size_t bytes)
{
    return counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    return counted(__real_calloc(n, bytes));
}

void *__wrap_realloc(void *old, size_t bytes)
{
    const size_t before = malloc_usable_size(old);
    void *block = __real_realloc(old, bytes);
    if (block || bytes == 0)
        heap -= before;
    return counted(block);
}

void __wrap_free(void *old)
{
    heap -= malloc_usable_size(old);
    __real_free(old);
}
