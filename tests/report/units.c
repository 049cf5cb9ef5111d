/* SPDX-License-Identifier: BSD-3-Clause
 * Numbers for people: what table and page write for a time, a size, a count, a share and a ratio.
 */
#include "cli/report_units.h"

#include "cases.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(times)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {0, "0 s"},           {-1, "0 s"},          {NAN, "0 s"},          {1e-12, "0 s"},
        {12.3e-9, "12.3 ns"}, {999.4e-9, "999 ns"}, {999.6e-9, "1.00 µs"}, {1.5e-3, "1.50 ms"},
        {0.9996, "1.00 s"},   {9.996, "10.0 s"},    {99.96, "100 s"},      {999.6, "16.7 min"},
        {7200, "2.00 h"},     {864000, "10.0 days"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(ffmk_units_time(cases[i].seconds).text, cases[i].text);
}
END_TEST

START_TEST(amounts)
{
    ck_assert_str_eq(ffmk_units_bytes(0).text, "0 B");
    ck_assert_str_eq(ffmk_units_bytes(999).text, "999 B");
    ck_assert_str_eq(ffmk_units_bytes(1000).text, "1.00 kB");
    ck_assert_str_eq(ffmk_units_bytes(999999).text, "1.00 MB");
    ck_assert_str_eq(ffmk_units_bytes(9.3e18).text, "9.30 EB");
    ck_assert_str_eq(ffmk_units_count(9999).text, "9999");
    ck_assert_str_eq(ffmk_units_count(10000).text, "10.0 k");
    ck_assert_str_eq(ffmk_units_count(0.25).text, "0.25");
    ck_assert_str_eq(ffmk_units_whole(0).text, "0");
    ck_assert_str_eq(ffmk_units_whole(999).text, "999");
    ck_assert_str_eq(ffmk_units_whole(1234567).text, "1,234,567");
    ck_assert_str_eq(ffmk_units_whole(INT64_MAX).text, "9,223,372,036,854,775,807");
}
END_TEST

START_TEST(counters)
{
    ck_assert_str_eq(ffmk_units_counter("user_us", 1500).text, "1.50 ms");
    ck_assert_str_eq(ffmk_units_counter("system_s", 2).text, "2.00 s");
    ck_assert_str_eq(ffmk_units_counter("max_rss_bytes", 2e6).text, "2.00 MB");
    ck_assert_str_eq(ffmk_units_counter("minor_faults", 41).text, "41");
    ck_assert_str_eq(ffmk_units_counter("_s", 41).text, "41");
}
END_TEST

START_TEST(shares)
{
    ck_assert_str_eq(ffmk_units_percent(0).text, "0.0 %");
    ck_assert_str_eq(ffmk_units_percent(1e-9).text, "<0.1 %");
    ck_assert_str_eq(ffmk_units_percent(0.7123).text, "71.2 %");
    ck_assert_str_eq(ffmk_units_percent(1).text, "100.0 %");
    ck_assert_str_eq(ffmk_units_percent(NAN).text, "–");
    ck_assert_str_eq(ffmk_units_ratio(1, 0).text, "–");
    ck_assert_str_eq(ffmk_units_ratio(1, 2).text, "0.50×");
    ck_assert_str_eq(ffmk_units_ratio(1e9, 1).text, ">1000×");
}
END_TEST

/* No number, however large, may overrun the text or grow past what a column of the table holds. */
START_TEST(widths)
{
    for (int exponent = -320; exponent <= 308; exponent++)
        for (int mantissa = 1; mantissa < 1000; mantissa += 37) {
            double value = mantissa * pow(10, exponent);
            if (value > 1e10)
                continue;
            ck_assert_uint_le(strlen(ffmk_units_time(value).text), 13);
            ck_assert_uint_le(strlen(ffmk_units_bytes(value).text), 11);
            ck_assert_uint_le(strlen(ffmk_units_count(value).text), 11);
        }
    ck_assert_uint_lt(strlen(ffmk_units_bytes(1e300).text), sizeof(struct ffmk_units));
    ck_assert_uint_lt(strlen(ffmk_units_time(1e300).text), sizeof(struct ffmk_units));
}
END_TEST

START_TEST(padding)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    ffmk_units_pad(out, "µs", 4);
    ffmk_units_pad(out, "|", -3);
    ffmk_units_pad(out, "longer", 2);
    /* Ideographs and most emoji are two columns wide, combining marks none. */
    ffmk_units_pad(out, "格子", 6);
    ffmk_units_pad(out, "한글🚀", -8);
    ffmk_units_pad(out, "e\u0301", 3);
    ffmk_units_pad(out, "\xe6\xa0", 3);
    fclose(out);
    ck_assert_str_eq(text, "  µs|  longer  格子한글🚀    e\u0301 \xe6\xa0");
    free(text);
}
END_TEST

CASES("report units", times, amounts, counters, shares, widths, padding)
