/* SPDX-License-Identifier: BSD-3-Clause
 * What a simulation found, for a terminal. */
#include "cli/report_units.h"
#include "cli/sim.h"

#include <string.h>

/* "circulant, checked (ours), T = 22". */
static void write_how(FILE *out, const struct ffmk_sim_row *row)
{
    const struct ffmk_sim_setup *setup = &row->wanted.setup;
    fputs(row->name, out);
    if (setup->mode != FFMK_RUMOR_UNCORRECTED)
        fprintf(out, ", %s correction (%s)", ffmk_sim_correction(setup).text,
                ffmk_sim_rules(setup->rules));
    else if (row->predicted && strcmp(row->name, "plain") != 0)
        fputs(", no correction", out);
    if (row->predicted)
        fprintf(out, ", T = %u", setup->rounds);
}

static void write_runs(FILE *out, const struct ffmk_sim_row *row)
{
    fprintf(out, "; %s run%s, seed %llu\n", ffmk_units_whole(row->sum.runs).text,
            row->sum.runs == 1 ? "" : "s", (unsigned long long)row->wanted.seed);
}

static void write_time(FILE *out, const char *what, double mean, double most, double expected,
                       const char *meaning)
{
    fprintf(out, "  %-13s %9.2f ", what, mean);
    if (most >= 0)
        fprintf(out, "%9.2f ", most);
    else
        fprintf(out, "%9s ", "");
    if (expected >= 0)
        fprintf(out, "%9.2f", expected);
    else
        fprintf(out, "%9s", "");
    fprintf(out, "  %s\n", meaning);
}

void ffmk_sim_table(FILE *out, const struct ffmk_sim_row *row)
{
    const struct ffmk_study_summary *sum = &row->sum;
    const double none = -1;
    write_how(out, row);
    fputs(": ", out);
    ffmk_sim_where(out, &row->wanted);
    write_runs(out, row);
    fprintf(out, "\n  %-13s %9s %9s %9s\n", "", "mean", "max", row->predicted ? "expected" : "");
    write_time(out, "coloured", sum->coloured_mean, sum->coloured_max, none,
               "slots until the last rank has it");
    write_time(out, "done", sum->done_mean, sum->done_max,
               row->predicted ? row->prediction.done : none,
               "slots until the last rank has nothing more to send");
    write_time(out, "messages", sum->messages_per_rank, none,
               row->predicted ? row->prediction.messages : none, "a living rank");
    fprintf(out, "  %-13s %9u           ", "missed", sum->missed_runs);
    if (row->predicted && row->prediction.miss > 0)
        fprintf(out, "%9.2g", row->prediction.miss * sum->runs);
    else
        fprintf(out, "%9s", row->predicted ? "0" : "");
    fprintf(out, "  of %s run%s left a living rank without it", ffmk_units_whole(sum->runs).text,
            sum->runs == 1 ? "" : "s");
    if (sum->missed_runs)
        fprintf(out, "; %.3g ranks a run", sum->missed_ranks_mean);
    fputs("\n", out);
}

static void write_compared(FILE *out, const struct ffmk_sim_row *row)
{
    const struct ffmk_study_summary *sum = &row->sum;
    const struct ffmk_sim_setup *setup = &row->wanted.setup;
    char rounds[16] = "";
    if (row->predicted)
        snprintf(rounds, sizeof rounds, "%u", setup->rounds);
    fprintf(out, "  %-13s%-17s%4s %9.2f %9.2f %9.2f ", row->name,
            setup->mode == FFMK_RUMOR_UNCORRECTED ? "" : ffmk_sim_correction(setup).text, rounds,
            sum->coloured_mean, sum->done_mean, sum->done_max);
    if (row->predicted)
        fprintf(out, "%9.2f %9.2f %9.2f", row->prediction.done, sum->messages_per_rank,
                row->prediction.messages);
    else
        fprintf(out, "%9s %9.2f %9s", "", sum->messages_per_rank, "");
    fprintf(out, " %7u\n", sum->missed_runs);
}

void ffmk_sim_compare_table(FILE *out, const struct ffmk_sim_row *rows, size_t n)
{
    fputs("Broadcasts compared: ", out);
    ffmk_sim_where(out, &rows[0].wanted);
    write_runs(out, &rows[0]);
    fprintf(out, "\n  %-13s%-17s%4s %9s %9s %9s %9s %9s %9s %7s\n", "", "", "", "coloured", "done",
            "done", "done", "messages", "messages", "runs");
    fprintf(out, "  %-13s%-17s%4s %9s %9s %9s %9s %9s %9s %7s\n", "", "correction", "T", "mean",
            "mean", "max", "expected", "a rank", "expected", "missed");
    for (size_t i = 0; i < n; i++)
        write_compared(out, &rows[i]);
    fputs("\nTimes in slots. T and reach are the best for this many dead.\n", out);
}
