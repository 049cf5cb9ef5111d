/* SPDX-License-Identifier: BSD-3-Clause
 * Shared memory. */
#include "gossip/net/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *map(int descriptor, size_t bytes)
{
    void *segment = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    int why = errno;
    close(descriptor);
    errno = why;
    return segment == MAP_FAILED ? NULL : segment;
}

void *ffmk_segment_create(const char *name, size_t bytes)
{
    int descriptor = shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return NULL;
    /* All of it now: a full /dev/shm is an error here and would be SIGBUS later. */
    int full = posix_fallocate(descriptor, 0, (off_t)bytes);
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
    }
    return segment;
}

void *ffmk_segment_attach(const char *name, size_t bytes)
{
    int descriptor = shm_open(name, O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return NULL;
    struct stat found;
    if (fstat(descriptor, &found) != 0 || (size_t)found.st_size != bytes) {
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
        munmap(segment, bytes);
}
