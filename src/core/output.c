/* SPDX-License-Identifier: BSD-3-Clause
 * Files that are there whole or not at all, where there is a name for a file. */
#include "core/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stream(int descriptor, const struct stat *there)
{
    struct stat stream;
    return fstat(descriptor, &stream) == 0 && stream.st_dev == there->st_dev &&
           stream.st_ino == there->st_ino;
}

/* Our stream that leads to the same file, or -1. */
static int stream_of(const struct stat *there)
{
    for (int descriptor = STDOUT_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (is_stream(descriptor, there))
            return descriptor;
    return -1;
}

bool ffmk_output_is_special(const char *path)
{
    struct stat there;
    return stat(path, &there) == 0 && !S_ISDIR(there.st_mode) &&
           (!S_ISREG(there.st_mode) || stream_of(&there) >= 0);
}

static FILE *open_stream(int descriptor)
{
    const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    return copy >= 0 ? fdopen(copy, "w") : NULL;
}

/* A pipe that nobody reads is an error, not a wait for ever; one that somebody reads is written
 * like a file. */
static FILE *open_special(const char *path)
{
    struct stat there;
    const int stream = stat(path, &there) == 0 ? stream_of(&there) : -1;
    if (stream >= 0)
        return open_stream(stream);
    const int file = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    fcntl(file, F_SETFL, 0);
    return fdopen(file, "w");
}

static bool fits(int length)
{
    if (length < FFMK_OUTPUT_PATH)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

/* Links are followed: they stay. */
static bool find_target(const char *path, char *target)
{
    return realpath(path, target) || fits(snprintf(target, FFMK_OUTPUT_PATH, "%s", path));
}

static bool find_temporary(struct ffmk_output *output, pid_t pid)
{
    return fits(
        snprintf(output->temporary, FFMK_OUTPUT_PATH, "%s.%ld.tmp", output->target, (long)pid));
}

static bool leads_nowhere(const char *path)
{
    struct stat there;
    return lstat(path, &there) == 0 && S_ISLNK(there.st_mode) && access(path, F_OK) != 0;
}

int ffmk_output_folder_trouble(const char *folder)
{
    struct stat there;
    if (stat(folder, &there) != 0)
        return errno;
    if (!S_ISDIR(there.st_mode))
        return ENOTDIR;
    return eaccess(folder, W_OK | X_OK) == 0 ? 0 : errno;
}

/* Where a file's name ends in a slash, too: then it is a folder's. */
static int trouble_beside(const char *path)
{
    static char folder[FFMK_OUTPUT_PATH];
    if (!fits(snprintf(folder, sizeof folder, "%s", path)))
        return ENAMETOOLONG;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    return ffmk_output_folder_trouble(slash ? folder : ".");
}

int ffmk_output_trouble(const char *path)
{
    struct stat there;
    static char target[FFMK_OUTPUT_PATH];
    if (stat(path, &there) != 0)
        return errno == ENOENT && !leads_nowhere(path) ? trouble_beside(path)
               : errno == ENOENT                       ? 0
                                                       : errno;
    if (S_ISDIR(there.st_mode))
        return EISDIR;
    if (stream_of(&there) >= 0)
        return 0;
    if (eaccess(path, W_OK) != 0)
        return errno;
    if (!S_ISREG(there.st_mode))
        return 0;
    return find_target(path, target) ? trouble_beside(target) : errno;
}

/* Whatever lies in the temporary's place is not ours to write into. The file stays as private as
 * what it replaces. */
static FILE *open_temporary(const struct ffmk_output *output)
{
    struct stat before;
    unlink(output->temporary);
    FILE *stream = fopen(output->temporary, "wxe");
    if (stream && stat(output->target, &before) == 0)
        fchmod(fileno(stream), before.st_mode & 0777);
    return stream;
}

bool ffmk_output_open(struct ffmk_output *output, const char *path, pid_t pid)
{
    output->temporary[0] = '\0';
    output->stream = NULL;
    errno = ffmk_output_trouble(path);
    if (errno)
        return false;
    if (ffmk_output_is_special(path))
        output->stream = open_special(path);
    else if (leads_nowhere(path))
        output->stream = fopen(path, "we");
    else if (find_target(path, output->target) && find_temporary(output, pid))
        output->stream = open_temporary(output);
    return output->stream != NULL;
}

bool ffmk_output_open_stdout(struct ffmk_output *output)
{
    output->temporary[0] = '\0';
    output->stream = open_stream(STDOUT_FILENO);
    return output->stream != NULL;
}

const char *ffmk_output_reason(int error)
{
    return error == EISDIR  ? "it is a directory; name a file in it"
           : error == ENXIO ? "nobody reads it"
                            : strerror(error);
}

bool ffmk_output_close(struct ffmk_output *output, bool good)
{
    errno = 0;
    bool written = fflush(output->stream) == 0 && !ferror(output->stream);
    int reason = errno;
    if (fclose(output->stream) != 0 && written) {
        written = false;
        reason = errno;
    }
    const bool named = output->temporary[0] != '\0';
    if (good && written && named && rename(output->temporary, output->target) != 0) {
        written = false;
        reason = errno;
    }
    if (good && written)
        return true;
    if (named)
        unlink(output->temporary);
    /* A stream that failed says so before whoever wrote to it. */
    errno = written ? ENOMEM : reason ? reason : EIO;
    return false;
}

/* Without realpath(), which needs much of a stack: what a link leads to has its temporary left. */
void ffmk_output_tidy(struct ffmk_output *output, const char *path, pid_t pid)
{
    if (!ffmk_output_is_special(path) &&
        fits(snprintf(output->target, FFMK_OUTPUT_PATH, "%s", path)) && find_temporary(output, pid))
        unlink(output->temporary);
}
