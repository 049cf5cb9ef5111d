/* SPDX-License-Identifier: BSD-3-Clause
 * Many broadcasts of one kind, summed up. */
#include "sim/study.h"

#include "core/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ffmk_study {
    struct ffmk_study_case wanted; /* with what was chosen */
    struct ffmk_tune_choice prediction;
    struct ffmk_sim_gossip *gossip; /* from the first run on */
    struct ffmk_sim_death *deaths;
    uint32_t *order;  /* nodes but the root, shuffled as far as deaths need */
    uint32_t horizon; /* ticks in which nodes die */
    uint32_t runs;
    uint32_t most_runs;
    struct ffmk_sim_result *results;
};

uint32_t ffmk_study_hop(const struct ffmk_sim_setup *setup)
{
    return (setup->wire + 3 * setup->overhead - 1) / setup->overhead;
}

bool ffmk_study_is_corrected(enum ffmk_sim_algorithm algorithm)
{
    return algorithm == FFMK_SIM_GOSSIP || algorithm == FFMK_SIM_CIRCULANT ||
           algorithm == FFMK_SIM_BINOMIAL;
}

uint32_t ffmk_study_usual_runs(uint32_t nodes)
{
    uint32_t runs = FFMK_STUDY_USUAL_WORK / nodes;
    return runs < 1 ? 1 : runs > FFMK_STUDY_USUAL_RUNS ? FFMK_STUDY_USUAL_RUNS : runs;
}

static uint32_t table_hop(const struct ffmk_sim_setup *setup)
{
    return setup->algorithm == FFMK_SIM_BINOMIAL ? 1 : ffmk_study_hop(setup);
}

static enum ffmk_schedule_table table_of(const struct ffmk_sim_setup *setup)
{
    return setup->algorithm == FFMK_SIM_GOSSIP ? FFMK_SCHEDULE_GOSSIP : FFMK_SCHEDULE_CIRCULANT;
}

/* A sweep of the whole ring and a second one by a reserve are the longest there is. */
bool ffmk_study_too_long(const struct ffmk_sim_setup *setup)
{
    const uint64_t slots = UINT64_C(2) * setup->nodes + UINT64_C(2) * FFMK_SCHEDULE_MAX_ROUNDS +
                           UINT64_C(64) * ffmk_study_hop(setup);
    return slots * setup->overhead > UINT32_MAX / 2;
}

double ffmk_study_bytes(const struct ffmk_study *study)
{
    enum { NODE = 100, MESSAGE = 24 };
    const struct ffmk_sim_setup *setup = &study->wanted.setup;
    double messages = ffmk_study_is_corrected(setup->algorithm) ? study->prediction.messages
                                                                : 2 * log2(setup->nodes + 1.0);
    return setup->nodes * (NODE + MESSAGE * fmin(ffmk_study_hop(setup), messages));
}

static struct ffmk_tune_case tune_case(const struct ffmk_study_case *wanted)
{
    const struct ffmk_sim_setup *setup = &wanted->setup;
    return (struct ffmk_tune_case){
        .table = table_of(setup),
        .rules = setup->rules,
        .mode = setup->mode,
        .deaths_or_reach = setup->deaths_or_reach == FFMK_STUDY_CHOOSE ? 0 : setup->deaths_or_reach,
        .nodes = setup->nodes,
        .table_hop = table_hop(setup),
        .hop_slots = (double)setup->wire / setup->overhead + 2,
        .dead_rate = (double)wanted->dead_before / setup->nodes,
        .miss = wanted->miss};
}

/* Choose what was left open and predict what comes of it. */
static void choose(struct ffmk_study *study)
{
    enum { MOST_REACH = 64 };
    struct ffmk_sim_setup *setup = &study->wanted.setup;
    const struct ffmk_tune_case tune = tune_case(&study->wanted);
    const bool open_reach = setup->deaths_or_reach == FFMK_STUDY_CHOOSE;
    if (setup->rounds == FFMK_STUDY_CHOOSE) {
        struct ffmk_tune_choice best = ffmk_tune_choose(&tune);
        setup->rounds = best.rounds;
        if (open_reach)
            setup->deaths_or_reach = best.reach;
    } else if (open_reach) {
        setup->deaths_or_reach = 1;
        while (setup->deaths_or_reach < MOST_REACH &&
               ffmk_tune_predict(&tune, setup->rounds, setup->deaths_or_reach).miss > tune.miss)
            setup->deaths_or_reach++;
    }
    study->prediction = ffmk_tune_predict(
        &tune, setup->rounds, setup->mode == FFMK_RUMOR_OPPORTUNISTIC ? setup->deaths_or_reach : 0);
}

struct ffmk_study *ffmk_study_create(const struct ffmk_study_case *wanted, uint32_t runs)
{
    struct ffmk_study *study = calloc(1, sizeof *study);
    if (!study)
        return NULL;
    const size_t n_deaths = (size_t)wanted->dead_before + wanted->dead_during;
    study->wanted = *wanted;
    study->most_runs = runs;
    study->results = calloc(runs, sizeof *study->results);
    study->deaths = calloc(n_deaths + 1, sizeof *study->deaths);
    study->order = n_deaths ? calloc(wanted->setup.nodes, sizeof *study->order) : NULL;
    if (!study->results || !study->deaths || (n_deaths && !study->order)) {
        ffmk_study_destroy(study);
        return NULL;
    }
    if (ffmk_study_is_corrected(wanted->setup.algorithm))
        choose(study);
    return study;
}

void ffmk_study_destroy(struct ffmk_study *study)
{
    if (!study)
        return;
    ffmk_sim_gossip_destroy(study->gossip);
    free(study->results);
    free(study->deaths);
    free(study->order);
    free(study);
}

const struct ffmk_sim_setup *ffmk_study_setup(const struct ffmk_study *study)
{
    return &study->wanted.setup;
}

const struct ffmk_tune_choice *ffmk_study_prediction(const struct ffmk_study *study)
{
    return ffmk_study_is_corrected(study->wanted.setup.algorithm) ? &study->prediction : NULL;
}

const struct ffmk_sim_death *ffmk_study_deaths(const struct ffmk_study *study, size_t *n_p)
{
    *n_p = (size_t)study->wanted.dead_before + study->wanted.dead_during;
    return study->deaths;
}

/* Nodes die during the expected time; where no formula says how long that is, during the time it
 * takes when nobody dies. */
static bool begin(struct ffmk_study *study)
{
    const struct ffmk_sim_setup *setup = &study->wanted.setup;
    study->gossip = ffmk_sim_gossip_create(setup);
    if (!study->gossip)
        return false;
    double ticks = study->prediction.done * setup->overhead;
    if (study->wanted.dead_during > 0 && !ffmk_study_is_corrected(setup->algorithm)) {
        struct ffmk_sim_result result;
        if (!ffmk_sim_gossip_run(study->gossip, study->wanted.seed, NULL, 0, NULL, &result))
            return false;
        ticks = result.done_at;
    }
    study->horizon = ticks < 1 ? 1 : (uint32_t)ceil(ticks);
    return true;
}

/* Nodes are drawn without replacement; the horizon scales the moments, not the draw. */
static void draw_deaths(struct ffmk_study *study, uint64_t stream)
{
    const uint32_t others = study->wanted.setup.nodes - 1;
    const uint32_t n = study->wanted.dead_before + study->wanted.dead_during;
    for (uint32_t i = 0; n > 0 && i < others; i++)
        study->order[i] = i + 1;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t j = i + (uint32_t)ffmk_rng_below(&stream, others - i);
        const uint32_t node = study->order[j];
        study->order[j] = study->order[i];
        study->deaths[i].node = node;
        study->deaths[i].at = 0;
    }
    for (uint32_t i = study->wanted.dead_before; i < n; i++)
        study->deaths[i].at = 1 + (uint32_t)(ffmk_rng_unit(&stream) * study->horizon);
}

bool ffmk_study_run(struct ffmk_study *study, uint32_t *coloured_at)
{
    if (!study->gossip && !begin(study))
        return false;
    const uint64_t seed = ffmk_rng_mix(ffmk_rng_mix(study->wanted.seed) + study->runs);
    draw_deaths(study, ~seed);
    if (!ffmk_sim_gossip_run(study->gossip, seed, study->deaths,
                             study->wanted.dead_before + study->wanted.dead_during, coloured_at,
                             &study->results[study->runs]))
        return false;
    study->runs++;
    return true;
}

uint32_t ffmk_study_correction_arrives(const struct ffmk_study *study)
{
    const struct ffmk_sim_setup *setup = &study->wanted.setup;
    if (!ffmk_study_is_corrected(setup->algorithm) || setup->mode == FFMK_RUMOR_UNCORRECTED)
        return FFMK_SIM_ALIVE;
    const struct ffmk_schedule schedule = {.table = table_of(setup),
                                           .nodes = setup->nodes,
                                           .rounds = setup->nodes > 1 ? setup->rounds : 0,
                                           .hop = table_hop(setup)};
    const uint32_t hop = setup->wire + 2 * setup->overhead;
    const struct ffmk_rumor_plan plan = ffmk_rumor_plan(
        &schedule, setup->rules, setup->mode, setup->deaths_or_reach, setup->overhead, hop);
    return (uint32_t)plan.settled_after + hop;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two values that a share of all lies between. */
static double quantile(const double *sorted, uint32_t n, double share)
{
    const double at = share * (n - 1);
    const uint32_t below = (uint32_t)at;
    const uint32_t above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

static void sum_done(const struct ffmk_study *study, struct ffmk_study_summary *sum)
{
    const double slot = study->wanted.setup.overhead;
    double squares = 0;
    double *done = malloc(study->runs * sizeof *done);
    for (uint32_t i = 0; i < study->runs; i++) {
        const double at = study->results[i].done_at / slot;
        squares += (at - sum->done_mean) * (at - sum->done_mean);
        if (done)
            done[i] = at;
    }
    sum->done_sd = study->runs > 1 ? sqrt(squares / (study->runs - 1)) : 0;
    if (!done) {
        for (int q = 0; q < 3; q++)
            sum->done_quartiles[q] = NAN;
        return;
    }
    qsort(done, study->runs, sizeof *done, by_size);
    for (int q = 0; q < 3; q++)
        sum->done_quartiles[q] = quantile(done, study->runs, 0.25 * (q + 1));
    free(done);
}

struct ffmk_study_summary ffmk_study_sum(const struct ffmk_study *study)
{
    const double slot = study->wanted.setup.overhead;
    const double living = study->wanted.setup.nodes - study->wanted.dead_before;
    struct ffmk_study_summary sum = {.runs = study->runs};
    for (uint32_t i = 0; i < study->runs; i++) {
        const struct ffmk_sim_result *result = &study->results[i];
        sum.coloured_mean += result->coloured_at;
        sum.coloured_max = fmax(sum.coloured_max, result->coloured_at / slot);
        sum.done_mean += result->done_at;
        sum.done_max = fmax(sum.done_max, result->done_at / slot);
        sum.quiet_mean += result->quiet_at;
        sum.messages_per_rank += (double)result->messages;
        sum.missed_runs += result->missed > 0;
        sum.missed_ranks_mean += result->missed;
    }
    /* Whole numbers up to here, so that equal runs have an exact mean. */
    sum.coloured_mean /= slot * study->runs;
    sum.done_mean /= slot * study->runs;
    sum.quiet_mean /= slot * study->runs;
    sum.messages_per_rank /= living * study->runs;
    sum.missed_ranks_mean /= study->runs;
    sum_done(study, &sum);
    return sum;
}
