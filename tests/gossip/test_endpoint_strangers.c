/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: what strangers send to an endpoint changes nothing, and is counted; a stream that
 * breaks at any point goes on with what was not acknowledged, and what comes twice is taken once.
 */
#include "endpoint_node.h"

#include "gossip/net/address.h"
#include "gossip/net/datagram.h"
#include "gossip/net/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

/* The last one is no peer but has seen the card of the first. */

static int connect_to(const struct ffmk_card *card)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(card->tcp_port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int file = socket(AF_INET, SOCK_STREAM, 0);
    NEED(file >= 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    NEED(connect(file, (const struct sockaddr *)&to, sizeof to) == 0);
    return file;
}

static void put(int file, const void *bytes, size_t n)
{
    (void)!send(file, bytes, n, MSG_NOSIGNAL);
}

/* It closes the connection. */
static void need_end(int file)
{
    char byte[100];
    ssize_t n;
    do
        n = recv(file, byte, sizeof byte, 0);
    while (n > 0);
    NEED(n == 0 || errno == ECONNRESET);
    close(file);
}

static void hostile_streams(const struct ffmk_card *card, const struct ffmk_card *peer)
{
    uint8_t hello[FFMK_FRAME_SHORT_BYTES];
    uint8_t garbage[500];
    uint64_t state = 3;
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (uint8_t)ffmk_rng_next(&state);
    int silent = connect_to(card);
    put(silent, garbage, 20);

    int file = connect_to(card);
    put(file, garbage, sizeof garbage);
    need_end(file);

    /* A hello with another's key, then one of somebody unknown. */
    struct ffmk_frame_head head = {.kind = FFMK_FRAME_HELLO, .from = peer->id, .number = card->id};
    ffmk_frame_put_short(&head, peer->key, hello);
    file = connect_to(card);
    put(file, hello, sizeof hello);
    need_end(file);
    head.from = 77;
    ffmk_frame_put_short(&head, card->key, hello);
    file = connect_to(card);
    put(file, hello, sizeof hello);
    need_end(file);

    /* A good one, but what follows is not: too long, wrong seal, ahead of its turn. */
    head.from = peer->id;
    ffmk_frame_put_short(&head, card->key, hello);
    for (int what = 0; what < 3; what++) {
        uint8_t frame[FFMK_FRAME_HEAD_BYTES + 100 + FFMK_SEAL_BYTES] = {0};
        struct ffmk_frame_head bad = {.kind = FFMK_FRAME_MESSAGE,
                                      .from = peer->id,
                                      .number = what == 2 ? UINT64_C(1) << 40 : 1,
                                      .length = what == 0 ? UINT64_MAX - 40 : 100};
        ffmk_frame_put_head(&bad, frame);
        if (what == 2)
            ffmk_seal(card->key, frame, sizeof frame - FFMK_SEAL_BYTES,
                      frame + sizeof frame - FFMK_SEAL_BYTES);
        file = connect_to(card);
        put(file, hello, sizeof hello);
        put(file, frame, sizeof frame);
        need_end(file);
    }
    /* More than it waits for. */
    int many[100];
    for (int i = 0; i < 100; i++)
        many[i] = connect_to(card);
    need_end(silent);
    for (int i = 0; i < 100; i++)
        close(many[i]);
}

static void hostile_datagrams(const struct ffmk_card *card, const struct ffmk_card *peer)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(card->udp_port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    uint8_t bytes[9000];
    static const uint8_t body[1000];
    uint64_t state = 8;
    for (int i = 0; i < 1500; i++) {
        size_t n = ffmk_rng_below(&state, 1400);
        for (size_t at = 0; at < n; at++)
            bytes[at] = (uint8_t)ffmk_rng_next(&state);
        if (i % 5 != 0) {
            struct ffmk_datagram datagram = {.from = peer->id,
                                             .to = card->id,
                                             .excluded = i % 5 == 1,
                                             .sequence = i % 5 == 1 ? 0 : 1 + (uint64_t)i,
                                             .come = 5,
                                             .body = body,
                                             .body_bytes = i % 5 == 1 ? 0 : 1000};
            if (i % 5 == 4)
                datagram.from = 99; /* sealed well, but of nobody */
            n = ffmk_datagram_put(&datagram, i % 5 >= 3 ? card->key : peer->key, bytes);
            if (i % 5 == 2)
                n = sizeof bytes; /* of which the beginning looks well */
            if (i % 5 == 3)
                n -= 1 + ffmk_rng_below(&state, n - 1);
        }
        sendto(file, bytes, n, 0, (const struct sockaddr *)&to, sizeof to);
        if (i % 50 == 0)
            usleep(1000);
    }
    close(file);
}

static void meet_strangers(void)
{
    if (node.me == 2) {
        while (load(&shared->stage[2]) < 2)
            usleep(1000);
        hostile_datagrams(&shared->card[0], &shared->card[1]);
        hostile_streams(&shared->card[0], &shared->card[1]);
        add(&shared->flag[0]);
        return;
    }
    static uint8_t message[LARGE_BYTES];
    node.receive = check_message;
    node.n = 2;
    open_node(5000 * ms, 0);
    add(&shared->stage[2]);
    for (uint32_t number = 0; number < MESSAGES; number++) {
        write_message(number, node.me, !node.me, message);
        send_to(!node.me, message, bytes_of(number));
        ffmk_endpoint_wait(node.endpoint, 0, ms);
    }
    while (load(&got_in_all) < MESSAGES || !load(&shared->flag[0]))
        ffmk_endpoint_wait(node.endpoint, 0, 10 * ms);
    meet_at(3, 2);
    NEED(shared->died[node.me][!node.me] == 0 && shared->excluded[node.me] == 0);
    struct ffmk_endpoint_counts counts = ffmk_endpoint_counts(node.endpoint);
    /* Some datagrams may have found the socket full. */
    NEED(node.me == 0 ? counts.refused > 1400 : counts.refused == 0);
    meet_at(4, 2);
    close_node();
}

START_TEST(what_strangers_send_changes_nothing)
{
    run(3, meet_strangers);
}
END_TEST

/* A peer by hand: streams that break, and say things twice. */

static struct ffmk_card by_hand;
static const char *const texts[] = {"first", "second", "third"};

static void put_frame(int file, uint64_t sequence)
{
    uint8_t frame[FFMK_FRAME_HEAD_BYTES + 108 + FFMK_SEAL_BYTES] = {0};
    struct ffmk_frame_head head = {
        .kind = FFMK_FRAME_MESSAGE, .from = by_hand.id, .number = sequence, .length = 108};
    ffmk_frame_put_head(&head, frame);
    memcpy(frame + FFMK_FRAME_HEAD_BYTES, &NAME, sizeof NAME);
    strcpy((char *)frame + FFMK_FRAME_HEAD_BYTES + 8, texts[sequence - 1]);
    ffmk_seal(shared->card[0].key, frame, sizeof frame - FFMK_SEAL_BYTES,
              frame + sizeof frame - FFMK_SEAL_BYTES);
    put(file, frame, sizeof frame);
}

static bool get(int file, void *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got_now = recv(file, (char *)bytes + at, n - at, 0);
        if (got_now <= 0)
            return false;
        at += (size_t)got_now;
    }
    return true;
}

static struct ffmk_frame_head get_short(int file, enum ffmk_frame_kind kind)
{
    uint8_t bytes[FFMK_FRAME_SHORT_BYTES];
    struct ffmk_frame_head head;
    NEED(get(file, bytes, sizeof bytes));
    NEED(ffmk_frame_get_short(bytes, by_hand.key, kind, &head) && head.from == shared->card[0].id);
    return head;
}

static void need_frame(int file, uint64_t sequence)
{
    static uint8_t frame[FFMK_FRAME_HEAD_BYTES + 100000 + FFMK_SEAL_BYTES];
    struct ffmk_frame_head head;
    NEED(get(file, frame, FFMK_FRAME_HEAD_BYTES));
    NEED(ffmk_frame_get_head(frame, &head) && head.number == sequence);
    NEED(head.length > FFMK_PEER_AT_ONCE_BYTES && head.length <= 100000);
    NEED(get(file, frame + FFMK_FRAME_HEAD_BYTES, head.length + FFMK_SEAL_BYTES));
    NEED(ffmk_seal_fits(by_hand.key, frame, FFMK_FRAME_HEAD_BYTES + head.length,
                        frame + FFMK_FRAME_HEAD_BYTES + head.length));
}

static void put_short(int file, enum ffmk_frame_kind kind, uint64_t number)
{
    uint8_t bytes[FFMK_FRAME_SHORT_BYTES];
    struct ffmk_frame_head head = {.kind = kind, .from = by_hand.id, .number = number};
    ffmk_frame_put_short(&head, shared->card[0].key, bytes);
    put(file, bytes, sizeof bytes);
}

static uint32_t texts_come;

static void take_text(int from, const uint8_t *message, size_t bytes)
{
    NEED(from == 1 && bytes == 100 && texts_come < 3);
    NEED(strcmp((const char *)message, texts[load(&texts_come)]) == 0);
    add(&texts_come);
}

static int accept_one(int listener)
{
    int file = accept(listener, NULL, NULL);
    NEED(file >= 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    NEED(get_short(file, FFMK_FRAME_HELLO).number == by_hand.id);
    return file;
}

static void break_streams(void)
{
    /* Only the thread works here: nobody waits. */
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    NEED(listen(listener, 5) == 0);
    by_hand = (struct ffmk_card){.id = 42, .key = "another's key !", .addresses = 1};
    by_hand.address[0].family = 4;
    memcpy(by_hand.address[0].bytes, (const uint8_t[]){127, 0, 0, 1}, 4);
    by_hand.tcp_port = ffmk_address_bound_port(listener);
    by_hand.udp_port = 9;
    node.receive = take_text;
    open_node(20000 * ms, 0);
    ffmk_endpoint_lock(node.endpoint);
    node.n = 2;
    node.peer[1] = ffmk_endpoint_meet(node.endpoint, &by_hand);
    ffmk_endpoint_unlock(node.endpoint);
    NEED(node.peer[1]);

    int file = connect_to(&shared->card[0]);
    put_short(file, FFMK_FRAME_HELLO, shared->card[0].id);
    NEED(get_short(file, FFMK_FRAME_ACK).number == 0);
    put_frame(file, 1);
    NEED(get_short(file, FFMK_FRAME_ACK).number == 1);
    close(file);
    file = connect_to(&shared->card[0]);
    put_short(file, FFMK_FRAME_HELLO, shared->card[0].id);
    NEED(get_short(file, FFMK_FRAME_ACK).number == 1);
    put_frame(file, 1);
    NEED(get_short(file, FFMK_FRAME_ACK).number == 1);
    put_frame(file, 2);
    NEED(get_short(file, FFMK_FRAME_ACK).number == 2);
    /* A second connection takes the place of the first. */
    int second = connect_to(&shared->card[0]);
    put_short(second, FFMK_FRAME_HELLO, shared->card[0].id);
    need_end(file);
    NEED(get_short(second, FFMK_FRAME_ACK).number == 2);
    put_frame(second, 2);
    put_frame(second, 3);
    while (get_short(second, FFMK_FRAME_ACK).number < 3)
        ;
    NEED(load(&texts_come) == 3);
    close(second);

    /* The other direction. */
    static uint8_t message[50000];
    for (int i = 0; i < 3; i++)
        send_to(1, message, sizeof message);
    file = accept_one(listener);
    need_frame(file, 1);
    close(file); /* nothing acknowledged */
    file = accept_one(listener);
    need_frame(file, 1);
    need_frame(file, 2);
    put_short(file, FFMK_FRAME_ACK, 1);
    usleep(100000);
    close(file);
    file = accept_one(listener);
    need_frame(file, 2);
    need_frame(file, 3);
    put_short(file, FFMK_FRAME_ACK, UINT64_C(1) << 50); /* of what was never sent */
    need_end(file);
    file = accept_one(listener);
    need_frame(file, 2);
    need_frame(file, 3);
    put_short(file, FFMK_FRAME_ACK, 3);
    uint64_t begin = ffmk_clock_ns();
    close_node(); /* nothing is left to be sent */
    NEED(ffmk_clock_ns() - begin < 1500 * ms);
    NEED(shared->died[0][1] == 0);
    close(file);
    close(listener);
}

START_TEST(streams_that_broke_go_on)
{
    run(1, break_streams);
}
END_TEST

CASES("endpoint_strangers", what_strangers_send_changes_nothing, streams_that_broke_go_on)
