/* SPDX-License-Identifier: BSD-3-Clause
 * Work that may not harm the process it is done for. */
#ifndef FFMK_CORE_APART_H
#define FFMK_CORE_APART_H

enum ffmk_apart {
    FFMK_APART_DONE,
    FFMK_APART_NONE,  /* the system makes no process now; errno says why */
    FFMK_APART_STUCK, /* it crashed; or waited for a lock that a thread of ours holds, again and
                         again, or took too long, and was ended */
    FFMK_APART_LOST   /* so it was, but a system call of it does not end: its files are busy */
};

/** Do work(argument) in a copy of this process, on a stack of its own, and wait for it. What it
 * writes to memory is the copy's alone. Where this is a signal's handler, the C library's locks may
 * be held by the thread that it interrupted, the heap may be damaged, the stack may be small: here
 * nothing but system calls is made. The copy has no other threads, no handlers, leaves no core file
 * and is no child that the program's wait() or SIGCHLD would tell of (waitpid with __WALL would).
 * Work is begun anew when it had to wait for a lock: another thread may just have held it. */
enum ffmk_apart ffmk_apart(void (*work)(void *), void *argument);

#endif
