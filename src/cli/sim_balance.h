/* SPDX-License-Identifier: BSD-3-Clause
 * What the rooms of `ffmk sim balance` share: the words once read, what was found, and the ways to
 * show it. */
#ifndef FFMK_CLI_SIM_BALANCE_H
#define FFMK_CLI_SIM_BALANCE_H

#include "sim/balance.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { FFMK_SIM_BALANCE_STEPS = 100 };

/** What the words ask for. */
struct ffmk_sim_balance_words {
    struct ffmk_sim_balance_case wanted;
    uint32_t steps;                         /* plans behind the first */
    const struct ffmk_loggp_named *network; /* NULL: times of one's own */
    bool measured;
    bool flows; /* those alone */
    bool json;
    bool help;
    const char *picture; /* a file, or NULL */
};

/** Read the words behind `balance`. \return 0, or an exit code after a line that says why. */
int ffmk_sim_balance_words_read(int argc, char **argv, struct ffmk_sim_balance_words *words);

/** Of each plan, the first included. */
struct ffmk_sim_balance_found {
    const struct ffmk_sim_balance_words *words;
    const struct ffmk_rules *rules;
    size_t n;
    struct ffmk_sim_balance_call calls[FFMK_SIM_BALANCE_STEPS + 1];
};

/** What is in the middle of the plans but the first; of the first, where there is no other. */
struct ffmk_sim_balance_call ffmk_sim_balance_middle(const struct ffmk_sim_balance_found *found);

void ffmk_sim_balance_table(FILE *out, const struct ffmk_sim_balance_found *found);
void ffmk_sim_balance_json(FILE *out, const struct ffmk_sim_balance_found *found);

/** How flows come about, scheme by scheme. \return false after a line that says why not. */
bool ffmk_sim_balance_picture(FILE *out, const struct ffmk_sim_balance_words *words);

#endif
