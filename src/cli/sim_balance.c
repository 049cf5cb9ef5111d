/* SPDX-License-Identifier: BSD-3-Clause
 * `ffmk sim balance`: simulates what its words ask for and hands it to a way of showing it. */
#include "cli/sim_balance_flows.h"

#include "cli/cli.h"
#include "cli/sim.h"
#include "core/log.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "usage: ffmk sim balance [options]\n\n"
    "Plans of ffmk_rebalance() over virtual ranks: rounds, messages, predicted time, what "
    "imbalance "
    "is reached.\n"
    "The parts are those that run in jobs; the network is LogGP: a message of n bytes occupies its "
    "sender for o,\n"
    "the ways out and in for g + (n - 1) G, is L under way, and occupies its receiver for o.\n\n"
    "  --ranks N            2 to 1048576 (default 512)\n"
    "  --items-per-rank K   in the mean: the cube of 2 to 16 (default 216)\n"
    "  --workload NAME      hotspot (default), hotspot-slow, hotspot-fast, front, noise, "
    "clustered, irregular,\n"
    "                       heavy, slow-rank\n"
    "  --steps S            plans behind the first, each with the weights a step later (default "
    "3); the figures\n"
    "                       are their medians; 0: the first plan alone\n"
    "  --imbalance X        asked: largest load / mean (default 1.05)\n"
    "  --max-rounds R       of a plan (default 32)\n"
    "  --start WHERE        blocks (default): the first plan finds a block of items at each rank;\n"
    "                       bisection: it finds them balanced already, which large jobs take long "
    "to be\n"
    "  --order HOW          blocks are numbered in rows, x first (default), or along a curve: "
    "then groups of\n"
    "                       the tree are compact\n"
    "  --fanout F           of the tree that finds the flows (default: as in jobs)\n"
    "  --network NAME       whose times (default infiniband):\n";

static const char help_more[] =
    "  --loggp L,o,g,G      times of your own: L, o, g in microseconds, G in nanoseconds a byte\n"
    "  --compute HOW        what computing takes: by a model (default; the same case gives the "
    "same), or measured\n"
    "                       on this machine\n"
    "  --seed S             of the workload (default 1)\n\n"
    "  --flows              instead of plans: how flows come about by the tree and by schemes of "
    "diffusion\n"
    "  --json               the same as JSON\n"
    "  --picture FILE.svg   also a picture of these flows; -: it alone, to standard output\n"
    "  --help               this text\n\n"
    "`man ffmk-sim` has examples.\n";

enum { SOURCE_WIDTH = 74 };

/* The source of a network's times, in lines that are not too long. */
static void write_source(FILE *out, const struct ffmk_loggp_named *network)
{
    const char *rest = network->source;
    fprintf(out, "                         %-11s %g, %g, %g us, %g ns\n", network->name,
            network->times.wire_ns / 1000, network->times.overhead_ns / 1000,
            network->times.gap_ns / 1000, network->times.byte_ns);
    while (*rest) {
        size_t n = strlen(rest);
        if (n > SOURCE_WIDTH) {
            n = SOURCE_WIDTH;
            while (n > 1 && rest[n] != ' ')
                n--;
        }
        fprintf(out, "                           %.*s\n", (int)n, rest);
        rest += n;
        rest += *rest == ' ';
    }
}

static void write_help(FILE *out)
{
    fputs(help, out);
    for (size_t i = 0; ffmk_loggp_named(i); i++)
        write_source(out, ffmk_loggp_named(i));
    fputs(help_more, out);
}

static uint64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Whether the parts have room in this machine's memory; bytes as found with 8, 27 and 216 items. */
static bool fits(const struct ffmk_sim_balance_case *wanted)
{
    const double there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    const double items = (double)wanted->side * wanted->side * wanted->side;
    const double needed = wanted->ranks * (16000 + 210 * items);
    if (there <= 0 || needed <= there)
        return true;
    ffmk_log("%u ranks of %.0f items need about %.0f GB, and this machine has %.0f; take fewer "
             "ranks or items",
             wanted->ranks, items, needed / 1e9, there / 1e9);
    return false;
}

static void on_progress(void *context, double share)
{
    ffmk_sim_progress_add(context, share);
}

static bool simulate(const struct ffmk_sim_balance_words *words,
                     struct ffmk_sim_balance_found *found, struct ffmk_sim_balance **sim_p)
{
    struct ffmk_sim_balance_case wanted = words->wanted;
    struct ffmk_sim_progress progress;
    if (!fits(&wanted))
        return false;
    wanted.clock_ns = words->measured ? processor_ns : NULL;
    ffmk_sim_progress_begin(&progress, words->steps + 1.0);
    *sim_p = ffmk_sim_balance_create(&wanted);
    bool good = *sim_p != NULL;
    while (good && found->n <= words->steps) {
        struct ffmk_sim_balance_call *call = &found->calls[found->n];
        good = ffmk_sim_balance_plan(*sim_p, (int64_t)found->n, on_progress, &progress, call);
        found->n += good;
        /* Letters are only guessed beforehand. */
        progress.done = (double)found->n;
        ffmk_sim_progress_add(&progress, 0);
    }
    ffmk_sim_progress_end(&progress);
    if (!good && *sim_p && found->calls[found->n].code == FFMK_ERR_STATE)
        ffmk_log("a part waits for a letter that never comes: this is a mistake of ffmk");
    else if (!good)
        ffmk_log("out of memory with %u ranks", wanted.ranks);
    return good;
}

static bool write_found(FILE *out, const void *context)
{
    const struct ffmk_sim_balance_words *words = context;
    struct ffmk_sim_balance_found *found = calloc(1, sizeof *found);
    struct ffmk_sim_balance *sim = NULL;
    const bool good = found && simulate(words, found, &sim);
    if (good) {
        found->words = words;
        found->rules = ffmk_sim_balance_rules(sim);
        if (words->json)
            ffmk_sim_balance_json(out, found);
        else
            ffmk_sim_balance_table(out, found);
    }
    ffmk_sim_balance_destroy(sim);
    free(found);
    return good;
}

static bool write_flows(FILE *out, const void *context)
{
    const struct ffmk_sim_balance_words *words = context;
    struct ffmk_sim_flows *flows = ffmk_sim_flows_find(words);
    if (!flows)
        return false;
    if (words->json)
        ffmk_sim_flows_json(out, flows, words);
    else
        ffmk_sim_flows_table(out, flows, words);
    ffmk_sim_flows_free(flows);
    return true;
}

static bool write_picture(FILE *out, const void *context)
{
    return ffmk_sim_balance_picture(out, context);
}

int ffmk_cli_sim_balance(int argc, char **argv)
{
    struct ffmk_sim_balance_words words;
    int code = ffmk_sim_balance_words_read(argc, argv, &words);
    if (code)
        return code;
    if (words.help) {
        write_help(stdout);
        return 0;
    }
    if (words.picture)
        code = ffmk_sim_write(words.picture, write_picture, &words);
    if (code || (words.picture && strcmp(words.picture, "-") == 0))
        return code;
    return ffmk_sim_write("-", words.flows ? write_flows : write_found, &words);
}
