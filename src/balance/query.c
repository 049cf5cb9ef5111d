/* SPDX-License-Identifier: BSD-3-Clause
 * A plan for an application that answers questions about its objects: a registry for the time of
 * the call. */
#include "balance/registry.h"
#include "balance/rules.h"
#include "core/log.h"

#include <ffmk.h>
#include <stdlib.h>

static int refuse(const char *what)
{
    ffmk_log_mistake("ffmk_balance_query: %s", what);
    return FFMK_ERR_ARGUMENT;
}

static int failed(const char *which)
{
    ffmk_log_mistake("ffmk_balance_query: the callback %s failed", which);
    return FFMK_ERR_CALLBACK;
}

static int check(const ffmk_query *query, const ffmk_exports *exports,
                 const ffmk_balance_info *info)
{
    if (!query || query->size != sizeof *query)
        return refuse("query is NULL or its size is not that of FFMK_QUERY_INIT");
    if (!query->count || !query->list)
        return refuse("query needs the callbacks count and list");
    if (!query->link_count != !query->links)
        return refuse("query needs both of link_count and links, or neither");
    if (query->n_weights > FFMK_WEIGHTS_MOST)
        return refuse("query has more weights an object than FFMK_WEIGHTS_MOST");
    if (!exports || exports->size != sizeof *exports)
        return refuse("exports is NULL or its size is not that of FFMK_EXPORTS_INIT");
    if (info && info->size != sizeof *info)
        return refuse("info has not the size of FFMK_BALANCE_INFO_INIT");
    return FFMK_SUCCESS;
}

static int no_memory(const char *what, size_t n)
{
    ffmk_log_mistake("ffmk_balance_query: no memory for %zu %s", n, what);
    return FFMK_ERR_NO_MEMORY;
}

/* Register one object. `links` is grown as needed. */
static int add(ffmk_items *items, const ffmk_query *query, uint64_t id, const double *weights,
               ffmk_link **links_p, size_t *room_p)
{
    ffmk_item item = FFMK_ITEM_INIT;
    double position[3];
    item.id = id;
    item.n_weights = query->n_weights;
    item.weights = query->n_weights > 0 ? weights : NULL;
    if (query->position) {
        if (query->position(query->context, id, position) != 0)
            return failed("position");
        item.position = position;
    }
    if (query->link_count && query->link_count(query->context, id, &item.n_links) != 0)
        return failed("link_count");
    if (item.n_links > *room_p) {
        ffmk_link *more = item.n_links > SIZE_MAX / sizeof *more
                              ? NULL
                              : realloc(*links_p, item.n_links * sizeof *more);
        if (!more)
            return no_memory("links of an object", item.n_links);
        *links_p = more;
        *room_p = item.n_links;
    }
    if (item.n_links > 0 && query->links(query->context, id, item.n_links, *links_p) != 0)
        return failed("links");
    for (size_t k = 0; k < item.n_links; k++)
        (*links_p)[k].weight /= 2; /* its other end lists it, too */
    item.links = *links_p;
    return ffmk_items_add(items, &item);
}

static int fill(ffmk_items *items, const ffmk_query *query)
{
    size_t n = 0, room = 0;
    if (query->count(query->context, &n) != 0)
        return failed("count");
    if (n > SIZE_MAX / sizeof(double) / (FFMK_WEIGHTS_MOST + 1))
        return no_memory("objects", n);
    uint64_t *ids = malloc((n + 1) * sizeof *ids);
    double *weights = malloc((n * query->n_weights + 1) * sizeof *weights);
    ffmk_link *links = NULL;
    int code = ids && weights ? FFMK_SUCCESS : no_memory("objects", n);
    if (!code && query->list(query->context, n, ids, weights) != 0)
        code = failed("list");
    for (size_t i = 0; i < n && !code; i++)
        code = add(items, query, ids[i], weights + i * query->n_weights, &links, &room);
    free(ids);
    free(weights);
    free(links);
    return code;
}

/* What goes elsewhere, of the n objects here. */
static int set_exports(ffmk_items *items, size_t n, const int *destinations, int rank,
                       ffmk_exports *exports)
{
    exports->ids = malloc((n + 1) * sizeof *exports->ids);
    exports->ranks = malloc((n + 1) * sizeof *exports->ranks);
    if (!exports->ids || !exports->ranks) {
        ffmk_exports_free(exports);
        return FFMK_ERR_NO_MEMORY;
    }
    ffmk_items_ids(items, exports->ids, n);
    for (size_t i = 0; i < n; i++)
        if (destinations[i] != rank) {
            exports->ids[exports->n] = exports->ids[i];
            exports->ranks[exports->n++] = destinations[i];
        }
    return FFMK_SUCCESS;
}

/* Plan for what was registered. */
static int plan(ffmk_items *items, int code, ffmk_exports *exports, ffmk_balance_info *info)
{
    size_t n = 0;
    ffmk_items_count(items, &n);
    int *destinations = malloc((n + 1) * sizeof *destinations);
    if (!code && !destinations)
        code = FFMK_ERR_NO_MEMORY;
    code = ffmk_team_agree(&items->team, code);
    if (!code)
        code = ffmk_balance_plan(items, destinations, info);
    if (!code) {
        *exports = (ffmk_exports)FFMK_EXPORTS_INIT;
        code = set_exports(items, n, destinations, items->team.rank, exports);
        code = ffmk_team_agree(&items->team, code);
        if (code)
            ffmk_exports_free(exports);
    }
    free(destinations);
    return code;
}

int ffmk_balance_query(MPI_Comm comm, const ffmk_query *query, const ffmk_balance_options *options,
                       ffmk_exports *exports, ffmk_balance_info *info)
{
    if (!ffmk_team_mpi_runs() || !ffmk_registry_takes(comm))
        return refuse("MPI is not running, or the communicator is MPI_COMM_NULL or an "
                      "intercommunicator");
    ffmk_items *items = NULL;
    int code = check(query, exports, info);
    if (!code && options)
        code = ffmk_options_check(options, "ffmk_balance_query");
    code = ffmk_registry_create(comm, FFMK_ENTRANCE_QUERY, code, &items);
    if (code)
        return code;
    if (options)
        items->options = *options;
    code = plan(items, fill(items, query), exports, info);
    const int freed = ffmk_registry_free(items);
    return code ? code : freed;
}

int ffmk_exports_free(ffmk_exports *exports)
{
    if (!exports)
        return FFMK_SUCCESS;
    free(exports->ids);
    free(exports->ranks);
    *exports = (ffmk_exports)FFMK_EXPORTS_INIT;
    return FFMK_SUCCESS;
}
