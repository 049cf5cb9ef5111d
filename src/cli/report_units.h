/* SPDX-License-Identifier: BSD-3-Clause
 * Numbers for people: SI prefixes, three digits, a space before the unit. Used by table and page
 * alike. */
#ifndef FFMK_CLI_REPORT_UNITS_H
#define FFMK_CLI_REPORT_UNITS_H

#include <stdint.h>
#include <stdio.h>

/** A short text by value, so that it can stand in the arguments of a printf. */
struct ffmk_units {
    char text[48];
};

/** "0 s", "850 ns", "12.3 ms", "45.1 s", "78.2 min", "5.03 h". */
struct ffmk_units ffmk_units_time(double seconds);
/** "0 B", "512 B", "1.23 MB" (powers of 1000). */
struct ffmk_units ffmk_units_bytes(double bytes);
/** "950", "12.3 k", "4.56 M". */
struct ffmk_units ffmk_units_count(double count);
/** With all digits: "12,345,678". */
struct ffmk_units ffmk_units_whole(int64_t count);
/** A counter, in the unit that its name ends in: "user_us" is a time, "rss_bytes" a size, others
 * are counts. */
struct ffmk_units ffmk_units_counter(const char *name, double value);
/** A share of 1 as "71.2 %"; "<0.1 %" for what is little but not nothing. */
struct ffmk_units ffmk_units_percent(double share);
/** "1.32×"; "–" where there is nothing to divide by. */
struct ffmk_units ffmk_units_ratio(double numerator, double denominator);

/** Print text padded with spaces to columns of a terminal, on which some characters take two or
 * none; negative columns: text on the left. */
void ffmk_units_pad(FILE *out, const char *text, int columns);

#endif
