/* SPDX-License-Identifier: BSD-3-Clause
 * What the rooms of endpoint.h share: the endpoint, its peers, and who calls whom.
 *
 *   attend.c  lock, unlock, wait: whoever makes it go on, and the waking of who sleeps
 *   thread.c  the endpoint's thread, and its event loop
 *   turn.c    one turn: services that are due, deaths, timers, then what is to be sent
 *   peer.c    peers: found by id, what waits for them, their burial
 *   post.c    datagrams in and out
 *   stream.c  large messages, in the thread alone
 *
 * "Under the lock" is the rule; what is not is said so. */
#ifndef FFMK_GOSSIP_NET_ENDPOINT_INSIDE_H
#define FFMK_GOSSIP_NET_ENDPOINT_INSIDE_H

#include "gossip/net/address.h"
#include "gossip/net/body.h"
#include "gossip/net/datagram.h"
#include "gossip/net/endpoint.h"
#include "gossip/net/link.h"
#include "gossip/net/mailbox.h"
#include "gossip/net/stream.h"

#include "core/blocks.h"
#include <pthread.h>
#include <sys/socket.h>

#define FFMK_NEVER UINT64_MAX

/* So long after the last call of ffmk_endpoint_wait() the sockets are still its callers'. */
enum { FFMK_ATTENDED_NS = 2000000 };

/* The name of the service before each message. */
enum { FFMK_NAME_BYTES = 8 };

/* A body for which the link has no room yet. */
struct ffmk_waiting {
    struct ffmk_waiting *next;
    size_t bytes;
    uint8_t body[FFMK_DATAGRAM_BODY_BYTES];
};

/* What a service hung on a peer. */
struct ffmk_hung {
    uint64_t name;
    void *value;
};

struct ffmk_peer {
    struct ffmk_endpoint *endpoint;
    struct ffmk_card card;
    struct ffmk_address address; /* with the port for datagrams */
    uint64_t met;                /* that many times more than parted from */
    bool dead;
    struct ffmk_link_end link;
    struct ffmk_waiting *waiting, *last_waiting;
    struct ffmk_torn *torn; /* that came */
    uint32_t torn_sent;     /* number of the last one that was sent */
    struct ffmk_stream stream;
    uint64_t due;               /* of the link */
    uint64_t heard;             /* last, by the own clock */
    uint64_t pending_since;     /* by the own clock, if it is_pending */
    bool is_pending;            /* something was sent that is not acknowledged */
    uint64_t told_excluded;     /* when it was, last */
    bool on_trial, proved;      /* as in endpoint.h */
    int pidfd;                  /* of a process of this host, plus 1; 0: none */
    struct ffmk_outbox *outbox; /* or NULL */
    uint64_t taken;             /* of what was put into it, when that was looked at last */
    struct ffmk_hung *hung;
    size_t hung_n;
    /* Lists of the endpoint, and whether it is in them. */
    struct ffmk_peer *next_active, *previous_active;
    struct ffmk_peer *next_touched, *next_fallen, *next_streaming;
    bool is_active, is_touched, is_streaming;
};

/* Datagrams on their way out. */
enum { FFMK_OUT = 16 };
struct ffmk_out {
    unsigned n;
    struct mmsghdr message[FFMK_OUT];
    struct iovec part[FFMK_OUT];
    uint8_t bytes[FFMK_OUT][FFMK_DATAGRAM_BYTES];
};

struct ffmk_endpoint {
    pthread_mutex_t lock;
    struct ffmk_card card;
    struct ffmk_carrier *carrier; /* or NULL: most of what follows is for sockets */
    uint64_t detect_after_ns;
    double loss;
    uint64_t seed;
    int udp;
    bool ipv6; /* there is IPv6, and IPv4 as a part of it */
    bool naps; /* the thread, until one of those that sleep in ffmk_endpoint_wait() gets up; atomic
                */

    bool excluded, told_excluded;
    bool worked;          /* a service was called in this turn */
    uint32_t attending;   /* threads in ffmk_endpoint_wait(); atomic, like what follows: others look
                             at it without the lock */
    uint64_t due;         /* when there is something to do though nothing comes */
    uint64_t generation;  /* turns in which a service was called */
    uint64_t attended_at; /* when the last thread left ffmk_endpoint_wait() */
    uint64_t thread_due;  /* when the thread will look by itself; 0: it is awake, or soon */
    uint64_t thread_wakes; /* the same, or when it will see whether others still attend; 0: it is
                              awake */
    uint64_t held_until;   /* no body that a link holds has to go before; FFMK_NEVER: none has */
    struct ffmk_endpoint_counts counts;

    pthread_mutex_t bed; /* for who goes to sleep or gets up */
    uint32_t sleepers;   /* changed under it, like … */
    uint64_t risings;    /* … how often one got up */
    int bell;            /* wakes them */

    uint64_t own_ns;  /* the own clock: stands still while this process does */
    uint64_t seen_ns; /* when it was last looked at */
    uint64_t step_ns; /* what it advances by at most */

    struct ffmk_service *services;
    struct ffmk_service *next_service; /* of a walk through them */
    uint64_t services_due;             /* none is before */

    struct ffmk_peer **table; /* by id, open addressing */
    size_t table_size, peers;
    struct ffmk_peer *active;    /* with something to send, repeat or acknowledge */
    uint64_t peers_due;          /* none of them is before */
    struct ffmk_peer *touched;   /* to be looked at before the turn ends */
    struct ffmk_peer *fallen;    /* dead, and services do not know yet */
    struct ffmk_peer *streaming; /* for the thread: there are frames to be sent, or it is dead */
    struct ffmk_out out;
    uint64_t send_ns;          /* the least a datagram of it took; 0: not known */
    struct ffmk_blocks frames; /* that go */
    struct ffmk_mailbox box;   /* from processes of this host */

    pthread_t thread;
    int alarm;             /* wakes it */
    bool thread_wanted;    /* for those in `streaming` */
    bool stop;             /* atomic */
    bool datagrams_came;   /* the thread's: as its event loop said */
    uint64_t risings_seen; /* the thread's */
    struct event_base *base;
    struct event *on_alarm, *on_datagram, *on_time, *on_mate;
    pthread_mutex_t timing; /* for who changes what the thread waits for: */
    int timer;
    uint64_t timer_at; /* when it rings; FFMK_NEVER: not; atomic */
    int datagrams;     /* a set of the socket, … */
    bool watches;      /* … whether it wakes the thread; atomic */
    int mates;         /* the pidfds */
    struct ffmk_streams streams;
};

/* Datagrams on their way in: whoever takes them has a batch of his own. */
enum { FFMK_BATCH = 8 };
struct ffmk_batch {
    struct mmsghdr message[FFMK_BATCH];
    struct iovec part[FFMK_BATCH];
    uint8_t bytes[FFMK_BATCH][FFMK_DATAGRAM_BYTES];
};

/* peer.c */
struct ffmk_peer *ffmk_peer_of(const struct ffmk_endpoint *endpoint, uint64_t id);
void ffmk_peer_touch(struct ffmk_peer *peer);
void ffmk_peer_heard(struct ffmk_peer *peer);
/* Into the link what waits for it, and note when it is due. */
void ffmk_peer_refill(struct ffmk_peer *peer, uint64_t now);
void ffmk_peer_note(struct ffmk_peer *peer);
/* Look at the links that hold something until then, or less long. */
void ffmk_peers_release(struct ffmk_endpoint *endpoint, uint64_t until);
/* Forget all that is to be sent. */
void ffmk_peer_drop(struct ffmk_peer *peer);
/* Have the thread look at its stream. */
void ffmk_peer_stream(struct ffmk_peer *peer);
/* Look at all that are active: those that are due are touched, the silent ones are buried. */
void ffmk_peers_look(struct ffmk_endpoint *endpoint, uint64_t now);
void ffmk_peers_free(struct ffmk_endpoint *endpoint);

/* post.c */
int ffmk_post_open(struct ffmk_endpoint *endpoint);
void ffmk_batch_create(struct ffmk_batch *batch);
/* Without the lock. \return how many came. */
unsigned ffmk_post_take(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch);
/* The same, one at most, and sooner: who looks all the time finds no more. */
unsigned ffmk_post_take_one(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch);
void ffmk_post_handle(struct ffmk_endpoint *endpoint, const struct ffmk_batch *batch, unsigned n,
                      uint64_t now);
/* Send what the touched peers have to send. */
void ffmk_post_flush(struct ffmk_endpoint *endpoint, uint64_t now);
/* Tell a dead one that it is, now and then. */
void ffmk_post_exclude(struct ffmk_peer *peer, uint64_t now);

/* turn.c */
void ffmk_endpoint_pass_time(struct ffmk_endpoint *endpoint, uint64_t now);
void ffmk_endpoint_turn(struct ffmk_endpoint *endpoint, uint64_t now);
/* A body has come: to the service that it is for. */
void ffmk_endpoint_deliver(struct ffmk_endpoint *endpoint, struct ffmk_peer *peer,
                           const uint8_t *body, size_t bytes, uint64_t now);

/* attend.c */
void ffmk_endpoint_enter(struct ffmk_endpoint *endpoint);
/* Leave the lock, after a turn, and wake whom it concerns. */
void ffmk_endpoint_leave(struct ffmk_endpoint *endpoint);
/* Without the lock: take what has come, and have a turn if there is something to do. \return
 * whether there was. */
bool ffmk_endpoint_look(struct ffmk_endpoint *endpoint, struct ffmk_batch *batch, uint64_t now);
bool ffmk_endpoint_is_attended(const struct ffmk_endpoint *endpoint, uint64_t now);
void ffmk_endpoint_ring(int bell);
void ffmk_endpoint_silence(int bell);

/* thread.c */
int ffmk_thread_start(struct ffmk_endpoint *endpoint);
void ffmk_thread_stop(struct ffmk_endpoint *endpoint);
/* By any thread: the endpoint's is not to sleep longer than that. */
void ffmk_thread_wake_at(struct ffmk_endpoint *endpoint, uint64_t time);
/* By any thread: whether it is the endpoint's that datagrams wake. */
void ffmk_thread_watch(struct ffmk_endpoint *endpoint, bool watch);

/* mates.c */
/* Take what came by memory. */
void ffmk_mates_take(struct ffmk_endpoint *endpoint, uint64_t now);
int ffmk_mates_open(struct ffmk_endpoint *endpoint);
void ffmk_mates_close(struct ffmk_endpoint *endpoint);

static inline void ffmk_endpoint_count(uint64_t *count) /* NOLINT: written to */
{
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

#endif
