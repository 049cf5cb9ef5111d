/* SPDX-License-Identifier: BSD-3-Clause
 * Buffers in a GPU's memory, one thing at a time: what values.c, which has random operations on
 * them, does not meet. Copies that fail at one rank stop no other, and the next operation is fine.
 * Usage: device <driver> */
#include "calls.h"
#include "gpu.h"

#include <stdint.h>

#ifdef FFMK_CALLS
enum { DEVICE = FFMK_ERR_DEVICE, LENGTH = FFMK_ERR_ARGUMENT, MEMORY = FFMK_ERR_NO_MEMORY };
#else
enum { DEVICE = MPI_ERR_OTHER, LENGTH = MPI_ERR_TRUNCATE, MEMORY = MPI_ERR_NO_MEM };
#endif

static int me;
static int size;
static struct gpu gpu;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("FAILED: rank %d, line %d: ", me, __LINE__);                                    \
            printf(__VA_ARGS__);                                                                   \
            putchar('\n');                                                                         \
            fflush(stdout);                                                                        \
            PMPI_Abort(MPI_COMM_WORLD, 1);                                                         \
        }                                                                                          \
    } while (0)

static void is(int found, int expected, const char *what)
{
    CHECK(found == expected, "%s: %d, not %d", what, found, expected);
}

/* n ints of device memory: value, value + 1, … */
static int *take(enum gpu_kind kind, int n, int value)
{
    int *taken = gpu.take(kind, (size_t)n * sizeof *taken);
    int *inside = taken ? gpu.inside(taken) : NULL;
    for (int i = 0; inside && i < n; i++)
        inside[i] = value + i;
    CHECK(inside, "no device memory");
    return taken;
}

static void holds(int *device, int n, int value, const char *what)
{
    const int *inside = gpu.inside(device);
    for (int i = 0; i < n; i++)
        CHECK(inside[i] == value + i, "%s: the %d-th is %d, not %d", what, i, inside[i], value + i);
}

/* The others have theirs, and what comes next is right. */
static void goes_on(void)
{
    int value = me == 0 ? 4711 : 0;
    gpu.fail_at(-1);
    is(call_bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD), 0, "the next broadcast");
    is(value, 4711, "its value");
    gpu.copies();
}

/* The rank that fails: who sends, or who receives. */
static void failing_broadcast(int n, int failing)
{
    int *buffer = take(GPU_PLAIN, n, me == 0 ? 100 : 0);
    gpu.fail_at(me == failing ? 0 : -1);
    const int code = call_bcast(buffer, n, MPI_INT, 0, MPI_COMM_WORLD);
    is(code, me == failing ? DEVICE : failing == 0 ? LENGTH : 0, "a broadcast");
    holds(buffer, n, me != 0 && code != 0 ? 0 : 100, "a broadcast");
    gpu.drop(buffer);
    goes_on();
}

/* It fails at rank 1: to give what it has, or to take what comes out. */
static void failing_allreduce(int n, int copy)
{
    int *from = take(GPU_STREAM, n, me);
    int *to = take(GPU_PLAIN, n, -1000);
    gpu.fail_at(me == 1 ? copy : -1);
    const int code = call_allreduce(from, to, n, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    is(code, me == 1 ? DEVICE : copy == 0 ? MEMORY : 0, "an allreduce");
    holds(to, n, code ? -1000 : size - 1, "an allreduce");
    holds(from, n, me, "what is sent");
    gpu.drop(from);
    gpu.drop(to);
    goes_on();
}

/* A datatype's gaps make three copies of one write: read, written back. */
static void failing_gaps(int copy)
{
    enum { N = 50 };
    MPI_Datatype every_other;
    int *buffer = take(GPU_PLAIN, 2 * N, me);
    MPI_Type_vector(N, 1, 2, MPI_INT, &every_other);
    MPI_Type_commit(&every_other);
    gpu.fail_at(me == 1 ? copy : -1);
    is(call_bcast(buffer, 1, every_other, 0, MPI_COMM_WORLD), me == 1 ? DEVICE : 0, "gaps");
    for (int i = 0; i < 2 * N; i++)
        is(((int *)gpu.inside(buffer))[i], i + (i % 2 || me == 1 ? me : 0), "gaps");
    MPI_Type_free(&every_other);
    gpu.drop(buffer);
    goes_on();
}

static void how_often(int n)
{
    /* Managed memory, and the host's, are used where they lie. */
    int *managed = take(GPU_MANAGED, n, me == 0 ? 5 : 0);
    is(call_bcast(managed, n, MPI_INT, 0, MPI_COMM_WORLD), 0, "a broadcast");
    holds(managed, n, 5, "managed memory");
    is(gpu.copies(), 0, "copies of managed memory");
    gpu.drop(managed);
    /* One copy each way, and none of nothing. */
    int *buffer = take(GPU_PLAIN, n, me == 0 ? 5 : 0);
    is(call_bcast(buffer, n, MPI_INT, 0, MPI_COMM_WORLD), 0, "a broadcast");
    is(gpu.copies(), 1, "copies of a broadcast");
    is(call_allreduce(MPI_IN_PLACE, buffer, n, MPI_INT, MPI_MIN, MPI_COMM_WORLD), 0, "in place");
    holds(buffer, n, 5, "in place");
    is(gpu.copies(), 2, "copies of an allreduce");
    is(call_bcast(buffer, 0, MPI_INT, 0, MPI_COMM_WORLD), 0, "nothing");
    is(call_allreduce(buffer, buffer + 1, 0, MPI_INT, MPI_MIN, MPI_COMM_WORLD), 0, "nothing");
    is(call_allreduce(buffer, buffer + n / 2, n / 2, MPI_INT, MPI_SUM, MPI_COMM_SELF), 0, "alone");
    holds(buffer + n / 2, n / 2, 5, "alone");
    is(gpu.copies(), 2, "copies of one rank's");
    gpu.drop(buffer);
}

/* Their address is in the datatype. */
static void bottom(void)
{
    int *buffer = take(GPU_PLAIN, 40, me == 0 ? 7 : 0);
    MPI_Aint address[2];
    MPI_Datatype type;
    MPI_Get_address(buffer + 30, &address[0]);
    MPI_Get_address(buffer + 10, &address[1]);
    MPI_Type_create_hindexed(2, (int[]){10, 10}, address, MPI_INT, &type);
    MPI_Type_commit(&type);
    is(call_bcast(MPI_BOTTOM, 1, type, 0, MPI_COMM_WORLD), 0, "MPI_BOTTOM");
    holds(buffer + 10, 10, 17, "MPI_BOTTOM");
    holds(buffer + 30, 10, 37, "MPI_BOTTOM");
    holds(buffer + 20, 10, me == 0 ? 27 : 20, "what lies between");
    MPI_Type_free(&type);
    gpu.drop(buffer);
}

/* Each element before the last one: what the datatype's bounds alone do not tell. */
static void backwards(void)
{
    enum { N = 20 };
    int *buffer = take(GPU_PLAIN, N, me == 0 ? 3 : 0);
    MPI_Datatype back;
    MPI_Type_create_resized(MPI_INT, 0, -(MPI_Aint)sizeof(int), &back);
    MPI_Type_commit(&back);
    is(call_bcast(me == 0 ? buffer : buffer + N - 1, N, me == 0 ? MPI_INT : back, 0,
                  MPI_COMM_WORLD),
       0, "backwards");
    for (int i = 0; i < N; i++)
        is(((int *)gpu.inside(buffer))[me == 0 ? i : N - 1 - i], 3 + i, "backwards");
    MPI_Type_free(&back);
    gpu.drop(buffer);
}

#ifdef FFMK_CALLS
static int wait_for(ffmk_request **request)
{
    int complete = 0;
    int code = 0;
    while (!complete && code == 0)
        code = ffmk_test(request, &complete, NULL);
    return code;
}

/* Two under way: one here, one in the host's memory; then one that fails at the root. */
static void begun(int n)
{
    int *buffer = take(GPU_PLAIN, n, me == 1 ? 9 : 0);
    int value = me == 1 ? 11 : 0;
    ffmk_request *request[2];
    is(ffmk_ibcast(buffer, n, MPI_INT, 1, MPI_COMM_WORLD, &request[0]), 0, "begun");
    is(ffmk_ibcast(&value, 1, MPI_INT, 1, MPI_COMM_WORLD, &request[1]), 0, "begun");
    is(wait_for(&request[0]), 0, "the first one's end");
    is(wait_for(&request[1]), 0, "the second one's end");
    holds(buffer, n, 9, "a broadcast that was begun");
    is(value, 11, "a broadcast that was begun");
    gpu.fail_at(me == 1 ? 0 : -1);
    is(ffmk_ibcast(buffer, n, MPI_INT, 1, MPI_COMM_WORLD, &request[0]), 0, "begun");
    is(wait_for(&request[0]), me == 1 ? DEVICE : LENGTH, "one that cannot be read");
    gpu.drop(buffer);
    goes_on();
}
#else
/* Replaced: where ranks have met, which they have in MPI_Init. */
static void begun(int n)
{
    int *buffer = take(GPU_PLAIN, n, me == 1 ? 9 : 0);
    int *least = take(GPU_STREAM, n, -1000);
    MPI_Request request[2];
    gpu.copies();
    is(MPI_Ibcast(buffer, n, MPI_INT, 1, MPI_COMM_WORLD, &request[0]), 0, "begun");
    is(MPI_Wait(&request[0], MPI_STATUS_IGNORE), 0, "its end");
    holds(buffer, n, 9, "a broadcast that was begun");
    is(MPI_Iallreduce(buffer, least, n, MPI_INT, MPI_MIN, MPI_COMM_WORLD, &request[0]), 0, "begun");
    is(MPI_Iallreduce(MPI_IN_PLACE, buffer, n, MPI_INT, MPI_MAX, MPI_COMM_WORLD, &request[1]), 0,
       "begun");
    is(MPI_Waitall(2, request, MPI_STATUSES_IGNORE), 0, "their ends");
    holds(least, n, 9, "an allreduce that was begun");
    holds(buffer, n, 9, "an allreduce that was begun");
    is(gpu.copies(), 5, "copies of what was begun");
    gpu.drop(buffer);
    gpu.drop(least);
}
#endif

int main(int argc, char **argv)
{
    int value = 1;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    is(call_bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD), 0, "before there is a driver");
    CHECK(argc == 2 && gpu_load(argv[1], &gpu), "no driver");
    /* On the stack, in a slot, in several pieces. */
    for (int n = 10; n <= 1000000; n = n < 1000 ? 1000 : n * 1000) {
        how_often(n);
        failing_broadcast(n, 0);
        failing_broadcast(n, 1);
        failing_allreduce(n, 0);
        failing_allreduce(n, 1);
        begun(n);
    }
    failing_gaps(0);
    failing_gaps(1);
    bottom();
    backwards();
    CHECK(segments_mapped() == has_segment(MPI_COMM_WORLD), "not by ways of ours");
    CHECK(gpu.is_tidy(), "the driver is not left as it was");
    MPI_Barrier(MPI_COMM_WORLD);
    if (me == 0)
        puts("done");
    fflush(stdout);
    MPI_Finalize();
    return 0;
}
