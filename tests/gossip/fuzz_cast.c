/* SPDX-License-Identifier: BSD-3-Clause
 * Bytes that passed the seal reach a cast, between what its program does: whatever they are,
 * nothing is read or written that is not its own. Built with a fuzzer's main(), or with the one
 * below, which runs files or, without any, random bytes for a while.
 *
 * Input: members and own rank, then steps of one byte that says what and others that say how. */
#include "gossip/cast.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_MEMBERS = 20, MOST_STEPS = 200, MOST_BYTES = 3000 };

struct input {
    const uint8_t *at;
    size_t left;
};

static uint8_t next(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

static void send_to(void *self, uint32_t to, const void *head, size_t head_bytes,
                    const void *payload, size_t payload_bytes)
{
    /* A checksum, so that a sanitizer looks at all bytes. */
    uint32_t *sum = self;
    *sum += to;
    for (size_t i = 0; i < head_bytes; i++)
        *sum += ((const uint8_t *)head)[i];
    for (size_t i = 0; payload && i < payload_bytes; i++)
        *sum += ((const uint8_t *)payload)[i];
}

static void bury(void *self, uint32_t member)
{
    *(uint32_t *)self += member;
}

static void combine(void *context, const void *in, void *inout, size_t bytes)
{
    (void)context;
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)inout)[i] ^= ((const uint8_t *)in)[i];
}

static void take(struct ffmk_cast *cast, uint64_t number, uint64_t now, uint32_t *sum)
{
    enum ffmk_cast_state state = ffmk_cast_state(cast, number);
    if (state == FFMK_CAST_COMBINE) {
        ffmk_cast_combine(cast, number, combine, NULL, now);
        state = ffmk_cast_state(cast, number);
    }
    if (state == FFMK_CAST_PENDING || state == FFMK_CAST_COMBINE)
        return;
    if (state == FFMK_CAST_VALUE) {
        const struct ffmk_cast_value value = ffmk_cast_value(cast, number);
        for (size_t i = 0; i < value.bytes; i++)
            *sum += ((const uint8_t *)value.payload)[i];
    }
    ffmk_cast_leave(cast, number);
}

/* A message: a length, then its bytes; or one whose fields are small numbers, which make sense more
 * often. */
static void receive(struct ffmk_cast *cast, uint32_t members, struct input *input, uint64_t now)
{
    const uint32_t from = next(input) % members;
    size_t length = next(input);
    if (length > input->left)
        length = input->left;
    uint8_t *message = malloc(length + 1); /* as long as it is: a byte beyond is noticed */
    if (!message)
        return;
    memcpy(message, input->at, length);
    input->at += length;
    input->left -= length;
    uint8_t *exact = realloc(message, length ? length : 1);
    ffmk_cast_receive(cast, from, exact ? exact : message, length, now);
    free(exact ? exact : message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t payload[MOST_BYTES];
    struct input input = {data, size};
    const uint32_t members = 1 + next(&input) % MOST_MEMBERS;
    const uint32_t me = next(&input) % members;
    uint32_t sum = 0;
    uint64_t now = 1;
    uint64_t entered = 0;
    uint64_t first = 1; /* that was not left */
    const struct ffmk_cast_port port = {
        .self = &sum, .at_once = 1160, .send = send_to, .bury = bury};
    struct ffmk_cast *cast;
    bool closed = false;
    if (ffmk_cast_create(members, me, NULL, &port, &cast) != 0)
        return 0;
    for (int step = 0; step < MOST_STEPS && input.left > 0; step++) {
        const uint8_t what = next(&input);
        struct ffmk_cast_manner manner = {.mode = FFMK_RUMOR_OPPORTUNISTIC + what / 16 % 3,
                                          .miss = 1e-3};
        manner.deaths_or_reach = manner.mode == FFMK_RUMOR_FAILURE_PROOF ? what % 4 : 0;
        switch (what % 8) {
        case 0:
            now += (uint64_t)next(&input) * 1000000;
            ffmk_cast_advance(cast, now);
            break;
        case 1:
            ffmk_cast_died(cast, next(&input) % members, now);
            break;
        case 2:
            if (!closed && ffmk_cast_has_room(cast, MOST_BYTES))
                entered = ffmk_cast_bcast(cast, next(&input) % members, &manner, payload,
                                          next(&input) * (size_t)11, 7, now);
            break;
        case 3:
            if (!closed && ffmk_cast_has_room(cast, 0))
                entered =
                    ffmk_cast_reduce(cast, &manner, false, payload, next(&input) * (size_t)11, now);
            break;
        case 4:
            ffmk_cast_settle(cast, now);
            break;
        case 5:
            closed = closed || next(&input) == 0;
            if (closed)
                ffmk_cast_close(cast, now);
            break;
        default:
            receive(cast, members, &input, now);
        }
        if (entered > 0 && first + 128 < entered)
            first = entered - 128;
        for (uint64_t number = first; number <= entered; number++)
            take(cast, number, now, &sum);
    }
    ffmk_cast_destroy(cast);
    return 0;
}

#ifdef FFMK_FUZZ_MAIN
#include "fuzz_main.h"
#endif
