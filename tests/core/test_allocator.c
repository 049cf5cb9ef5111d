/* SPDX-License-Identifier: BSD-3-Clause
 * A C library that does not come back. */
#include "core/allocator.h"

#include "cases.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
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

/* The answer, and that signals are as before. */
static void look(bool held)
{
    sigset_t before;
    sigset_t after;
    struct sigaction action;
    is_held = held;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(ffmk_allocator_comes_back(), !held);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    is_held = false;
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        ck_assert_int_eq(sigismember(&before, signal), sigismember(&after, signal));
    ck_assert_int_eq(sigaction(SIGRTMAX - 1, NULL, &action), 0);
    ck_assert(action.sa_handler == SIG_DFL);
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
    struct sigaction action;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    ck_assert_int_eq(sigaction(SIGRTMAX, &counts, NULL), 0);
    kill(getpid(), SIGRTMAX);
    look(true);
    look(false);
    ck_assert_int_eq(handled, 0);
    ck_assert_int_eq(sigaction(SIGRTMAX, NULL, &action), 0);
    ck_assert(action.sa_handler == count);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    ck_assert_int_eq(handled, 1);
}
END_TEST

CASES("allocator", a_wait_for_oneself_ends, signals_may_be_blocked_and_in_use)
