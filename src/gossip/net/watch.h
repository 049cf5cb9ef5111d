/* SPDX-License-Identifier: BSD-3-Clause
 * Which processes of this host have ended: the only judge of death within a host. A process that is
 * stopped, or late, lives; one is dead when its last thread has ended, though nobody has waited for
 * it yet (a zombie). Asked through descriptors of the processes (pidfd_open), so that a number that
 * is used again deceives nobody; one a process, however many watch it. */
#ifndef FFMK_GOSSIP_NET_WATCH_H
#define FFMK_GOSSIP_NET_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ffmk_watch;

/** Watch n processes, all of which live now. ffmk_watch_destroy() when done.
 * \return FFMK_SUCCESS; FFMK_ERR_NO_MEMORY; FFMK_ERR_IO when a process cannot be watched, and errno
 * says why. */
int ffmk_watch_create(const pid_t *pids, size_t n, struct ffmk_watch **watch_p);
void ffmk_watch_destroy(struct ffmk_watch *watch);

/** Whether the i-th has ended. A system call unless it had ended before. */
bool ffmk_watch_ended(struct ffmk_watch *watch, size_t i);

/** Whether an earlier call, of whatever watch, found that the i-th has ended. Any thread. */
bool ffmk_watch_known_ended(const struct ffmk_watch *watch, size_t i);

#endif
