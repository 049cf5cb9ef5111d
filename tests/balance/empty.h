/* SPDX-License-Identifier: BSD-3-Clause
 * Callbacks of items without data. */
#ifndef FFMK_TESTS_BALANCE_EMPTY_H
#define FFMK_TESTS_BALANCE_EMPTY_H

#include <stddef.h>
#include <stdint.h>

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    (void)context;
    (void)id;
    (void)buffer;
    (void)capacity;
    *written_p = 0;
    return 0;
}

static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    (void)context;
    (void)id;
    (void)buffer;
    (void)bytes;
    return 0;
}

static void drop(void *context, uint64_t id)
{
    (void)context;
    (void)id;
}

#endif
