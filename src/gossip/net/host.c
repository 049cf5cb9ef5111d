/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among the ranks of a communicator on one host: the segment, barriers, and
 * the going on of whatever was started. */
#include "gossip/net/host_inside.h"

#include "gossip/net/patience.h"

#include <stdlib.h>
#include <string.h>

enum { RING_BYTES = 1 << 20, RINGS_BYTES = 2 << 20, LEAST_RING_BYTES = 64 << 10 };

static size_t ring_bytes(size_t members)
{
    size_t bytes = RING_BYTES;
    while (bytes * members > RINGS_BYTES && bytes > LEAST_RING_BYTES)
        bytes /= 2;
    return bytes;
}

/* Parts of large reductions: two places of a member would do, but a place that its readers have
 * just read is slow to write. With 32 of them for two members a sum of 1 MiB took 0.7 of the time.
 */
enum { MOST_PLACES = 32, LEAST_PLACES = 2, ALL_PLACES_BYTES = 2 << 20 };

static size_t large_places(size_t members)
{
    size_t places = ALL_PLACES_BYTES / FFMK_HOST_ELEMENT_BYTES / members;
    return places > MOST_PLACES ? MOST_PLACES : places < LEAST_PLACES ? LEAST_PLACES : places;
}

static size_t places_bytes(size_t members)
{
    return (size_t)FFMK_HOST_SMALL_PLACES * FFMK_HOST_REDUCE_AT_ONCE +
           large_places(members) * FFMK_HOST_ELEMENT_BYTES;
}

static size_t reader_bytes(size_t members)
{
    return (members * sizeof(uint64_t) + FFMK_HOST_LINE - 1) / FFMK_HOST_LINE * FFMK_HOST_LINE;
}

size_t ffmk_host_bytes(size_t members)
{
    return FFMK_HOST_SLOTS * sizeof(struct ffmk_host_slot) +
           members * (sizeof(struct ffmk_host_member) + reader_bytes(members) +
                      places_bytes(members) + ring_bytes(members));
}

struct ffmk_host *ffmk_host_create(void *segment, size_t members, size_t me,
                                   struct ffmk_watch *watch, bool crowded)
{
    struct ffmk_host *host = calloc(1, sizeof *host);
    if (!host)
        return NULL;
    unsigned char *at = segment;
    host->members = members;
    host->me = me;
    host->watch = watch;
    host->spins = crowded ? FFMK_PATIENCE_CROWDED : FFMK_PATIENCE_SPINS;
    host->member = (struct ffmk_host_member *)at;
    at += members * sizeof(struct ffmk_host_member);
    host->slot = (struct ffmk_host_slot *)at;
    at += FFMK_HOST_SLOTS * sizeof(struct ffmk_host_slot);
    host->readers = at;
    host->reader_bytes = reader_bytes(members);
    at += members * host->reader_bytes;
    host->places = at;
    host->large_places = large_places(members);
    host->places_bytes = places_bytes(members);
    host->rings = at + members * host->places_bytes;
    host->ring_bytes = ring_bytes(members);
    return host;
}

void ffmk_host_destroy(struct ffmk_host *host)
{
    free(host);
}

void ffmk_host_set_meanwhile(struct ffmk_host *host, ffmk_host_meanwhile *meanwhile)
{
    host->meanwhile = meanwhile;
}

bool ffmk_host_all_have(struct ffmk_host *host, size_t offset, uint64_t value, uint64_t *from_p,
                        size_t *awaited_p)
{
    for (; *from_p < host->members; (*from_p)++) {
        size_t i = *from_p;
        const uint64_t *word = (const uint64_t *)((const char *)&host->member[i] + offset);
        if (i == host->me || ffmk_host_load(word) >= value ||
            ffmk_watch_known_ended(host->watch, i))
            continue;
        *awaited_p = i;
        return false;
    }
    return true;
}

uint64_t ffmk_host_least_of(struct ffmk_host *host, const void *words, size_t stride, uint64_t most,
                            size_t *awaited_p)
{
    for (size_t i = 0; i < host->members; i++) {
        uint64_t value = ffmk_host_load((const uint64_t *)((const char *)words + i * stride));
        if (i == host->me || value >= most || ffmk_watch_known_ended(host->watch, i))
            continue;
        most = value;
        *awaited_p = i;
    }
    return most;
}

static void advance(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    switch (operation->kind) {
    case FFMK_HOST_BCAST:
        ffmk_host_advance_bcast(host, operation);
        break;
    case FFMK_HOST_BARRIER:
        if (ffmk_host_all_have(host, offsetof(struct ffmk_host_member, entered), operation->number,
                               &operation->done, &operation->awaited))
            ffmk_host_complete(operation, FFMK_SUCCESS);
        break;
    case FFMK_HOST_ALLREDUCE:
        ffmk_host_advance_allreduce(host, operation);
        break;
    }
}

static void progress(struct ffmk_host *host)
{
    struct ffmk_host_operation **at = &host->first;
    if (!*at)
        return;
    while (*at) {
        struct ffmk_host_operation *operation = *at;
        if (!operation->complete)
            advance(host, operation);
        if (operation->complete)
            *at = operation->next;
        else
            at = &operation->next;
    }
    ffmk_host_store(&host->member[host->me].passed,
                    host->first ? host->first->number - 1 : host->number);
}

/* See whether those live without whom nothing goes on. */
static void look_around(struct ffmk_host *host)
{
    for (const struct ffmk_host_operation *at = host->first; at; at = at->next)
        ffmk_watch_ended(host->watch, at->awaited);
}

void ffmk_host_start(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    operation->awaited = host->me;
    operation->number = ++host->number;
    struct ffmk_host_operation **at = &host->first;
    while (*at)
        at = &(*at)->next;
    *at = operation;
    progress(host);
}

void ffmk_host_barrier_start(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    *operation = (struct ffmk_host_operation){.kind = FFMK_HOST_BARRIER};
    ffmk_host_store(&host->member[host->me].entered, host->number + 1);
    ffmk_host_start(host, operation);
}

void ffmk_host_go_on(struct ffmk_host *host)
{
    progress(host);
    if (host->first && ++host->idle >= FFMK_PATIENCE_YIELDS) {
        host->idle = 0;
        look_around(host);
    }
}

bool ffmk_host_test(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    ffmk_host_go_on(host);
    return operation->complete;
}

int ffmk_host_wait(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct ffmk_patience patience = {.spins = host->spins};
    bool long_wait = false;
    while (!operation->complete) {
        progress(host);
        if (operation->complete)
            break;
        if (ffmk_patience_wait(&patience))
            look_around(host);
        if (host->meanwhile && patience.looks >= patience.spins) {
            host->meanwhile(false);
            long_wait = true;
        }
    }
    if (long_wait)
        host->meanwhile(true);
    return operation->code;
}
