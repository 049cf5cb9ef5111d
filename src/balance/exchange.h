/* SPDX-License-Identifier: BSD-3-Clause
 * Messages between ranks: to few ranks that do not expect them (sparse), and between neighbours
 * that know each other. Memory follows what is sent and received, never the number of ranks.
 * Arrivals are handed over in order of rank, so that nothing depends on their timing. The only room
 * beside team and migrate that calls MPI. */
#ifndef FFMK_BALANCE_EXCHANGE_H
#define FFMK_BALANCE_EXCHANGE_H

#include "balance/idmap.h"
#include "balance/team.h"
#include "core/wire.h"

/** A message to or from a rank. */
struct ffmk_letter {
    int rank;
    struct ffmk_wire_out body;
};

/** Letters, at most one a rank. Begin with {0}. */
struct ffmk_mail {
    struct ffmk_letter *letters;
    size_t n;
    size_t capacity;
    struct ffmk_idmap index;   /* rank → place in letters */
    struct ffmk_wire_out lost; /* takes what is written once memory ran out */
};

/** The letter to a rank, begun if need be. Never NULL; when memory ran out, ffmk_mail_failed() says
 * so later. The pointer is valid until the next call. */
struct ffmk_wire_out *ffmk_mail_to(struct ffmk_mail *mail, int rank);

bool ffmk_mail_failed(const struct ffmk_mail *mail);

/** A reader of the letter at `place`. */
struct ffmk_wire_in ffmk_mail_read(const struct ffmk_mail *mail, size_t place);

void ffmk_mail_free(struct ffmk_mail *mail);

/** Deliver `outgoing` to ranks that do not know who writes to them, and collect what came in
 * `incoming`, in order of rank. Collective. `code` is how this rank fared so far: if any rank hands
 * in an error nothing is sent and all return the agreed one. */
int ffmk_exchange_sparse(struct ffmk_team *team, int code, const struct ffmk_mail *outgoing,
                         struct ffmk_mail *incoming);

/** Neighbours: a symmetric relation, each rank's list ascending. */
struct ffmk_neighbours {
    size_t n;
    int *ranks;
    MPI_Request *requests; /* room for 2 n */
    uint64_t *sizes;       /* room for 2 n */
};

/** Room for n neighbours. \return false when memory ran out. */
bool ffmk_neighbours_reserve(struct ffmk_neighbours *neighbours, size_t n);

void ffmk_neighbours_free(struct ffmk_neighbours *neighbours);

/** Hand the same n values to every neighbour and get theirs: theirs[k × n …] from neighbour k.
 * Allocates nothing. */
int ffmk_exchange_share(const struct ffmk_team *team, const struct ffmk_neighbours *neighbours,
                        int n, const double *mine, double *theirs);

/** Deliver outgoing[k] to neighbour k and collect its message in incoming[k], an empty one.
 * Collective over the whole team because of `code`, which is as in ffmk_exchange_sparse(). */
int ffmk_exchange_letters(const struct ffmk_team *team, const struct ffmk_neighbours *neighbours,
                          int code, const struct ffmk_wire_out *outgoing,
                          struct ffmk_wire_out *incoming);

/** Post sends or receives of `length` bytes in slices that fit an int. A slice is FFMK_SLICE_BYTES,
 * the last one what is left; requests has room for ffmk_slices(length). */
enum { FFMK_SLICE_BYTES = 1 << 30 };

static inline size_t ffmk_slices(uint64_t length)
{
    return (size_t)((length + FFMK_SLICE_BYTES - 1) / FFMK_SLICE_BYTES);
}

int ffmk_exchange_post_send(const struct ffmk_team *team, const void *data, uint64_t length,
                            int rank, int tag, MPI_Request *requests);
int ffmk_exchange_post_receive(const struct ffmk_team *team, void *data, uint64_t length, int rank,
                               int tag, MPI_Request *requests);

/** Tags on the team's communicator. */
enum { FFMK_TAG_SPARSE = 1, FFMK_TAG_SHARE = 3, FFMK_TAG_SIZE, FFMK_TAG_LETTER, FFMK_TAG_MIGRATE };

#endif
