/* SPDX-License-Identifier: BSD-3-Clause
 * Work that may not harm the process it is done for. */
#include "core/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STACK = 1 << 20,
    LOOK_NS = 2000000,       /* between two looks at the copy */
    LOOKS_FOR_A_LOCK = 5,    /* in a row at which it waits for one */
    LOOKS_IN_ALL = 30 * 500, /* half a minute */
    LOOKS_AT_THE_END = 500
};

struct task {
    void (*work)(void *);
    void *argument;
};

/* ---- the copy ---- */

/* A handler of the program would run what it has for its exit, twice in all. */
static void forget_handlers(void)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int signal = 1; signal < NSIG; signal++)
        sigaction(signal, &usual, NULL); /* those that cannot be set have no handler */
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static int be_copy(void *argument)
{
    const struct task *task = argument;
    const struct rlimit none = {1, 1}; /* 0 still has it sent to a program that collects them */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &none);
    forget_handlers();
    task->work(task->argument);
    _exit(0);
}

/* ---- the original ---- */

/* By hand: printf may take locks. */
static void put_path(char *path, pid_t pid)
{
    static const char before[] = "/proc/";
    static const char after[] = "/syscall";
    char digits[16];
    size_t n = 0;
    for (; pid > 0; pid /= 10)
        digits[n++] = (char)('0' + pid % 10);
    memcpy(path, before, sizeof before - 1);
    path += sizeof before - 1;
    while (n > 0)
        *path++ = digits[--n];
    memcpy(path, after, sizeof after);
}

/* The copy has one thread: a lock that it waits for, nobody gives back. */
static bool waits_for_lock(const char *path)
{
    char text[16] = "";
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    const ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    char *end = text;
    const long call = length > 0 ? strtol(text, &end, 10) : 0;
    return end != text && call == SYS_futex;
}

static pid_t look(pid_t copy, int *status)
{
    pid_t found;
    while ((found = waitpid(copy, status, WNOHANG | __WALL)) < 0 && errno == EINTR)
        ;
    return found;
}

static enum ffmk_apart wait_for(pid_t copy)
{
    char path[48];
    int status = 0;
    int waiting = 0;
    put_path(path, copy);
    for (int i = 0; i < LOOKS_IN_ALL && waiting < LOOKS_FOR_A_LOCK; i++) {
        const pid_t found = look(copy, &status);
        if (found != 0)
            return found == copy && WIFEXITED(status) ? FFMK_APART_DONE : FFMK_APART_STUCK;
        waiting = waits_for_lock(path) ? waiting + 1 : 0;
        nanosleep(&(struct timespec){0, i < 10 ? LOOK_NS / 10 : LOOK_NS}, NULL);
    }
    kill(copy, SIGKILL);
    /* A file system that does not answer keeps it. */
    for (int i = 0; i < LOOKS_AT_THE_END && look(copy, &status) == 0; i++)
        nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
    return FFMK_APART_STUCK;
}

enum ffmk_apart ffmk_apart(void (*work)(void *), void *argument)
{
    struct task task = {work, argument};
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        return FFMK_APART_NONE;
    /* No signal when it ends: wait() does not see it then. */
    const pid_t copy = clone(be_copy, stack + STACK, 0, &task);
    const int reason = errno;
    const enum ffmk_apart how = copy < 0 ? FFMK_APART_NONE : wait_for(copy);
    munmap(stack, STACK);
    errno = reason;
    return how;
}
