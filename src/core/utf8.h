/* SPDX-License-Identifier: BSD-3-Clause
 * Text of the program's, which may be of any encoding, as UTF-8. */
#ifndef FFMK_CORE_UTF8_H
#define FFMK_CORE_UTF8_H

#include <stddef.h>

/** What stands for a byte that is not UTF-8. */
#define FFMK_UTF8_REPLACEMENT "\xef\xbf\xbd"

/** Bytes of the character that the string begins with; 0 when they are not UTF-8 (RFC 3629), or the
 * string is empty. */
size_t ffmk_utf8_character(const char *string);

#endif
