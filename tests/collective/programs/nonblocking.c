/* SPDX-License-Identifier: BSD-3-Clause
 * Nonblocking collective operations of an unmodified program: many under way on several
 * communicators, of whatever size, datatype and operation, between blocking ones; completed by
 * every call that MPI has for it, in an order of each rank's own. Datatypes and communicators are
 * freed while operations need them. Usage: nonblocking <first seed> <seeds> */
#include "calls.h"

#include "core/rng.h"

#include <stdint.h>

enum { MANY = 12, COMMS = 3, MOST_BYTES = 3 << 20 };

static int me;
static int n_ranks;
static int failed;
static uint64_t seed;

static void check(bool holds, const char *what, int i)
{
    if (holds)
        return;
    failed++;
    printf("FAILED: rank %d, seed %llu, operation %d: %s\n", me, (unsigned long long)seed, i, what);
    fflush(stdout);
}

enum kind { BCAST, BARRIER, SUM, MAXLOC, OWN, KINDS };

struct operation {
    enum kind kind;
    int root;
    int count; /* ints, or doubles with their places */
    int gap;   /* ints are so far apart, beside */
    int rank;  /* in its communicator */
    uint64_t draw;
    bool in_place;
};

static struct operation operations[MANY];
static int *buffers[MANY];
static int *gifts[MANY]; /* what is given, where that is another buffer */
static MPI_Op own;

static void add_tens(void *in, void *inout, int *n, MPI_Datatype *datatype)
{
    (void)datatype;
    for (int i = 0; i < *n; i++)
        ((int *)inout)[i] = ((int *)in)[i] + ((int *)inout)[i];
}

static int draw_count(uint64_t *state, enum kind kind)
{
    const int most = (int)(MOST_BYTES / sizeof(int)) / (kind == MAXLOC ? 4 : 3);
    switch (ffmk_rng_below(state, 12)) {
    case 0:
        return 0;
    case 1:
        return most;
    case 2:
        return (int)ffmk_rng_below(state, (uint64_t)most);
    default:
        return (int)ffmk_rng_below(state, 500);
    }
}

static int element(const struct operation *operation, int rank, int k)
{
    return (int)(ffmk_rng_mix(operation->draw + (uint64_t)rank * 31 + (uint64_t)k) % 1000);
}

struct placed {
    double value;
    int at;
};

static void start(int i, uint64_t *state, MPI_Comm comm, MPI_Request *request)
{
    struct operation *operation = &operations[i];
    int size;
    MPI_Comm_rank(comm, &operation->rank);
    MPI_Comm_size(comm, &size);
    /* By a program's own operation it is MPI's, and Open MPI's does not survive its communicator's
     * end, and gives errors among eight ranks (4.1.4). */
    operation->kind = (enum kind)ffmk_rng_below(state, seed % 2 || n_ranks > 4 ? OWN : KINDS);
    operation->count = draw_count(state, operation->kind);
    operation->root = (int)ffmk_rng_below(state, (uint64_t)size);
    operation->gap = (int)ffmk_rng_below(state, 3);
    operation->draw = ffmk_rng_next(state);
    operation->in_place = ffmk_rng_mix(operation->draw + (uint64_t)me) % 3 == 0;
    const int rank = operation->rank;
    int *buffer = buffers[i];
    int *gift = operation->in_place ? buffer : gifts[i];
    const void *from = operation->in_place ? MPI_IN_PLACE : gift;
    MPI_Datatype vector;
    MPI_Datatype spaced;
    int code = MPI_SUCCESS;
    switch (operation->kind) {
    case BCAST:
        for (int k = 0; k < operation->count; k++)
            buffer[k * (1 + operation->gap)] =
                rank == operation->root ? element(operation, rank, k) : -1;
        if (operation->gap == 0) {
            code = MPI_Ibcast(buffer, operation->count, MPI_INT, operation->root, comm, request);
            break;
        }
        MPI_Type_contiguous(1, MPI_INT, &vector);
        MPI_Type_create_resized(vector, 0, (MPI_Aint)sizeof(int) * (1 + operation->gap), &spaced);
        MPI_Type_commit(&spaced);
        MPI_Type_free(&vector);
        code = MPI_Ibcast(buffer, operation->count, spaced, operation->root, comm, request);
        MPI_Type_free(&spaced);
        break;
    case BARRIER:
        code = MPI_Ibarrier(comm, request);
        break;
    case SUM:
    case OWN:
        for (int k = 0; k < operation->count; k++)
            gift[k] = element(operation, rank, k);
        code = MPI_Iallreduce(from, buffer, operation->count, MPI_INT,
                              operation->kind == SUM ? MPI_SUM : own, comm, request);
        break;
    default:
        for (int k = 0; k < operation->count; k++)
            ((struct placed *)(void *)gift)[k] =
                (struct placed){element(operation, rank, k) / 100, rank};
        code = MPI_Iallreduce(from, buffer, operation->count, MPI_DOUBLE_INT, MPI_MAXLOC, comm,
                              request);
    }
    check(code == MPI_SUCCESS, "cannot be started", i);
}

static void compare(int i, int size)
{
    const struct operation *operation = &operations[i];
    bool right = true;
    for (int k = 0; k < operation->count && operation->kind != BARRIER; k++) {
        if (operation->kind == BCAST) {
            right = right &&
                    buffers[i][k * (1 + operation->gap)] == element(operation, operation->root, k);
            continue;
        }
        int sum = 0;
        struct placed best = {-1, 0};
        for (int r = 0; r < size; r++) {
            const int its = element(operation, r, k);
            sum += its;
            if (its / 100 > best.value)
                best = (struct placed){its / 100, r};
        }
        const struct placed *found = (const void *)buffers[i];
        if (operation->kind == MAXLOC)
            right = right && !(found[k].value < best.value) && !(found[k].value > best.value) &&
                    found[k].at == best.at;
        else
            right = right && buffers[i][k] == sum;
    }
    check(right, "another result", i);
}

/* By whatever call, in whatever order. */
static void complete_all(MPI_Request *requests, uint64_t *mine)
{
    int left = MANY;
    int flag = 0;
    int done[MANY];
    int n = 0;
    MPI_Status status;
    MPI_Status statuses[MANY];
    while (left > 0) {
        const int i = (int)ffmk_rng_below(mine, MANY);
        int code = MPI_SUCCESS;
        switch (ffmk_rng_below(mine, 9)) {
        case 0:
            code = MPI_Wait(&requests[i], &status);
            break;
        case 1:
            code = MPI_Test(&requests[i], &flag, MPI_STATUS_IGNORE);
            break;
        case 2:
            code = MPI_Waitany(MANY, requests, &n, &status);
            break;
        case 3:
            code = MPI_Testany(MANY, requests, &n, &flag, MPI_STATUS_IGNORE);
            break;
        case 4:
            code = MPI_Waitsome(MANY, requests, &n, done, statuses);
            break;
        case 5:
            code = MPI_Testsome(MANY, requests, &n, done, statuses);
            break;
        case 6:
            code = MPI_Testall(MANY, requests, &flag, statuses);
            break;
        case 7:
            if (ffmk_rng_below(mine, 4) == 0)
                code = MPI_Waitall(MANY, requests, MPI_STATUSES_IGNORE);
            break;
        default:
            if (requests[i] == MPI_REQUEST_NULL)
                break;
            flag = 0;
            while (!flag && code == MPI_SUCCESS)
                code = MPI_Request_get_status(requests[i], &flag, &status);
        }
        check(code == MPI_SUCCESS, "an end fails", i);
        left = 0;
        for (int k = 0; k < MANY; k++)
            left += requests[k] != MPI_REQUEST_NULL;
        if (code != MPI_SUCCESS)
            MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    if (argc != 3)
        MPI_Abort(MPI_COMM_WORLD, 2);
    for (int i = 0; i < MANY; i++) {
        buffers[i] = malloc(MOST_BYTES + 64);
        gifts[i] = malloc(MOST_BYTES + 64);
    }
    if (segments_mapped() != has_segment(MPI_COMM_WORLD))
        printf("FAILED: NOT OURS: rank %d has %d segments\n", me, segments_mapped());
    const uint64_t first = strtoull(argv[1], NULL, 10);
    const uint64_t seeds = strtoull(argv[2], NULL, 10);
    for (seed = first; seed < first + seeds && !failed; seed++) {
        uint64_t state = ffmk_rng_mix(seed);
        uint64_t mine = ffmk_rng_mix(seed * 1000 + (uint64_t)me);
        MPI_Comm comms[COMMS] = {MPI_COMM_WORLD};
        int sizes[COMMS];
        int of[MANY];
        MPI_Request requests[MANY];
        MPI_Op_create(add_tens, 1, &own);
        MPI_Comm_dup(MPI_COMM_WORLD, &comms[1]);
        MPI_Comm_split(MPI_COMM_WORLD, me % 2, -me, &comms[2]);
        for (int c = 0; c < COMMS; c++)
            MPI_Comm_size(comms[c], &sizes[c]);
        for (int i = 0; i < MANY; i++) {
            of[i] = (int)ffmk_rng_below(&state, COMMS);
            /* The halves draw alike, though theirs is another communicator. */
            start(i, &state, comms[of[i]], &requests[i]);
            if (ffmk_rng_below(&state, 4) == 0) {
                int one = 1;
                int sum = 0;
                MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comms[of[i]]);
                check(sum == sizes[of[i]], "a blocking reduction among them", i);
            }
            if (ffmk_rng_below(&state, 4) == 0) {
                int value = me == 0 ? 7 : 0;
                MPI_Bcast(&value, 1, MPI_INT, 0, comms[0]);
                check(value == 7, "a blocking broadcast among them", i);
            }
        }
        if (seed % 2) {
            MPI_Comm_free(&comms[1]);
            MPI_Comm_free(&comms[2]);
        }
        /* Others need this rank while it is elsewhere in MPI. */
        if (seed % 3 == 0 && n_ranks > 1) {
            int token = 0;
            if (me == 0) {
                MPI_Recv(&token, 1, MPI_INT, n_ranks - 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                complete_all(requests, &mine);
            } else {
                complete_all(requests, &mine);
                if (me == n_ranks - 1)
                    MPI_Send(&token, 1, MPI_INT, 0, 1, MPI_COMM_WORLD);
            }
        } else {
            complete_all(requests, &mine);
        }
        for (int i = 0; i < MANY; i++)
            compare(i, sizes[of[i]]);
        if (seed % 2 == 0) {
            MPI_Comm_free(&comms[1]);
            MPI_Comm_free(&comms[2]);
        }
        MPI_Op_free(&own);
    }
    for (int i = 0; i < MANY; i++) {
        free(buffers[i]);
        free(gifts[i]);
    }
    if (me == 0 && !failed)
        puts("done");
    MPI_Finalize();
    return failed > 0;
}
