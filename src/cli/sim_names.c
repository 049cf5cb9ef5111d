/* SPDX-License-Identifier: BSD-3-Clause
 * Names of broadcasts, and what each takes when nothing is said. */
#include "cli/sim.h"

#include "cli/report_units.h"

#include <string.h>

const struct ffmk_sim_name ffmk_sim_names[FFMK_SIM_NAMES] = {
    {"gossip", FFMK_SIM_GOSSIP, FFMK_RUMOR_PUBLISHED, true, true,
     "random targets, then a correction over the ring (corrected gossip)"},
    {"circulant", FFMK_SIM_CIRCULANT, FFMK_RUMOR_OURS, true, true,
     "the LogP-optimal tree spread over the ring, then a correction"},
    {"binomial", FFMK_SIM_BINOMIAL, FFMK_RUMOR_OURS, true, true,
     "the interleaved binomial tree, then a correction"},
    {"binomial-ack", FFMK_SIM_BINOMIAL_ACK, FFMK_RUMOR_OURS, false, false,
     "a binomial tree, acknowledged back to the root"},
    {"big", FFMK_SIM_BIG, FFMK_RUMOR_OURS, false, false,
     "binomial graph, one way, in the order of its tree"},
    {"big-ompi", FFMK_SIM_BIG_OMPI, FFMK_RUMOR_OURS, false, false,
     "binomial graph in Open MPI's order: +1, -1, +2, -2, +4, …"},
    {"plain", FFMK_SIM_GOSSIP, FFMK_RUMOR_PUBLISHED, false, true, "random targets, no correction"},
};

const struct ffmk_sim_compared ffmk_sim_compared[FFMK_SIM_COMPARED] = {
    {"circulant", FFMK_RUMOR_CHECKED},    {"circulant", FFMK_RUMOR_OPPORTUNISTIC},
    {"binomial", FFMK_RUMOR_CHECKED},     {"gossip", FFMK_RUMOR_CHECKED},
    {"plain", FFMK_RUMOR_UNCORRECTED},    {"big", FFMK_RUMOR_UNCORRECTED},
    {"big-ompi", FFMK_RUMOR_UNCORRECTED}, {"binomial-ack", FFMK_RUMOR_UNCORRECTED},
};

struct ffmk_study_case ffmk_sim_case(const struct ffmk_study_case *like, const char *name,
                                     enum ffmk_rumor_mode mode)
{
    struct ffmk_study_case wanted = *like;
    for (size_t i = 0; i < FFMK_SIM_NAMES; i++)
        if (strcmp(ffmk_sim_names[i].name, name) == 0) {
            wanted.setup.algorithm = ffmk_sim_names[i].algorithm;
            wanted.setup.rules = ffmk_sim_names[i].rules;
        }
    wanted.setup.mode = mode;
    wanted.setup.rounds = FFMK_STUDY_CHOOSE;
    wanted.setup.deaths_or_reach = mode == FFMK_RUMOR_OPPORTUNISTIC ? FFMK_STUDY_CHOOSE : 0;
    return wanted;
}

struct ffmk_sim_text ffmk_sim_correction(const struct ffmk_sim_setup *setup)
{
    static const char *const names[] = {"none", "opportunistic", "checked", "failure-proof"};
    struct ffmk_sim_text text;
    if (setup->mode == FFMK_RUMOR_OPPORTUNISTIC || setup->mode == FFMK_RUMOR_FAILURE_PROOF)
        snprintf(text.text, sizeof text.text, "%s:%u", names[setup->mode], setup->deaths_or_reach);
    else
        snprintf(text.text, sizeof text.text, "%s", names[setup->mode]);
    return text;
}

const char *ffmk_sim_rules(enum ffmk_rumor_rules rules)
{
    return rules == FFMK_RUMOR_PUBLISHED ? "published" : "ours";
}

void ffmk_sim_where(FILE *out, const struct ffmk_study_case *wanted)
{
    const struct ffmk_sim_setup *setup = &wanted->setup;
    fprintf(out, "%s rank%s, L = %g o, k = %u", ffmk_units_whole(setup->nodes).text,
            setup->nodes == 1 ? "" : "s", (double)setup->wire / setup->overhead,
            ffmk_study_hop(setup));
    if (wanted->dead_before)
        fprintf(out, ", %s dead before (%s)", ffmk_units_whole(wanted->dead_before).text,
                ffmk_units_percent((double)wanted->dead_before / setup->nodes).text);
    if (wanted->dead_during)
        fprintf(out, ", %s %s meanwhile", ffmk_units_whole(wanted->dead_during).text,
                wanted->dead_during == 1 ? "dies" : "die");
    if (!wanted->dead_before && !wanted->dead_during)
        fputs(", nobody dies", out);
}
