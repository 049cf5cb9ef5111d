/* SPDX-License-Identifier: BSD-3-Clause
 * Parsing and checking of the command line. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CELLS_A_SIDE = 4096, MOST_STEPS = 1000000, MOST_BLOCKS = 1000000 };

static const char help[] =
    "cloud: a cloud that drifts and grows through a grid of blocks, balanced by ffmk\n"
    "\n"
    "Usage: mpirun -np N cloud [options]\n"
    "  --grid XxYxZ     cells of the domain; multiples of the block (48x48x16)\n"
    "  --block XxYxZ    cells of a block (4x4x8)\n"
    "  --steps N        time steps (200)\n"
    "  --every N        balance every N steps (5)\n"
    "  --no-balance     leave every block on the rank where it begins\n"
    "  --weights KIND   what a block weighs: counted (work, the same in every run) or\n"
    "                   measured (seconds) (counted)\n"
    "  --seed N         disturbance of the air at the start, and ties in balancing (1)\n"
    "  --pictures DIR   write owners.svg and load.svg there; the folder is made if need be\n"
    "  --progress       draw the progress bar even where stderr is no terminal\n"
    "  --quiet          print the checksum only\n"
    "  --help           this text\n";

const char *options_help(void)
{
    return help;
}

/** A whole number from low to high and nothing behind it but `end`. \return where it ends, or NULL.
 */
static const char *read_number(const char *text, long low, long high, char end, int *value_p)
{
    char *after;
    errno = 0;
    const long value = strtol(text, &after, 10);
    if (after == text || *after != end || errno || value < low || value > high || *text == ' ')
        return NULL;
    *value_p = (int)value;
    return after;
}

static bool read_sizes(const char *text, int sizes[AXES])
{
    for (int axis = 0; axis < AXES; axis++) {
        text = read_number(text, 1, MOST_CELLS_A_SIDE, axis < AXES - 1 ? 'x' : '\0', &sizes[axis]);
        if (!text)
            return false;
        text++;
    }
    return true;
}

static bool read_seed(const char *text, uint64_t *seed_p)
{
    char *after;
    errno = 0;
    const uintmax_t value = strtoumax(text, &after, 10);
    if (*text < '0' || *text > '9' || *after || errno || value > UINT64_MAX)
        return false;
    *seed_p = (uint64_t)value;
    return true;
}

enum { GRID = 1, BLOCK, STEPS, EVERY, NO_BALANCE, WEIGHTS, SEED, PICTURES, PROGRESS, QUIET, HELP };

static const struct option words[] = {{"grid", required_argument, NULL, GRID},
                                      {"block", required_argument, NULL, BLOCK},
                                      {"steps", required_argument, NULL, STEPS},
                                      {"every", required_argument, NULL, EVERY},
                                      {"no-balance", no_argument, NULL, NO_BALANCE},
                                      {"weights", required_argument, NULL, WEIGHTS},
                                      {"seed", required_argument, NULL, SEED},
                                      {"pictures", required_argument, NULL, PICTURES},
                                      {"progress", no_argument, NULL, PROGRESS},
                                      {"quiet", no_argument, NULL, QUIET},
                                      {"help", no_argument, NULL, HELP},
                                      {NULL, 0, NULL, 0}};

/** Take one option over. \return what is allowed where its value is not, else NULL. */
static const char *take(struct options *options, int option, const char *value)
{
    switch (option) {
    case GRID:
        return read_sizes(value, options->grid) ? NULL : "three sizes of 1 to 4096, as in 48x48x16";
    case BLOCK:
        return read_sizes(value, options->block) ? NULL : "three sizes of 1 to 4096, as in 4x4x8";
    case STEPS:
        return read_number(value, 1, MOST_STEPS, '\0', &options->steps) ? NULL : "1 to 1000000";
    case EVERY:
        return read_number(value, 1, MOST_STEPS, '\0', &options->every) ? NULL : "1 to 1000000";
    case WEIGHTS:
        options->measured = strcmp(value, "measured") == 0;
        return options->measured || strcmp(value, "counted") == 0 ? NULL : "counted or measured";
    case SEED:
        return read_seed(value, &options->seed) ? NULL : "a whole number from 0 to 2^64 - 1";
    case PICTURES:
        options->pictures = value;
        return *value ? NULL : "the name of a folder";
    case NO_BALANCE:
        options->balance = false;
        return NULL;
    case PROGRESS:
        options->progress = true;
        return NULL;
    default:
        options->quiet = true;
        return NULL;
    }
}

static enum verdict check_grid(const struct options *options, char *complaint, size_t bytes)
{
    int64_t blocks = 1;
    for (int axis = 0; axis < AXES; axis++) {
        const int cells = options->grid[axis];
        const int block = options->block[axis];
        if (cells % block != 0) {
            snprintf(complaint, bytes,
                     "--grid: %d cells along %c are no multiple of the block's %d (--block)", cells,
                     "xyz"[axis], block);
            return OPTIONS_BAD;
        }
        blocks *= cells / block;
    }
    if (blocks > MOST_BLOCKS) {
        snprintf(complaint, bytes, "--grid and --block make %lld blocks; at most %d are allowed",
                 (long long)blocks, MOST_BLOCKS);
        return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}

enum verdict options_parse(struct options *options, int argc, char **argv, char *complaint,
                           size_t bytes)
{
    *options = (struct options){.grid = {48, 48, 16},
                                .block = {4, 4, 8},
                                .steps = 200,
                                .every = 5,
                                .balance = true,
                                .seed = 1};
    opterr = 0;
    int option;
    while ((option = getopt_long(argc, argv, ":", words, NULL)) != -1) {
        if (option == HELP)
            return OPTIONS_HELP;
        if (option == '?' || option == ':') {
            snprintf(complaint, bytes,
                     option == '?' ? "%s: no such option; see --help"
                                   : "%s needs a value; see --help",
                     argv[optind - 1]);
            return OPTIONS_BAD;
        }
        const char *allowed = take(options, option, optarg);
        if (allowed) {
            snprintf(complaint, bytes, "--%s %s: allowed is %s", words[option - GRID].name, optarg,
                     allowed);
            return OPTIONS_BAD;
        }
    }
    if (optind < argc) {
        snprintf(complaint, bytes, "%s: options only; see --help", argv[optind]);
        return OPTIONS_BAD;
    }
    return check_grid(options, complaint, bytes);
}
