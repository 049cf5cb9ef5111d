/* SPDX-License-Identifier: BSD-3-Clause
 * The FFMK_* variables: one table, one parser, for the library and for the command. Reads no
 * environment by itself: it is handed one. */
#ifndef FFMK_CORE_CONFIG_H
#define FFMK_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

enum ffmk_config_id {
#define VAR(id, name, kind, fallback, allowed, description) FFMK_CONFIG_##id,
#include "core/config.def"
#undef VAR
    FFMK_CONFIG_COUNT
};

enum ffmk_config_kind {
    FFMK_CONFIG_FLAG,
    FFMK_CONFIG_CHOICE,
    FFMK_CONFIG_WHOLE,
    FFMK_CONFIG_FILE,
    FFMK_CONFIG_COUNTER_SET,
    FFMK_CONFIG_SURVIVAL
};

/** What the table says of a variable; static. */
struct ffmk_config_var {
    const char *name;
    enum ffmk_config_kind kind;
    const char *fallback;
    const char *allowed;
    const char *description;
};

/** How a collective operation is to survive deaths, as the number of a value says it. */
enum ffmk_config_survival {
    FFMK_SURVIVAL_OFF,
    FFMK_SURVIVAL_OPPORTUNISTIC,
    FFMK_SURVIVAL_CHECKED,
    FFMK_SURVIVAL_FAILURE_PROOF
};

/** Most distances of opportunistic, and most deaths of failure-proof. */
enum { FFMK_SURVIVAL_MOST = 30 };

/** Milliseconds within which a call of a survivor ends once a death that it waited for was found:
 * the stated bound, of which the messages of an agreement take the most (docs/gossip.md). */
enum { FFMK_SURVIVAL_AFTER_MS = 1000 };

/** A value of that kind, and the number behind its colon (C or f), 0 where it was left out.
 * \return whether text is one. */
bool ffmk_config_survival(const char *text, enum ffmk_config_survival *survival_p, int *number_p);

/** A value in force: its text, its number (flags, counts; index of a choice), and whether the
 * environment gave it. */
struct ffmk_config_value {
    const char *text;
    long number;
    bool from_environment;
};

struct ffmk_config {
    struct ffmk_config_value value[FFMK_CONFIG_COUNT];
};

const struct ffmk_config_var *ffmk_config_var(enum ffmk_config_id id);

/** Called once for each FFMK_* variable that is unknown or malformed, with one line for a person.
 */
typedef void ffmk_config_complaint(void *context, const char *line);

/** Fill *config from `environment` (NULL-terminated "NAME=value" strings, which must outlive it).
 * What is unknown or malformed is told to `complain` and keeps its fallback. Variables FFMK_TEST_*
 * are nobody's business. \return how many complaints there were. */
int ffmk_config_read(struct ffmk_config *config, char *const *environment,
                     ffmk_config_complaint *complain, void *context);

/** Check one value without keeping it. \return true, or false with the reason in line (one line, no
 * newline). */
bool ffmk_config_check(enum ffmk_config_id id, const char *text, char *line, size_t line_bytes);

/** The name nearest to `name` by edit distance among `count` names, or NULL when none is near
 * (distance > 1/3). */
const char *ffmk_config_nearest(const char *name, const char *const *names, size_t count);

/** Expand %h, %r, %j and %% of a path. \return false when it does not fit or holds another %. */
bool ffmk_config_expand(const char *path, const char *host, int rank, const char *job, char *out,
                        size_t out_bytes);

#endif
