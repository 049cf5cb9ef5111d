/* SPDX-License-Identifier: BSD-3-Clause
 * Memory of a GPU that the processor cannot touch. The drivers' interfaces are declared here as
 * their vendors' headers have them, for those are not needed to build this. */
#include "job/device.h"

#include "core/log.h"

#include <dlfcn.h>
#include <ffmk.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- CUDA: cuda.h of CUDA 13.0, the same since 11.0 (the drivers of which are from 2020) ---- */

typedef unsigned long long cuda_address; /* CUdeviceptr */
typedef struct cuda_context *cuda_context;
typedef uintptr_t cuda_stream; /* CUstream, a pointer */

enum {
    CUDA_ATTRIBUTE_CONTEXT = 1,     /* CU_POINTER_ATTRIBUTE_… */
    CUDA_ATTRIBUTE_MEMORY_TYPE = 2, /* unsigned */
    CUDA_ATTRIBUTE_IS_MANAGED = 8,  /* unsigned */
    CUDA_ATTRIBUTE_DEVICE = 9,      /* int: …_DEVICE_ORDINAL */
    CUDA_MEMORY_DEVICE = 2,         /* CU_MEMORYTYPE_DEVICE */
    CUDA_STREAM_PER_THREAD = 2
};

static struct {
    int (*attributes)(unsigned n, int *attributes, void **values, cuda_address address);
    int (*current)(cuda_context *context_p);
    int (*push)(cuda_context context);
    int (*pop)(cuda_context *context_p);
    int (*retain)(cuda_context *context_p, int device);
    int (*release)(int device);
    int (*read)(void *host, cuda_address device, size_t bytes, cuda_stream stream);
    int (*write)(cuda_address device, const void *host, size_t bytes, cuda_stream stream);
    int (*await)(cuda_stream stream);
} cuda;

static bool cuda_holds(const void *address)
{
    unsigned type = 0;
    unsigned managed = 0;
    int attributes[] = {CUDA_ATTRIBUTE_MEMORY_TYPE, CUDA_ATTRIBUTE_IS_MANAGED};
    void *values[] = {&type, &managed};
    return cuda.attributes(2, attributes, values, (uintptr_t)address) == 0 &&
           type == CUDA_MEMORY_DEVICE && !managed;
}

/* This thread's stream, so that nothing else that the program has begun is waited for. Only its end
 * says that bytes have arrived: a copy out of pageable memory returns before. */
static int cuda_move(void *host, const void *device, size_t bytes, bool out)
{
    const cuda_stream stream = CUDA_STREAM_PER_THREAD;
    const cuda_address address = (uintptr_t)device;
    const int code =
        out ? cuda.read(host, address, bytes, stream) : cuda.write(address, host, bytes, stream);
    return code ? code : cuda.await(stream);
}

/* Copies need a context. That of the memory; none is told of memory made in streams or mapped into
 * reserved addresses, for which the thread's own does, or else the device's primary one. */
static int cuda_copy(void *host, const void *device, size_t bytes, bool out)
{
    cuda_context context = NULL;
    cuda_context before = NULL;
    int ordinal = 0;
    int attributes[] = {CUDA_ATTRIBUTE_CONTEXT, CUDA_ATTRIBUTE_DEVICE};
    void *values[] = {&context, &ordinal};
    int code = cuda.attributes(2, attributes, values, (uintptr_t)device);
    if (code == 0 && !context)
        code = cuda.current(&before);
    if (code)
        return code;
    if (before)
        return cuda_move(host, device, bytes, out);
    const bool primary = !context;
    if (primary)
        code = cuda.retain(&context, ordinal);
    if (code)
        return code;
    code = cuda.push(context);
    if (code == 0) {
        code = cuda_move(host, device, bytes, out);
        cuda.pop(&before);
    }
    if (primary)
        cuda.release(ordinal);
    return code;
}

/* ---- HIP: hip_runtime_api.h of ROCm 6, the same since 5.0 (2022) ---- */

enum {
    HIP_ATTRIBUTE_HOST = 4,    /* HIP_POINTER_ATTRIBUTE_HOST_POINTER: NULL when there is none */
    HIP_ATTRIBUTE_MANAGED = 8, /* …_IS_MANAGED: a bool */
    HIP_ATTRIBUTE_DEVICE = 9, /* …_DEVICE_ORDINAL: an int, negative for memory it does not know */
    HIP_HOST_TO_DEVICE = 1,   /* hipMemcpyHostToDevice */
    HIP_DEVICE_TO_HOST = 2
};

static struct {
    int (*attributes)(unsigned n, int *attributes, void **values, void *address);
    int (*copy)(void *to, const void *from, size_t bytes, int kind);
} hip;

/* By the call that leaves no error behind for hipGetLastError(). The type of memory, which would
 * be the thing to ask for, has other numbers since HIP 6. */
static bool hip_holds(const void *address)
{
    void *host = NULL;
    int managed = 0;
    int device = -1;
    int attributes[] = {HIP_ATTRIBUTE_HOST, HIP_ATTRIBUTE_MANAGED, HIP_ATTRIBUTE_DEVICE};
    void *values[] = {&host, &managed, &device};
    return hip.attributes(3, attributes, values, (void *)(uintptr_t)address) == 0 && device >= 0 &&
           !host && !managed;
}

static int hip_copy(void *host, const void *device, size_t bytes, bool out)
{
    return out ? hip.copy(host, device, bytes, HIP_DEVICE_TO_HOST)
               : hip.copy((void *)(uintptr_t)device, host, bytes, HIP_HOST_TO_DEVICE);
}

/* ---- which of them there are ---- */

struct symbol {
    const char *name;
    void *place; /* of a pointer to a function */
};

static const struct symbol cuda_symbols[] = {
    {"cuPointerGetAttributes", &cuda.attributes}, {"cuCtxGetCurrent", &cuda.current},
    {"cuCtxPushCurrent_v2", &cuda.push},          {"cuCtxPopCurrent_v2", &cuda.pop},
    {"cuDevicePrimaryCtxRetain", &cuda.retain},   {"cuDevicePrimaryCtxRelease_v2", &cuda.release},
    {"cuMemcpyDtoHAsync_v2", &cuda.read},         {"cuMemcpyHtoDAsync_v2", &cuda.write},
    {"cuStreamSynchronize", &cuda.await},         {NULL, NULL}};
static const struct symbol hip_symbols[] = {
    {"hipDrvPointerGetAttributes", &hip.attributes}, {"hipMemcpy", &hip.copy}, {NULL, NULL}};

enum { DRIVERS = 2 };
static struct driver {
    const char *name;
    const char *file; /* what its name begins with */
    const struct symbol *symbols;
    bool (*holds)(const void *address);
    int (*copy)(void *host, const void *device, size_t bytes, bool out);
    char found[PATH_MAX]; /* the object's; under `lock`, as the next one is */
    bool tried;
    atomic_bool usable;
} drivers[DRIVERS] = {{.name = "CUDA",
                       .file = "libcuda.so",
                       .symbols = cuda_symbols,
                       .holds = cuda_holds,
                       .copy = cuda_copy},
                      {.name = "HIP",
                       .file = "libamdhip64.so",
                       .symbols = hip_symbols,
                       .holds = hip_holds,
                       .copy = hip_copy}};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool any;
/* How many objects had been loaded in all when drivers were last looked for. */
static atomic_ullong looked = 0;

/* What this thread's functions have put on its stack needs no question. */
static bool is_on_stack(const void *address)
{
    static _Thread_local uintptr_t low; /* of the whole stack; 0: not known yet */
    static _Thread_local uintptr_t high;
    if (low == 0) {
        pthread_attr_t attributes;
        void *begin = NULL;
        size_t bytes = 0;
        if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
            pthread_attr_getstack(&attributes, &begin, &bytes);
            pthread_attr_destroy(&attributes);
        }
        low = begin ? (uintptr_t)begin : 1;
        high = low + bytes;
    }
    /* Below the frame there may be anything; and the frame may be on a stack of the program's. */
    const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    return frame >= low && (uintptr_t)address >= frame && (uintptr_t)address < high;
}

static int note_loads(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    *(unsigned long long *)context = object->dlpi_adds;
    return 1;
}

/* The loader counts what it loads; asking it for that is the whole price where no driver is. */
static unsigned long long loads(void)
{
    unsigned long long n = 0;
    dl_iterate_phdr(note_loads, &n);
    return n;
}

static int find(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    (void)context;
    const char *slash = strrchr(object->dlpi_name, '/');
    const char *file = slash ? slash + 1 : object->dlpi_name;
    for (int i = 0; i < DRIVERS; i++)
        if (!drivers[i].tried && strncmp(file, drivers[i].file, strlen(drivers[i].file)) == 0)
            snprintf(drivers[i].found, sizeof drivers[i].found, "%s", object->dlpi_name);
    return 0;
}

/* It stays loaded from here on. */
static void use(struct driver *driver)
{
    void *handle = dlopen(driver->found, RTLD_LAZY | RTLD_NOLOAD);
    driver->tried = handle != NULL;
    for (const struct symbol *symbol = driver->symbols; handle && symbol->name; symbol++) {
        void *function = dlsym(handle, symbol->name);
        if (!function) {
            ffmk_log("%s lacks %s: collective operations on %s device memory are not possible",
                     driver->found, symbol->name, driver->name);
            dlclose(handle);
            return;
        }
        memcpy(symbol->place, &function, sizeof function);
    }
    if (!handle)
        return; /* gone again */
    ffmk_log_debug("device memory is copied by %s", driver->found);
    atomic_store_explicit(&driver->usable, true, memory_order_release);
    atomic_store_explicit(&any, true, memory_order_release);
}

static __attribute__((noinline)) void look(unsigned long long n)
{
    pthread_mutex_lock(&lock);
    dl_iterate_phdr(find, NULL);
    /* Behind the walk, which holds a lock of the loader. */
    for (int i = 0; i < DRIVERS; i++)
        if (drivers[i].found[0] && !drivers[i].tried)
            use(&drivers[i]);
    atomic_store_explicit(&looked, n, memory_order_release);
    pthread_mutex_unlock(&lock);
}

static struct driver *owner_of(const void *address)
{
    for (int i = 0; i < DRIVERS; i++)
        if (atomic_load_explicit(&drivers[i].usable, memory_order_acquire) &&
            drivers[i].holds(address))
            return &drivers[i];
    return NULL;
}

bool ffmk_device_holds(const void *address)
{
    if (!address || is_on_stack(address))
        return false;
    const unsigned long long n = loads();
    if (n != atomic_load_explicit(&looked, memory_order_acquire))
        look(n);
    return atomic_load_explicit(&any, memory_order_acquire) && owner_of(address);
}

static int copy(void *host, const void *device, size_t bytes, bool out)
{
    const struct driver *driver = owner_of(device);
    const int code = driver ? driver->copy(host, device, bytes, out) : -1;
    if (code == 0)
        return FFMK_SUCCESS;
    ffmk_log_mistake("%zu bytes could not be copied %s device memory: %s error %d", bytes,
                     out ? "from" : "to", driver ? driver->name : "no driver's,", code);
    return FFMK_ERR_DEVICE;
}

int ffmk_device_read(void *host, const void *device, size_t bytes)
{
    return copy(host, device, bytes, true);
}

int ffmk_device_write(void *device, const void *host, size_t bytes)
{
    return copy((void *)(uintptr_t)host, device, bytes, false);
}
