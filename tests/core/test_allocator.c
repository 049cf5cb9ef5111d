/* SPDX-License-Identifier: BSD-3-Clause
 * A C library that does not come back. */
#include "core/allocator.h"

#include "cases.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static atomic_bool is_held;

/* The C library's, for all of this program. */
FILE *fopen(const char *path, const char *mode)
{
    while (is_held)
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    return fopen64(path, mode);
}

static int handled;

static void count(int signal)
{
    (void)signal;
    handled++;
}

typedef void (*handler)(int);

static void signals(sigset_t *blocked, handler *handlers)
{
    pthread_sigmask(SIG_SETMASK, NULL, blocked);
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction action;
        handlers[signal] = sigaction(signal, NULL, &action) == 0 ? action.sa_handler : SIG_ERR;
    }
}

/* The answer, and that signals are as before. */
static void look(bool held)
{
    sigset_t before;
    sigset_t after;
    handler handlers_before[NSIG];
    handler handlers_after[NSIG];
    signals(&before, handlers_before);
    is_held = held;
    ck_assert_int_eq(ffmk_allocator_comes_back(), !held);
    is_held = false;
    signals(&after, handlers_after);
    for (int signal = 1; signal < NSIG; signal++) {
        ck_assert_int_eq(sigismember(&before, signal), sigismember(&after, signal));
        ck_assert(handlers_before[signal] == handlers_after[signal]);
    }
}

START_TEST(a_wait_for_oneself_ends)
{
    look(false);
    look(true);
    look(false);
}
END_TEST

/* As in the handler of a signal that blocks all others, of a program that uses SIGRTMAX. */
START_TEST(signals_may_be_blocked_and_in_use)
{
    sigset_t all;
    const struct sigaction counts = {.sa_handler = count};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    ck_assert_int_eq(sigaction(SIGRTMAX, &counts, NULL), 0);
    kill(getpid(), SIGRTMAX);
    look(true);
    look(false);
    ck_assert_int_eq(handled, 0);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    ck_assert_int_eq(handled, 1);
}
END_TEST

CASES("allocator", a_wait_for_oneself_ends, signals_may_be_blocked_and_in_use)
