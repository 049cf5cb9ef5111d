/* SPDX-License-Identifier: BSD-3-Clause
 * One side of one node in the correction phase: which distance to send to next, and when it may
 * stop. Distances are counted on the ring, away from the node, beginning at 1. Pure: no messages,
 * no clock, no memory of its own. docs/gossip.md proves what the rules promise. */
#ifndef FFMK_GOSSIP_CORRECTION_H
#define FFMK_GOSSIP_CORRECTION_H

#include <stdbool.h>
#include <stdint.h>

struct ffmk_correction {
    uint32_t sent;  /* this node sent to the distances 1 … sent */
    uint32_t heard; /* how many participants, `needed` at most */
};

/** Another participant at this distance was heard from. `nearest` holds the `needed` least
 * distances heard so far, in order. \return whether it was new. */
bool ffmk_correction_hear(struct ffmk_correction *side, uint32_t *nearest, uint32_t needed,
                          uint32_t distance);

/** May this side stop: were `needed` participants heard, and was every node up to the last of them
 * sent to? */
static inline bool ffmk_correction_finished(const struct ffmk_correction *side,
                                            const uint32_t *nearest, uint32_t needed)
{
    return side->heard == needed && side->sent >= nearest[needed - 1];
}

#endif
