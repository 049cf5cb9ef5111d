/* SPDX-License-Identifier: BSD-3-Clause
 * Reads the words of `ffmk sim gossip`. Every wrong one is answered by one line that names it and
 * says what is allowed. */
#include "cli/cli.h"
#include "cli/sim.h"
#include "cli/sim_options.h"
#include "core/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Times are read in thousandths; so many keep every product below in 64 bits. */
enum { THOUSAND = 1000, MOST_TIME = 1000000, MOST_REACH = 1024, MOST_DEAD_PERCENT = 90 };

/* As written; what the rest allows is known when all are read. */
struct raw {
    struct ffmk_sim_words *words;
    uint64_t wire; /* in thousandths */
    uint64_t overhead;
    const char *wire_text;
    const char *overhead_text;
    const char *correction;
    const char *rules;
    const char *rounds;
    const char *algorithm;
    const char *before;
    const char *during;
};

/* "12.345" in thousandths. */
static bool read_thousandths(const char *text, uint64_t most, uint64_t *value_p)
{
    const size_t whole = strspn(text, "0123456789");
    const size_t dot = text[whole] == '.';
    const size_t part = dot ? strspn(text + whole + 1, "0123456789") : 0;
    if (whole == 0 || whole > 7 || (dot && part == 0) || part > 3 || text[whole + dot + part])
        return false;
    uint64_t value = strtoull(text, NULL, 10) * THOUSAND;
    uint64_t unit = THOUSAND / 10;
    for (size_t i = 0; i < part; i++, unit /= 10)
        value += unit * (uint64_t)(text[whole + 1 + i] - '0');
    if (value > most * THOUSAND)
        return false;
    *value_p = value;
    return true;
}

static bool take_ranks(void *context, const char *value)
{
    struct raw *raw = context;
    return ffmk_sim_options_whole32(value, 1, FFMK_STUDY_MAX_NODES,
                                    &raw->words->wanted.setup.nodes);
}

static bool take_wire(void *context, const char *value)
{
    struct raw *raw = context;
    raw->wire_text = value;
    return read_thousandths(value, MOST_TIME, &raw->wire);
}

static bool take_overhead(void *context, const char *value)
{
    struct raw *raw = context;
    raw->overhead_text = value;
    return read_thousandths(value, MOST_TIME, &raw->overhead) && raw->overhead > 0;
}

static bool take_algorithm(void *context, const char *value)
{
    struct raw *raw = context;
    raw->algorithm = value;
    for (size_t i = 0; i < FFMK_SIM_NAMES; i++)
        if (strcmp(value, ffmk_sim_names[i].name) == 0) {
            raw->words->name = &ffmk_sim_names[i];
            return true;
        }
    return false;
}

static bool take_rounds(void *context, const char *value)
{
    struct raw *raw = context;
    raw->rounds = value;
    return ffmk_sim_options_whole32(value, 0, FFMK_SCHEDULE_MAX_ROUNDS,
                                    &raw->words->wanted.setup.rounds);
}

static bool take_correction(void *context, const char *value)
{
    struct raw *raw = context;
    struct ffmk_sim_setup *setup = &raw->words->wanted.setup;
    static const struct {
        const char *name;
        enum ffmk_rumor_mode mode;
        uint32_t usual;
        uint32_t least;
        uint32_t most; /* 0: takes no number */
    } corrections[] = {
        {"none", FFMK_RUMOR_UNCORRECTED, 0, 0, 0},
        {"opportunistic", FFMK_RUMOR_OPPORTUNISTIC, FFMK_STUDY_CHOOSE, 1, MOST_REACH},
        {"checked", FFMK_RUMOR_CHECKED, 0, 0, 0},
        {"failure-proof", FFMK_RUMOR_FAILURE_PROOF, 1, 0, FFMK_RUMOR_MAX_DEATHS},
    };
    raw->correction = value;
    for (size_t i = 0; i < sizeof corrections / sizeof corrections[0]; i++) {
        const size_t length = strlen(corrections[i].name);
        if (strncmp(value, corrections[i].name, length) != 0)
            continue;
        setup->mode = corrections[i].mode;
        setup->deaths_or_reach = corrections[i].usual;
        if (value[length] == '\0')
            return true;
        return corrections[i].most > 0 && value[length] == ':' &&
               ffmk_sim_options_whole32(value + length + 1, corrections[i].least,
                                        corrections[i].most, &setup->deaths_or_reach);
    }
    return false;
}

static bool take_rules(void *context, const char *value)
{
    struct raw *raw = context;
    raw->rules = value;
    raw->words->wanted.setup.rules =
        strcmp(value, "ours") == 0 ? FFMK_RUMOR_OURS : FFMK_RUMOR_PUBLISHED;
    return strcmp(value, "ours") == 0 || strcmp(value, "published") == 0;
}

/* Only whether it is a number or a share; how many that is, is known with the ranks. */
static bool take_before(void *context, const char *value)
{
    struct raw *raw = context;
    char share[16];
    uint64_t ignored = 0;
    const size_t length = strlen(value);
    raw->before = value;
    if (length == 0 || length > sizeof share || value[length - 1] != '%')
        return ffmk_sim_options_whole(value, 0, FFMK_STUDY_MAX_NODES, &ignored);
    memcpy(share, value, length - 1);
    share[length - 1] = '\0';
    return read_thousandths(share, MOST_DEAD_PERCENT, &ignored);
}

static bool take_during(void *context, const char *value)
{
    struct raw *raw = context;
    raw->during = value;
    return ffmk_sim_options_whole32(value, 0, FFMK_STUDY_MAX_NODES,
                                    &raw->words->wanted.dead_during);
}

static bool take_runs(void *context, const char *value)
{
    struct raw *raw = context;
    raw->words->runs_given = true;
    return ffmk_sim_options_whole32(value, 1, FFMK_STUDY_MAX_RUNS, &raw->words->runs);
}

static bool take_seed(void *context, const char *value)
{
    struct raw *raw = context;
    return ffmk_sim_options_whole(value, 0, UINT64_MAX, &raw->words->wanted.seed);
}

static bool take_miss(void *context, const char *value)
{
    struct raw *raw = context;
    char *end = NULL;
    const double miss = strtod(value, &end);
    if (end == value || *end || !(miss >= 1e-15 && miss <= 0.5))
        return false;
    raw->words->wanted.miss = miss;
    return true;
}

static bool take_picture(void *context, const char *value)
{
    struct raw *raw = context;
    raw->words->picture = value;
    return *value != '\0';
}

static bool take_page(void *context, const char *value)
{
    struct raw *raw = context;
    raw->words->page = value;
    return *value != '\0';
}

static const struct ffmk_sim_option options[] = {
    {"--ranks", take_ranks, "1 to 4194304"},
    {"--wire", take_wire, "0 to 1000000, with at most 3 decimals"},
    {"--overhead", take_overhead, "0.001 to 1000000, with at most 3 decimals"},
    {"--algorithm", take_algorithm,
     "gossip, circulant, binomial, binomial-ack, big, big-ompi, plain"},
    {"--rounds", take_rounds, "0 to 4096"},
    {"--correction", take_correction,
     "none, opportunistic, opportunistic:1 to :1024, checked, failure-proof, failure-proof:0 to "
     ":30"},
    {"--rules", take_rules, "published, ours"},
    {"--dead-before", take_before, "a number of ranks, or 0% to 90% of them"},
    {"--dead-during", take_during, "0 to one less than the ranks"},
    {"--runs", take_runs, "1 to 1000000"},
    {"--seed", take_seed, "0 to 18446744073709551615"},
    {"--miss", take_miss, "a chance from 1e-15 to 0.5"},
    {"--picture", take_picture, "the name of a file, or -"},
    {"--study", take_page, "the name of a file, or -"},
};

static const struct ffmk_sim_flag flags[] = {
    {"--json", offsetof(struct ffmk_sim_words, json)},
    {"--compare", offsetof(struct ffmk_sim_words, compare)},
    {"--help", offsetof(struct ffmk_sim_words, help)},
    {"-h", offsetof(struct ffmk_sim_words, help)},
};

static const struct ffmk_sim_grammar grammar = {
    .what = "gossip",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .flags = flags,
    .n_flags = sizeof flags / sizeof flags[0],
    .help = offsetof(struct ffmk_sim_words, help),
};

/* Times as the fewest whole ticks. */
static int settle_times(const struct raw *raw)
{
    struct ffmk_sim_setup *setup = &raw->words->wanted.setup;
    uint64_t a = raw->overhead;
    uint64_t b = raw->wire;
    while (b > 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    setup->wire = (uint32_t)(raw->wire / a);
    setup->overhead = (uint32_t)(raw->overhead / a);
    const uint64_t k = (raw->wire + 3 * raw->overhead - 1) / raw->overhead;
    if (k > FFMK_SCHEDULE_MAX_HOP) {
        ffmk_log("--wire %s with --overhead %s is not allowed: a message would take %" PRIu64
                 " overheads; allowed: wire up to %d overheads",
                 raw->wire_text, raw->overhead_text, k, FFMK_SCHEDULE_MAX_HOP - 2);
        return FFMK_EXIT_USAGE;
    }
    if (ffmk_study_too_long(setup)) {
        ffmk_log("--wire %s with --overhead %s is not allowed for %u ranks: an overhead is %u "
                 "ticks, more than the clock can count; allowed: fewer decimals, or fewer ranks",
                 raw->wire_text, raw->overhead_text, setup->nodes, setup->overhead);
        return FFMK_EXIT_USAGE;
    }
    return 0;
}

/* The root lives, and somebody has to. */
static int settle_deaths(const struct raw *raw)
{
    struct ffmk_study_case *wanted = &raw->words->wanted;
    const uint32_t ranks = wanted->setup.nodes;
    uint64_t value = 0;
    char allowed[96];
    const bool share = strchr(raw->before, '%') != NULL;
    if (share) {
        const double percent = strtod(raw->before, NULL);
        wanted->dead_before = (uint32_t)lround(percent / 100 * ranks);
        if (wanted->dead_before > ranks - 1)
            wanted->dead_before = ranks - 1;
    } else {
        const uint64_t most = (uint64_t)ranks * MOST_DEAD_PERCENT / 100;
        if (!ffmk_sim_options_whole(raw->before, 0, most, &value)) {
            snprintf(allowed, sizeof allowed, "0 to %" PRIu64 " of %u ranks, or 0%% to %d%%", most,
                     ranks, MOST_DEAD_PERCENT);
            return ffmk_sim_options_refuse("--dead-before", raw->before, allowed);
        }
        wanted->dead_before = (uint32_t)value;
    }
    if (wanted->dead_during > ranks - 1 - wanted->dead_before) {
        snprintf(allowed, sizeof allowed, "0 to %u of %u ranks, for the root lives",
                 ranks - 1 - wanted->dead_before, ranks);
        return ffmk_sim_options_refuse("--dead-during", raw->during, allowed);
    }
    return 0;
}

/* What the algorithm takes. */
static int settle_algorithm(const struct raw *raw)
{
    struct ffmk_sim_setup *setup = &raw->words->wanted.setup;
    const struct ffmk_sim_name *name = raw->words->name;
    char line[96];
    setup->algorithm = name->algorithm;
    if (!raw->rules)
        setup->rules = name->rules;
    if (!raw->correction) {
        setup->mode = name->corrects ? FFMK_RUMOR_CHECKED : FFMK_RUMOR_UNCORRECTED;
        setup->deaths_or_reach = 0;
    }
    if (!name->corrects && setup->mode != FFMK_RUMOR_UNCORRECTED) {
        snprintf(line, sizeof line,
                 "none with --algorithm %s, any with gossip, circulant, binomial", name->name);
        return ffmk_sim_options_refuse("--correction", raw->correction, line);
    }
    const char *spare = raw->rounds ? "--rounds" : raw->rules ? "--rules" : NULL;
    if (spare && !name->tables) {
        ffmk_log("%s %s is not allowed with --algorithm %s, which has none; allowed: gossip, "
                 "circulant, binomial, plain",
                 spare, raw->rounds ? raw->rounds : raw->rules, name->name);
        return FFMK_EXIT_USAGE;
    }
    return 0;
}

/* Ways of showing that do not go together. */
static int settle_showing(const struct raw *raw)
{
    const struct ffmk_sim_words *words = raw->words;
    const char *many = words->compare ? "--compare" : words->page ? "--study" : NULL;
    const char *other = !many                           ? NULL
                        : words->compare && words->page ? "--study"
                        : words->picture                ? "--picture"
                        : words->page && words->json    ? "--json"
                        : raw->algorithm                ? "--algorithm"
                        : raw->rounds                   ? "--rounds"
                        : raw->correction               ? "--correction"
                        : raw->rules                    ? "--rules"
                                                        : NULL;
    if (!other && words->json && words->picture && strcmp(words->picture, "-") == 0) {
        many = "--picture -";
        other = "--json";
    }
    if (words->page && words->wanted.setup.nodes < 2) {
        ffmk_log("--ranks 1 is not allowed with --study; allowed: 2 to %d", FFMK_STUDY_MAX_NODES);
        return FFMK_EXIT_USAGE;
    }
    if (!other)
        return 0;
    ffmk_log("%s is not allowed with %s, which %s; allowed: one of them", other, many,
             words->compare || words->page ? "shows all algorithms" : "takes standard output");
    return FFMK_EXIT_USAGE;
}

int ffmk_sim_words_read(int argc, char **argv, struct ffmk_sim_words *words)
{
    *words = (struct ffmk_sim_words){
        .name = &ffmk_sim_names[1],
        .wanted = {.setup = {.nodes = 4096, .rounds = FFMK_STUDY_CHOOSE}, .miss = 1e-6, .seed = 1}};
    struct raw raw = {.words = words,
                      .wire = THOUSAND,
                      .overhead = THOUSAND,
                      .wire_text = "1",
                      .overhead_text = "1",
                      .before = "0",
                      .during = "0"};
    const int wrong = ffmk_sim_options_read(&grammar, argc, argv, words, &raw);
    if (wrong || words->help)
        return wrong;
    int (*const settle[])(const struct raw *) = {settle_showing, settle_algorithm, settle_times,
                                                 settle_deaths};
    for (size_t i = 0; i < sizeof settle / sizeof settle[0]; i++) {
        const int code = settle[i](&raw);
        if (code)
            return code;
    }
    if (!words->runs_given)
        words->runs = ffmk_study_usual_runs(words->wanted.setup.nodes);
    return 0;
}
