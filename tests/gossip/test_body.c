/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves of bodies: messages one behind the other come out as they went in; pieces in any
 * order, of several messages at once, make each message whole once; what makes no sense is refused
 * without harm, and memory for it is bounded. */
#include "core/rng.h"
#include "gossip/net/body.h"

#include "cases.h"
#include <stdlib.h>
#include <string.h>

START_TEST(messages_come_out_as_they_went_in)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t state = seed;
        uint8_t body[FFMK_DATAGRAM_BODY_BYTES];
        uint8_t bytes[FFMK_DATAGRAM_BODY_BYTES];
        struct ffmk_part sent[40];
        size_t n = 0;
        size_t filled = 0;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)ffmk_rng_next(&state);
        while (n < 40) {
            struct ffmk_part *part = &sent[n];
            *part =
                (struct ffmk_part){.length = 1 + ffmk_rng_below(&state, 100), .bytes = bytes + n};
            if (ffmk_rng_below(&state, 2)) {
                part->is_piece = true;
                part->number = (uint32_t)ffmk_rng_next(&state);
                part->total = 200 + (uint32_t)ffmk_rng_below(&state, 8000);
                part->offset = (uint32_t)ffmk_rng_below(&state, part->total - part->length + 1);
            }
            if (filled + FFMK_BODY_PIECE_HEAD_BYTES + part->length > sizeof body)
                break;
            filled += ffmk_part_put(part, body + filled);
            n++;
        }
        const uint8_t *at = body;
        for (size_t i = 0; i < n; i++) {
            struct ffmk_part part;
            ck_assert(ffmk_part_get(&at, body + filled, &part));
            ck_assert_int_eq(part.is_piece, sent[i].is_piece);
            ck_assert_uint_eq(part.number, sent[i].number);
            ck_assert_uint_eq(part.total, sent[i].total);
            ck_assert_uint_eq(part.offset, sent[i].offset);
            ck_assert_uint_eq(part.length, sent[i].length);
            ck_assert_mem_eq(part.bytes, sent[i].bytes, part.length);
        }
        ck_assert_ptr_eq(at, body + filled);
    }
}
END_TEST

/* Some messages' pieces, shuffled. */
START_TEST(pieces_in_any_order_are_a_message_once)
{
    enum { MESSAGES = 5, PIECE = 700, MOST = 12 };
    static uint8_t message[MESSAGES][FFMK_BODY_TORN_BYTES];
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t state = seed;
        struct ffmk_part piece[MESSAGES * (MOST + 1)];
        size_t n = 0;
        for (uint32_t m = 0; m < MESSAGES; m++) {
            const uint32_t total =
                PIECE + 1 + (uint32_t)ffmk_rng_below(&state, FFMK_BODY_TORN_BYTES - PIECE);
            for (uint32_t i = 0; i < total; i++)
                message[m][i] = (uint8_t)ffmk_rng_next(&state);
            for (uint32_t at = 0; at < total; at += PIECE)
                piece[n++] = (struct ffmk_part){.is_piece = true,
                                                .number = 100 + m,
                                                .total = total,
                                                .offset = at,
                                                .bytes = message[m] + at,
                                                .length = total - at < PIECE ? total - at : PIECE};
        }
        for (size_t i = n; i-- > 1;) {
            const size_t j = ffmk_rng_below(&state, i + 1);
            const struct ffmk_part other = piece[i];
            piece[i] = piece[j];
            piece[j] = other;
        }
        struct ffmk_torn *torn = NULL;
        size_t whole = 0;
        for (size_t i = 0; i < n; i++) {
            struct ffmk_torn *done;
            const enum ffmk_torn_state came = ffmk_torn_add(&torn, &piece[i], &done);
            if (came != FFMK_TORN_WHOLE) {
                ck_assert_int_eq(came, FFMK_TORN_LACKS_SOME);
                continue;
            }
            whole++;
            ck_assert_uint_eq(done->total, piece[i].total);
            ck_assert_mem_eq(done->bytes, message[done->number - 100], done->total);
            free(done);
        }
        ck_assert_uint_eq(whole, MESSAGES);
        ck_assert_ptr_null(torn);
    }
}
END_TEST

static struct ffmk_part piece_of(uint32_t number, uint32_t total, uint32_t offset, size_t length)
{
    static const uint8_t bytes[FFMK_BODY_TORN_BYTES];
    return (struct ffmk_part){.is_piece = true,
                              .number = number,
                              .total = total,
                              .offset = offset,
                              .bytes = bytes,
                              .length = length};
}

START_TEST(nonsense_is_refused)
{
    uint8_t body[64];
    const uint8_t *at = body;
    struct ffmk_part part;
    const struct ffmk_part bad[] = {piece_of(1, FFMK_BODY_TORN_BYTES + 1, 0, 8),
                                    piece_of(1, 100, 101, 8), piece_of(1, 100, 93, 8),
                                    piece_of(1, 100, UINT32_MAX, 8)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const size_t bytes = ffmk_part_put(&bad[i], body);
        ck_assert(!ffmk_part_get(&at, body + bytes, &part));
    }
    const struct ffmk_part good = piece_of(1, 100, 92, 8);
    const size_t bytes = ffmk_part_put(&good, body);
    for (size_t cut = 0; cut < bytes; cut++)
        ck_assert(!ffmk_part_get(&at, body + cut, &part));
    ck_assert_ptr_eq(at, body);
    ck_assert(ffmk_part_get(&at, body + bytes, &part));
    memset(body, 0, sizeof body); /* a message of no bytes would be one without end */
    at = body;
    ck_assert(!ffmk_part_get(&at, body + sizeof body, &part));
}
END_TEST

START_TEST(memory_for_pieces_is_bounded)
{
    struct ffmk_torn *torn = NULL;
    struct ffmk_torn *whole;
    struct ffmk_part piece = piece_of(1, 1000, 0, 600);
    ck_assert_int_eq(ffmk_torn_add(&torn, &piece, &whole), FFMK_TORN_LACKS_SOME);
    piece = piece_of(1, 1000, 300, 600); /* more than there is */
    ck_assert_int_eq(ffmk_torn_add(&torn, &piece, &whole), FFMK_TORN_NONSENSE);
    piece = piece_of(1, 900, 600, 300); /* another total */
    ck_assert_int_eq(ffmk_torn_add(&torn, &piece, &whole), FFMK_TORN_NONSENSE);
    for (uint32_t i = 2; i <= FFMK_BODY_MOST_TORN; i++) {
        piece = piece_of(i, 1000, 0, 1);
        ck_assert_int_eq(ffmk_torn_add(&torn, &piece, &whole), FFMK_TORN_LACKS_SOME);
    }
    piece = piece_of(0, 1000, 0, 1);
    ck_assert_int_eq(ffmk_torn_add(&torn, &piece, &whole), FFMK_TORN_NONSENSE);
    piece = piece_of(1, 1000, 600, 400);
    ck_assert_int_eq(ffmk_torn_add(&torn, &piece, &whole), FFMK_TORN_WHOLE);
    free(whole);
    ffmk_torn_free(&torn);
    ck_assert_ptr_null(torn);
}
END_TEST

CASES("body", messages_come_out_as_they_went_in, pieces_in_any_order_are_a_message_once,
      nonsense_is_refused, memory_for_pieces_is_bounded)
