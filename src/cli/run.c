/* SPDX-License-Identifier: BSD-3-Clause
 * `ffmk run`: behind an MPI launcher, replaces itself by the program with the right libffmk
 * preloaded. */
#include "cli/builds.h"
#include "cli/cli.h"
#include "cli/elf.h"
#include "cli/place.h"
#include "core/config.h"
#include "core/launcher.h"
#include "core/log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As a shell: what ran is told from what did not. */
enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

static const char help[] =
    "usage: mpirun -np N ffmk run [options] [--] PROGRAM [ARGUMENTS…]\n\n"
    "Runs PROGRAM with ffmk: a summary at the end, and a report to look into. The program is not "
    "changed.\n\n"
    "  --report PATH     write the report here (default: ffmk-report.json; %h host, %r rank, %j "
    "job)\n"
    "  --no-report       write none\n"
    "  --csv PATH        write every rank's calls as CSV too\n"
    "  --counters SET    off, rusage (default), perf, papi[:EVENT,EVENT…]\n"
    "  --summary WHERE   off, stderr (default), stdout\n"
    "  --timeline N      intervals of a rank's time line (default 256)\n"
    "  --chain           pass calls on to the next PMPI tool in LD_PRELOAD\n"
    "  --strict          a wrong FFMK_* variable ends the job\n"
    "  --verbose         say what ffmk does and why\n"
    "  --mpi NAME        take the build for openmpi or mpich, whatever the program needs\n"
    "  --help            this text\n\n"
    "Each option sets the FFMK_* variable of its name; `ffmk info` shows them all.\n"
    "Then: ffmk report ffmk-report.json -o run.html\n";

/* Options that set a variable; value: the one a word without argument gives. */
static const struct option {
    const char *word;
    enum ffmk_config_id id;
    const char *value;
} options[] = {
    {"--report", FFMK_CONFIG_REPORT, NULL},   {"--no-report", FFMK_CONFIG_REPORT, ""},
    {"--csv", FFMK_CONFIG_CSV, NULL},         {"--counters", FFMK_CONFIG_COUNTERS, NULL},
    {"--summary", FFMK_CONFIG_SUMMARY, NULL}, {"--timeline", FFMK_CONFIG_TIMELINE, NULL},
    {"--chain", FFMK_CONFIG_CHAIN, "1"},      {"--strict", FFMK_CONFIG_STRICT, "1"},
    {"--verbose", FFMK_CONFIG_VERBOSE, "1"},
};
enum { OPTIONS = sizeof options / sizeof options[0] };

/* Every rank meets the same mistake; one tells it. */
static int refuse(int code, const char *line)
{
    if (ffmk_launcher_first_rank())
        ffmk_log("%s", line);
    else if (code)
        sleep(1); /* the launcher ends the job with the first process: not before it was told */
    return code;
}

static int unknown_option(const char *word)
{
    const char *names[OPTIONS + 2] = {"--mpi", "--help"};
    for (size_t i = 0; i < OPTIONS; i++)
        names[i + 2] = options[i].word;
    if (!ffmk_launcher_first_rank())
        return FFMK_EXIT_USAGE;
    return ffmk_cli_unknown("option of ffmk run", word, names, OPTIONS + 2);
}

/* Take one option from argv[*at], with its value. \return 0, or an exit code. */
static int take_option(int argc, char **argv, int *at, const char **mpi_p)
{
    char line[512];
    char word[64];
    const char *equals = strchr(argv[*at], '=');
    snprintf(word, sizeof word, "%.*s", equals ? (int)(equals - argv[*at]) : 63, argv[*at]);
    const struct option *option = NULL;
    for (size_t i = 0; i < OPTIONS; i++)
        if (strcmp(word, options[i].word) == 0)
            option = &options[i];
    const bool is_mpi = strcmp(word, "--mpi") == 0;
    if (!option && !is_mpi)
        return unknown_option(argv[*at]);
    const char *value = option ? option->value : NULL;
    if (!value) {
        value = equals ? equals + 1 : (*at + 1 < argc ? argv[++*at] : NULL);
        if (!value) {
            snprintf(line, sizeof line, "%s wants a value; see ffmk run --help", word);
            return refuse(FFMK_EXIT_USAGE, line);
        }
    }
    if (is_mpi) {
        *mpi_p = value;
        if (strcmp(value, "openmpi") == 0 || strcmp(value, "mpich") == 0)
            return 0;
        snprintf(line, sizeof line, "--mpi %.80s is not allowed; allowed: openmpi, mpich", value);
        return refuse(FFMK_EXIT_USAGE, line);
    }
    if (!ffmk_config_check(option->id, value, line, sizeof line))
        return refuse(FFMK_EXIT_USAGE, line);
    setenv(ffmk_config_var(option->id)->name, value, 1);
    return 0;
}

static void tell(void *context, const char *line)
{
    (void)context;
    refuse(0, line);
}

/* The build that fits: as asked, as the program's ELF says, as its launcher says, or the first
 * there is. */
static const char *choose(const struct ffmk_elf *elf, const char *asked)
{
    char line[512];
    if (asked && elf->mpi && strcmp(asked, elf->mpi) != 0) {
        snprintf(line, sizeof line,
                 "'%.300s' needs %s, yet --mpi %s asks for another build: without --mpi the one "
                 "that fits is taken",
                 elf->path, elf->mpi, asked);
        refuse(0, line);
    }
    if (asked)
        return asked;
    if (elf->mpi)
        return elf->mpi;
    const char *launcher = ffmk_launcher_mpi();
    if (launcher)
        return launcher;
    char path[4096];
    for (const char *const *name = ffmk_builds_names; *name; name++)
        if (ffmk_builds_library(*name, path, sizeof path))
            return *name;
    return ffmk_builds_names[0];
}

static void preload(const char *mpi)
{
    char path[4096];
    char line[8192];
    if (!ffmk_builds_library(mpi, path, sizeof path)) {
        char list[64];
        ffmk_builds_list(list, sizeof list);
        snprintf(line, sizeof line,
                 "no libffmk for %s is installed (there is: %s): running the program without it",
                 mpi, list);
        refuse(0, line);
        return;
    }
    const char *before = getenv("LD_PRELOAD");
    if (before && *before)
        snprintf(line, sizeof line, "%s:%s", path, before);
    setenv("LD_PRELOAD", before && *before ? line : path, 1);
}

/* A shell may go to another folder before it starts what is watched. */
static bool is_shell(const struct ffmk_elf *elf)
{
    static const char *const shells[] = {"sh",  "bash", "dash", "ksh",  "mksh",
                                         "zsh", "csh",  "tcsh", "fish", "busybox"};
    const char *slash = strrchr(elf->binary, '/');
    const char *name = slash ? slash + 1 : elf->binary;
    bool found = elf->kind == FFMK_ELF_OTHER;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        found = found || strcmp(name, shells[i]) == 0;
    return found;
}

/* That a report cannot be written is told before hours of computing, not only behind them. It is no
 * reason not to run: the program may make the folder, and its own results count for more. */
static void look_at_places(const struct ffmk_config *config, const struct ffmk_elf *elf)
{
    static const struct {
        enum ffmk_config_id id;
        const char *what;
    } places[] = {{FFMK_CONFIG_REPORT, "report"}, {FFMK_CONFIG_CSV, "table of calls"}};
    char reason[512];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const struct ffmk_config_value *value = &config->value[places[i].id];
        if (!ffmk_place_fits(value->text, is_shell(elf), reason, sizeof reason))
            ffmk_log("as things are, the %s cannot be written to '%.300s': %s", places[i].what,
                     value->text, reason);
    }
}

/* Become the program; as execvp does, a shell reads what the kernel cannot start. */
static void become(const char *path, char **argv, int argc)
{
    execv(path, argv);
    if (errno != ENOEXEC)
        return;
    const char **words = calloc((size_t)argc + 2, sizeof *words);
    if (!words)
        return;
    words[0] = "/bin/sh";
    words[1] = path;
    for (int i = 1; i < argc; i++)
        words[i + 1] = argv[i];
    execv(words[0], (char **)words);
    free(words);
}

/* Why become() came back. A missing interpreter is "No such file" to the kernel, which does not say
 * which file. */
static void say_why(const struct ffmk_elf *elf, char *line, size_t bytes)
{
    const int reason = errno;
    const int length = (int)strcspn(elf->missing, "\r");
    if (elf->missing[0] && reason == ENOENT)
        snprintf(line, bytes, "cannot run '%.300s': its interpreter '%.*s' is not there%s",
                 elf->path, length, elf->missing,
                 elf->missing[length] ? ", for its #! line ends in a carriage return" : "");
    else
        snprintf(line, bytes, "cannot run '%.300s': %s", elf->path, strerror(reason));
}

int ffmk_cli_run(int argc, char **argv)
{
    const char *mpi = NULL;
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            fputs(help, stdout);
            return 0;
        }
        const int code = take_option(argc, argv, &at, &mpi);
        if (code)
            return code;
    }
    if (at >= argc)
        return refuse(FFMK_EXIT_USAGE, "ffmk run wants a program; see ffmk run --help");

    struct ffmk_config config;
    setenv("FFMK_REPORT", "ffmk-report.json", 0);
    if (ffmk_config_read(&config, environ, tell, NULL) > 0)
        return FFMK_EXIT_USAGE;

    struct ffmk_elf elf;
    char line[8192];
    if (!ffmk_elf_look(argv[at], &elf)) {
        const bool named = strchr(argv[at], '/') != NULL;
        const bool there = named && access(argv[at], F_OK) == 0;
        snprintf(line, sizeof line, "'%.300s' %s%s", argv[at],
                 there   ? "is no program that may be executed"
                 : named ? "cannot be found: "
                         : "is not found in PATH",
                 named && !there ? strerror(errno) : "");
        return refuse(there ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND, line);
    }
    if (ffmk_launcher_first_rank())
        look_at_places(&config, &elf);
    if (elf.kind == FFMK_ELF_STATIC || elf.privileged) {
        snprintf(line, sizeof line,
                 "%.300s is %s: nothing can be preloaded, running it without ffmk", argv[at],
                 elf.privileged ? "set-user-ID" : "linked statically");
        refuse(0, line);
    } else {
        preload(choose(&elf, mpi));
    }
    become(elf.path, &argv[at], argc - at);
    say_why(&elf, line, sizeof line);
    return refuse(EXIT_NOT_EXECUTABLE, line);
}
