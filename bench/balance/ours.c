/* SPDX-License-Identifier: BSD-3-Clause
 * Our own balancer through its public calls: items are registered once, and weigh what they weigh
 * from step to step. */
#include "method.h"
#include "sim/workload.h"

#include <stdlib.h>
#include <string.h>

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    (void)context;
    memcpy(buffer, &id, capacity);
    *written_p = capacity;
    return 0;
}

static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    (void)context;
    return bytes == sizeof id && memcmp(buffer, &id, bytes) == 0 ? 0 : 1;
}

static void drop(void *context, uint64_t id)
{
    (void)context;
    (void)id;
}

void bench_read(const char *parameters, ffmk_balance_options *options)
{
    char *end;
    if (*parameters) {
        options->conductance = strtod(parameters, &end);
        options->migration_price = strtod(end, NULL);
    }
}

static void *open_items(const char *parameters, const struct field *field)
{
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    options.imbalance = BENCH_IMBALANCE;
    bench_read(parameters, &options);
    ffmk_items *items;
    if (ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &items) != 0)
        return NULL;
    int code = ffmk_items_set_options(items, &options);
    for (size_t i = 0; i < field->n; i++) {
        ffmk_item item = FFMK_ITEM_INIT;
        ffmk_link links[FFMK_WORKLOAD_MAX_LINKS];
        item.id = field->ids[i];
        item.bytes = sizeof item.id;
        item.position = field->positions + 3 * i;
        item.links = links;
        for (size_t k = field->first[i]; k < field->first[i + 1]; k++)
            if (field->links[k].id > item.id) /* both ends would count twice */
                links[item.n_links++] = field->links[k];
        code |= ffmk_items_add(items, &item);
    }
    return code == 0 ? items : NULL;
}

static int set_weights(void *state, const struct field *field)
{
    int code = 0;
    for (size_t i = 0; i < field->n; i++)
        code |= ffmk_items_set_weight(state, field->ids[i], field->weights[i]);
    return code;
}

static int plan(void *state, const struct field *field, int *to)
{
    (void)field;
    return ffmk_balance_plan(state, to, NULL);
}

/* The same plan again, carried out: the registry must then have what the plan said. */
static int move(void *state, const struct field *field, const int *to)
{
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    size_t gone = 0, n = 0;
    const int code = ffmk_rebalance(state, &info);
    for (size_t i = 0; i < field->n; i++)
        gone += to[i] != field->at[i];
    ffmk_items_count(state, &n);
    return code || info.items_sent_here != gone || n + gone != field->n + info.items_received_here;
}

static void close_items(void *state)
{
    ffmk_items_destroy(state);
}

const struct method_kind method_ours = {false, open_items, set_weights, plan, move, close_items};
