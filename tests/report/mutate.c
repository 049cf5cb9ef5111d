/* SPDX-License-Identifier: BSD-3-Clause
 * Proves that no report, however broken, makes `ffmk report` crash, read what is not its own, or
 * fail in silence: random mutations of a good report are loaded and, where they load, shown in
 * every way. Built with the address and undefined-behaviour sanitizers. Usage: mutate REPORT COUNT
 * [SEED]; a failure prints the seed that repeats it. */
#include "cli/load.h"
#include "cli/page.h"
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

static uint64_t current_seed;
static int real_stderr;

struct text {
    char *bytes;
    size_t length;
    size_t capacity;
};

static uint64_t below(uint64_t *state, uint64_t n)
{
    *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return n ? (z ^ (z >> 31)) % n : 0;
}

/* Put `with` where length bytes at `at` were. */
static void replace(struct text *text, size_t at, size_t length, const char *with,
                    size_t with_length)
{
    if (text->length - length + with_length > text->capacity)
        return;
    memmove(text->bytes + at + with_length, text->bytes + at + length, text->length - at - length);
    memcpy(text->bytes + at, with, with_length);
    text->length += with_length - length;
}

/* The next value at or behind a random place: a number, string, list or keyword, as [at, at +
 * length). */
static int find_value(const struct text *text, uint64_t *state, size_t *at, size_t *length)
{
    size_t i = below(state, text->length);
    while (i < text->length && text->bytes[i] != ':' && text->bytes[i] != ',' &&
           text->bytes[i] != '[')
        i++;
    for (i++; i < text->length && text->bytes[i] == ' '; i++)
        ;
    if (i >= text->length)
        return 0;
    size_t end = i;
    if (text->bytes[i] == '"') {
        for (end++; end < text->length && text->bytes[end] != '"'; end++)
            ;
        end += end < text->length;
    } else {
        while (end < text->length && !strchr(",]} \n", text->bytes[end]))
            end++;
    }
    *at = i;
    *length = end - i;
    return 1;
}

/* Values that are wrong at most places, and values of the right kind that are hard to show. */
static const char *const wrong[] = {"-1",
                                    "1e999",
                                    "NaN",
                                    "null",
                                    "true",
                                    "[]",
                                    "{}",
                                    "9223372036854775808",
                                    "-9223372036854775808",
                                    "\"\\u0000\"",
                                    "\"\\ud800\"",
                                    "[[[[[[[[[[]]]]]]]]]]",
                                    "\"\xff\xfe\"",
                                    "{\"a\":1}"};
static const char *const numbers[] = {
    "0",    "1",    "2",    "7",    "0.5",      "1.0",        "1e-300",
    "1e10", "1e17", "1e-9", "4096", "16777216", "1000000000", "9223372036854775807"};
static const char *const strings[] = {"\"\"",         "\"<script>\"",          "\"abort\"",
                                      "\"MPI_Send\"", "\"\\u202e\\u0085\\n\"", "\"%s%n%1$s\""};

static const char *pick(const char *const *from, size_t n, uint64_t *state)
{
    return from[below(state, n)];
}

#define PICK(from, state) pick(from, sizeof(from) / sizeof *(from), state)

static void mutate(struct text *text, uint64_t *state)
{
    size_t at;
    size_t length;
    switch (below(state, 12)) {
    case 0: /* a byte of anything */
        text->bytes[below(state, text->length)] = (char)below(state, 256);
        break;
    case 1: /* cut short */
        text->length = below(state, text->length);
        break;
    case 2: /* a piece lost */
        at = below(state, text->length);
        length = below(state, 1 + (text->length - at) / (1 + below(state, 400)));
        replace(text, at, length, "", 0);
        break;
    case 3: { /* a piece twice */
        char piece[256];
        at = below(state, text->length);
        length = below(state, text->length - at < sizeof piece ? text->length - at : sizeof piece);
        memcpy(piece, text->bytes + at, length);
        replace(text, below(state, text->length), 0, piece, length);
        break;
    }
    default: /* another value: the most telling, so two of three */
        if (find_value(text, state, &at, &length)) {
            char first = text->bytes[at];
            const char *with = below(state, 4) == 0 ? PICK(wrong, state)
                               : first == '"'       ? PICK(strings, state)
                                                    : PICK(numbers, state);
            replace(text, at, length, with, strlen(with));
        }
    }
    if (text->length == 0)
        text->bytes[text->length++] = '{';
}

/* The report under test lives in memory; a failure leaves it behind as a file. */
static int report_fd;
static char report_name[64];

static void keep_report(void)
{
    static char bytes[1 << 16];
    ssize_t length;
    off_t at = 0;
    FILE *out = fopen("mutated.json", "w");
    while (out && (length = pread(report_fd, bytes, sizeof bytes, at)) > 0) {
        fwrite(bytes, 1, (size_t)length, out);
        at += length;
    }
    if (out)
        fclose(out);
    dprintf(real_stderr, "seed %llu; the report is in mutated.json\n",
            (unsigned long long)current_seed);
}

static void fail(const char *why)
{
    dprintf(real_stderr, "%s: ", why);
    keep_report();
    exit(1);
}

/* What was logged for one file must be one line that names it. */
static void check_line(int log, int loaded)
{
    char line[4096];
    ssize_t length = pread(log, line, sizeof line - 1, 0);
    line[length > 0 ? length : 0] = '\0';
    if (loaded) {
        if (length > 0)
            fail("it loads, yet something was logged");
        return;
    }
    char *end = strchr(line, '\n');
    if (!end || end[1] != '\0')
        fail("not exactly one line was logged");
    if (!strstr(line, report_name) || strlen(line) < strlen("ffmk:  is x") + strlen(report_name))
        fail("the line does not name the file");
}

static void write_report(const struct text *text)
{
    if (ftruncate(report_fd, 0) != 0 ||
        pwrite(report_fd, text->bytes, text->length, 0) != (ssize_t)text->length)
        fail("the report cannot be written");
}

int main(int argc, char **argv)
{
    real_stderr = dup(STDERR_FILENO);
    FILE *in = argc >= 3 ? fopen(argv[1], "r") : NULL;
    if (!in) {
        fprintf(stderr, "usage: mutate REPORT COUNT [SEED]\n");
        return 2;
    }
    static char original[1 << 20];
    size_t length = fread(original, 1, sizeof original, in);
    fclose(in);
    struct text text = {malloc(2 * sizeof original), 0, 2 * sizeof original};
    FILE *nowhere = fopen("/dev/null", "w");
    int log = memfd_create("log", 0);
    report_fd = memfd_create("report", 0);
    snprintf(report_name, sizeof report_name, "/proc/self/fd/%d", report_fd);
    dup2(log, STDERR_FILENO);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_report_fd((void *)(intptr_t)real_stderr);
    __sanitizer_set_death_callback(keep_report);
#endif
    uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    uint64_t count = strtoull(argv[2], NULL, 10);
    unsigned loaded = 0;
    struct ffmk_report good;
    if (ffmk_report_load(argv[1], &good) != 0)
        fail("the original does not load");
    for (current_seed = first; current_seed < first + count; current_seed++) {
        uint64_t state = current_seed;
        memcpy(text.bytes, original, length);
        text.length = length;
        for (uint64_t n = 1 + below(&state, 2) * below(&state, 3); n > 0; n--)
            mutate(&text, &state);
        write_report(&text);
        if (ftruncate(log, 0) != 0 || lseek(log, 0, SEEK_SET) != 0)
            fail("the log cannot be emptied");
        struct ffmk_report report;
        int bad = ffmk_report_load(report_name, &report);
        check_line(log, !bad);
        if (bad)
            continue;
        loaded++;
        ffmk_report_table(nowhere, &report);
        ffmk_report_csv(nowhere, &report);
        ffmk_report_compare(nowhere, &report, &good);
        ffmk_page(nowhere, &report, NULL);
        ffmk_page(nowhere, &good, &report);
        ffmk_report_free(&report);
    }
    ffmk_report_free(&good);
    fclose(nowhere);
    free(text.bytes);
    printf("%llu mutations from seed %llu: %u still load and were shown, the others were refused "
           "in one line\n",
           (unsigned long long)count, (unsigned long long)first, loaded);
    /* Too few of one kind would prove little of the other. */
    if (loaded < count / 10 || loaded > count * 9 / 10)
        fail("the mutations are too gentle or too rough");
    return 0;
}
