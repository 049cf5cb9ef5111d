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
    _Alignas(LINE) uint64_t entered; /* number of the last barrier or allreduce it came to */
    uint64_t refused;                /* number of the last allreduce it had no room for */
    _Alignas(LINE) uint64_t passed;  /* number of the last operation it is done with */
    uint64_t ring_passed;            /* it needs nothing of the ring before this position */
};

struct slot {
    _Alignas(LINE) uint64_t number; /* of the broadcast, once it has begun */
    uint64_t bytes;
    uint64_t written; /* of the payload, once it does not fit the slot */
    uint64_t unused;
    unsigned char payload[INLINE_BYTES];
};

_Static_assert(sizeof(struct slot) == SLOT_BYTES, "slots lie side by side");

struct ffmk_host {
    size_t members;
    size_t me;
    struct ffmk_watch *watch;
    uint32_t spins;
    uint64_t number;             /* of the current operation; the first is 1 */
    uint64_t position;           /* in the endless ring, where the next large payload goes */
    uint64_t turn;               /* contributions made */
    uint64_t passed_by_all;      /* at least */
    uint64_t ring_passed_by_all; /* at least */
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

/* What a member has to reach for the caller to go on. */
struct goal {
    size_t offset; /* of the word in struct member */
    uint64_t value;
};

/* Has the i-th member reached it? The dead have nothing in anybody's way. */
static void await_member(struct ffmk_host *host, size_t i, struct goal goal)
{
    struct ffmk_patience patience = {.spins = host->spins};
    const uint64_t *word = (const uint64_t *)((const char *)&host->member[i] + goal.offset);
    while (load(word) < goal.value) {
        if (ffmk_watch_known_ended(host->watch, i))
            return;
        if (ffmk_patience_wait(&patience))
            ffmk_watch_ended(host->watch, i);
    }
}

static void await_all(struct ffmk_host *host, struct goal goal)
{
    for (size_t i = 0; i < host->members; i++)
        if (i != host->me)
            await_member(host, i, goal);
}

static void begin(struct ffmk_host *host)
{
    host->number++;
}

static void pass(struct ffmk_host *host)
{
    struct member *self = &host->member[host->me];
    store(&self->ring_passed, host->position);
    store(&self->passed, host->number);
}

/* The slot of the current operation, when nobody needs what was in it before. */
static struct slot *take_slot(struct ffmk_host *host)
{
    if (host->number - host->passed_by_all > SLOTS) {
        /* Half of them at once, so that this is rare. */
        uint64_t wanted = host->number - SLOTS / 2;
        await_all(host, (struct goal){offsetof(struct member, passed), host->number - SLOTS});
        uint64_t least = wanted;
        for (size_t i = 0; i < host->members; i++)
            if (i != host->me && !ffmk_watch_known_ended(host->watch, i)) {
                uint64_t passed = load(&host->member[i].passed);
                least = passed < least ? passed : least;
            }
        host->passed_by_all = least;
    }
    return &host->slot[host->number % SLOTS];
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

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void write_pieces(struct ffmk_host *host, struct slot *slot, const unsigned char *from,
                         uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        uint64_t piece = smaller(PIECE_BYTES, bytes - done);
        uint64_t end = host->position + done + piece;
        if (end > host->ring_passed_by_all + RING_BYTES) {
            await_all(host, (struct goal){offsetof(struct member, ring_passed), end - RING_BYTES});
            host->ring_passed_by_all = end - RING_BYTES;
        }
        copy_to_ring(host, host->position + done, from + done, piece);
        done += piece;
        store(&slot->written, done);
    }
}

static void publish(struct ffmk_host *host, const void *from, uint64_t bytes)
{
    struct slot *slot = take_slot(host);
    slot->bytes = bytes;
    if (bytes <= INLINE_BYTES) {
        memcpy(slot->payload, from, bytes);
        store(&slot->number, host->number);
        return;
    }
    store(&slot->written, 0);
    store(&slot->number, host->number);
    write_pieces(host, slot, from, bytes);
}

/* Wait until a word of the slot has come to `value`. \return false when the root died before. */
static bool await_root(struct ffmk_host *host, size_t root, const uint64_t *word, uint64_t value)
{
    struct ffmk_patience patience = {.spins = host->spins};
    while (load(word) < value) {
        /* Dead first, then another look: what it wrote before it died counts. */
        if (ffmk_watch_known_ended(host->watch, root))
            return load(word) >= value;
        if (ffmk_patience_wait(&patience))
            ffmk_watch_ended(host->watch, root);
    }
    return true;
}

static int read_pieces(struct ffmk_host *host, size_t root, struct slot *slot, unsigned char *to,
                       uint64_t bytes)
{
    struct member *self = &host->member[host->me];
    for (uint64_t done = 0; done < bytes;) {
        uint64_t wanted = smaller(PIECE_BYTES, bytes - done);
        if (!await_root(host, root, &slot->written, done + wanted))
            return FFMK_ERR_FAILED;
        uint64_t there = smaller(load(&slot->written), bytes);
        copy_from_ring(host, host->position + done, to + done, there - done);
        done = there;
        store(&self->ring_passed, host->position + done);
    }
    return FFMK_SUCCESS;
}

static int receive(struct ffmk_host *host, size_t root, void *to, uint64_t *bytes_p)
{
    struct slot *slot = &host->slot[host->number % SLOTS];
    if (!await_root(host, root, &slot->number, host->number))
        return FFMK_ERR_FAILED;
    uint64_t expected = *bytes_p;
    *bytes_p = slot->bytes;
    if (!to && expected > 0)
        return FFMK_ERR_NO_MEMORY;
    if (slot->bytes != expected)
        return FFMK_ERR_ARGUMENT;
    if (expected > INLINE_BYTES)
        return read_pieces(host, root, slot, to, expected);
    memcpy(to, slot->payload, expected);
    return FFMK_SUCCESS;
}

int ffmk_host_bcast(struct ffmk_host *host, size_t root, void *buffer, uint64_t *bytes_p)
{
    begin(host);
    int code = FFMK_SUCCESS;
    if (root == host->me)
        publish(host, buffer, *bytes_p);
    else
        code = receive(host, root, buffer, bytes_p);
    if (*bytes_p > INLINE_BYTES)
        host->position += *bytes_p;
    pass(host);
    return code;
}

static void enter(struct ffmk_host *host)
{
    begin(host);
    store(&host->member[host->me].entered, host->number);
}

void ffmk_host_barrier(struct ffmk_host *host)
{
    enter(host);
    await_all(host, (struct goal){offsetof(struct member, entered), host->number});
    pass(host);
}

static unsigned char *contribution_of(struct ffmk_host *host, size_t i)
{
    return host->contributions + (2 * i + host->turn % 2) * CONTRIBUTION_BYTES;
}

/* Who counts in the current operation. A member that is known to be dead is looked at after that
 * was known: what it did is final. */
static bool contributes(struct ffmk_host *host, size_t i)
{
    return load(&host->member[i].entered) >= host->number;
}

/* One part, small enough for the contributions' places. `contributors` is in and out: on the first
 * part what was found, later what was found then. \return FFMK_SUCCESS; FFMK_ERR_FAILED when
 * somebody who counted then does not now; FFMK_ERR_NO_MEMORY. */
static int reduce_part(struct ffmk_host *host, const struct ffmk_reduction *reduction,
                       const unsigned char *contribution, unsigned char *result, size_t n,
                       unsigned char *contributors, bool first)
{
    size_t bytes = n * reduction->element_bytes;
    host->turn++;
    if (contribution)
        memcpy(contribution_of(host, host->me), contribution, bytes);
    else
        store(&host->member[host->me].refused, host->number + 1);
    enter(host);
    await_all(host, (struct goal){offsetof(struct member, entered), host->number});
    int code = FFMK_SUCCESS;
    for (size_t i = 0; i < host->members; i++) {
        unsigned char counts = contributes(host, i);
        if (!first && counts != contributors[i])
            code = FFMK_ERR_FAILED;
        contributors[i] = counts;
    }
    for (size_t i = 0; i < host->members; i++)
        if (contributors[i] && load(&host->member[i].refused) == host->number)
            code = FFMK_ERR_NO_MEMORY;
    bool begun = false;
    for (size_t i = host->members; i-- > 0 && code == FFMK_SUCCESS;) {
        if (!contributors[i])
            continue;
        if (begun)
            reduction->combine(reduction->context, contribution_of(host, i), result, n);
        else
            memcpy(result, contribution_of(host, i), bytes);
        begun = true;
    }
    pass(host);
    return code;
}

int ffmk_host_allreduce(struct ffmk_host *host, const struct ffmk_reduction *reduction,
                        const void *contribution, void *result, unsigned char *contributors)
{
    unsigned char own[FFMK_HOST_MAX_MEMBERS];
    unsigned char *counted = contributors ? contributors : own;
    size_t most = CONTRIBUTION_BYTES / reduction->element_bytes;
    size_t done = 0;
    do {
        size_t n = reduction->n - done < most ? reduction->n - done : most;
        size_t at = done * reduction->element_bytes;
        int code = reduce_part(host, reduction,
                               contribution ? (const unsigned char *)contribution + at : NULL,
                               (unsigned char *)result + at, n, counted, done == 0);
        if (code == FFMK_ERR_NO_MEMORY)
            return code;
        /* Somebody died on the way: all over again, for everybody. */
        done = code == FFMK_SUCCESS ? done + n : 0;
    } while (done < reduction->n);
    return FFMK_SUCCESS;
}
