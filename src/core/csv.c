/* SPDX-License-Identifier: BSD-3-Clause
 * Fields of comma-separated values (RFC 4180). */
#include "core/csv.h"

#include <string.h>

void ffmk_csv_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void ffmk_csv_field(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n"))
        ffmk_csv_quoted(out, text);
    else
        fputs(text, out);
}
