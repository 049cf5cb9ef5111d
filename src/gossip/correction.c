/* SPDX-License-Identifier: BSD-3-Clause
 * One side of one node in the correction phase. */
#include "gossip/correction.h"

bool ffmk_correction_hear(struct ffmk_correction *side, uint32_t *nearest, uint32_t needed,
                          uint32_t distance)
{
    uint32_t at = 0;
    while (at < side->heard && nearest[at] < distance)
        at++;
    if (at == needed || (at < side->heard && nearest[at] == distance))
        return false;
    if (side->heard < needed)
        side->heard++;
    for (uint32_t i = side->heard - 1; i > at; i--)
        nearest[i] = nearest[i - 1];
    nearest[at] = distance;
    return true;
}
