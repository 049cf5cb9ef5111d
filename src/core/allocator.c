/* SPDX-License-Identifier: BSD-3-Clause
 * Whether the C library's locks can be had: they are asked for, and a timer's signal takes this
 * thread out of a wait for itself. */
#include "core/allocator.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    BYTES = 1 << 16, /* more than a thread keeps at hand without a lock, less than gets a mapping */
    PATIENCE_S = 1
};

static sigjmp_buf out;
static volatile sig_atomic_t is_asking;

static void give_up(int signal)
{
    (void)signal;
    if (is_asking)
        siglongjmp(out, 1);
}

/* A real-time signal that the program leaves alone, now with our handler; 0 when there is none. */
static int take_signal(void)
{
    const struct sigaction ours = {.sa_handler = give_up};
    struct sigaction before;
    int number = SIGRTMAX;
    while (number >= SIGRTMIN &&
           (sigaction(number, NULL, &before) != 0 || before.sa_handler != SIG_DFL))
        number--;
    return number >= SIGRTMIN && sigaction(number, &ours, NULL) == 0 ? number : 0;
}

static void give_signal_back(int number)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(number, &usual, NULL);
}

/* The C library's own functions for timers may allocate. */
static bool start_timer(int signal, int *timer)
{
    const struct itimerspec once = {.it_value = {.tv_sec = PATIENCE_S}};
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, timer) != 0)
        return false;
    if (syscall(SYS_timer_settime, *timer, 0, &once, NULL) == 0)
        return true;
    syscall(SYS_timer_delete, *timer);
    return false;
}

static void ask(void)
{
    void *volatile memory = malloc(BYTES); /* volatile: both are to happen */
    free(memory);
    FILE *file = fopen("/dev/null", "we");
    if (file)
        fclose(file);
}

/* In a frame of its own: nothing in it changes behind sigsetjmp. */
static __attribute__((noinline)) bool is_answered(void)
{
    if (sigsetjmp(out, 0) != 0) {
        is_asking = 0;
        return false;
    }
    is_asking = 1;
    ask();
    is_asking = 0;
    return true;
}

bool ffmk_allocator_comes_back(void)
{
    sigset_t mine;
    sigset_t before;
    int timer;
    const int number = take_signal();
    if (number == 0)
        return true; /* nothing to look with */
    /* The handler that we may be in can have blocked it. */
    sigemptyset(&mine);
    sigaddset(&mine, number);
    pthread_sigmask(SIG_UNBLOCK, &mine, &before);
    bool comes_back = true;
    if (start_timer(number, &timer)) {
        comes_back = is_answered();
        syscall(SYS_timer_delete, timer);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    give_signal_back(number);
    return comes_back;
}
