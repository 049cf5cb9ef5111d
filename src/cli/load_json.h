/* SPDX-License-Identifier: BSD-3-Clause
 * Reading values out of a JSON document that somebody else wrote, with a line that names the place
 * when one is wrong. A reader that has once met a bad value has logged it, stays failed and returns
 * zeros, empty strings and empty lists, so that callers check once, at the end. It knows nothing of
 * what the values mean. */
#ifndef FFMK_CLI_LOAD_JSON_H
#define FFMK_CLI_LOAD_JSON_H

#include "cli/load_arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ffmk_json_reader {
    const char *file;         /* for the line that is logged */
    struct ffmk_arena *arena; /* where strings and arrays go */
    bool failed;
};

/** A value and the way to it: per_rank[3].calls[2].count. `up` must outlive it. */
struct ffmk_json_place {
    const struct ffmk_json_place *up;
    const char *key; /* NULL for an element of a list */
    size_t index;
    json_t *value; /* NULL when missing; its absence is logged by whoever reads it */
};

struct ffmk_json_place ffmk_json_member(const struct ffmk_json_place *object, const char *key);
struct ffmk_json_place ffmk_json_element(const struct ffmk_json_place *list, size_t index);

/** Whether there is a value: for keys that may be left out. */
bool ffmk_json_present(const struct ffmk_json_place *place);

/** The place itself, once sure that it is an object, or a list of at most `most` elements; an empty
 * one otherwise. */
struct ffmk_json_place ffmk_json_object(struct ffmk_json_reader *reader, struct ffmk_json_place p);
struct ffmk_json_place ffmk_json_list(struct ffmk_json_reader *reader, struct ffmk_json_place p,
                                      size_t most);
size_t ffmk_json_length(const struct ffmk_json_place *list);

/** A number from 0 to most. */
double ffmk_json_number(struct ffmk_json_reader *reader, struct ffmk_json_place p, double most);
/** A whole number from least to most. */
int64_t ffmk_json_whole(struct ffmk_json_reader *reader, struct ffmk_json_place p, int64_t least,
                        int64_t most);
bool ffmk_json_flag(struct ffmk_json_reader *reader, struct ffmk_json_place p);
/** A string, copied into the arena. */
const char *ffmk_json_text(struct ffmk_json_reader *reader, struct ffmk_json_place p);

/** Zeroed memory of the arena; NULL, failed and logged when there is none. */
void *ffmk_json_memory(struct ffmk_json_reader *reader, size_t count, size_t size);

/** Fail with a sentence about a place: "<file>: <place> <what is wrong>", without the place when
 * there is none. Only the first failure is logged. */
void ffmk_json_fail(struct ffmk_json_reader *reader, const struct ffmk_json_place *place,
                    const char *format, ...) __attribute__((format(printf, 3, 4)));

/** How many bytes at the start of text must reach neither a terminal nor a page: C0 and C1
 * controls, and the marks that turn text around (U+202A to U+202E, U+2066 to U+2069). 0 when what
 * stands there is harmless. */
size_t ffmk_json_harmful(const char *text);

/** Copy text with all that could upset a terminal or break a line as '?', cut with "…" where it
 * does not fit. */
void ffmk_json_clean(const char *text, char *clean, size_t capacity);

#endif
