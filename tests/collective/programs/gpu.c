/* SPDX-License-Identifier: BSD-3-Clause
 * A GPU driver with neither GPU nor driver: what src/job/device.c calls of CUDA's (with -DCUDA) or
 * HIP's, as theirs behave. Its device memory has two mappings: the program's allows nothing, so
 * that whoever touches it dies; only the driver has the other one. */
#include "gpu.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 256, INVALID_VALUE = 1, NOT_READABLE = 700 };

static struct memory {
    char *program;
    char *driver;
    size_t bytes; /* asked for */
    enum gpu_kind kind;
} memories[MOST];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int failing = -1;
static int copies;

static size_t mapped(size_t bytes)
{
    return (bytes / 4096 + 1) * 4096;
}

void *gpu_take(enum gpu_kind kind, size_t bytes)
{
    const int fd = memfd_create("gpu", MFD_CLOEXEC);
    const int rights = kind == GPU_MANAGED ? PROT_READ | PROT_WRITE : PROT_NONE;
    struct memory memory = {.bytes = bytes, .kind = kind};
    if (fd < 0 || ftruncate(fd, (off_t)mapped(bytes)) != 0)
        return NULL;
    memory.program = mmap(NULL, mapped(bytes), rights, MAP_SHARED, fd, 0);
    memory.driver = mmap(NULL, mapped(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    void *taken = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST && !taken; i++)
        if (!memories[i].program) {
            memories[i] = memory;
            taken = memory.program;
        }
    pthread_mutex_unlock(&lock);
    return taken;
}

static struct memory *find(const void *address)
{
    for (int i = 0; i < MOST; i++)
        if (memories[i].program && (const char *)address >= memories[i].program &&
            (const char *)address < memories[i].program + memories[i].bytes)
            return &memories[i];
    return NULL;
}

void gpu_drop(void *begin)
{
    pthread_mutex_lock(&lock);
    struct memory *memory = find(begin);
    munmap(memory->program, mapped(memory->bytes));
    munmap(memory->driver, mapped(memory->bytes));
    memory->program = NULL;
    pthread_mutex_unlock(&lock);
}

void *gpu_inside(void *address)
{
    struct memory *memory = find(address);
    return memory->driver + ((char *)address - memory->program);
}

void gpu_fail_at(int copy)
{
    failing = copy;
}

int gpu_copies(void)
{
    const int n = copies;
    copies = 0;
    return n;
}

static int move(void *host, void *device, size_t bytes, bool out)
{
    pthread_mutex_lock(&lock);
    struct memory *memory = find(device);
    int code =
        memory && (char *)device + bytes <= memory->program + memory->bytes ? 0 : INVALID_VALUE;
    if (failing == 0)
        code = NOT_READABLE;
    if (failing >= 0)
        failing--;
    copies++;
    if (code == 0) {
        char *inside = memory->driver + ((char *)device - memory->program);
        memcpy(out ? host : inside, out ? inside : host, bytes);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

#ifdef CUDA

enum { INVALID_CONTEXT = 201, CONTEXT = 1, MEMORY_TYPE = 2, IS_MANAGED = 8, DEVICE_ORDINAL = 9 };

static int the_context; /* its address */
static int primary;     /* of the only device, number 3 */
static int retained;
static _Thread_local void *current[4];
static _Thread_local int depth;
static _Thread_local struct {
    void *host;
    void *device;
    size_t bytes;
    bool out;
} late;

int cuPointerGetAttributes(unsigned n, int *attributes, void **values, unsigned long long address);
int cuPointerGetAttributes(unsigned n, int *attributes, void **values, unsigned long long address)
{
    pthread_mutex_lock(&lock);
    const struct memory *memory = find((void *)(uintptr_t)address);
    for (unsigned i = 0; i < n; i++)
        switch (attributes[i]) {
        case CONTEXT:
            *(void **)values[i] = memory && memory->kind != GPU_STREAM ? &the_context : NULL;
            break;
        case MEMORY_TYPE:
            *(unsigned *)values[i] = memory ? 2 : 0;
            break;
        case IS_MANAGED:
            *(unsigned *)values[i] = memory && memory->kind == GPU_MANAGED;
            break;
        case DEVICE_ORDINAL:
            *(int *)values[i] = memory ? 3 : -2;
        }
    pthread_mutex_unlock(&lock);
    return 0;
}

int cuCtxGetCurrent(void **context_p);
int cuCtxGetCurrent(void **context_p)
{
    *context_p = depth ? current[depth - 1] : NULL;
    return 0;
}

int cuCtxPushCurrent_v2(void *context);
int cuCtxPushCurrent_v2(void *context)
{
    if ((context != &the_context && (context != &primary || !retained)) || depth == 4)
        return INVALID_CONTEXT;
    current[depth++] = context;
    return 0;
}

int cuCtxPopCurrent_v2(void **context_p);
int cuCtxPopCurrent_v2(void **context_p)
{
    if (depth == 0)
        return INVALID_CONTEXT;
    *context_p = current[--depth];
    return 0;
}

int cuDevicePrimaryCtxRetain(void **context_p, int device);
int cuDevicePrimaryCtxRetain(void **context_p, int device)
{
    if (device != 3)
        return 101;
    retained++;
    *context_p = &primary;
    return 0;
}

int cuDevicePrimaryCtxRelease_v2(int device);
int cuDevicePrimaryCtxRelease_v2(int device)
{
    return device == 3 && retained-- > 0 ? 0 : INVALID_CONTEXT;
}

/* Nothing is there before the stream is waited for. */
static int begin(void *host, unsigned long long device, size_t bytes, bool out)
{
    if (depth == 0)
        return INVALID_CONTEXT;
    late.host = host;
    late.device = (void *)(uintptr_t)device;
    late.bytes = bytes;
    late.out = out;
    return 0;
}

int cuMemcpyDtoHAsync_v2(void *host, unsigned long long device, size_t bytes, void *stream);
int cuMemcpyDtoHAsync_v2(void *host, unsigned long long device, size_t bytes, void *stream)
{
    return stream == (void *)2 ? begin(host, device, bytes, true) : INVALID_VALUE;
}

int cuMemcpyHtoDAsync_v2(unsigned long long device, const void *host, size_t bytes, void *stream);
int cuMemcpyHtoDAsync_v2(unsigned long long device, const void *host, size_t bytes, void *stream)
{
    return stream == (void *)2 ? begin((void *)(uintptr_t)host, device, bytes, false)
                               : INVALID_VALUE;
}

int cuStreamSynchronize(void *stream);
int cuStreamSynchronize(void *stream)
{
    return depth && stream == (void *)2 ? move(late.host, late.device, late.bytes, late.out)
                                        : INVALID_CONTEXT;
}

bool gpu_is_tidy(void)
{
    return depth == 0 && retained == 0;
}

#else

int hipDrvPointerGetAttributes(unsigned n, int *attributes, void **values, void *address);
int hipDrvPointerGetAttributes(unsigned n, int *attributes, void **values, void *address)
{
    pthread_mutex_lock(&lock);
    const struct memory *memory = find(address);
    const bool managed = memory && memory->kind == GPU_MANAGED;
    for (unsigned i = 0; i < n; i++)
        switch (attributes[i]) {
        case 4:
            *(void **)values[i] = managed ? address : NULL;
            break;
        case 8:
            *(bool *)values[i] = managed;
            break;
        case 9:
            *(int *)values[i] = memory ? 0 : -2;
        }
    pthread_mutex_unlock(&lock);
    return 0;
}

int hipMemcpy(void *to, const void *from, size_t bytes, int kind);
int hipMemcpy(void *to, const void *from, size_t bytes, int kind)
{
    void *source = (void *)(uintptr_t)from;
    return kind == 1   ? move(source, to, bytes, false)
           : kind == 2 ? move(to, source, bytes, true)
                       : INVALID_VALUE;
}

bool gpu_is_tidy(void)
{
    return true;
}

#endif
