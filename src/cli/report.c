/* SPDX-License-Identifier: BSD-3-Clause
 * `ffmk report`: reads its words, loads what they name, and hands it to a way of showing it. It
 * shows nothing itself. */
#include "cli/report.h"

#include "cli/cli.h"
#include "cli/page.h"
#include "core/log.h"
#include "core/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_report[] = "ffmk-report.json";

static const char *const options[] = {"--output", "--csv", "--help", "-o", "-h"};

struct words {
    const char *files[2];
    size_t n_files;
    const char *page;
    const char *csv;
    bool help;
};

static void usage(FILE *out)
{
    fputs("usage: ffmk report [FILE] [-o PAGE.html] [--csv FILE]\n"
          "       ffmk report A B   [-o PAGE.html]\n\n"
          "Shows the report of a run (FFMK_REPORT=FILE, or `ffmk run`, which writes "
          "ffmk-report.json), or compares\n"
          "the reports of two runs.\n\n"
          "  -o, --output PAGE.html  one self-contained page instead of the table; - is standard "
          "output\n"
          "      --csv FILE          every call of every rank as CSV instead of the table; - is "
          "standard output\n"
          "  -h, --help              this text\n\n"
          "FILE is ffmk-report.json unless named. docs/report.md describes it; `man ffmk-report` "
          "has examples.\n",
          out);
}

/* The value of an option: behind "=", glued to a short one, or the next word. NULL after one line
 * when missing. */
static const char *value_of(int argc, char **argv, int *at, size_t name_length)
{
    const char *word = argv[*at];
    const char *glued = word + name_length;
    if (*glued == '=' && word[1] == '-')
        glued++;
    else if (*glued == '\0') {
        if (*at + 1 == argc) {
            ffmk_log("%s needs the name of a file behind it", word);
            return NULL;
        }
        glued = argv[++*at];
    }
    if (*glued == '\0') {
        ffmk_log("%.*s needs the name of a file behind it", (int)name_length, word);
        return NULL;
    }
    return glued;
}

static bool is_option(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && (word[length] == '\0' || word[length] == '=');
}

static int add_file(struct words *words, const char *file)
{
    if (words->n_files == 2) {
        ffmk_log("'%s' is one file too many: ffmk report shows one report or compares two", file);
        return FFMK_EXIT_USAGE;
    }
    words->files[words->n_files++] = file;
    return 0;
}

static int read_words(int argc, char **argv, struct words *words)
{
    bool only_files = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (only_files || word[0] != '-' || word[1] == '\0') {
            int code = add_file(words, word);
            if (code)
                return code;
        } else if (strcmp(word, "--") == 0) {
            only_files = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            words->help = true;
            return 0;
        } else if (is_option(word, "--output")) {
            words->page = value_of(argc, argv, &i, strlen("--output"));
            if (!words->page)
                return FFMK_EXIT_USAGE;
        } else if (is_option(word, "--csv")) {
            words->csv = value_of(argc, argv, &i, strlen("--csv"));
            if (!words->csv)
                return FFMK_EXIT_USAGE;
        } else if (strncmp(word, "-o", 2) == 0) {
            words->page = value_of(argc, argv, &i, 2);
            if (!words->page)
                return FFMK_EXIT_USAGE;
        } else {
            return ffmk_cli_unknown("option of ffmk report", word, options,
                                    sizeof options / sizeof options[0]);
        }
    }
    if (words->csv && words->n_files == 2) {
        ffmk_log("--csv writes the calls of one report; two were named");
        return FFMK_EXIT_USAGE;
    }
    if (words->csv && words->page && strcmp(words->csv, words->page) == 0) {
        ffmk_log("-o and --csv both name '%s'; page and CSV need a file each", words->csv);
        return FFMK_EXIT_USAGE;
    }
    if (words->n_files == 0) {
        if (access(default_report, F_OK) != 0) {
            ffmk_log("name a report: there is no %s here (`ffmk report --help`)", default_report);
            return FFMK_EXIT_USAGE;
        }
        words->files[words->n_files++] = default_report;
    }
    return 0;
}

/* Whether writing `output` would destroy a report that is read. */
static bool is_input(const struct words *words, const char *output)
{
    struct stat out;
    if (!output || strcmp(output, "-") == 0 || stat(output, &out) != 0)
        return false;
    for (size_t i = 0; i < words->n_files; i++) {
        struct stat in;
        if (stat(words->files[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
            ffmk_log("%s is the report itself; name another file to write to", output);
            return true;
        }
    }
    return false;
}

typedef void way_of_showing(FILE *out, const struct ffmk_report *first,
                            const struct ffmk_report *second);

static void show_csv(FILE *out, const struct ffmk_report *first, const struct ffmk_report *second)
{
    (void)second;
    ffmk_report_csv(out, first);
}

static void show_table(FILE *out, const struct ffmk_report *first, const struct ffmk_report *second)
{
    if (second)
        ffmk_report_compare(out, first, second);
    else
        ffmk_report_table(out, first);
}

/* \return 0, or an exit code after a line that says why. */
static int show_in(const char *name, way_of_showing *way, const struct ffmk_report *first,
                   const struct ffmk_report *second)
{
    static struct ffmk_output output;
    const bool is_stdout = strcmp(name, "-") == 0;
    if (is_stdout ? ffmk_output_open_stdout(&output) : ffmk_output_open(&output, name, getpid())) {
        way(output.stream, first, second);
        if (ffmk_output_close(&output, true))
            return 0;
    }
    ffmk_log("cannot write %s: %s", is_stdout ? "to standard output" : name,
             ffmk_output_reason(errno));
    return FFMK_EXIT_FAILED;
}

static int show(const struct words *words, const struct ffmk_report *first,
                const struct ffmk_report *second)
{
    int code = 0;
    if (words->page)
        code = show_in(words->page, ffmk_page, first, second);
    if (words->csv && !code)
        code = show_in(words->csv, show_csv, first, second);
    if (!words->page && !words->csv)
        code = show_in("-", show_table, first, second);
    return code;
}

int ffmk_cli_report(int argc, char **argv)
{
    struct words words = {0};
    int code = read_words(argc, argv, &words);
    if (code)
        return code;
    if (words.help) {
        usage(stdout);
        return 0;
    }
    if (is_input(&words, words.page) || is_input(&words, words.csv))
        return FFMK_EXIT_FAILED;
    struct ffmk_report reports[2];
    size_t loaded = 0;
    while (loaded < words.n_files && ffmk_report_load(words.files[loaded], &reports[loaded]) == 0)
        loaded++;
    code = FFMK_EXIT_FAILED;
    if (loaded == words.n_files)
        code = show(&words, &reports[0], loaded == 2 ? &reports[1] : NULL);
    while (loaded > 0)
        ffmk_report_free(&reports[--loaded]);
    return code;
}
