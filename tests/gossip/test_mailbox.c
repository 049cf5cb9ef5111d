/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: messages of whatever size come out as they were put in, in order, once, also
 * around the end of a lane; what does not fit, or comes to a box nobody attends to, is left to
 * another way; between one who falls asleep and one who puts something in nothing is overlooked;
 * a box that is another's, gone, full, or has nonsense in it, harms nobody. */
#include "core/rng.h"
#include "gossip/net/mailbox.h"

#include "cases.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t ID = 77;

static struct ffmk_outbox *way_into(const struct ffmk_mailbox *box, uint64_t from)
{
    return ffmk_outbox_open(getpid(), box->file, ID, from);
}

/* What sender `from` puts in as its n-th message. */
static size_t message_of(uint64_t from, uint64_t n, unsigned char *bytes)
{
    uint64_t state = ffmk_rng_mix(from * 1000003 + n);
    static const size_t most[] = {1, 40, 40, 3000, 70000, FFMK_MAILBOX_MOST_BYTES};
    const size_t length = (size_t)ffmk_rng_below(&state, most[ffmk_rng_below(&state, 6)] + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(ffmk_rng_mix(n + from) + i * 7);
    return length;
}

struct got {
    uint64_t n[FFMK_MAILBOX_LANES + 1]; /* by sender */
    uint64_t stop_after;
};

static bool take(void *self, uint64_t from, const uint8_t *message, size_t bytes)
{
    static unsigned char expected[FFMK_MAILBOX_MOST_BYTES];
    struct got *got = self;
    ck_assert_uint_le(from, FFMK_MAILBOX_LANES);
    const size_t length = message_of(from, got->n[from], expected);
    ck_assert_uint_eq(bytes, length);
    ck_assert_int_eq(memcmp(message, expected, length), 0);
    got->n[from]++;
    return got->stop_after == 0 || --got->stop_after > 0;
}

START_TEST(messages_come_out_as_they_went_in)
{
    enum { SENDERS = 3, STEPS = 20000 };
    static unsigned char bytes[FFMK_MAILBOX_MOST_BYTES];
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct ffmk_mailbox box;
        struct ffmk_outbox *out[SENDERS];
        struct got got = {0};
        uint64_t sent[SENDERS] = {0};
        uint64_t state = seed;
        uint64_t full = 0;
        ck_assert(ffmk_mailbox_open(&box, ID));
        ffmk_mailbox_attend(&box, true);
        for (int i = 0; i < SENDERS; i++)
            ck_assert_ptr_nonnull(out[i] = way_into(&box, (uint64_t)i + 1));
        for (int step = 0; step < STEPS; step++) {
            const int i = (int)ffmk_rng_below(&state, SENDERS);
            if (ffmk_rng_below(&state, 4) == 0) {
                got.stop_after = ffmk_rng_below(&state, 8);
                ffmk_mailbox_empty(&box, take, &got);
                continue;
            }
            const size_t length = message_of((uint64_t)i + 1, sent[i], bytes);
            const size_t head = (size_t)ffmk_rng_below(&state, length + 1);
            const enum ffmk_outbox_answer answer =
                ffmk_outbox_put(out[i], bytes, head, bytes + head, length - head);
            ck_assert_int_ne(answer, FFMK_OUTBOX_RING);
            sent[i] += answer == FFMK_OUTBOX_IN;
            full += answer == FFMK_OUTBOX_NO;
        }
        got.stop_after = 0;
        for (int i = 0; i < SENDERS; i++) {
            /* What was left of a look that stopped is looked for only when more arrives. */
            while (ffmk_outbox_put(out[i], bytes, message_of((uint64_t)i + 1, sent[i], bytes), NULL,
                                   0) == FFMK_OUTBOX_NO)
                ffmk_mailbox_empty(&box, take, &got);
            sent[i]++;
        }
        ffmk_mailbox_empty(&box, take, &got);
        ck_assert(!ffmk_mailbox_has(&box));
        for (int i = 0; i < SENDERS; i++) {
            ck_assert_msg(got.n[i + 1] == sent[i] && sent[i] > STEPS / 8, "seed %d: %d of %d",
                          (int)seed, (int)got.n[i + 1], (int)sent[i]);
            ck_assert(ffmk_outbox_is_empty(out[i]));
            ffmk_outbox_close(out[i]);
        }
        ck_assert_uint_gt(full, 0);
        ffmk_mailbox_close(&box);
    }
}
END_TEST

START_TEST(what_cannot_be_taken_goes_another_way)
{
    static unsigned char bytes[FFMK_MAILBOX_MOST_BYTES + 1];
    struct ffmk_mailbox box;
    ck_assert(ffmk_mailbox_open(&box, ID));
    struct ffmk_outbox *out = way_into(&box, 1);
    ck_assert_int_eq(ffmk_outbox_put(out, bytes, 8, NULL, 0), FFMK_OUTBOX_NO); /* not attended */
    ffmk_mailbox_attend(&box, true);
    ck_assert_int_eq(ffmk_outbox_put(out, bytes, sizeof bytes, NULL, 0), FFMK_OUTBOX_NO);
    ck_assert(ffmk_outbox_is_empty(out));
    int n = 0;
    while (ffmk_outbox_put(out, bytes, 60000, NULL, 0) == FFMK_OUTBOX_IN)
        n++;
    ck_assert_int_eq(n, FFMK_MAILBOX_LANE_BYTES / 60008);
    ck_assert(!ffmk_outbox_is_empty(out));
    ffmk_outbox_close(out);
    ffmk_mailbox_close(&box);
}
END_TEST

/* ---- falling asleep ---- */

enum { MANY = 50000 };
static struct ffmk_mailbox shared_box;
static int bell;

static bool count(void *self, uint64_t from, const uint8_t *message, size_t bytes)
{
    (void)from;
    (void)message;
    (void)bytes;
    ++*(uint64_t *)self;
    return true;
}

static void *sender(void *nothing)
{
    struct ffmk_outbox *out = way_into(&shared_box, 1);
    const uint64_t word = 1;
    uint64_t state = 5;
    ck_assert_ptr_nonnull(out);
    for (uint64_t i = 0; i < MANY;) {
        const enum ffmk_outbox_answer answer = ffmk_outbox_put(out, &i, sizeof i, NULL, 0);
        if (answer == FFMK_OUTBOX_RING)
            ck_assert_int_eq(write(bell, &word, sizeof word), sizeof word);
        i += answer != FFMK_OUTBOX_NO;
        for (uint64_t spin = ffmk_rng_below(&state, 60); spin > 0; spin--)
            __asm__ volatile("");
    }
    ffmk_outbox_close(out);
    return nothing;
}

START_TEST(nothing_is_overlooked)
{
    pthread_t thread;
    uint64_t got = 0;
    uint64_t state = 9;
    uint64_t sleeps = 0;
    bell = eventfd(0, EFD_NONBLOCK);
    ck_assert(ffmk_mailbox_open(&shared_box, ID));
    ffmk_mailbox_attend(&shared_box, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, sender, NULL), 0);
    while (got < MANY) {
        for (uint64_t look = ffmk_rng_below(&state, 20); look > 0; look--)
            ffmk_mailbox_empty(&shared_box, count, &got);
        ffmk_mailbox_attend(&shared_box, false);
        if (!ffmk_mailbox_has(&shared_box)) {
            /* What comes from now on rings, or is not put in. */
            uint64_t rung;
            struct pollfd file = {.fd = bell, .events = POLLIN};
            for (int spin = 0; spin < 2000 && !ffmk_mailbox_has(&shared_box); spin++)
                __asm__ volatile("");
            ck_assert_msg(!ffmk_mailbox_has(&shared_box) || poll(&file, 1, 2000) == 1,
                          "message %d lies there, and nobody rings", (int)got);
            (void)!read(bell, &rung, sizeof rung);
            sleeps++;
        }
        ffmk_mailbox_attend(&shared_box, true);
    }
    pthread_join(thread, NULL);
    ck_assert_uint_eq(got, MANY);
    ck_assert_uint_gt(sleeps, 20);
    close(bell);
    ffmk_mailbox_close(&shared_box);
}
END_TEST

/* ---- what is not as it should be ---- */

START_TEST(another_ones_box_is_not_found)
{
    struct ffmk_mailbox box;
    int ends[2];
    ck_assert(ffmk_mailbox_open(&box, ID));
    ck_assert_ptr_null(ffmk_outbox_open(getpid(), box.file, ID + 1, 1));
    ck_assert_ptr_null(ffmk_outbox_open(getpid(), 9999, ID, 1));
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_ptr_null(ffmk_outbox_open(getpid(), ends[0], ID, 1));
    const int null = open("/dev/null", O_RDWR);
    ck_assert_ptr_null(ffmk_outbox_open(getpid(), null, ID, 1));
    const int empty = memfd_create("empty", 0);
    ck_assert_ptr_null(ffmk_outbox_open(getpid(), empty, ID, 1));
    struct stat file;
    ck_assert_int_eq(fstat(box.file, &file), 0);
    ck_assert_int_eq(ftruncate(empty, file.st_size), 0);
    ck_assert_ptr_null(ffmk_outbox_open(getpid(), empty, ID, 1));
    ck_assert_int_ne(ftruncate(box.file, 0), 0); /* nobody can take its pages away */
    struct ffmk_outbox *out[FFMK_MAILBOX_LANES];
    for (int i = 0; i < FFMK_MAILBOX_LANES; i++)
        ck_assert_ptr_nonnull(out[i] = way_into(&box, (uint64_t)i + 1));
    ck_assert_ptr_null(way_into(&box, 1000));
    for (int i = 0; i < FFMK_MAILBOX_LANES; i++)
        ffmk_outbox_close(out[i]);
    ffmk_mailbox_close(&box);
}
END_TEST

static bool measure(void *self, uint64_t from, const uint8_t *message, size_t bytes)
{
    (void)from;
    ck_assert_uint_le(bytes, FFMK_MAILBOX_MOST_BYTES);
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum += message[i];
    *(uint64_t *)self += sum;
    return true;
}

START_TEST(nonsense_harms_nobody)
{
    struct stat file;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t state = seed;
        uint64_t sum = 0;
        struct ffmk_mailbox box;
        ck_assert(ffmk_mailbox_open(&box, ID));
        ffmk_mailbox_attend(&box, true);
        struct ffmk_outbox *out = way_into(&box, 1);
        ffmk_outbox_put(out, "a message", 9, NULL, 0);
        ck_assert_int_eq(fstat(box.file, &file), 0);
        uint64_t *words =
            mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, box.file, 0);
        ck_assert_ptr_ne(words, MAP_FAILED);
        /* Mostly where heads and the beginning of the lane are. */
        for (int i = 0; i < 40; i++) {
            const uint64_t at = 2 + ffmk_rng_below(&state, i % 2 ? 60 : 3000);
            words[at] =
                ffmk_rng_below(&state, 3) ? ffmk_rng_below(&state, 1 << 21) : ffmk_rng_next(&state);
        }
        ffmk_mailbox_empty(&box, measure, &sum);
        for (int i = 0; i < 3; i++)
            ffmk_outbox_put(out, "more of it", 10, NULL, 0);
        ffmk_mailbox_empty(&box, measure, &sum);
        munmap(words, (size_t)file.st_size);
        ffmk_outbox_close(out);
        ffmk_mailbox_close(&box);
    }
}
END_TEST

CASES("mailbox", messages_come_out_as_they_went_in, what_cannot_be_taken_goes_another_way,
      nothing_is_overlooked, another_ones_box_is_not_found, nonsense_harms_nobody)
