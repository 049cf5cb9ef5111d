/* SPDX-License-Identifier: BSD-3-Clause
 * Items in letters. */
#include "balance/offer.h"

#include <string.h>

size_t ffmk_offer_item_bytes(const struct ffmk_graph *graph, uint32_t place)
{
    return sizeof(struct ffmk_graph_record) + graph->n_weights * sizeof(double) +
           graph->items[place].n_links * sizeof(struct ffmk_graph_target);
}

uint8_t *ffmk_offer_write_item(const struct ffmk_graph *graph, const struct ffmk_border *border,
                               uint32_t place, uint8_t *room)
{
    const struct ffmk_graph_item *item = &graph->items[place];
    struct ffmk_graph_record record = {.id = ffmk_graph_id(graph, place),
                                       .home = item->home,
                                       .origin = item->origin,
                                       .best = item->best,
                                       .n_links = item->n_links,
                                       .placed = item->placed,
                                       .pinned = item->pinned};
    memcpy(record.position, item->position, sizeof record.position);
    const size_t weight_bytes = graph->n_weights * sizeof(double);
    memcpy(room, &record, sizeof record);
    memcpy(room + sizeof record, ffmk_graph_weights(graph, place), weight_bytes);
    struct ffmk_graph_target *target = (void *)(room + sizeof record + weight_bytes);
    for (uint32_t k = item->first; k < item->first + item->n_links; k++) {
        const struct ffmk_vertex *other = &graph->vertices[graph->links[k].vertex];
        int32_t part = other->part;
        if (border && ffmk_vertex_is_awake(other) && border->mark[other->held] != 0)
            part = -2 - (int32_t)(border->mark[other->held] - 1);
        *target++ = (struct ffmk_graph_target){other->id, graph->links[k].weight, part};
    }
    return (void *)target;
}

bool ffmk_offer_read_item(unsigned n_weights, struct ffmk_wire_in *in, struct ffmk_offer_item *item)
{
    item->record = ffmk_wire_get_bytes(in, sizeof *item->record);
    item->weights = ffmk_wire_get_bytes(in, n_weights * sizeof *item->weights);
    item->links =
        item->record ? ffmk_wire_get_bytes(in, item->record->n_links * sizeof *item->links) : NULL;
    return !in->failed;
}
