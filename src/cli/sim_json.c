/* SPDX-License-Identifier: BSD-3-Clause
 * What a simulation found, as JSON. Times are in slots. */
#include "cli/sim.h"

#include <math.h>

static void put_prediction(json_t *object, const struct ffmk_sim_row *row)
{
    if (!row->predicted) {
        json_object_set_new(object, "predicted", json_null());
        return;
    }
    const struct ffmk_tune_choice *of = &row->prediction;
    json_t *predicted = json_object();
    json_object_set_new(predicted, "coloured_share", json_real(of->coloured));
    json_object_set_new(predicted, "done", json_real(of->done));
    json_object_set_new(predicted, "messages_per_rank", json_real(of->messages));
    json_object_set_new(predicted, "miss", json_real(of->miss));
    json_object_set_new(object, "predicted", predicted);
}

static void put_setup(json_t *object, const struct ffmk_sim_row *row)
{
    const struct ffmk_study_case *wanted = &row->wanted;
    const struct ffmk_sim_setup *setup = &wanted->setup;
    json_object_set_new(object, "algorithm", json_string(row->name));
    json_object_set_new(object, "correction", json_string(ffmk_sim_correction(setup).text));
    json_object_set_new(object, "rules",
                        row->predicted ? json_string(ffmk_sim_rules(setup->rules)) : json_null());
    json_object_set_new(object, "rounds",
                        row->predicted ? json_integer(setup->rounds) : json_null());
    json_object_set_new(object, "reach",
                        setup->mode == FFMK_RUMOR_OPPORTUNISTIC
                            ? json_integer(setup->deaths_or_reach)
                            : json_null());
    json_object_set_new(object, "deaths_survived",
                        setup->mode == FFMK_RUMOR_FAILURE_PROOF
                            ? json_integer(setup->deaths_or_reach)
                            : json_null());
    json_object_set_new(object, "ranks", json_integer(setup->nodes));
    json_object_set_new(object, "wire", json_real((double)setup->wire / setup->overhead));
    json_object_set_new(object, "k", json_integer(ffmk_study_hop(setup)));
    json_object_set_new(object, "dead_before", json_integer(wanted->dead_before));
    json_object_set_new(object, "dead_during", json_integer(wanted->dead_during));
    json_object_set_new(object, "runs", json_integer(row->sum.runs));
    /* JSON's integers end at 2^63 here; a seed beyond it is told as text. */
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)wanted->seed);
    json_object_set_new(object, "seed",
                        wanted->seed <= INT64_MAX ? json_integer((json_int_t)wanted->seed)
                                                  : json_string(seed));
}

json_t *ffmk_sim_json(const struct ffmk_sim_row *row)
{
    const struct ffmk_study_summary *sum = &row->sum;
    json_t *object = json_object();
    put_setup(object, row);
    json_object_set_new(object, "coloured_mean", json_real(sum->coloured_mean));
    json_object_set_new(object, "coloured_max", json_real(sum->coloured_max));
    json_object_set_new(object, "done_mean", json_real(sum->done_mean));
    json_object_set_new(object, "done_max", json_real(sum->done_max));
    json_object_set_new(object, "done_sd", json_real(sum->done_sd));
    json_t *quartiles = json_array();
    for (int q = 0; q < 3; q++)
        json_array_append_new(quartiles, json_real(sum->done_quartiles[q]));
    json_object_set_new(object, "done_quartiles", quartiles);
    json_object_set_new(object, "quiet_mean", json_real(sum->quiet_mean));
    json_object_set_new(object, "messages_per_rank", json_real(sum->messages_per_rank));
    json_object_set_new(object, "missed_runs", json_integer(sum->missed_runs));
    json_object_set_new(object, "missed_ranks_mean", json_real(sum->missed_ranks_mean));
    put_prediction(object, row);
    return object;
}
