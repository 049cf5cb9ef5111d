/* SPDX-License-Identifier: BSD-3-Clause
 * The halo exchange between blocks, wherever they are. */
#include "exchange.h"

#include <stdlib.h>

enum { HALO_TAG = 1 };

static size_t face_length(const struct grid *grid, int side)
{
    return (size_t)FIELDS * (size_t)grid_face_area(grid, side_axis(side));
}

static int by_rank_and_key(const void *left, const void *right)
{
    const struct seam *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

/** List the seams of one block. The links of a block were registered in the order of its sides (see
 * balance.c), and ffmk says in that order where their targets are now. */
static bool add_seams(struct exchange *exchange, const struct blocks *blocks,
                      const ffmk_items *items, int id)
{
    int ranks[SIDES];
    if (ffmk_items_link_ranks(items, (uint64_t)id, ranks, SIDES) != FFMK_SUCCESS)
        return false;
    int link = 0;
    for (int side = 0; side < SIDES; side++) {
        const int other = grid_neighbour(blocks->grid, id, side);
        if (other < 0)
            continue;
        const int rank = ranks[link++];
        if (blocks->by_id[other])
            continue;
        const int lower = id < other ? id : other;
        exchange->seams[exchange->n_seams++] =
            (struct seam){rank, lower * AXES + side_axis(side), id, side};
    }
    return true;
}

/** Turn the sorted seams into one message for each rank. \return the length of all of them. */
static size_t list_peers(struct exchange *exchange)
{
    size_t length = 0;
    for (int i = 0; i < exchange->n_seams; i++) {
        const struct seam *seam = &exchange->seams[i];
        if (i == 0 || seam->rank != exchange->seams[i - 1].rank)
            exchange->peers[exchange->n_peers++] = (struct peer){seam->rank, i, 0, length, 0};
        struct peer *peer = &exchange->peers[exchange->n_peers - 1];
        peer->n_seams++;
        peer->length += face_length(exchange->grid, seam->side);
        length += face_length(exchange->grid, seam->side);
    }
    return length;
}

/** calloc that gives memory even for nothing, so that NULL always means that there was none. */
static void *room_for(size_t count, size_t bytes)
{
    return calloc(count > 0 ? count : 1, bytes);
}

bool exchange_connect(struct exchange *exchange, MPI_Comm comm, const struct blocks *blocks,
                      const ffmk_items *items)
{
    const size_t most_seams = (size_t)blocks->count * SIDES;
    exchange_disconnect(exchange);
    exchange->comm = comm;
    exchange->grid = blocks->grid;
    exchange->seams = room_for(most_seams, sizeof(struct seam));
    exchange->peers = room_for(most_seams, sizeof(struct peer));
    if (!exchange->seams || !exchange->peers)
        return false;

    for (const struct block *block = blocks_from(blocks, 0); block;
         block = blocks_from(blocks, block->id + 1)) {
        if (!add_seams(exchange, blocks, items, block->id))
            return false;
    }
    qsort(exchange->seams, (size_t)exchange->n_seams, sizeof(struct seam), by_rank_and_key);

    const size_t length = list_peers(exchange);
    exchange->outgoing = room_for(length, sizeof(double));
    exchange->incoming = room_for(length, sizeof(double));
    exchange->requests = room_for(2 * (size_t)exchange->n_peers, sizeof(MPI_Request));
    return exchange->outgoing && exchange->incoming && exchange->requests;
}

void exchange_disconnect(struct exchange *exchange)
{
    free(exchange->seams);
    free(exchange->peers);
    free(exchange->outgoing);
    free(exchange->incoming);
    free(exchange->requests);
    *exchange = (struct exchange){0};
}

/** Halos whose source is on this rank. At the edge of the domain the air goes on as it is inside.
 */
static void copy_here(const struct grid *grid, const struct blocks *blocks)
{
    for (struct block *block = blocks_from(blocks, 0); block;
         block = blocks_from(blocks, block->id + 1)) {
        const double start = MPI_Wtime();
        for (int side = 0; side < SIDES; side++) {
            const int other = grid_neighbour(grid, block->id, side);
            if (other < 0)
                block_copy_face(grid, block, side, block, side);
            else if (blocks->by_id[other])
                block_copy_face(grid, block, side, blocks->by_id[other], side_opposite(side));
        }
        block->seconds += MPI_Wtime() - start;
    }
}

void exchange_halos(struct exchange *exchange, const struct blocks *blocks)
{
    const struct grid *grid = exchange->grid;
    const int n = exchange->n_peers;
    for (int i = 0; i < n; i++) {
        const struct peer *peer = &exchange->peers[i];
        MPI_Irecv(exchange->incoming + peer->offset, (int)peer->length, MPI_DOUBLE, peer->rank,
                  HALO_TAG, exchange->comm, &exchange->requests[i]);
    }
    double *face = exchange->outgoing;
    for (int i = 0; i < n; i++) {
        const struct peer *peer = &exchange->peers[i];
        for (int s = peer->first_seam; s < peer->first_seam + peer->n_seams; s++) {
            const struct seam *seam = &exchange->seams[s];
            block_get_face(grid, blocks->by_id[seam->id], seam->side, face);
            face += face_length(grid, seam->side);
        }
        MPI_Isend(exchange->outgoing + peer->offset, (int)peer->length, MPI_DOUBLE, peer->rank,
                  HALO_TAG, exchange->comm, &exchange->requests[n + i]);
    }

    copy_here(grid, blocks);
    MPI_Waitall(2 * n, exchange->requests, MPI_STATUSES_IGNORE);

    const double *arrived = exchange->incoming;
    for (int s = 0; s < exchange->n_seams; s++) {
        const struct seam *seam = &exchange->seams[s];
        block_set_halo(grid, blocks->by_id[seam->id], seam->side, arrived);
        arrived += face_length(grid, seam->side);
    }
}
