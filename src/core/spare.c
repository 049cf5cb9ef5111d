/* SPDX-License-Identifier: BSD-3-Clause
 * A mapping that is unmapped when it is time. */
#include "core/spare.h"

#include <stdlib.h>
#include <sys/mman.h>

/* What is missing in the middle of a plan is a letter, or an array that has to grow. */
enum { SPARE_BYTES = 8 << 20 };

static _Thread_local struct {
    void *kept;
    bool gone;
} spare;

void ffmk_spare_begin(void)
{
    void *kept =
        mmap(NULL, SPARE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ffmk_spare_end();
    spare.kept = kept != MAP_FAILED ? kept : NULL;
}

static bool give_back(void)
{
    if (!spare.kept)
        return false;
    munmap(spare.kept, SPARE_BYTES);
    spare.kept = NULL;
    spare.gone = true;
    return true;
}

void ffmk_spare_end(void)
{
    give_back();
    spare.gone = false;
}

bool ffmk_spare_is_gone(void)
{
    return spare.gone;
}

void *ffmk_spare_malloc(size_t bytes)
{
    void *block = malloc(bytes);
    return block || bytes == 0 || !give_back() ? block : malloc(bytes);
}

void *ffmk_spare_calloc(size_t n, size_t bytes)
{
    void *block = calloc(n, bytes);
    return block || n == 0 || bytes == 0 || !give_back() ? block : calloc(n, bytes);
}

void *ffmk_spare_realloc(void *old, size_t bytes)
{
    void *block = realloc(old, bytes);
    return block || bytes == 0 || !give_back() ? block : realloc(old, bytes);
}
