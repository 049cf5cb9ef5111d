/* SPDX-License-Identifier: BSD-3-Clause
 * The sparse exchange is Hoefler, Siebert, Lumsdaine, "Scalable communication protocols for dynamic
 * sparse data exchange" (PPoPP 2010): synchronous sends, a probe, and a nonblocking barrier begun
 * once the own sends arrived. */
#include "balance/exchange.h"

#include <ffmk.h>
#include <stdlib.h>

enum { LOOK_AT = 32 }; /* requests of an outbox from which on it is looked at */

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
        pieces += (mail->letters[i].body.length + FFMK_PIECE_BYTES - 1) / FFMK_PIECE_BYTES;
    return pieces;
}

static int send_pieces(const struct ffmk_team *team, const struct ffmk_mail *mail, int tag,
                       MPI_Request *requests)
{
    size_t posted = 0;
    for (size_t i = 0; i < mail->n; i++) {
        const struct ffmk_letter *letter = &mail->letters[i];
        for (size_t at = 0; at < letter->body.length; at += FFMK_PIECE_BYTES) {
            const size_t rest = letter->body.length - at;
            const int length = rest < FFMK_PIECE_BYTES ? (int)rest : FFMK_PIECE_BYTES;
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
static int receive_piece(const struct ffmk_team *team, int tag, struct ffmk_mail *incoming,
                         int *arrived_p)
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
    code =
        ffmk_team_checked(PMPI_Mrecv(team->piece, length, MPI_BYTE, &message, MPI_STATUS_IGNORE));
    if (!code)
        ffmk_wire_put_bytes(ffmk_mail_to(incoming, source), team->piece, (size_t)length);
    return code;
}

/* All sends are synchronous, so a rank enters the barrier when its letters have been taken, and the
 * barrier ends when everybody's have. */
static int run_consensus(const struct ffmk_team *team, int tag, int n_requests,
                         MPI_Request *requests, struct ffmk_mail *incoming)
{
    MPI_Request barrier = MPI_REQUEST_NULL;
    unsigned looks = 0;
    for (int finished = 0, taken = 0; !finished;) {
        int arrived = 0;
        int code = receive_piece(team, tag, incoming, &arrived);
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

int ffmk_exchange_sparse(struct ffmk_team *team, const struct ffmk_mail *outgoing,
                         struct ffmk_mail *incoming)
{
    static const struct ffmk_mail none = {0};
    /* A fast rank may begin the next exchange while a slow one still tests this barrier, but not
     * the one after: two tags in turn keep them apart. */
    const int tag = FFMK_TAG_SPARSE + (team->turn++ & 1);
    const size_t n_pieces = pieces_of(outgoing);
    MPI_Request *requests = malloc((n_pieces + 1) * sizeof *requests);
    const bool able = requests && n_pieces <= INT32_MAX && !ffmk_mail_failed(outgoing);
    int code = send_pieces(team, able ? outgoing : &none, tag, requests);
    if (!code)
        code = run_consensus(team, tag, able ? (int)n_pieces : 0, requests, incoming);
    sort_by_rank(incoming);
    free(requests);
    return code || (able && !ffmk_mail_failed(incoming)) ? code : FFMK_ERR_NO_MEMORY;
}

static bool outbox_reserve(struct ffmk_outbox *outbox, size_t n)
{
    if (outbox->n + n <= outbox->capacity)
        return true;
    const size_t capacity = 2 * outbox->capacity + n + 16;
    MPI_Request *requests = realloc(outbox->requests, capacity * sizeof *requests);
    if (requests)
        outbox->requests = requests;
    uint8_t **letters = realloc(outbox->letters, capacity * sizeof *letters);
    if (letters)
        outbox->letters = letters;
    if (!requests || !letters)
        return false;
    outbox->capacity = capacity;
    return true;
}

static void outbox_clear(struct ffmk_outbox *outbox)
{
    for (size_t i = 0; i < outbox->n; i++)
        free(outbox->letters[i]);
    outbox->n = 0;
}

/* Now and then: are all gone, so that their memory can be used again? */
static int outbox_look(struct ffmk_outbox *outbox)
{
    int complete = 0;
    if (outbox->n < LOOK_AT)
        return FFMK_SUCCESS;
    const int code = ffmk_team_test((int)outbox->n, outbox->requests, &complete);
    if (!code && complete)
        outbox_clear(outbox);
    return code;
}

/* The last piece is shorter than the others, if need be empty. */
int ffmk_outbox_send(const struct ffmk_team *team, struct ffmk_outbox *outbox, int rank, int tag,
                     struct ffmk_wire_out *letter)
{
    const size_t pieces = letter->length / FFMK_PIECE_BYTES + 1;
    int code = outbox_look(outbox);
    if (outbox_reserve(outbox, pieces)) {
        for (size_t p = 0; p < pieces && !code; p++) {
            const size_t at = p * FFMK_PIECE_BYTES;
            const bool last = p + 1 == pieces;
            const int length = last ? (int)(letter->length - at) : FFMK_PIECE_BYTES;
            outbox->letters[outbox->n] = last ? letter->data : NULL;
            code = ffmk_team_checked(PMPI_Isend(length > 0 ? letter->data + at : NULL, length,
                                                MPI_BYTE, rank, tag, team->comm,
                                                &outbox->requests[outbox->n++]));
        }
    } else {
        /* Without memory to go on meanwhile: one piece after the other. */
        for (size_t p = 0; p < pieces && !code; p++) {
            const size_t at = p * FFMK_PIECE_BYTES;
            const int length = p + 1 == pieces ? (int)(letter->length - at) : (int)FFMK_PIECE_BYTES;
            code = ffmk_team_checked(PMPI_Send(length > 0 ? letter->data + at : NULL, length,
                                               MPI_BYTE, rank, tag, team->comm));
        }
        free(letter->data);
    }
    *letter = (struct ffmk_wire_out){0};
    return code;
}

int ffmk_outbox_flush(struct ffmk_outbox *outbox)
{
    const int code = ffmk_team_wait((int)outbox->n, outbox->requests);
    outbox_clear(outbox);
    free(outbox->requests);
    free(outbox->letters);
    *outbox = (struct ffmk_outbox){0};
    return code;
}

/* Take a piece, however long it takes. Open MPI lets others run meanwhile where ranks share cores;
 * MPICH holds its core, so there it is looked for. */
static int await_piece(const struct ffmk_team *team, int rank, int tag, MPI_Status *status)
{
#ifdef OPEN_MPI
    return ffmk_team_checked(
        PMPI_Recv(team->piece, FFMK_PIECE_BYTES, MPI_BYTE, rank, tag, team->comm, status));
#else
    MPI_Request request;
    unsigned looks = 0;
    int arrived = 0;
    int code = ffmk_team_checked(
        PMPI_Irecv(team->piece, FFMK_PIECE_BYTES, MPI_BYTE, rank, tag, team->comm, &request));
    while (!arrived && !code) {
        code = ffmk_team_checked(PMPI_Test(&request, &arrived, status));
        if (!arrived)
            ffmk_team_pause(&looks);
    }
    return code;
#endif
}

int ffmk_exchange_receive(const struct ffmk_team *team, int rank, int tag,
                          struct ffmk_wire_out *letter)
{
    for (int length = FFMK_PIECE_BYTES; length == FFMK_PIECE_BYTES;) {
        MPI_Status status;
        int code = await_piece(team, rank, tag, &status);
        if (!code)
            code = ffmk_team_checked(PMPI_Get_count(&status, MPI_BYTE, &length));
        if (code)
            return code;
        ffmk_wire_put_bytes(letter, team->piece, (size_t)length);
    }
    return FFMK_SUCCESS;
}

int ffmk_exchange_letters(const struct ffmk_team *team, size_t n, const int *ranks,
                          struct ffmk_wire_out *outgoing, struct ffmk_wire_out *incoming)
{
    struct ffmk_outbox outbox = {0};
    bool failed = false;
    int code = FFMK_SUCCESS;
    for (size_t k = 0; k < n && !code; k++) {
        failed = failed || outgoing[k].failed;
        code = ffmk_outbox_send(team, &outbox, ranks[k], FFMK_TAG_LETTER, &outgoing[k]);
    }
    for (size_t k = 0; k < n && !code; k++) {
        code = ffmk_exchange_receive(team, ranks[k], FFMK_TAG_LETTER, &incoming[k]);
        failed = failed || incoming[k].failed;
    }
    const int flushed = ffmk_outbox_flush(&outbox);
    code = code ? code : flushed;
    return code || !failed ? code : FFMK_ERR_NO_MEMORY;
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
