/* SPDX-License-Identifier: BSD-3-Clause
 * This process on the network: messages between it and the processes it has met, and who of them is
 * dead. One a process. Each message arrives once if both live, in any order; what fits goes as a
 * datagram (net/link), what is larger through a TCP stream (net/stream). Nothing here knows what a
 * message says but for the first eight bytes, the name of the service it is for.
 *
 * Who makes it go on: whoever waits for something calls ffmk_endpoint_wait(); while nobody does, a
 * thread of the endpoint's own, so that a process that computes for long still acknowledges,
 * forwards and answers. All of it, the services' functions too, runs under one lock.
 *
 * Whom it trusts: a process is met by its card, which the program's MPI carried here. Whatever is
 * sent to a process is sealed with that process's key, which is on its card and nowhere else, so
 * only who was given the card can send.
 *
 * Who is dead: a process that answers nothing for the time of detection while something is sent to
 * it, or for twice that acknowledges nothing that a stream is to bring, as seen by this process's
 * own clock, which stands still while this process does; or one that a service declares dead. That
 * is final: it is never listened to again, but told that it is excluded when it speaks.
 *
 * After a fork() the endpoint is the parent's: the child has no thread for it, must not call
 * anything of this, and has no sockets of it any more once it executes another program. */
#ifndef FFMK_GOSSIP_NET_ENDPOINT_H
#define FFMK_GOSSIP_NET_ENDPOINT_H

#include "core/seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ffmk_endpoint;
struct ffmk_peer;

enum { FFMK_CARD_ADDRESSES = 6 };

/** What others need to send to a process: plain bytes, the same for all. */
struct ffmk_card {
    uint64_t id; /* random; never 0 */
    uint8_t key[FFMK_SEAL_KEY_BYTES];
    uint16_t udp_port; /* in the host's byte order */
    uint16_t tcp_port;
    uint32_t addresses; /* how many */
    uint32_t mailbox;   /* descriptor of it, plus 1; 0: none */
    struct {
        uint8_t family; /* 4 or 6 */
        uint8_t prefix; /* bits of it that are the network's */
        uint8_t bytes[16];
    } address[FFMK_CARD_ADDRESSES];
};

/** What carries messages instead of sockets of ours, if something does: reliably, and in whatever
 * order. Both functions are called under the endpoint's lock. Such an endpoint has no thread: it
 * goes on only while somebody waits, and a process that answers nothing is not found to be dead. */
struct ffmk_carrier {
    /** To the process with this id on its card; parts are copied. \return false: it is dead. */
    bool (*send)(struct ffmk_carrier *carrier, uint64_t to, const void *const part[3],
                 const size_t bytes[3]);
    /** Give ffmk_endpoint_carried() what has come. */
    void (*look)(struct ffmk_carrier *carrier, struct ffmk_endpoint *endpoint);
};

struct ffmk_endpoint_options {
    struct ffmk_carrier *carrier; /* NULL: sockets; then the id is of no account */
    uint64_t id;                  /* on the card; not 0 */
    const char *interface;    /* name of an interface, or a network ("10.1.0.0/16"), whose addresses
                                 are to be used; NULL or "": all but loopback, and that without
                                 others */
    uint64_t detect_after_ns; /* silence that means death */
    /* For tests: */
    double loss;   /* share of the datagrams that is not sent */
    uint64_t seed; /* of which */
};

/** Open sockets and start the thread. ffmk_endpoint_close() when done. \return FFMK_SUCCESS,
 * FFMK_ERR_ARGUMENT (no such interface or network), FFMK_ERR_IO with errno, FFMK_ERR_NO_MEMORY. */
int ffmk_endpoint_open(const struct ffmk_endpoint_options *options,
                       struct ffmk_endpoint **endpoint_p);

/** All services must have ended. What was not acknowledged yet is sent for at most `linger_ns`
 * more. */
void ffmk_endpoint_close(struct ffmk_endpoint *endpoint, uint64_t linger_ns);

const struct ffmk_card *ffmk_endpoint_card(const struct ffmk_endpoint *endpoint);

/** The lock. Everything below but ffmk_endpoint_wait() is called
 * under it. */
void ffmk_endpoint_lock(struct ffmk_endpoint *endpoint);
void ffmk_endpoint_unlock(struct ffmk_endpoint *endpoint);
/** \return false: another thread has it, which may wait for what this one holds. */
bool ffmk_endpoint_trylock(struct ffmk_endpoint *endpoint);

/** Make the endpoint go on, once, with what has come: ffmk_endpoint_wait() under the lock. */
void ffmk_endpoint_glance(struct ffmk_endpoint *endpoint);

/** The same, if the last look is a while ago, or the thread's socket taken from it: answers to
 * whoever only sends would wake the thread, one by one. */
void ffmk_endpoint_glance_again(struct ffmk_endpoint *endpoint, uint64_t now);

/** The process that a card is of; one that was met before is the same. Parted from as often as it
 * was met. A card of this process itself gives NULL, like one that is out of reach (errno
 * EHOSTUNREACH: no address of a family that this process has) or no memory (ENOMEM). */
struct ffmk_peer *ffmk_endpoint_meet(struct ffmk_endpoint *endpoint, const struct ffmk_card *card);
/** A message has come by the carrier. */
void ffmk_endpoint_carried(struct ffmk_endpoint *endpoint, uint64_t from, const uint8_t *message,
                           size_t bytes);

/** The carrier cannot send to it any more: it is dead. */
void ffmk_endpoint_lost(struct ffmk_endpoint *endpoint, uint64_t id);

/** What was sent to it still is, if it lives. */
void ffmk_endpoint_part(struct ffmk_endpoint *endpoint, struct ffmk_peer *peer);

/** A part of the program that sends and receives messages, known to its like in other processes by
 * name. Times are nanoseconds of CLOCK_MONOTONIC. */
struct ffmk_service {
    uint64_t name; /* not 0 */
    /** A message has come, without the name. */
    void (*receive)(struct ffmk_service *service, struct ffmk_peer *peer, const uint8_t *message,
                    size_t bytes, uint64_t now);
    /** Time has come; sends what is to be sent. \return when to be called again, at the latest;
     * UINT64_MAX: no need to. Also called after receive() and died(). */
    uint64_t (*advance)(struct ffmk_service *service, uint64_t now);
    /** A process that somebody here has met is dead: once for each, whoever found out. */
    void (*died)(struct ffmk_service *service, struct ffmk_peer *peer, uint64_t now);
    /** Others say that this process was declared dead. */
    void (*excluded)(struct ffmk_service *service, uint64_t now);
    struct ffmk_service *next; /* the endpoint's */
    uint64_t due;              /* the endpoint's */
};

/** Begin and end to get messages; the service's memory stays the caller's. Messages for a service
 * that is not there are dropped. */
void ffmk_endpoint_serve(struct ffmk_endpoint *endpoint, struct ffmk_service *service);
void ffmk_endpoint_retire(struct ffmk_endpoint *endpoint, struct ffmk_service *service);

/** The service has something new to do: its advance() is called before anybody waits. */
void ffmk_endpoint_nudge(struct ffmk_endpoint *endpoint, struct ffmk_service *service);

/** Send a message to the service of that name there: head and payload in one. Copied; nothing
 * is sent to the dead. Memory for it that cannot be had is the peer's death: there is no other
 * honest end. */
void ffmk_peer_send(struct ffmk_peer *peer, uint64_t name, const void *head, size_t head_bytes,
                    const void *payload, size_t payload_bytes);

/** How many bytes head and payload may have together to go in one datagram, or in some. */
enum { FFMK_PEER_AT_ONCE_BYTES = 1158, FFMK_PEER_SOON_BYTES = (8 << 10) + 248 };

/** Most bytes of a message. */
enum { FFMK_PEER_MOST_BYTES = 1 << 22 };

/** Whether anything gets through to it is not known yet: until it is proved to, its silence is no
 * death. */
void ffmk_peer_try(struct ffmk_peer *peer);
void ffmk_peer_prove(struct ffmk_peer *peer);
bool ffmk_peer_is_proved(const struct ffmk_peer *peer);

bool ffmk_peer_is_dead(const struct ffmk_peer *peer);
/** Declare it dead. Services are told before ffmk_endpoint_wait() returns, or soon. */
void ffmk_peer_bury(struct ffmk_peer *peer);
/** This process can go on no more: it falls silent, and others will find it dead. */
void ffmk_endpoint_be_excluded(struct ffmk_endpoint *endpoint);
/** As its options said. */
uint64_t ffmk_endpoint_detect_after(const struct ffmk_endpoint *endpoint);

bool ffmk_endpoint_is_excluded(const struct ffmk_endpoint *endpoint);

/** Whatever the caller wants to hang on a peer for its service: found by the service's name. NULL:
 * nothing. The caller's memory. */
void *ffmk_peer_find(const struct ffmk_peer *peer, uint64_t name);
/** \return false: no memory. `value` NULL forgets it. */
bool ffmk_peer_hang(struct ffmk_peer *peer, uint64_t name, void *value);

/** It is a process of this host: have the kernel tell when it ends. \return false: the kernel will
 * not, errno says why, and only silence does. */
bool ffmk_peer_watch(struct ffmk_peer *peer, pid_t pid);

/** It shares memory with this process: what fits goes to it that way while somebody attends to its
 * endpoint. Where that cannot be had, nothing changes. */
void ffmk_peer_share(struct ffmk_peer *peer, pid_t pid);

/** Smoothed round trip to it, in ns, of datagrams that were acknowledged; 0: not known. */
uint64_t ffmk_peer_trip(const struct ffmk_peer *peer);

/** The shortest time that it took to put a datagram on the wire, alone, since this was asked last,
 * in ns; 0: none was. */
uint64_t ffmk_endpoint_send_time(struct ffmk_endpoint *endpoint);

/** Counts since it was opened. */
struct ffmk_endpoint_counts {
    uint64_t messages;  /* given to ffmk_peer_send() */
    uint64_t datagrams; /* put on the wire, acknowledgements and repetitions among them */
    uint64_t repeats;
    uint64_t stream_frames;
    uint64_t refused; /* that came and were no one's: wrong seal, size, receiver */
};
struct ffmk_endpoint_counts ffmk_endpoint_counts(const struct ffmk_endpoint *endpoint);

/** Without the lock: make the endpoint go on, once: take what has come, let services advance, send.
 * If nothing has come, wait for it: spin for `spin_ns`, then sleep, `sleep_ns` at most, less when
 * something is due before; 0: not at all. It returns when a service was called, by whatever thread,
 * since this thread's last call ended: whoever looks for what he waits for between two calls misses
 * nothing. The first call never sleeps. */
void ffmk_endpoint_wait(struct ffmk_endpoint *endpoint, uint64_t spin_ns, uint64_t sleep_ns);

#endif
