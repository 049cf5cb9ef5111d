/* SPDX-License-Identifier: BSD-3-Clause
 * As deaths.c, but an unmodified program whose threads have many operations under way at once:
 * nonblocking ones, among blocking ones, on communicators of all shapes, completed in a way that
 * each rank draws for itself. No communicator is used before the first order, so ranks may die
 * before that. Usage: crowded_deaths <folder> <seed> <operations of a thread> <threads> */
#include "calls.h"
#include "contributions.h"
#include "journal.h"

#include <pthread.h>

enum { COMMS = 6, MOST_THREADS = 2, UNDER_WAY = 6, GUARD_BYTES = 64, UNTOUCHED = 0xA5 };
enum reduction { BITS, SUM, COMPOSITION };

struct operation {
    struct record *written; /* NULL: there is none here */
    struct record record;
    bool blocks;
    int root;      /* in its communicator */
    size_t bytes;  /* of each buffer */
    size_t n;      /* elements of a reduction */
    size_t stride; /* of them, in bytes */
    enum reduction reduction;
    bool in_place;
    uint64_t seed;
    unsigned char *given;
    unsigned char *taken;
};

struct thread {
    pthread_t handle;
    int number;
    uint64_t state; /* alike at all ranks */
    uint64_t own;
    struct operation operations[UNDER_WAY];
    MPI_Request requests[UNDER_WAY];
};

static int me;
static int n_ranks;
static int n_threads;
static uint64_t seed;
static uint64_t n_operations;
static struct journal *journal;
static struct members members[COMMS];

/* ---- buffers, and what is in them ---- */

static unsigned char *guarded(size_t bytes)
{
    const size_t whole = GUARD_BYTES + bytes + GUARD_BYTES;
    unsigned char *memory = malloc(whole);
    if (!memory) {
        perror("malloc");
        exit(1);
    }
    memset(memory, UNTOUCHED, whole);
    return memory + GUARD_BYTES;
}

static bool is_untouched(const unsigned char *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (memory[i] != UNTOUCHED)
            return false;
    return true;
}

/* Nothing was written beside the elements: around the buffer, and in the gaps. */
static bool guards_hold(const struct operation *operation)
{
    const unsigned char *buffer = operation->taken;
    bool hold = is_untouched(buffer - GUARD_BYTES, GUARD_BYTES) &&
                is_untouched(buffer + operation->bytes, GUARD_BYTES);
    if (operation->record.kind == ALLREDUCE && operation->stride > sizeof(struct element))
        for (size_t i = 0; i < operation->n; i++)
            hold = hold &&
                   is_untouched(buffer + i * operation->stride + sizeof(struct element), GAP_BYTES);
    return hold;
}

/* The first is the contributor's bit; the others round in each order of summation to another sum.
 */
static double summand(uint64_t draw, int rank, size_t i)
{
    if (i == 0)
        return (double)((uint64_t)1 << rank);
    uint64_t state = draw + (uint64_t)rank * 977 + i;
    const double unit = ffmk_rng_unit(&state);
    return i % 3 ? unit : unit * 1e9;
}

static void give_summands(const struct operation *operation, unsigned char *buffer)
{
    for (size_t i = 0; i < operation->n; i++) {
        const double mine = summand(operation->seed, me, i);
        memcpy(buffer + i * sizeof mine, &mine, sizeof mine);
    }
}

/* Up to rounding. That survivors round alike, their hashes show. */
static bool sum_is_right(const struct operation *operation, double found, size_t i)
{
    const struct members *those = &members[operation->record.comm];
    double sum = 0;
    for (int r = 0; r < those->size; r++)
        if (operation->record.mask >> those->world_rank[r] & 1)
            sum += summand(operation->seed, those->world_rank[r], i);
    const double off = found > sum ? found - sum : sum - found;
    return off <= 1e-12 * sum;
}

static void judge_summands(struct operation *operation)
{
    struct record *record = &operation->record;
    record->right = true;
    for (size_t i = 0; i < operation->n; i++) {
        double found;
        uint64_t bits;
        memcpy(&found, operation->taken + i * sizeof found, sizeof found);
        memcpy(&bits, &found, sizeof bits);
        if (i == 0)
            record->mask = (uint64_t)found;
        record->hash = ffmk_rng_mix(record->hash ^ bits);
        record->right = record->right &&
                        (i % (1 + operation->n / 32) != 0 || sum_is_right(operation, found, i));
    }
}

static void judge_bytes(struct operation *operation)
{
    struct record *record = &operation->record;
    record->right = true;
    for (size_t i = 0; i < operation->bytes; i++)
        record->right =
            record->right && operation->taken[i] == sent_byte(operation->seed, record->root, i);
    record->hash = hash_of(operation->taken, operation->bytes);
}

static void judge(struct operation *operation)
{
    struct record *record = &operation->record;
    switch ((enum kind)record->kind) {
    case BCAST:
        judge_bytes(operation);
        break;
    case ALLREDUCE:
        if (operation->reduction == SUM)
            judge_summands(operation);
        else
            judge_elements(record, operation->taken, operation->n, operation->stride,
                           &members[record->comm], operation->seed, operation->reduction == BITS);
        break;
    default:
        record->right = true;
        return;
    }
    record->right = record->right && guards_hold(operation);
}

/* ---- one operation ---- */

static void draw_reduction(struct operation *operation, uint64_t *state)
{
    /* By a program's own operation a nonblocking one is MPI's. */
    operation->reduction =
        (enum reduction)ffmk_rng_below(state, operation->blocks ? COMPOSITION + 1 : COMPOSITION);
    const bool gaps = operation->reduction == COMPOSITION && ffmk_rng_next(state) % 2 == 0;
    operation->stride = operation->reduction == SUM
                            ? sizeof(double)
                            : sizeof(struct element) + (gaps ? GAP_BYTES : 0);
    operation->n = operation->bytes / operation->stride % 20000 + 1;
    operation->bytes = operation->n * operation->stride;
    operation->in_place = ffmk_rng_mix(operation->seed + (uint64_t)me) % 3 == 0; /* some ranks */
}

static void draw_operation(struct operation *operation, struct thread *thread)
{
    const int comms = COMMS / n_threads; /* each thread's own */
    uint64_t *state = &thread->state;
    *operation = (struct operation){.record = {.root = -1}};
    struct record *record = &operation->record;
    record->comm = (uint8_t)(thread->number * comms + (int)ffmk_rng_below(state, (uint64_t)comms));
    record->kind =
        (uint8_t)((uint8_t[]){BCAST, BCAST, BARRIER, ALLREDUCE})[ffmk_rng_below(state, 4)];
    operation->blocks = ffmk_rng_next(state) % 2 == 0;
    operation->root = (int)(ffmk_rng_next(state) % (unsigned)members[record->comm].size);
    operation->bytes = draw_size(state);
    operation->seed = ffmk_rng_next(state);
    if (record->kind == BCAST)
        record->root = members[record->comm].world_rank[operation->root];
    if (record->kind == ALLREDUCE)
        draw_reduction(operation, state);
}

static void fill(struct operation *operation)
{
    if (operation->record.kind == BARRIER)
        return;
    operation->taken = guarded(operation->bytes);
    if (operation->record.kind == BCAST) {
        for (size_t i = 0; operation->record.root == me && i < operation->bytes; i++)
            operation->taken[i] = sent_byte(operation->seed, me, i);
        return;
    }
    if (!operation->in_place)
        operation->given = guarded(operation->bytes);
    unsigned char *buffer = operation->in_place ? operation->taken : operation->given;
    if (operation->reduction == SUM)
        give_summands(operation, buffer);
    else
        give_elements(buffer, operation->n, operation->stride, operation->seed, me);
}

static int call(struct operation *operation, MPI_Request *request)
{
    const MPI_Comm comm = members[operation->record.comm].comm;
    const int bytes = (int)operation->bytes;
    unsigned char *taken = operation->taken;
    if (operation->record.kind == BCAST)
        return operation->blocks
                   ? MPI_Bcast(taken, bytes, MPI_BYTE, operation->root, comm)
                   : MPI_Ibcast(taken, bytes, MPI_BYTE, operation->root, comm, request);
    if (operation->record.kind == BARRIER)
        return operation->blocks ? MPI_Barrier(comm) : MPI_Ibarrier(comm, request);
    const enum reduction reduction = operation->reduction;
    const bool gaps = operation->stride > sizeof(struct element);
    const int n = (int)operation->n * (reduction == BITS ? WORDS : 1);
    const MPI_Datatype datatype = reduction == BITS  ? MPI_UINT64_T
                                  : reduction == SUM ? MPI_DOUBLE
                                  : gaps             ? sparse
                                                     : dense;
    const MPI_Op op = reduction == BITS ? MPI_BOR : reduction == SUM ? MPI_SUM : composition;
    const void *given = operation->in_place ? MPI_IN_PLACE : operation->given;
    return operation->blocks ? MPI_Allreduce(given, taken, n, datatype, op, comm)
                             : MPI_Iallreduce(given, taken, n, datatype, op, comm, request);
}

static void discard(unsigned char *buffer)
{
    if (buffer)
        free(buffer - GUARD_BYTES);
}

static void finish(struct operation *operation, int code)
{
    struct record *record = &operation->record;
    int class = MPI_SUCCESS;
    record->left_ns = now_ns();
    MPI_Error_class(code, &class);
    record->code = (uint8_t)code_of_class(class);
    if (record->code == SUCCEEDED)
        judge(operation);
    publish(operation->written, record);
    discard(operation->given);
    discard(operation->taken);
    operation->written = NULL;
}

static void start(struct operation *operation, struct record *written, MPI_Request *request)
{
    fill(operation);
    operation->written = written;
    operation->record.entered_ns = now_ns();
    publish(written, &operation->record);
    const int code = call(operation, request);
    if (operation->blocks || code != MPI_SUCCESS)
        finish(operation, code);
}

/* ---- many of them ---- */

static void complete_all(struct thread *thread)
{
    MPI_Status statuses[UNDER_WAY];
    int class = MPI_SUCCESS;
    const int all = MPI_Waitall(UNDER_WAY, thread->requests, statuses);
    MPI_Error_class(all, &class);
    for (int i = 0; i < UNDER_WAY; i++) {
        int code = class == MPI_ERR_IN_STATUS ? statuses[i].MPI_ERROR : all;
        if (thread->requests[i] != MPI_REQUEST_NULL) /* an error of another came first */
            code = MPI_Wait(&thread->requests[i], MPI_STATUS_IGNORE);
        if (thread->operations[i].written)
            finish(&thread->operations[i], code);
    }
}

static void complete_any(struct thread *thread)
{
    int i = MPI_UNDEFINED;
    const int code = MPI_Waitany(UNDER_WAY, thread->requests, &i, MPI_STATUS_IGNORE);
    if (i >= 0 && i < UNDER_WAY)
        finish(&thread->operations[i], code);
    else
        fprintf(stderr, "WRONG: rank %d waited for any, and got %d, code %d\n", me, i, code);
}

static void complete_one(struct thread *thread, bool tests)
{
    const int i = (int)ffmk_rng_below(&thread->own, UNDER_WAY);
    int code = MPI_SUCCESS;
    int is_complete = 0;
    if (!tests)
        code = MPI_Wait(&thread->requests[i], MPI_STATUS_IGNORE);
    while (tests && !is_complete && code == MPI_SUCCESS)
        code = MPI_Test(&thread->requests[i], &is_complete, MPI_STATUS_IGNORE);
    finish(&thread->operations[i], code);
}

static int free_place(const struct thread *thread)
{
    for (int i = 0; i < UNDER_WAY; i++)
        if (!thread->operations[i].written)
            return i;
    return UNDER_WAY;
}

static int make_place(struct thread *thread)
{
    while (free_place(thread) == UNDER_WAY)
        switch (ffmk_rng_below(&thread->own, 4)) {
        case 0:
            complete_all(thread);
            break;
        case 1:
            complete_any(thread);
            break;
        default:
            complete_one(thread, ffmk_rng_next(&thread->own) % 2 == 0);
        }
    return free_place(thread);
}

/* Now and then a rank comes late. */
static void tarry(struct thread *thread)
{
    if (ffmk_rng_below(&thread->own, 60) == 0)
        usleep((useconds_t)ffmk_rng_below(&thread->own, 3000));
}

static void *operate(void *argument)
{
    struct thread *thread = argument;
    struct record *written = journal->records + (uint64_t)thread->number * n_operations;
    for (int i = 0; i < UNDER_WAY; i++)
        thread->requests[i] = MPI_REQUEST_NULL;
    for (uint64_t i = 0; i < n_operations; i++) {
        struct operation operation;
        draw_operation(&operation, thread);
        if (operation.blocks) {
            start(&operation, &written[i], NULL);
        } else {
            const int place = make_place(thread);
            thread->operations[place] = operation;
            start(&thread->operations[place], &written[i], &thread->requests[place]);
        }
        __atomic_add_fetch(&journal->done, 1, __ATOMIC_RELEASE);
        tarry(thread);
    }
    complete_all(thread);
    return NULL;
}

/* ---- the job ---- */

/* journals.py knows who is with whom. */
static void make_communicators(void)
{
    members[0].comm = MPI_COMM_WORLD;
    MPI_Comm_split(MPI_COMM_WORLD, me % 2, me, &members[1].comm);
    MPI_Comm_split(MPI_COMM_WORLD, 0, (me * 5 + 3) % n_ranks, &members[2].comm);
    MPI_Comm_dup(MPI_COMM_WORLD, &members[3].comm);
    MPI_Comm_split(MPI_COMM_WORLD, me % 3, -me, &members[4].comm);
    MPI_Comm_split(MPI_COMM_WORLD, me < n_ranks / 4, me, &members[5].comm);
    for (int c = 0; c < COMMS; c++) {
        MPI_Comm_set_errhandler(members[c].comm, MPI_ERRORS_RETURN);
        learn_members(&members[c]);
    }
    make_composition();
}

static void run_threads(void)
{
    static struct thread threads[MOST_THREADS];
    for (int t = 0; t < n_threads; t++) {
        threads[t].number = t;
        threads[t].state = ffmk_rng_mix(seed + (uint64_t)t * 1000003);
        threads[t].own = ffmk_rng_mix(seed * 31 + (uint64_t)(me * MOST_THREADS + t));
    }
    for (int t = 1; t < n_threads; t++)
        pthread_create(&threads[t].handle, NULL, operate, &threads[t]);
    operate(&threads[0]);
    for (int t = 1; t < n_threads; t++)
        pthread_join(threads[t].handle, NULL);
}

int main(int argc, char **argv)
{
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    n_threads = argc == 5 ? (int)strtol(argv[4], NULL, 10) : 0;
    if (n_threads < 1 || n_threads > MOST_THREADS || n_ranks > MOST_RANKS ||
        provided != MPI_THREAD_MULTIPLE)
        MPI_Abort(MPI_COMM_WORLD, 2);
    seed = strtoull(argv[2], NULL, 10);
    n_operations = strtoull(argv[3], NULL, 10);
    journal = map_journal(argv[1], me, n_operations * (uint64_t)n_threads);
    struct orders *orders = map_file(argv[1], "orders", sizeof *orders);
    make_communicators();
    int expected = 0;
    for (int c = 0; c < COMMS; c++)
        expected += has_segment(members[c].comm);
    store(&journal->stage, 1);
    await(&orders->begin, 1);
    run_threads();
    store(&journal->stage, 2);
    if (segments_mapped() != expected)
        fprintf(stderr, "NOT OURS: rank %d has %d segments\n", me, segments_mapped());
    await(&orders->finish, 1);
    store(&journal->stage, 3);
    for (int c = 1; c < COMMS && seed % 2; c++)
        MPI_Comm_free(&members[c].comm);
    MPI_Finalize();
    store(&journal->stage, 4);
    return 0;
}
