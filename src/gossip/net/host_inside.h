/* SPDX-License-Identifier: BSD-3-Clause
 * What the rooms of host.h share: the segment's layout and looks at other members' words. */
#ifndef FFMK_GOSSIP_NET_HOST_INSIDE_H
#define FFMK_GOSSIP_NET_HOST_INSIDE_H

#include "gossip/net/host.h"

#include <ffmk.h>

enum {
    FFMK_HOST_LINE = 64, /* bytes that cores hand to each other */
    FFMK_HOST_SLOTS = 128,
    /* 1 KiB has room in it; an odd number of lines, for then all of a cache's sets are used. */
    FFMK_HOST_SLOT_BYTES = 17 * FFMK_HOST_LINE,
    FFMK_HOST_INLINE_BYTES = FFMK_HOST_SLOT_BYTES - 32,
    FFMK_HOST_PIECE_BYTES = 32 << 10,
    FFMK_HOST_SMALL_PLACES = 8 /* for contributions to small reductions that are under way */
};

/* A kind of reduction, by size: how many parts of it a member has contributed. */
enum ffmk_host_size { FFMK_HOST_SMALL, FFMK_HOST_LARGE, FFMK_HOST_SIZES };

/* Written by one member, read by all. */
struct ffmk_host_member {
    _Alignas(FFMK_HOST_LINE) uint64_t entered; /* number of the last barrier it came to */
    uint64_t contributed[FFMK_HOST_SIZES];     /* parts of reductions */
    /* Parts it had no room for. Nobody is as many parts ahead of anybody: small ones wait for their
     * place, a large one for everybody. */
    uint64_t refused[FFMK_HOST_SIZES][FFMK_HOST_SMALL_PLACES];
    /* What others look at now and then. */
    _Alignas(FFMK_HOST_LINE) uint64_t passed; /* all operations up to this number are complete */
    uint64_t combined[FFMK_HOST_SIZES];       /* it needs no contribution to these parts any more */
};

struct ffmk_host_slot {
    _Alignas(FFMK_HOST_LINE) uint64_t number; /* of the broadcast, once it has begun */
    uint64_t bytes;
    uint64_t position; /* of a payload in the root's ring, … */
    uint64_t written;  /* … and how much of it is there */
    unsigned char payload[FFMK_HOST_INLINE_BYTES];
};

_Static_assert(sizeof(struct ffmk_host_slot) == FFMK_HOST_SLOT_BYTES, "slots lie side by side");

struct ffmk_host {
    size_t members;
    size_t me;
    struct ffmk_watch *watch;
    uint32_t spins;
    ffmk_host_meanwhile *meanwhile; /* or NULL */
    uint32_t idle;                  /* tests in a row that found nothing to do */
    uint64_t number;                /* of the last operation that was started */
    uint64_t passed_by_all;         /* at least */
    uint64_t position;    /* in this member's endless ring, where its next large payload goes */
    uint64_t written;     /* up to here it is written */
    uint64_t read_by_all; /* of it, at least */
    uint64_t turn[FFMK_HOST_SIZES];            /* parts of reductions that were started */
    uint64_t combined_by_all[FFMK_HOST_SIZES]; /* at least */
    struct ffmk_host_operation *first;         /* of those that are not complete, in order */
    struct ffmk_host_member *member;
    struct ffmk_host_slot *slot;
    unsigned char *readers;
    size_t reader_bytes;   /* of one of them */
    unsigned char *places; /* for contributions, of each member: small ones, then large_places for
                              parts of large reductions */
    size_t large_places;
    size_t places_bytes; /* of one member */
    unsigned char *rings;
    size_t ring_bytes; /* of one of them */
};

static inline uint64_t ffmk_host_load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void ffmk_host_store(uint64_t *word, uint64_t value) /* NOLINT: written to */
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Whether every living member's word, `offset` bytes into struct ffmk_host_member, has come to
 * `value`; *from_p is the first member that is not known to have, *awaited_p is set to it. */
bool ffmk_host_all_have(struct ffmk_host *host, size_t offset, uint64_t value, uint64_t *from_p,
                        size_t *awaited_p);

/* The least of such words among the living others, at most `most`. `words` is the first member's,
 * the others follow `stride` bytes apart. */
uint64_t ffmk_host_least_of(struct ffmk_host *host, const void *words, size_t stride, uint64_t most,
                            size_t *awaited_p);

static inline void ffmk_host_complete(struct ffmk_host_operation *operation, int code)
{
    operation->code = code;
    operation->complete = true;
}

/* Go as far as possible with one operation of a kind. */
void ffmk_host_advance_bcast(struct ffmk_host *host, struct ffmk_host_operation *operation);
void ffmk_host_advance_allreduce(struct ffmk_host *host, struct ffmk_host_operation *operation);

/* Put an operation behind those that are not complete, and go on with all of them. */
void ffmk_host_start(struct ffmk_host *host, struct ffmk_host_operation *operation);

#endif
