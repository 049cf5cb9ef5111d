/* SPDX-License-Identifier: BSD-3-Clause
 * Broadcasts on a host. A small payload lies in its slot, a large one passes through the ring of
 * its root a piece at a time, so that one member reads while the other still writes. */
#include "gossip/net/host_inside.h"
#include "gossip/net/patience.h"

#include <string.h>

static struct ffmk_host_slot *slot_of(struct ffmk_host *host, uint64_t number)
{
    return &host->slot[number % FFMK_HOST_SLOTS];
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static unsigned char *ring_of(struct ffmk_host *host, size_t member)
{
    return host->rings + member * host->ring_bytes;
}

/* How far a member has read another one's ring. */
static uint64_t *read_word(struct ffmk_host *host, size_t reader, size_t root)
{
    return (uint64_t *)(void *)(host->readers + reader * host->reader_bytes) + root;
}

/* Whether nobody needs any more what was in its slot before. */
static bool slot_is_free(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    if (operation->number - host->passed_by_all > FFMK_HOST_SLOTS)
        host->passed_by_all = ffmk_host_least_of(host, &host->member->passed, sizeof *host->member,
                                                 operation->number - 1, &operation->awaited);
    return operation->number - host->passed_by_all <= FFMK_HOST_SLOTS;
}

static bool ring_has_room(struct ffmk_host *host, uint64_t end, size_t *awaited_p)
{
    if (end > host->read_by_all + host->ring_bytes)
        host->read_by_all = ffmk_host_least_of(host, read_word(host, 0, host->me),
                                               host->reader_bytes, host->written, awaited_p);
    return end <= host->read_by_all + host->ring_bytes;
}

static void copy_to_ring(struct ffmk_host *host, uint64_t position, const unsigned char *from,
                         size_t bytes)
{
    unsigned char *ring = ring_of(host, host->me);
    size_t at = position % host->ring_bytes;
    size_t first = smaller(bytes, host->ring_bytes - at);
    memcpy(ring + at, from, first);
    memcpy(ring, from + first, bytes - first);
}

static void copy_from_ring(struct ffmk_host *host, size_t root, uint64_t position,
                           unsigned char *to, size_t bytes)
{
    const unsigned char *ring = ring_of(host, root);
    size_t at = position % host->ring_bytes;
    size_t first = smaller(bytes, host->ring_bytes - at);
    memcpy(to, ring + at, first);
    memcpy(to + first, ring, bytes - first);
}

/* A piece is no more than half a ring, so that writing and reading overlap. */
static uint64_t piece_of(const struct ffmk_host *host, const struct ffmk_host_operation *operation)
{
    return smaller(smaller(FFMK_HOST_PIECE_BYTES, host->ring_bytes / 2),
                   operation->bytes - operation->done);
}

static void publish_large(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct ffmk_host_slot *slot = slot_of(host, operation->number);
    if (!operation->begun) {
        /* One at a time, so that readers go through the ring in its order. */
        if (host->written != operation->position || !slot_is_free(host, operation))
            return;
        slot->bytes = operation->bytes;
        slot->position = operation->position;
        ffmk_host_store(&slot->written, 0);
        ffmk_host_store(&slot->number, operation->number);
        operation->begun = true;
    }
    while (operation->done < operation->bytes) {
        uint64_t piece = piece_of(host, operation);
        if (!ring_has_room(host, host->written + piece, &operation->awaited))
            return;
        copy_to_ring(host, host->written, operation->buffer + operation->done, piece);
        operation->done += piece;
        host->written += piece;
        ffmk_host_store(&slot->written, operation->done);
    }
    ffmk_host_complete(operation, FFMK_SUCCESS);
}

static void publish(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    if (operation->bytes > FFMK_HOST_INLINE_BYTES) {
        publish_large(host, operation);
        return;
    }
    if (!slot_is_free(host, operation))
        return;
    struct ffmk_host_slot *slot = slot_of(host, operation->number);
    slot->bytes = operation->bytes;
    memcpy(slot->payload, operation->buffer, operation->bytes);
    ffmk_host_store(&slot->number, operation->number);
    ffmk_host_complete(operation, FFMK_SUCCESS);
}

/* Whether a word of the slot has come to `value`. If not, and never will, the operation is
 * complete: failed. */
static bool root_has(struct ffmk_host *host, struct ffmk_host_operation *operation,
                     const uint64_t *word, uint64_t value)
{
    if (ffmk_host_load(word) >= value)
        return true;
    operation->awaited = operation->root;
    /* Dead first, then another look: what it wrote before it died counts. */
    if (!ffmk_watch_known_ended(host->watch, operation->root))
        return false;
    if (ffmk_host_load(word) >= value)
        return true;
    ffmk_host_complete(operation, FFMK_ERR_FAILED);
    return false;
}

static void receive_pieces(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct ffmk_host_slot *slot = slot_of(host, operation->number);
    while (operation->done < operation->bytes) {
        if (!root_has(host, operation, &slot->written, operation->done + piece_of(host, operation)))
            return;
        uint64_t there = smaller(ffmk_host_load(&slot->written), operation->bytes);
        copy_from_ring(host, operation->root, operation->position + operation->done,
                       operation->buffer + operation->done, there - operation->done);
        operation->done = there;
        ffmk_host_store(read_word(host, host->me, operation->root), operation->position + there);
    }
    ffmk_host_complete(operation, FFMK_SUCCESS);
}

/* What the root broadcasts, now that its slot tells. */
static void begin_to_receive(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    const struct ffmk_host_slot *slot = slot_of(host, operation->number);
    const uint64_t expected = operation->bytes;
    operation->begun = true;
    operation->bytes = slot->bytes;
    operation->position = slot->position;
    if (!operation->buffer && expected > 0)
        ffmk_host_complete(operation, FFMK_ERR_NO_MEMORY);
    else if (slot->bytes != expected)
        ffmk_host_complete(operation, FFMK_ERR_ARGUMENT);
    if (operation->complete && slot->bytes > FFMK_HOST_INLINE_BYTES)
        ffmk_host_store(read_word(host, host->me, operation->root), slot->position + slot->bytes);
}

static void receive(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct ffmk_host_slot *slot = slot_of(host, operation->number);
    if (!operation->begun) {
        if (!root_has(host, operation, &slot->number, operation->number))
            return;
        begin_to_receive(host, operation);
        if (operation->complete)
            return;
    }
    if (operation->bytes > FFMK_HOST_INLINE_BYTES) {
        receive_pieces(host, operation);
    } else {
        memcpy(operation->buffer, slot->payload, operation->bytes);
        ffmk_host_complete(operation, FFMK_SUCCESS);
    }
}

void ffmk_host_advance_bcast(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    if (operation->root == host->me)
        publish(host, operation);
    else
        receive(host, operation);
}

void ffmk_host_bcast_start(struct ffmk_host *host, struct ffmk_host_operation *operation,
                           size_t root, void *buffer, uint64_t bytes)
{
    *operation = (struct ffmk_host_operation){
        .kind = FFMK_HOST_BCAST, .root = root, .buffer = buffer, .bytes = bytes};
    if (root == host->me && bytes > FFMK_HOST_INLINE_BYTES) {
        operation->position = host->position;
        host->position += bytes;
    }
    ffmk_host_start(host, operation);
}

/* A small payload, nothing else under way, and nobody to wait for long: the same in a third of the
 * instructions. \return false: nothing was done. */
static bool bcast_at_once(struct ffmk_host *host, size_t root, void *buffer, uint64_t bytes)
{
    const uint64_t number = host->number + 1;
    struct ffmk_host_slot *slot = slot_of(host, number);
    if (root == host->me) {
        if (number - host->passed_by_all > FFMK_HOST_SLOTS)
            return false;
        slot->bytes = bytes;
        memcpy(slot->payload, buffer, bytes);
        ffmk_host_store(&slot->number, number);
    } else {
        for (uint32_t looks = 0; ffmk_host_load(&slot->number) < number; looks++) {
            if (looks == host->spins)
                return false;
            ffmk_patience_relax();
        }
        if (slot->bytes != bytes)
            return false;
        memcpy(buffer, slot->payload, bytes);
    }
    host->number = number;
    ffmk_host_store(&host->member[host->me].passed, number);
    return true;
}

int ffmk_host_bcast(struct ffmk_host *host, size_t root, void *buffer, uint64_t bytes)
{
    if (bytes <= FFMK_HOST_INLINE_BYTES && buffer && !host->first &&
        bcast_at_once(host, root, buffer, bytes))
        return FFMK_SUCCESS;
    struct ffmk_host_operation operation;
    ffmk_host_bcast_start(host, &operation, root, buffer, bytes);
    return ffmk_host_wait(host, &operation);
}
