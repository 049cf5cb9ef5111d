/* SPDX-License-Identifier: BSD-3-Clause
 * What a simulation of plans found, for a terminal and as JSON. */
#include "cli/report_units.h"
#include "cli/sim_balance.h"

#include <jansson.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The lower of the two in the middle. */
static double middle_of(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[(n - 1) / 2];
}

struct ffmk_sim_balance_call ffmk_sim_balance_middle(const struct ffmk_sim_balance_found *found)
{
    struct ffmk_sim_balance_call middle = found->calls[0];
    double values[FFMK_SIM_BALANCE_STEPS];
    const struct ffmk_sim_balance_call *calls = found->calls + 1;
    const size_t n = found->n - 1;
    if (n == 0)
        return middle;
#define MIDDLE(type, field)                                                                        \
    do {                                                                                           \
        for (size_t i = 0; i < n; i++)                                                             \
            values[i] = (double)calls[i].field;                                                    \
        middle.field = (type)middle_of(values, n);                                                 \
    } while (0)
    MIDDLE(int, passes);
    MIDDLE(uint64_t, messages);
    MIDDLE(uint64_t, bytes);
    MIDDLE(uint64_t, messages_most);
    MIDDLE(double, ns);
    MIDDLE(double, computing_most_ns);
    MIDDLE(double, imbalance_before);
    MIDDLE(double, imbalance_after);
    MIDDLE(double, bound);
    MIDDLE(double, cut_before);
    MIDDLE(double, cut_after);
    MIDDLE(double, migrated);
    MIDDLE(uint64_t, items_migrated);
    for (int p = 0; p < FFMK_SIM_BALANCE_PHASES; p++) {
        MIDDLE(double, phase_ns[p]);
        MIDDLE(uint32_t, chain[p]);
    }
#undef MIDDLE
    return middle;
}

static void write_network(FILE *out, const struct ffmk_sim_balance_words *words)
{
    const struct ffmk_loggp_times *times = &words->wanted.times;
    fprintf(out, "%s (L %g, o %g, g %g us, G %g ns), computing %s",
            words->network ? words->network->name : "a network", times->wire_ns / 1000,
            times->overhead_ns / 1000, times->gap_ns / 1000, times->byte_ns,
            words->measured ? "as measured" : "by the model");
}

static void write_call(FILE *out, const char *name, uint32_t ranks,
                       const struct ffmk_sim_balance_call *call)
{
    fprintf(out, "  %-7s %6d %8.3f %8.4f %9.1f %9llu %9.3f %8.3f %8.3f %8.3f %9s %12s\n", name,
            call->passes, call->imbalance_before, call->imbalance_after,
            (double)call->messages / ranks, (unsigned long long)call->messages_most,
            call->ns * 1e-6,
            (call->phase_ns[FFMK_SIM_BALANCE_UP] + call->phase_ns[FFMK_SIM_BALANCE_DOWN]) * 1e-6,
            call->phase_ns[FFMK_SIM_BALANCE_SPREAD] * 1e-6,
            call->phase_ns[FFMK_SIM_BALANCE_MEET] * 1e-6, ffmk_units_percent(call->migrated).text,
            ffmk_units_whole((int64_t)call->cut_after).text);
}

void ffmk_sim_balance_table(FILE *out, const struct ffmk_sim_balance_found *found)
{
    const struct ffmk_sim_balance_words *words = found->words;
    const struct ffmk_sim_balance_case *wanted = &words->wanted;
    fprintf(out, "%s: %s ranks of %u items from %s, imbalance asked %g; ", wanted->workload,
            ffmk_units_whole(wanted->ranks).text, wanted->side * wanted->side * wanted->side,
            wanted->bisected ? "a bisection"
            : wanted->curve  ? "blocks along a curve"
                             : "blocks",
            wanted->imbalance);
    fprintf(out, "fanout %d (%u level%s), seed %llu;\n", found->rules->fanout,
            found->calls[0].levels, found->calls[0].levels == 1 ? "" : "s",
            (unsigned long long)wanted->seed);
    write_network(out, words);
    fprintf(out, "\n\n  %-7s %6s %17s %19s %36s %9s %12s\n", "", "", "imbalance", "messages",
            "predicted ms", "load", "links");
    fprintf(out, "  %-7s %6s %8s %8s %9s %9s %9s %8s %8s %8s %9s %12s\n", "plan", "rounds",
            "before", "after", "a rank", "busiest", "in all", "tree", "diffuse", "borders", "moved",
            "cut");
    for (size_t i = 0; i < found->n; i++) {
        char name[24] = "first";
        if (i > 0)
            snprintf(name, sizeof name, "%zu", i);
        write_call(out, name, wanted->ranks, &found->calls[i]);
    }
    if (found->n > 2) {
        const struct ffmk_sim_balance_call middle = ffmk_sim_balance_middle(found);
        write_call(out, "median", wanted->ranks, &middle);
    }
}

static void put_call(json_t *object, uint32_t ranks, const struct ffmk_sim_balance_call *call)
{
    static const char *const phases[FFMK_SIM_BALANCE_PHASES] = {"up", "down", "diffusion",
                                                                "borders", "news"};
    json_t *phases_ms = json_object(), *chains = json_object();
    uint32_t flow = 0;
    json_object_set_new(object, "rounds", json_integer(call->passes));
    json_object_set_new(object, "messages_per_rank", json_real((double)call->messages / ranks));
    json_object_set_new(object, "messages_most", json_integer((json_int_t)call->messages_most));
    json_object_set_new(object, "bytes_per_rank", json_real((double)call->bytes / ranks));
    json_object_set_new(object, "predicted_ms", json_real(call->ns * 1e-6));
    json_object_set_new(object, "computing_most_ms", json_real(call->computing_most_ns * 1e-6));
    for (int p = 0; p < FFMK_SIM_BALANCE_PHASES; p++) {
        json_object_set_new(phases_ms, phases[p], json_real(call->phase_ns[p] * 1e-6));
        json_object_set_new(chains, phases[p], json_integer(call->chain[p]));
        flow += p <= FFMK_SIM_BALANCE_SPREAD ? call->chain[p] : 0;
    }
    json_object_set_new(object, "flow_rounds", json_integer(flow));
    json_object_set_new(object, "phases_ms", phases_ms);
    json_object_set_new(object, "chain", chains);
    json_object_set_new(object, "imbalance_before", json_real(call->imbalance_before));
    json_object_set_new(object, "imbalance", json_real(call->imbalance_after));
    json_object_set_new(object, "bound", json_real(call->bound));
    json_object_set_new(object, "migrated", json_real(call->migrated));
    json_object_set_new(object, "items_migrated", json_integer((json_int_t)call->items_migrated));
    json_object_set_new(object, "cut_before", json_real(call->cut_before));
    json_object_set_new(object, "cut", json_real(call->cut_after));
}

static json_t *network_of(const struct ffmk_sim_balance_words *words)
{
    const struct ffmk_loggp_times *times = &words->wanted.times;
    json_t *network = json_object();
    json_object_set_new(network, "name",
                        words->network ? json_string(words->network->name) : json_null());
    json_object_set_new(network, "source",
                        words->network ? json_string(words->network->source) : json_null());
    json_object_set_new(network, "L_us", json_real(times->wire_ns / 1000));
    json_object_set_new(network, "o_us", json_real(times->overhead_ns / 1000));
    json_object_set_new(network, "g_us", json_real(times->gap_ns / 1000));
    json_object_set_new(network, "G_ns", json_real(times->byte_ns));
    return network;
}

void ffmk_sim_balance_json(FILE *out, const struct ffmk_sim_balance_found *found)
{
    const struct ffmk_sim_balance_words *words = found->words;
    const struct ffmk_sim_balance_case *wanted = &words->wanted;
    const struct ffmk_sim_balance_call middle = ffmk_sim_balance_middle(found);
    json_t *root = json_object(), *plans = json_array();
    json_object_set_new(root, "workload", json_string(wanted->workload));
    json_object_set_new(root, "ranks", json_integer(wanted->ranks));
    json_object_set_new(root, "items_per_rank",
                        json_integer((json_int_t)wanted->side * wanted->side * wanted->side));
    json_object_set_new(root, "start", json_string(wanted->bisected ? "bisection" : "blocks"));
    json_object_set_new(root, "order",
                        wanted->bisected ? json_null()
                                         : json_string(wanted->curve ? "curve" : "rows"));
    json_object_set_new(root, "steps", json_integer(words->steps));
    json_object_set_new(root, "imbalance_asked", json_real(wanted->imbalance));
    json_object_set_new(root, "max_rounds", json_integer(found->rules->passes_most));
    json_object_set_new(root, "fanout", json_integer(found->rules->fanout));
    json_object_set_new(root, "levels", json_integer(found->calls[0].levels));
    json_object_set_new(root, "network", network_of(words));
    json_object_set_new(root, "compute", json_string(words->measured ? "measured" : "model"));
    json_object_set_new(root, "seed", json_integer((json_int_t)wanted->seed));
    put_call(root, wanted->ranks, &middle);
    for (size_t i = 0; i < found->n; i++) {
        json_t *plan = json_object();
        put_call(plan, wanted->ranks, &found->calls[i]);
        json_array_append_new(plans, plan);
    }
    json_object_set_new(root, "plans", plans);
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputs("\n", out);
    json_decref(root);
}
