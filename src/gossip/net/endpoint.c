/* SPDX-License-Identifier: BSD-3-Clause
 * This process on the network: its beginning and its end. */
#include "gossip/net/endpoint_inside.h"

#include "core/clock.h"

#include <errno.h>
#include <ffmk.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The own clock does not advance by more at once. */
static const uint64_t MOST_STEP_NS = 100000000;

/* Between two looks whether all is acknowledged. */
static const uint64_t LINGER_STEP_NS = 1000000;

static void close_file(int file)
{
    if (file >= 0)
        close(file);
}

static void free_endpoint(struct ffmk_endpoint *endpoint)
{
    int why = errno;
    ffmk_peers_free(endpoint);
    ffmk_mailbox_close(&endpoint->box);
    close_file(endpoint->udp);
    close_file(endpoint->bell);
    close_file(endpoint->alarm);
    pthread_mutex_destroy(&endpoint->lock);
    pthread_mutex_destroy(&endpoint->bed);
    pthread_mutex_destroy(&endpoint->timing);
    free(endpoint);
    errno = why;
}

static bool make_card(struct ffmk_card *card)
{
    uint8_t id[FFMK_SEAL_KEY_BYTES];
    do {
        if (!ffmk_seal_make_key(card->key) || !ffmk_seal_make_key(id))
            return false;
        memcpy(&card->id, id, sizeof card->id);
    } while (card->id == 0);
    return true;
}

static int open_all(struct ffmk_endpoint *endpoint, const char *interface)
{
    if (endpoint->carrier)
        return FFMK_SUCCESS;
    endpoint->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    endpoint->alarm = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (endpoint->bell < 0 || endpoint->alarm < 0 || !make_card(&endpoint->card))
        return FFMK_ERR_IO;
    if (ffmk_mailbox_open(&endpoint->box, endpoint->card.id))
        endpoint->card.mailbox = (uint32_t)endpoint->box.file + 1;
    int code = ffmk_post_open(endpoint);
    if (code == FFMK_SUCCESS)
        code = ffmk_address_fill(&endpoint->card, interface, endpoint->ipv6);
    if (code == FFMK_SUCCESS)
        code = ffmk_thread_start(endpoint);
    return code;
}

int ffmk_endpoint_open(const struct ffmk_endpoint_options *options,
                       struct ffmk_endpoint **endpoint_p)
{
    struct ffmk_endpoint *endpoint = calloc(1, sizeof *endpoint);
    if (!endpoint)
        return FFMK_ERR_NO_MEMORY;
    endpoint->carrier = options->carrier;
    endpoint->card.id = options->id;
    endpoint->udp = endpoint->bell = endpoint->alarm = endpoint->streams.listener = -1;
    endpoint->box.file = -1;
    pthread_mutexattr_t adaptive;
    pthread_mutexattr_init(&adaptive);
    pthread_mutexattr_settype(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&endpoint->lock, &adaptive);
    pthread_mutexattr_destroy(&adaptive);
    pthread_mutex_init(&endpoint->bed, NULL);
    pthread_mutex_init(&endpoint->timing, NULL);
    endpoint->detect_after_ns = options->detect_after_ns;
    endpoint->step_ns = options->detect_after_ns / 4;
    if (endpoint->step_ns > MOST_STEP_NS)
        endpoint->step_ns = MOST_STEP_NS;
    endpoint->loss = options->loss;
    endpoint->seed = options->seed;
    endpoint->due = endpoint->services_due = endpoint->peers_due = FFMK_NEVER;
    endpoint->held_until = FFMK_NEVER;
    endpoint->seen_ns = ffmk_clock_ns();
    endpoint->generation = endpoint->seen_ns; /* none that a thread has seen */
    int code = open_all(endpoint, options->interface);
    if (code != FFMK_SUCCESS) {
        free_endpoint(endpoint);
        return code;
    }
    *endpoint_p = endpoint;
    return FFMK_SUCCESS;
}

static bool is_all_done(const struct ffmk_endpoint *endpoint)
{
    return !endpoint->active;
}

void ffmk_endpoint_close(struct ffmk_endpoint *endpoint, uint64_t linger_ns)
{
    uint64_t end = ffmk_clock_ns() + linger_ns;
    for (;;) {
        ffmk_endpoint_enter(endpoint);
        bool done = is_all_done(endpoint);
        ffmk_endpoint_unlock(endpoint);
        if (done || ffmk_clock_ns() >= end)
            break;
        ffmk_endpoint_wait(endpoint, 0, LINGER_STEP_NS);
    }
    if (!endpoint->carrier)
        ffmk_thread_stop(endpoint);
    free_endpoint(endpoint);
}

const struct ffmk_card *ffmk_endpoint_card(const struct ffmk_endpoint *endpoint)
{
    return &endpoint->card;
}

uint64_t ffmk_endpoint_detect_after(const struct ffmk_endpoint *endpoint)
{
    return endpoint->detect_after_ns;
}

bool ffmk_endpoint_is_excluded(const struct ffmk_endpoint *endpoint)
{
    return endpoint->excluded;
}

struct ffmk_endpoint_counts ffmk_endpoint_counts(const struct ffmk_endpoint *endpoint)
{
    const struct ffmk_endpoint_counts *now = &endpoint->counts;
    struct ffmk_endpoint_counts counts = {
        .messages = __atomic_load_n(&now->messages, __ATOMIC_RELAXED),
        .datagrams = __atomic_load_n(&now->datagrams, __ATOMIC_RELAXED),
        .repeats = __atomic_load_n(&now->repeats, __ATOMIC_RELAXED),
        .stream_frames = __atomic_load_n(&now->stream_frames, __ATOMIC_RELAXED),
        .refused = __atomic_load_n(&now->refused, __ATOMIC_RELAXED)};
    return counts;
}
