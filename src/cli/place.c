/* SPDX-License-Identifier: BSD-3-Clause
 * Looks at the places where files are to be written. */
#include "cli/place.h"

#include "core/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool folder_fits(const char *folder, char *reason_p, size_t reason_bytes)
{
    struct stat status;
    if (stat(folder, &status) != 0)
        snprintf(reason_p, reason_bytes, "there is no folder '%.300s'%s%s", folder,
                 errno == ENOENT ? "" : ": ", errno == ENOENT ? "" : strerror(errno));
    else if (!S_ISDIR(status.st_mode))
        snprintf(reason_p, reason_bytes, "'%.300s' is no folder", folder);
    else if (access(folder, W_OK | X_OK) != 0)
        snprintf(reason_p, reason_bytes, "folder '%.300s': %s", folder, strerror(errno));
    else
        return true;
    return false;
}

bool ffmk_place_fits(const char *text, bool moves, char *reason_p, size_t reason_bytes)
{
    char known[PATH_BYTES];
    char path[PATH_BYTES];
    const size_t length = known_length(text);
    if (length == 0 || length >= sizeof known || (moves && text[0] != '/'))
        return true;
    snprintf(known, sizeof known, "%.*s", (int)length, text);
    if (!ffmk_config_expand(known, "", 0, "", path, sizeof path - 2))
        return true;

    struct stat status;
    if (text[length] == '\0' && stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        if (!S_ISDIR(status.st_mode))
            return true;
        snprintf(reason_p, reason_bytes, "it is a directory; name a file in it");
        return false;
    }
    char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(path, ".");
    else if (slash == path)
        slash[1] = '\0';
    else
        *slash = '\0';
    return folder_fits(path, reason_p, reason_bytes);
}
