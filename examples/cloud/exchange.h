/* SPDX-License-Identifier: BSD-3-Clause
 * The halo exchange: every block gets its neighbours' outermost cells, by copy on the same rank and
 * by one nonblocking message for each neighbouring rank. */
#ifndef CLOUD_EXCHANGE_H
#define CLOUD_EXCHANGE_H

#include "block.h"

#include <ffmk.h>

/** A face between a block of this rank and one of another rank. */
struct seam {
    int rank; /**< The other block's. */
    int key;  /**< The same on both ranks: they list the seams between them in the same order. */
    int id;   /**< Our block … */
    int side; /**< … and the side of it on which the other block lies. */
};

/** All seams with one other rank travel in one message. */
struct peer {
    int rank;
    int first_seam;
    int n_seams;
    size_t offset; /**< In both buffers, in doubles. */
    size_t length;
};

struct exchange {
    MPI_Comm comm;
    const struct grid *grid;
    struct seam *seams; /**< By rank, then key. */
    int n_seams;
    struct peer *peers;
    int n_peers;
    double *outgoing;
    double *incoming;
    MPI_Request *requests;
};

/** Find the neighbours of this rank's blocks; to be called again whenever blocks have moved.
 * \return false when memory is short or ffmk does not know a block; `exchange` can then only be
 * disconnected. */
bool exchange_connect(struct exchange *exchange, MPI_Comm comm, const struct blocks *blocks,
                      const ffmk_items *items);

/** Free what exchange_connect() made. Fine on an exchange that is all zeros. */
void exchange_disconnect(struct exchange *exchange);

/** Fill the halo of every block of this rank. */
void exchange_halos(struct exchange *exchange, const struct blocks *blocks);

#endif
