/* SPDX-License-Identifier: BSD-3-Clause
 * Operations that go on while the program does something else: who drives them.
 *
 * Locks: `listing` before a context's (job/ways.h). Who may be inside of MPI, and may hold its
 * lock, only tries both; and nothing of MPI is called under them but by who waits in a blocking
 * operation (its combine()), whose context is left alone meanwhile. */
#include "job/pending.h"

#include "core/clock.h"
#include "job/meanwhile.h"
#include "job/network.h"

#include <dlfcn.h>
#include <ffmk.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER;
static struct ffmk_context *busy; /* contexts with operations that are not complete */

#ifdef OPEN_MPI
/* Open MPI's own, of a library behind it: its calls that wait, and tests, call what was registered.
 */
typedef int registration(int (*callback)(void));
static struct {
    registration *add;
    registration *remove;
} progress;

static void find_progress(void)
{
    int (*const function)(int *, char ***) = PMPI_Init;
    void *in_mpi;
    Dl_info mpi;
    void *add = NULL;
    void *remove = NULL;
    memcpy(&in_mpi, &function, sizeof in_mpi);
    /* Libraries behind it are searched with it, in whatever scope it was loaded. */
    void *handle = dladdr(in_mpi, &mpi) ? dlopen(mpi.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (handle) {
        add = dlsym(handle, "opal_progress_register");
        remove = dlsym(handle, "opal_progress_unregister");
        dlclose(handle); /* MPI is loaded as long as this is */
    }
    if (!add || !remove)
        return;
    memcpy(&progress.add, &add, sizeof add);
    memcpy(&progress.remove, &remove, sizeof remove);
}

static int on_progress(void)
{
    if (__atomic_load_n(&busy, __ATOMIC_RELAXED))
        ffmk_pending_drive();
    return 0;
}

bool ffmk_pending_is_driven_by_mpi(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_progress);
    return progress.add != NULL;
}

static void have_mpi_drive(bool drive)
{
    static bool drives; /* under `listing` */
    if (drives == drive || !ffmk_pending_is_driven_by_mpi())
        return;
    drives = drive;
    (drive ? progress.add : progress.remove)(on_progress);
}
#else
bool ffmk_pending_is_driven_by_mpi(void)
{
    return false;
}

static void have_mpi_drive(bool drive)
{
    (void)drive;
}
#endif

/* The thread, where MPI does not. */
static struct {
    bool runs; /* what follows changes under `listing` */
    bool stop;
    pthread_t thread;
    pthread_cond_t wake;
    uint64_t driven_at; /* by others; atomic */
} helper = {.wake = PTHREAD_COND_INITIALIZER};

static const uint64_t HELP_AFTER_NS = 1000000;
static const uint64_t LAST_WAIT_NS = 1000000000;

static void go_on(struct ffmk_context *context)
{
    if (__atomic_load_n(&context->waiters, __ATOMIC_ACQUIRE) == 0)
        ffmk_ways_go_on(context);
}

/* Under `listing`. */
static void help(void)
{
    for (struct ffmk_context *context = busy; context; context = context->next_pending)
        if (ffmk_ways_try_enter(context)) {
            go_on(context);
            ffmk_ways_leave(context);
        }
}

static void *run(void *nothing)
{
    const struct timespec pause = {.tv_nsec = HELP_AFTER_NS};
    pthread_mutex_lock(&listing);
    while (!helper.stop) {
        if (!busy) {
            pthread_cond_wait(&helper.wake, &listing);
            continue;
        }
        if (ffmk_clock_ns() - __atomic_load_n(&helper.driven_at, __ATOMIC_RELAXED) > HELP_AFTER_NS)
            help();
        pthread_mutex_unlock(&listing);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&listing);
    }
    pthread_mutex_unlock(&listing);
    return nothing;
}

/* Under `listing`. None of the program's signals comes to it. Without it operations still go on in
 * calls of MPI that wait for them. */
static void have_help(void)
{
    enum { STACK_BYTES = 256 << 10 };
    pthread_attr_t attributes;
    if (helper.runs || ffmk_pending_is_driven_by_mpi() || pthread_attr_init(&attributes) != 0)
        return;
    sigset_t all;
    sigset_t before;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    helper.runs = pthread_create(&helper.thread, &attributes, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (helper.runs)
        pthread_setname_np(helper.thread, "ffmk-pending");
}

/* At the end each rank waits a little for what it has not waited for: others may need its part. */
static bool is_nobody_busy(void *end)
{
    ffmk_pending_drive();
    return !__atomic_load_n(&busy, __ATOMIC_ACQUIRE) || ffmk_clock_ns() >= *(uint64_t *)end;
}

void ffmk_pending_stop(void)
{
    /* Long enough for a death to be found. */
    const uint64_t detect_ns =
        strtoull(ffmk_network_setting(FFMK_CONFIG_DETECT), NULL, 10) * 1000000;
    uint64_t end = ffmk_clock_ns() + detect_ns + LAST_WAIT_NS;
    ffmk_meanwhile_wait(is_nobody_busy, &end);
    pthread_mutex_lock(&listing);
    have_mpi_drive(false);
    __atomic_store_n(&busy, NULL, __ATOMIC_RELEASE);
    const bool ran = helper.runs;
    helper.stop = true;
    helper.runs = false;
    pthread_cond_signal(&helper.wake);
    pthread_mutex_unlock(&listing);
    if (ran)
        pthread_join(helper.thread, NULL);
    helper.stop = false;
}

/* All is done but what needs MPI. */
static void finish(struct ffmk_pending *pending)
{
    const int code = ffmk_ways_code(&pending->operation);
    if (pending->code == FFMK_SUCCESS)
        pending->code = code;
    if (pending->code == FFMK_SUCCESS && pending->target)
        pending->code = ffmk_packing_unpack(&pending->packing, pending->result, pending->target);
    pending->messages = ffmk_ways_messages(&pending->operation);
    if (pending->duplicated)
        PMPI_Type_free(&pending->packing.datatype);
    free(pending->contribution);
    free(pending->result);
    ffmk_context_let_go(pending->context);
    void (*const completed)(struct ffmk_pending *) = pending->completed;
    __atomic_store_n(&pending->complete, true, __ATOMIC_RELEASE);
    if (completed)
        completed(pending);
}

/* Move those that are complete to the list `done`. Under both locks. */
static void harvest(struct ffmk_context *context, struct ffmk_pending ***done)
{
    struct ffmk_pending **at = &context->pending;
    while (*at) {
        struct ffmk_pending *pending = *at;
        if (!ffmk_ways_harvest(&pending->operation)) {
            at = &pending->next;
            continue;
        }
        *at = pending->next;
        pending->next = NULL;
        **done = pending;
        *done = &pending->next;
    }
}

void ffmk_pending_drive(void)
{
    static _Thread_local bool driving; /* what is done at the end may make MPI go on */
    struct ffmk_pending *first = NULL;
    struct ffmk_pending **done = &first;
    if (driving || !__atomic_load_n(&busy, __ATOMIC_ACQUIRE) ||
        pthread_mutex_trylock(&listing) != 0)
        return;
    driving = true;
    if (helper.runs)
        __atomic_store_n(&helper.driven_at, ffmk_clock_ns(), __ATOMIC_RELAXED);
    struct ffmk_context **at = &busy;
    while (*at) {
        struct ffmk_context *context = *at;
        if (ffmk_ways_try_enter(context)) {
            go_on(context);
            harvest(context, &done);
            ffmk_ways_leave(context);
        }
        if (context->pending)
            at = &context->next_pending;
        else
            __atomic_store_n(at, context->next_pending, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&listing);
    while (first) {
        struct ffmk_pending *pending = first;
        first = pending->next;
        finish(pending);
    }
    driving = false;
}

static bool is_driven_home(void *pending)
{
    ffmk_pending_drive();
    return ffmk_pending_is_complete(pending);
}

void ffmk_pending_wait(struct ffmk_pending *pending)
{
    ffmk_meanwhile_wait(is_driven_home, pending);
}

/* It was started. */
static void list(struct ffmk_pending *pending)
{
    struct ffmk_context *context = pending->context;
    pthread_mutex_lock(&listing);
    have_mpi_drive(true);
    have_help();
    struct ffmk_pending **at = &context->pending;
    if (!*at) {
        context->next_pending = busy;
        __atomic_store_n(&busy, context, __ATOMIC_RELEASE);
    }
    while (*at)
        at = &(*at)->next;
    *at = pending;
    pthread_cond_signal(&helper.wake);
    pthread_mutex_unlock(&listing);
}

static void prepare(struct ffmk_pending *pending, struct ffmk_context *context,
                    const struct ffmk_packing *packing)
{
    void (*const completed)(struct ffmk_pending *) = pending->completed;
    *pending = (struct ffmk_pending){.completed = completed, .context = context};
    if (packing)
        pending->packing = *packing;
    ffmk_context_hold(context);
}

/* The program may free its datatype before the operation is complete. */
static void keep_datatype(struct ffmk_pending *pending)
{
    MPI_Datatype copy;
    if (PMPI_Type_dup(pending->packing.datatype, &copy) != MPI_SUCCESS) {
        pending->code = FFMK_ERR_MPI;
        return;
    }
    pending->packing.datatype = copy;
    pending->duplicated = true;
}

void ffmk_pending_bcast(struct ffmk_pending *pending, struct ffmk_context *context, void *buffer,
                        const struct ffmk_packing *packing, int root)
{
    prepare(pending, context, packing);
    void *bytes = buffer;
    const bool receives = context->rank != root;
    if (!ffmk_packing_is_direct(packing, buffer)) {
        bytes = pending->result = malloc(packing->bytes + 1);
        if (!bytes) {
            pending->code = FFMK_ERR_NO_MEMORY;
        } else if (receives) {
            pending->target = buffer;
            keep_datatype(pending);
        } else {
            pending->code = ffmk_packing_pack(packing, buffer, bytes);
        }
    }
    /* A root without room, or that cannot read its buffer, sends nothing: another length to the
     * others. */
    const bool nothing = (!bytes || pending->code != FFMK_SUCCESS) && !receives;
    ffmk_ways_bcast_start(context, &pending->operation, FFMK_CALLER_GOES, root, bytes,
                          nothing ? 0 : packing->bytes);
    list(pending);
}

void ffmk_pending_barrier(struct ffmk_pending *pending, struct ffmk_context *context)
{
    prepare(pending, context, NULL);
    ffmk_ways_barrier_start(context, &pending->operation, FFMK_CALLER_GOES);
    list(pending);
}

void ffmk_pending_allreduce(struct ffmk_pending *pending, struct ffmk_context *context,
                            const void *sendbuf, void *recvbuf, const struct ffmk_packing *packing,
                            ffmk_combine *combine, unsigned char *contributors)
{
    prepare(pending, context, packing);
    const bool in_place = sendbuf == MPI_IN_PLACE;
    const bool copies =
        in_place || packing->bytes == 0 || !ffmk_packing_is_direct(packing, sendbuf);
    const bool unpacks = !ffmk_packing_is_direct(packing, recvbuf);
    const void *from = sendbuf;
    void *to = recvbuf;
    bool room = true;
    if (copies) {
        from = pending->contribution = malloc(packing->bytes + 1);
        room = from != NULL;
    }
    if (unpacks) {
        to = pending->result = malloc(packing->bytes + 1);
        room = room && to;
        pending->target = recvbuf;
    }
    if (!room)
        pending->code = FFMK_ERR_NO_MEMORY;
    else if (copies)
        pending->code =
            ffmk_packing_pack(packing, in_place ? recvbuf : sendbuf, pending->contribution);
    if (unpacks && pending->code == FFMK_SUCCESS)
        keep_datatype(pending);
    const struct ffmk_reduction reduction = {
        .n = (size_t)packing->count, .element_bytes = packing->element_bytes, .combine = combine};
    ffmk_ways_allreduce_start(context, &pending->operation, FFMK_CALLER_GOES, &reduction, false,
                              pending->code == FFMK_SUCCESS ? from : NULL, room ? to : NULL,
                              contributors);
    list(pending);
}
