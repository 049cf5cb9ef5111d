/* SPDX-License-Identifier: BSD-3-Clause
 * Work that may not harm the process it is done for. */
#include "core/apart.h"

#include "core/process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STACK = 1 << 20,
    LOOK_NS = 2000000, /* between two looks at the copy */
    LOOKS_AT_A_LOCK = 5,
    LOOKS_AT_PAUSES = 500,   /* a second; as much when it computes, by its own time */
    LOOKS_WHEN_BLIND = 2500, /* without /proc */
    LOOKS_IN_ALL = 15000,    /* half a minute */
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

/* Looks at the copy, until it has ended or there is no hope for it. It has one thread: a lock that
 * it waits for, nobody gives back. Some locks are waited for by pauses, some by trying on and on;
 * whoever makes a report uses memory or writes now and then. */
struct watch {
    pid_t copy;
    int looks;
    int waiting; /* looks in a row */
    int pausing; /* looks since it got on */
    unsigned long long progress;
    unsigned long cpu_ticks; /* when it got on */
};

static bool has_hope(struct watch *watch)
{
    struct ffmk_process now;
    if (!ffmk_process_look(watch->copy, &now))
        return watch->looks < LOOKS_WHEN_BLIND;
    const unsigned long long progress = now.faults + ffmk_process_written(watch->copy);
    if (progress != watch->progress) {
        watch->progress = progress;
        watch->cpu_ticks = now.cpu_ticks;
        watch->pausing = 0;
    }
    const long call = ffmk_process_call(watch->copy);
    watch->waiting = call == SYS_futex ? watch->waiting + 1 : 0;
    watch->pausing += call == SYS_nanosleep || call == SYS_clock_nanosleep ||
                      (call < 0 && now.sleeps); /* we may not see why */
    return watch->waiting < LOOKS_AT_A_LOCK && watch->pausing < LOOKS_AT_PAUSES &&
           now.cpu_ticks - watch->cpu_ticks < (unsigned long)sysconf(_SC_CLK_TCK) &&
           watch->looks < LOOKS_IN_ALL;
}

/* Whether there is such a copy yet: another thread of the program may have waited for any child. */
static bool is_there(pid_t copy)
{
    pid_t found;
    while ((found = waitpid(copy, NULL, WNOHANG | __WALL)) < 0 && errno == EINTR)
        ;
    return found == 0;
}

static void pause_ns(long ns)
{
    nanosleep(&(struct timespec){0, ns}, NULL);
}

enum outcome { ENDED, WAITED_FOR_A_LOCK, IS_THERE_YET };

/* Until it has ended, or is ended. */
static enum outcome wait_for(pid_t copy)
{
    struct watch watch = {.copy = copy};
    for (; has_hope(&watch); watch.looks++) {
        if (!is_there(copy))
            return ENDED;
        pause_ns(watch.looks < 10 ? LOOK_NS / 10 : LOOK_NS);
    }
    kill(copy, SIGKILL);
    /* A file system that does not answer keeps it. */
    for (int i = 0; i < LOOKS_AT_THE_END; i++) {
        if (!is_there(copy))
            return watch.waiting > 0 ? WAITED_FOR_A_LOCK : ENDED;
        pause_ns(LOOK_NS / 10);
    }
    return IS_THERE_YET;
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
        const enum outcome outcome = wait_for(copy);
        if (*task->done)
            return FFMK_APART_DONE;
        if (outcome != WAITED_FOR_A_LOCK)
            return outcome == ENDED ? FFMK_APART_STUCK : FFMK_APART_LOST;
        pause_ns((i + 1) * LOOK_NS);
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
