/* SPDX-License-Identifier: BSD-3-Clause
 * The command line: every rank reads the same words and comes to the same verdict, so nobody has to
 * be told. */
#ifndef CLOUD_OPTIONS_H
#define CLOUD_OPTIONS_H

#include "grid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    int grid[AXES];
    int block[AXES];
    int steps;
    int every; /**< Steps between two balancings. */
    bool balance;
    bool measured; /**< Weights are measured seconds; otherwise counted work, which is the same in
                      every run. */
    uint64_t seed;
    const char *pictures; /**< Folder, or NULL. */
    bool progress;
    bool quiet;
};

enum verdict { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_BAD };

/** \return what to do; with OPTIONS_BAD, `complaint` is one line that says what is wrong and what
 * is allowed. */
enum verdict options_parse(struct options *options, int argc, char **argv, char *complaint,
                           size_t bytes);

/** The text of --help; static. */
const char *options_help(void);

#endif
