/* SPDX-License-Identifier: BSD-3-Clause
 * What an intracommunicator has for our own collective operations. */
#include "job/context.h"

#include "core/log.h"
#include "core/rng.h"
#include "gossip/net/segment.h"
#include "job/network.h"
#include "job/world.h"

#include <errno.h>
#include <ffmk.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int keyval = MPI_KEYVAL_INVALID;
static bool some_died; /* set once, by any thread */

/* All contexts. */
static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER;
static struct ffmk_context *contexts;

/* Raised whenever a communicator loses its context: its handle may be another's from then on. */
static uint64_t generation;

/* What each rank tells the others. */
struct record {
    uint64_t host[2]; /* equal on one host, as far as processes and /dev/shm are shared */
    uint64_t nonce;   /* name of the segment, of the first on its host */
    int64_t pid;
};

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

static int destroy(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm;
    (void)key;
    (void)extra;
    struct ffmk_context *context = value;
    __atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
    unlist(context);
    ffmk_across_destroy(context->across);
    ffmk_host_destroy(context->host);
    ffmk_watch_destroy(context->watch);
    ffmk_segment_drop(context->segment, ffmk_host_bytes((size_t)context->size));
    free(context);
    return MPI_SUCCESS;
}

/* Nothing goes over the network any more. Once more does no harm. */
static void stop_network(void)
{
    pthread_mutex_lock(&listing);
    for (struct ffmk_context *context = contexts; context; context = context->next) {
        ffmk_across_destroy(context->across);
        context->across = NULL;
    }
    pthread_mutex_unlock(&listing);
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
        code = PMPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, destroy, &keyval, NULL);
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

static void mix(uint64_t hash[2], const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < bytes; i++) {
        hash[0] = ffmk_rng_mix(hash[0] ^ byte[i]);
        hash[1] = ffmk_rng_mix(hash[1] + byte[i] + 1);
    }
}

/* Ranks with the same answer see each other's processes and shared memory. */
static void identify_host(uint64_t hash[2])
{
    static const char *const places[] = {"/dev/shm", "/proc/self/ns/pid", "/proc/self/ns/user"};
    char text[256] = "";
    hash[0] = hash[1] = 0;
    gethostname(text, sizeof text - 1);
    mix(hash, text, strlen(text));
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file) {
        size_t bytes = fread(text, 1, sizeof text, file);
        mix(hash, text, bytes);
        fclose(file);
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct stat place;
        if (stat(places[i], &place) == 0) {
            mix(hash, &place.st_dev, sizeof place.st_dev);
            mix(hash, &place.st_ino, sizeof place.st_ino);
        }
    }
}

static struct record own_record(const void *unique)
{
    struct record record = {.pid = getpid()};
    identify_host(record.host);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t words[] = {(uint64_t)now.tv_sec, (uint64_t)now.tv_nsec, (uint64_t)record.pid,
                        (uint64_t)(uintptr_t)unique};
    uint64_t hash[2] = {0, 0};
    mix(hash, words, sizeof words);
    record.nonce = hash[0];
    return record;
}

static bool agreed(MPI_Comm comm, int good)
{
    int all = 0;
    return PMPI_Allreduce(&good, &all, 1, MPI_INT, MPI_MIN, comm) == MPI_SUCCESS && all;
}

static bool same_host(const struct record *one, const struct record *other)
{
    return memcmp(one->host, other->host, sizeof one->host) == 0;
}

static bool one_host(const struct record *records, int n)
{
    for (int i = 1; i < n; i++)
        if (!same_host(&records[i], &records[0]))
            return false;
    return n <= FFMK_HOST_MAX_MEMBERS;
}

static int no_query(void *extra, MPI_Status *status)
{
    (void)extra;
    PMPI_Status_set_elements(status, MPI_BYTE, 0);
    PMPI_Status_set_cancelled(status, 0);
    status->MPI_SOURCE = MPI_UNDEFINED;
    status->MPI_TAG = MPI_UNDEFINED;
    return MPI_SUCCESS;
}

static int no_free(void *extra)
{
    (void)extra;
    return MPI_SUCCESS;
}

static int no_cancel(void *extra, int complete)
{
    (void)extra;
    (void)complete;
    return MPI_SUCCESS;
}

/* What a rank waits for in MPI may need MPI to go on at a rank that waits in ours, as it does in
 * MPI's own operations: the rest of a message that is being sent. A request that is never complete
 * makes MPI go on without a communicator, whose ranks may be dead. */
static void keep_mpi_going(bool last)
{
    static _Thread_local MPI_Request request;
    static _Thread_local bool begun;
    if (!last && !begun)
        begun = PMPI_Grequest_start(no_query, no_free, no_cancel, NULL, &request) == MPI_SUCCESS;
    if (!begun)
        return;
    if (!last) {
        int complete;
        PMPI_Test(&request, &complete, MPI_STATUS_IGNORE);
        return;
    }
    PMPI_Grequest_complete(request);
    PMPI_Wait(&request, MPI_STATUS_IGNORE);
    begun = false;
}

static struct ffmk_watch *watch_all(const struct record *records, int n)
{
    struct ffmk_watch *watch = NULL;
    pid_t *pids = malloc((size_t)n * sizeof *pids);
    if (!pids)
        return NULL;
    for (int i = 0; i < n; i++)
        pids[i] = (pid_t)records[i].pid;
    if (ffmk_watch_create(pids, (size_t)n, &watch) != FFMK_SUCCESS)
        watch = NULL;
    free(pids);
    return watch;
}

/* All ranks of the communicator share memory, or none does. \return false, errno telling why. */
static bool share_memory(struct ffmk_context *context, MPI_Comm comm, const struct record *records)
{
    size_t n = (size_t)context->size;
    char name[64];
    snprintf(name, sizeof name, "/ffmk-comm-%lx-%016llx", (unsigned long)getuid(),
             (unsigned long long)records[0].nonce);
    const bool first = context->rank == 0;
    if (first)
        context->segment = ffmk_segment_create(name, ffmk_host_bytes(n));
    int why = errno;
    const bool made = agreed(comm, !first || context->segment);
    if (made && !first)
        context->segment = ffmk_segment_attach(name, ffmk_host_bytes(n));
    if (made && context->segment) {
        context->watch = watch_all(records, context->size);
        why = context->watch ? why : errno;
        if (context->watch)
            context->host =
                ffmk_host_create(context->segment, n, (size_t)context->rank, context->watch,
                                 (long)n > sysconf(_SC_NPROCESSORS_ONLN));
        if (context->host)
            ffmk_host_set_meanwhile(context->host, keep_mpi_going);
    } else if (made) {
        why = errno;
    }
    const bool shared = made && agreed(comm, context->host != NULL);
    if (first && context->segment)
        ffmk_segment_unname(name);
    errno = why;
    return shared;
}

/* As many as the host has at most, at all of them alike. */
static bool is_crowded(const struct record *records, int n)
{
    long most = 0;
    for (int i = 0; i < n; i++) {
        long here = 0;
        for (int j = 0; j < n; j++)
            here += same_host(&records[i], &records[j]);
        most = here > most ? here : most;
    }
    return most > sysconf(_SC_NPROCESSORS_ONLN);
}

/* What the network is like, as all ranks together found. */
static void measure(struct ffmk_context *context, MPI_Comm comm)
{
    enum { SLOT, HOP, PATIENCE, FIGURES };
    const struct ffmk_cast_speed mine = ffmk_across_measure(context->across);
    uint64_t figures[FIGURES] = {mine.slot, mine.hop, mine.patience};
    uint64_t most[FIGURES] = {mine.slot, mine.hop, mine.patience};
    PMPI_Allreduce(figures, most, FIGURES, MPI_UINT64_T, MPI_MAX, comm);
    const struct ffmk_cast_speed speed = {
        .slot = most[SLOT], .hop = most[HOP], .patience = most[PATIENCE]};
    ffmk_across_set_speed(context->across, &speed);
    if (context->rank != 0)
        return;
    const struct ffmk_cast_manner manner = ffmk_network_manner(FFMK_CONFIG_BCAST);
    const struct ffmk_cast_way way = ffmk_across_way(context->across, &manner);
    ffmk_log_debug(
        "a communicator of %d ranks, as on %u hosts, over UDP: o %.1f us, L + 2o %.1f us, "
        "late by %.1f us at most; so k %u, T %u, %s %u, epsilon %.0e",
        context->size, way.hosts, (double)speed.slot * 1e-3, (double)speed.hop * 1e-3,
        (double)speed.patience * 1e-3, way.hop, way.rounds,
        manner.mode == FFMK_RUMOR_OPPORTUNISTIC ? "C" : "f", way.number, manner.miss);
}

/* All ranks of the communicator meet on the network, or none does; each for itself if `flat`.
 * \return false, errno telling why. */
static bool meet(struct ffmk_context *context, MPI_Comm comm, const struct record *records,
                 bool flat)
{
    const size_t n = (size_t)context->size;
    struct ffmk_endpoint *endpoint =
        stop_network_before_finalize() ? ffmk_network_endpoint() : NULL;
    int why = errno;
    struct ffmk_across_card *cards = calloc(n, sizeof *cards);
    if (!cards)
        why = ENOMEM;
    bool met = agreed(comm, endpoint && cards);
    if (met && endpoint && cards) {
        const struct ffmk_across_card mine = {.card = *ffmk_endpoint_card(endpoint)};
        met = PMPI_Allgather(&mine, sizeof mine, MPI_BYTE, cards, sizeof mine, MPI_BYTE, comm) ==
              MPI_SUCCESS;
        for (size_t i = 0; i < n; i++)
            if (same_host(&records[i], &records[context->rank]))
                cards[i].pid = records[i].pid;
        for (size_t i = 0; i < n; i++)
            cards[i].host = flat ? i : records[i].host[0];
        errno = EIO;
        if (met && ffmk_across_create(endpoint, records[0].nonce | 1, cards, n,
                                      (size_t)context->rank, is_crowded(records, context->size),
                                      &context->across) != FFMK_SUCCESS)
            met = false;
        if (!met)
            why = errno;
        met = agreed(comm, met);
    }
    free(cards);
    if (met && context->across) {
        ffmk_across_set_meanwhile(context->across, keep_mpi_going);
        measure(context, comm);
    }
    errno = why;
    return met;
}

/* Without what it takes for ways of our own the operations are MPI's, by agreement of all. */
static void leave_to_mpi(struct ffmk_context *context, const char *why)
{
    ffmk_across_destroy(context->across);
    ffmk_host_destroy(context->host);
    ffmk_watch_destroy(context->watch);
    ffmk_segment_drop(context->segment, ffmk_host_bytes((size_t)context->size));
    context->across = NULL;
    context->host = NULL;
    context->watch = NULL;
    context->segment = NULL;
    static bool told;
    if (!told && context->rank == 0)
        ffmk_log("collective operations are left to MPI, which does not survive deaths: %s", why);
    told = true;
}

/* The ranks' environments may differ: then the last one of `auto`, `udp`, `mpi` that somebody has.
 */
static enum ffmk_transport common_transport(MPI_Comm comm)
{
    int mine = (int)ffmk_network_transport();
    int last = mine;
    PMPI_Allreduce(&mine, &last, 1, MPI_INT, MPI_MAX, comm);
    return (enum ffmk_transport)last;
}

static int prepare(struct ffmk_context *context, MPI_Comm comm)
{
    struct record *records = malloc((size_t)context->size * sizeof *records);
    if (!agreed(comm, records != NULL) || !records) {
        free(records);
        return FFMK_ERR_NO_MEMORY;
    }
    const struct record own = own_record(context);
    if (PMPI_Allgather(&own, sizeof own, MPI_BYTE, records, sizeof own, MPI_BYTE, comm) !=
        MPI_SUCCESS) {
        free(records);
        return FFMK_ERR_MPI;
    }
    char why[160];
    int compared = MPI_UNEQUAL;
    if (ffmk_world_has_comm())
        PMPI_Comm_compare(comm, MPI_COMM_WORLD, &compared);
    context->whole = compared == MPI_IDENT || compared == MPI_CONGRUENT;
    context->name = records[0].nonce;
    const enum ffmk_transport transport = common_transport(comm);
    if (transport == FFMK_TRANSPORT_MPI) {
        leave_to_mpi(context, "FFMK_TRANSPORT=mpi");
    } else if (transport == FFMK_TRANSPORT_UDP || !one_host(records, context->size)) {
        if (!meet(context, comm, records, transport == FFMK_TRANSPORT_UDP)) {
            snprintf(why, sizeof why, "no network among the ranks (%s)", strerror(errno));
            leave_to_mpi(context, why);
        }
    } else if (!share_memory(context, comm, records)) {
        snprintf(why, sizeof why, "no shared memory, or processes cannot be watched (%s)",
                 strerror(errno));
        leave_to_mpi(context, why);
    }
    free(records);
    return FFMK_SUCCESS;
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
        if (context->whole && context->size > 1 && ffmk_context_is_ours(context) &&
            (!found || context->name < found->name))
            found = context;
    pthread_mutex_unlock(&listing);
    return found;
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
    int size = 0;
    PMPI_Comm_size(comm, &size);
    struct ffmk_context *context = calloc(1, sizeof *context + (size_t)size);
    if (!agreed(comm, context != NULL) || !context) {
        free(context);
        return FFMK_ERR_NO_MEMORY;
    }
    PMPI_Comm_rank(comm, &context->rank);
    context->size = size;
    context->contributors = (unsigned char *)(context + 1);
    int code = context->size > 1 ? prepare(context, comm) : FFMK_SUCCESS;
    if (!agreed(comm,
                code == FFMK_SUCCESS && PMPI_Comm_set_attr(comm, keyval, context) == MPI_SUCCESS)) {
        /* Those who could hang it on the communicator lose it with that. */
        if (!ffmk_context_known(comm))
            destroy(comm, keyval, context, NULL);
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

static int count_dead(struct ffmk_context *context, bool asking)
{
    int dead = 0;
    for (int i = 0; i < context->size; i++)
        dead += ffmk_context_is_dead(context, i, asking);
    if (dead > 0)
        some_died = true;
    return dead;
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
