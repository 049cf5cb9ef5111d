/* SPDX-License-Identifier: BSD-3-Clause
 * Messages between processes of one host by memory: a process has a box, into which each of the
 * others that found it writes in a lane of its own. What does not fit, and what comes while nobody
 * attends to the box, goes another way; so no message waits for somebody to look.
 *
 * Who writes must be known to the box's owner before, for what comes of strangers is dropped.
 *
 * Why nothing is overlooked: who puts a message in counts it as arrived and then looks whether the
 * box is attended still; who stops to attend says so and then looks whether something has arrived.
 * Whichever comes second sees the other. */
#ifndef FFMK_GOSSIP_NET_MAILBOX_H
#define FFMK_GOSSIP_NET_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    FFMK_MAILBOX_LANES = 64,
    FFMK_MAILBOX_LANE_BYTES = 1 << 20,
    /** Most bytes of a message. */
    FFMK_MAILBOX_MOST_BYTES = FFMK_MAILBOX_LANE_BYTES / 2 - 64
};

struct ffmk_mailbox_memory;

/** A process's own. */
struct ffmk_mailbox {
    int file; /* -1: there is none, and all that follows does nothing */
    struct ffmk_mailbox_memory *memory;
    uint64_t seen; /* of what arrived */
};

/** `id` is the process's. \return false, errno telling why: there is none then. */
bool ffmk_mailbox_open(struct ffmk_mailbox *box, uint64_t id);
void ffmk_mailbox_close(struct ffmk_mailbox *box);

/** Whether somebody looks into it soon. Any thread. */
void ffmk_mailbox_attend(struct ffmk_mailbox *box, bool attended);

/** Whether something has arrived. Any thread. */
bool ffmk_mailbox_has(const struct ffmk_mailbox *box);

/** What has arrived from the process `from`; the message is valid during the call. \return false:
 * no more of it. */
typedef bool ffmk_mailbox_take(void *self, uint64_t from, const uint8_t *message, size_t bytes);
void ffmk_mailbox_empty(struct ffmk_mailbox *box, ffmk_mailbox_take *take, void *self);

/** The way into another process's. */
struct ffmk_outbox;

/** That of process `pid`, whose descriptor `file` it is, and whose `id` it has; from the process
 * `from`. \return NULL: it cannot be found, is another's, or all its lanes are taken. */
struct ffmk_outbox *ffmk_outbox_open(pid_t pid, int file, uint64_t id, uint64_t from);
void ffmk_outbox_close(struct ffmk_outbox *outbox);

enum ffmk_outbox_answer {
    FFMK_OUTBOX_NO,   /* it must go another way */
    FFMK_OUTBOX_IN,   /* it will be taken */
    FFMK_OUTBOX_RING, /* it is in, but its owner has to be told */
};

/** Put in a message of two parts. */
enum ffmk_outbox_answer ffmk_outbox_put(struct ffmk_outbox *outbox, const void *head,
                                        size_t head_bytes, const void *rest, size_t rest_bytes);

/** How much of what was put in was taken, in bytes, and whether that is all. */
uint64_t ffmk_outbox_taken(const struct ffmk_outbox *outbox);
bool ffmk_outbox_is_empty(const struct ffmk_outbox *outbox);

#endif
