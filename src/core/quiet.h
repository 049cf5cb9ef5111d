/* SPDX-License-Identifier: BSD-3-Clause
 * Writing without the signals that it may bring. */
#ifndef FFMK_CORE_QUIET_H
#define FFMK_CORE_QUIET_H

#include <signal.h>

struct ffmk_quiet {
    sigset_t before;  /* the thread's mask */
    sigset_t pending; /* what waited for it already */
};

/** What this thread writes between these two may fail because nobody reads it (SIGPIPE) or a file
 * would be too large (SIGXFSZ), but the program, whose writing it is not, hears nothing of it. May
 * be nested. */
void ffmk_quiet_begin(struct ffmk_quiet *quiet);
void ffmk_quiet_end(const struct ffmk_quiet *quiet);

#endif
