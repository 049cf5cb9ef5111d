/* SPDX-License-Identifier: BSD-3-Clause
 * `ffmk sim`: finds what is to be simulated and hands over. */
#include "cli/cli.h"
#include "core/log.h"

#include <stdio.h>
#include <string.h>

static const struct what {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} whats[] = {
    {"gossip", ffmk_cli_sim_gossip, "broadcasts that live through the death of ranks"},
    {"balance", ffmk_cli_sim_balance,
     "plans of ffmk_rebalance() on a network, up to a million ranks"},
};
enum { WHATS = sizeof whats / sizeof whats[0] };

static void usage(FILE *out)
{
    fputs("usage: ffmk sim WHAT [options]\n\n"
          "Runs ffmk's algorithms on a virtual machine: no MPI, as many ranks as you like.\n\n",
          out);
    for (size_t i = 0; i < WHATS; i++)
        fprintf(out, "  %-8s %s\n", whats[i].name, whats[i].summary);
    fputs("\n  ffmk sim WHAT --help   says more; `man ffmk-sim` has examples\n", out);
}

int ffmk_cli_sim(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return FFMK_EXIT_USAGE;
    }
    const char *names[WHATS];
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < WHATS; i++) {
        names[i] = whats[i].name;
        if (strcmp(argv[1], names[i]) == 0)
            return whats[i].run(argc - 1, argv + 1);
    }
    return ffmk_cli_unknown("simulation of ffmk sim", argv[1], names, WHATS);
}
