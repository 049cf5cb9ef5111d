/* SPDX-License-Identifier: BSD-3-Clause
 * What a rank tells another of the items that are coming: all that the registry knows of them, not
 * their data. Local. */
#ifndef FFMK_BALANCE_MANIFEST_H
#define FFMK_BALANCE_MANIFEST_H

#include "balance/items.h"
#include "core/wire.h"

/** Append an item's description. */
void ffmk_manifest_write(const struct ffmk_entry *entry, struct ffmk_wire_out *manifest);

/** What an item that was read points to. */
struct ffmk_manifest_numbers {
    double position[3];
    double weights[FFMK_WEIGHTS_MOST];
};

/** Read the next description. `numbers` takes coordinates and weights, and `links` is set to the
 * links, its own and those of others to it, still encoded. */
ffmk_item ffmk_manifest_read(struct ffmk_wire_in *manifest, struct ffmk_manifest_numbers *numbers,
                             struct ffmk_wire_in *links);

/** Register an item as it was read; this is rank `rank`.
 * \return FFMK_ERR_NO_MEMORY; the table is as before then. */
int ffmk_manifest_enter(struct ffmk_table *table, ffmk_item item, struct ffmk_wire_in links,
                        int rank);

#endif
