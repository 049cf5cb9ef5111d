/* SPDX-License-Identifier: BSD-3-Clause
 * Fields of comma-separated values (RFC 4180). */
#ifndef FFMK_CORE_CSV_H
#define FFMK_CORE_CSV_H

#include <stdio.h>

/** A field in quotes, whatever it holds. */
void ffmk_csv_quoted(FILE *out, const char *text);

/** A field as it is, in quotes where it must be. */
void ffmk_csv_field(FILE *out, const char *text);

#endif
