/* SPDX-License-Identifier: BSD-3-Clause
 * The `ffmk` command: finds the subcommand and hands over. */
#include "cli/cli.h"

#include <ffmk.h>
#include <stdio.h>
#include <string.h>

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} subcommands[] = {
    {"run", ffmk_cli_run, "run a program with ffmk behind an MPI launcher"},
    {"report", ffmk_cli_report, "turn a report into a page, a table, or compare two"},
    {"info", ffmk_cli_info, "what is installed, configured and possible on this machine"},
    {"sim", ffmk_cli_sim, "try the algorithms on a virtual machine of any size"},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof subcommands[0] };

static void usage(FILE *out)
{
    fprintf(out, "usage: ffmk COMMAND [options]\n\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].summary);
    fprintf(out, "\n"
                 "  ffmk COMMAND --help   says more; `man ffmk` has examples\n"
                 "  ffmk --version\n\n"
                 "Begin with:  mpirun -np 4 ffmk run ./app   then   ffmk report ffmk-report.json "
                 "-o run.html\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return FFMK_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        printf("ffmk %s\n", FFMK_VERSION_STRING);
        return 0;
    }
    const char *names[SUBCOMMANDS];
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        names[i] = subcommands[i].name;
        if (strcmp(name, names[i]) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
    }
    return ffmk_cli_unknown("command", name, names, SUBCOMMANDS);
}
