/* SPDX-License-Identifier: BSD-3-Clause
 * Looks at the places where files are to be written. */
#include "cli/place.h"

#include "core/config.h"
#include "core/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

/* Length of what does not depend on the job: all, or up to the last slash before %h, %r or %j. */
static size_t known_length(const char *text)
{
    size_t folder = 0;
    size_t at = 0;
    for (; text[at]; at++) {
        if (text[at] == '%' && text[++at] != '%')
            return folder;
        if (text[at] == '/')
            folder = at + 1;
    }
    return at;
}

bool ffmk_place_fits(const char *text, bool moves, char *reason_p, size_t reason_bytes)
{
    char known[PATH_BYTES];
    char path[PATH_BYTES];
    const size_t length = known_length(text);
    if (length == 0 || length >= sizeof known || (moves && text[0] != '/'))
        return true;
    snprintf(known, sizeof known, "%.*s", (int)length, text);
    if (!ffmk_config_expand(known, "", 0, "", path, sizeof path))
        return true;
    const int trouble = text[length] ? ffmk_output_folder_trouble(path) : ffmk_output_trouble(path);
    char *slash = strrchr(path, '/');
    if (slash && slash > path && trouble != EISDIR)
        *slash = '\0';
    if (trouble == ENOENT)
        snprintf(reason_p, reason_bytes, "there is no folder '%.300s'", path);
    else if (trouble == ENOTDIR)
        snprintf(reason_p, reason_bytes, "'%.300s' is no folder", path);
    else
        snprintf(reason_p, reason_bytes, "%s", ffmk_output_reason(trouble));
    return trouble == 0;
}
