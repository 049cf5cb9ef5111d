/* SPDX-License-Identifier: BSD-3-Clause
 * Back-to-back collective operations of a job whose ranks are killed or stopped from outside. Each
 * rank writes what it got into a file that outlives it; journals.py compares. Whether data are
 * right is seen here, since every rank knows what each could have sent. Usage: deaths <folder>
 * <seed> <operations> */
#include "calls.h"
#include "contributions.h"
#include "journal.h"

enum { MOST_BYTES = 3 << 20, COMMS = 4 };

static int me;
static int n_ranks;
static struct members members[COMMS];

#ifdef FFMK_CALLS
static enum code code_of(int code)
{
    return code == FFMK_SUCCESS        ? SUCCEEDED
           : code == FFMK_ERR_FAILED   ? FAILED
           : code == FFMK_ERR_EXCLUDED ? EXCLUDED
                                       : WRONG;
}
#else
static int handled; /* the error that the communicator's handler was called with */

static void handle(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    handled = *code;
}

static enum code code_of(int code)
{
    int class = MPI_SUCCESS;
    const bool told = handled == code;
    handled = MPI_SUCCESS;
    MPI_Error_class(code, &class);
    return told ? code_of_class(class) : WRONG;
}
#endif

static void bcast(uint64_t *state, struct record *record)
{
    static unsigned char buffer[MOST_BYTES];
    static unsigned char expected[MOST_BYTES];
    const struct members *those = &members[record->comm];
    const int root = (int)(ffmk_rng_next(state) % (unsigned)those->size);
    const size_t bytes = draw_size(state);
    const uint64_t seed = ffmk_rng_next(state);
    record->root = those->world_rank[root];
    for (size_t i = 0; i < bytes; i++)
        expected[i] = sent_byte(seed, record->root, i);
    if (record->root == me)
        memcpy(buffer, expected, bytes);
    record->entered_ns = now_ns();
    record->code =
        (uint8_t)code_of(call_bcast(buffer, (MPI_Count)bytes, MPI_BYTE, root, those->comm));
    record->left_ns = now_ns();
    if (record->code != SUCCEEDED)
        return;
    record->right = memcmp(buffer, expected, bytes) == 0;
    record->hash = hash_of(buffer, bytes);
}

static void allreduce(uint64_t *state, struct record *record)
{
    static unsigned char given[MOST_BYTES];
    static unsigned char taken[MOST_BYTES];
    const struct members *those = &members[record->comm];
    const bool gaps = ffmk_rng_next(state) % 3 == 0;
    const size_t stride = sizeof(struct element) + (gaps ? GAP_BYTES : 0);
    const size_t n = draw_size(state) / stride % 6000 + 1;
    const uint64_t seed = ffmk_rng_next(state);
    const bool in_place = ffmk_rng_mix(seed + (uint64_t)me) % 4 == 0; /* some ranks */
    give_elements(in_place ? taken : given, n, stride, seed, me);
    record->entered_ns = now_ns();
    record->code =
        (uint8_t)code_of(call_allreduce(in_place ? MPI_IN_PLACE : given, taken, (MPI_Count)n,
                                        gaps ? sparse : dense, composition, those->comm));
    record->left_ns = now_ns();
    judge_elements(record, taken, n, stride, those, seed, false);
}

static void barrier(struct record *record)
{
    record->entered_ns = now_ns();
    record->code = (uint8_t)code_of(call_barrier(members[record->comm].comm));
    record->left_ns = now_ns();
    record->right = true;
}

static void make_communicators(void)
{
    MPI_Errhandler handler = MPI_ERRORS_RETURN;
#ifndef FFMK_CALLS
    MPI_Comm_create_errhandler(handle, &handler);
#endif
    members[0].comm = MPI_COMM_WORLD;
    MPI_Comm_dup(MPI_COMM_WORLD, &members[1].comm);
    MPI_Comm_split(MPI_COMM_WORLD, me % 2, me, &members[2].comm);
    MPI_Comm_split(MPI_COMM_WORLD, 0, -me, &members[3].comm);
    for (int c = 0; c < COMMS; c++) {
        MPI_Comm_set_errhandler(members[c].comm, handler);
        learn_members(&members[c]);
    }
    make_composition();
}

static void operate(uint64_t *state, struct record *written)
{
    struct record record = {.root = -1, .entered_ns = now_ns()};
    record.comm = (uint8_t)ffmk_rng_below(state, COMMS);
    publish(written, &record);
    switch (ffmk_rng_below(state, 6)) {
    case 0:
        record.kind = BARRIER;
        barrier(&record);
        break;
    case 1:
        record.kind = ALLREDUCE;
        allreduce(state, &record);
        break;
    default:
        record.kind = BCAST;
        bcast(state, &record);
    }
    publish(written, &record);
}

static uint64_t dead_now(void)
{
    uint64_t dead = 0;
#ifdef FFMK_CALLS
    for (int c = 0; c < COMMS; c++) {
        int ranks[MOST_RANKS];
        size_t n = 0;
        uint64_t here = 0;
        if (ffmk_comm_dead(members[c].comm, ranks, MOST_RANKS, &n) != FFMK_SUCCESS)
            return ~(uint64_t)0;
        for (size_t i = 0; i < n; i++)
            here |= (uint64_t)1 << members[c].world_rank[ranks[i]];
        if (c == 0)
            dead = here;
        else if (c != 2 && here != dead) /* the halves know of half of them */
            return ~(uint64_t)0;
    }
#endif
    return dead;
}

/* Now and then a rank comes late, and looks around: it may know who has died since the others came
 * to the operation that it has yet to begin. */
static void tarry(uint64_t *own)
{
    if (ffmk_rng_below(own, 40) != 0)
        return;
    usleep((useconds_t)ffmk_rng_below(own, 2000));
    dead_now();
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    if (argc != 4 || n_ranks > MOST_RANKS)
        MPI_Abort(MPI_COMM_WORLD, 2);
    uint64_t state = strtoull(argv[2], NULL, 10);
    const uint64_t operations = strtoull(argv[3], NULL, 10);
    uint64_t own = ffmk_rng_mix(state + (uint64_t)me);
    struct journal *journal = map_journal(argv[1], me, operations);
    struct orders *orders = map_file(argv[1], "orders", sizeof *orders);
    make_communicators();
    for (int c = 0; c < COMMS; c++) {
        call_barrier(members[c].comm); /* before anybody dies */
        char none = 0;
        call_bcast(&none, 1, MPI_CHAR, 0, members[c].comm);
    }
    int expected = 0;
    for (int c = 0; c < COMMS; c++)
        expected += has_segment(members[c].comm);
    if (segments_mapped() != expected)
        fprintf(stderr, "NOT OURS: rank %d has %d segments\n", me, segments_mapped());
    store(&journal->stage, 1);
    for (uint64_t i = 0; i < operations; i++) {
        tarry(&own);
        operate(&state, &journal->records[i]);
        store(&journal->done, i + 1);
    }
    store(&journal->stage, 2);
    await(&orders->finish, 1);
    journal->dead = dead_now();
    store(&journal->stage, 3);
    MPI_Finalize();
    store(&journal->stage, 4);
    return 0;
}
