/* SPDX-License-Identifier: BSD-3-Clause
 * Reads the words of `ffmk sim balance`. */
#include "cli/cli.h"
#include "cli/sim_balance.h"
#include "cli/sim_options.h"
#include "core/log.h"

#include <string.h>

enum { LEAST_FANOUT = 2, MOST_FANOUT = 4096, MOST_PASSES = 63 };

struct raw {
    struct ffmk_sim_balance_words *words;
    const char *network;
    const char *loggp;
    const char *start;
    const char *order;
};

static bool take_ranks(void *context, const char *value)
{
    struct raw *raw = context;
    return ffmk_sim_options_whole32(value, 2, FFMK_SIM_BALANCE_MAX_RANKS,
                                    &raw->words->wanted.ranks);
}

static bool take_items(void *context, const char *value)
{
    struct raw *raw = context;
    uint32_t items = 0;
    if (!ffmk_sim_options_whole32(value, 8, 1 << 12, &items))
        return false;
    uint32_t side = 2;
    while (side * side * side < items)
        side++;
    raw->words->wanted.side = side;
    return side * side * side == items;
}

static bool take_workload(void *context, const char *value)
{
    struct raw *raw = context;
    for (size_t i = 0; ffmk_workload_name(i); i++)
        if (strcmp(ffmk_workload_name(i), value) == 0) {
            raw->words->wanted.workload = ffmk_workload_name(i);
            return true;
        }
    return false;
}

static bool take_steps(void *context, const char *value)
{
    struct raw *raw = context;
    return ffmk_sim_options_whole32(value, 0, FFMK_SIM_BALANCE_STEPS, &raw->words->steps);
}

static bool take_imbalance(void *context, const char *value)
{
    struct raw *raw = context;
    return ffmk_sim_options_real(value, 1, 100, &raw->words->wanted.imbalance);
}

static bool take_rounds(void *context, const char *value)
{
    struct raw *raw = context;
    uint32_t passes = 0;
    const bool good = ffmk_sim_options_whole32(value, 1, MOST_PASSES, &passes);
    raw->words->wanted.max_passes = (int)passes;
    return good;
}

static bool take_start(void *context, const char *value)
{
    struct raw *raw = context;
    raw->start = value;
    raw->words->wanted.bisected = strcmp(value, "bisection") == 0;
    return raw->words->wanted.bisected || strcmp(value, "blocks") == 0;
}

static bool take_order(void *context, const char *value)
{
    struct raw *raw = context;
    raw->order = value;
    raw->words->wanted.curve = strcmp(value, "curve") == 0;
    return raw->words->wanted.curve || strcmp(value, "rows") == 0;
}

static bool take_fanout(void *context, const char *value)
{
    struct raw *raw = context;
    uint32_t fanout = 0;
    const bool good = ffmk_sim_options_whole32(value, LEAST_FANOUT, MOST_FANOUT, &fanout);
    raw->words->wanted.fanout = (int32_t)fanout;
    return good;
}

static bool take_network(void *context, const char *value)
{
    struct raw *raw = context;
    raw->network = value;
    for (size_t i = 0; ffmk_loggp_named(i); i++)
        if (strcmp(ffmk_loggp_named(i)->name, value) == 0) {
            raw->words->network = ffmk_loggp_named(i);
            raw->words->wanted.times = ffmk_loggp_named(i)->times;
            return true;
        }
    return false;
}

static bool take_loggp(void *context, const char *value)
{
    struct raw *raw = context;
    struct ffmk_loggp_times times;
    double *const parts[] = {&times.wire_ns, &times.overhead_ns, &times.gap_ns, &times.byte_ns};
    char text[32];
    raw->loggp = value;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const size_t length = strcspn(value, ",");
        const bool last = i + 1 == sizeof parts / sizeof parts[0];
        if (length >= sizeof text || (value[length] == '\0') != last)
            return false;
        memcpy(text, value, length);
        text[length] = '\0';
        if (!ffmk_sim_options_real(text, 0, 1e6, parts[i]))
            return false;
        *parts[i] *= i < 3 ? 1000 : 1; /* us, but G in ns a byte */
        value += length + 1;
    }
    raw->words->wanted.times = times;
    raw->words->network = NULL;
    return true;
}

static bool take_compute(void *context, const char *value)
{
    struct raw *raw = context;
    raw->words->measured = strcmp(value, "measured") == 0;
    return raw->words->measured || strcmp(value, "model") == 0;
}

static bool take_seed(void *context, const char *value)
{
    struct raw *raw = context;
    return ffmk_sim_options_whole(value, 0, INT64_MAX, &raw->words->wanted.seed);
}

static bool take_picture(void *context, const char *value)
{
    struct raw *raw = context;
    raw->words->picture = value;
    return *value != '\0';
}

static const struct ffmk_sim_option options[] = {
    {"--ranks", take_ranks, "2 to 1048576"},
    {"--items-per-rank", take_items, "a cube from 8 to 4096: 8, 27, 64, 125, 216, …"},
    {"--workload", take_workload,
     "hotspot, hotspot-slow, hotspot-fast, front, noise, clustered, irregular, heavy, slow-rank"},
    {"--steps", take_steps, "0 to 100"},
    {"--imbalance", take_imbalance, "1 to 100"},
    {"--max-rounds", take_rounds, "1 to 63"},
    {"--start", take_start, "blocks, bisection"},
    {"--order", take_order, "rows, curve"},
    {"--fanout", take_fanout, "2 to 4096"},
    {"--network", take_network, "infiniband, aries"},
    {"--loggp", take_loggp,
     "L,o,g,G: L, o, g in microseconds and G in nanoseconds a byte, each 0 to 1e6"},
    {"--compute", take_compute, "model, measured"},
    {"--seed", take_seed, "0 to 9223372036854775807"},
    {"--picture", take_picture, "the name of a file, or -"},
};

static const struct ffmk_sim_flag flags[] = {
    {"--json", offsetof(struct ffmk_sim_balance_words, json)},
    {"--flows", offsetof(struct ffmk_sim_balance_words, flows)},
    {"--help", offsetof(struct ffmk_sim_balance_words, help)},
    {"-h", offsetof(struct ffmk_sim_balance_words, help)},
};

static const struct ffmk_sim_grammar grammar = {
    .what = "balance",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .flags = flags,
    .n_flags = sizeof flags / sizeof flags[0],
    .help = offsetof(struct ffmk_sim_balance_words, help),
};

static int refuse_pair(const char *one, const char *other, const char *why)
{
    ffmk_log("%s is not allowed with %s, which %s; allowed: one of them", one, other, why);
    return FFMK_EXIT_USAGE;
}

int ffmk_sim_balance_words_read(int argc, char **argv, struct ffmk_sim_balance_words *words)
{
    *words = (struct ffmk_sim_balance_words){.wanted = {.workload = "hotspot",
                                                        .ranks = 512,
                                                        .side = 6,
                                                        .seed = 1,
                                                        .imbalance = 1.05,
                                                        .times = ffmk_loggp_named(0)->times},
                                             .steps = 3,
                                             .network = ffmk_loggp_named(0)};
    struct raw raw = {.words = words};
    const int wrong = ffmk_sim_options_read(&grammar, argc, argv, words, &raw);
    if (wrong || words->help)
        return wrong;
    if (raw.network && raw.loggp)
        return refuse_pair("--network", "--loggp", "says what the network is");
    if (raw.order && words->wanted.bisected)
        return refuse_pair("--order", "--start bisection", "has an order of its own");
    if (words->json && words->picture && strcmp(words->picture, "-") == 0)
        return refuse_pair("--json", "--picture -", "takes standard output");
    return 0;
}
