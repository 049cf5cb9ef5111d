/* SPDX-License-Identifier: BSD-3-Clause
 * Shared memory: a page that says whether the rest has been filled with pages, and the rest. */
#include "gossip/net/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* Before the segment. FILLING + a process that does so. */
enum { HEAD_BYTES = 64 << 10 }; /* a page of any machine */
enum { NOT_FILLED, FILLED, CANNOT_BE_FILLED, FILLING };

static uint64_t *state_of(void *segment)
{
    return (uint64_t *)(void *)((char *)segment - HEAD_BYTES);
}

static void *map(int descriptor, size_t bytes)
{
    char *memory =
        mmap(NULL, HEAD_BYTES + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    int why = errno;
    close(descriptor);
    errno = why;
    return memory == MAP_FAILED ? NULL : memory + HEAD_BYTES;
}

void *ffmk_segment_create(const char *name, size_t bytes)
{
    int descriptor = shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return NULL;
    /* A kernel that cannot fill it later, without SIGBUS when /dev/shm is full, does now. */
    const bool later = madvise(NULL, 0, MADV_POPULATE_WRITE) == 0;
    int full = posix_fallocate(descriptor, 0, (off_t)(later ? HEAD_BYTES : HEAD_BYTES + bytes));
    if (full == 0 && ftruncate(descriptor, (off_t)(HEAD_BYTES + bytes)) != 0)
        full = errno;
    if (full != 0) {
        close(descriptor);
        shm_unlink(name);
        errno = full;
        return NULL;
    }
    void *segment = map(descriptor, bytes);
    if (!segment) {
        int why = errno;
        shm_unlink(name);
        errno = why;
    } else if (!later) {
        *state_of(segment) = FILLED;
    }
    return segment;
}

/* \return the new state. */
static uint64_t fill(void *segment, size_t bytes)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const size_t whole = (bytes + page - 1) / page * page;
    return madvise(segment, whole, MADV_POPULATE_WRITE) == 0 ? FILLED : CANNOT_BE_FILLED;
}

bool ffmk_segment_fill(void *segment, size_t bytes)
{
    uint64_t *state = state_of(segment);
    const uint64_t mine = FILLING + (uint64_t)getpid();
    for (;;) {
        uint64_t now = __atomic_load_n(state, __ATOMIC_ACQUIRE);
        if (now == FILLED || now == CANNOT_BE_FILLED)
            return now == FILLED;
        const bool is_mine =
            now == NOT_FILLED && __atomic_compare_exchange_n(state, &now, mine, false,
                                                             __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
        if (is_mine)
            __atomic_store_n(state, fill(segment, bytes), __ATOMIC_RELEASE);
        else if (now > FILLING && kill((pid_t)(now - FILLING), 0) != 0 && errno == ESRCH)
            __atomic_compare_exchange_n(state, &now, NOT_FILLED, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE); /* it died over it */
        else
            sched_yield();
    }
}

void *ffmk_segment_attach(const char *name, size_t bytes)
{
    int descriptor = shm_open(name, O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return NULL;
    struct stat found;
    if (fstat(descriptor, &found) != 0 || (size_t)found.st_size != HEAD_BYTES + bytes) {
        close(descriptor);
        errno = EINVAL;
        return NULL;
    }
    return map(descriptor, bytes);
}

void ffmk_segment_unname(const char *name)
{
    shm_unlink(name);
}

void ffmk_segment_drop(void *segment, size_t bytes)
{
    if (segment)
        munmap((char *)segment - HEAD_BYTES, HEAD_BYTES + bytes);
}
