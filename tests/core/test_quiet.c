/* SPDX-License-Identifier: BSD-3-Clause
 * Writing that fails, and of which nobody hears. */
#include "core/quiet.h"

#include "cases.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile sig_atomic_t heard;

static void hear(int signal)
{
    (void)signal;
    heard++;
}

static void listen(void)
{
    heard = 0;
    signal(SIGPIPE, hear);
    signal(SIGXFSZ, hear);
}

static void fail_to_write(void)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    close(ends[1]);
}

static void write_too_much(void)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    const struct rlimit none = {0, RLIM_INFINITY};
    /* Check writes down what it asserts. */
    const int set = setrlimit(RLIMIT_FSIZE, &none);
    const ssize_t written = write(fileno(file), "x", 1);
    const int reason = errno;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    ck_assert_int_eq(set, 0);
    ck_assert_int_eq(written, -1);
    ck_assert_int_eq(reason, EFBIG);
    fclose(file);
}

START_TEST(nobody_hears_of_it)
{
    struct ffmk_quiet outer;
    struct ffmk_quiet inner;
    listen();
    ffmk_quiet_begin(&outer);
    fail_to_write();
    ffmk_quiet_begin(&inner);
    fail_to_write();
    write_too_much();
    ffmk_quiet_end(&inner);
    ffmk_quiet_end(&outer);
    ck_assert_int_eq(heard, 0);
    fail_to_write();
    write_too_much();
    ck_assert_int_eq(heard, 2);
}
END_TEST

START_TEST(what_the_program_has_pending_stays)
{
    struct ffmk_quiet quiet;
    sigset_t pipe_only;
    listen();
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
    fail_to_write();
    ffmk_quiet_begin(&quiet);
    fail_to_write();
    ffmk_quiet_end(&quiet);
    ck_assert_int_eq(heard, 0);
    pthread_sigmask(SIG_UNBLOCK, &pipe_only, NULL);
    ck_assert_int_eq(heard, 1);
}
END_TEST

CASES("quiet", nobody_hears_of_it, what_the_program_has_pending_stays)
