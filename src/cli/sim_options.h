/* SPDX-License-Identifier: BSD-3-Clause
 * How the words of `ffmk sim WHAT` are read: options with a value, and flags. Every wrong one is
 * answered by one line that names it and says what is allowed. */
#ifndef FFMK_CLI_SIM_OPTIONS_H
#define FFMK_CLI_SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ffmk_sim_option {
    const char *name;
    bool (*take)(void *raw, const char *value); /* false: not allowed */
    const char *allowed;
};

struct ffmk_sim_flag {
    const char *name;
    size_t at; /* of its bool, in the words */
};

struct ffmk_sim_grammar {
    const char *what; /* "gossip" */
    const struct ffmk_sim_option *options;
    size_t n_options;
    const struct ffmk_sim_flag *flags;
    size_t n_flags;
    size_t help; /* the flag that ends the reading, in the words */
};

/** Read all words. `words` has the flags, `raw` is what options are given.
 * \return 0, or an exit code after a line that says why. */
int ffmk_sim_options_read(const struct ffmk_sim_grammar *grammar, int argc, char **argv,
                          void *words, void *raw);

/** Say that a value is not allowed. \return FFMK_EXIT_USAGE. */
int ffmk_sim_options_refuse(const char *option, const char *value, const char *allowed);

/** Read all of a text as a number. */
bool ffmk_sim_options_whole(const char *text, uint64_t least, uint64_t most, uint64_t *value_p);
bool ffmk_sim_options_whole32(const char *text, uint32_t least, uint32_t most, uint32_t *value_p);
/** A number with or without a point; \return false unless least ≤ it ≤ most. */
bool ffmk_sim_options_real(const char *text, double least, double most, double *value_p);

#endif
