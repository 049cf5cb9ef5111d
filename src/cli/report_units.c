/* SPDX-License-Identifier: BSD-3-Clause
 * Turns numbers into short texts. It knows units and rounding, and nothing of reports. */
#include "cli/report_units.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Three digits: "1.23", "12.3", "123". The bounds are where rounding would show a fourth. */
static struct ffmk_units three_digits(double value, const char *unit)
{
    struct ffmk_units units;
    int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(units.text, sizeof units.text, "%.*f%s", digits, value, unit);
    return units;
}

static struct ffmk_units plain(const char *text)
{
    struct ffmk_units units;
    snprintf(units.text, sizeof units.text, "%s", text);
    return units;
}

struct ffmk_units ffmk_units_time(double seconds)
{
    if (!(seconds >= 0.05e-9))
        return plain("0 s");
    if (seconds < 0.9995e-6)
        return three_digits(seconds * 1e9, " ns");
    if (seconds < 0.9995e-3)
        return three_digits(seconds * 1e6, " µs");
    if (seconds < 0.9995)
        return three_digits(seconds * 1e3, " ms");
    if (seconds < 999.5)
        return three_digits(seconds, " s");
    if (seconds < 120 * 60)
        return three_digits(seconds / 60, " min");
    if (seconds < 72 * 3600)
        return three_digits(seconds / 3600, " h");
    return three_digits(seconds / 86400, " days");
}

static struct ffmk_units prefixed(double value, const char *const *units, size_t n)
{
    size_t at = 0;
    while (value >= 999.5 && at + 1 < n) {
        value /= 1000;
        at++;
    }
    return three_digits(value, units[at]);
}

struct ffmk_units ffmk_units_bytes(double bytes)
{
    static const char *const names[] = {" B", " kB", " MB", " GB", " TB", " PB", " EB"};
    if (bytes < 999.5 && bytes == floor(bytes)) {
        struct ffmk_units units;
        snprintf(units.text, sizeof units.text, "%.0f B", bytes);
        return units;
    }
    return prefixed(bytes, names, sizeof names / sizeof names[0]);
}

struct ffmk_units ffmk_units_count(double count)
{
    static const char *const names[] = {"", " k", " M", " G", " T", " P", " E"};
    if (count < 9999.5 && count == floor(count)) {
        struct ffmk_units units;
        snprintf(units.text, sizeof units.text, "%.0f", count);
        return units;
    }
    return prefixed(count, names, sizeof names / sizeof names[0]);
}

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name);
    return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

struct ffmk_units ffmk_units_counter(const char *name, double value)
{
    static const struct {
        const char *end;
        double seconds;
    } times[] = {{"_s", 1}, {"_ms", 1e-3}, {"_us", 1e-6}, {"_ns", 1e-9}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (ends_in(name, times[i].end))
            return ffmk_units_time(value * times[i].seconds);
    return ends_in(name, "_bytes") ? ffmk_units_bytes(value) : ffmk_units_count(value);
}

struct ffmk_units ffmk_units_whole(int64_t count)
{
    struct ffmk_units digits;
    struct ffmk_units units;
    int n = snprintf(digits.text, sizeof digits.text, "%lld", (long long)count);
    int at = 0;
    for (int i = 0; i < n; i++) {
        units.text[at++] = digits.text[i];
        if ((n - 1 - i) % 3 == 0 && i < n - 1 && digits.text[i] != '-')
            units.text[at++] = ',';
    }
    units.text[at] = '\0';
    return units;
}

struct ffmk_units ffmk_units_percent(double share)
{
    struct ffmk_units units;
    if (!isfinite(share))
        return plain("–");
    if (share > 0 && share < 0.0005)
        return plain("<0.1 %");
    snprintf(units.text, sizeof units.text, "%.1f %%", share * 100);
    return units;
}

struct ffmk_units ffmk_units_ratio(double numerator, double denominator)
{
    if (!(denominator > 0))
        return plain("–");
    double ratio = numerator / denominator;
    if (ratio >= 999.5)
        return plain(">1000×");
    return three_digits(ratio, "×");
}

/* The next character of UTF-8; bytes that are none count as one each. */
static uint32_t next_character(const unsigned char **text)
{
    const unsigned char *c = *text;
    const int more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : *c >= 0xc0 ? 1 : 0;
    uint32_t code = more ? *c & (0x3fu >> more) : *c;
    for (int i = 1; i <= more; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            ++*text;
            return 0xfffd;
        }
        code = code << 6 | (c[i] & 0x3fu);
    }
    *text += more + 1;
    return code;
}

/* Columns of a character, after Unicode's East Asian Width (UAX #11) in coarse ranges. Asked of no
 * locale: a report reads the same in all of them. */
static int columns_of(uint32_t code)
{
    static const struct {
        uint32_t first;
        uint32_t last;
        int columns;
    } ranges[] = {{0x300, 0x36f, 0},     {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},
                  {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
                  {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},
                  {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2},
                  {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return ranges[i].columns;
    return 1;
}

void ffmk_units_pad(FILE *out, const char *text, int columns)
{
    int width = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c;)
        width += columns_of(next_character(&c));
    int spaces = (columns < 0 ? -columns : columns) - width;
    if (columns >= 0)
        for (int i = 0; i < spaces; i++)
            fputc(' ', out);
    fputs(text, out);
    if (columns < 0)
        for (int i = 0; i < spaces; i++)
            fputc(' ', out);
}
