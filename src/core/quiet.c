/* SPDX-License-Identifier: BSD-3-Clause
 * Writing without the signals that it may bring: both are sent to the very thread that writes. */
#include "core/quiet.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

static const int signals[] = {SIGPIPE, SIGXFSZ};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static sigset_t set_of(int first, int last)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = first; i <= last; i++)
        sigaddset(&set, signals[i]);
    return set;
}

void ffmk_quiet_begin(struct ffmk_quiet *quiet)
{
    const sigset_t both = set_of(0, SIGNALS - 1);
    pthread_sigmask(SIG_BLOCK, &both, &quiet->before);
    sigpending(&quiet->pending);
}

void ffmk_quiet_end(const struct ffmk_quiet *quiet)
{
    const int saved_errno = errno;
    sigset_t now;
    sigpending(&now);
    for (int i = 0; i < SIGNALS; i++) {
        const sigset_t one = set_of(i, i);
        if (sigismember(&now, signals[i]) && !sigismember(&quiet->pending, signals[i]))
            sigtimedwait(&one, NULL, &(struct timespec){0, 0});
    }
    pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
    errno = saved_errno;
}
