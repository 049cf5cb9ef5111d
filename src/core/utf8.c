/* SPDX-License-Identifier: BSD-3-Clause
 * Text of the program's, which may be of any encoding, as UTF-8. */
#include "core/utf8.h"

/* The table of RFC 3629, section 4: of each kind of first byte, what the second may be. Those
 * behind it are 80 to bf. */
static const struct {
    unsigned char first, last, second_first, second_last, bytes;
} kinds[] = {
    {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t ffmk_utf8_character(const char *string)
{
    const unsigned char *const byte = (const unsigned char *)string;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (byte[0] < kinds[k].first || byte[0] > kinds[k].last)
            continue;
        if (kinds[k].bytes > 1 &&
            (byte[1] < kinds[k].second_first || byte[1] > kinds[k].second_last))
            return 0;
        for (size_t i = 2; i < kinds[k].bytes; i++)
            if ((byte[i] & 0xc0) != 0x80)
                return 0;
        return kinds[k].bytes;
    }
    return 0;
}
