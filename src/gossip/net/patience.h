/* SPDX-License-Identifier: BSD-3-Clause
 * How to wait for another process of this host: look again at once for a while, then give the core
 * to others between looks; and now and then it is time to see whether who is waited for still
 * lives. */
#ifndef FFMK_GOSSIP_NET_PATIENCE_H
#define FFMK_GOSSIP_NET_PATIENCE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct ffmk_patience {
    uint32_t spins; /* looks before the core is given away; 0 where there are more ranks than
                       cores */
    uint32_t looks;
    uint32_t yields; /* since the last time somebody's life was in question */
};

enum {
    FFMK_PATIENCE_SPINS = 4000, /* about 50 µs: most waits are shorter, and a yield costs 1 µs */
    FFMK_PATIENCE_CROWDED = 1,  /* more ranks than cores: the core is somebody's turn */
    FFMK_PATIENCE_YIELDS = 64   /* then it takes a system call a process to see who lives */
};

static inline void ffmk_patience_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/** Between two looks. \return whether it is time to see who lives. */
static inline bool ffmk_patience_wait(struct ffmk_patience *patience)
{
    if (patience->looks < patience->spins) {
        patience->looks++;
        ffmk_patience_relax();
        return false;
    }
    sched_yield();
    if (++patience->yields < FFMK_PATIENCE_YIELDS)
        return false;
    patience->yields = 0;
    return true;
}

#endif
