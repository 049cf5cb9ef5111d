/* SPDX-License-Identifier: BSD-3-Clause
 * The public calls of the balance group: checks what the caller gave, and lets the other rooms
 * work. */
#include "balance/items.h"
#include "balance/migrate.h"
#include "balance/plan.h"
#include "core/clock.h"
#include "core/log.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ffmk_items {
    struct ffmk_team team;
    struct ffmk_table table;
    struct ffmk_plan_rank able; /* what this rank can do and hold */
    ffmk_item_ops ops;
    bool movable; /* ops were given */
    void *context;
    ffmk_balance_options options;
    bool links_known; /* link_ranks are those of the last plan, and nothing was added or removed
                         here since */
    bool busy; /* inside a collective call, so that callbacks that come back are turned away */
};

/* Say what is wrong with a call. \return code. */
__attribute__((format(printf, 3, 4))) static int refuse(int code, const char *call,
                                                        const char *format, ...)
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
        return refuse(FFMK_ERR_ARGUMENT, call, "items is NULL");
    if (items->busy)
        return refuse(FFMK_ERR_STATE, call, "called from a callback of the registry it is about");
    return FFMK_SUCCESS;
}

static bool mpi_runs(void)
{
    int initialised = 0, finalised = 0;
    PMPI_Initialized(&initialised);
    if (initialised)
        PMPI_Finalized(&finalised);
    return initialised && !finalised;
}

static int refuse_without_mpi(const char *call)
{
    return refuse(FFMK_ERR_STATE, call, "it belongs between MPI_Init and MPI_Finalize");
}

/* A collective call can begin. */
static int enter_together(const ffmk_items *items, const char *call)
{
    const int code = enter(items, call);
    return code || mpi_runs() ? code : refuse_without_mpi(call);
}

static bool are_valid_ops(const ffmk_item_ops *ops)
{
    return !ops || (ops->size == sizeof *ops && ops->pack && ops->unpack && ops->drop);
}

int ffmk_items_create(MPI_Comm comm, const ffmk_item_ops *ops, void *context, ffmk_items **items_p)
{
    if (!mpi_runs())
        return refuse_without_mpi(__func__);
    /* A handle of nothing is for MPI to refuse: it has no question that only asks. */
    int inter = 0;
    if (comm == MPI_COMM_NULL || PMPI_Comm_test_inter(comm, &inter) != MPI_SUCCESS || inter)
        return refuse(FFMK_ERR_ARGUMENT, __func__,
                      "the communicator is MPI_COMM_NULL or an intercommunicator");

    ffmk_items *items = calloc(1, sizeof *items);
    int code = FFMK_SUCCESS;
    if (!items_p)
        code = refuse(FFMK_ERR_ARGUMENT, __func__, "items_p is NULL");
    else if (!are_valid_ops(ops))
        code = refuse(FFMK_ERR_ARGUMENT, __func__,
                      "ops needs the size of FFMK_ITEM_OPS_INIT and all of pack, unpack and drop");
    else if (!items || !(items->team.piece = malloc(FFMK_PIECE_BYTES)))
        code = FFMK_ERR_NO_MEMORY;
    /* Before the duplication, which no rank may miss. */
    code = ffmk_team_agree(&(struct ffmk_team){.comm = comm}, code);
    if (!code)
        code = ffmk_team_checked(PMPI_Comm_dup(comm, &items->team.comm));
    if (code) {
        if (items)
            free(items->team.piece);
        free(items);
        return code;
    }
    PMPI_Comm_rank(items->team.comm, &items->team.rank);
    PMPI_Comm_size(items->team.comm, &items->team.size);
    items->options = (ffmk_balance_options)FFMK_BALANCE_OPTIONS_INIT;
    items->able = (struct ffmk_plan_rank){.capacity = 1, .memory_limit = SIZE_MAX};
    items->movable = ops != NULL;
    if (ops)
        items->ops = *ops;
    items->context = context;
    *items_p = items; /* NOLINT: a NULL was refused above, which agreement kept */
    return FFMK_SUCCESS;
}

int ffmk_items_destroy(ffmk_items *items)
{
    if (!items)
        return FFMK_SUCCESS;
    int code = enter(items, __func__);
    if (code)
        return code;
    /* After MPI_Finalize the communicator cannot be freed, but the memory can. */
    code = mpi_runs() ? ffmk_team_checked(PMPI_Comm_free(&items->team.comm))
                      : refuse_without_mpi(__func__);
    ffmk_table_free(&items->table);
    free(items->team.piece);
    free(items);
    return code;
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
    return refuse(FFMK_ERR_UNKNOWN_ITEM, call, "item %" PRIu64 " is not registered on this rank",
                  id);
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
        return refuse(FFMK_ERR_ARGUMENT, __func__, "weights is NULL for %zu weights", n);
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
        return refuse(FFMK_ERR_ARGUMENT, __func__, "capacity %g must be finite and above 0",
                      capacity);
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
        return refuse(FFMK_ERR_ARGUMENT, __func__, "%s is NULL", items ? "count_p" : "items");
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
        return refuse(FFMK_ERR_ARGUMENT, __func__, "%s is NULL", items ? "ids" : "items");
    if (capacity < items->table.n)
        return refuse(FFMK_ERR_LIMIT, __func__, "room for %zu ids, of %zu items", capacity,
                      items->table.n);
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
        return refuse(FFMK_ERR_STATE, __func__,
                      "known after a plan, until items are added or removed");
    if (capacity < entry->n_links)
        return refuse(FFMK_ERR_LIMIT, __func__, "room for %zu ranks, of %zu links", capacity,
                      entry->n_links);
    if (entry->n_links == 0)
        return FFMK_SUCCESS;
    if (!ranks)
        return refuse(FFMK_ERR_ARGUMENT, __func__, "ranks is NULL for %zu links", entry->n_links);
    memcpy(ranks, entry->link_ranks, entry->n_links * sizeof *ranks);
    return FFMK_SUCCESS;
}

int ffmk_items_set_options(ffmk_items *items, const ffmk_balance_options *options)
{
    const int code = enter(items, __func__);
    if (code)
        return code;
    if (!options || options->size != sizeof *options)
        return refuse(FFMK_ERR_ARGUMENT, __func__,
                      "options is NULL or its size is not that of FFMK_BALANCE_OPTIONS_INIT");
    if (!isfinite(options->imbalance) || options->imbalance < 1)
        return refuse(FFMK_ERR_ARGUMENT, __func__, "imbalance %g must be finite and at least 1",
                      options->imbalance);
    if (options->max_rounds < 1 || options->max_rounds > 1000)
        return refuse(FFMK_ERR_ARGUMENT, __func__, "max_rounds %d must be 1 to 1000",
                      options->max_rounds);
    if (!(options->conductance >= 0 && options->conductance <= 1))
        return refuse(FFMK_ERR_ARGUMENT, __func__, "conductance %g must be 0 to 1",
                      options->conductance);
    if (!(isfinite(options->migration_price) && options->migration_price >= 0))
        return refuse(FFMK_ERR_ARGUMENT, __func__,
                      "migration_price %g must be finite and not negative",
                      options->migration_price);
    items->options = *options;
    return FFMK_SUCCESS;
}

static double seconds_since(uint64_t start_ns)
{
    return (double)(ffmk_clock_ns() - start_ns) * 1e-9;
}

/* What a double cannot hold is the largest it can. */
static double representable(double value)
{
    return value < DBL_MAX ? value : DBL_MAX;
}

static int check_info(const ffmk_balance_info *info, const char *call)
{
    if (!info || info->size == sizeof *info)
        return FFMK_SUCCESS;
    return refuse(FFMK_ERR_ARGUMENT, call,
                  "info->size is %zu and not that of FFMK_BALANCE_INFO_INIT", info->size);
}

/* Plan, and begin the information about it. */
static int make_plan(ffmk_items *items, int code, bool moves, struct ffmk_plan *plan,
                     ffmk_balance_info *info)
{
    const bool known = items->links_known;
    items->links_known = false;
    code = ffmk_plan_make(&items->team, code, moves, known, &items->table, &items->able,
                          &items->options, plan);
    if (code)
        return code;
    items->links_known = true;
    *info =
        (ffmk_balance_info){.size = sizeof *info,
                            .imbalance_before = plan->imbalance_before,
                            .imbalance_after = plan->imbalance_after,
                            .imbalance_bound = plan->imbalance_bound,
                            .cut_before = representable(plan->cut_before),
                            .cut_after = representable(plan->cut_after),
                            .items_moved = plan->items_moved,
                            .weight_moved = representable(plan->weight_moved * plan->weight_unit),
                            .rounds = plan->rounds,
                            .plan_s = plan->plan_s};
    return FFMK_SUCCESS;
}

int ffmk_balance_plan(ffmk_items *items, int *destinations, ffmk_balance_info *info)
{
    int code = enter_together(items, __func__);
    if (code)
        return code; /* without a registry there is nobody to agree with */
    struct ffmk_plan plan = {0};
    ffmk_balance_info found;
    code = check_info(info, __func__);
    if (!destinations && items->table.n > 0)
        code = refuse(FFMK_ERR_ARGUMENT, __func__, "destinations is NULL for %zu items",
                      items->table.n);
    items->busy = true;
    code = make_plan(items, code, false, &plan, &found);
    items->busy = false;
    if (!code && destinations && items->table.n > 0)
        memcpy(destinations, plan.destinations, items->table.n * sizeof *destinations);
    if (!code && info)
        *info = found;
    ffmk_plan_free(&plan);
    return code;
}

/* Move what the plan says, and complete the information. *failure_p: whether items had to stay, the
 * same on all. */
static int move(ffmk_items *items, struct ffmk_plan *plan, ffmk_balance_info *info, int *failure_p)
{
    const uint64_t start_ns = ffmk_clock_ns();
    struct ffmk_mover mover = {.team = &items->team,
                               .table = &items->table,
                               .ops = &items->ops,
                               .context = items->context,
                               .weight_unit = plan->weight_unit};
    items->links_known = false;
    int code = ffmk_migrate(&items->team, plan, &mover);
    if (code)
        return code;
    *failure_p = ffmk_team_agree(&items->team, mover.failure);

    uint64_t counts[3] = {mover.items_sent, mover.bytes_sent, mover.items_kept};
    double weight = mover.weight_sent;
    code = ffmk_team_sum_u64(&items->team, counts, 3);
    if (!code)
        code = ffmk_team_sum(&items->team, &weight, 1);
    if (!code && counts[2] > 0) /* not as planned: look how it is */
        code = ffmk_plan_measure(&items->team, code, &items->table, plan);
    double migrate_s = seconds_since(start_ns);
    if (!code)
        code = ffmk_team_max(&items->team, &migrate_s, 1);
    if (code)
        return code;
    items->links_known = true;
    info->imbalance_after = plan->imbalance_after;
    info->cut_after = representable(plan->cut_after);
    info->items_moved = counts[0];
    info->bytes_moved = counts[1];
    info->items_kept = counts[2];
    info->weight_moved = representable(weight * plan->weight_unit);
    info->migrate_s = migrate_s;
    info->items_sent_here = mover.items_sent;
    info->items_received_here = mover.items_received;
    return FFMK_SUCCESS;
}

int ffmk_rebalance(ffmk_items *items, ffmk_balance_info *info)
{
    int code = enter_together(items, __func__);
    if (code)
        return code;
    struct ffmk_plan plan = {0};
    ffmk_balance_info found;
    int failure = FFMK_SUCCESS;
    code = check_info(info, __func__);
    if (!code && !items->movable)
        code = refuse(FFMK_ERR_STATE, __func__,
                      "the registry was created without callbacks and can only be planned");
    items->busy = true;
    code = make_plan(items, code, true, &plan, &found);
    if (!code && found.items_moved > 0)
        code = move(items, &plan, &found, &failure);
    items->busy = false;
    if (!code && info)
        *info = found;
    ffmk_plan_free(&plan);
    return code ? code : failure;
}
