/* SPDX-License-Identifier: BSD-3-Clause
 * What a test needs of the driver it made up, beside what a driver has. */
#ifndef GPU_H
#define GPU_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum gpu_kind {
    GPU_PLAIN,
    GPU_STREAM,  /* of a stream: belongs to no context */
    GPU_MANAGED, /* the program may touch it */
    GPU_KINDS
};

void *gpu_take(enum gpu_kind kind, size_t bytes);
void gpu_drop(void *begin);
/** The same byte, where it may be touched. */
void *gpu_inside(void *address);
/** Of the copies to come let this one fail: 0 is the next, less than 0 none. */
void gpu_fail_at(int copy);
/** Copies since the last call. */
int gpu_copies(void);
/** Whether contexts are given back. */
bool gpu_is_tidy(void);

/** The same in a driver that is loaded while the program runs. */
struct gpu {
    void *(*take)(enum gpu_kind kind, size_t bytes);
    void (*drop)(void *begin);
    void *(*inside)(void *address);
    void (*fail_at)(int copy);
    int (*copies)(void);
    bool (*is_tidy)(void);
};

static inline bool gpu_load(const char *path, struct gpu *gpu)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct {
        const char *name;
        void *place;
    } symbols[] = {{"gpu_take", &gpu->take},     {"gpu_drop", &gpu->drop},
                   {"gpu_inside", &gpu->inside}, {"gpu_fail_at", &gpu->fail_at},
                   {"gpu_copies", &gpu->copies}, {"gpu_is_tidy", &gpu->is_tidy}};
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *function = handle ? dlsym(handle, symbols[i].name) : NULL;
        if (!function)
            return false;
        memcpy(symbols[i].place, &function, sizeof function);
    }
    return true;
}

#endif
