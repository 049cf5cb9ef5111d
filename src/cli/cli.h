/* SPDX-License-Identifier: BSD-3-Clause
 * What the subcommands share: their entries, exit codes, and the one way to refuse a word. */
#ifndef FFMK_CLI_CLI_H
#define FFMK_CLI_CLI_H

#include <stddef.h>

enum {
    FFMK_EXIT_FAILED = 1, /* what was asked for could not be done */
    FFMK_EXIT_USAGE = 2   /* the words of the command were wrong */
};

/** Entries of the subcommands; argv[0] is the subcommand's name. Each returns the exit code. */
int ffmk_cli_run(int argc, char **argv);
int ffmk_cli_report(int argc, char **argv);
int ffmk_cli_info(int argc, char **argv);
int ffmk_cli_sim(int argc, char **argv);
int ffmk_cli_sim_gossip(int argc, char **argv); /* of `ffmk sim` */
int ffmk_cli_sim_balance(int argc, char **argv);

/** Say that `word` is not a `kind` ("command", "option of ffmk run"), naming the nearest of
 * `names`. \return FFMK_EXIT_USAGE. */
int ffmk_cli_unknown(const char *kind, const char *word, const char *const *names, size_t count);

#endif
