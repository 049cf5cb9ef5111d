/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among the ranks of a communicator on one host. */
#include "gossip/net/host.h"

#include "gossip/net/patience.h"

#include <ffmk.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64, /* bytes that cores hand to each other */
    SLOTS = 128,
    SLOT_BYTES = 256,
    INLINE_BYTES = SLOT_BYTES - 32,
    RING_BYTES = 1 << 20,
    PIECE_BYTES = 32 << 10,
    CONTRIBUTION_BYTES = FFMK_HOST_ELEMENT_BYTES
};

/* Written by one member, read by all. */
struct member {
    _Alignas(LINE) uint64_t entered; /* number of the last barrier it came to */
    uint64_t contributed;            /* parts of reductions */
    uint64_t refused;                /* the part it had no room for */
    _Alignas(LINE) uint64_t passed;  /* all operations up to this number are complete */
    uint64_t ring_passed;            /* it needs nothing of the ring before this position */
};

struct slot {
    _Alignas(LINE) uint64_t number; /* of the broadcast, once it has begun */
    uint64_t bytes;
    uint64_t position; /* of a payload in the ring, … */
    uint64_t written;  /* … and how much of it is there */
    unsigned char payload[INLINE_BYTES];
};

_Static_assert(sizeof(struct slot) == SLOT_BYTES, "slots lie side by side");

struct ffmk_host {
    size_t members;
    size_t me;
    struct ffmk_watch *watch;
    uint32_t spins;
    uint32_t idle;                     /* tests in a row that found nothing to do */
    size_t awaited;                    /* the member that the first in line waits for */
    uint64_t number;                   /* of the last operation that was started */
    uint64_t turn;                     /* parts of reductions so far */
    uint64_t position;                 /* in the endless ring, where the next large payload goes */
    uint64_t passed_by_all;            /* at least */
    uint64_t ring_passed_by_all;       /* at least */
    struct ffmk_host_operation *first; /* in line: they are completed in this order */
    struct ffmk_host_operation *last;
    struct member *member;
    struct slot *slot;
    unsigned char *ring;
    unsigned char *contributions;
};

size_t ffmk_host_bytes(size_t members)
{
    return members * (sizeof(struct member) + 2 * CONTRIBUTION_BYTES) + SLOTS * SLOT_BYTES +
           RING_BYTES;
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
    host->member = (struct member *)at;
    at += members * sizeof(struct member);
    host->slot = (struct slot *)at;
    at += SLOTS * SLOT_BYTES;
    host->ring = at;
    host->contributions = at + RING_BYTES;
    return host;
}

void ffmk_host_destroy(struct ffmk_host *host)
{
    free(host);
}

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Whether every living member's word, `offset` bytes into struct member, has come to `value`;
 * *from_p is the first member that is not known to have. */
static bool all_have(struct ffmk_host *host, size_t offset, uint64_t value, uint64_t *from_p)
{
    for (; *from_p < host->members; (*from_p)++) {
        size_t i = *from_p;
        const uint64_t *word = (const uint64_t *)((const char *)&host->member[i] + offset);
        if (i == host->me || load(word) >= value || ffmk_watch_known_ended(host->watch, i))
            continue;
        host->awaited = i;
        return false;
    }
    return true;
}

/* The least of such words among the living others, at most `most`. */
static uint64_t least_of(struct ffmk_host *host, size_t offset, uint64_t most)
{
    for (size_t i = 0; i < host->members; i++) {
        const uint64_t *word = (const uint64_t *)((const char *)&host->member[i] + offset);
        if (i != host->me && load(word) < most && !ffmk_watch_known_ended(host->watch, i)) {
            most = load(word);
            host->awaited = i;
        }
    }
    return most;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- broadcast ---- */

static struct slot *slot_of(struct ffmk_host *host, const struct ffmk_host_operation *operation)
{
    return &host->slot[operation->number % SLOTS];
}

/* Whether nobody needs any more what was in its slot before. */
static bool slot_is_free(struct ffmk_host *host, const struct ffmk_host_operation *operation)
{
    if (operation->number - host->passed_by_all > SLOTS)
        host->passed_by_all =
            least_of(host, offsetof(struct member, passed), operation->number - 1);
    return operation->number - host->passed_by_all <= SLOTS;
}

static bool ring_has_room(struct ffmk_host *host, uint64_t end)
{
    if (end > host->ring_passed_by_all + RING_BYTES)
        host->ring_passed_by_all =
            least_of(host, offsetof(struct member, ring_passed), host->position);
    return end <= host->ring_passed_by_all + RING_BYTES;
}

static void copy_to_ring(struct ffmk_host *host, uint64_t position, const unsigned char *from,
                         size_t bytes)
{
    size_t at = position % RING_BYTES;
    size_t first = bytes < RING_BYTES - at ? bytes : RING_BYTES - at;
    memcpy(host->ring + at, from, first);
    memcpy(host->ring, from + first, bytes - first);
}

static void copy_from_ring(struct ffmk_host *host, uint64_t position, unsigned char *to,
                           size_t bytes)
{
    size_t at = position % RING_BYTES;
    size_t first = bytes < RING_BYTES - at ? bytes : RING_BYTES - at;
    memcpy(to, host->ring + at, first);
    memcpy(to + first, host->ring, bytes - first);
}

static void complete(struct ffmk_host_operation *operation, int code)
{
    operation->code = code;
    operation->complete = true;
}

/* Small payloads need nothing but their slot. */
static void publish_small(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    if (!slot_is_free(host, operation))
        return;
    struct slot *slot = slot_of(host, operation);
    slot->bytes = operation->bytes;
    memcpy(slot->payload, operation->buffer, operation->bytes);
    store(&slot->number, operation->number);
    complete(operation, FFMK_SUCCESS);
}

static void publish_large(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct slot *slot = slot_of(host, operation);
    if (!operation->begun) {
        if (!slot_is_free(host, operation))
            return;
        slot->bytes = operation->bytes;
        slot->position = operation->position = host->position;
        store(&slot->written, 0);
        store(&slot->number, operation->number);
        operation->begun = true;
    }
    while (operation->done < operation->bytes) {
        uint64_t piece = smaller(PIECE_BYTES, operation->bytes - operation->done);
        uint64_t at = operation->position + operation->done;
        if (!ring_has_room(host, at + piece))
            return;
        copy_to_ring(host, at, operation->buffer + operation->done, piece);
        operation->done += piece;
        host->position = at + piece; /* this member needs nothing before it */
        store(&slot->written, operation->done);
    }
    complete(operation, FFMK_SUCCESS);
}

static void publish(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    if (operation->bytes <= INLINE_BYTES)
        publish_small(host, operation);
    else
        publish_large(host, operation);
}

/* Whether a word of the slot has come to `value`. If not, and never will, the operation is
 * complete: failed. */
static bool root_has(struct ffmk_host *host, struct ffmk_host_operation *operation,
                     const uint64_t *word, uint64_t value)
{
    if (load(word) >= value)
        return true;
    host->awaited = operation->root;
    /* Dead first, then another look: what it wrote before it died counts. */
    if (!ffmk_watch_known_ended(host->watch, operation->root))
        return false;
    if (load(word) >= value)
        return true;
    complete(operation, FFMK_ERR_FAILED);
    return false;
}

static void receive_pieces(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct slot *slot = slot_of(host, operation);
    while (!operation->complete && operation->done < operation->bytes) {
        uint64_t wanted = smaller(PIECE_BYTES, operation->bytes - operation->done);
        if (!root_has(host, operation, &slot->written, operation->done + wanted))
            return;
        uint64_t there = smaller(load(&slot->written), operation->bytes);
        copy_from_ring(host, operation->position + operation->done,
                       operation->buffer + operation->done, there - operation->done);
        operation->done = there;
        store(&host->member[host->me].ring_passed, operation->position + there);
    }
    complete(operation, FFMK_SUCCESS);
}

static void receive(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct slot *slot = slot_of(host, operation);
    if (!operation->begun) {
        if (!root_has(host, operation, &slot->number, operation->number))
            return;
        operation->begun = true;
        const uint64_t expected = operation->bytes;
        operation->bytes = slot->bytes;
        if (slot->bytes > INLINE_BYTES) {
            operation->position = slot->position;
            host->position = slot->position + slot->bytes;
        }
        if (!operation->buffer && expected > 0)
            complete(operation, FFMK_ERR_NO_MEMORY);
        else if (slot->bytes != expected)
            complete(operation, FFMK_ERR_ARGUMENT);
        if (operation->complete)
            return;
    }
    if (operation->bytes > INLINE_BYTES) {
        receive_pieces(host, operation);
    } else {
        memcpy(operation->buffer, slot->payload, operation->bytes);
        complete(operation, FFMK_SUCCESS);
    }
}

/* ---- barrier and reduction ---- */

static void meet(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    if (all_have(host, offsetof(struct member, entered), operation->number, &operation->done))
        complete(operation, FFMK_SUCCESS);
}

static unsigned char *contribution_of(struct ffmk_host *host, size_t i)
{
    return host->contributions + (2 * i + host->turn % 2) * CONTRIBUTION_BYTES;
}

/* The part of a reduction that is under way: as much as the contributions' places hold. */
struct part {
    size_t n;
    size_t bytes;
    size_t at; /* in the contribution and the result, in bytes */
};

static struct part part_of(const struct ffmk_host_operation *operation)
{
    const struct ffmk_reduction *reduction = &operation->reduction;
    size_t most = CONTRIBUTION_BYTES / reduction->element_bytes;
    size_t left = reduction->n - operation->done;
    struct part part = {.n = left < most ? left : most};
    part.bytes = part.n * reduction->element_bytes;
    part.at = operation->done * reduction->element_bytes;
    return part;
}

static void contribute(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct member *self = &host->member[host->me];
    struct part part = part_of(operation);
    host->turn++;
    if (operation->contribution)
        memcpy(contribution_of(host, host->me), operation->contribution + part.at, part.bytes);
    else
        store(&self->refused, host->turn);
    store(&self->contributed, host->turn);
    operation->begun = true;
    operation->position = 0;
}

/* Everybody has contributed or is dead, and what the dead did is final. \return FFMK_SUCCESS;
 * FFMK_ERR_FAILED when somebody who counted in an earlier part does not now; FFMK_ERR_NO_MEMORY. */
static int count(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    int code = FFMK_SUCCESS;
    for (size_t i = 0; i < host->members; i++) {
        unsigned char counts = load(&host->member[i].contributed) >= host->turn;
        if (operation->done > 0 && counts != operation->contributors[i])
            code = FFMK_ERR_FAILED;
        operation->contributors[i] = counts;
    }
    for (size_t i = 0; i < host->members; i++)
        if (operation->contributors[i] && load(&host->member[i].refused) == host->turn)
            code = FFMK_ERR_NO_MEMORY;
    return code;
}

static void combine_part(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct part part = part_of(operation);
    unsigned char *result = operation->result + part.at;
    bool begun = false;
    for (size_t i = host->members; i-- > 0;) {
        if (!operation->contributors[i])
            continue;
        if (begun)
            operation->reduction.combine(operation->reduction.context, contribution_of(host, i),
                                         result, part.n);
        else
            memcpy(result, contribution_of(host, i), part.bytes);
        begun = true;
    }
    operation->done += part.n;
}

static void reduce(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    while (!operation->complete) {
        if (!operation->begun)
            contribute(host, operation);
        if (!all_have(host, offsetof(struct member, contributed), host->turn, &operation->position))
            return;
        operation->begun = false;
        int code = count(host, operation);
        if (code == FFMK_SUCCESS)
            combine_part(host, operation);
        else if (code == FFMK_ERR_FAILED)
            operation->done = 0; /* somebody died on the way: all over again, for everybody */
        if (code == FFMK_ERR_NO_MEMORY ||
            (code == FFMK_SUCCESS && operation->done == operation->reduction.n))
            complete(operation, code);
    }
}

/* ---- operations in line ---- */

static void advance(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    if (operation->complete)
        return;
    switch (operation->kind) {
    case FFMK_HOST_BCAST:
        if (operation->root == host->me)
            publish(host, operation);
        else
            receive(host, operation);
        break;
    case FFMK_HOST_BARRIER:
        meet(host, operation);
        break;
    case FFMK_HOST_ALLREDUCE:
        reduce(host, operation);
        break;
    }
}

/* Complete those that can be, in order. */
static void progress(struct ffmk_host *host)
{
    struct member *self = &host->member[host->me];
    while (host->first) {
        struct ffmk_host_operation *operation = host->first;
        advance(host, operation);
        if (!operation->complete)
            return;
        host->first = operation->next;
        store(&self->ring_passed, host->position);
        store(&self->passed, operation->number);
    }
    host->last = NULL;
}

static void start(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    operation->number = ++host->number;
    if (host->first) {
        host->last->next = operation;
        host->last = operation;
        return;
    }
    host->first = host->last = operation;
    progress(host);
}

void ffmk_host_bcast_start(struct ffmk_host *host, struct ffmk_host_operation *operation,
                           size_t root, void *buffer, uint64_t bytes)
{
    *operation = (struct ffmk_host_operation){
        .kind = FFMK_HOST_BCAST, .root = root, .buffer = buffer, .bytes = bytes};
    start(host, operation);
    /* Others need not wait for what this member waits for. */
    if (root == host->me && !operation->complete && bytes <= INLINE_BYTES)
        publish_small(host, operation);
}

/* A small payload, nothing before it in line, and nobody to wait for long: as by start() and
 * progress(), in a third of the instructions. \return false: nothing was done. */
static bool bcast_at_once(struct ffmk_host *host, size_t root, void *buffer, uint64_t bytes)
{
    const uint64_t number = host->number + 1;
    struct slot *slot = &host->slot[number % SLOTS];
    if (root == host->me) {
        if (number - host->passed_by_all > SLOTS)
            return false;
        slot->bytes = bytes;
        memcpy(slot->payload, buffer, bytes);
        store(&slot->number, number);
    } else {
        for (uint32_t looks = 0; load(&slot->number) < number; looks++) {
            if (looks == host->spins)
                return false;
            ffmk_patience_relax();
        }
        if (slot->bytes != bytes)
            return false;
        memcpy(buffer, slot->payload, bytes);
    }
    host->number = number;
    store(&host->member[host->me].passed, number);
    return true;
}

int ffmk_host_bcast(struct ffmk_host *host, size_t root, void *buffer, uint64_t bytes)
{
    if (bytes <= INLINE_BYTES && buffer && !host->first && bcast_at_once(host, root, buffer, bytes))
        return FFMK_SUCCESS;
    struct ffmk_host_operation operation;
    ffmk_host_bcast_start(host, &operation, root, buffer, bytes);
    return ffmk_host_wait(host, &operation);
}

void ffmk_host_barrier_start(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    *operation = (struct ffmk_host_operation){.kind = FFMK_HOST_BARRIER};
    store(&host->member[host->me].entered, host->number + 1);
    start(host, operation);
}

void ffmk_host_allreduce_start(struct ffmk_host *host, struct ffmk_host_operation *operation,
                               const struct ffmk_reduction *reduction, const void *contribution,
                               void *result, unsigned char *contributors)
{
    *operation = (struct ffmk_host_operation){.kind = FFMK_HOST_ALLREDUCE,
                                              .reduction = *reduction,
                                              .contribution = contribution,
                                              .result = result,
                                              .contributors = contributors};
    start(host, operation);
}

bool ffmk_host_test(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    progress(host);
    if (!host->first || ++host->idle < FFMK_PATIENCE_YIELDS)
        return operation->complete && (!host->first || operation->number < host->first->number);
    host->idle = 0;
    ffmk_watch_ended(host->watch, host->awaited);
    return false;
}

int ffmk_host_wait(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct ffmk_patience patience = {.spins = host->spins};
    while (host->first && host->first->number <= operation->number) {
        progress(host);
        if (host->first && host->first->number <= operation->number &&
            ffmk_patience_wait(&patience))
            ffmk_watch_ended(host->watch, host->awaited);
    }
    return operation->code;
}
