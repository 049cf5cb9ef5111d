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
    LOOK_NS = 2000000,           /* between two looks at the copy */
    LOOKS_FOR_A_LOCK = 5,        /* in a row at which it waits for one */
    LOOKS_WITHOUT_A_CALL = 2500, /* it computes: five seconds */
    LOOKS_IN_ALL = 15000,        /* half a minute */
    LOOKS_AT_THE_END = 500,
    TRIES = 10
};

struct task {
    void (*work)(void *);
    void *argument;
    volatile sig_atomic_t *done; /* shared with the copy */
};

/* ---- the copy ---- */

/* A handler of the program would run what it has for its exit, twice in all. Signals are blocked;
 * those of a crash are not. */
static void forget_handlers(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction now;
    sigset_t open;
    for (int signal = 1; signal < NSIG; signal++)
        if (sigaction(signal, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaction(signal, &usual, NULL);
    sigemptyset(&open);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        sigaddset(&open, crashes[i]);
    pthread_sigmask(SIG_UNBLOCK, &open, NULL);
}

static int be_copy(void *argument)
{
    const struct task *task = argument;
    const struct rlimit none = {1, 1}; /* 0 still has it sent to a program that collects them */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &none);
    forget_handlers();
    task->work(task->argument);
    *task->done = 1;
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

enum doing { COMPUTES, CALLS, WAITS_FOR_LOCK };

/* The copy has one thread: a lock that it waits for, nobody gives back. Some locks are waited for
 * with pauses. Where we may not see what it does, it computes. */
static enum doing look_into(const char *path)
{
    char text[16] = "";
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return COMPUTES;
    const ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    char *end = text;
    const long call = length > 0 ? strtol(text, &end, 10) : 0;
    if (end == text || call == SYS_sched_yield || call == SYS_nanosleep ||
        call == SYS_clock_nanosleep)
        return COMPUTES;
    return call == SYS_futex ? WAITS_FOR_LOCK : CALLS;
}

/* Whether there is such a copy yet: another thread of the program may have waited for any child. */
static bool is_there(pid_t copy)
{
    pid_t found;
    while ((found = waitpid(copy, NULL, WNOHANG | __WALL)) < 0 && errno == EINTR)
        ;
    return found == 0;
}

/* Until it has ended, or is ended. \return what it was doing in that case, else CALLS. */
static enum doing wait_for(pid_t copy)
{
    char path[48];
    int waiting = 0;
    int computing = 0;
    enum doing doing = CALLS;
    put_path(path, copy);
    for (int i = 0;
         i < LOOKS_IN_ALL && waiting < LOOKS_FOR_A_LOCK && computing < LOOKS_WITHOUT_A_CALL; i++) {
        if (!is_there(copy))
            return CALLS;
        doing = look_into(path);
        waiting = doing == WAITS_FOR_LOCK ? waiting + 1 : 0;
        computing += doing == COMPUTES;
        nanosleep(&(struct timespec){0, i < 10 ? LOOK_NS / 10 : LOOK_NS}, NULL);
    }
    kill(copy, SIGKILL);
    /* A file system that does not answer keeps it. */
    for (int i = 0; i < LOOKS_AT_THE_END && is_there(copy); i++)
        nanosleep(&(struct timespec){0, LOOK_NS / 10}, NULL);
    return doing;
}

/* Another thread may just have held a lock: then once more. */
static enum ffmk_apart try_often(struct task *task, char *stack)
{
    for (long i = 0; i < TRIES; i++) {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        /* No signal when it ends: wait() does not see it then. */
        const pid_t copy = clone(be_copy, stack + STACK, 0, task);
        const int reason = errno;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        errno = reason;
        if (copy < 0)
            return FFMK_APART_NONE;
        const enum doing last = wait_for(copy);
        if (*task->done)
            return FFMK_APART_DONE;
        if (last != WAITS_FOR_LOCK)
            break;
        nanosleep(&(struct timespec){0, (i + 1) * LOOK_NS}, NULL);
    }
    return FFMK_APART_STUCK;
}

enum ffmk_apart ffmk_apart(void (*work)(void *), void *argument)
{
    enum ffmk_apart how = FFMK_APART_NONE;
    int reason = ENOMEM;
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    void *done =
        mmap(NULL, sizeof(sig_atomic_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stack != MAP_FAILED && done != MAP_FAILED) {
        struct task task = {work, argument, done};
        how = try_often(&task, stack);
        reason = errno;
    }
    if (stack != MAP_FAILED)
        munmap(stack, STACK);
    if (done != MAP_FAILED)
        munmap(done, sizeof(sig_atomic_t));
    errno = reason;
    return how;
}
