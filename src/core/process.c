/* SPDX-License-Identifier: BSD-3-Clause
 * What the system tells of a process (proc(5)). */
#include "core/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By hand: printf may take locks. */
static void put_path(char *path, pid_t pid, const char *file)
{
    static const char folder[] = "/proc/";
    char digits[16];
    size_t n = 0;
    for (; pid > 0; pid /= 10)
        digits[n++] = (char)('0' + pid % 10);
    memcpy(path, folder, sizeof folder - 1);
    path += sizeof folder - 1;
    while (n > 0)
        *path++ = digits[--n];
    memcpy(path, file, strlen(file) + 1);
}

/* \return false when there is nothing. */
static bool read_text(pid_t pid, const char *name, char *text, size_t bytes)
{
    char path[48];
    put_path(path, pid, name);
    const int file = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return false;
    const ssize_t length = read(file, text, bytes - 1);
    close(file);
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

bool ffmk_process_look(pid_t pid, struct ffmk_process *process)
{
    enum {
        STATE = 3,
        PARENT = 4,
        MINOR_FAULTS = 10,
        MAJOR_FAULTS = 12,
        USER = 14,
        SYSTEM,
        BEGUN = 22
    };
    char text[320]; /* more than it takes up to that field; a stack may be small */
    if (!read_text(pid, "/stat", text, sizeof text))
        return false;
    const char *open = strchr(text, '(');
    const char *close = strrchr(text, ')'); /* the name may hold anything */
    const size_t length = open && close ? (size_t)(close - open - 1) : sizeof process->name;
    if (length >= sizeof process->name)
        return false;
    *process = (struct ffmk_process){.parent = 0};
    memcpy(process->name, open + 1, length);
    const char *at = close + 1;
    for (int field = STATE; field <= BEGUN; field++) {
        at += strspn(at, " ");
        const unsigned long long value = strtoull(at, NULL, 10);
        if (field == STATE)
            process->sleeps = *at == 'S';
        else if (field == PARENT)
            process->parent = (pid_t)value;
        else if (field == MINOR_FAULTS || field == MAJOR_FAULTS)
            process->faults += (unsigned long)value;
        else if (field == USER || field == SYSTEM)
            process->cpu_ticks += (unsigned long)value;
        else if (field == BEGUN)
            process->begun = value;
        at += strcspn(at, " ");
    }
    return process->begun > 0;
}

unsigned long long ffmk_process_written(pid_t pid)
{
    static const char key[] = "wchar: ";
    char text[64]; /* it is the second line */
    const char *at = read_text(pid, "/io", text, sizeof text) ? strstr(text, key) : NULL;
    return at ? strtoull(at + sizeof key - 1, NULL, 10) : 0;
}

long ffmk_process_call(pid_t pid)
{
    char text[32];
    if (!read_text(pid, "/syscall", text, sizeof text))
        return -1;
    char *end;
    const long call = strtol(text, &end, 10); /* or "running" */
    return end == text ? -1 : call;
}
