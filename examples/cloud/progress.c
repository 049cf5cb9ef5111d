/* SPDX-License-Identifier: BSD-3-Clause
 * The progress bar, and the question whether there is anybody to see it. */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 40, MOST_ANCESTORS = 4 };

/** Names of the processes that stand between a rank and the person: launchers and their node
 * daemons. */
static bool is_launcher(const char *name)
{
    static const char *const begins[] = {"mpirun", "mpiexec", "orte", "prte", "hydra"};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        if (strncmp(name, begins[i], strlen(begins[i])) == 0)
            return true;
    }
    return false;
}

/** Name and parent of a process. "1234 (name) S 1200 …" is what Linux says of it; a name may hold
 * anything, a parenthesis as well. */
static bool look_up(int process, char name[32], int *parent_p)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", process);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    char line[512];
    const size_t length = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    line[length] = '\0';

    const char *begin = strchr(line, '(');
    const char *end = strrchr(line, ')');
    if (!begin || !end || end < begin || strlen(end) < sizeof(") S 1") - 1)
        return false;
    snprintf(name, 32, "%.*s", (int)(end - begin - 1), begin + 1);
    *parent_p = (int)strtol(end + sizeof(") S ") - 1, NULL, 10);
    return true;
}

static bool stderr_is_terminal(int process)
{
    char path[64], target[64];
    snprintf(path, sizeof(path), "/proc/%d/fd/2", process);
    const ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0;
}

bool progress_wanted(void)
{
    if (isatty(STDERR_FILENO))
        return true;
    char name[32];
    int parent, process = getppid();
    for (int i = 0; i < MOST_ANCESTORS && look_up(process, name, &parent) && is_launcher(name);
         i++) {
        if (stderr_is_terminal(process))
            return true;
        process = parent;
    }
    return false;
}

void progress_draw(int step, int steps)
{
    char bar[WIDTH + 1];
    const int full = (int)((long)WIDTH * step / steps);
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)full);
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r[%s] step %d of %d", bar, step, steps);
    fflush(stderr);
}

void progress_end(void)
{
    fprintf(stderr, "\r%*s\r", WIDTH + 30, "");
    fflush(stderr);
}
