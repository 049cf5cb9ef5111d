/* SPDX-License-Identifier: BSD-3-Clause
 * The FFMK_* variables. */
#include "core/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLAG = FFMK_CONFIG_FLAG,
    CHOICE = FFMK_CONFIG_CHOICE,
    COUNT = FFMK_CONFIG_WHOLE,
    PATH = FFMK_CONFIG_FILE,
    COUNTERS = FFMK_CONFIG_COUNTER_SET,
    SURVIVAL = FFMK_CONFIG_SURVIVAL
};

static const struct ffmk_config_var vars[FFMK_CONFIG_COUNT] = {
#define VAR(id, name, kind, fallback, allowed, description)                                        \
    {name, (enum ffmk_config_kind)(kind), fallback, allowed, description},
#include "core/config.def"
#undef VAR
};

const struct ffmk_config_var *ffmk_config_var(enum ffmk_config_id id)
{
    return &vars[id];
}

/* Index of text among the |-separated words of `allowed`, or -1. */
static long choice_index(const char *allowed, const char *text)
{
    const size_t length = strlen(text);
    long index = 0;
    for (const char *word = allowed; word; index++) {
        const char *bar = strchr(word, '|');
        const size_t word_length = bar ? (size_t)(bar - word) : strlen(word);
        if (word_length == length && strncmp(word, text, length) == 0)
            return index;
        word = bar ? bar + 1 : NULL;
    }
    return -1;
}

static bool parse_count(const char *allowed, const char *text, long *number_p)
{
    char *end;
    const long low = strtol(allowed, &end, 10);
    const long high = strtol(end + 2, NULL, 10);
    errno = 0;
    const long number = strtol(text, &end, 10);
    if (errno || end == text || *end || number < low || number > high)
        return false;
    *number_p = number;
    return true;
}

static bool counters_fit(const char *text)
{
    if (choice_index("off|rusage|perf|papi", text) >= 0)
        return true;
    return strncmp(text, "papi:", 5) == 0 && text[5] != '\0' && strspn(text + 5, ",") == 0;
}

static bool path_fits(const char *text)
{
    for (const char *at = strchr(text, '%'); at; at = strchr(at + 2, '%'))
        if (at[1] == '\0' || !strchr("hrj%", at[1]))
            return false;
    return true;
}

bool ffmk_config_survival(const char *text, enum ffmk_config_survival *survival_p, int *number_p)
{
    static const char *const names[] = {"off", "opportunistic", "checked", "failure-proof"};
    const char *colon = strchr(text, ':');
    const size_t length = colon ? (size_t)(colon - text) : strlen(text);
    for (int i = 0; i < 4; i++) {
        if (strlen(names[i]) != length || strncmp(names[i], text, length) != 0)
            continue;
        long number = 0;
        const bool takes_one = i == FFMK_SURVIVAL_OPPORTUNISTIC || i == FFMK_SURVIVAL_FAILURE_PROOF;
        if (colon && (!takes_one || !parse_count("1..30", colon + 1, &number)))
            return false;
        *survival_p = (enum ffmk_config_survival)i;
        *number_p = (int)number;
        return true;
    }
    return false;
}

static bool parse(enum ffmk_config_id id, const char *text, long *number_p)
{
    const struct ffmk_config_var *var = &vars[id];
    *number_p = 0;
    switch (var->kind) {
    case FFMK_CONFIG_FLAG:
    case FFMK_CONFIG_CHOICE:
        *number_p = choice_index(var->allowed, text);
        return *number_p >= 0;
    case FFMK_CONFIG_WHOLE:
        return parse_count(var->allowed, text, number_p);
    case FFMK_CONFIG_FILE:
        return path_fits(text);
    case FFMK_CONFIG_COUNTER_SET:
        return counters_fit(text);
    case FFMK_CONFIG_SURVIVAL: {
        enum ffmk_config_survival survival = FFMK_SURVIVAL_OFF;
        int behind;
        const bool fits = ffmk_config_survival(text, &survival, &behind);
        *number_p = survival;
        return fits;
    }
    }
    return false;
}

bool ffmk_config_check(enum ffmk_config_id id, const char *text, char *line, size_t line_bytes)
{
    long number;
    if (parse(id, text, &number))
        return true;
    snprintf(line, line_bytes, "%s=%.80s is not allowed; allowed: %s", vars[id].name, text,
             vars[id].allowed);
    return false;
}

/* Edit distance in which two letters swapped count once (optimal string alignment), names of 63
 * bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[3][64]; /* of i - 2, i - 1 and i */
    const size_t la = strnlen(a, 63);
    const size_t lb = strnlen(b, 63);
    for (size_t j = 0; j <= lb; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *now = row[i % 3];
        const size_t *before = row[(i + 2) % 3];
        const size_t *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                earlier[j - 2] + 1 < best)
                best = earlier[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[la % 3][lb];
}

const char *ffmk_config_nearest(const char *name, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t best = strlen(name) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        const size_t d = distance(name, names[i]);
        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

static int find(const char *name, size_t length)
{
    for (int i = 0; i < FFMK_CONFIG_COUNT; i++)
        if (strlen(vars[i].name) == length && strncmp(vars[i].name, name, length) == 0)
            return i;
    return -1;
}

static void complain_unknown(const char *entry, size_t name_length, ffmk_config_complaint *complain,
                             void *context)
{
    const char *names[FFMK_CONFIG_COUNT];
    for (int i = 0; i < FFMK_CONFIG_COUNT; i++)
        names[i] = vars[i].name;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(name_length < 63 ? name_length : 63), entry);
    const char *nearest = ffmk_config_nearest(name, names, FFMK_CONFIG_COUNT);
    char line[256];
    if (nearest)
        snprintf(line, sizeof line, "%s is not a variable of ffmk; did you mean %s?", name,
                 nearest);
    else
        snprintf(line, sizeof line, "%s is not a variable of ffmk; `ffmk info` lists them", name);
    complain(context, line);
}

int ffmk_config_read(struct ffmk_config *config, char *const *environment,
                     ffmk_config_complaint *complain, void *context)
{
    int complaints = 0;
    for (int i = 0; i < FFMK_CONFIG_COUNT; i++) {
        config->value[i] = (struct ffmk_config_value){.text = vars[i].fallback};
        parse((enum ffmk_config_id)i, vars[i].fallback, &config->value[i].number);
    }
    for (char *const *entry = environment; entry && *entry; entry++) {
        if (strncmp(*entry, "FFMK_", 5) != 0 || strncmp(*entry, "FFMK_TEST_", 10) == 0)
            continue;
        const char *equals = strchr(*entry, '=');
        if (!equals)
            continue;
        const size_t name_length = (size_t)(equals - *entry);
        const int id = find(*entry, name_length);
        if (id < 0) {
            complain_unknown(*entry, name_length, complain, context);
            complaints++;
            continue;
        }
        long number;
        char line[512];
        if (!parse((enum ffmk_config_id)id, equals + 1, &number)) {
            ffmk_config_check((enum ffmk_config_id)id, equals + 1, line, sizeof line);
            complain(context, line);
            complaints++;
            continue;
        }
        config->value[id] = (struct ffmk_config_value){equals + 1, number, true};
    }
    return complaints;
}

bool ffmk_config_expand(const char *path, const char *host, int rank, const char *job, char *out,
                        size_t out_bytes)
{
    size_t at = 0;
    for (const char *c = path; *c; c++) {
        char piece[32] = {*c, '\0'};
        const char *text = piece;
        if (*c == '%') {
            switch (*++c) {
            case 'h':
                text = host;
                break;
            case 'r':
                snprintf(piece, sizeof piece, "%d", rank);
                break;
            case 'j':
                text = job;
                break;
            case '%':
                break;
            default:
                return false;
            }
        }
        const size_t length = strlen(text);
        if (at + length + 1 > out_bytes)
            return false;
        memcpy(out + at, text, length);
        at += length;
    }
    if (out_bytes == 0)
        return false;
    out[at] = '\0';
    return true;
}
