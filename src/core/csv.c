/* SPDX-License-Identifier: BSD-3-Clause
 * Fields of comma-separated values (RFC 4180). */
#include "core/csv.h"

#include "core/utf8.h"

#include <string.h>

/* A text's next character, or what stands for its next byte. \return how far that is. */
static size_t put_character(FILE *out, const char *text)
{
    const size_t bytes = ffmk_utf8_character(text);
    fwrite(bytes ? text : FFMK_UTF8_REPLACEMENT, 1,
           bytes ? bytes : sizeof FFMK_UTF8_REPLACEMENT - 1, out);
    return bytes ? bytes : 1;
}

void ffmk_csv_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    while (*text) {
        if (*text == '"')
            fputc('"', out);
        text += put_character(out, text);
    }
    fputc('"', out);
}

void ffmk_csv_field(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n"))
        ffmk_csv_quoted(out, text);
    else
        while (*text)
            text += put_character(out, text);
}
