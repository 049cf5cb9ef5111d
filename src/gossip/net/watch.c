/* SPDX-License-Identifier: BSD-3-Clause
 * Which processes of this host have ended. */
#include "gossip/net/watch.h"

#include <errno.h>
#include <ffmk.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct watched {
    int descriptor;
    bool ended; /* read and written without a lock: it changes once */
};

struct ffmk_watch {
    size_t n;
    struct watched processes[];
};

int ffmk_watch_create(const pid_t *pids, size_t n, struct ffmk_watch **watch_p)
{
    struct ffmk_watch *watch = calloc(1, sizeof *watch + n * sizeof watch->processes[0]);
    if (!watch)
        return FFMK_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        int descriptor = (int)syscall(SYS_pidfd_open, pids[i], 0);
        if (descriptor < 0) {
            int why = errno;
            ffmk_watch_destroy(watch);
            errno = why;
            return FFMK_ERR_IO;
        }
        watch->processes[watch->n++].descriptor = descriptor;
    }
    *watch_p = watch;
    return FFMK_SUCCESS;
}

void ffmk_watch_destroy(struct ffmk_watch *watch)
{
    if (!watch)
        return;
    for (size_t i = 0; i < watch->n; i++)
        close(watch->processes[i].descriptor);
    free(watch);
}

bool ffmk_watch_known_ended(const struct ffmk_watch *watch, size_t i)
{
    return __atomic_load_n(&watch->processes[i].ended, __ATOMIC_ACQUIRE);
}

bool ffmk_watch_ended(struct ffmk_watch *watch, size_t i)
{
    if (ffmk_watch_known_ended(watch, i))
        return true;
    struct pollfd ask = {.fd = watch->processes[i].descriptor, .events = POLLIN};
    if (poll(&ask, 1, 0) != 1 || !(ask.revents & POLLIN))
        return false;
    __atomic_store_n(&watch->processes[i].ended, true, __ATOMIC_RELEASE);
    return true;
}
