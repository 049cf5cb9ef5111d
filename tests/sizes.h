/* SPDX-License-Identifier: BSD-3-Clause
 * Sizes of payloads, in bytes, for tests of what shares memory: mostly small, now and then around
 * the borders of slot, piece and ring, or large. */
#ifndef FFMK_TESTS_SIZES_H
#define FFMK_TESTS_SIZES_H

#include "core/rng.h"

#include <stddef.h>
#include <stdint.h>

static inline size_t draw_size(uint64_t *state)
{
    static const size_t borders[] = {224, 32 << 10, 64 << 10, 1 << 20, 2 << 20};
    switch (ffmk_rng_below(state, 16)) {
    case 0:
        return 0;
    case 1:
        return borders[ffmk_rng_below(state, 5)] - 1 + ffmk_rng_below(state, 3);
    case 2:
        return ffmk_rng_below(state, 100000);
    default:
        return ffmk_rng_below(state, 600);
    }
}

#endif
