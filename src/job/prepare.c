/* SPDX-License-Identifier: BSD-3-Clause
 * How the ranks of a communicator come together for operations of our own. */
#include "job/prepare.h"

#include "core/log.h"
#include "core/rng.h"
#include "gossip/net/segment.h"
#include "job/carrier.h"
#include "job/meanwhile.h"
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

/* What each rank tells the others. */
struct record {
    uint64_t host[2]; /* equal on one host, as far as processes and /dev/shm are shared */
    uint64_t nonce;   /* name of the segment, of the first on its host */
    int64_t pid;
    uint64_t transport;           /* enum ffmk_transport */
    struct ffmk_cast_speed speed; /* as was found with another communicator; 0: not yet */
    uint64_t reach;               /* enum ffmk_across_reach: the greatest of its communicators */
};

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

/* What the network between hosts was like when this process measured it first. */
static pthread_mutex_t finding = PTHREAD_MUTEX_INITIALIZER;
static struct ffmk_cast_speed found;
static uint64_t reach_found;

static struct record own_record(const void *unique)
{
    struct record record = {.pid = getpid(), .transport = (uint64_t)ffmk_network_transport()};
    pthread_mutex_lock(&finding);
    record.speed = found;
    record.reach = reach_found;
    pthread_mutex_unlock(&finding);
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

bool ffmk_prepare_agreed(MPI_Comm comm, int good)
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

/* Whether a host has more ranks than cores: in this communicator, or in one before (the first is
 * MPI_COMM_WORLD, where the library watches), for those who wait in a small one keep the others of
 * the job from their work. */
static bool is_crowded(const struct record *records, int n)
{
    static long most_ever;
    long most = __atomic_load_n(&most_ever, __ATOMIC_RELAXED);
    for (int i = 0; i < n; i++) {
        long here = 0;
        for (int j = 0; j < n; j++)
            here += same_host(&records[i], &records[j]);
        most = here > most ? here : most;
    }
    __atomic_store_n(&most_ever, most, __ATOMIC_RELAXED); /* near enough, if threads are at it */
    return most > sysconf(_SC_NPROCESSORS_ONLN);
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
    const bool made = ffmk_prepare_agreed(comm, !first || context->segment);
    if (made && !first)
        context->segment = ffmk_segment_attach(name, ffmk_host_bytes(n));
    if (made && context->segment) {
        context->watch = watch_all(records, context->size);
        why = context->watch ? why : errno;
        if (context->watch)
            context->host = ffmk_host_create(context->segment, n, (size_t)context->rank,
                                             context->watch, is_crowded(records, context->size));
        if (context->host)
            ffmk_host_set_meanwhile(context->host, ffmk_meanwhile);
    } else if (made) {
        why = errno;
    }
    const bool shared = made && ffmk_prepare_agreed(comm, context->host != NULL);
    if (first && context->segment)
        ffmk_segment_unname(name);
    errno = why;
    return shared;
}

static struct ffmk_cast_speed most_of(const struct ffmk_cast_speed *one,
                                      const struct ffmk_cast_speed *other)
{
    return (struct ffmk_cast_speed){.slot = one->slot > other->slot ? one->slot : other->slot,
                                    .hop = one->hop > other->hop ? one->hop : other->hop,
                                    .patience = one->patience > other->patience ? one->patience
                                                                                : other->patience};
}

/* What all of them know already. \return false: somebody does not, and they have to measure. */
static bool recall(const struct record *records, int n, struct ffmk_cast_speed *speed)
{
    *speed = records[0].speed;
    for (int i = 0; i < n; i++) {
        if (records[i].speed.slot == 0)
            return false;
        *speed = most_of(speed, &records[i].speed);
    }
    return true;
}

/* What the network is like, as all ranks together found. \return whether it leads to them. */
static enum ffmk_across_reach measure(struct ffmk_context *context, MPI_Comm comm,
                                      const struct record *records)
{
    enum { REACH, SLOT, HOP, PATIENCE, FIGURES };
    struct ffmk_cast_speed speed = {0};
    const bool known = recall(records, context->size, &speed);
    const uint64_t reach =
        context->carrier ? FFMK_ACROSS_REACHES : ffmk_across_reach(context->across);
    const bool measures = !known && reach == FFMK_ACROSS_REACHES;
    if (measures)
        speed = ffmk_across_measure(context->across);
    const uint64_t figures[FIGURES] = {reach, speed.slot, speed.hop, speed.patience};
    uint64_t most[FIGURES] = {reach, speed.slot, speed.hop, speed.patience};
    PMPI_Allreduce(figures, most, FIGURES, MPI_UINT64_T, MPI_MAX, comm);
    pthread_mutex_lock(&finding);
    reach_found = most[REACH] > reach_found ? most[REACH] : reach_found;
    if (measures &&
        ffmk_across_has_hosts(context->across)) /* of one host it tells others nothing */
        found = speed;
    pthread_mutex_unlock(&finding);
    if (most[REACH] != FFMK_ACROSS_REACHES)
        return (enum ffmk_across_reach)most[REACH];
    speed =
        (struct ffmk_cast_speed){.slot = most[SLOT], .hop = most[HOP], .patience = most[PATIENCE]};
    ffmk_across_set_speed(context->across, &speed);
    if (context->rank != 0)
        return FFMK_ACROSS_REACHES;
    const struct ffmk_cast_manner manner = ffmk_network_manner(FFMK_CONFIG_BCAST);
    const struct ffmk_cast_way way = ffmk_across_way(context->across, &manner);
    ffmk_log_debug(
        "a communicator of %d ranks, as on %u hosts, over %s: o %.1f us, L + 2o %.1f us, "
        "late by %.1f us at most; so k %u, T %u, %s %u, epsilon %.0e",
        context->size, way.hosts, context->carrier ? "MPI" : "UDP", (double)speed.slot * 1e-3,
        (double)speed.hop * 1e-3, (double)speed.patience * 1e-3, way.hop, way.rounds,
        manner.mode == FFMK_RUMOR_OPPORTUNISTIC ? "C" : "f", way.number, manner.miss);
    return FFMK_ACROSS_REACHES;
}

/* What a rank's messages go over. \return NULL, errno telling why. */
static struct ffmk_endpoint *endpoint_for(struct ffmk_context *context, MPI_Comm comm,
                                          enum ffmk_transport transport,
                                          ffmk_prepare_network *before)
{
    errno = ENOTSUP;
    if (transport != FFMK_TRANSPORT_MPI)
        return before() ? ffmk_network_endpoint() : NULL;
    if (!ffmk_prepare_agreed(comm, before()))
        return NULL;
    context->carrier = ffmk_carrier_open(comm);
    return context->carrier ? ffmk_carrier_endpoint(context->carrier) : NULL;
}

/* Others have none, or do not hear of it, and never will report that they have closed. */
static void abandon(struct ffmk_context *context)
{
    ffmk_across_abandon(context->across);
    context->across = NULL;
}

/* All ranks of the communicator meet on the network, or none does. \return false: *reach_p tells
 * why, or errno if that leads to them. */
static bool meet(struct ffmk_context *context, MPI_Comm comm, const struct record *records,
                 enum ffmk_transport transport, ffmk_prepare_network *before,
                 enum ffmk_across_reach *reach_p)
{
    const size_t n = (size_t)context->size;
    const bool flat = transport == FFMK_TRANSPORT_UDP; /* each for itself */
    struct ffmk_endpoint *endpoint = endpoint_for(context, comm, transport, before);
    int why = errno;
    context->endpoint = endpoint;
    struct ffmk_across_card *cards = calloc(n, sizeof *cards);
    if (!cards)
        why = ENOMEM;
    bool met = ffmk_prepare_agreed(comm, endpoint && cards);
    if (met && endpoint && cards) {
        const struct ffmk_across_card mine = {.card = *ffmk_endpoint_card(endpoint)};
        met = PMPI_Allgather(&mine, sizeof mine, MPI_BYTE, cards, sizeof mine, MPI_BYTE, comm) ==
              MPI_SUCCESS;
        for (size_t i = 0; i < n; i++)
            if (same_host(&records[i], &records[context->rank]) && !context->carrier)
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
        met = ffmk_prepare_agreed(comm, met);
    }
    free(cards);
    if (met && context->across) {
        ffmk_across_set_meanwhile(context->across, ffmk_meanwhile);
        *reach_p = measure(context, comm, records);
        met = *reach_p == FFMK_ACROSS_REACHES;
    }
    if (!met)
        abandon(context);
    errno = why;
    return met;
}

void ffmk_prepare_undo(struct ffmk_context *context)
{
    ffmk_across_destroy(context->across);
    if (context->across)
        ffmk_carrier_close(context->carrier);
    else
        ffmk_carrier_abandon(context->carrier);
    ffmk_host_destroy(context->host);
    ffmk_watch_destroy(context->watch);
    ffmk_segment_drop(context->segment, ffmk_host_bytes((size_t)context->size));
    context->across = NULL;
    context->carrier = NULL;
    context->host = NULL;
    context->watch = NULL;
    context->segment = NULL;
}

/* Without what it takes for ways of our own the operations are MPI's, by agreement of all. */
static void leave_to_mpi(struct ffmk_context *context, const char *why)
{
    ffmk_prepare_undo(context);
    static bool told;
    if (!told && context->rank == 0)
        ffmk_log("collective operations are left to MPI, which does not survive deaths: %s", why);
    told = true;
}

bool ffmk_prepare_fill(struct ffmk_context *context)
{
    context->filled = ffmk_segment_fill(context->segment, ffmk_host_bytes((size_t)context->size));
    if (!context->filled)
        leave_to_mpi(context, "no shared memory (no space left in /dev/shm)");
    return context->filled;
}

/* The ranks' environments may differ: then the last one of `auto`, `udp`, `mpi` that somebody has.
 */
static enum ffmk_transport common_transport(const struct record *records, int n)
{
    uint64_t last = FFMK_TRANSPORT_AUTO;
    for (int i = 0; i < n; i++)
        last = records[i].transport > last ? records[i].transport : last;
    return (enum ffmk_transport)last;
}

/* As far as somebody knows. */
static enum ffmk_across_reach common_reach(const struct record *records, int n)
{
    uint64_t worst = FFMK_ACROSS_REACHES;
    for (int i = 0; i < n; i++)
        worst = records[i].reach > worst ? records[i].reach : worst;
    return (enum ffmk_across_reach)worst;
}

static void meet_or_leave(struct ffmk_context *context, MPI_Comm comm, const struct record *records,
                          enum ffmk_transport transport, ffmk_prepare_network *before)
{
    static const char *const reasons[] = {
        [FFMK_ACROSS_NO_STREAMS] = "UDP gets from host to host, TCP to our ports does not",
        [FFMK_ACROSS_NO_DATAGRAMS] = "UDP does not get from host to host"};
    enum ffmk_across_reach reach = transport == FFMK_TRANSPORT_MPI
                                       ? FFMK_ACROSS_REACHES
                                       : common_reach(records, context->size);
    if (reach == FFMK_ACROSS_REACHES && meet(context, comm, records, transport, before, &reach))
        return;
    char why[160];
    snprintf(why, sizeof why, "no network among the ranks (%s)",
             reach == FFMK_ACROSS_REACHES ? strerror(errno) : reasons[reach]);
    leave_to_mpi(context, why);
}

int ffmk_prepare(struct ffmk_context *context, MPI_Comm comm, ffmk_prepare_network *before)
{
    struct record *records = malloc((size_t)context->size * sizeof *records);
    if (!ffmk_prepare_agreed(comm, records != NULL) || !records) {
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
    const enum ffmk_transport transport = common_transport(records, context->size);
    if (transport != FFMK_TRANSPORT_AUTO || !one_host(records, context->size)) {
        meet_or_leave(context, comm, records, transport, before);
    } else if (!share_memory(context, comm, records)) {
        snprintf(why, sizeof why, "no shared memory, or processes cannot be watched (%s)",
                 strerror(errno));
        leave_to_mpi(context, why);
    }
    free(records);
    return FFMK_SUCCESS;
}
