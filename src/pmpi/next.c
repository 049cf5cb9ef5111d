/* SPDX-License-Identifier: BSD-3-Clause
 * Where a door leads. */
#include "pmpi/next.h"

#include "core/log.h"
#include "pmpi/account.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Open MPI names the profiling twin of mpi_send_f08_ pmpi_send_f08_; MPICH names it
 * pmpir_send_f08ts_. Before the other's MPI we only pass calls on, by the names both have. */
#ifdef OPEN_MPI
#define F08_SYMBOL(fortran, f08)   "mpi_" #fortran "_f08_"
#define F08_SYMBOL_C(fortran, f08) "mpi_" #fortran "_c_f08_"
#define F08_PROFILING              "pmpi"
#define F08_OTHER                  "pmpir"
#else
#define F08_SYMBOL(fortran, f08)   "mpi_" #fortran "_" #f08 "_"
#define F08_SYMBOL_C(fortran, f08) "mpi_" #fortran "_" #f08 "_large_"
#define F08_PROFILING              "pmpir"
#define F08_OTHER                  "pmpi"
#endif

ffmk_function *ffmk_next[FFMK_DOORS];
bool ffmk_next_usual[FFMK_DOORS];
bool ffmk_next_careful;

static bool chained;

static const char *const symbols[FFMK_DOORS] = {
#define LIFE(name, fortran, f08)                                                                   \
    [FFMK_DOOR(name, C)] = "MPI_" #name, [FFMK_DOOR(name, MPIF)] = "mpi_" #fortran "_",            \
                     [FFMK_DOOR(name, F08)] = F08_SYMBOL(fortran, f08),
    LIFE(Init, init, f08) LIFE(Init_thread, init_thread, f08) LIFE(Finalize, finalize, f08)
        LIFE(Abort, abort, f08) LIFE(Pcontrol, pcontrol, f08)
#if MPI_VERSION >= 4
            LIFE(Session_init, session_init, f08) LIFE(Session_finalize, session_finalize, f08)
#endif
#define CALL(name, fortran, class, waits, parameters, names, f08, ...) LIFE(name, fortran, f08)
#define CALL_C(name, fortran, class, waits, parameters, names, f08, ...)                           \
    [FFMK_DOOR(name##_c, C)] = "MPI_" #name "_c",                                                  \
                         [FFMK_DOOR(name##_c, F08)] = F08_SYMBOL_C(fortran, f08),
#include "pmpi/calls.def"
};

/* Doors that look up after the call in the usual way. */
static const bool look_after[FFMK_DOORS] = {
#define AFTER(ahead) AHEAD_AFTER ahead
#define ROW(name, ahead)                                                                           \
    [FFMK_DOOR(name, C)] = AFTER(ahead), [FFMK_DOOR(name, MPIF)] = AFTER(ahead),                   \
                     [FFMK_DOOR(name, F08)] = AFTER(ahead),
#define CALL(name, fortran, class, waits, parameters, names, f08, characters, ...)                 \
    ROW(name, AHEAD_##__VA_ARGS__)
#define CALL_C(name, fortran, class, waits, parameters, names, f08, characters, ...)               \
    ROW(name##_c, AHEAD_##__VA_ARGS__)
#include "pmpi/calls.def"
};

/* After the flag or after the door, whichever another thread set last: each looks at the other's.
 */
static void shut(unsigned door)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ffmk_next_careful && look_after[door])
        ffmk_next_usual[door] = false;
}

void ffmk_next_be_careful(void)
{
    ffmk_next_careful = true;
    for (unsigned door = 0; door < FFMK_DOORS; door++)
        shut(door);
}

void ffmk_next_chain(void)
{
    chained = true;
}

/* MPI libraries outside the global scope: loaded objects whose names look like one. */
struct objects {
    size_t n;
    const char *names[64];
};

static int list_object(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    struct objects *objects = context;
    const char *slash = strrchr(object->dlpi_name, '/');
    if (strstr(slash ? slash + 1 : object->dlpi_name, "mpi"))
        objects->names[objects->n++] = object->dlpi_name;
    return objects->n == sizeof objects->names / sizeof objects->names[0];
}

void *ffmk_next_symbol(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (found)
        return found;
    /* They are opened after the walk: it holds a lock that dlopen in another thread waits for. */
    struct objects objects = {.n = 0};
    dl_iterate_phdr(list_object, &objects);
    for (size_t i = 0; i < objects.n && !found; i++) {
        void *handle = dlopen(objects.names[i], RTLD_LAZY | RTLD_NOLOAD);
        if (!handle)
            continue;
        found = dlsym(handle, name);
        dlclose(handle);
    }
    return found;
}

/* A program linked with --as-needed may name libffmk and no MPI, for the doors satisfy its calls.
 * It meant the MPI that this library is built for. */
static bool load_mpi(void)
{
    return dlopen(FFMK_MPI_SONAME, RTLD_NOW | RTLD_GLOBAL) ||
           dlopen(FFMK_MPI_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
}

/* The profiling twin of a door's symbol. */
static void *find_twin(unsigned door)
{
    const char *symbol = symbols[door];
    char twin[80];
    if (door % FFMK_BINDINGS != FFMK_BINDING_F08) {
        snprintf(twin, sizeof twin, "%c%s", door % FFMK_BINDINGS == FFMK_BINDING_C ? 'P' : 'p',
                 symbol);
        return ffmk_next_symbol(twin);
    }
    const char *const begins[] = {F08_PROFILING, F08_OTHER};
    void *found = NULL;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0] && !found; i++) {
        snprintf(twin, sizeof twin, "%s%s", begins[i], symbol + strlen("mpi"));
        found = ffmk_next_symbol(twin);
    }
    return found;
}

void ffmk_next_replace(unsigned door, ffmk_function *function)
{
    if (!function)
        return;
    ffmk_next[door] = function;
    ffmk_next_usual[door] = true;
    shut(door);
}

ffmk_function *ffmk_next_behind(unsigned door)
{
    static ffmk_function *known[FFMK_DOORS];
    if (known[door])
        return known[door];
    void *found = chained ? dlsym(RTLD_NEXT, symbols[door]) : NULL;
    if (!found)
        found = find_twin(door);
    if (!found && !ffmk_next_symbol("PMPI_Init") && load_mpi())
        found = find_twin(door);
    if (!found) {
        ffmk_log("%s was called, but no MPI that has it is loaded; ending", symbols[door]);
        abort();
    }
    memcpy(&known[door], &found, sizeof found);
    return known[door];
}

void ffmk_next_find(unsigned door)
{
    ffmk_next[door] = ffmk_next_behind(door);
    ffmk_next_usual[door] = true;
    shut(door);
}
