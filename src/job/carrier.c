/* SPDX-License-Identifier: BSD-3-Clause
 * Messages of our own operations by MPI's point-to-point calls.
 *
 * Leave is taken without anybody waiting in MPI_Comm_free(): each tells all others when it sends
 * nothing more, and keeps the communicator until all have told it. What comes from a rank comes in
 * order, so behind its leave there is nothing. */
#include "job/carrier.h"

#include "gossip/net/across.h"

#include <errno.h>
#include <ffmk.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_MESSAGE, TAG_LEAVE };
enum { ROUNDS = 64, LEAST_SENDS = 16 };

/* A message on its way out. */
struct sent {
    void *message;
    int to;
};

struct ffmk_mpi_carrier {
    struct ffmk_carrier carrier; /* first */
    struct ffmk_endpoint *endpoint;
    MPI_Comm comm;
    int rank;
    int size;
    /* What is being sent; the endpoint's lock is for this and for receiving. */
    int sends;
    int capacity;
    MPI_Request *request;
    struct sent *sent;
    int *done; /* for MPI, like … */
    MPI_Status *status;
    uint8_t *came; /* a message on its way in */
    int room;
    /* Taking leave */
    bool told;
    bool *left; /* by rank */
    struct ffmk_mpi_carrier *next;
};

/* Those that are closed. */
static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER;
static struct ffmk_mpi_carrier *leaving;

/* The id that a rank of the communicator has on its card. */
static uint64_t id_of(int rank)
{
    return (uint64_t)rank + 1;
}

static bool grow(struct ffmk_mpi_carrier *carrier)
{
    if (carrier->sends < carrier->capacity)
        return true;
    const size_t n = carrier->capacity ? 2 * (size_t)carrier->capacity : LEAST_SENDS;
    MPI_Request *request = realloc(carrier->request, n * sizeof(MPI_Request));
    carrier->request = request ? request : carrier->request;
    struct sent *sent = request ? realloc(carrier->sent, n * sizeof *sent) : NULL;
    carrier->sent = sent ? sent : carrier->sent;
    int *done = sent ? realloc(carrier->done, n * sizeof *done) : NULL;
    carrier->done = done ? done : carrier->done;
    MPI_Status *status = done ? realloc(carrier->status, n * sizeof *status) : NULL;
    carrier->status = status ? status : carrier->status;
    carrier->capacity = status ? (int)n : carrier->capacity;
    return status != NULL;
}

/* `message` becomes the carrier's. */
static bool post(struct ffmk_mpi_carrier *carrier, int to, int tag, void *message, size_t bytes)
{
    if (!grow(carrier) || PMPI_Isend(message, (int)bytes, MPI_BYTE, to, tag, carrier->comm,
                                     &carrier->request[carrier->sends]) != MPI_SUCCESS) {
        free(message);
        return false;
    }
    carrier->sent[carrier->sends++] = (struct sent){.message = message, .to = to};
    return true;
}

static bool send(struct ffmk_carrier *base, uint64_t to, const void *const part[3],
                 const size_t bytes[3])
{
    struct ffmk_mpi_carrier *carrier = (struct ffmk_mpi_carrier *)base;
    const size_t all = bytes[0] + bytes[1] + bytes[2];
    uint8_t *message = malloc(all);
    if (!message)
        return false;
    size_t at = 0;
    for (int i = 0; i < 3; at += bytes[i++])
        if (bytes[i] > 0)
            memcpy(message + at, part[i], bytes[i]);
    const int rank = (int)(to - id_of(0));
    if (post(carrier, rank, TAG_MESSAGE, message, all))
        return true;
    carrier->left[rank] = true;
    return false;
}

/* Forget what was sent; whoever cannot be sent to is dead. */
static void finish_sends(struct ffmk_mpi_carrier *carrier)
{
    int n = 0;
    if (carrier->sends == 0)
        return;
    const int code =
        PMPI_Testsome(carrier->sends, carrier->request, &n, carrier->done, carrier->status);
    if (code != MPI_SUCCESS && code != MPI_ERR_IN_STATUS) {
        ffmk_endpoint_be_excluded(carrier->endpoint);
        return;
    }
    for (int i = 0; i < n; i++) {
        struct sent *sent = &carrier->sent[carrier->done[i]];
        if (code == MPI_ERR_IN_STATUS && carrier->status[i].MPI_ERROR != MPI_SUCCESS) {
            ffmk_endpoint_lost(carrier->endpoint, id_of(sent->to));
            carrier->left[sent->to] = true;
        }
        free(sent->message);
        sent->message = NULL;
    }
    int kept = 0;
    for (int i = 0; i < carrier->sends; i++)
        if (carrier->sent[i].message) {
            carrier->request[kept] = carrier->request[i];
            carrier->sent[kept++] = carrier->sent[i];
        }
    carrier->sends = kept;
}

/* \return whether there was one. */
static bool receive(struct ffmk_mpi_carrier *carrier, struct ffmk_endpoint *endpoint)
{
    MPI_Message message;
    MPI_Status status;
    int flag = 0;
    int bytes = 0;
    if (PMPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, carrier->comm, &flag, &message, &status) !=
        MPI_SUCCESS) {
        ffmk_endpoint_be_excluded(endpoint);
        return false;
    }
    if (!flag)
        return false;
    PMPI_Get_count(&status, MPI_BYTE, &bytes);
    if (bytes > carrier->room) {
        uint8_t *more = realloc(carrier->came, (size_t)bytes);
        if (!more) {
            ffmk_endpoint_be_excluded(endpoint);
            return false;
        }
        carrier->came = more;
        carrier->room = bytes;
    }
    if (PMPI_Mrecv(carrier->came, bytes, MPI_BYTE, &message, &status) != MPI_SUCCESS) {
        ffmk_endpoint_be_excluded(endpoint);
        return false;
    }
    if (status.MPI_TAG == TAG_LEAVE)
        carrier->left[status.MPI_SOURCE] = true;
    else
        ffmk_endpoint_carried(endpoint, id_of(status.MPI_SOURCE), carrier->came, (size_t)bytes);
    return true;
}

static void look(struct ffmk_carrier *base, struct ffmk_endpoint *endpoint)
{
    struct ffmk_mpi_carrier *carrier = (struct ffmk_mpi_carrier *)base;
    finish_sends(carrier);
    for (int i = 0; i < ROUNDS && receive(carrier, endpoint); i++)
        continue;
}

static void free_all(struct ffmk_mpi_carrier *carrier)
{
    if (carrier->endpoint)
        ffmk_endpoint_close(carrier->endpoint, 0);
    if (carrier->comm != MPI_COMM_NULL)
        PMPI_Comm_free(&carrier->comm);
    free(carrier->request);
    free(carrier->sent);
    free(carrier->done);
    free(carrier->status);
    free(carrier->came);
    free(carrier->left);
    free(carrier);
}

struct ffmk_mpi_carrier *ffmk_carrier_open(MPI_Comm comm)
{
    MPI_Comm own = MPI_COMM_NULL;
    MPI_Errhandler handler;
    int rank = 0;
    struct ffmk_mpi_carrier *carrier = calloc(1, sizeof *carrier);
    errno = EIO;
    PMPI_Comm_rank(comm, &rank);
    /* Not a duplicate, for which MPI would copy what the program hung on it. There may be no number
     * left for one more, which is no error of the program's. */
    PMPI_Comm_get_errhandler(comm, &handler);
    PMPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    const int code = PMPI_Comm_split(comm, 0, rank, &own);
    PMPI_Comm_set_errhandler(comm, handler);
    PMPI_Errhandler_free(&handler);
    if (code != MPI_SUCCESS) {
        free(carrier);
        return NULL;
    }
    PMPI_Comm_set_errhandler(own, MPI_ERRORS_RETURN);
    if (!carrier) {
        PMPI_Comm_free(&own);
        errno = ENOMEM;
        return NULL;
    }
    *carrier = (struct ffmk_mpi_carrier){
        .carrier = {.send = send, .look = look}, .comm = own, .rank = rank};
    PMPI_Comm_size(comm, &carrier->size);
    const struct ffmk_endpoint_options options = {.carrier = &carrier->carrier,
                                                  .id = id_of(carrier->rank)};
    carrier->left = calloc((size_t)carrier->size, sizeof *carrier->left);
    if (!carrier->left || ffmk_endpoint_open(&options, &carrier->endpoint) != FFMK_SUCCESS) {
        carrier->endpoint = NULL;
        free_all(carrier);
        errno = ENOMEM;
        return NULL;
    }
    return carrier;
}

void ffmk_carrier_abandon(struct ffmk_mpi_carrier *carrier)
{
    if (carrier)
        free_all(carrier);
}

struct ffmk_endpoint *ffmk_carrier_endpoint(struct ffmk_mpi_carrier *carrier)
{
    return carrier->endpoint;
}

void ffmk_carrier_close(struct ffmk_mpi_carrier *carrier)
{
    if (!carrier)
        return;
    pthread_mutex_lock(&listing);
    carrier->next = leaving;
    leaving = carrier;
    pthread_mutex_unlock(&listing);
}

static void tell_all(struct ffmk_mpi_carrier *carrier)
{
    for (int i = 1; i < carrier->size; i++) {
        const int to = (carrier->rank + i) % carrier->size;
        void *nothing = malloc(1);
        if (!nothing || !post(carrier, to, TAG_LEAVE, nothing, 0))
            carrier->left[to] = true; /* it is dead */
    }
    carrier->told = true;
    carrier->left[carrier->rank] = true;
}

/* \return whether nothing is needed of it any more, by anybody. */
static bool take_leave(struct ffmk_mpi_carrier *carrier)
{
    ffmk_endpoint_wait(carrier->endpoint, 0, 0);
    ffmk_endpoint_lock(carrier->endpoint);
    const bool excluded = ffmk_endpoint_is_excluded(carrier->endpoint);
    ffmk_endpoint_unlock(carrier->endpoint);
    if (excluded) /* MPI has failed: there is nothing to wait for */
        return true;
    if (!ffmk_across_is_gone(carrier->endpoint))
        return false;
    ffmk_endpoint_lock(carrier->endpoint);
    if (!carrier->told)
        tell_all(carrier);
    bool all = carrier->sends == 0;
    for (int i = 0; i < carrier->size && all; i++)
        all = carrier->left[i];
    ffmk_endpoint_unlock(carrier->endpoint);
    return all;
}

static bool tidy_once(void)
{
    pthread_mutex_lock(&listing);
    struct ffmk_mpi_carrier *these = leaving;
    leaving = NULL;
    pthread_mutex_unlock(&listing);
    bool none = true;
    while (these) {
        struct ffmk_mpi_carrier *carrier = these;
        these = carrier->next;
        if (take_leave(carrier)) {
            free_all(carrier);
        } else {
            ffmk_carrier_close(carrier);
            none = false;
        }
    }
    return none;
}

void ffmk_carrier_tidy(bool last)
{
    while (!tidy_once() && last)
        sched_yield();
}
