/* SPDX-License-Identifier: BSD-3-Clause
 * What the system tells of a process (proc(5)). */
#ifndef FFMK_CORE_PROCESS_H
#define FFMK_CORE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct ffmk_process {
    char name[16];
    bool sleeps; /* until something happens, but not a disk's answer */
    pid_t parent;
    unsigned long faults;     /* of pages, that needed a disk or not */
    unsigned long cpu_ticks;  /* of sysconf(_SC_CLK_TCK) a second, in user and system mode */
    unsigned long long begun; /* the same ticks, since the system's start */
};

/** \return false when there is no such process, or it is not shown to us. Nothing but system calls:
 * for signal handlers, too. */
bool ffmk_process_look(pid_t pid, struct ffmk_process *process);

/** How many bytes it has written by system calls; 0 where that is not shown to us. As above. */
unsigned long long ffmk_process_written(pid_t pid);

/** The system call that it waits in; -1 where it runs, or is not shown to us. As above. */
long ffmk_process_call(pid_t pid);

#endif
