/* SPDX-License-Identifier: BSD-3-Clause
 * A record an item: id, weight, bytes, position, links with the ranks of their targets. */
#include "balance/manifest.h"

#include <stdlib.h>
#include <string.h>

enum { LINK_BYTES = 2 * sizeof(uint64_t) + sizeof(uint32_t) };

void ffmk_manifest_write(const struct ffmk_entry *entry, struct ffmk_wire_out *manifest)
{
    ffmk_wire_put_u64(manifest, entry->id);
    ffmk_wire_put_u8(manifest, (uint8_t)(1 + entry->n_more));
    ffmk_wire_put_f64(manifest, entry->weight);
    for (size_t d = 0; d < entry->n_more; d++)
        ffmk_wire_put_f64(manifest, entry->more[d]);
    ffmk_wire_put_u64(manifest, entry->bytes);
    ffmk_wire_put_u8(manifest, entry->placed);
    for (int axis = 0; axis < 3; axis++)
        ffmk_wire_put_f64(manifest, entry->position[axis]);
    ffmk_wire_put_u64(manifest, entry->n_links);
    ffmk_wire_put_u64(manifest, entry->n_back);
    for (size_t k = 0; k < ffmk_entry_links(entry); k++) {
        ffmk_wire_put_u64(manifest, entry->links[k].id);
        ffmk_wire_put_f64(manifest, entry->links[k].weight);
        ffmk_wire_put_u32(manifest, (uint32_t)entry->link_ranks[k]);
    }
}

ffmk_item ffmk_manifest_read(struct ffmk_wire_in *manifest, struct ffmk_manifest_numbers *numbers,
                             struct ffmk_wire_in *links)
{
    ffmk_item item = FFMK_ITEM_INIT;
    item.id = ffmk_wire_get_u64(manifest);
    item.n_weights = ffmk_wire_get_u8(manifest);
    for (size_t d = 0; d < item.n_weights && d < FFMK_WEIGHTS_MOST; d++)
        numbers->weights[d] = ffmk_wire_get_f64(manifest);
    item.weights = numbers->weights;
    item.bytes = (size_t)ffmk_wire_get_u64(manifest);
    if (ffmk_wire_get_u8(manifest))
        item.position = numbers->position;
    for (int axis = 0; axis < 3; axis++)
        numbers->position[axis] = ffmk_wire_get_f64(manifest);
    item.n_links = (size_t)ffmk_wire_get_u64(manifest);
    const size_t n_back = (size_t)ffmk_wire_get_u64(manifest);
    const size_t bytes = (item.n_links + n_back) * LINK_BYTES;
    *links = (struct ffmk_wire_in){.data = ffmk_wire_get_bytes(manifest, bytes), .length = bytes};
    return item;
}

int ffmk_manifest_enter(struct ffmk_table *table, ffmk_item item, struct ffmk_wire_in links,
                        int rank)
{
    const size_t n = links.length / LINK_BYTES;
    ffmk_link *copy = malloc((n + 1) * sizeof *copy);
    int *ranks = malloc((n + 1) * sizeof *ranks);
    int code = FFMK_ERR_NO_MEMORY;
    if (copy && ranks) {
        for (size_t k = 0; k < n; k++) {
            copy[k].id = ffmk_wire_get_u64(&links);
            copy[k].weight = ffmk_wire_get_f64(&links);
            ranks[k] = (int)ffmk_wire_get_u32(&links);
        }
        item.links = copy;
        code = ffmk_table_add(table, &item);
    }
    if (!code) {
        struct ffmk_entry *entry = ffmk_table_find(table, item.id);
        if (item.n_links > 0)
            memcpy(entry->link_ranks, ranks, item.n_links * sizeof *ranks);
        code =
            ffmk_table_set_back(entry, n - item.n_links, copy + item.n_links, ranks + item.n_links);
        ffmk_entry_look(entry, rank);
        if (code)
            ffmk_table_remove(table, item.id);
    }
    free(copy);
    free(ranks);
    return code;
}
