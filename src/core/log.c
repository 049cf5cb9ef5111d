/* SPDX-License-Identifier: BSD-3-Clause
 * Lines to the person who runs the job. */
#include "core/log.h"

#include "core/quiet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1000 };

static int verbose;

static void write_line(const char *format, va_list args)
{
    static const char prefix[] = "ffmk: ";
    char line[LINE_BYTES];
    const size_t start = sizeof prefix - 1;
    const int saved_errno = errno;

    memcpy(line, prefix, start);
    int length = vsnprintf(line + start, sizeof line - start - 1, format, args);
    if (length < 0)
        length = 0;
    size_t end = start + (size_t)length;
    if (end > sizeof line - 2)
        end = sizeof line - 2;
    line[end] = '\n';
    struct ffmk_quiet quiet;
    ffmk_quiet_begin(&quiet);
    ssize_t written = write(STDERR_FILENO, line, end + 1);
    (void)written; /* stderr may be closed; there is nobody left to tell */
    ffmk_quiet_end(&quiet);
    errno = saved_errno;
}

void ffmk_log(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
}

void ffmk_log_mistake(const char *format, ...)
{
    enum { MOST = 20 };
    static _Atomic int told;
    const int before = told < MOST ? told++ : MOST;
    if (before >= MOST)
        return;
    va_list args;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
    if (before == MOST - 1)
        ffmk_log("mistakes from here on are not told, but by the codes that the calls return");
}

void ffmk_log_debug(const char *format, ...)
{
    if (!verbose)
        return;
    va_list args;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
}

void ffmk_log_drain(void)
{
    struct stat what;
    if (fstat(STDERR_FILENO, &what) != 0 || !S_ISFIFO(what.st_mode))
        return;
    const struct timespec pause = {0, 1000000};
    int unread = 0;
    for (int i = 0; i < 100 && ioctl(STDERR_FILENO, FIONREAD, &unread) == 0 && unread > 0; i++)
        nanosleep(&pause, NULL);
}

void ffmk_log_verbose(int on)
{
    verbose = on;
}
