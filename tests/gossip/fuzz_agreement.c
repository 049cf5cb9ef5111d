/* SPDX-License-Identifier: BSD-3-Clause
 * A few members of gossip/cast, whose course the input decides: who does something next, which
 * message comes next, who dies, who hears of it. Whatever it is, all survivors get the same
 * outcome of each operation, those who count are those who gave, and everything ends.
 *
 * Input: members, hosts, kinds of operations; then steps of one byte that says what and one that
 * says who or which. */
#include "gossip/cast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 6, OPERATIONS = 5, MOST_STEPS = 600, MOST_HELD = 1 << 14, ENOUGH = 3000 };

static const uint64_t ms = 1000000;

struct message {
    uint32_t from;
    uint32_t to;
    size_t bytes;
    uint8_t *data;
};

static struct member {
    uint32_t me;
    struct ffmk_cast *cast; /* NULL: dead */
    uint64_t entered;
    uint64_t left;
    enum ffmk_cast_state state[OPERATIONS + 1];
    uint64_t value[OPERATIONS + 1];
} members[MOST];
static uint32_t n_members;
static uint8_t kinds;
static uint64_t virtual_ns;
static struct message held[MOST_HELD];
static size_t helds;

#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void send_to(void *self, uint32_t to, const void *head, size_t head_bytes,
                    const void *payload, size_t payload_bytes)
{
    NEED(helds < MOST_HELD);
    struct message *message = &held[helds++];
    *message = (struct message){.from = ((struct member *)self)->me,
                                .to = to,
                                .bytes = head_bytes + payload_bytes,
                                .data = malloc(head_bytes + payload_bytes)};
    memcpy(message->data, head, head_bytes);
    if (payload_bytes > 0)
        memcpy(message->data + head_bytes, payload, payload_bytes);
}

static void bury(void *self, uint32_t member)
{
    (void)self;
    NEED(!members[member].cast); /* nobody is taken for dead who is not */
}

static void sum(void *context, const void *in, void *inout, size_t bytes)
{
    uint64_t a;
    uint64_t b;
    (void)context;
    NEED(bytes == sizeof a);
    memcpy(&a, in, sizeof a);
    memcpy(&b, inout, sizeof b);
    NEED((a & b) == 0); /* nobody counts twice */
    b += a;
    memcpy(inout, &b, sizeof b);
}

static bool is_bcast(uint64_t number)
{
    return kinds >> (number - 1) & 1;
}

static uint32_t root_of(uint64_t number)
{
    return (uint32_t)(number + kinds / 32) % n_members;
}

static void enter(struct member *member)
{
    const uint64_t number = member->entered + 1;
    static const struct ffmk_cast_manner manner = {.mode = FFMK_RUMOR_CHECKED, .miss = 1e-3};
    const uint64_t own = is_bcast(number) ? number + 100 : UINT64_C(1) << member->me;
    if (member->entered > member->left || number > OPERATIONS)
        return;
    member->entered =
        is_bcast(number)
            ? ffmk_cast_bcast(member->cast, root_of(number), &manner, &own,
                              member->me == root_of(number) ? sizeof own : 0, 7, virtual_ns)
            : ffmk_cast_reduce(member->cast, &manner, kinds & 1, &own, sizeof own, virtual_ns);
    NEED(member->entered == number);
}

/* What counts is what those gave of whom it is said. */
static void check(const struct member *member, const struct ffmk_cast_value *value)
{
    const uint64_t number = member->entered;
    uint64_t expected = number + 100;
    NEED(value->bytes == sizeof expected);
    if (!is_bcast(number)) {
        NEED(ffmk_ring_has(value->contributors, member->me));
        expected = 0;
        for (uint32_t i = 0; i < n_members; i++)
            expected |= (uint64_t)ffmk_ring_has(value->contributors, i) << i;
    }
    NEED(memcmp(value->payload, &expected, sizeof expected) == 0);
}

static void go_on(struct member *member)
{
    const uint64_t number = member->entered;
    if (number == member->left)
        return;
    enum ffmk_cast_state state = ffmk_cast_state(member->cast, number);
    if (state == FFMK_CAST_COMBINE) {
        ffmk_cast_combine(member->cast, number, sum, NULL, virtual_ns);
        state = ffmk_cast_state(member->cast, number);
    }
    NEED(state != FFMK_CAST_EXCLUDED && state != FFMK_CAST_COMBINE);
    if (state == FFMK_CAST_PENDING)
        return;
    member->state[number] = state;
    if (state == FFMK_CAST_VALUE) {
        const struct ffmk_cast_value value = ffmk_cast_value(member->cast, number);
        check(member, &value);
        memcpy(&member->value[number], value.payload, sizeof member->value[number]);
    }
    NEED(state == FFMK_CAST_VALUE || (is_bcast(number) && !members[root_of(number)].cast));
    ffmk_cast_leave(member->cast, number);
    member->left = number;
    if (state == FFMK_CAST_FAILED)
        ffmk_cast_new_epoch(member->cast);
}

static void deliver(size_t i)
{
    struct message message = held[i];
    held[i] = held[--helds];
    if (members[message.to].cast)
        ffmk_cast_receive(members[message.to].cast, message.from, message.data, message.bytes,
                          virtual_ns);
    free(message.data);
}

static void lose(size_t i)
{
    free(held[i].data);
    held[i] = held[--helds];
}

static uint32_t living(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n_members; i++)
        count += members[i].cast != NULL;
    return count;
}

static void step(uint8_t what, uint8_t which)
{
    struct member *member = &members[which % n_members];
    switch (what % 8) {
    case 0:
        virtual_ns += which * ms;
        break;
    case 1: /* it is found to be dead by another one */
        if (!member->cast && members[which / 8 % n_members].cast)
            ffmk_cast_died(members[which / 8 % n_members].cast, member->me, virtual_ns);
        break;
    case 2:
        if (what / 8 % 4 == 0 && member->cast && living() > 1) {
            ffmk_cast_destroy(member->cast);
            member->cast = NULL;
        }
        break;
    case 3:
        if (helds > 0 && !members[held[which % helds].from].cast)
            lose(which % helds);
        break;
    case 4:
        if (member->cast)
            enter(member);
        break;
    case 5:
        if (member->cast) {
            ffmk_cast_advance(member->cast, virtual_ns);
            go_on(member);
        }
        break;
    default:
        if (helds > 0)
            deliver(which % helds);
    }
}

/* All that is under way comes, all hear who is dead, and have time. */
static void finish(void)
{
    bool done = false;
    for (int round = 0; !done; round++) {
        NEED(round < ENOUGH);
        done = true;
        virtual_ns += 5 * ms;
        for (size_t left = helds; left > 0 && helds > 0; left--)
            deliver(0);
        for (uint32_t i = 0; i < n_members; i++) {
            struct member *member = &members[i];
            if (!member->cast)
                continue;
            for (uint32_t j = 0; j < n_members; j++)
                if (!members[j].cast)
                    ffmk_cast_died(member->cast, j, virtual_ns);
            enter(member);
            ffmk_cast_advance(member->cast, virtual_ns);
            go_on(member);
            done = done && member->left == OPERATIONS;
        }
    }
}

static void compare(void)
{
    const struct member *first = NULL;
    for (uint32_t i = 0; i < n_members; i++) {
        const struct member *member = &members[i];
        if (!member->cast)
            continue;
        first = first ? first : member;
        for (uint64_t number = 1; number <= OPERATIONS; number++)
            NEED(member->state[number] == first->state[number] &&
                 member->value[number] == first->value[number]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t host[MOST];
    if (size < 3)
        return 0;
    n_members = 2 + data[0] % (MOST - 1);
    kinds = data[2];
    virtual_ns = 1;
    memset(members, 0, sizeof members);
    for (uint32_t i = 0; i < n_members; i++)
        host[i] = data[1] % 3 == 0 ? i : data[1] % 3 == 1 ? i / 2 : i % 2;
    for (uint32_t i = 0; i < n_members; i++) {
        const struct ffmk_cast_port port = {
            .self = &members[i], .at_once = 1160, .send = send_to, .bury = bury};
        members[i].me = i;
        NEED(ffmk_cast_create(n_members, i, host, &port, &members[i].cast) == 0);
    }
    for (size_t i = 3; i + 1 < size && i < 2 * MOST_STEPS; i += 2)
        step(data[i], data[i + 1]);
    finish();
    compare();
    while (helds > 0)
        lose(helds - 1);
    for (uint32_t i = 0; i < n_members; i++)
        if (members[i].cast)
            ffmk_cast_destroy(members[i].cast);
    return 0;
}

#ifdef FFMK_FUZZ_MAIN
#include "fuzz_main.h"
#endif
