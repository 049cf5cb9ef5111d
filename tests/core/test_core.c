/* SPDX-License-Identifier: BSD-3-Clause
 * Settings, wire, clock, random numbers, statistics: named scenarios and properties over many
 * seeds. */
#include "core/clock.h"
#include "core/config.h"
#include "core/csv.h"
#include "core/rng.h"
#include "core/stats.h"
#include "core/wire.h"

#include "cases.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

static char said[16][512];
static int lines;

static void hear(void *context, const char *line)
{
    (void)context;
    snprintf(said[lines++ % 16], sizeof said[0], "%s", line);
}

static int read_one(struct ffmk_config *config, const char *entry)
{
    char copy[8192];
    char *environment[] = {copy, NULL};
    static char kept[8192];
    snprintf(kept, sizeof kept, "%s", entry);
    environment[0] = kept;
    lines = 0;
    return ffmk_config_read(config, environment, hear, NULL);
}

START_TEST(every_fallback_is_allowed)
{
    struct ffmk_config config;
    char line[512];
    char *none[] = {NULL};
    ck_assert_int_eq(ffmk_config_read(&config, none, hear, NULL), 0);
    for (int i = 0; i < FFMK_CONFIG_COUNT; i++) {
        const struct ffmk_config_var *var = ffmk_config_var((enum ffmk_config_id)i);
        ck_assert_str_eq(config.value[i].text, var->fallback);
        ck_assert(!config.value[i].from_environment);
        ck_assert(ffmk_config_check((enum ffmk_config_id)i, var->fallback, line, sizeof line));
    }
    ck_assert_int_eq(config.value[FFMK_CONFIG_TIMELINE].number, 256);
}
END_TEST

START_TEST(good_and_bad_values)
{
    static const struct {
        const char *entry;
        int complaints;
        const char *hint;
    } cases[] = {
        {"FFMK_DISABLE=1", 0, ""},
        {"FFMK_DISABLE=true", 1, "0|1"},
        {"FFMK_SUMMARY=off", 0, ""},
        {"FFMK_SUMMARY=of", 1, "off|stderr|stdout"},
        {"FFMK_SUMMARY=", 1, "off"},
        {"FFMK_TIMELINE=16", 0, ""},
        {"FFMK_TIMELINE=4096", 0, ""},
        {"FFMK_TIMELINE=15", 1, "16..4096"},
        {"FFMK_TIMELINE=4097", 1, "16"},
        {"FFMK_TIMELINE=", 1, "16..4096"},
        {"FFMK_TIMELINE=20 ", 1, "16"},
        {"FFMK_TIMELINE=0x40", 1, "16"},
        {"FFMK_REPORT=a%h%r%j%%b", 0, ""},
        {"FFMK_REPORT=a%", 1, "%h"},
        {"FFMK_REPORT=%d", 1, "%h"},
        {"FFMK_COUNTERS=papi:A,B", 0, ""},
        {"FFMK_COUNTERS=papi:", 1, "papi"},
        {"FFMK_COUNTERS=papi:,", 1, "papi"},
        {"FFMK_REPROT=x", 1, "FFMK_REPORT"},
        {"FFMK_TIMELIEN=x", 1, "FFMK_TIMELINE"},
        {"FFMK_=x", 1, "ffmk info"},
        {"FFMK_TEST_X=1", 0, ""},
        {"FFMKX=1", 0, ""},
        {"FFMK_REPORT", 0, ""},
    };
    struct ffmk_config config;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(read_one(&config, cases[i].entry) == cases[i].complaints, "%s",
                      cases[i].entry);
        if (cases[i].complaints)
            ck_assert_msg(strstr(said[0], cases[i].hint) != NULL, "%s: %s", cases[i].entry,
                          said[0]);
    }
}
END_TEST

START_TEST(a_bad_value_keeps_the_fallback_and_long_ones_do_no_harm)
{
    struct ffmk_config config;
    char entry[6000];
    read_one(&config, "FFMK_TIMELINE=1");
    ck_assert_int_eq(config.value[FFMK_CONFIG_TIMELINE].number, 256);
    snprintf(entry, sizeof entry, "FFMK_SUMMARY=%05000d", 1);
    ck_assert_int_eq(read_one(&config, entry), 1);
    memset(entry, 'Q', sizeof entry - 1);
    memcpy(entry, "FFMK_", 5);
    entry[sizeof entry - 1] = '\0';
    entry[sizeof entry - 2] = '=';
    ck_assert_int_eq(read_one(&config, entry), 1);
}
END_TEST

START_TEST(nearest_name)
{
    static const char *const names[] = {"report", "run", "info"};
    ck_assert_str_eq(ffmk_config_nearest("reprot", names, 3), "report");
    ck_assert_str_eq(ffmk_config_nearest("inof", names, 3), "info");
    ck_assert_ptr_null(ffmk_config_nearest("zzzzzz", names, 3));
    ck_assert_ptr_null(ffmk_config_nearest("", names, 3));
}
END_TEST

START_TEST(expansion_fits_or_is_refused)
{
    char out[64];
    ck_assert(ffmk_config_expand("a%h-%r-%j-%%", "node", 12, "77", out, sizeof out));
    ck_assert_str_eq(out, "anode-12-77-%");
    ck_assert(!ffmk_config_expand("%x", "node", 0, "j", out, sizeof out));
    ck_assert(!ffmk_config_expand("%", "node", 0, "j", out, sizeof out));
    for (size_t room = 0; room < 16; room++) {
        const bool fits = ffmk_config_expand("%h%r", "node", 123, "j", out, room);
        ck_assert_int_eq(fits, room > strlen("node123"));
    }
}
END_TEST

/* ---- wire ---- */

START_TEST(what_is_put_comes_out_and_truncation_fails_once_and_for_all)
{
    struct ffmk_wire_out out = {0};
    ffmk_wire_put_u8(&out, 0xab);
    ffmk_wire_put_u32(&out, 0xdeadbeef);
    ffmk_wire_put_u64(&out, UINT64_MAX - 1);
    ffmk_wire_put_f64(&out, -0.1);
    ffmk_wire_put_string(&out, "words");
    ffmk_wire_put_bytes(&out, "xyz", 3);
    ck_assert(!out.failed);
    for (size_t length = 0; length <= out.length; length++) {
        uint8_t *copy =
            malloc(length ? length : 1); /* exact, so that a sanitizer sees one byte too many */
        memcpy(copy, out.data, length);
        struct ffmk_wire_in in = {copy, length, 0, false};
        char text[6];
        const uint8_t a = ffmk_wire_get_u8(&in);
        const uint32_t b = ffmk_wire_get_u32(&in);
        const uint64_t c = ffmk_wire_get_u64(&in);
        const double d = ffmk_wire_get_f64(&in);
        ffmk_wire_get_string(&in, text, sizeof text);
        const void *bytes = ffmk_wire_get_bytes(&in, 3);
        ck_assert_int_eq(in.failed, length < out.length);
        if (length == out.length) {
            ck_assert_uint_eq(a, 0xab);
            ck_assert_uint_eq(b, 0xdeadbeef);
            ck_assert_uint_eq(c, UINT64_MAX - 1);
            ck_assert(d == -0.1);
            ck_assert_str_eq(text, "words");
            ck_assert_mem_eq(bytes, "xyz", 3);
        } else {
            ck_assert_uint_eq(ffmk_wire_get_u8(&in), 0); /* stays failed */
        }
        free(copy);
    }
    ffmk_wire_free(&out);
}
END_TEST

START_TEST(hostile_lengths)
{
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        uint64_t state = seed;
        uint8_t bytes[48];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)ffmk_rng_next(&state);
        struct ffmk_wire_in in = {bytes, ffmk_rng_below(&state, sizeof bytes), 0, false};
        char text[16];
        for (int i = 0; i < 8; i++) {
            ffmk_wire_get_string(&in, text, ffmk_rng_below(&state, sizeof text));
            ffmk_wire_get_bytes(&in, (size_t)ffmk_rng_next(&state));
            ck_assert_msg(in.at <= in.length, "seed %llu", (unsigned long long)seed);
        }
    }
}
END_TEST

/* ---- clock, numbers, statistics ---- */

START_TEST(ticks_measure_time)
{
    ffmk_clock_choose();
    struct ffmk_clock from;
    struct ffmk_clock to;
    ffmk_clock_mark(&from);
    while (ffmk_clock_ns() - from.ns < 20000000u)
        ;
    ffmk_clock_mark(&to);
    const double ns = ffmk_clock_ns_per_tick(&from, &to);
    ck_assert(ns > 0.01 && ns < 100);
    ck_assert(ffmk_clock_ns_per_tick(&to, &from) == 1.0);
    ck_assert(ffmk_clock_ns_per_tick(&to, &to) == 1.0);
}
END_TEST

START_TEST(random_numbers_stay_in_range_and_repeat)
{
    for (uint64_t seed = 0; seed < 2000; seed++) {
        uint64_t a = seed;
        uint64_t b = seed;
        const uint64_t n = 1 + ffmk_rng_mix(seed) % 1000;
        for (int i = 0; i < 20; i++) {
            const uint64_t x = ffmk_rng_below(&a, n);
            ck_assert_msg(x < n && x == ffmk_rng_below(&b, n), "seed %llu",
                          (unsigned long long)seed);
        }
        const double unit = ffmk_rng_unit(&a);
        ck_assert(unit >= 0 && unit < 1);
    }
}
END_TEST

START_TEST(buckets_hold_what_they_say)
{
    for (unsigned bit = 0; bit < 64; bit++)
        for (int off = -1; off <= 1; off++) {
            const uint64_t ticks = (UINT64_C(1) << bit) + (uint64_t)(int64_t)off;
            const unsigned b = ffmk_stat_bucket(ticks);
            ck_assert_uint_lt(b, FFMK_STAT_BUCKETS);
            if (b + 1 < FFMK_STAT_BUCKETS)
                ck_assert(ticks < UINT64_C(1) << (b + FFMK_STAT_FIRST + 1));
            if (b > 0)
                ck_assert(ticks >= UINT64_C(1) << (b + FFMK_STAT_FIRST));
        }
    struct ffmk_stat a = {0};
    struct ffmk_stat b = {0};
    ffmk_stat_add(&a, 100, 8);
    ffmk_stat_add(&b, 1, 1);
    ffmk_stat_add(&b, 5000, 2);
    ffmk_stat_merge(&a, &b);
    ck_assert_uint_eq(ffmk_stat_count(&a), 3);
    ck_assert_uint_eq(a.ticks, 5101);
    ck_assert_uint_eq(a.bytes, 11);
    ck_assert_uint_eq(a.max_ticks, 5000);
    /* A program that polls makes this many calls in two minutes. */
    a.histogram[0] = UINT64_C(1) << 32;
    ffmk_stat_add(&a, 1, 0);
    ck_assert_uint_eq(ffmk_stat_count(&a), (UINT64_C(1) << 32) + 3);
}
END_TEST

START_TEST(csv_is_utf8_whatever_the_text)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"plain", "plain"},
        {"a, b", "\"a, b\""},
        {"a \"b\"\n", "\"a \"\"b\"\"\n\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xff\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc3", "\xef\xbf\xbd"},                                 /* cut short */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* too long */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* half of a pair of UTF-16 */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* too large */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char field[64] = "";
        FILE *out = fmemopen(field, sizeof field, "w");
        ck_assert_ptr_nonnull(out);
        ffmk_csv_field(out, cases[i].text);
        fclose(out);
        ck_assert_str_eq(field, cases[i].field);
    }
}
END_TEST

CASES("core", every_fallback_is_allowed, good_and_bad_values,
      a_bad_value_keeps_the_fallback_and_long_ones_do_no_harm, nearest_name,
      expansion_fits_or_is_refused, what_is_put_comes_out_and_truncation_fails_once_and_for_all,
      hostile_lengths, ticks_measure_time, random_numbers_stay_in_range_and_repeat,
      buckets_hold_what_they_say, csv_is_utf8_whatever_the_text)
