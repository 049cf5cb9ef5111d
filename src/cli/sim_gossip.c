/* SPDX-License-Identifier: BSD-3-Clause
 * `ffmk sim gossip`: simulates what its words ask for and hands it to a way of showing it. */
#include "cli/cli.h"
#include "cli/sim_draw.h"
#include "core/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: ffmk sim gossip [options]\n\n"
    "Broadcasts over ranks of which some are dead, and nobody knows which: when the last living "
    "rank has it, when\n"
    "all are done, how many messages it takes. The engine is the one that runs in jobs; the "
    "network is LogP: a\n"
    "message occupies its sender for an overhead o and is received L + 2 o after its sending "
    "began. A slot is o.\n\n"
    "  --ranks N            1 to 4194304 (default 4096), with 100 to 200 bytes each\n"
    "  --wire L             time on the wire (default 1), up to 3 decimals\n"
    "  --overhead o         time to send or to receive (default 1), up to 3 decimals\n"
    "  --algorithm NAME     circulant, unless it is one of these:\n";

static const char help_more[] =
    "  --rounds T           slots of the dissemination (default: with which it is done first)\n"
    "  --correction HOW     none, opportunistic[:C], checked, failure-proof[:f]; default checked "
    "for gossip,\n"
    "                       circulant and binomial, none for the others, which take no other\n"
    "                         opportunistic:C  C ranks on each side; without C as few as --miss "
    "allows\n"
    "                         checked          until one that has it was heard on each side\n"
    "                         failure-proof:f  so that f may die meanwhile (default 1)\n"
    "  --rules WHOSE        published: the paper's, with our mend, or ours; default published "
    "for gossip and\n"
    "                       plain, ours for circulant and binomial\n"
    "  --miss E             what is chosen may miss a rank with this chance (default 1e-6)\n"
    "  --dead-before K|P%   so many ranks are dead from the beginning (default 0); rank 0, the "
    "root, never\n"
    "  --dead-during K      so many more die, each at a random tick of the expected time "
    "(default 0)\n"
    "  --runs R             broadcasts to take the mean of (default 100; fewer beyond 400,000 "
    "ranks)\n"
    "  --seed S             decides who dies and who sends to whom (default 1)\n\n"
    "  --compare            a row for each algorithm, with the same ranks dead\n"
    "  --json               the same as JSON; times in slots\n"
    "  --picture FILE.svg   also a picture of the first run; -: it alone, to standard output\n"
    "  --study FILE.html    instead a page: over time, against the number of ranks, of dead\n"
    "  --help               this text\n\n"
    "`man ffmk-sim` has examples.\n";

static void write_help(FILE *out)
{
    fputs(help, out);
    for (size_t i = 0; i < FFMK_SIM_NAMES; i++)
        fprintf(out, "                         %-12s %s\n", ffmk_sim_names[i].name,
                ffmk_sim_names[i].summary);
    fputs(help_more, out);
}

/* Whether a broadcast has room in this machine's memory. */
static bool fits(const struct ffmk_study *study)
{
    const double there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    const double needed = ffmk_study_bytes(study);
    if (there <= 0 || needed <= there)
        return true;
    ffmk_log("that many messages under way need about %.0f GB, and this machine has %.0f; take "
             "fewer ranks or a shorter wire",
             needed / 1e9, there / 1e9);
    return false;
}

bool ffmk_sim_study(const char *name, const struct ffmk_study_case *wanted, uint32_t runs,
                    struct ffmk_sim_progress *progress, struct ffmk_sim_row *row)
{
    struct ffmk_study *study = ffmk_study_create(wanted, runs);
    if (study && !fits(study)) {
        ffmk_study_destroy(study);
        return false;
    }
    bool good = study != NULL;
    for (uint32_t i = 0; good && i < runs; i++) {
        good = ffmk_study_run(study, NULL);
        ffmk_sim_progress_add(progress, wanted->setup.nodes);
    }
    if (!good) {
        ffmk_log("out of memory with %u ranks", wanted->setup.nodes);
        ffmk_study_destroy(study);
        return false;
    }
    *row = (struct ffmk_sim_row){.name = name, .wanted = *wanted, .sum = ffmk_study_sum(study)};
    row->wanted.setup = *ffmk_study_setup(study);
    const struct ffmk_tune_choice *prediction = ffmk_study_prediction(study);
    row->predicted = prediction != NULL;
    if (prediction)
        row->prediction = *prediction;
    ffmk_study_destroy(study);
    return true;
}

/* What the words ask for, one row or all. \return how many; 0 after a line that says why none. */
static size_t simulate(const struct ffmk_sim_words *words, struct ffmk_sim_row *rows)
{
    const size_t n = words->compare ? FFMK_SIM_COMPARED : 1;
    struct ffmk_sim_progress progress;
    ffmk_sim_progress_begin(&progress, (double)n * words->runs * words->wanted.setup.nodes);
    bool good = true;
    for (size_t i = 0; good && i < n; i++) {
        const struct ffmk_sim_compared *of = &ffmk_sim_compared[i];
        const struct ffmk_study_case wanted =
            words->compare ? ffmk_sim_case(&words->wanted, of->name, of->mode) : words->wanted;
        good = ffmk_sim_study(words->compare ? of->name : words->name->name, &wanted, words->runs,
                              &progress, &rows[i]);
    }
    ffmk_sim_progress_end(&progress);
    return good ? n : 0;
}

static void write_json(FILE *out, const struct ffmk_sim_row *rows, size_t n, bool as_array)
{
    json_t *root = as_array ? json_array() : ffmk_sim_json(&rows[0]);
    for (size_t i = 0; as_array && i < n; i++)
        json_array_append_new(root, ffmk_sim_json(&rows[i]));
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputs("\n", out);
    json_decref(root);
}

static bool write_rows(FILE *out, const void *context)
{
    const struct ffmk_sim_words *words = context;
    struct ffmk_sim_row rows[FFMK_SIM_COMPARED];
    const size_t n = simulate(words, rows);
    if (n == 0)
        return false;
    if (words->json)
        write_json(out, rows, n, words->compare);
    else if (words->compare)
        ffmk_sim_compare_table(out, rows, n);
    else
        ffmk_sim_table(out, &rows[0]);
    return true;
}

static bool write_picture(FILE *out, const void *context)
{
    const struct ffmk_sim_words *words = context;
    struct ffmk_sim_strip strip;
    if (!ffmk_sim_strip_make(words->name->name, &words->wanted, &strip))
        return false;
    ffmk_sim_strip_svg(out, &strip);
    ffmk_sim_strip_free(&strip);
    return true;
}

static bool write_page(FILE *out, const void *context)
{
    return ffmk_sim_page(out, context);
}

int ffmk_cli_sim_gossip(int argc, char **argv)
{
    struct ffmk_sim_words words;
    int code = ffmk_sim_words_read(argc, argv, &words);
    if (code)
        return code;
    if (words.help) {
        write_help(stdout);
        return 0;
    }
    if (words.page)
        return ffmk_sim_write(words.page, write_page, &words);
    if (words.picture)
        code = ffmk_sim_write(words.picture, write_picture, &words);
    if (code || (words.picture && strcmp(words.picture, "-") == 0))
        return code;
    return ffmk_sim_write("-", write_rows, &words);
}
