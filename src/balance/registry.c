/* SPDX-License-Identifier: BSD-3-Clause
 * The local calls on a registry: checks what the caller gave. */
#include "balance/registry.h"

#include "balance/rules.h"
#include "balance/useful.h"
#include "core/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Say what is wrong with a call. \return code. */
int ffmk_registry_refuse(int code, const char *call, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ffmk_log_mistake("%s: %s", call, text);
    return code;
}

/* A local call can begin: there is a registry, and it is not at work. */
static int enter(const ffmk_items *items, const char *call)
{
    if (!items)
        return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, call, "items is NULL");
    if (items->busy)
        return ffmk_registry_refuse(FFMK_ERR_STATE, call,
                                    "called from a callback of the registry it is about");
    return FFMK_SUCCESS;
}

static int refuse_without_mpi(const char *call)
{
    return ffmk_registry_refuse(FFMK_ERR_STATE, call,
                                "it belongs between MPI_Init and MPI_Finalize");
}

/* A collective call can begin. */
int ffmk_registry_enter(const ffmk_items *items, const char *call)
{
    const int code = enter(items, call);
    return code || ffmk_team_mpi_runs() ? code : refuse_without_mpi(call);
}

static bool are_valid_ops(const ffmk_item_ops *ops)
{
    return !ops || (ops->size == sizeof *ops && ops->pack && ops->unpack && ops->drop);
}

/* A registry over its own duplicate of the communicator. */
static int make(MPI_Comm comm, struct ffmk_entrance *entrance, ffmk_items *items)
{
    const int code = ffmk_team_checked(PMPI_Comm_dup(comm, &items->team.comm));
    if (code)
        return code;
    PMPI_Comm_rank(items->team.comm, &items->team.rank);
    PMPI_Comm_size(items->team.comm, &items->team.size);
    items->team.entrance = entrance->shared ? entrance->comm : items->team.comm;
    items->team.number = ++entrance->registries;
    items->entrance = entrance;
    ffmk_entrance_hold(entrance);
    items->options = (ffmk_balance_options)FFMK_BALANCE_OPTIONS_INIT;
    items->useful_s = ffmk_useful_s();
    items->able = (struct ffmk_plan_rank){.capacity = 1, .memory_limit = SIZE_MAX};
    return FFMK_SUCCESS;
}

int ffmk_registry_create(MPI_Comm comm, enum ffmk_entrance_call call, int code,
                         ffmk_items **items_p)
{
    struct ffmk_entrance *entrance = NULL;
    const int failed = ffmk_entrance_of(comm, &entrance);
    if (failed)
        return failed;
    ffmk_items *items = calloc(1, sizeof *items);
    if (!code && (!items || !(items->team.piece = malloc(FFMK_PIECE_BYTES))))
        code = FFMK_ERR_NO_MEMORY;
    /* Before the duplication, which no rank may miss. */
    const struct ffmk_team all = {.entrance = entrance->comm, .rank = entrance->rank};
    uint64_t nothing[FFMK_ENTRANCE_VALUES] = {0};
    code = ffmk_entrance_enter(&all, call, code, nothing);
    if (!code && items) /* else somebody's code said so */
        code = make(comm, entrance, items);
    if (!code) {
        *items_p = items;
        return FFMK_SUCCESS;
    }
    if (items)
        free(items->team.piece);
    free(items);
    return code;
}

bool ffmk_registry_takes(MPI_Comm comm)
{
    /* A handle of nothing is for MPI to refuse: it has no question that only asks. */
    int inter = 0;
    return comm != MPI_COMM_NULL && PMPI_Comm_test_inter(comm, &inter) == MPI_SUCCESS && !inter;
}

int ffmk_items_create(MPI_Comm comm, const ffmk_item_ops *ops, void *context, ffmk_items **items_p)
{
    if (!ffmk_team_mpi_runs())
        return refuse_without_mpi(__func__);
    if (!ffmk_registry_takes(comm))
        return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__,
                                    "the communicator is MPI_COMM_NULL or an intercommunicator");
    ffmk_items *items = NULL;
    int code = FFMK_SUCCESS;
    if (!items_p)
        code = ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__, "items_p is NULL");
    else if (!are_valid_ops(ops))
        code = ffmk_registry_refuse(
            FFMK_ERR_ARGUMENT, __func__,
            "ops needs the size of FFMK_ITEM_OPS_INIT and all of pack, unpack and drop");
    code = ffmk_registry_create(comm, FFMK_ENTRANCE_CREATE, code, &items);
    if (code)
        return code;
    items->movable = ops != NULL;
    if (ops)
        items->ops = *ops;
    items->context = context;
    *items_p = items; /* NOLINT: a NULL was refused above, which agreement kept */
    return FFMK_SUCCESS;
}

int ffmk_registry_free(ffmk_items *items)
{
    /* After MPI_Finalize the communicator cannot be freed, but the memory can. */
    const bool mpi_runs = ffmk_team_mpi_runs();
    const int code = mpi_runs ? ffmk_team_checked(PMPI_Comm_free(&items->team.comm))
                              : refuse_without_mpi("ffmk_items_destroy");
    ffmk_entrance_leave(items->entrance);
    ffmk_table_free(&items->table);
    free(items->team.piece);
    free(items);
    return code;
}

int ffmk_items_destroy(ffmk_items *items)
{
    if (!items)
        return FFMK_SUCCESS;
    uint64_t nothing[FFMK_ENTRANCE_VALUES] = {0};
    int code = enter(items, __func__);
    if (!code && ffmk_team_mpi_runs())
        code = ffmk_entrance_enter(&items->team, FFMK_ENTRANCE_DESTROY, code, nothing);
    return code ? code : ffmk_registry_free(items);
}

int ffmk_items_add(ffmk_items *items, const ffmk_item *item)
{
    int code = enter(items, __func__);
    if (!code)
        code = ffmk_table_add(&items->table, item);
    if (!code)
        items->links_known = false;
    return code;
}

static int refuse_unknown(const char *call, uint64_t id)
{
    return ffmk_registry_refuse(FFMK_ERR_UNKNOWN_ITEM, call,
                                "item %" PRIu64 " is not registered on this rank", id);
}

int ffmk_items_remove(ffmk_items *items, uint64_t id)
{
    int code = enter(items, __func__);
    if (!code && ffmk_table_remove(&items->table, id) != FFMK_SUCCESS)
        code = refuse_unknown(__func__, id);
    if (!code)
        items->links_known = false;
    return code;
}

/* The entry that a local call is about. */
static int find(const ffmk_items *items, uint64_t id, const char *call, struct ffmk_entry **entry_p)
{
    const int code = enter(items, call);
    if (code)
        return code;
    *entry_p = ffmk_table_find(&items->table, id);
    return *entry_p ? FFMK_SUCCESS : refuse_unknown(call, id);
}

int ffmk_items_set_weight(ffmk_items *items, uint64_t id, double weight)
{
    struct ffmk_entry *entry;
    const int code = find(items, id, __func__, &entry);
    return code ? code : ffmk_table_set_weights(entry, __func__, 1, &weight);
}

int ffmk_items_set_weights(ffmk_items *items, uint64_t id, size_t n, const double *weights)
{
    struct ffmk_entry *entry;
    if (!weights && n > 0)
        return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__, "weights is NULL for %zu weights",
                                    n);
    const int code = find(items, id, __func__, &entry);
    return code ? code : ffmk_table_set_weights(entry, __func__, n, weights);
}

int ffmk_items_set_pinned(ffmk_items *items, uint64_t id, int pinned)
{
    struct ffmk_entry *entry;
    const int code = find(items, id, __func__, &entry);
    if (!code)
        entry->pinned = pinned != 0;
    return code;
}

int ffmk_items_set_capacity(ffmk_items *items, double capacity)
{
    const int code = enter(items, __func__);
    if (!code && !(isfinite(capacity) && capacity > 0))
        return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__,
                                    "capacity %g must be finite and above 0", capacity);
    if (!code)
        items->able.capacity = capacity;
    return code;
}

int ffmk_items_set_memory_limit(ffmk_items *items, size_t bytes)
{
    const int code = enter(items, __func__);
    if (!code)
        items->able.memory_limit = bytes;
    return code;
}

int ffmk_items_set_bytes(ffmk_items *items, uint64_t id, size_t bytes)
{
    struct ffmk_entry *entry;
    const int code = find(items, id, __func__, &entry);
    if (!code)
        entry->bytes = bytes;
    return code;
}

int ffmk_items_count(const ffmk_items *items, size_t *count_p)
{
    if (!items || !count_p)
        return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__, "%s is NULL",
                                    items ? "count_p" : "items");
    *count_p = items->table.n;
    return FFMK_SUCCESS;
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

int ffmk_items_ids(const ffmk_items *items, uint64_t *ids, size_t capacity)
{
    if (!items || (!ids && items->table.n > 0))
        return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__, "%s is NULL",
                                    items ? "ids" : "items");
    if (capacity < items->table.n)
        return ffmk_registry_refuse(FFMK_ERR_LIMIT, __func__, "room for %zu ids, of %zu items",
                                    capacity, items->table.n);
    for (size_t i = 0; i < items->table.n; i++)
        ids[i] = items->table.entries[i].id;
    if (items->table.n > 1)
        qsort(ids, items->table.n, sizeof *ids, compare_ids);
    return FFMK_SUCCESS;
}

int ffmk_items_link_ranks(const ffmk_items *items, uint64_t id, int *ranks, size_t capacity)
{
    struct ffmk_entry *entry;
    const int code = find(items, id, __func__, &entry);
    if (code)
        return code;
    if (!items->links_known)
        return ffmk_registry_refuse(FFMK_ERR_STATE, __func__,
                                    "known after a plan, until items are added or removed");
    if (capacity < entry->n_links)
        return ffmk_registry_refuse(FFMK_ERR_LIMIT, __func__, "room for %zu ranks, of %u links",
                                    capacity, entry->n_links);
    if (entry->n_links == 0)
        return FFMK_SUCCESS;
    if (!ranks)
        return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__, "ranks is NULL for %u links",
                                    entry->n_links);
    memcpy(ranks, entry->link_ranks, entry->n_links * sizeof *ranks);
    return FFMK_SUCCESS;
}

int ffmk_items_set_options(ffmk_items *items, const ffmk_balance_options *options)
{
    int code = enter(items, __func__);
    if (!code)
        code = ffmk_options_check(options, __func__);
    if (!code)
        items->options = *options;
    return code;
}
