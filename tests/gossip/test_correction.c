/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: a side knows the least `needed` distinct distances it heard from, whatever their
 * order, and stops when, and only when, it has sent to the last of them. */
#include "core/rng.h"
#include "gossip/correction.h"

#include "cases.h"

enum { MOST = 40 };

START_TEST(the_nearest_are_kept_in_order)
{
    uint64_t state = 11;
    for (int run = 0; run < 5000; run++) {
        uint32_t needed = 1 + (uint32_t)ffmk_rng_below(&state, 6);
        struct ffmk_correction side = {.sent = (uint32_t)ffmk_rng_below(&state, MOST)};
        uint32_t nearest[6];
        bool heard[MOST + 1] = {false};
        for (uint64_t i = ffmk_rng_below(&state, 20); i > 0; i--) {
            uint32_t distance = 1 + (uint32_t)ffmk_rng_below(&state, MOST);
            ffmk_correction_hear(&side, nearest, needed, distance);
            heard[distance] = true;
            uint32_t count = 0;
            for (uint32_t d = 1; d <= MOST && count < needed; d++)
                if (heard[d])
                    ck_assert_uint_eq(nearest[count++], d);
            ck_assert_uint_eq(side.heard, count);
            bool finished = count == needed && nearest[needed - 1] <= side.sent;
            ck_assert(ffmk_correction_finished(&side, nearest, needed) == finished);
        }
    }
}
END_TEST

CASES("correction", the_nearest_are_kept_in_order)
