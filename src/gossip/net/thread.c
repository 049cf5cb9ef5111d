/* SPDX-License-Identifier: BSD-3-Clause
 * The endpoint's thread: streams always, datagrams and times while nobody else attends to them. So
 * that it costs a program that waits nothing, it does not look at the socket for datagrams then,
 * but every 2 ms whether somebody still does; not even that while they sleep. */
#include "gossip/net/endpoint_inside.h"

#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <event2/event.h>
#include <ffmk.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10 };

#ifdef FFMK_EVENT_INSIDE
/* What a libevent inside knows as stderr, see cmake/FfmkTargets.cmake; it has another way to speak.
 */
extern FILE *ffmk_event_stderr;
FILE *ffmk_event_stderr;

static void on_words(int severity, const char *words)
{
    (void)severity;
    ffmk_log_debug("libevent: %s", words);
}
#endif

static const uint64_t LEAST_PAUSE_NS = 1000000;
static const uint64_t MOST_PAUSE_NS = 10000000000;

static void on_alarm(evutil_socket_t alarm, short what, void *endpoint)
{
    (void)what;
    (void)endpoint;
    ffmk_endpoint_silence(alarm);
}

static void on_datagram(evutil_socket_t datagrams, short what, void *endpoint)
{
    (void)datagrams;
    (void)what;
    ((struct ffmk_endpoint *)endpoint)->datagrams_came = true;
}

static void on_time(evutil_socket_t timer, short what, void *argument)
{
    (void)what;
    struct ffmk_endpoint *endpoint = argument;
    pthread_mutex_lock(&endpoint->timing);
    ffmk_endpoint_silence(timer);
    __atomic_store_n(&endpoint->timer_at, FFMK_NEVER, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&endpoint->timing);
}

/* Not later than that: one that rings too early costs less than to be set each time. */
void ffmk_thread_wake_at(struct ffmk_endpoint *endpoint, uint64_t time)
{
    if (__atomic_load_n(&endpoint->timer_at, __ATOMIC_SEQ_CST) <= time)
        return;
    const struct itimerspec then = {
        .it_value = {.tv_sec = (time_t)(time / 1000000000), .tv_nsec = (long)(time % 1000000000)}};
    pthread_mutex_lock(&endpoint->timing);
    if (endpoint->timer_at > time) {
        timerfd_settime(endpoint->timer, TFD_TIMER_ABSTIME, &then, NULL);
        __atomic_store_n(&endpoint->timer_at, time, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&endpoint->timing);
}

/* Its event loop knows the set that the socket is in. A datagram wakes nobody who waits for the set
 * while that waits for nothing of the socket. */
void ffmk_thread_watch(struct ffmk_endpoint *endpoint, bool watch)
{
    if (__atomic_load_n(&endpoint->watches, __ATOMIC_SEQ_CST) == watch)
        return;
    pthread_mutex_lock(&endpoint->timing);
    if (endpoint->watches != watch) {
        struct epoll_event event = {.events = watch ? EPOLLIN : 0};
        epoll_ctl(endpoint->datagrams, EPOLL_CTL_MOD, endpoint->udp, &event);
        __atomic_store_n(&endpoint->watches, watch, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&endpoint->timing);
}

/* All who attend sleep, and nobody got up since the last look; so the first who does can wake the
 * thread. Whoever gets up is not counted any more before he looks whether it naps. */
static bool take_nap(struct ffmk_endpoint *endpoint)
{
    uint64_t risings = __atomic_load_n(&endpoint->risings, __ATOMIC_SEQ_CST);
    bool calm = risings == endpoint->risings_seen;
    endpoint->risings_seen = risings;
    if (!calm)
        return false;
    __atomic_store_n(&endpoint->naps, true, __ATOMIC_SEQ_CST);
    uint32_t sleepers = __atomic_load_n(&endpoint->sleepers, __ATOMIC_SEQ_CST);
    if (sleepers > 0 && sleepers == __atomic_load_n(&endpoint->attending, __ATOMIC_SEQ_CST))
        return true;
    __atomic_store_n(&endpoint->naps, false, __ATOMIC_SEQ_CST);
    return false;
}

/* How long to leave others alone that attend. */
static uint64_t pause_beside(struct ffmk_endpoint *endpoint, uint64_t now)
{
    if (take_nap(endpoint))
        return MOST_PAUSE_NS;
    uint64_t end = __atomic_load_n(&endpoint->attended_at, __ATOMIC_SEQ_CST) + FFMK_ATTENDED_NS;
    if (__atomic_load_n(&endpoint->attending, __ATOMIC_SEQ_CST) > 0 || end <= now)
        return FFMK_ATTENDED_NS;
    return end - now < LEAST_PAUSE_NS ? LEAST_PAUSE_NS : end - now;
}

/* What to wait for, and how long. Under the lock, so that a time that changes later is seen to be
 * before the one that is set here. \return false: not at all. */
static bool arrange(struct ffmk_endpoint *endpoint)
{
    ffmk_endpoint_enter(endpoint);
    uint64_t now = ffmk_clock_ns();
    bool attended = ffmk_endpoint_is_attended(endpoint, now);
    uint64_t due = attended ? 0 : __atomic_load_n(&endpoint->due, __ATOMIC_SEQ_CST);
    uint64_t pause = attended ? pause_beside(endpoint, now) : due > now ? due - now : 0;
    pause = pause > MOST_PAUSE_NS ? MOST_PAUSE_NS : pause;
    if (!attended)
        ffmk_mailbox_attend(&endpoint->box, false);
    if (endpoint->thread_wanted || (!attended && ffmk_mailbox_has(&endpoint->box)))
        pause = 0;
    const bool holds = __atomic_load_n(&endpoint->attending, __ATOMIC_SEQ_CST) == 0 &&
                       endpoint->held_until != FFMK_NEVER;
    if (holds && endpoint->held_until < now + pause)
        pause = endpoint->held_until > now ? endpoint->held_until - now : 0;
    __atomic_store_n(&endpoint->thread_due, due, __ATOMIC_SEQ_CST);
    __atomic_store_n(&endpoint->thread_wakes, now + pause, __ATOMIC_SEQ_CST);
    /* Who began to attend since, and left, has not seen that; so he is seen here: the box is still
     * attended to, as others see it. */
    if (!attended && ffmk_endpoint_is_attended(endpoint, now))
        pause = 0;
    ffmk_thread_watch(endpoint, !attended);
    pthread_mutex_unlock(&endpoint->lock);
    if (pause > 0)
        ffmk_thread_wake_at(endpoint, now + pause);
    return pause > 0;
}

static bool is_for_thread(const struct ffmk_endpoint *endpoint, uint64_t now)
{
    if (__atomic_load_n(&endpoint->attending, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_load_n(&endpoint->held_until, __ATOMIC_SEQ_CST) <= now)
        return true;
    return (endpoint->datagrams_came || ffmk_mailbox_has(&endpoint->box) ||
            __atomic_load_n(&endpoint->due, __ATOMIC_SEQ_CST) <= now) &&
           !ffmk_endpoint_is_attended(endpoint, now);
}

static void *run(void *argument)
{
    struct ffmk_endpoint *endpoint = argument;
    struct ffmk_batch batch;
    ffmk_batch_create(&batch);
    while (!__atomic_load_n(&endpoint->stop, __ATOMIC_ACQUIRE)) {
        const bool waits = arrange(endpoint);
        event_base_loop(endpoint->base, waits ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
        __atomic_store_n(&endpoint->thread_due, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&endpoint->thread_wakes, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&endpoint->naps, false, __ATOMIC_SEQ_CST);
        ffmk_streams_go_on(endpoint);
        uint64_t now = ffmk_clock_ns();
        if (is_for_thread(endpoint, now))
            ffmk_endpoint_look(endpoint, &batch, now);
        endpoint->datagrams_came = false;
    }
    return NULL;
}

static struct event_base *new_base(void)
{
#ifdef FFMK_EVENT_INSIDE
    event_set_log_callback(on_words);
#endif
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    /* One thread knows it; and its user's EVENT_* variables are for others. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void free_all(struct ffmk_endpoint *endpoint)
{
    int why = errno;
    ffmk_streams_close(endpoint);
    ffmk_mates_close(endpoint);
    free_event(endpoint->on_alarm);
    free_event(endpoint->on_datagram);
    free_event(endpoint->on_time);
    if (endpoint->timer >= 0)
        close(endpoint->timer);
    if (endpoint->datagrams >= 0)
        close(endpoint->datagrams);
    if (endpoint->base)
        event_base_free(endpoint->base);
    errno = why;
}

/* None of the program's signals comes to it. */
static int start_quietly(struct ffmk_endpoint *endpoint)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return ENOMEM;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&endpoint->thread, &attributes, run, endpoint);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed == 0)
        pthread_setname_np(endpoint->thread, "ffmk-net");
    return failed;
}

int ffmk_thread_start(struct ffmk_endpoint *endpoint)
{
    endpoint->base = new_base();
    endpoint->mates = endpoint->datagrams = endpoint->timer = -1;
    if (!endpoint->base)
        return FFMK_ERR_NO_MEMORY;
    endpoint->on_alarm =
        event_new(endpoint->base, endpoint->alarm, EV_READ | EV_PERSIST, on_alarm, endpoint);
    endpoint->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    endpoint->timer_at = FFMK_NEVER;
    endpoint->datagrams = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event none = {0};
    int code = FFMK_ERR_IO;
    if (endpoint->timer >= 0 && endpoint->datagrams >= 0 &&
        epoll_ctl(endpoint->datagrams, EPOLL_CTL_ADD, endpoint->udp, &none) == 0) {
        endpoint->on_time =
            event_new(endpoint->base, endpoint->timer, EV_READ | EV_PERSIST, on_time, endpoint);
        endpoint->on_datagram = event_new(endpoint->base, endpoint->datagrams, EV_READ | EV_PERSIST,
                                          on_datagram, endpoint);
        code = FFMK_ERR_NO_MEMORY;
    }
    if (endpoint->on_alarm && endpoint->on_datagram && endpoint->on_time &&
        event_add(endpoint->on_alarm, NULL) == 0 && event_add(endpoint->on_time, NULL) == 0 &&
        event_add(endpoint->on_datagram, NULL) == 0)
        code = ffmk_mates_open(endpoint);
    if (code == FFMK_SUCCESS)
        code = ffmk_streams_open(endpoint);
    if (code == FFMK_SUCCESS) {
        errno = start_quietly(endpoint);
        if (errno != 0)
            code = FFMK_ERR_IO;
    }
    if (code != FFMK_SUCCESS)
        free_all(endpoint);
    return code;
}

void ffmk_thread_stop(struct ffmk_endpoint *endpoint)
{
    __atomic_store_n(&endpoint->stop, true, __ATOMIC_RELEASE);
    ffmk_endpoint_ring(endpoint->alarm);
    pthread_join(endpoint->thread, NULL);
    free_all(endpoint);
}
