/* SPDX-License-Identifier: BSD-3-Clause
 * Checked access to JSON values. Its errors name the place and what is allowed there; it must not
 * know a schema. */
#include "cli/load_json.h"

#include "core/log.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 160, VALUE_BYTES = 64, SENTENCE_BYTES = 320 };

size_t ffmk_json_harmful(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    if (*c < 0x20 || *c == 0x7f)
        return 1;
    if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
        return 2;
    if (*c == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
                       (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)))
        return 3;
    return 0;
}

void ffmk_json_clean(const char *text, char *clean, size_t capacity)
{
    static const char more[] = "…";
    size_t at = 0;
    for (const char *c = text; *c; c++) {
        if (at + sizeof more >= capacity && strlen(c) >= capacity - at) {
            while (at > 0 && ((unsigned char)clean[at - 1] & 0xc0) == 0x80)
                at--;
            if (at > 0 && (unsigned char)clean[at - 1] >= 0xc0)
                at--;
            memcpy(clean + at, more, sizeof more);
            return;
        }
        size_t bad = ffmk_json_harmful(c);
        clean[at++] = bad ? '?' : *c;
        if (bad)
            c += bad - 1;
    }
    clean[at] = '\0';
}

static size_t write_path(const struct ffmk_json_place *place, char *text, size_t capacity)
{
    if (!place || !place->up)
        return 0;
    size_t at = write_path(place->up, text, capacity);
    int wrote;
    if (place->key)
        wrote = snprintf(text + at, capacity - at, "%s%s", at ? "." : "", place->key);
    else
        wrote = snprintf(text + at, capacity - at, "[%zu]", place->index);
    if (wrote < 0 || (size_t)wrote >= capacity - at)
        return capacity - 1;
    return at + (size_t)wrote;
}

void ffmk_json_fail(struct ffmk_json_reader *reader, const struct ffmk_json_place *place,
                    const char *format, ...)
{
    if (reader->failed)
        return;
    reader->failed = true;
    char path[PATH_BYTES] = "";
    size_t length = write_path(place, path, sizeof path);
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (length > 0)
        ffmk_log("%s: %s %s", reader->file, path, sentence);
    else
        ffmk_log("%s %s", reader->file, sentence);
}

static void describe(const json_t *value, char *text, size_t capacity)
{
    char clean[VALUE_BYTES - 8];
    switch (json_typeof(value)) {
    case JSON_STRING:
        ffmk_json_clean(json_string_value(value), clean, sizeof clean);
        snprintf(text, capacity, "\"%s\"", clean);
        break;
    case JSON_INTEGER:
        snprintf(text, capacity, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(text, capacity, "%g", json_real_value(value));
        break;
    case JSON_OBJECT:
        snprintf(text, capacity, "an object");
        break;
    case JSON_ARRAY:
        snprintf(text, capacity, "a list of %zu", json_array_size(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        snprintf(text, capacity, "%s", json_is_true(value) ? "true" : "false");
        break;
    default:
        snprintf(text, capacity, "null");
    }
}

static void refuse(struct ffmk_json_reader *reader, const struct ffmk_json_place *p,
                   const char *allowed)
{
    if (!p->value) {
        ffmk_json_fail(reader, p, "is missing; it must be %s", allowed);
        return;
    }
    char found[VALUE_BYTES];
    describe(p->value, found, sizeof found);
    ffmk_json_fail(reader, p, "is %s; it must be %s", found, allowed);
}

struct ffmk_json_place ffmk_json_member(const struct ffmk_json_place *object, const char *key)
{
    return (struct ffmk_json_place){object, key, 0, json_object_get(object->value, key)};
}

struct ffmk_json_place ffmk_json_element(const struct ffmk_json_place *list, size_t index)
{
    return (struct ffmk_json_place){list, NULL, index, json_array_get(list->value, index)};
}

bool ffmk_json_present(const struct ffmk_json_place *place)
{
    return place->value != NULL;
}

struct ffmk_json_place ffmk_json_object(struct ffmk_json_reader *reader, struct ffmk_json_place p)
{
    if (!json_is_object(p.value)) {
        refuse(reader, &p, "an object");
        p.value = NULL;
    }
    return p;
}

struct ffmk_json_place ffmk_json_list(struct ffmk_json_reader *reader, struct ffmk_json_place p,
                                      size_t most)
{
    if (!json_is_array(p.value) || json_array_size(p.value) > most) {
        char allowed[VALUE_BYTES] = "a list";
        if (json_is_array(p.value))
            snprintf(allowed, sizeof allowed, "a list of at most %zu", most);
        refuse(reader, &p, allowed);
        p.value = NULL;
    }
    return p;
}

size_t ffmk_json_length(const struct ffmk_json_place *list)
{
    return json_array_size(list->value);
}

double ffmk_json_number(struct ffmk_json_reader *reader, struct ffmk_json_place p, double most)
{
    double number = json_number_value(p.value);
    if (json_is_number(p.value) && isfinite(number) && number >= 0 && number <= most)
        return number;
    char allowed[VALUE_BYTES];
    snprintf(allowed, sizeof allowed, "a number from 0 to %g", most);
    refuse(reader, &p, allowed);
    return 0;
}

int64_t ffmk_json_whole(struct ffmk_json_reader *reader, struct ffmk_json_place p, int64_t least,
                        int64_t most)
{
    int64_t number = json_integer_value(p.value);
    if (json_is_integer(p.value) && number >= least && number <= most)
        return number;
    char allowed[VALUE_BYTES];
    if (most == INT64_MAX)
        snprintf(allowed, sizeof allowed, "a whole number of at least %lld", (long long)least);
    else
        snprintf(allowed, sizeof allowed, "a whole number from %lld to %lld", (long long)least,
                 (long long)most);
    refuse(reader, &p, allowed);
    return least;
}

bool ffmk_json_flag(struct ffmk_json_reader *reader, struct ffmk_json_place p)
{
    if (!json_is_boolean(p.value))
        refuse(reader, &p, "true or false");
    return json_is_true(p.value);
}

const char *ffmk_json_text(struct ffmk_json_reader *reader, struct ffmk_json_place p)
{
    if (!json_is_string(p.value)) {
        refuse(reader, &p, "a string");
        return "";
    }
    const char *copy = ffmk_arena_text(reader->arena, json_string_value(p.value));
    if (!copy) {
        ffmk_json_fail(reader, &p, "does not fit into memory");
        return "";
    }
    return copy;
}

void *ffmk_json_memory(struct ffmk_json_reader *reader, size_t count, size_t size)
{
    void *memory = ffmk_arena_get(reader->arena, count, size);
    if (!memory)
        ffmk_json_fail(reader, NULL, "does not fit into memory");
    return memory;
}
