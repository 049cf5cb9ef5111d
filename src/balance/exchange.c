/* SPDX-License-Identifier: BSD-3-Clause
 * The sparse exchange is Hoefler, Siebert, Lumsdaine, "Scalable communication protocols for dynamic
 * sparse data exchange" (PPoPP 2010): synchronous sends, a probe, and a nonblocking barrier begun
 * once the own sends arrived. */
#include "balance/exchange.h"

#include <ffmk.h>
#include <stdlib.h>

/* A sparse letter travels in pieces of at most this size: a receiver that lacks memory can still
 * drain them. */
enum { PIECE_BYTES = 1 << 18 };

struct ffmk_wire_out *ffmk_mail_to(struct ffmk_mail *mail, int rank)
{
    const size_t known = ffmk_idmap_get(&mail->index, (uint64_t)rank);
    if (known != FFMK_IDMAP_NONE)
        return &mail->letters[known].body;
    if (mail->n == mail->capacity) {
        const size_t capacity = mail->capacity ? 2 * mail->capacity : 8;
        struct ffmk_letter *letters = realloc(mail->letters, capacity * sizeof *letters);
        if (!letters) {
            mail->lost.failed = true;
            return &mail->lost;
        }
        mail->letters = letters;
        mail->capacity = capacity;
    }
    if (!ffmk_idmap_put(&mail->index, (uint64_t)rank, mail->n)) {
        mail->lost.failed = true;
        return &mail->lost;
    }
    mail->letters[mail->n] = (struct ffmk_letter){.rank = rank};
    return &mail->letters[mail->n++].body;
}

bool ffmk_mail_failed(const struct ffmk_mail *mail)
{
    for (size_t i = 0; i < mail->n; i++)
        if (mail->letters[i].body.failed)
            return true;
    return mail->lost.failed;
}

struct ffmk_wire_in ffmk_mail_read(const struct ffmk_mail *mail, size_t place)
{
    const struct ffmk_wire_out *body = &mail->letters[place].body;
    return (struct ffmk_wire_in){.data = body->data, .length = body->length};
}

void ffmk_mail_free(struct ffmk_mail *mail)
{
    for (size_t i = 0; i < mail->n; i++)
        ffmk_wire_free(&mail->letters[i].body);
    free(mail->letters);
    ffmk_idmap_free(&mail->index);
    *mail = (struct ffmk_mail){0};
}

static int compare_by_rank(const void *a, const void *b)
{
    const int left = ((const struct ffmk_letter *)a)->rank;
    const int right = ((const struct ffmk_letter *)b)->rank;
    return (left > right) - (left < right);
}

static void sort_by_rank(struct ffmk_mail *mail)
{
    if (mail->n > 1)
        qsort(mail->letters, mail->n, sizeof *mail->letters, compare_by_rank);
    for (size_t i = 0; i < mail->n; i++)
        ffmk_idmap_put(&mail->index, (uint64_t)mail->letters[i].rank,
                       i); /* known already: cannot fail */
}

static size_t pieces_of(const struct ffmk_mail *mail)
{
    size_t pieces = 0;
    for (size_t i = 0; i < mail->n; i++)
        pieces += (mail->letters[i].body.length + PIECE_BYTES - 1) / PIECE_BYTES;
    return pieces;
}

static int send_pieces(const struct ffmk_team *team, const struct ffmk_mail *mail, int tag,
                       MPI_Request *requests)
{
    size_t posted = 0;
    for (size_t i = 0; i < mail->n; i++) {
        const struct ffmk_letter *letter = &mail->letters[i];
        for (size_t at = 0; at < letter->body.length; at += PIECE_BYTES) {
            const size_t rest = letter->body.length - at;
            const int length = rest < PIECE_BYTES ? (int)rest : PIECE_BYTES;
            const int code =
                ffmk_team_checked(PMPI_Issend(letter->body.data + at, length, MPI_BYTE,
                                              letter->rank, tag, team->comm, &requests[posted++]));
            if (code)
                return code;
        }
    }
    return FFMK_SUCCESS;
}

/* Take one piece if there is one. */
static int receive_piece(const struct ffmk_team *team, int tag, uint8_t *piece,
                         struct ffmk_mail *incoming, int *arrived_p)
{
    MPI_Message message;
    MPI_Status status;
    int length;
    int code = ffmk_team_checked(
        PMPI_Improbe(MPI_ANY_SOURCE, tag, team->comm, arrived_p, &message, &status));
    if (code || !*arrived_p)
        return code;
    const int source = status.MPI_SOURCE;
    PMPI_Get_count(&status, MPI_BYTE, &length);
    code = ffmk_team_checked(PMPI_Mrecv(piece, length, MPI_BYTE, &message, MPI_STATUS_IGNORE));
    if (!code)
        ffmk_wire_put_bytes(ffmk_mail_to(incoming, source), piece, (size_t)length);
    return code;
}

/* All sends are synchronous, so a rank enters the barrier when its letters have been taken, and the
 * barrier ends when everybody's have. */
static int run_consensus(const struct ffmk_team *team, int tag, int n_requests,
                         MPI_Request *requests, uint8_t *piece, struct ffmk_mail *incoming)
{
    MPI_Request barrier = MPI_REQUEST_NULL;
    unsigned looks = 0;
    for (int finished = 0, taken = 0; !finished;) {
        int arrived = 0;
        int code = receive_piece(team, tag, piece, incoming, &arrived);
        if (code)
            return code;
        if (arrived)
            continue;
        if (!taken) {
            code = ffmk_team_test(n_requests, requests, &taken);
            if (!code && taken)
                code = ffmk_team_checked(PMPI_Ibarrier(team->comm, &barrier));
        } else {
            code = ffmk_team_checked(PMPI_Test(&barrier, &finished, MPI_STATUS_IGNORE));
        }
        if (code)
            return code;
        ffmk_team_pause(&looks);
    }
    return FFMK_SUCCESS;
}

int ffmk_exchange_sparse(struct ffmk_team *team, int code, const struct ffmk_mail *outgoing,
                         struct ffmk_mail *incoming)
{
    const size_t n_pieces = pieces_of(outgoing);
    MPI_Request *requests = malloc((n_pieces + 1) * sizeof *requests);
    uint8_t *piece = malloc(PIECE_BYTES);
    if (!code && (!requests || !piece || n_pieces > INT32_MAX || ffmk_mail_failed(outgoing)))
        code = FFMK_ERR_NO_MEMORY;
    code = ffmk_team_agree(team, code);
    if (!code) {
        /* A fast rank may begin the next exchange while a slow one still tests this barrier, but
         * not the one after: two tags in turn keep them apart. */
        const int tag = FFMK_TAG_SPARSE + (team->turn++ & 1);
        code = send_pieces(team, outgoing, tag, requests);
        if (!code)
            code = run_consensus(team, tag, (int)n_pieces, requests, piece, incoming);
        if (!code)
            code = ffmk_team_agree(team,
                                   ffmk_mail_failed(incoming) ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS);
        sort_by_rank(incoming);
    }
    free(requests);
    free(piece);
    return code;
}

bool ffmk_neighbours_reserve(struct ffmk_neighbours *neighbours, size_t n)
{
    *neighbours =
        (struct ffmk_neighbours){.n = n,
                                 .ranks = calloc(n + 1, sizeof *neighbours->ranks),
                                 .requests = calloc(2 * n + 1, sizeof *neighbours->requests),
                                 .sizes = calloc(2 * n + 1, sizeof *neighbours->sizes)};
    if (neighbours->ranks && neighbours->requests && neighbours->sizes)
        return true;
    ffmk_neighbours_free(neighbours);
    return false;
}

void ffmk_neighbours_free(struct ffmk_neighbours *neighbours)
{
    free(neighbours->ranks);
    free(neighbours->requests);
    free(neighbours->sizes);
    *neighbours = (struct ffmk_neighbours){0};
}

int ffmk_exchange_share(const struct ffmk_team *team, const struct ffmk_neighbours *neighbours,
                        int n, const double *mine, double *theirs)
{
    MPI_Request *request = neighbours->requests;
    int code = FFMK_SUCCESS;
    for (size_t k = 0; k < neighbours->n && !code; k++)
        code = ffmk_team_checked(PMPI_Irecv(theirs + k * (size_t)n, n, MPI_DOUBLE,
                                            neighbours->ranks[k], FFMK_TAG_SHARE, team->comm,
                                            request++));
    for (size_t k = 0; k < neighbours->n && !code; k++)
        code = ffmk_team_checked(PMPI_Isend(mine, n, MPI_DOUBLE, neighbours->ranks[k],
                                            FFMK_TAG_SHARE, team->comm, request++));
    return code ? code : ffmk_team_wait((int)(2 * neighbours->n), neighbours->requests);
}

/* Tell every neighbour how much it will get: sizes[k] out, sizes[n + k] in. */
static int exchange_sizes(const struct ffmk_team *team, const struct ffmk_neighbours *neighbours)
{
    MPI_Request *request = neighbours->requests;
    int code = FFMK_SUCCESS;
    for (size_t k = 0; k < neighbours->n && !code; k++)
        code = ffmk_team_checked(PMPI_Irecv(&neighbours->sizes[neighbours->n + k], 1, MPI_UINT64_T,
                                            neighbours->ranks[k], FFMK_TAG_SIZE, team->comm,
                                            request++));
    for (size_t k = 0; k < neighbours->n && !code; k++)
        code = ffmk_team_checked(PMPI_Isend(&neighbours->sizes[k], 1, MPI_UINT64_T,
                                            neighbours->ranks[k], FFMK_TAG_SIZE, team->comm,
                                            request++));
    return code ? code : ffmk_team_wait((int)(2 * neighbours->n), neighbours->requests);
}

static bool make_room(struct ffmk_wire_out *incoming, uint64_t length)
{
    if (length == 0)
        return true;
    if (length > SIZE_MAX || !(incoming->data = malloc((size_t)length)))
        return false;
    incoming->length = incoming->capacity = (size_t)length;
    return true;
}

int ffmk_exchange_letters(const struct ffmk_team *team, const struct ffmk_neighbours *neighbours,
                          int code, const struct ffmk_wire_out *outgoing,
                          struct ffmk_wire_out *incoming)
{
    const size_t n = neighbours->n;
    MPI_Request *requests = NULL;
    size_t n_requests = 0;

    for (size_t k = 0; k < n; k++)
        if (outgoing[k].failed && !code)
            code = FFMK_ERR_NO_MEMORY;
    code = ffmk_team_agree(team, code);
    if (code)
        return code;
    for (size_t k = 0; k < n; k++)
        neighbours->sizes[k] = outgoing[k].length;
    code = exchange_sizes(team, neighbours);
    for (size_t k = 0; k < n && !code; k++) {
        n_requests += ffmk_slices(neighbours->sizes[k]) + ffmk_slices(neighbours->sizes[n + k]);
        if (!make_room(&incoming[k], neighbours->sizes[n + k]))
            code = FFMK_ERR_NO_MEMORY;
    }
    if (!code && !(requests = malloc((n_requests + 1) * sizeof *requests)))
        code = FFMK_ERR_NO_MEMORY;
    code = ffmk_team_agree(team, code);

    MPI_Request *request = requests;
    for (size_t k = 0; k < n && !code; k++) {
        code = ffmk_exchange_post_receive(team, incoming[k].data, incoming[k].length,
                                          neighbours->ranks[k], FFMK_TAG_LETTER, request);
        request += ffmk_slices(incoming[k].length);
    }
    for (size_t k = 0; k < n && !code; k++) {
        code = ffmk_exchange_post_send(team, outgoing[k].data, outgoing[k].length,
                                       neighbours->ranks[k], FFMK_TAG_LETTER, request);
        request += ffmk_slices(outgoing[k].length);
    }
    if (!code)
        code = ffmk_team_wait((int)n_requests, requests);
    free(requests);
    return code;
}

static int slice_length(uint64_t length, uint64_t at)
{
    return length - at < FFMK_SLICE_BYTES ? (int)(length - at) : FFMK_SLICE_BYTES;
}

int ffmk_exchange_post_send(const struct ffmk_team *team, const void *data, uint64_t length,
                            int rank, int tag, MPI_Request *requests)
{
    int code = FFMK_SUCCESS;
    for (uint64_t at = 0; at < length && !code; at += FFMK_SLICE_BYTES)
        code = ffmk_team_checked(PMPI_Isend((const uint8_t *)data + at, slice_length(length, at),
                                            MPI_BYTE, rank, tag, team->comm, requests++));
    return code;
}

int ffmk_exchange_post_receive(const struct ffmk_team *team, void *data, uint64_t length, int rank,
                               int tag, MPI_Request *requests)
{
    int code = FFMK_SUCCESS;
    for (uint64_t at = 0; at < length && !code; at += FFMK_SLICE_BYTES)
        code = ffmk_team_checked(PMPI_Irecv((uint8_t *)data + at, slice_length(length, at),
                                            MPI_BYTE, rank, tag, team->comm, requests++));
    return code;
}
