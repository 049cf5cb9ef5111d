/* SPDX-License-Identifier: BSD-3-Clause
 * Whoever makes the endpoint go on: the lock, waiting for something to happen, and waking those
 * that sleep meanwhile.
 *
 * Why nobody sleeps through what he waits for: a turn in which a service was called makes the
 * generation another one, before it looks for sleepers; a sleeper is counted before he looks
 * whether the generation is the one that he saw when his last wait ended, before which he saw that
 * there was something to wait for. */
#include "gossip/net/endpoint_inside.h"

#include "core/clock.h"

#include <poll.h>
#include <sched.h>
#include <unistd.h>

/* Full batches at one look, for the lock is held and others want it. */
enum { ROUNDS = 16 };

/* The generation at the end of this thread's last wait. One that begins to wait has not seen
 * anything, and so does not sleep the first time. */
static _Thread_local uint64_t seen;

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void store(uint64_t *word, uint64_t value) /* NOLINT: written to */
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

void ffmk_endpoint_ring(int bell)
{
    uint64_t one = 1;
    (void)!write(bell, &one, sizeof one);
}

void ffmk_endpoint_silence(int bell)
{
    uint64_t rung;
    (void)!read(bell, &rung, sizeof rung);
}

bool ffmk_endpoint_is_attended(const struct ffmk_endpoint *endpoint, uint64_t now)
{
    return __atomic_load_n(&endpoint->attending, __ATOMIC_SEQ_CST) > 0 ||
           now < load(&endpoint->attended_at) + FFMK_ATTENDED_NS;
}

void ffmk_endpoint_enter(struct ffmk_endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
}

void ffmk_endpoint_lock(struct ffmk_endpoint *endpoint)
{
    ffmk_endpoint_enter(endpoint);
}

bool ffmk_endpoint_trylock(struct ffmk_endpoint *endpoint)
{
    return pthread_mutex_trylock(&endpoint->lock) == 0;
}

static uint64_t due_of(const struct ffmk_endpoint *endpoint)
{
    if (endpoint->fallen || endpoint->touched || (endpoint->excluded && !endpoint->told_excluded))
        return 0;
    return endpoint->services_due < endpoint->peers_due ? endpoint->services_due
                                                        : endpoint->peers_due;
}

/* The thread, if it sleeps, would look too late. It is not woken for that, for it would get up, set
 * its timer and lie down: the caller sets it. */
static void look_by(struct ffmk_endpoint *endpoint, uint64_t *thread_time, /* NOLINT: written to */
                    uint64_t time)
{
    uint64_t at = load(thread_time);
    if (time < at && __atomic_compare_exchange_n(thread_time, &at, time > 0 ? time : 1, false,
                                                 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ffmk_thread_wake_at(endpoint, time > 0 ? time : 1);
}

/* From now on it attends to nothing until this ends: its core and this thread's may be the same. */
static void take_from_thread(struct ffmk_endpoint *endpoint)
{
    ffmk_mailbox_attend(&endpoint->box, true);
    ffmk_thread_watch(endpoint, false);
}

/* It goes on with both when nobody has attended for a while. */
static void leave_to_thread(struct ffmk_endpoint *endpoint)
{
    const uint64_t due = load(&endpoint->due);
    const uint64_t end = load(&endpoint->attended_at) + FFMK_ATTENDED_NS;
    look_by(endpoint, &endpoint->thread_due, end < due ? end : due);
    look_by(endpoint, &endpoint->thread_wakes, load(&endpoint->held_until));
}

void ffmk_endpoint_leave(struct ffmk_endpoint *endpoint)
{
    if (endpoint->carrier)
        endpoint->thread_wanted = false;
    uint64_t due = due_of(endpoint);
    bool news = endpoint->worked || due < endpoint->due;
    if (due != endpoint->due)
        store(&endpoint->due, due);
    if (endpoint->worked)
        store(&endpoint->generation, endpoint->generation + 1);
    endpoint->worked = false;
    const bool is_thread = !endpoint->carrier && pthread_equal(pthread_self(), endpoint->thread);
    const bool alarm = endpoint->thread_wanted && !is_thread;
    if (alarm)
        endpoint->thread_wanted = false;
    if (!alarm && !is_thread && __atomic_load_n(&endpoint->attending, __ATOMIC_SEQ_CST) == 0)
        leave_to_thread(endpoint);
    pthread_mutex_unlock(&endpoint->lock);
    if (news && __atomic_load_n(&endpoint->sleepers, __ATOMIC_SEQ_CST) > 0)
        ffmk_endpoint_ring(endpoint->bell);
    if (alarm)
        ffmk_endpoint_ring(endpoint->alarm);
}

void ffmk_endpoint_unlock(struct ffmk_endpoint *endpoint)
{
    if (due_of(endpoint) == 0)
        ffmk_endpoint_turn(endpoint, ffmk_clock_ns());
    ffmk_endpoint_leave(endpoint);
}

/* What came, `n` of them in the batch, and what is behind it; then a turn. */
static void take_turn(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch, unsigned n,
                      uint64_t now)
{
    ffmk_endpoint_pass_time(endpoint, now);
    ffmk_mates_take(endpoint, now);
    for (int round = 1; n > 0; round++) {
        ffmk_post_handle(endpoint, batch, n, now);
        if (n < FFMK_BATCH || round == ROUNDS)
            break;
        ffmk_endpoint_turn(endpoint, now);
        n = ffmk_post_take(endpoint, batch);
    }
    ffmk_endpoint_turn(endpoint, now);
}

/* Without the lock: what came by the carrier. */
static bool look_at_carrier(struct ffmk_endpoint *endpoint, uint64_t now)
{
    if (pthread_mutex_trylock(&endpoint->lock) != 0)
        return false;
    ffmk_endpoint_pass_time(endpoint, now);
    endpoint->carrier->look(endpoint->carrier, endpoint);
    const bool worked = endpoint->worked || endpoint->due <= now;
    if (worked)
        ffmk_endpoint_turn(endpoint, now);
    ffmk_endpoint_leave(endpoint);
    return worked;
}

/* `n` datagrams are in the batch. \return whether there was something to do. */
static bool go_on_with(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch, unsigned n,
                       uint64_t now)
{
    if (n == 0) {
        if ((load(&endpoint->due) > now && load(&endpoint->held_until) == FFMK_NEVER &&
             !ffmk_mailbox_has(&endpoint->box)) ||
            pthread_mutex_trylock(&endpoint->lock) != 0)
            return false;
    } else {
        ffmk_endpoint_enter(endpoint);
    }
    take_turn(endpoint, batch, n, now);
    ffmk_endpoint_leave(endpoint);
    return true;
}

bool ffmk_endpoint_look(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch, uint64_t now)
{
    if (endpoint->carrier)
        return look_at_carrier(endpoint, now);
    return go_on_with(endpoint, batch, ffmk_post_take(endpoint, batch), now);
}

/* The same, by who has looked just now. */
static bool look_again(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch, uint64_t now)
{
    if (endpoint->carrier)
        return look_at_carrier(endpoint, now);
    return go_on_with(endpoint, batch, ffmk_post_take_one(endpoint, batch), now);
}

/* With the lock, and for so long as if it had waited. */
static void attend(struct ffmk_endpoint *endpoint, uint64_t now)
{
    store(&endpoint->attended_at, now);
    take_from_thread(endpoint);
    leave_to_thread(endpoint);
}

void ffmk_endpoint_glance(struct ffmk_endpoint *endpoint)
{
    struct ffmk_batch batch;
    ffmk_batch_create(&batch);
    const uint64_t now = ffmk_clock_ns();
    const unsigned n = ffmk_post_take(endpoint, &batch);
    if (n > 0 || load(&endpoint->due) <= now || ffmk_mailbox_has(&endpoint->box))
        take_turn(endpoint, &batch, n, now);
    attend(endpoint, now);
}

void ffmk_endpoint_glance_again(struct ffmk_endpoint *endpoint, uint64_t now)
{
    enum { EVERY_NS = 20000 };
    if (endpoint->carrier || now < load(&endpoint->attended_at) + EVERY_NS)
        return;
    if (__atomic_load_n(&endpoint->watches, __ATOMIC_SEQ_CST))
        attend(endpoint, now); /* the thread has seen what came, or waits for the lock to */
    else
        ffmk_endpoint_glance(endpoint);
}

static void sleep_for(struct ffmk_endpoint *endpoint, uint64_t now, uint64_t sleep_ns)
{
    pthread_mutex_lock(&endpoint->bed);
    __atomic_add_fetch(&endpoint->sleepers, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&endpoint->bed);
    uint64_t due = load(&endpoint->due);
    ffmk_mailbox_attend(&endpoint->box, false);
    if (load(&endpoint->generation) == seen && due > now && !ffmk_mailbox_has(&endpoint->box)) {
        if (due - now < sleep_ns)
            sleep_ns = due - now;
        struct pollfd files[] = {{.fd = endpoint->udp, .events = POLLIN},
                                 {.fd = endpoint->bell, .events = POLLIN}};
        struct timespec most = {.tv_sec = (time_t)(sleep_ns / 1000000000),
                                .tv_nsec = (long)(sleep_ns % 1000000000)};
        ppoll(files, 2, &most, NULL);
    }
    ffmk_mailbox_attend(&endpoint->box, true);
    /* The last one silences the bell: the others may not have heard it yet. */
    pthread_mutex_lock(&endpoint->bed);
    __atomic_add_fetch(&endpoint->risings, 1, __ATOMIC_SEQ_CST);
    if (__atomic_sub_fetch(&endpoint->sleepers, 1, __ATOMIC_SEQ_CST) == 0)
        ffmk_endpoint_silence(endpoint->bell);
    pthread_mutex_unlock(&endpoint->bed);
    if (__atomic_exchange_n(&endpoint->naps, false, __ATOMIC_SEQ_CST))
        ffmk_endpoint_ring(endpoint->alarm);
}

void ffmk_endpoint_wait(struct ffmk_endpoint *endpoint, uint64_t spin_ns, uint64_t sleep_ns)
{
    struct ffmk_batch batch;
    ffmk_batch_create(&batch);
    __atomic_add_fetch(&endpoint->attending, 1, __ATOMIC_SEQ_CST);
    take_from_thread(endpoint);
    uint64_t now = ffmk_clock_ns();
    const uint64_t until = now + spin_ns;
    bool went_on = ffmk_endpoint_look(endpoint, &batch, now);
    while (!went_on && now < until && load(&endpoint->generation) == seen) {
        /* Whoever is to answer may want this core, or the kernel's own thread that has the answer:
         * between network namespaces a hop took 45 us with 20 us of spinning before, 17 us so. */
        sched_yield();
        now = ffmk_clock_ns();
        went_on = look_again(endpoint, &batch, now);
    }
    if (!went_on && sleep_ns > 0 && !endpoint->carrier && load(&endpoint->generation) == seen) {
        sleep_for(endpoint, now, sleep_ns);
        now = ffmk_clock_ns();
        ffmk_endpoint_look(endpoint, &batch, now);
    }
    seen = load(&endpoint->generation);
    store(&endpoint->attended_at, now);
    if (__atomic_sub_fetch(&endpoint->attending, 1, __ATOMIC_SEQ_CST) == 0)
        leave_to_thread(endpoint);
}
