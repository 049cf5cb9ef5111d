/* SPDX-License-Identifier: BSD-3-Clause
 * Collective operations among the ranks of a communicator on one host, in memory they share. No
 * rank forwards anything for another: the root writes once, everybody reads when it comes by, so a
 * late rank delays nobody, and a dead one nobody but for the time it takes to see that it is dead.
 * All members start the same operations in the same order, as MPI demands of a communicator.
 * Knows processes and bytes; no MPI, no datatypes.
 *
 *   segment   members | slots | readers | places | rings, a line of m each but for the slots
 *   member    what it alone writes: which barrier it came to, which operations it has left behind
 *   slot      one broadcast: its number, length, and a small payload or how much of a large one is
 *             in its root's ring
 *   reader    how far it has read each member's ring
 *   places    its contributions to reductions
 *   ring      large payloads it broadcasts, a piece at a time
 *
 * Operations that were started need each other for nothing: they complete in whatever order their
 * messages come.
 *
 * Why two survivors never disagree: within a host death is a fact that does not change and memory
 * outlives its writers. A broadcast succeeds if its root published all of it before it died; an
 * allreduce counts who entered it before dying. Both can be seen by everyone at any time after. */
#ifndef FFMK_GOSSIP_NET_HOST_H
#define FFMK_GOSSIP_NET_HOST_H

#include "gossip/net/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FFMK_HOST_MAX_MEMBERS = 1024 };

struct ffmk_host;

/** Bytes of the segment for so many members. */
size_t ffmk_host_bytes(size_t members);

/** One member's view of a zeroed segment, which stays the caller's, like the watch over all
 * members' processes. `crowded`: the job has more ranks here than there are cores.
 * ffmk_host_destroy() when done. \return NULL when out of memory. */
struct ffmk_host *ffmk_host_create(void *segment, size_t members, size_t me,
                                   struct ffmk_watch *watch, bool crowded);
void ffmk_host_destroy(struct ffmk_host *host);

/** Have a function called again and again while a wait takes long, and with `last` when that is
 * over: others may come late because they need this process for something else. */
typedef void ffmk_host_meanwhile(bool last);
void ffmk_host_set_meanwhile(struct ffmk_host *host, ffmk_host_meanwhile *meanwhile);

/** inout[i] = in[i] op inout[i] for n elements, of at most FFMK_HOST_ELEMENT_BYTES together. */
typedef void ffmk_combine(void *context, const void *in, void *inout, size_t n);

/** What is reduced: elements of so many bytes. */
struct ffmk_reduction {
    size_t n;
    size_t element_bytes; /* at most FFMK_HOST_ELEMENT_BYTES */
    ffmk_combine *combine;
    void *context;
    const int *code; /* of what combines: not FFMK_SUCCESS when it cannot; NULL: it always can */
};
enum { FFMK_HOST_ELEMENT_BYTES = 32 << 10 };

/** Contributions of up to so many bytes have places of their own. */
enum { FFMK_HOST_REDUCE_AT_ONCE = 1 << 10 };

enum ffmk_host_kind { FFMK_HOST_BCAST, FFMK_HOST_BARRIER, FFMK_HOST_ALLREDUCE };

/** An operation that was started. The caller's memory until it is complete; its fields are the
 * host's but for `bytes` and `code`, to be read then. */
struct ffmk_host_operation {
    enum ffmk_host_kind kind;
    bool complete;
    int code;                         /* FFMK_SUCCESS, or why it failed */
    uint64_t number;                  /* among the operations of this host */
    struct ffmk_host_operation *next; /* of those that are not complete */
    bool begun;
    size_t awaited; /* a member without which it does not go on */
    size_t root;
    unsigned char *buffer;
    uint64_t bytes;    /* BCAST: of the buffer; once complete those that the root broadcast */
    uint64_t done;     /* BCAST: bytes; BARRIER: members; ALLREDUCE: elements */
    uint64_t position; /* BCAST: in the ring; ALLREDUCE: members that were looked at */
    uint64_t turn; /* ALLREDUCE: of its part that is under way; 0: large, and not its turn yet */
    struct ffmk_reduction reduction;
    const unsigned char *contribution;
    unsigned char *result;
    unsigned char *contributors;
};

/** The root's bytes go to all members. The root may be complete before anybody has read them, but
 * not more operations ahead than there are slots, nor more bytes than the ring has. A member
 * without room gives NULL for its buffer. Its code: FFMK_ERR_FAILED when the root died before all
 * of it was written, at every member alike; FFMK_ERR_ARGUMENT when the root broadcast another
 * number of bytes; FFMK_ERR_NO_MEMORY for a buffer that is NULL. */
void ffmk_host_bcast_start(struct ffmk_host *host, struct ffmk_host_operation *operation,
                           size_t root, void *buffer, uint64_t bytes);

/** Both in one. \return the code. */
int ffmk_host_bcast(struct ffmk_host *host, size_t root, void *buffer, uint64_t bytes);

/** Not complete before everybody who lives has started it. */
void ffmk_host_barrier_start(struct ffmk_host *host, struct ffmk_host_operation *operation);

/** result = contribution of member 0 op that of member 1 op …, of those that took part before they
 * died; the same at every survivor. The contribution is not changed, and neither may overlap the
 * other. `contributors`, of as many bytes as there are members, tells who counts, 0 or 1. A
 * contribution of NULL says that this member cannot take part: then the code is FFMK_ERR_NO_MEMORY
 * at all of them. Those of more than FFMK_HOST_REDUCE_AT_ONCE bytes are made one after the other.
 */
void ffmk_host_allreduce_start(struct ffmk_host *host, struct ffmk_host_operation *operation,
                               const struct ffmk_reduction *reduction, const void *contribution,
                               void *result, unsigned char *contributors);

/** Go on with whatever was started. */
void ffmk_host_go_on(struct ffmk_host *host);

/** The same. \return whether this one is complete. */
bool ffmk_host_test(struct ffmk_host *host, struct ffmk_host_operation *operation);

/** The same until it is. \return its code. */
int ffmk_host_wait(struct ffmk_host *host, struct ffmk_host_operation *operation);

#endif
