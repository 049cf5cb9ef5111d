/* SPDX-License-Identifier: BSD-3-Clause
 * What an intracommunicator has for our own collective operations. */
#include "job/context.h"

#include "job/carrier.h"
#include "job/network.h"
#include "job/pending.h"
#include "job/prepare.h"
#include "job/world.h"

#include <ffmk.h>
#include <pthread.h>
#include <stdlib.h>

static int keyval = MPI_KEYVAL_INVALID;
static bool some_died; /* or this rank, to others; set once, by any thread */

/* All contexts; and those whose communicator was freed while they were held. */
static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER;
static struct ffmk_context *contexts;
static struct ffmk_context *orphans;

/* Raised whenever a communicator loses its context: its handle may be another's from then on. */
static uint64_t generation;

static void list(struct ffmk_context *context)
{
    pthread_mutex_lock(&listing);
    context->next = contexts;
    contexts = context;
    pthread_mutex_unlock(&listing);
}

static void unlist(struct ffmk_context *context)
{
    pthread_mutex_lock(&listing);
    struct ffmk_context **at = &contexts;
    while (*at && *at != context)
        at = &(*at)->next;
    if (*at)
        *at = context->next;
    pthread_mutex_unlock(&listing);
}

static void destroy(struct ffmk_context *context)
{
    ffmk_prepare_undo(context);
    pthread_mutex_destroy(&context->lock);
    free(context);
}

void ffmk_context_hold(struct ffmk_context *context)
{
    __atomic_add_fetch(&context->held, 1, __ATOMIC_ACQ_REL);
}

/* Who lets go may be inside of MPI, with its lock, which whoever has the network's may wait for. So
 * orphans are buried later. */
void ffmk_context_let_go(struct ffmk_context *context)
{
    if (__atomic_sub_fetch(&context->held, 1, __ATOMIC_ACQ_REL) != FFMK_CONTEXT_ORPHAN)
        return;
    struct ffmk_context *next = __atomic_load_n(&orphans, __ATOMIC_RELAXED);
    do
        context->next = next;
    while (!__atomic_compare_exchange_n(&orphans, &next, context, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
}

static void tidy_up(void)
{
    struct ffmk_context *context = __atomic_exchange_n(&orphans, NULL, __ATOMIC_ACQUIRE);
    while (context) {
        struct ffmk_context *next = context->next;
        destroy(context);
        context = next;
    }
    ffmk_carrier_tidy(false);
}

static int forget(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm;
    (void)key;
    (void)extra;
    struct ffmk_context *context = value;
    __atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
    unlist(context);
    tidy_up();
    if (__atomic_fetch_or(&context->held, FFMK_CONTEXT_ORPHAN, __ATOMIC_ACQ_REL) == 0)
        destroy(context);
    return MPI_SUCCESS;
}

static int count_dead(struct ffmk_context *context, bool asking)
{
    int dead = 0;
    for (int i = 0; i < context->size; i++)
        dead += ffmk_context_is_dead(context, i, asking);
    /* Those who hold this rank for dead do not end MPI with it. */
    if (dead > 0 || (context->across && ffmk_across_is_excluded(context->across)))
        some_died = true;
    return dead;
}

/* Nothing goes over the network any more. Once more does no harm. */
static void stop_network(void)
{
    ffmk_pending_stop();
    tidy_up();
    pthread_mutex_lock(&listing);
    for (struct ffmk_context *context = contexts; context; context = context->next) {
        count_dead(context, false); /* the end of MPI depends on it */
        ffmk_across_destroy(context->across);
        ffmk_carrier_close(context->carrier);
        context->across = NULL;
        context->carrier = NULL;
    }
    pthread_mutex_unlock(&listing);
    ffmk_carrier_tidy(true);
    ffmk_network_stop();
}

/* MPI_Finalize deletes what hangs on MPI_COMM_SELF before it does anything else. */
static int before_finalize(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm;
    (void)key;
    (void)value;
    (void)extra;
    stop_network();
    return MPI_SUCCESS;
}

/* \return false: there is no MPI_COMM_SELF to hang it on, or no memory. */
static bool stop_network_before_finalize(void)
{
    static bool hangs;
    int end_keyval = MPI_KEYVAL_INVALID;
    if (hangs)
        return true;
    if (!ffmk_world_has_comm())
        return false;
    if (PMPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, before_finalize, &end_keyval, NULL) !=
        MPI_SUCCESS)
        return false;
    hangs = PMPI_Comm_set_attr(MPI_COMM_SELF, end_keyval, &hangs) == MPI_SUCCESS;
    PMPI_Comm_free_keyval(&end_keyval);
    return hangs;
}

/* Also without a start, when measuring is switched off. */
int ffmk_context_start(void)
{
    int code = MPI_SUCCESS;
    pthread_mutex_lock(&listing);
    if (keyval == MPI_KEYVAL_INVALID)
        code = PMPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, forget, &keyval, NULL);
    pthread_mutex_unlock(&listing);
    return code == MPI_SUCCESS ? FFMK_SUCCESS : FFMK_ERR_MPI;
}

void ffmk_context_stop(bool tidy)
{
    __atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
    if (tidy)
        stop_network();
    if (tidy && keyval != MPI_KEYVAL_INVALID)
        PMPI_Comm_free_keyval(&keyval);
}

struct ffmk_context *ffmk_context_known(MPI_Comm comm)
{
    /* What this thread asked for last. */
    static _Thread_local struct {
        MPI_Comm comm;
        struct ffmk_context *context; /* NULL: nothing yet */
        uint64_t generation;
    } last;
    const uint64_t now = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
    if (last.context && last.comm == comm && last.generation == now)
        return last.context;
    void *value;
    int found = 0;
    if (comm == MPI_COMM_NULL || keyval == MPI_KEYVAL_INVALID ||
        PMPI_Comm_get_attr(comm, keyval, &value, &found) != MPI_SUCCESS || !found)
        return NULL;
    last.comm = comm;
    last.context = value;
    last.generation = now;
    return value;
}

struct ffmk_context *ffmk_context_whole(void)
{
    struct ffmk_context *found = NULL;
    pthread_mutex_lock(&listing);
    for (struct ffmk_context *context = contexts; context; context = context->next)
        if (context->whole && context->size > 1 && !context->carrier &&
            (context->host || context->across) && (!found || context->name < found->name))
            found = context;
    pthread_mutex_unlock(&listing);
    return found && ffmk_context_is_ours(found) ? found : NULL;
}

int ffmk_context_of(MPI_Comm comm, struct ffmk_context **context_p)
{
    *context_p = ffmk_context_known(comm);
    if (*context_p)
        return FFMK_SUCCESS;
    int inter = 1;
    if (comm == MPI_COMM_NULL || PMPI_Comm_test_inter(comm, &inter) != MPI_SUCCESS || inter)
        return FFMK_ERR_ARGUMENT;
    if (ffmk_context_start() != FFMK_SUCCESS)
        return FFMK_ERR_MPI;
    tidy_up();
    int size = 0;
    PMPI_Comm_size(comm, &size);
    struct ffmk_context *context = calloc(1, sizeof *context + (size_t)size);
    if (!ffmk_prepare_agreed(comm, context != NULL) || !context) {
        free(context);
        return FFMK_ERR_NO_MEMORY;
    }
    pthread_mutex_init(&context->lock, NULL);
    PMPI_Comm_rank(comm, &context->rank);
    context->size = size;
    context->contributors = (unsigned char *)(context + 1);
    int code = context->size > 1 ? ffmk_prepare(context, comm, stop_network_before_finalize)
                                 : FFMK_SUCCESS;
    if (!ffmk_prepare_agreed(comm, code == FFMK_SUCCESS &&
                                       PMPI_Comm_set_attr(comm, keyval, context) == MPI_SUCCESS)) {
        /* Those who could hang it on the communicator lose it with that. */
        if (!ffmk_context_known(comm))
            destroy(context);
        else
            PMPI_Comm_delete_attr(comm, keyval);
        return code != FFMK_SUCCESS ? code : FFMK_ERR_MPI;
    }
    list(context);
    *context_p = context;
    return FFMK_SUCCESS;
}

bool ffmk_context_is_dead(struct ffmk_context *context, int rank, bool asking)
{
    if (context->across)
        return ffmk_across_is_dead(context->across, (size_t)rank);
    if (!context->watch)
        return false;
    return asking ? ffmk_watch_ended(context->watch, (size_t)rank)
                  : ffmk_watch_known_ended(context->watch, (size_t)rank);
}

int ffmk_context_dead(struct ffmk_context *context)
{
    return count_dead(context, false);
}

bool ffmk_context_any_dead(void)
{
    pthread_mutex_lock(&listing);
    for (struct ffmk_context *context = contexts; context && !some_died; context = context->next)
        count_dead(context, true);
    pthread_mutex_unlock(&listing);
    return some_died;
}
