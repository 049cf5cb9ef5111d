/* SPDX-License-Identifier: BSD-3-Clause
 * Where the installed builds of libffmk lie. */
#include "cli/builds.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const ffmk_builds_names[] = {"openmpi", "mpich", NULL};

bool ffmk_builds_library(const char *mpi, char *path, size_t bytes)
{
    char command[4096];
    const ssize_t length = readlink("/proc/self/exe", command, sizeof command - 1);
    if (length <= 0)
        return false;
    command[length] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(command, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
    /* The build tree has lib; an installation what GNUInstallDirs says. */
    static const char *const folders[] = {FFMK_LIBDIR, "lib"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        const int written =
            snprintf(path, bytes, "%s/%s/ffmk/%s/libffmk.so.0", command, folders[i], mpi);
        if (written > 0 && (size_t)written < bytes && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

void ffmk_builds_list(char *text, size_t bytes)
{
    char path[4096];
    size_t at = 0;
    text[0] = '\0';
    for (const char *const *name = ffmk_builds_names; *name; name++)
        if (ffmk_builds_library(*name, path, sizeof path) && at < bytes)
            at += (size_t)snprintf(text + at, bytes - at, "%s%s", at ? ", " : "", *name);
    if (at == 0)
        snprintf(text, bytes, "none");
}
