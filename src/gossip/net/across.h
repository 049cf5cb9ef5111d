/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among the ranks of a communicator on several hosts: gossip/cast over the
 * process's endpoint. The counterpart of net/host.h, with the same rules for who calls what: all
 * members start the same operations in the same order. Large payloads go in pieces, an operation of
 * the cast each. Knows processes and bytes; no MPI, no datatypes. */
#ifndef FFMK_GOSSIP_NET_ACROSS_H
#define FFMK_GOSSIP_NET_ACROSS_H

#include "gossip/cast.h"
#include "gossip/net/endpoint.h"
#include "gossip/net/host.h"

struct ffmk_across;

/** A process that is a member. */
struct ffmk_across_card {
    struct ffmk_card card;
    int64_t pid;   /* on this host; 0: it is on another */
    uint64_t host; /* the same for members whose hosts are one and the same */
};

/** One member's view. All of the cards are there; the card of `me` is the endpoint's. `crowded`:
 * there are more ranks on a host than cores. ffmk_across_destroy() when done. \return
 * FFMK_SUCCESS, FFMK_ERR_NO_MEMORY, FFMK_ERR_IO (somebody is out of reach). */
int ffmk_across_create(struct ffmk_endpoint *endpoint, uint64_t name,
                       const struct ffmk_across_card *cards, size_t members, size_t me,
                       bool crowded, struct ffmk_across **across_p);

/** All of its operations are complete here. What others may still need of this member goes on being
 * given until they need nothing more; ffmk_across_settle() waits for that. */
void ffmk_across_destroy(struct ffmk_across *across);

/** The same of one that not all members could create: nobody uses it, nor waits for others. */
void ffmk_across_abandon(struct ffmk_across *across);

/** Wait until no member that lives needs anything of this one for what was started. */
void ffmk_across_stay(struct ffmk_across *across);

/** Close all that go over this endpoint, also what was not destroyed, and wait until no member that
 * lives needs anything of them. No operation begins any more. */
void ffmk_across_settle(struct ffmk_endpoint *endpoint);

/** Whether all that were over this endpoint have been destroyed, and nobody needs anything of them
 * any more. */
bool ffmk_across_is_gone(struct ffmk_endpoint *endpoint);

/** How outcomes are to spread, and what to do while a wait takes long; as of host.h. */
void ffmk_across_set_meanwhile(struct ffmk_across *across, ffmk_host_meanwhile *meanwhile);

/** Whether a member of another host answers what goes by datagrams, and what takes a stream, within
 * the time after which it would be declared dead; all members must ask now. Ordered: the greatest
 * of all members' is what there is among them. */
enum ffmk_across_reach { FFMK_ACROSS_REACHES, FFMK_ACROSS_NO_STREAMS, FFMK_ACROSS_NO_DATAGRAMS };
enum ffmk_across_reach ffmk_across_reach(struct ffmk_across *across);

/** What the network is like, from some round trips to a member of another host; all members must do
 * so now. Give all the same; from then on it is looked at anew while operations are started. */
struct ffmk_cast_speed ffmk_across_measure(struct ffmk_across *across);
void ffmk_across_set_speed(struct ffmk_across *across, const struct ffmk_cast_speed *speed);

/** Whether some members are on other hosts. */
bool ffmk_across_has_hosts(const struct ffmk_across *across);

/** How outcomes spread then. */
struct ffmk_cast_way ffmk_across_way(struct ffmk_across *across,
                                     const struct ffmk_cast_manner *manner);

/** Whether a member is known to be dead. Any thread. */
bool ffmk_across_is_dead(struct ffmk_across *across, size_t member);

/** Whether others have declared this member dead. Any thread. */
bool ffmk_across_is_excluded(struct ffmk_across *across);

/** An operation that was started. The caller's memory until it is complete; then `code`, `messages`
 * and a broadcast's `bytes` are to be read. */
struct ffmk_across_operation {
    enum ffmk_host_kind kind;
    bool complete;
    int code;
    uint64_t messages; /* this member sent for it until it was complete */
    struct ffmk_across_operation *next;
    struct ffmk_cast_manner manner;
    size_t root;
    unsigned char *buffer;
    uint64_t bytes;   /* BCAST: of the buffer; then those that the root broadcast */
    uint64_t piece;   /* bytes of one, but the last */
    uint64_t pieces;  /* 0: not known yet */
    uint64_t entered; /* of them */
    uint64_t left;
    uint64_t first; /* number of the first */
    struct ffmk_reduction reduction;
    const unsigned char *contribution;
    unsigned char *result;
    unsigned char *contributors;
    bool again;    /* contributors of its pieces differ */
    bool refused;  /* somebody has no memory, … */
    bool failed;   /* … or found that there is no such operation */
    bool in_order; /* ALLREDUCE: of ranks, which matters where an operation does not commute */
};

/** As of host.h. Codes besides: FFMK_ERR_EXCLUDED. */
void ffmk_across_bcast_start(struct ffmk_across *across, struct ffmk_across_operation *operation,
                             const struct ffmk_cast_manner *manner, size_t root, void *buffer,
                             uint64_t bytes);
void ffmk_across_barrier_start(struct ffmk_across *across, struct ffmk_across_operation *operation,
                               const struct ffmk_cast_manner *manner);
void ffmk_across_allreduce_start(struct ffmk_across *across,
                                 struct ffmk_across_operation *operation,
                                 const struct ffmk_cast_manner *manner,
                                 const struct ffmk_reduction *reduction, bool in_order,
                                 const void *contribution, void *result,
                                 unsigned char *contributors);
/** Under the endpoint's lock: go on with whatever was started; and find the messages of one that is
 * complete, once. Tests and waits do both. */
void ffmk_across_go_on(struct ffmk_across *across);
void ffmk_across_count(struct ffmk_across *across, struct ffmk_across_operation *operation);
bool ffmk_across_test(struct ffmk_across *across, struct ffmk_across_operation *operation);
int ffmk_across_wait(struct ffmk_across *across, struct ffmk_across_operation *operation);

#endif
