/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among ranks on several hosts: operations in pieces. */
#include "gossip/net/across_inside.h"

#include "core/clock.h"

#include <ffmk.h>
#include <string.h>

enum {
    SMALL_PIECE_BYTES = 256 << 10,
    LARGE_PIECE_BYTES = 1 << 20,
    LARGE_BYTES = 64 << 20, /* from here on in large pieces */
    REDUCE_PIECES = 4,      /* or more: one goes up the tree while another comes down */
    REDUCE_AHEAD = 8,       /* pieces of a reduction that are under way */
    HEAD_BYTES = 16         /* before a contribution: the first of them says whether … */
};
enum { REFUSES = 1, CANNOT = 2 }; /* … somebody has no memory for it; has no such operation */

/* Spinning costs others their time where there are more ranks than cores. */
static const uint64_t SPIN_NS = 50000;
static const uint64_t CROWDED_SPIN_NS = 20000;
static const uint64_t SLEEP_NS = 1000000;

static uint64_t pieces_of(uint64_t bytes, uint64_t piece)
{
    return bytes == 0 ? 1 : (bytes + piece - 1) / piece;
}

static uint64_t piece_for(uint64_t bytes)
{
    return bytes > LARGE_BYTES ? LARGE_PIECE_BYTES : SMALL_PIECE_BYTES;
}

/* Each piece costs a system call and the waking of a thread at every member on its way, whatever is
 * in it. */
static uint64_t reduce_piece_for(uint64_t bytes)
{
    uint64_t piece = FFMK_ACROSS_LEAST_REDUCE_BYTES;
    while (piece < FFMK_ACROSS_MOST_REDUCE_BYTES && REDUCE_PIECES * piece < bytes)
        piece *= 2;
    return piece;
}

static uint64_t bytes_of_piece(uint64_t bytes, uint64_t piece, uint64_t index)
{
    const uint64_t left = bytes - index * piece;
    return left < piece ? left : piece;
}

static void complete(struct ffmk_across_operation *operation, int code)
{
    operation->code = code;
    operation->complete = true;
}

static void exclude(struct ffmk_across_operation *operation)
{
    operation->pieces = operation->entered = operation->left = 1;
    complete(operation, FFMK_ERR_EXCLUDED);
}

static void publish(struct ffmk_across *across, struct ffmk_across_operation *operation,
                    uint64_t now)
{
    while (operation->entered < operation->pieces) {
        const uint64_t bytes =
            bytes_of_piece(operation->bytes, operation->piece, operation->entered);
        if (!ffmk_cast_has_room(across->cast, bytes)) {
            across->news = ffmk_cast_settle(across->cast, now) || across->news;
            return;
        }
        const uint64_t number =
            ffmk_cast_bcast(across->cast, (uint32_t)operation->root, &operation->manner,
                            operation->buffer + operation->entered * operation->piece, bytes,
                            operation->bytes, now);
        if (ffmk_cast_state(across->cast, number) != FFMK_CAST_VALUE) {
            exclude(operation);
            return;
        }
        ffmk_cast_leave(across->cast, number);
        operation->entered++;
        operation->left++;
    }
    complete(operation, FFMK_SUCCESS);
}

/* What the root broadcasts, now that its first piece is here. */
static void begin_to_receive(struct ffmk_across_operation *operation, uint64_t total)
{
    if (!operation->buffer && operation->bytes > 0)
        operation->code = FFMK_ERR_NO_MEMORY;
    else if (operation->bytes != total)
        operation->code = FFMK_ERR_ARGUMENT;
    operation->bytes = total;
    operation->piece = piece_for(total);
    operation->pieces = pieces_of(total, operation->piece);
}

static void receive_piece(struct ffmk_across *across, struct ffmk_across_operation *operation,
                          uint64_t number)
{
    const struct ffmk_cast_value value = ffmk_cast_value(across->cast, number);
    if (operation->left == 0)
        begin_to_receive(operation, value.total);
    if (value.bytes != bytes_of_piece(operation->bytes, operation->piece, operation->left))
        operation->code = FFMK_ERR_FAILED;
    if (operation->code == FFMK_SUCCESS && value.bytes > 0)
        memcpy(operation->buffer + operation->left * operation->piece, value.payload, value.bytes);
}

static void receive(struct ffmk_across *across, struct ffmk_across_operation *operation,
                    uint64_t now)
{
    while (!operation->complete) {
        if (operation->entered == operation->left) {
            if (!ffmk_cast_has_room(across->cast, 0)) {
                across->news = ffmk_cast_settle(across->cast, now) || across->news;
                return;
            }
            const uint64_t number = ffmk_cast_bcast(across->cast, (uint32_t)operation->root,
                                                    &operation->manner, NULL, 0, 0, now);
            if (operation->entered++ == 0)
                operation->first = number;
        }
        const uint64_t number = operation->first + operation->left;
        switch (ffmk_cast_state(across->cast, number)) {
        case FFMK_CAST_VALUE:
            receive_piece(across, operation, number);
            break;
        case FFMK_CAST_FAILED:
            /* Nobody knows of more pieces than one if that has failed. */
            if (operation->left == 0)
                operation->pieces = 1;
            operation->code = FFMK_ERR_FAILED;
            break;
        case FFMK_CAST_EXCLUDED:
            exclude(operation);
            return;
        default:
            return;
        }
        ffmk_cast_leave(across->cast, number);
        if (++operation->left < operation->pieces)
            continue;
        /* The root may have gone on to more, as if it had not failed. */
        if (operation->code == FFMK_ERR_FAILED)
            ffmk_cast_new_epoch(across->cast);
        complete(operation, operation->code);
    }
}

/* Contributions of a piece, behind heads; a refusal spoils the sum. */
static void combine(void *context, const void *in, void *inout, size_t bytes)
{
    struct ffmk_across_operation *operation = context;
    const unsigned char *from = in;
    unsigned char *to = inout;
    const struct ffmk_reduction *reduction = &operation->reduction;
    const size_t most = FFMK_HOST_ELEMENT_BYTES / reduction->element_bytes;
    size_t left = (bytes - HEAD_BYTES) / reduction->element_bytes;
    to[0] |= from[0];
    for (size_t at = HEAD_BYTES; left > 0 && !to[0];) {
        const size_t n = left < most ? left : most;
        reduction->combine(reduction->context, from + at, to + at, n);
        if (reduction->code && *reduction->code != FFMK_SUCCESS)
            to[0] |= CANNOT;
        at += n * reduction->element_bytes;
        left -= n;
    }
}

static uint64_t enter_reduction(struct ffmk_across *across, struct ffmk_across_operation *operation,
                                uint64_t now)
{
    if (operation->bytes == 0)
        return ffmk_cast_reduce(across->cast, &operation->manner, false, NULL, 0, now);
    const uint64_t bytes = bytes_of_piece(operation->bytes, operation->piece, operation->entered);
    memset(across->scratch, 0, HEAD_BYTES);
    across->scratch[0] = operation->contribution ? 0 : REFUSES;
    if (operation->contribution)
        memcpy(across->scratch + HEAD_BYTES,
               operation->contribution + operation->entered * operation->piece, bytes);
    else
        memset(across->scratch + HEAD_BYTES, 0, bytes);
    return ffmk_cast_reduce(across->cast, &operation->manner, operation->in_order, across->scratch,
                            HEAD_BYTES + bytes, now);
}

static void take_sum(struct ffmk_across *across, struct ffmk_across_operation *operation,
                     uint64_t number)
{
    const struct ffmk_cast_value value = ffmk_cast_value(across->cast, number);
    const unsigned char *payload = value.payload;
    for (size_t i = 0; operation->contributors && i < across->members; i++) {
        const unsigned char counts = ffmk_ring_has(value.contributors, (uint32_t)i);
        if (operation->left > 0 && counts != operation->contributors[i])
            operation->again = true;
        operation->contributors[i] = counts;
    }
    if (operation->bytes == 0 ||
        value.bytes !=
            HEAD_BYTES + bytes_of_piece(operation->bytes, operation->piece, operation->left))
        return;
    operation->refused = operation->refused || payload[0] & REFUSES;
    operation->failed = operation->failed || payload[0] & CANNOT;
    if (operation->result && !payload[0])
        memcpy(operation->result + operation->left * operation->piece, payload + HEAD_BYTES,
               value.bytes - HEAD_BYTES);
}

static void reduce(struct ffmk_across *across, struct ffmk_across_operation *operation,
                   uint64_t now)
{
    while (!operation->complete) {
        bool full = false;
        while (operation->entered < operation->pieces &&
               operation->entered - operation->left < REDUCE_AHEAD) {
            if (!ffmk_cast_has_room(across->cast, 0)) {
                across->news = ffmk_cast_settle(across->cast, now) || across->news;
                full = true;
                break;
            }
            const uint64_t number = enter_reduction(across, operation, now);
            if (operation->entered++ == 0)
                operation->first = number;
        }
        if (operation->left == operation->entered)
            return;
        /* Whichever can go on; but they are left in order. */
        for (uint64_t i = operation->left; i < operation->entered; i++)
            if (ffmk_cast_state(across->cast, operation->first + i) == FFMK_CAST_COMBINE) {
                across->news = true;
                ffmk_cast_combine(across->cast, operation->first + i, combine, operation, now);
            }
        /* Over whom a piece begins is decided by the one that was left last: the same for all. */
        if (full)
            return;
        const uint64_t number = operation->first + operation->left;
        const enum ffmk_cast_state state = ffmk_cast_state(across->cast, number);
        if (state == FFMK_CAST_EXCLUDED) {
            exclude(operation);
            return;
        }
        if (state != FFMK_CAST_VALUE)
            return;
        take_sum(across, operation, number);
        ffmk_cast_leave(across->cast, number);
        if (++operation->left < operation->pieces)
            continue;
        if (operation->again && !operation->refused && !operation->failed) {
            /* Somebody died on the way: all over again, for everybody. */
            ffmk_cast_new_epoch(across->cast);
            operation->entered = operation->left = 0;
            operation->again = false;
            continue;
        }
        complete(operation, operation->refused  ? FFMK_ERR_NO_MEMORY
                            : operation->failed ? FFMK_ERR_MPI
                                                : FFMK_SUCCESS);
    }
}

/* Go on with all that were started, one after the other: how many numbers one takes, and what the
 * next depends on (who counts, what has failed), is known when it has ended. */
void ffmk_across_go_on(struct ffmk_across *across)
{
    const uint64_t now = ffmk_clock_ns();
    bool moved = false;
    while (across->first) {
        struct ffmk_across_operation *operation = across->first;
        struct ffmk_across_operation *const next = operation->next; /* its owner may be quick */
        const uint64_t steps = operation->entered + operation->left;
        if (operation->kind != FFMK_HOST_BCAST)
            reduce(across, operation, now);
        else if (operation->root == across->me)
            publish(across, operation, now);
        else
            receive(across, operation, now);
        moved = moved || steps != operation->entered + operation->left;
        if (!operation->complete)
            break;
        moved = true;
        across->first = next;
    }
    /* Not without need, for who waits goes to sleep only when nothing happens. */
    if (moved || across->news)
        ffmk_endpoint_nudge(across->endpoint, &across->service);
    across->news = false;
}

void ffmk_across_count(struct ffmk_across *across, struct ffmk_across_operation *operation)
{
    operation->messages = ffmk_cast_sent(across->cast) - operation->messages;
}

static void count(struct ffmk_across *across, struct ffmk_across_operation *operation)
{
    if (!operation->complete)
        return;
    ffmk_endpoint_lock(across->endpoint);
    ffmk_across_count(across, operation);
    ffmk_endpoint_unlock(across->endpoint);
}

static void start(struct ffmk_across *across, struct ffmk_across_operation *operation)
{
    ffmk_endpoint_lock(across->endpoint);
    struct ffmk_across_operation **at = &across->first;
    while (*at)
        at = &(*at)->next;
    *at = operation;
    operation->messages = ffmk_cast_sent(across->cast);
    const uint64_t now = ffmk_clock_ns();
    ffmk_endpoint_glance_again(across->endpoint, now);
    ffmk_across_ask(across, now);
    ffmk_across_go_on(across);
    ffmk_endpoint_unlock(across->endpoint);
    count(across, operation);
}

void ffmk_across_bcast_start(struct ffmk_across *across, struct ffmk_across_operation *operation,
                             const struct ffmk_cast_manner *manner, size_t root, void *buffer,
                             uint64_t bytes)
{
    *operation = (struct ffmk_across_operation){
        .kind = FFMK_HOST_BCAST, .manner = *manner, .root = root, .buffer = buffer, .bytes = bytes};
    if (root == across->me) {
        operation->piece = piece_for(bytes);
        operation->pieces = pieces_of(bytes, operation->piece);
    }
    start(across, operation);
}

void ffmk_across_barrier_start(struct ffmk_across *across, struct ffmk_across_operation *operation,
                               const struct ffmk_cast_manner *manner)
{
    *operation =
        (struct ffmk_across_operation){.kind = FFMK_HOST_BARRIER, .manner = *manner, .pieces = 1};
    start(across, operation);
}

void ffmk_across_allreduce_start(struct ffmk_across *across,
                                 struct ffmk_across_operation *operation,
                                 const struct ffmk_cast_manner *manner,
                                 const struct ffmk_reduction *reduction, bool in_order,
                                 const void *contribution, void *result,
                                 unsigned char *contributors) /* NOLINT: kept */
{
    *operation = (struct ffmk_across_operation){.kind = FFMK_HOST_ALLREDUCE,
                                                .manner = *manner,
                                                .reduction = *reduction,
                                                .in_order = in_order,
                                                .contribution = contribution,
                                                .result = result,
                                                .contributors = contributors};
    operation->bytes = reduction->n * reduction->element_bytes;
    operation->piece =
        reduce_piece_for(operation->bytes) / reduction->element_bytes * reduction->element_bytes;
    operation->pieces = pieces_of(operation->bytes, operation->piece);
    start(across, operation);
}

bool ffmk_across_test(struct ffmk_across *across, struct ffmk_across_operation *operation)
{
    if (operation->complete)
        return true;
    ffmk_endpoint_wait(across->endpoint, 0, 0);
    ffmk_endpoint_lock(across->endpoint);
    ffmk_across_go_on(across);
    ffmk_endpoint_unlock(across->endpoint);
    count(across, operation);
    return operation->complete;
}

int ffmk_across_wait(struct ffmk_across *across, struct ffmk_across_operation *operation)
{
    const uint64_t spin = across->crowded ? CROWDED_SPIN_NS : SPIN_NS;
    uint64_t begin = 0;
    bool meanwhile = false;
    if (operation->complete)
        return operation->code;
    while (!operation->complete) {
        ffmk_endpoint_wait(across->endpoint, spin, SLEEP_NS);
        ffmk_endpoint_lock(across->endpoint);
        ffmk_across_go_on(across);
        ffmk_endpoint_unlock(across->endpoint);
        if (operation->complete || !across->meanwhile)
            continue;
        const uint64_t now = ffmk_clock_ns();
        if (begin == 0)
            begin = now;
        if (now - begin < SLEEP_NS)
            continue;
        across->meanwhile(false);
        meanwhile = true;
    }
    if (meanwhile)
        across->meanwhile(true);
    count(across, operation);
    return operation->code;
}
