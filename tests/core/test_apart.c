/* SPDX-License-Identifier: BSD-3-Clause
 * Work that crashes, hangs, or is good, in a copy of the process. */
#include "core/apart.h"

#include "cases.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int own; /* a copy's is its own */
static int *shared;

static void set_up(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
}

static void count(void *n)
{
    own++;
    *shared += *(int *)n;
}

START_TEST(work_is_done_elsewhere)
{
    int n = 7;
    set_up();
    ck_assert_int_eq(ffmk_apart(count, &n), FFMK_APART_DONE);
    ck_assert_int_eq(*shared, 7);
    ck_assert_int_eq(own, 0);
}
END_TEST

/* ---- ends that are not good ---- */

static void hear(int signal)
{
    (void)signal;
    ++*shared;
}

static void leave(void)
{
    ++*shared;
}

static void crash(void *unused)
{
    (void)unused;
    abort();
}

static void overflow(void *unused)
{
    (void)unused;
    raise(SIGSEGV);
}

/* Nothing of the program's runs in the copy, nor does the program hear of it. */
START_TEST(crashes_are_the_copys)
{
    set_up();
    atexit(leave);
    for (int signal = 1; signal < NSIG; signal++)
        sigaction(signal, &(struct sigaction){.sa_handler = hear}, NULL);
    ck_assert_int_eq(ffmk_apart(crash, NULL), FFMK_APART_STUCK);
    ck_assert_int_eq(ffmk_apart(overflow, NULL), FFMK_APART_STUCK);
    int n = 0;
    ck_assert_int_eq(ffmk_apart(count, &n), FFMK_APART_DONE);
    ck_assert_int_eq(*shared, 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void wait_for_lock(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
}

/* Check's limit of time tells when it is not ended. */
START_TEST(a_lock_that_nobody_gives_back)
{
    pthread_mutex_lock(&lock);
    ck_assert_int_eq(ffmk_apart(wait_for_lock, NULL), FFMK_APART_STUCK);
    pthread_mutex_unlock(&lock);
    ck_assert_int_eq(ffmk_apart(wait_for_lock, NULL), FFMK_APART_DONE);
}
END_TEST

static void *let_go_soon(void *unused)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    pthread_mutex_unlock(&lock);
    return unused;
}

/* In a copy it would be held for ever. */
START_TEST(a_lock_that_is_given_back)
{
    pthread_t thread;
    pthread_mutex_lock(&lock);
    ck_assert_int_eq(pthread_create(&thread, NULL, let_go_soon, NULL), 0);
    ck_assert_int_eq(ffmk_apart(wait_for_lock, NULL), FFMK_APART_DONE);
    pthread_join(thread, NULL);
}
END_TEST

/* Another thread of the program waits for whatever ends. */
static atomic_bool is_over;

static void *reap(void *unused)
{
    while (!is_over)
        waitpid(-1, NULL, WNOHANG | __WALL);
    return unused;
}

START_TEST(others_wait_for_children)
{
    enum { ROUNDS = 100 };
    pthread_t thread;
    int n = 1;
    set_up();
    ck_assert_int_eq(pthread_create(&thread, NULL, reap, NULL), 0);
    for (int i = 0; i < ROUNDS; i++)
        ck_assert_int_eq(ffmk_apart(count, &n), FFMK_APART_DONE);
    is_over = true;
    pthread_join(thread, NULL);
    ck_assert_int_eq(*shared, ROUNDS);
}
END_TEST

/* ---- slow, or stuck ---- */

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + 1e-6 * (double)time->tv_usec;
}

/* The copies' own time: the machine may be busy. */
static double cpu_of_copies(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
}

static void try_on_and_on(void *unused)
{
    (void)unused;
    while (pthread_mutex_trylock(&lock) != 0)
        sched_yield();
}

static void try_now_and_then(void *unused)
{
    (void)unused;
    while (pthread_mutex_trylock(&lock) != 0)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

START_TEST(locks_of_other_kinds)
{
    pthread_mutex_lock(&lock);
    ck_assert_int_eq(ffmk_apart(try_on_and_on, NULL), FFMK_APART_STUCK);
    ck_assert_double_lt(cpu_of_copies(), 3);
    ck_assert_int_eq(ffmk_apart(try_now_and_then, NULL), FFMK_APART_STUCK);
    /* Of such a process /proc tells only the superuser which system call it waits in. */
    enum { NOBODY = 65534 };
    ck_assert(geteuid() != 0 || setuid(NOBODY) == 0);
    ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 0), 0);
    for (int i = 0; i < 2; i++) /* half a minute each would be too long */
        ck_assert_int_eq(ffmk_apart(wait_for_lock, NULL), FFMK_APART_STUCK);
    pthread_mutex_unlock(&lock);
    ck_assert_int_eq(ffmk_apart(try_on_and_on, NULL), FFMK_APART_DONE);
}
END_TEST

static void sleep_a_little(void *unused)
{
    (void)unused;
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
}

static void use_memory(void *unused)
{
    enum { PAGES = 30, PAGE = 4096, EVERY_S = 10 };
    (void)unused;
    for (clock_t begun = clock(), page = 0; page < PAGES; page++) {
        volatile char *room =
            mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        room[0] = 1;
        while (clock() - begun < (page + 1) * CLOCKS_PER_SEC / EVERY_S)
            ;
    }
}

START_TEST(slow_is_not_stuck)
{
    ck_assert_int_eq(ffmk_apart(sleep_a_little, NULL), FFMK_APART_DONE);
    ck_assert_int_eq(ffmk_apart(use_memory, NULL), FFMK_APART_DONE);
}
END_TEST

/* ---- in a handler ---- */

static volatile enum ffmk_apart answer;

static void need_room(void *argument)
{
    volatile char room[100000];
    memset((void *)(uintptr_t)room, 1, sizeof room);
    count(argument);
}

static void ask(int signal)
{
    static int n = 3;
    (void)signal;
    answer = ffmk_apart(need_room, &n);
}

START_TEST(a_small_stack_with_all_signals_blocked)
{
#ifdef __SANITIZE_ADDRESS__
    enum { BYTES = 32768 }; /* its own needs */
#else
    enum { BYTES = 8192 };
#endif
    set_up();
    char *room = mmap(NULL, 2 * (size_t)BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(room, MAP_FAILED);
    ck_assert_int_eq(mprotect(room + BYTES, BYTES, PROT_READ | PROT_WRITE), 0);
    const stack_t small = {.ss_sp = room + BYTES, .ss_size = BYTES};
    ck_assert_int_eq(sigaltstack(&small, NULL), 0);
    struct sigaction action = {.sa_handler = ask, .sa_flags = SA_ONSTACK};
    sigfillset(&action.sa_mask);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    answer = FFMK_APART_STUCK;
    raise(SIGUSR1);
    ck_assert_int_eq(answer, FFMK_APART_DONE);
    ck_assert_int_eq(*shared, 3);
}
END_TEST

START_TEST(no_room_for_a_copy)
{
    const struct rlimit none = {1, RLIM_INFINITY};
    int n = 1;
    set_up();
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    const enum ffmk_apart how = ffmk_apart(count, &n);
    const int reason = errno;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    ck_assert_int_eq(how, FFMK_APART_NONE);
    ck_assert_int_eq(reason, ENOMEM);
}
END_TEST

CASES("apart", work_is_done_elsewhere, crashes_are_the_copys, a_lock_that_nobody_gives_back,
      a_lock_that_is_given_back, others_wait_for_children, locks_of_other_kinds, slow_is_not_stuck,
      a_small_stack_with_all_signals_blocked, no_room_for_a_copy)
