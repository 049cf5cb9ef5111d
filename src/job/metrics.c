/* SPDX-License-Identifier: BSD-3-Clause
 * What the ranks' records mean. */
#include "job/metrics.h"

#include "core/rng.h"
#include "job/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below these, advice about balance would be about noise. */
#define WORTH_BALANCING     0.05
#define WORTH_COMMUNICATION 0.9
#define LONG_ENOUGH_S       0.01

/* What was spent outside MPI, in the run or in a region, and what we are thought to have cost of
 * it: never more than there is. */
static double outside_s(uint64_t spent_ns, uint64_t mpi_ns)
{
    return spent_ns > mpi_ns ? (double)(spent_ns - mpi_ns) * 1e-9 : 0;
}

static double cost_s(double outside, uint64_t calls, double cost_ns)
{
    const double cost = (double)calls * cost_ns * 1e-9;
    return cost < outside ? cost : outside;
}

double ffmk_metrics_cost_s(const struct ffmk_snapshot *data)
{
    return cost_s(outside_s(data->elapsed_ns, data->mpi_ns), data->main_calls,
                  data->cost_outside_ns);
}

double ffmk_metrics_useful_s(const struct ffmk_snapshot *data)
{
    return outside_s(data->elapsed_ns, data->mpi_ns) - ffmk_metrics_cost_s(data);
}

static int by_host_name(const void *a, const void *b)
{
    const struct ffmk_rank_record *const *x = a;
    const struct ffmk_rank_record *const *y = b;
    return strcmp((*x)->host, (*y)->host);
}

/* by_host: the records in the order of their hosts' names. */
static struct ffmk_efficiency efficiency(const struct ffmk_rank_record *records,
                                         const struct ffmk_rank_record **by_host, size_t n,
                                         const double *useful, double elapsed)
{
    double sum = 0;
    double max = 0;
    double max_host_mean = 0;
    for (size_t i = 0; i < n; i++) {
        sum += useful[i];
        if (useful[i] > max)
            max = useful[i];
    }
    for (size_t i = 0; i < n;) {
        const char *host = by_host[i]->host;
        double host_sum = 0;
        size_t host_ranks = 0;
        for (; i < n && strcmp(by_host[i]->host, host) == 0; i++, host_ranks++)
            host_sum += useful[by_host[i] - records];
        if (host_sum / (double)host_ranks > max_host_mean)
            max_host_mean = host_sum / (double)host_ranks;
    }
    if (max <= 0 || elapsed <= 0)
        return (struct ffmk_efficiency){0, 1, 1, 1, 0};
    const double mean = sum / (double)n;
    if (elapsed < max)
        elapsed = max;
    return (struct ffmk_efficiency){
        .parallel = mean / elapsed,
        .load_balance = mean / max,
        .load_balance_inside = max_host_mean / max,
        .load_balance_between = mean / max_host_mean,
        .communication = max / elapsed,
    };
}

static int by_time(const void *a, const void *b)
{
    const struct ffmk_call_sum *x = a;
    const struct ffmk_call_sum *y = b;
    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? 1 : -1;
    const int order = strcmp(x->name, y->name);
    return order ? order : (int)x->binding - (int)y->binding;
}

static int by_region_time(const void *a, const void *b)
{
    const struct ffmk_call_sum *x = a;
    const struct ffmk_call_sum *y = b;
    if (x->region != y->region)
        return x->region < y->region ? -1 : 1;
    return by_time(a, b);
}

static uint64_t hash_of(const char *name, uint64_t more)
{
    uint64_t hash = ffmk_rng_mix(more);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3); /* FNV-1a */
    return ffmk_rng_mix(hash);
}

/* A list in which (name, binding, region) comes once. */
struct sums {
    struct ffmk_call_sum *list;
    size_t *n;
    struct ffmk_index index;
};

static bool is_call(const void *list, size_t place, const void *key)
{
    const struct ffmk_call_sum *const sum = (const struct ffmk_call_sum *)list + place;
    const struct ffmk_call_sum *const wanted = key;
    return sum->binding == wanted->binding && sum->region == wanted->region &&
           strcmp(sum->name, wanted->name) == 0;
}

static void add_call(struct sums *sums, const struct ffmk_snapshot_call *call, size_t region,
                     double ns_per_tick)
{
    const struct ffmk_call_sum key = {.name = call->name,
                                      .class_name = call->class_name,
                                      .binding = call->binding,
                                      .region = region};
    const uint64_t hash = hash_of(call->name, region * FFMK_BINDINGS + call->binding);
    uint32_t *const slot = ffmk_index_find(&sums->index, hash, is_call, sums->list, &key);
    if (*slot == 0) {
        sums->list[(*sums->n)++] = key;
        *slot = (uint32_t)*sums->n;
    }
    struct ffmk_call_sum *const sum = &sums->list[*slot - 1];
    sum->count += ffmk_stat_count(&call->stat);
    sum->bytes += call->stat.bytes;
    sum->time_s += (double)call->stat.ticks * ns_per_tick * 1e-9;
    const double max_s = (double)call->stat.max_ticks * ns_per_tick * 1e-9;
    if (max_s > sum->max_s)
        sum->max_s = max_s;
    for (int b = 0; b < FFMK_STAT_BUCKETS; b++)
        sum->histogram[b] += call->stat.histogram[b];
}

static bool is_region(const void *list, size_t place, const void *key)
{
    return strcmp(((const struct ffmk_region_sum *)list)[place].name, key) == 0;
}

static uint32_t *find_region(const struct ffmk_index *index, const struct ffmk_metrics *metrics,
                             const char *name)
{
    return ffmk_index_find(index, hash_of(name, 0), is_region, metrics->regions, name);
}

static int by_exclusive(const void *a, const void *b)
{
    const struct ffmk_region_sum *x = a;
    const struct ffmk_region_sum *y = b;
    if (x->exclusive_s != y->exclusive_s)
        return x->exclusive_s < y->exclusive_s ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void add_region(const struct ffmk_index *index, const struct ffmk_snapshot_region *region,
                       struct ffmk_metrics *metrics)
{
    uint32_t *const slot = find_region(index, metrics, region->name);
    if (*slot == 0) {
        metrics->regions[metrics->n_regions++] = (struct ffmk_region_sum){.name = region->name};
        *slot = (uint32_t)metrics->n_regions;
    }
    struct ffmk_region_sum *const sum = &metrics->regions[*slot - 1];
    sum->count += region->count;
    sum->time_s += (double)region->inclusive_ns * 1e-9;
    sum->exclusive_s += (double)region->exclusive_ns * 1e-9;
    sum->mpi_s += (double)region->mpi_ns * 1e-9;
}

/* The regions' sums, in their order; `index` finds them. \return false without memory. */
static bool sum_regions(const struct ffmk_rank_record *records, size_t n, struct ffmk_index *index,
                        struct ffmk_metrics *metrics)
{
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < records[r].data.n_regions; i++)
            add_region(index, &records[r].data.regions[i], metrics);
    qsort(metrics->regions, metrics->n_regions, sizeof *metrics->regions, by_exclusive);
    ffmk_index_free(index);
    if (!ffmk_index_make(index, metrics->n_regions))
        return false;
    for (size_t k = 0; k < metrics->n_regions; k++)
        *find_region(index, metrics, metrics->regions[k].name) = (uint32_t)k + 1;
    return true;
}

/* Of a region, each rank's useful time and the longest that one spent there. */
static double look_at_region(const struct ffmk_rank_record *records, size_t n,
                             const struct ffmk_snapshot_region *const *parts, double *useful)
{
    double longest = 0;
    for (size_t r = 0; r < n; r++) {
        useful[r] = 0;
        if (!parts[r])
            continue;
        const double spent = (double)parts[r]->main_exclusive_ns * 1e-9;
        const double outside = outside_s(parts[r]->main_exclusive_ns, parts[r]->main_mpi_ns);
        useful[r] =
            outside - cost_s(outside, parts[r]->main_calls, records[r].data.cost_outside_ns);
        if (spent > longest)
            longest = spent;
    }
    return longest;
}

/* \return false without memory. */
static bool judge_regions(const struct ffmk_rank_record *records,
                          const struct ffmk_rank_record **by_host, size_t n,
                          const struct ffmk_index *index, struct ffmk_metrics *metrics,
                          double *useful)
{
    /* [region][rank] */
    const struct ffmk_snapshot_region **parts = calloc(metrics->n_regions * n + 1, sizeof *parts);
    if (!parts)
        return false;
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < records[r].data.n_regions; i++) {
            const struct ffmk_snapshot_region *region = &records[r].data.regions[i];
            parts[(*find_region(index, metrics, region->name) - 1) * n + r] = region;
        }
    for (size_t k = 0; k < metrics->n_regions; k++) {
        const double longest = look_at_region(records, n, &parts[k * n], useful);
        metrics->regions[k].efficiency = efficiency(records, by_host, n, useful, longest);
    }
    free(parts);
    return true;
}

/* The time of MPI_Init lies before the run. */
static bool starts_mpi(const char *name)
{
    return strcmp(name, "MPI_Init") == 0 || strcmp(name, "MPI_Init_thread") == 0 ||
           strcmp(name, "MPI_Session_init") == 0;
}

static void find_top(struct ffmk_metrics *metrics)
{
    const size_t room = sizeof metrics->top / sizeof metrics->top[0];
    for (size_t i = 0; i < metrics->n_calls && metrics->n_top < room; i++)
        if (!starts_mpi(metrics->calls[i].name) && metrics->calls[i].time_s > 0)
            metrics->top[metrics->n_top++] = &metrics->calls[i];
}

/* Of what share of the time balancing could save. */
static double saving(const struct ffmk_metrics *metrics)
{
    return metrics->elapsed_s > 0
               ? (metrics->max_useful_s - metrics->mean_useful_s) / metrics->elapsed_s
               : 0;
}

/* Time in calls of other threads than the ones that efficiencies are about, for a second of those.
 */
static double beside(const struct ffmk_rank_record *records, const struct ffmk_metrics *metrics)
{
    double seconds = 0;
    for (size_t i = 0; i < metrics->n_calls; i++)
        if (!starts_mpi(metrics->calls[i].name))
            seconds += metrics->calls[i].time_s;
    for (size_t r = 0; r < metrics->n_ranks; r++)
        seconds -= (double)records[r].data.mpi_ns * 1e-9;
    return seconds / (metrics->elapsed_s * (double)metrics->n_ranks);
}

static void advise(const struct ffmk_rank_record *records, struct ffmk_scope scope,
                   struct ffmk_metrics *metrics)
{
    char *text = metrics->advice;
    const size_t room = sizeof metrics->advice;
    const struct ffmk_efficiency *e = &metrics->efficiency;
    const char *costliest = metrics->n_top ? metrics->top[0]->name : NULL;
    if (metrics->n_ranks < (size_t)scope.ranks)
        snprintf(text, room, "only %zu of %d ranks are known: too few for advice", metrics->n_ranks,
                 scope.ranks);
    else if (metrics->elapsed_s < LONG_ENOUGH_S)
        snprintf(text, room, "too short a run to judge");
    else if (scope.world == 1)
        snprintf(text, room, "one rank: nothing to balance and nobody to wait for");
    else if (saving(metrics) >= WORTH_BALANCING)
        snprintf(
            text, room,
            "rank %d does %.1f× the average work: balancing could save up to %.0f %% of the time",
            records[metrics->slowest].rank, metrics->max_useful_s / metrics->mean_useful_s,
            100 * saving(metrics));
    else if (e->communication < WORTH_COMMUNICATION && costliest)
        snprintf(text, room, "%s%.0f %% of the time goes into communication: look at %s first",
                 metrics->n_ranks > 1 && e->load_balance >= WORTH_COMMUNICATION
                     ? "work is balanced, but "
                     : "",
                 100 * (1 - e->communication), costliest);
    else if (costliest && beside(records, metrics) > 1 - WORTH_COMMUNICATION)
        snprintf(text, room,
                 "the first thread works; other threads are in calls %.0f %% of its time: look at "
                 "%s first",
                 100 * beside(records, metrics), costliest);
    else
        snprintf(text, room, "%sMPI costs little: nothing to do here",
                 metrics->n_ranks > 1 ? "work is balanced and " : "");
}

/* What it takes while the sums are made. */
struct work {
    double *useful;
    const struct ffmk_rank_record **by_host;
    struct ffmk_index regions;
    struct sums calls;
    struct sums region_calls;
};

static void end_work(struct work *work)
{
    free(work->useful);
    free(work->by_host);
    ffmk_index_free(&work->regions);
    ffmk_index_free(&work->calls.index);
    ffmk_index_free(&work->region_calls.index);
}

static bool begin_work(const struct ffmk_rank_record *records, size_t n, struct work *work,
                       struct ffmk_metrics *metrics)
{
    size_t all_calls = 1;
    size_t all_regions = 1;
    for (size_t r = 0; r < n; r++) {
        all_calls += records[r].data.n_calls;
        all_regions += records[r].data.n_regions;
    }
    metrics->calls = calloc(all_calls, sizeof *metrics->calls);
    metrics->region_calls = calloc(all_calls, sizeof *metrics->region_calls);
    metrics->regions = calloc(all_regions, sizeof *metrics->regions);
    work->useful = calloc(n, sizeof *work->useful);
    work->by_host = calloc(n, sizeof *work->by_host);
    work->calls = (struct sums){.list = metrics->calls, .n = &metrics->n_calls};
    work->region_calls =
        (struct sums){.list = metrics->region_calls, .n = &metrics->n_region_calls};
    return metrics->calls && metrics->region_calls && metrics->regions && work->useful &&
           work->by_host && ffmk_index_make(&work->regions, all_regions) &&
           ffmk_index_make(&work->calls.index, all_calls) &&
           ffmk_index_make(&work->region_calls.index, all_calls);
}

static bool sum_all_regions(const struct ffmk_rank_record *records, size_t n, struct work *work,
                            struct ffmk_metrics *metrics)
{
    for (size_t r = 0; r < n; r++)
        work->by_host[r] = &records[r];
    qsort(work->by_host, n, sizeof *work->by_host, by_host_name);
    return sum_regions(records, n, &work->regions, metrics) &&
           judge_regions(records, work->by_host, n, &work->regions, metrics, work->useful);
}

static void sum_calls(const struct ffmk_snapshot *data, struct work *work,
                      const struct ffmk_metrics *metrics)
{
    for (size_t i = 0; i < data->n_calls; i++) {
        const struct ffmk_snapshot_call *const call = &data->calls[i];
        const char *const region = data->regions[call->region].name;
        add_call(&work->calls, call, 0, data->ns_per_tick);
        add_call(&work->region_calls, call, *find_region(&work->regions, metrics, region) - 1,
                 data->ns_per_tick);
    }
}

static void sum_ranks(const struct ffmk_rank_record *records, size_t n, struct work *work,
                      struct ffmk_metrics *metrics)
{
    double *const useful = work->useful;
    double elapsed_sum = 0;
    metrics->ns_per_tick = records[0].data.ns_per_tick;
    for (size_t r = 0; r < n; r++) {
        const struct ffmk_snapshot *data = &records[r].data;
        const double elapsed = (double)data->elapsed_ns * 1e-9;
        elapsed_sum += elapsed;
        if (elapsed > metrics->elapsed_s)
            metrics->elapsed_s = elapsed;
        useful[r] = ffmk_metrics_useful_s(data);
        metrics->mean_useful_s += useful[r] / (double)n;
        if (useful[r] > useful[metrics->slowest])
            metrics->slowest = r;
        if (useful[r] < useful[metrics->fastest])
            metrics->fastest = r;
        metrics->cost_s += (double)data->all_calls * data->cost_ns * 1e-9;
        metrics->cost_ns += data->cost_ns / (double)n;
        if (data->recorder_bytes > metrics->recorder_bytes)
            metrics->recorder_bytes = data->recorder_bytes;
        sum_calls(data, work, metrics);
    }
    metrics->max_useful_s = useful[metrics->slowest];
    metrics->min_useful_s = useful[metrics->fastest];
    metrics->cost_share = elapsed_sum > 0 ? metrics->cost_s / elapsed_sum : 0;
    if (metrics->cost_share > 1)
        metrics->cost_share = 1;
}

bool ffmk_metrics_compute(const struct ffmk_rank_record *records, size_t n, struct ffmk_scope scope,
                          struct ffmk_metrics *metrics)
{
    struct work work = {0};
    memset(metrics, 0, sizeof *metrics);
    metrics->n_ranks = n;
    const bool good =
        begin_work(records, n, &work, metrics) && sum_all_regions(records, n, &work, metrics);
    if (good) {
        sum_ranks(records, n, &work, metrics);
        metrics->efficiency = efficiency(records, work.by_host, n, work.useful, metrics->elapsed_s);
        qsort(metrics->calls, metrics->n_calls, sizeof *metrics->calls, by_time);
        qsort(metrics->region_calls, metrics->n_region_calls, sizeof *metrics->region_calls,
              by_region_time);
        find_top(metrics);
        advise(records, scope, metrics);
    } else {
        ffmk_metrics_free(metrics);
    }
    end_work(&work);
    return good;
}

void ffmk_metrics_free(struct ffmk_metrics *metrics)
{
    free(metrics->calls);
    free(metrics->region_calls);
    free(metrics->regions);
}
