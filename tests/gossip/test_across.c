/* SPDX-License-Identifier: BSD-3-Clause
 * Operations in pieces, over a network and a clock that are made up: members that start the same
 * operations, some before the last has ended, among them late ones, ones that die at any message,
 * roots that broadcast other lengths than are waited for, and ones without memory. Every survivor
 * completes each; codes and bytes are the same at all survivors, and what they are to be. */
#include "core/clock.h"
#include "core/rng.h"

static uint64_t virtual_ns;
static uint64_t virtual_clock_ns(void)
{
    return virtual_ns;
}
#define ffmk_clock_ns virtual_clock_ns
#include "gossip/net/across.c"
#include "gossip/net/across_service.c"
#undef ECHO
#define begin begin_to_measure
#include "gossip/net/across_speed.c"
#undef begin

#include "cases.h"
#include <inttypes.h>
#include <stdio.h>

enum { MOST = 6, OPS = 12, DEPTH = 3, MOST_BYTES = 600 << 10, MOST_SUM_BYTES = 400 << 10 };
static const uint64_t MS = 1000000;

struct ffmk_peer {
    uint32_t owner;
    uint32_t who;
    bool dead;
    bool told; /* its verdict is on its way */
    void *hung;
};

struct ffmk_endpoint {
    uint32_t me;
    bool dead;
    bool excluded;
    struct ffmk_service *service;
    struct ffmk_peer peer[MOST];
    uint64_t die_after;
    uint64_t ready;
    uint64_t run_at;
    struct ffmk_across *across;
    uint32_t started;
    uint32_t complete;
    struct ffmk_across_operation operation[OPS];
    unsigned char *in[OPS];
    unsigned char *out[OPS];
    unsigned char contributors[OPS][MOST];
};

enum kind { RUN, MESSAGE, VERDICT };
struct event {
    uint64_t at;
    uint64_t order;
    enum kind kind;
    uint32_t who;
    uint32_t from;
    uint8_t *bytes;
    size_t length;
};

static struct {
    uint64_t seed;
    uint64_t state;
    uint32_t n;
    uint32_t ops;
    uint64_t delay;
    uint64_t detect;
    uint64_t think;
    uint64_t lost; /* of three messages that are under way at a death */
    uint64_t order;
    struct event *heap;
    size_t events;
    size_t capacity;
    struct ffmk_endpoint node[MOST];
    struct {
        enum ffmk_host_kind kind;
        uint32_t root;
        size_t bytes;
        size_t other;  /* what non-roots wait for */
        uint32_t poor; /* who has no memory, or nobody */
    } plan[OPS];
} w;

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, "seed %" PRIu64 " n %u: ", w.seed, w.n);                                   \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fprintf(stderr, "\n");                                                                     \
        ck_abort_msg("seed %lu", (unsigned long)w.seed);                                           \
    } while (0)

static bool before(const struct event *a, const struct event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void push(struct event event)
{
    if (w.events == w.capacity) {
        w.capacity = w.capacity ? 2 * w.capacity : 1024;
        w.heap = realloc(w.heap, w.capacity * sizeof *w.heap);
        ck_assert_ptr_nonnull(w.heap);
    }
    event.order = w.order++;
    size_t i = w.events++;
    for (; i > 0 && before(&event, &w.heap[(i - 1) / 2]); i = (i - 1) / 2)
        w.heap[i] = w.heap[(i - 1) / 2];
    w.heap[i] = event;
}

static struct event pop(void)
{
    struct event top = w.heap[0];
    struct event last = w.heap[--w.events];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= w.events)
            break;
        if (child + 1 < w.events && before(&w.heap[child + 1], &w.heap[child]))
            child++;
        if (!before(&w.heap[child], &last))
            break;
        w.heap[i] = w.heap[child];
        i = child;
    }
    w.heap[i] = last;
    return top;
}

static void run_at(struct ffmk_endpoint *node, uint64_t at)
{
    if (node->run_at > 0 && at >= node->run_at)
        return;
    node->run_at = at;
    push((struct event){.at = at, .kind = RUN, .who = node->me});
}

static void verdict(uint32_t who, uint32_t of)
{
    struct ffmk_peer *peer = &w.node[who].peer[of];
    if (peer->told || peer->dead)
        return;
    peer->told = true;
    push((struct event){.at = virtual_ns + w.detect + ffmk_rng_below(&w.state, w.detect),
                        .kind = VERDICT,
                        .who = who,
                        .from = of});
}

static void die(struct ffmk_endpoint *node)
{
    node->dead = true;
    for (size_t i = 0; i < w.events; i++) {
        struct event *event = &w.heap[i];
        if (event->kind != MESSAGE)
            continue;
        if (event->from == node->me && ffmk_rng_below(&w.state, 3) < w.lost)
            event->length = 0;
        if (event->who == node->me)
            verdict(event->from, node->me);
    }
}

/* What across needs of an endpoint. */
void ffmk_endpoint_lock(struct ffmk_endpoint *endpoint)
{
    (void)endpoint;
}
void ffmk_peer_try(struct ffmk_peer *peer)
{
    (void)peer;
}
void ffmk_peer_prove(struct ffmk_peer *peer)
{
    (void)peer;
}
bool ffmk_peer_is_proved(const struct ffmk_peer *peer)
{
    (void)peer;
    return true;
}
uint64_t ffmk_endpoint_detect_after(const struct ffmk_endpoint *endpoint)
{
    (void)endpoint;
    return 0;
}
void ffmk_endpoint_glance_again(struct ffmk_endpoint *endpoint, uint64_t now)
{
    (void)endpoint, (void)now;
}
void ffmk_endpoint_unlock(struct ffmk_endpoint *endpoint)
{
    (void)endpoint;
}
void ffmk_endpoint_wait(struct ffmk_endpoint *endpoint, uint64_t spin_ns, uint64_t sleep_ns)
{
    (void)endpoint, (void)spin_ns, (void)sleep_ns;
}
struct ffmk_peer *ffmk_endpoint_meet(struct ffmk_endpoint *endpoint, const struct ffmk_card *card)
{
    return &endpoint->peer[card->id - 1];
}
void ffmk_endpoint_part(struct ffmk_endpoint *endpoint, struct ffmk_peer *peer)
{
    (void)endpoint, (void)peer;
}
void ffmk_endpoint_serve(struct ffmk_endpoint *endpoint, struct ffmk_service *service)
{
    endpoint->service = service;
}
void ffmk_endpoint_retire(struct ffmk_endpoint *endpoint, struct ffmk_service *service)
{
    (void)service;
    endpoint->service = NULL;
}
void ffmk_endpoint_nudge(struct ffmk_endpoint *endpoint, struct ffmk_service *service)
{
    (void)endpoint, (void)service; /* advance() follows */
}
void ffmk_endpoint_be_excluded(struct ffmk_endpoint *endpoint)
{
    endpoint->excluded = true;
}
bool ffmk_endpoint_is_excluded(const struct ffmk_endpoint *endpoint)
{
    return endpoint->excluded;
}
void *ffmk_peer_find(const struct ffmk_peer *peer, uint64_t name)
{
    (void)name;
    return peer->hung;
}
bool ffmk_peer_hang(struct ffmk_peer *peer, uint64_t name, void *value)
{
    (void)name;
    peer->hung = value;
    return true;
}
bool ffmk_peer_watch(struct ffmk_peer *peer, pid_t pid)
{
    (void)peer, (void)pid;
    return false;
}
enum { SEND_NS = 7000 };
uint64_t ffmk_endpoint_send_time(struct ffmk_endpoint *endpoint)
{
    (void)endpoint;
    return SEND_NS;
}

bool ffmk_peer_is_dead(const struct ffmk_peer *peer)
{
    return peer->dead;
}
void ffmk_peer_bury(struct ffmk_peer *peer)
{
    peer->dead = true;
}
void ffmk_peer_send(struct ffmk_peer *peer, uint64_t name, const void *head, size_t head_bytes,
                    const void *payload, size_t payload_bytes)
{
    struct ffmk_endpoint *node = &w.node[peer->owner];
    (void)name;
    if (peer->dead || node->dead)
        return;
    if (node->die_after > 0 && --node->die_after == 0) {
        die(node);
        return;
    }
    if (w.node[peer->who].dead) {
        verdict(peer->owner, peer->who);
        return;
    }
    struct event event = {.kind = MESSAGE, .who = peer->who, .from = peer->owner};
    event.length = head_bytes + payload_bytes;
    event.bytes = malloc(event.length);
    ck_assert_ptr_nonnull(event.bytes);
    memcpy(event.bytes, head, head_bytes);
    if (payload_bytes > 0)
        memcpy(event.bytes + head_bytes, payload, payload_bytes);
    /* What is large takes longer. */
    event.at = virtual_ns + 1000 + ffmk_rng_below(&w.state, w.delay) + event.length * 2;
    push(event);
}

static void add(void *context, const void *in, void *inout, size_t n)
{
    (void)context;
    if (8 * n > FFMK_HOST_ELEMENT_BYTES)
        abort();
    for (size_t i = 0; i < 8 * n; i++)
        ((uint8_t *)inout)[i] = (uint8_t)(((uint8_t *)inout)[i] + ((const uint8_t *)in)[i]);
}

static uint8_t byte_of(uint32_t op, uint32_t member, size_t i)
{
    return (uint8_t)(ffmk_rng_mix(op * 1000 + member) + i * 7 + (i >> 8));
}

static void start_next(struct ffmk_endpoint *node)
{
    static const struct ffmk_cast_manner manner = {.mode = FFMK_RUMOR_CHECKED, .miss = 1e-6};
    const uint32_t op = node->started++;
    const size_t bytes = w.plan[op].bytes;
    struct ffmk_across_operation *operation = &node->operation[op];
    if (w.plan[op].kind == FFMK_HOST_BARRIER) {
        ffmk_across_barrier_start(node->across, operation, &manner);
        return;
    }
    const bool root = w.plan[op].root == node->me;
    const bool poor = w.plan[op].poor == node->me;
    const bool reduces = w.plan[op].kind == FFMK_HOST_ALLREDUCE;
    const size_t room = reduces || root ? bytes : w.plan[op].other;
    node->in[op] = malloc(room + 1);
    node->out[op] = malloc(room + 1);
    ck_assert(node->in[op] && node->out[op]);
    memset(node->out[op], 0, room + 1);
    for (size_t i = 0; i < room; i++)
        node->in[op][i] = byte_of(op, node->me, i);
    if (reduces) {
        const struct ffmk_reduction reduction = {
            .n = bytes / 8, .element_bytes = 8, .combine = add};
        ffmk_across_allreduce_start(node->across, operation, &manner, &reduction, op % 2,
                                    poor && bytes > 0 ? NULL : node->in[op], node->out[op],
                                    node->contributors[op]);
    } else {
        ffmk_across_bcast_start(node->across, operation, &manner, w.plan[op].root,
                                root   ? node->in[op]
                                : poor ? NULL
                                       : node->out[op],
                                room);
    }
}

static void run_program(struct ffmk_endpoint *node)
{
    while (!node->dead) {
        while (node->complete < node->started &&
               ffmk_across_test(node->across, &node->operation[node->complete]))
            node->complete++;
        if (node->dead || node->started == w.ops || node->started - node->complete == DEPTH)
            return;
        if (virtual_ns < node->ready) {
            run_at(node, node->ready);
            return;
        }
        start_next(node);
        node->ready =
            virtual_ns + (ffmk_rng_below(&w.state, 4) ? 0 : ffmk_rng_below(&w.state, w.think));
    }
}

static void happen(struct event *event)
{
    struct ffmk_endpoint *node = &w.node[event->who];
    if (event->kind == RUN) {
        if (event->at != node->run_at)
            return;
        node->run_at = 0;
    }
    if (event->kind == MESSAGE && node->dead)
        verdict(event->from, event->who);
    if (!node->dead && event->kind == MESSAGE && event->length > 0 && !node->peer[event->from].dead)
        node->service->receive(node->service, &node->peer[event->from], event->bytes, event->length,
                               virtual_ns);
    if (!node->dead && event->kind == VERDICT && !node->peer[event->from].dead) {
        node->peer[event->from].dead = true;
        node->service->died(node->service, &node->peer[event->from], virtual_ns);
    }
    free(event->bytes);
    uint64_t due = UINT64_MAX;
    uint32_t did;
    do {
        did = node->started + node->complete;
        run_program(node);
        if (node->dead)
            return;
        due = node->service->advance(node->service, virtual_ns);
        run_program(node);
    } while (did != node->started + node->complete);
    if (!node->dead && due != UINT64_MAX)
        run_at(node, due > virtual_ns ? due : virtual_ns + 1);
}

static void begin(uint64_t seed)
{
    struct event *heap = w.heap;
    const size_t capacity = w.capacity;
    memset(&w, 0, sizeof w);
    w.heap = heap;
    w.capacity = capacity;
    w.seed = seed;
    w.state = ffmk_rng_mix(seed);
    virtual_ns = 1;
    w.n = 2 + (uint32_t)ffmk_rng_below(&w.state, MOST - 1);
    w.ops = 2 + (uint32_t)ffmk_rng_below(&w.state, OPS - 1);
    w.delay = 1000 + ffmk_rng_below(&w.state, 3 * MS);
    w.detect = 5 * MS + ffmk_rng_below(&w.state, 50 * MS);
    w.think = 1 + ffmk_rng_below(&w.state, 10 * MS);
    w.lost = ffmk_rng_below(&w.state, 4);
    for (uint32_t i = 0; i < w.ops; i++) {
        static const enum ffmk_host_kind kinds[] = {FFMK_HOST_BCAST, FFMK_HOST_BCAST,
                                                    FFMK_HOST_BARRIER, FFMK_HOST_ALLREDUCE};
        w.plan[i].kind = kinds[ffmk_rng_below(&w.state, 4)];
        w.plan[i].root = (uint32_t)ffmk_rng_below(&w.state, ffmk_rng_below(&w.state, 2) ? w.n : 1);
        const bool large = ffmk_rng_below(&w.state, 3) == 0;
        if (w.plan[i].kind == FFMK_HOST_ALLREDUCE)
            w.plan[i].bytes = 8 * ffmk_rng_below(&w.state, large ? MOST_SUM_BYTES / 8 : 30);
        else
            w.plan[i].bytes = ffmk_rng_below(&w.state, large ? MOST_BYTES : 300);
        if (large && ffmk_rng_below(&w.state, 2) && w.plan[i].kind == FFMK_HOST_BCAST)
            w.plan[i].bytes = (256 << 10) + ffmk_rng_below(&w.state, 500);
        w.plan[i].other =
            ffmk_rng_below(&w.state, 10) ? w.plan[i].bytes : ffmk_rng_below(&w.state, 300);
        w.plan[i].poor =
            ffmk_rng_below(&w.state, 12) ? MOST : (uint32_t)ffmk_rng_below(&w.state, w.n);
    }
    struct ffmk_across_card cards[MOST];
    memset(cards, 0, sizeof cards);
    const bool alone = ffmk_rng_below(&w.state, 2);
    for (uint32_t i = 0; i < w.n; i++)
        cards[i].card.id = i + 1, cards[i].host = alone ? i + 1 : 1 + ffmk_rng_below(&w.state, w.n);
    for (uint32_t i = 0; i < w.n; i++) {
        struct ffmk_endpoint *node = &w.node[i];
        node->me = i;
        for (uint32_t j = 0; j < w.n; j++)
            node->peer[j] = (struct ffmk_peer){.owner = i, .who = j};
        ck_assert_int_eq(ffmk_across_create(node, 1, cards, w.n, i, false, &node->across),
                         FFMK_SUCCESS);
        const struct ffmk_cast_speed speed = {
            .slot = 1000, .hop = 1000 + w.delay / 2, .patience = w.delay};
        ffmk_across_set_speed(node->across, &speed);
        run_at(node, 1 + ffmk_rng_below(&w.state, w.think));
    }
}

static bool all_done(void)
{
    for (uint32_t i = 0; i < w.n; i++)
        if (!w.node[i].dead && w.node[i].complete < w.ops)
            return false;
    return true;
}

static void check_op(uint32_t op)
{
    const struct ffmk_endpoint *first = NULL;
    const size_t bytes = w.plan[op].bytes;
    bool refused = false;
    for (uint32_t i = 0; i < w.n; i++) {
        const struct ffmk_endpoint *node = &w.node[i];
        if (node->dead)
            continue;
        const int code = node->operation[op].code;
        first = first ? first : node;
        if (code == FFMK_ERR_EXCLUDED)
            FAIL("operation %u: member %u is excluded", op, i);
        if (w.plan[op].kind == FFMK_HOST_BCAST) {
            const bool failed = code == FFMK_ERR_FAILED;
            int due = FFMK_SUCCESS;
            if (i != w.plan[op].root && w.plan[op].poor == i && w.plan[op].other > 0)
                due = FFMK_ERR_NO_MEMORY;
            else if (i != w.plan[op].root && w.plan[op].other != bytes)
                due = FFMK_ERR_ARGUMENT;
            if (failed != (first->operation[op].code == FFMK_ERR_FAILED))
                FAIL("operation %u: has failed for one of %u and %u", op, first->me, i);
            if (failed && !w.node[w.plan[op].root].dead)
                FAIL("operation %u: failed though its root lives", op);
            if (!failed && code != due)
                FAIL("operation %u: member %u has code %d, not %d", op, i, code, due);
            for (size_t b = 0; code == FFMK_SUCCESS && i != w.plan[op].root && b < bytes; b++)
                if (node->out[op][b] != byte_of(op, w.plan[op].root, b))
                    FAIL("operation %u: member %u byte %zu of %zu", op, i, b, bytes);
            continue;
        }
        refused = refused || code == FFMK_ERR_NO_MEMORY;
        if (code != first->operation[op].code)
            FAIL("operation %u: codes of %u and %u", op, first->me, i);
        if (refused && w.plan[op].poor == MOST)
            FAIL("operation %u: nobody refused", op);
        if (w.plan[op].kind != FFMK_HOST_ALLREDUCE || code != FFMK_SUCCESS)
            continue;
        if (memcmp(node->contributors[op], first->contributors[op], w.n) != 0)
            FAIL("operation %u: contributors of %u and %u", op, first->me, i);
        for (uint32_t j = 0; j < w.n; j++)
            if (!node->contributors[op][j] && !w.node[j].dead)
                FAIL("operation %u: %u does not count", op, j);
        for (size_t b = 0; b < bytes; b++) {
            uint8_t sum = 0;
            for (uint32_t j = 0; j < w.n; j++)
                if (node->contributors[op][j])
                    sum = (uint8_t)(sum + byte_of(op, j, b));
            if (node->out[op][b] != sum)
                FAIL("operation %u: member %u sum %zu of %zu", op, i, b, bytes);
        }
    }
}

static void end(void)
{
    while (w.events > 0)
        free(pop().bytes);
    for (uint32_t i = 0; i < w.n; i++) {
        struct ffmk_endpoint *node = &w.node[i];
        ffmk_cast_exclude(node->across->cast);
        ffmk_across_destroy(node->across);
        for (uint32_t op = 0; op < w.ops; op++) {
            free(node->in[op]);
            free(node->out[op]);
        }
    }
}

static void run(uint64_t seed, bool deaths)
{
    begin(seed);
    const uint32_t most = deaths ? 1 + (uint32_t)ffmk_rng_below(&w.state, w.n - 1) : 0;
    for (uint32_t i = 0; i < most; i++) {
        const uint32_t who =
            ffmk_rng_below(&w.state, 2) ? i : (uint32_t)ffmk_rng_below(&w.state, w.n);
        w.node[who].die_after = 1 + ffmk_rng_below(&w.state, 12 * w.ops);
    }
    for (uint64_t steps = 0; !all_done(); steps++) {
        if (w.events == 0)
            FAIL("nothing happens any more");
        if (steps > 1000000)
            FAIL("does not end");
        struct event event = pop();
        virtual_ns = event.at > virtual_ns ? event.at : virtual_ns;
        happen(&event);
    }
    for (uint32_t op = 0; op < w.ops; op++)
        check_op(op);
    end();
}

START_TEST(operations_of_those_who_live)
{
    for (uint64_t seed = 1; seed <= 200; seed++)
        run(seed, false);
}
END_TEST

START_TEST(survivors_go_on_alike)
{
    const char *text = getenv("SN");
    for (uint64_t seed = 1000; seed <= 1000 + (text ? strtoull(text, NULL, 10) : 1000); seed++)
        run(seed, true);
}
END_TEST

START_TEST(the_network_is_looked_at_anew)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        const struct ffmk_cast_speed wrong = {
            .slot = 1000, .hop = seed % 2 ? 40 * MS : 1000, .patience = MS};
        begin(seed);
        w.ops = OPS;
        w.delay = 3 * MS + 1;
        for (uint32_t op = 0; op < OPS; op++) {
            w.plan[op].kind = FFMK_HOST_BARRIER;
            w.plan[op].poor = MOST;
        }
        for (uint32_t i = 0; i < w.n; i++)
            ffmk_across_set_speed(w.node[i].across, &wrong);
        /* Messages to oneself do not count: a look at each operation, and one answer is enough. */
        for (int round = 0; round < 20; round++) {
            for (uint32_t i = 0; i < w.n; i++)
                w.node[i].across->ask_at = 1;
            for (uint32_t i = 0; i < w.n; i++)
                ffmk_across_ask(w.node[i].across, virtual_ns);
            for (uint64_t until = virtual_ns + 10 * MS; w.events > 0 && w.heap[0].at < until;) {
                struct event event = pop();
                virtual_ns = event.at > virtual_ns ? event.at : virtual_ns;
                happen(&event);
            }
            virtual_ns += 10 * MS;
        }
        for (uint32_t i = 0; i < w.n; i++)
            if (w.node[i].across->speed.hop < 10000 || w.node[i].across->speed.hop > 4 * MS)
                FAIL("member %u takes a hop for %" PRIu64 " ns", i, w.node[i].across->speed.hop);
        for (uint32_t i = 0; i < w.n; i++)
            if (w.node[i].across->speed.slot != SEND_NS)
                FAIL("member %u takes a slot for %" PRIu64 " ns", i, w.node[i].across->speed.slot);
        end();
    }
}
END_TEST

CASES("across", operations_of_those_who_live, survivors_go_on_alike, the_network_is_looked_at_anew)
