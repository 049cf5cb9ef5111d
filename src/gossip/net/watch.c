/* SPDX-License-Identifier: BSD-3-Clause
 * Which processes of this host have ended. */
#include "gossip/net/watch.h"

#include <errno.h>
#include <ffmk.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A process that somebody watches. All watches share it: a program may have hundreds of
 * communicators and few descriptors. */
struct process {
    pid_t pid;
    int descriptor;
    bool ended; /* read and written without a lock: it changes once */
    size_t watches;
    struct process *next;
};

struct ffmk_watch {
    size_t n;
    struct process *processes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct process *watched;

static bool has_ended(struct process *process)
{
    if (__atomic_load_n(&process->ended, __ATOMIC_ACQUIRE))
        return true;
    struct pollfd ask = {.fd = process->descriptor, .events = POLLIN};
    if (poll(&ask, 1, 0) != 1 || !(ask.revents & POLLIN))
        return false;
    __atomic_store_n(&process->ended, true, __ATOMIC_RELEASE);
    return true;
}

/* Lock held. One that has ended is another one, though of the same number. \return NULL and errno.
 */
static struct process *take(pid_t pid)
{
    struct process *process = watched;
    while (process && (process->pid != pid || has_ended(process)))
        process = process->next;
    if (!process) {
        process = calloc(1, sizeof *process);
        if (!process)
            return NULL;
        process->pid = pid;
        process->descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
        if (process->descriptor < 0) {
            int why = errno;
            free(process);
            errno = why;
            return NULL;
        }
        process->next = watched;
        watched = process;
    }
    process->watches++;
    return process;
}

/* Lock held. */
static void leave(struct process *process)
{
    if (--process->watches > 0)
        return;
    struct process **at = &watched;
    while (*at != process) /* NOLINT: it is in there */
        at = &(*at)->next;
    *at = process->next;
    close(process->descriptor);
    free(process);
}

int ffmk_watch_create(const pid_t *pids, size_t n, struct ffmk_watch **watch_p)
{
    struct ffmk_watch *watch = calloc(1, sizeof *watch + n * sizeof watch->processes[0]);
    if (!watch)
        return FFMK_ERR_NO_MEMORY;
    pthread_mutex_lock(&lock);
    while (watch->n < n && (watch->processes[watch->n] = take(pids[watch->n])))
        watch->n++;
    int why = errno;
    pthread_mutex_unlock(&lock);
    if (watch->n < n) {
        ffmk_watch_destroy(watch);
        errno = why;
        return why == ENOMEM ? FFMK_ERR_NO_MEMORY : FFMK_ERR_IO;
    }
    *watch_p = watch;
    return FFMK_SUCCESS;
}

void ffmk_watch_destroy(struct ffmk_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < watch->n; i++)
        leave(watch->processes[i]); /* NOLINT: freed with the last of its watches */
    pthread_mutex_unlock(&lock);
    free(watch);
}

bool ffmk_watch_known_ended(const struct ffmk_watch *watch, size_t i)
{
    return __atomic_load_n(&watch->processes[i]->ended, __ATOMIC_ACQUIRE);
}

bool ffmk_watch_ended(struct ffmk_watch *watch, size_t i)
{
    return has_ended(watch->processes[i]);
}
