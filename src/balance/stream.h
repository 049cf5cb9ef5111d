/* SPDX-License-Identifier: BSD-3-Clause
 * The items' data on their way between two ranks: packed, offered, sent, unpacked, acknowledged,
 * dropped. All streams of a rank run side by side; sources and numbers of items are known
 * beforehand. An item leaves its old rank's registry when its new rank has it, and only then.
 *
 *   sender                      receiver
 *   pack a batch ── offer ────▶            items, bytes
 *                ◀─── verdict ─            have room | have none: the batch stays
 *                ── body ─────▶ unpack     sizes of the items (or: pack failed), 16-byte aligned
 * payloads drop         ◀─── verdicts ─           a byte an item: taken or not
 */
#ifndef FFMK_BALANCE_STREAM_H
#define FFMK_BALANCE_STREAM_H

#include "balance/exchange.h"
#include "balance/items.h"

/** What all streams of a rank share. */
struct ffmk_mover {
    const struct ffmk_team *team;
    struct ffmk_table *table;
    const ffmk_item_ops *ops;
    void *context;
    uint64_t items_sent;
    uint64_t items_received;
    uint64_t items_kept; /* meant to leave here, stayed */
    double weight_sent;  /* in units of weight_unit */
    double weight_unit;
    uint64_t bytes_sent;
    int failure; /* FFMK_ERR_CALLBACK or FFMK_ERR_NO_MEMORY when an item had to stay, here or where
                    it came from */
};

struct ffmk_stream;

/** A stream of the items with these ids to `rank`; ids is taken over, and freed with the stream,
 * also on failure. NULL when memory ran out. */
struct ffmk_stream *ffmk_stream_out(int rank, uint64_t *ids, size_t n);

/** A stream from `rank` of the items that `manifest` describes; its data must outlive the stream.
 * NULL when memory ran out. */
struct ffmk_stream *ffmk_stream_in(int rank, struct ffmk_wire_in manifest);

/** Run all streams to their ends. \return FFMK_ERR_MPI, or FFMK_SUCCESS also when items had to
 * stay. */
int ffmk_streams_run(struct ffmk_mover *mover, struct ffmk_stream **streams, size_t n);

void ffmk_stream_free(struct ffmk_stream *stream);

#endif
