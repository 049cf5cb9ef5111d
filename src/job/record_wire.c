/* SPDX-License-Identifier: BSD-3-Clause
 * A rank's record as bytes. What comes in is not trusted: it may be half, or of another build. */
#include "job/record_wire.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 64 };

/* ---- encoding ---- */

static void put_stat(struct ffmk_wire_out *out, const struct ffmk_stat *stat)
{
    ffmk_wire_put_u64(out, stat->ticks);
    ffmk_wire_put_u64(out, stat->bytes);
    ffmk_wire_put_u64(out, stat->max_ticks);
    uint32_t present = 0;
    for (int b = 0; b < FFMK_STAT_BUCKETS; b++)
        present |= (uint32_t)(stat->histogram[b] != 0) << b;
    ffmk_wire_put_u32(out, present);
    for (int b = 0; b < FFMK_STAT_BUCKETS; b++)
        if (stat->histogram[b])
            ffmk_wire_put_u64(out, stat->histogram[b]);
}

void ffmk_record_put(struct ffmk_wire_out *out, const struct ffmk_rank_record *record)
{
    const struct ffmk_snapshot *data = &record->data;
    ffmk_wire_put_u32(out, (uint32_t)record->rank);
    ffmk_wire_put_u32(out, (uint32_t)record->pid);
    ffmk_wire_put_string(out, record->host);
    ffmk_wire_put_u8(out, data->incomplete);
    ffmk_wire_put_f64(out, data->ns_per_tick);
    ffmk_wire_put_u64(out, data->elapsed_ns);
    ffmk_wire_put_u64(out, data->mpi_ns);
    ffmk_wire_put_u64(out, data->wait_ns);
    ffmk_wire_put_u64(out, data->main_calls);
    ffmk_wire_put_u64(out, data->all_calls);
    ffmk_wire_put_f64(out, data->cost_ns);
    ffmk_wire_put_f64(out, data->cost_outside_ns);
    ffmk_wire_put_u32(out, data->threads);
    ffmk_wire_put_u64(out, data->recorder_bytes);
    ffmk_wire_put_u64(out, data->untracked_sends);

    ffmk_wire_put_u32(out, (uint32_t)data->n_regions);
    for (size_t i = 0; i < data->n_regions; i++) {
        const struct ffmk_snapshot_region *region = &data->regions[i];
        ffmk_wire_put_string(out, region->name);
        ffmk_wire_put_u64(out, region->count);
        ffmk_wire_put_u64(out, region->inclusive_ns);
        ffmk_wire_put_u64(out, region->exclusive_ns);
        ffmk_wire_put_u64(out, region->mpi_ns);
        ffmk_wire_put_u64(out, region->main_exclusive_ns);
        ffmk_wire_put_u64(out, region->main_mpi_ns);
        ffmk_wire_put_u64(out, region->main_calls);
    }
    ffmk_wire_put_u32(out, (uint32_t)data->n_calls);
    for (size_t i = 0; i < data->n_calls; i++) {
        const struct ffmk_snapshot_call *call = &data->calls[i];
        ffmk_wire_put_string(out, call->name);
        ffmk_wire_put_string(out, call->class_name);
        ffmk_wire_put_u8(out, (uint8_t)call->binding);
        ffmk_wire_put_u32(out, call->region);
        put_stat(out, &call->stat);
    }
    ffmk_wire_put_u64(out, data->interval_ticks);
    ffmk_wire_put_u32(out, (uint32_t)data->n_intervals);
    for (size_t i = 0; i < data->n_intervals; i++) {
        ffmk_wire_put_u64(out, data->intervals[i].mpi_ticks);
        ffmk_wire_put_u64(out, data->intervals[i].wait_ticks);
    }
    ffmk_wire_put_u32(out, data->ranks_per_bin);
    ffmk_wire_put_u32(out, (uint32_t)data->n_lanes);
    for (size_t i = 0; i < data->n_lanes; i++) {
        ffmk_wire_put_u64(out, data->lanes[i].messages);
        ffmk_wire_put_u64(out, data->lanes[i].bytes);
    }
    ffmk_wire_put_string(out, record->counted.source);
    ffmk_wire_put_string(out, record->counted.why);
    ffmk_wire_put_u32(out, (uint32_t)record->counted.n);
    for (size_t i = 0; i < record->counted.n; i++) {
        ffmk_wire_put_string(out, record->counted.names[i]);
        ffmk_wire_put_u64(out, record->counted.values[i]);
    }
}

/* ---- decoding ---- */

static void get_stat(struct ffmk_wire_in *in, struct ffmk_stat *stat)
{
    stat->ticks = ffmk_wire_get_u64(in);
    stat->bytes = ffmk_wire_get_u64(in);
    stat->max_ticks = ffmk_wire_get_u64(in);
    const uint32_t present = ffmk_wire_get_u32(in);
    for (int b = 0; b < FFMK_STAT_BUCKETS; b++)
        if (present >> b & 1)
            stat->histogram[b] = ffmk_wire_get_u64(in);
}

/* A count of things that take at least `least` bytes each on the wire cannot exceed what is left of
 * it. */
static size_t get_length(struct ffmk_wire_in *in, size_t least)
{
    const uint32_t n = ffmk_wire_get_u32(in);
    if (!in->failed && n > (in->length - in->at) / least)
        in->failed = true;
    return in->failed ? 0 : n;
}

/* One block for all arrays and names of a record. */
struct storage {
    char *at;
    size_t left;
};

static void *take(struct storage *storage, struct ffmk_wire_in *in, size_t bytes)
{
    const size_t rounded = (bytes + 7) & ~(size_t)7;
    if (rounded > storage->left) {
        in->failed = true;
        return NULL;
    }
    void *place = storage->at;
    storage->at += rounded;
    storage->left -= rounded;
    return place;
}

static const char *get_name(struct storage *storage, struct ffmk_wire_in *in)
{
    char name[NAME_BYTES];
    ffmk_wire_get_string(in, name, sizeof name);
    const size_t bytes = strlen(name) + 1;
    char *kept = in->failed ? NULL : take(storage, in, bytes);
    return kept ? memcpy(kept, name, bytes) : "?";
}

int ffmk_record_get(const uint8_t *bytes, size_t length, struct ffmk_rank_record *record)
{
    struct ffmk_wire_in input = {bytes, length, 0, false};
    struct ffmk_wire_in *in = &input;
    struct ffmk_snapshot *data = &record->data;
    memset(record, 0, sizeof *record);
    /* In memory a call takes at most ten times its place on the wire, and nothing else grows more.
     */
    struct storage storage = {calloc(1, 10 * length + 64), 10 * length + 64};
    if (!storage.at)
        return 0;
    record->storage = storage.at;

    record->rank = (int)ffmk_wire_get_u32(in);
    record->pid = (int)ffmk_wire_get_u32(in);
    ffmk_wire_get_string(in, record->host, sizeof record->host);
    data->incomplete = ffmk_wire_get_u8(in) != 0;
    data->ns_per_tick = ffmk_wire_get_f64(in);
    data->elapsed_ns = ffmk_wire_get_u64(in);
    data->mpi_ns = ffmk_wire_get_u64(in);
    data->wait_ns = ffmk_wire_get_u64(in);
    data->main_calls = ffmk_wire_get_u64(in);
    data->all_calls = ffmk_wire_get_u64(in);
    data->cost_ns = ffmk_wire_get_f64(in);
    data->cost_outside_ns = ffmk_wire_get_f64(in);
    data->threads = ffmk_wire_get_u32(in);
    data->recorder_bytes = ffmk_wire_get_u64(in);
    data->untracked_sends = ffmk_wire_get_u64(in);

    data->n_regions = get_length(in, 60);
    data->regions = take(&storage, in, data->n_regions * sizeof *data->regions);
    for (size_t i = 0; i < data->n_regions && !in->failed; i++) {
        struct ffmk_snapshot_region *region = &data->regions[i];
        region->name = get_name(&storage, in);
        region->count = ffmk_wire_get_u64(in);
        region->inclusive_ns = ffmk_wire_get_u64(in);
        region->exclusive_ns = ffmk_wire_get_u64(in);
        region->mpi_ns = ffmk_wire_get_u64(in);
        region->main_exclusive_ns = ffmk_wire_get_u64(in);
        region->main_mpi_ns = ffmk_wire_get_u64(in);
        region->main_calls = ffmk_wire_get_u64(in);
    }
    data->n_calls = get_length(in, 41);
    data->calls = take(&storage, in, data->n_calls * sizeof *data->calls);
    for (size_t i = 0; i < data->n_calls && !in->failed; i++) {
        struct ffmk_snapshot_call *call = &data->calls[i];
        call->name = get_name(&storage, in);
        call->class_name = get_name(&storage, in);
        call->binding = (enum ffmk_binding)ffmk_wire_get_u8(in);
        call->region = ffmk_wire_get_u32(in);
        get_stat(in, &call->stat);
        if ((unsigned)call->binding >= FFMK_BINDINGS || call->region >= data->n_regions)
            in->failed = true;
    }
    data->interval_ticks = ffmk_wire_get_u64(in);
    data->n_intervals = get_length(in, 16);
    data->intervals = take(&storage, in, data->n_intervals * sizeof *data->intervals);
    for (size_t i = 0; i < data->n_intervals && !in->failed; i++) {
        data->intervals[i].mpi_ticks = ffmk_wire_get_u64(in);
        data->intervals[i].wait_ticks = ffmk_wire_get_u64(in);
    }
    data->ranks_per_bin = ffmk_wire_get_u32(in);
    data->n_lanes = get_length(in, 16);
    data->lanes = take(&storage, in, data->n_lanes * sizeof *data->lanes);
    for (size_t i = 0; i < data->n_lanes && !in->failed; i++) {
        data->lanes[i].messages = ffmk_wire_get_u64(in);
        data->lanes[i].bytes = ffmk_wire_get_u64(in);
    }
    ffmk_wire_get_string(in, record->counted.source, sizeof record->counted.source);
    ffmk_wire_get_string(in, record->counted.why, sizeof record->counted.why);
    record->counted.n = get_length(in, 12);
    if (record->counted.n > FFMK_COUNTERS_MAX)
        in->failed = true;
    for (size_t i = 0; i < record->counted.n && !in->failed; i++) {
        ffmk_wire_get_string(in, record->counted.names[i], FFMK_COUNTER_NAME);
        record->counted.values[i] = ffmk_wire_get_u64(in);
    }
    return !in->failed && in->at == in->length;
}
