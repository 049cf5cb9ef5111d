/* SPDX-License-Identifier: BSD-3-Clause
 * Messages between ranks: to few ranks that do not expect them (sparse), and letters to those that
 * wait for them. Memory follows what is sent and received, never the number of ranks.
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
 * `incoming`, in order of rank. Collective: who cannot write sends nothing, and takes part.
 * \return how this rank fared, which is to be agreed on. */
int ffmk_exchange_sparse(struct ffmk_team *team, const struct ffmk_mail *outgoing,
                         struct ffmk_mail *incoming);

/** Letters on their way to ranks that wait for them. Begin with {0}. */
struct ffmk_outbox {
    MPI_Request *requests;
    uint8_t **letters; /* of the requests that end one, else NULL */
    size_t n, capacity;
};

/** Send a letter, of any length, also empty. It is taken over and freed once it is gone. */
int ffmk_outbox_send(const struct ffmk_team *team, struct ffmk_outbox *outbox, int rank, int tag,
                     struct ffmk_wire_out *letter);

/** Wait until all are gone, and free the outbox. */
int ffmk_outbox_flush(struct ffmk_outbox *outbox);

/** Wait for a letter that was sent so, and append it. One for which there is no memory is marked
 * failed, and gone. */
int ffmk_exchange_receive(const struct ffmk_team *team, int rank, int tag,
                          struct ffmk_wire_out *letter);

/** Deliver outgoing[k] to ranks[k], and collect its letter to us in incoming[k]; letters are taken
 * over. Both must call. \return as ffmk_exchange_sparse(). */
int ffmk_exchange_letters(const struct ffmk_team *team, size_t n, const int *ranks,
                          struct ffmk_wire_out *outgoing, struct ffmk_wire_out *incoming);

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
enum {
    FFMK_TAG_SPARSE = 1, /* and the next */
    FFMK_TAG_LETTER = 3,
    FFMK_TAG_MIGRATE = 4, /* and the next */
    FFMK_TAG_PART = 8     /* and one for each kind of letter */
};

#endif
