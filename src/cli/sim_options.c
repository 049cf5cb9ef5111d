/* SPDX-License-Identifier: BSD-3-Clause
 * Reading options and flags. */
#include "cli/sim_options.h"

#include "cli/cli.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ffmk_sim_options_whole(const char *text, uint64_t least, uint64_t most, uint64_t *value_p)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits])
        return false;
    errno = 0;
    const uint64_t value = strtoull(text, NULL, 10);
    if (errno || value < least || value > most)
        return false;
    *value_p = value;
    return true;
}

bool ffmk_sim_options_whole32(const char *text, uint32_t least, uint32_t most, uint32_t *value_p)
{
    uint64_t value = 0;
    if (!ffmk_sim_options_whole(text, least, most, &value))
        return false;
    *value_p = (uint32_t)value;
    return true;
}

bool ffmk_sim_options_real(const char *text, double least, double most, double *value_p)
{
    char *end = NULL;
    if (strspn(text, "0123456789.eE-") != strlen(text))
        return false;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value >= least && value <= most))
        return false;
    *value_p = value;
    return true;
}

enum { MOST_NAMES = 40 };

static int unknown(const struct ffmk_sim_grammar *grammar, const char *word)
{
    const char *names[MOST_NAMES];
    char kind[48];
    size_t n = 0;
    if (word[0] != '-') {
        ffmk_log("ffmk sim %s takes options only, not '%.100s'; `ffmk sim %s --help` lists them",
                 grammar->what, word, grammar->what);
        return FFMK_EXIT_USAGE;
    }
    for (size_t i = 0; i < grammar->n_options && n < MOST_NAMES; i++)
        names[n++] = grammar->options[i].name;
    for (size_t i = 0; i < grammar->n_flags && n < MOST_NAMES; i++)
        names[n++] = grammar->flags[i].name;
    snprintf(kind, sizeof kind, "option of ffmk sim %s", grammar->what);
    return ffmk_cli_unknown(kind, word, names, n);
}

int ffmk_sim_options_refuse(const char *option, const char *value, const char *allowed)
{
    ffmk_log("%s %.80s is not allowed; allowed: %s", option, *value ? value : "''", allowed);
    return FFMK_EXIT_USAGE;
}

static bool take_flag(const struct ffmk_sim_grammar *grammar, const char *word, void *words)
{
    for (size_t i = 0; i < grammar->n_flags; i++)
        if (strcmp(word, grammar->flags[i].name) == 0) {
            *(bool *)((char *)words + grammar->flags[i].at) = true;
            return true;
        }
    return false;
}

/* Take one option from argv[*at], with its value. */
static int take_option(const struct ffmk_sim_grammar *grammar, int argc, char **argv, int *at,
                       void *raw)
{
    const char *word = argv[*at];
    const size_t length = strcspn(word, "=");
    for (size_t i = 0; i < grammar->n_options; i++) {
        const struct ffmk_sim_option *option = &grammar->options[i];
        if (strlen(option->name) != length || strncmp(word, option->name, length) != 0)
            continue;
        const char *value = word[length] ? word + length + 1 : NULL;
        if (!value && *at + 1 < argc)
            value = argv[++*at];
        if (!value) {
            ffmk_log("%s wants a value; allowed: %s", word, option->allowed);
            return FFMK_EXIT_USAGE;
        }
        return option->take(raw, value)
                   ? 0
                   : ffmk_sim_options_refuse(option->name, value, option->allowed);
    }
    return unknown(grammar, word);
}

int ffmk_sim_options_read(const struct ffmk_sim_grammar *grammar, int argc, char **argv,
                          void *words, void *raw)
{
    for (int i = 1; i < argc; i++) {
        if (take_flag(grammar, argv[i], words)) {
            if (*(const bool *)((const char *)words + grammar->help))
                return 0;
            continue;
        }
        const int code = take_option(grammar, argc, argv, &i, raw);
        if (code)
            return code;
    }
    return 0;
}
