/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, over thousands of seeds, on a network that delays and reorders, with late members
 * and deaths at any moment (in the middle of a send to all, too), each member learning of them only
 * when something it sends is not answered: every survivor ends every operation; no two survivors
 * differ; a broadcast fails only if its root died; a reduction counts every survivor, in the order
 * of ranks; without deaths nothing fails and messages are few; what was left by all becomes stable
 * and memory is given back; who was declared dead but lives is told so, and differs from nobody;
 * messages of no sense change nothing. */
#include "core/rng.h"
#include "gossip/cast.h"

#include "cases.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRIME = 32749, MOST = 64, OPS = 40, DEPTH = 3, ELEMENT = 16, MOST_BYTES = 3000 };
static const uint64_t MS = 1000000;

enum event_kind { RUN, MESSAGE, DEATH, VERDICT, EXCLUSION };

struct event {
    uint64_t at;
    uint64_t order;
    enum event_kind kind;
    uint32_t who;
    uint32_t from; /* MESSAGE; VERDICT: of whom */
    uint8_t *bytes;
    size_t length;
};

struct plan {
    bool reduce;
    bool in_order;
    uint32_t root;
    size_t bytes;
};

struct member {
    struct world *world;
    uint32_t me;
    struct ffmk_cast *cast;
    bool dead;
    bool excluded;
    bool closed;
    bool gone;
    uint64_t die_after; /* messages, 0: not by that */
    uint64_t run_at;
    uint64_t ready; /* when the program enters the next */
    uint32_t entered;
    uint32_t ended;
    uint64_t number[OPS];
    bool left[OPS];
    /* What it got */
    enum ffmk_cast_state state[OPS];
    uint64_t got[OPS];
    uint8_t counts[OPS][MOST];
};

struct world {
    uint64_t seed;
    uint64_t state;
    uint64_t now;
    uint64_t order;
    uint32_t n;
    uint32_t ops;
    uint64_t delay;
    uint64_t detect;
    uint64_t think;
    bool die_late;    /* some do so after they have closed */
    bool lossy_death; /* what the dead sent may be lost */
    uint64_t messages;
    uint64_t host[MOST];
    bool ordered; /* hosts have their members in the order of ranks */
    struct ffmk_cast_manner manner;
    struct plan plan[OPS];
    struct member member[MOST];
    bool told[MOST][MOST]; /* a verdict is on its way */
    struct event *heap;
    size_t events;
    size_t capacity;
};

static struct world world;

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, "seed %" PRIu64 " n %u: ", world.seed, world.n);                           \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fprintf(stderr, "\n");                                                                     \
        ck_abort_msg("seed %lu", (unsigned long)world.seed);                                       \
    } while (0)

static bool before(const struct event *a, const struct event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void push(struct world *w, struct event event)
{
    if (w->events == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : 1024;
        w->heap = realloc(w->heap, w->capacity * sizeof *w->heap);
        ck_assert_ptr_nonnull(w->heap);
    }
    event.order = w->order++;
    size_t i = w->events++;
    for (; i > 0 && before(&event, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = event;
}

static struct event pop(struct world *w)
{
    struct event top = w->heap[0];
    struct event last = w->heap[--w->events];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= w->events)
            break;
        if (child + 1 < w->events && before(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!before(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

static void run_at(struct member *member, uint64_t at)
{
    if (member->run_at > 0 && at >= member->run_at)
        return;
    member->run_at = at;
    push(member->world, (struct event){.at = at, .kind = RUN, .who = member->me});
}

static void verdict(struct world *w, uint32_t who, uint32_t of, uint64_t after)
{
    if (w->told[who][of])
        return;
    w->told[who][of] = true;
    push(w, (struct event){.at = w->now + after, .kind = VERDICT, .who = who, .from = of});
}

static void die(struct world *w, struct member *member)
{
    if (member->dead)
        return;
    member->dead = true;
    for (size_t i = 0; w->lossy_death && i < w->events; i++)
        if (w->heap[i].kind == MESSAGE && w->heap[i].from == member->me &&
            ffmk_rng_below(&w->state, 2))
            w->heap[i].length = 0;
    /* What was sent to it and is not answered. */
    for (size_t i = 0; i < w->events; i++)
        if (w->heap[i].kind == MESSAGE && w->heap[i].who == member->me)
            verdict(w, w->heap[i].from, member->me,
                    w->detect + ffmk_rng_below(&w->state, w->detect));
}

static void send_to(void *self, uint32_t to, const void *head, size_t head_bytes,
                    const void *payload, size_t payload_bytes)
{
    struct member *member = self;
    struct world *w = member->world;
    if (member->dead)
        return;
    if (member->die_after > 0 && --member->die_after == 0) {
        die(w, member);
        return;
    }
    w->messages++;
    if (w->member[to].dead || w->member[to].gone) {
        verdict(w, member->me, to, w->detect + ffmk_rng_below(&w->state, w->detect));
        return;
    }
    struct event event = {.kind = MESSAGE, .who = to, .from = member->me};
    event.length = head_bytes + payload_bytes;
    event.bytes = malloc(event.length);
    ck_assert_ptr_nonnull(event.bytes);
    memcpy(event.bytes, head, head_bytes);
    if (payload_bytes > 0)
        memcpy(event.bytes + head_bytes, payload, payload_bytes);
    event.at = w->now + 1000 + ffmk_rng_below(&w->state, w->delay);
    push(w, event);
}

static void bury(void *self, uint32_t of)
{
    struct member *member = self;
    member->world->told[member->me][of] = true;
}

/* 2 x 2 matrices modulo a prime: products do not commute. */
static void multiply(void *context, const void *in, void *inout, size_t bytes)
{
    (void)context;
    for (size_t at = 0; at + ELEMENT <= bytes; at += ELEMENT) {
        uint32_t a[4];
        uint32_t b[4];
        uint32_t c[4];
        memcpy(a, (const uint8_t *)in + at, ELEMENT);
        memcpy(b, (uint8_t *)inout + at, ELEMENT);
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++)
                c[2 * i + j] = (a[2 * i] % PRIME * (b[j] % PRIME) +
                                a[2 * i + 1] % PRIME * (b[2 + j] % PRIME)) %
                               PRIME;
        memcpy((uint8_t *)inout + at, c, ELEMENT);
    }
}

static void fill(uint8_t *bytes, size_t length, uint64_t seed)
{
    uint64_t state = seed;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)ffmk_rng_next(&state);
}

static uint64_t hash_of(const uint8_t *bytes, size_t length)
{
    uint64_t hash = length;
    for (size_t i = 0; i < length; i++)
        hash = ffmk_rng_mix(hash ^ bytes[i]);
    return hash;
}

static uint64_t seed_of(const struct world *w, uint32_t op, uint32_t member)
{
    return ffmk_rng_mix(w->seed * 1000 + op) + member;
}

static void enter(struct world *w, struct member *member)
{
    static uint8_t payload[MOST_BYTES];
    const uint32_t op = member->entered;
    const struct plan *plan = &w->plan[op];
    if (plan->reduce || plan->root == member->me)
        fill(payload, plan->bytes, seed_of(w, op, member->me));
    member->number[op] = plan->reduce
                             ? ffmk_cast_reduce(member->cast, &w->manner, plan->in_order, payload,
                                                plan->bytes, w->now)
                             : ffmk_cast_bcast(member->cast, plan->root, &w->manner, payload,
                                               plan->bytes, plan->bytes + 7, w->now);
    if (member->number[op] != op + 1)
        FAIL("number %lu of operation %u", (unsigned long)member->number[op], op);
    member->entered++;
}

static void take(struct world *w, struct member *member, uint32_t op)
{
    enum ffmk_cast_state state = ffmk_cast_state(member->cast, op + 1);
    if (state == FFMK_CAST_COMBINE) {
        ffmk_cast_combine(member->cast, op + 1, multiply, NULL, w->now);
        state = ffmk_cast_state(member->cast, op + 1);
    }
    if (state == FFMK_CAST_PENDING || state == FFMK_CAST_COMBINE)
        return;
    member->state[op] = state;
    if (state == FFMK_CAST_VALUE) {
        const struct ffmk_cast_value value = ffmk_cast_value(member->cast, op + 1);
        if (value.bytes != w->plan[op].bytes)
            FAIL("member %u operation %u: %zu bytes", member->me, op, value.bytes);
        if (!w->plan[op].reduce && value.total != value.bytes + 7)
            FAIL("total");
        member->got[op] = hash_of(value.payload, value.bytes);
        for (uint32_t i = 0; i < w->n; i++)
            member->counts[op][i] = ffmk_ring_has(value.contributors, i);
    }
    if (state != FFMK_CAST_EXCLUDED)
        ffmk_cast_leave(member->cast, op + 1);
    else
        member->excluded = true;
    member->left[op] = true;
    member->ended++;
}

/* The program of a member: it enters operations, some before the last has ended, and takes what
 * comes. A reduction is ended before the next operation begins. */
static void run_program(struct world *w, struct member *member)
{
    for (uint32_t op = 0; op < member->entered; op++)
        if (!member->left[op])
            take(w, member, op);
    while (member->entered < w->ops && !member->dead && !member->excluded &&
           member->entered - member->ended < DEPTH && w->now >= member->ready) {
        const uint32_t op = member->entered;
        if (op > member->ended && w->plan[op - 1].reduce)
            break;
        const bool root = !w->plan[op].reduce && w->plan[op].root == member->me;
        if (!ffmk_cast_has_room(member->cast, root ? w->plan[op].bytes : 0)) {
            ffmk_cast_settle(member->cast, w->now);
            break;
        }
        enter(w, member);
        take(w, member, op);
        uint64_t think = ffmk_rng_below(&w->state, 4) ? 0 : ffmk_rng_below(&w->state, w->think);
        if (ffmk_rng_below(&w->state, 40) == 0)
            think *= 30;
        member->ready = w->now + think;
    }
    if (member->ready > w->now)
        run_at(member, member->ready);
    if (member->ended == w->ops && !member->closed) {
        member->closed = true;
        if (w->die_late && ffmk_rng_below(&w->state, 4) == 0)
            member->die_after = 1 + ffmk_rng_below(&w->state, 4);
        ffmk_cast_close(member->cast, w->now);
    }
}

static void go_on(struct world *w, struct member *member)
{
    if (member->dead || member->gone)
        return;
    uint64_t next;
    uint32_t did;
    do {
        did = member->entered + member->ended + member->closed;
        run_program(w, member);
        next = ffmk_cast_advance(member->cast, w->now);
        run_program(w, member);
    } while (did != member->entered + member->ended + member->closed);
    if (member->dead)
        return;
    /* Its process ends, and answers nobody any more. */
    if (member->closed && !member->excluded && ffmk_cast_is_settled(member->cast)) {
        member->gone = true;
        return;
    }
    if (next != FFMK_CAST_NEVER)
        run_at(member, next > w->now ? next : w->now + 1);
}

static void happen(struct world *w, struct event *event)
{
    struct member *member = &w->member[event->who];
    switch (event->kind) {
    case RUN:
        if (event->at != member->run_at)
            return;
        member->run_at = 0;
        break;
    case MESSAGE:
        if (member->dead || member->gone) {
            verdict(w, event->from, event->who, w->detect);
        } else if (event->length > 0) {
            if (ffmk_ring_has(ffmk_cast_living(member->cast), event->from))
                ffmk_cast_receive(member->cast, event->from, event->bytes, event->length, w->now);
            else if (!w->member[event->from].dead)
                push(w, (struct event){
                            .at = w->now + w->delay, .kind = EXCLUSION, .who = event->from});
        }
        free(event->bytes);
        break;
    case DEATH:
        die(w, member);
        break;
    case VERDICT:
        if (!member->dead)
            ffmk_cast_died(member->cast, event->from, w->now);
        break;
    case EXCLUSION:
        if (!member->dead && !member->gone)
            ffmk_cast_exclude(member->cast);
        break;
    }
    go_on(w, member);
}

static bool all_done(const struct world *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        const struct member *member = &w->member[i];
        if (!member->dead && !member->excluded &&
            (member->ended < w->ops || !ffmk_cast_is_settled(member->cast)))
            return false;
    }
    return true;
}

static void begin(struct world *w, uint64_t seed, uint32_t n)
{
    struct event *heap = w->heap;
    size_t capacity = w->capacity;
    memset(w, 0, sizeof *w);
    w->heap = heap;
    w->capacity = capacity;
    w->seed = seed;
    w->state = ffmk_rng_mix(seed);
    w->n = n;
    w->ops = 1 + (uint32_t)ffmk_rng_below(&w->state, OPS);
    w->delay = 1000 + ffmk_rng_below(&w->state, ffmk_rng_below(&w->state, 3) ? 100000 : 20 * MS);
    w->detect = 5 * MS + ffmk_rng_below(&w->state, 50 * MS);
    w->think = 1 + ffmk_rng_below(&w->state, 10 * MS);
    w->lossy_death = ffmk_rng_below(&w->state, 2);
    w->manner.mode = FFMK_RUMOR_OPPORTUNISTIC + (int)ffmk_rng_below(&w->state, 3);
    w->manner.miss = 1e-3;
    if (w->manner.mode == FFMK_RUMOR_FAILURE_PROOF)
        w->manner.deaths_or_reach = (uint32_t)ffmk_rng_below(&w->state, 5);
    const int mostly = (int)ffmk_rng_below(&w->state, 3);
    for (uint32_t i = 0; i < w->ops; i++) {
        w->plan[i].reduce = mostly == 2 ? ffmk_rng_below(&w->state, 2) : (uint64_t)mostly;
        w->plan[i].in_order = ffmk_rng_below(&w->state, 2);
        w->plan[i].root = (uint32_t)ffmk_rng_below(&w->state, n);
        w->plan[i].bytes = ELEMENT * ffmk_rng_below(&w->state, MOST_BYTES / ELEMENT);
        if (ffmk_rng_below(&w->state, 2))
            w->plan[i].bytes = ELEMENT * ffmk_rng_below(&w->state, 3);
    }
    /* Each on its own host; or some hosts, in order or not. */
    const uint64_t hosts = ffmk_rng_below(&w->state, 4);
    const uint64_t each = 1 + ffmk_rng_below(&w->state, n);
    for (uint32_t i = 0; i < n; i++)
        w->host[i] = hosts == 0 ? i : hosts == 1 ? ffmk_rng_below(&w->state, each) : 100 - i / each;
    w->ordered = hosts != 1;
    for (uint32_t i = 0; i < n; i++) {
        struct member *member = &w->member[i];
        member->world = w;
        member->me = i;
        const struct ffmk_cast_port port = {
            .self = member, .at_once = 1160, .send = send_to, .bury = bury};
        ck_assert_int_eq(ffmk_cast_create(n, i, w->host, &port, &member->cast), 0);
        const struct ffmk_cast_speed speed = {
            .slot = 1000, .hop = 1000 + w->delay / 2, .patience = w->delay};
        ffmk_cast_set_speed(member->cast, &speed);
        run_at(member, 1 + ffmk_rng_below(&w->state, w->think));
    }
}

static void finish(struct world *w)
{
    uint64_t steps = 0;
    while (!all_done(w)) {
        if (w->events == 0)
            FAIL("nothing happens any more");
        if (++steps > 3000000)
            FAIL("does not end");
        struct event event = pop(w);
        w->now = event.at > w->now ? event.at : w->now;
        happen(w, &event);
    }
    while (w->events > 0)
        free(pop(w).bytes);
}

static void end(struct world *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        ffmk_cast_destroy(w->member[i].cast);
}

static uint64_t product(const struct world *w, uint32_t op, const uint8_t *counts)
{
    static uint8_t sum[MOST_BYTES];
    static uint8_t one[MOST_BYTES];
    const size_t bytes = w->plan[op].bytes;
    bool begun = false;
    for (uint32_t i = w->n; i-- > 0;) {
        if (!counts[i])
            continue;
        fill(one, bytes, seed_of(w, op, i));
        if (begun)
            multiply(NULL, one, sum, bytes);
        else
            memcpy(sum, one, bytes);
        begun = true;
    }
    return hash_of(sum, bytes);
}

static void check_op(const struct world *w, uint32_t op)
{
    static uint8_t payload[MOST_BYTES];
    const struct plan *plan = &w->plan[op];
    const struct member *first = NULL;
    for (uint32_t i = 0; i < w->n; i++) {
        const struct member *member = &w->member[i];
        if (member->dead || member->excluded)
            continue;
        if (!first) {
            first = member;
            if (member->state[op] == FFMK_CAST_FAILED &&
                (plan->reduce || (!w->member[plan->root].dead && !w->member[plan->root].excluded)))
                FAIL("operation %u failed though its root lives", op);
            if (member->state[op] == FFMK_CAST_VALUE && !plan->reduce) {
                fill(payload, plan->bytes, seed_of(w, op, plan->root));
                if (member->got[op] != hash_of(payload, plan->bytes))
                    FAIL("operation %u is another's", op);
            }
            if (plan->reduce && (plan->in_order || w->ordered) &&
                member->got[op] != product(w, op, member->counts[op]))
                FAIL("operation %u is not the product of who counts", op);
        }
        if (member->state[op] != first->state[op] || member->got[op] != first->got[op])
            FAIL("operation %u (%s): members %u and %u differ, states %d and %d", op,
                 plan->reduce ? "reduce" : "bcast", first->me, i, first->state[op],
                 member->state[op]);
        if (plan->reduce && !first->counts[op][i])
            FAIL("operation %u does not count survivor %u", op, i);
    }
}

static void check(const struct world *w)
{
    for (uint32_t op = 0; op < w->ops; op++)
        check_op(w, op);
}

static uint32_t some_members(uint64_t seed)
{
    uint64_t state = seed;
    return 2 + (uint32_t)ffmk_rng_below(&state, ffmk_rng_below(&state, 4) ? 8 : MOST - 1);
}

START_TEST(without_deaths_all_get_all)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        begin(&world, seed, some_members(seed));
        finish(&world);
        check(&world);
        for (uint32_t i = 0; i < world.n; i++)
            for (uint32_t op = 0; op < world.ops; op++)
                if (world.member[i].state[op] != FFMK_CAST_VALUE)
                    FAIL("operation %u of member %u has no value", op, i);
        end(&world);
    }
}
END_TEST

START_TEST(survivors_never_differ)
{
    for (uint64_t seed = 1; seed <= 6000; seed++) {
        begin(&world, seed, some_members(seed));
        const uint32_t deaths = 1 + (uint32_t)ffmk_rng_below(&world.state, world.n - 1);
        world.die_late = seed % 3 == 0;
        for (uint32_t i = 0; i < deaths; i++) {
            struct member *member = &world.member[ffmk_rng_below(&world.state, world.n)];
            /* Often the first ones, who lead. */
            if (ffmk_rng_below(&world.state, 2))
                member = &world.member[i];
            if (ffmk_rng_below(&world.state, 2))
                member->die_after = 1 + ffmk_rng_below(&world.state, 30 * world.ops);
            else
                push(&world, (struct event){.at = ffmk_rng_below(&world.state, world.ops * 10 * MS),
                                            .kind = DEATH,
                                            .who = member->me});
        }
        finish(&world);
        check(&world);
        end(&world);
    }
}
END_TEST

START_TEST(who_is_declared_dead_is_told)
{
    uint32_t excluded = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        begin(&world, seed, 3 + some_members(seed) % 20);
        const uint32_t wrong = (uint32_t)ffmk_rng_below(&world.state, world.n);
        const uint32_t judge =
            (wrong + 1 + (uint32_t)ffmk_rng_below(&world.state, world.n - 1)) % world.n;
        push(&world, (struct event){.at = ffmk_rng_below(&world.state, world.ops * 3 * MS),
                                    .kind = VERDICT,
                                    .who = judge,
                                    .from = wrong});
        if (seed % 2)
            world.member[(wrong + 2) % world.n].die_after =
                1 + ffmk_rng_below(&world.state, 10 * world.ops);
        finish(&world);
        /* Whether or not it has heard of it yet. */
        for (uint32_t i = 0; i < world.n; i++)
            if (!world.member[i].dead &&
                !ffmk_ring_has(ffmk_cast_living(world.member[i].cast), wrong))
                world.member[wrong].excluded = true;
        check(&world);
        for (uint32_t i = 0; i < world.n; i++)
            if (world.member[i].excluded && i != wrong)
                FAIL("member %u is excluded", i);
        excluded += world.member[wrong].excluded;
        end(&world);
    }
    ck_assert_uint_gt(excluded, 1000);
}
END_TEST

START_TEST(hostile_messages_change_nothing)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        begin(&world, seed, 5);
        for (int i = 0; i < 300; i++) {
            struct event event = {.at = ffmk_rng_below(&world.state, world.ops * 5 * MS),
                                  .kind = MESSAGE,
                                  .who = (uint32_t)ffmk_rng_below(&world.state, 5)};
            event.from = (event.who + 1) % 5;
            event.length = 1 + ffmk_rng_below(&world.state, 200);
            event.bytes = malloc(event.length);
            ck_assert_ptr_nonnull(event.bytes);
            fill(event.bytes, event.length, ffmk_rng_next(&world.state));
            event.bytes[0] = (uint8_t)ffmk_rng_below(&world.state, 12);
            push(&world, event);
        }
        finish(&world);
        check(&world);
        end(&world);
    }
}
END_TEST

CASES("cast", without_deaths_all_get_all, survivors_never_differ, who_is_declared_dead_is_told,
      hostile_messages_change_nothing)
