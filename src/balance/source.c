/* SPDX-License-Identifier: BSD-3-Clause
 * Entries of a table as items of a graph. */
#include "balance/source.h"

#include "core/spare.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>

static struct ffmk_graph_record describe(const struct ffmk_source *source,
                                         const struct ffmk_entry *entry, double *weights)
{
    const struct ffmk_source_units *units = source->units;
    const int rank = source->rank;
    struct ffmk_graph_record record = {.id = entry->id,
                                       .home = rank,
                                       .origin = rank,
                                       .best = rank,
                                       .n_links = (uint32_t)entry->n_linked,
                                       .placed = entry->placed,
                                       .pinned = entry->pinned};
    for (int axis = 0; axis < 3; axis++) {
        record.position[axis] = (float)entry->position[axis];
        record.placed = record.placed && isfinite(record.position[axis]); /* float is the smaller */
    }
    for (unsigned d = 0; d < units->n_weights; d++)
        weights[d] = ffmk_entry_weight(entry, d) / units->weights[d];
    weights[units->n_weights] = (double)entry->bytes / units->bytes; /* used when limited */
    return record;
}

static bool rouse(const struct ffmk_source *source, struct ffmk_graph *graph,
                  const struct ffmk_entry *entry)
{
    double weights[FFMK_GRAPH_WEIGHTS];
    struct ffmk_graph_record record = describe(source, entry, weights);
    record.n_links = (uint32_t)(ffmk_entry_links(entry));
    if (!ffmk_graph_reserve(graph, 1, record.n_links, record.n_links))
        return false;
    for (size_t k = 0; k < record.n_links; k++)
        source->links[k] = (struct ffmk_graph_target){
            entry->links[k].id, (float)(entry->links[k].weight / source->units->link),
            entry->link_ranks[k]};
    ffmk_graph_rouse(graph, &record, weights, source->links);
    return true;
}

static bool wake(void *context, struct ffmk_graph *graph, const uint64_t *id)
{
    const struct ffmk_source *source = context;
    if (id)
        return rouse(source, graph, ffmk_table_find(source->table, *id));
    for (size_t i = 0; i < source->table->n; i++) {
        const struct ffmk_entry *entry = &source->table->entries[source->order[i]];
        const uint32_t vertex = ffmk_graph_find(graph, entry->id);
        if (vertex != FFMK_GRAPH_NONE && graph->vertices[vertex].held != FFMK_GRAPH_ASLEEP)
            continue;
        if (!rouse(source, graph, entry))
            return false;
    }
    return true;
}

int ffmk_source_fill(struct ffmk_source *source, struct ffmk_graph *graph)
{
    const struct ffmk_table *table = source->table;
    double weights[FFMK_GRAPH_WEIGHTS];
    size_t most = 0, n_outer = 0, n_links = 0;
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[source->order[i]];
        const size_t n = ffmk_entry_links(entry);
        const struct ffmk_graph_record record = describe(source, entry, weights);
        ffmk_graph_doze(graph, &record, weights, entry->link_sum / source->units->link);
        most = n > most ? n : most;
        if (entry->outer) {
            n_outer++;
            n_links += n;
        } else {
            ffmk_graph_sleep(graph, weights);
        }
    }
    source->links = ffmk_spare_malloc((most + 1) * sizeof *source->links);
    if (!source->links || most > INT32_MAX || table->n > INT32_MAX ||
        !ffmk_graph_reserve(graph, n_outer, n_links, n_outer))
        return FFMK_ERR_NO_MEMORY;
    graph->source = source;
    graph->wake = wake;
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[source->order[i]];
        if (entry->outer && !rouse(source, graph, entry))
            return FFMK_ERR_NO_MEMORY;
    }
    return ffmk_graph_ready(graph) ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
}

void ffmk_source_free(struct ffmk_source *source)
{
    free(source->links);
}
