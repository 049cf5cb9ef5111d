/* SPDX-License-Identifier: BSD-3-Clause
 * Cases at the edge of what our collective operations promise, one a word. Usage: edges <word> */
#include "calls.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int me;
static int n_ranks;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("FAILED: rank %d, line %d: ", me, __LINE__);                                    \
            printf(__VA_ARGS__);                                                                   \
            putchar('\n');                                                                         \
            fflush(stdout);                                                                        \
        }                                                                                          \
    } while (0)

static void operations_work(MPI_Comm comm)
{
    int rank;
    int size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    for (int root = 0; root < size; root++) {
        int value = rank == root ? 100 + root : 0;
        CHECK(call_bcast(&value, 1, MPI_INT, root, comm) == 0, "broadcast");
        CHECK(value == 100 + root, "broadcast gave %d", value);
    }
    int sum = 0;
    CHECK(call_barrier(comm) == 0, "barrier");
    CHECK(call_allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, comm) == 0, "allreduce");
    CHECK(sum == size * (size - 1) / 2, "allreduce gave %d", sum);
}

/* ---- plain: whether any of it is ours ---- */

static void plain(void)
{
    operations_work(MPI_COMM_WORLD);
    if (me == 0)
        printf("segments %d\n", segments_mapped());
}

/* ---- inter: an intercommunicator is MPI's ---- */

static void inter(void)
{
    MPI_Comm half;
    MPI_Comm between;
    const int upper = me >= n_ranks / 2;
    MPI_Comm_split(MPI_COMM_WORLD, upper, 0, &half);
    const int segments = segments_mapped();
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, upper ? 0 : n_ranks / 2, 3, &between);
    int value = me == 0 ? 42 : 0;
    const int root = upper ? 0 : me == 0 ? MPI_ROOT : MPI_PROC_NULL;
    CHECK(MPI_Bcast(&value, 1, MPI_INT, root, between) == MPI_SUCCESS, "broadcast");
    CHECK(value == (upper || me == 0 ? 42 : 0), "broadcast gave %d", value);
    int sum = 0;
    int expected = 0;
    for (int i = 0; i < n_ranks; i++)
        if ((i >= n_ranks / 2) != upper)
            expected += i;
    CHECK(MPI_Allreduce(&me, &sum, 1, MPI_INT, MPI_SUM, between) == MPI_SUCCESS, "allreduce");
    CHECK(sum == expected, "allreduce gave %d", sum);
    CHECK(MPI_Barrier(between) == MPI_SUCCESS, "barrier");
    CHECK(segments_mapped() == segments, "something of an intercommunicator was ours");
    MPI_Comm_free(&between);
    MPI_Comm_free(&half);
}

/* ---- many: communicators, with few descriptors ---- */

static int descriptors(void)
{
    int found = 0;
    DIR *all = opendir("/proc/self/fd");
    while (all && readdir(all))
        found++;
    if (all)
        closedir(all);
    return found;
}

static void many(void)
{
    enum { MANY = 200 };
    static MPI_Comm comms[MANY];
    const int before = descriptors();
    const int segments = segments_mapped(); /* where calls are replaced, MPI_COMM_WORLD's */
    for (int i = 0; i < MANY; i++) {
        MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]);
        operations_work(comms[i]);
    }
    CHECK(segments_mapped() == segments + MANY, "%d segments", segments_mapped());
    CHECK(descriptors() <= before + n_ranks, "%d descriptors for %d ranks", descriptors() - before,
          n_ranks);
    for (int i = 0; i < MANY; i++)
        MPI_Comm_free(&comms[i]);
    CHECK(segments_mapped() == segments, "%d segments", segments_mapped());
    CHECK(descriptors() <= before, "%d descriptors are left", descriptors() - before);
}

/* ---- unused: communicators that no operation is done on take no memory ---- */

static long shared_free(void)
{
    struct statvfs place;
    return statvfs("/dev/shm", &place) == 0 ? (long)(place.f_bfree * place.f_bsize >> 10) : 0;
}

static void unused(void)
{
    enum { MANY = 20 };
    static MPI_Comm comms[MANY];
    PMPI_Barrier(MPI_COMM_WORLD);
    const long before = shared_free();
    for (int i = 0; i < MANY; i++)
        MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]);
    PMPI_Barrier(MPI_COMM_WORLD);
    const long taken = before - shared_free();
    CHECK(taken < MANY * 512, "%ld KiB are taken", taken);
    PMPI_Barrier(MPI_COMM_WORLD);
    operations_work(comms[MANY / 2]);
    for (int i = 0; i < MANY; i++)
        MPI_Comm_free(&comms[i]);
}

/* ---- mixed: not all ranks are under ffmk; no collective operation but what makes communicators
 * ---- */

static void mixed(void)
{
    MPI_Comm comms[2];
    MPI_Comm_dup(MPI_COMM_WORLD, &comms[0]);
    MPI_Comm_split(comms[0], 0, -me, &comms[1]);
    for (int c = 0; c < 2; c++) {
        int rank;
        int got = -1;
        MPI_Comm_rank(comms[c], &rank);
        MPI_Sendrecv(&rank, 1, MPI_INT, 1 - rank, 7, &got, 1, MPI_INT, 1 - rank, 7, comms[c],
                     MPI_STATUS_IGNORE);
        CHECK(got == 1 - rank, "a message gave %d", got);
        MPI_Comm_free(&comms[c]);
    }
}

/* ---- apart: as if ranks were on different hosts ---- */

static bool apart_now;

/* Stands before libc's. */
int gethostname(char *name, size_t bytes)
{
    if (apart_now)
        return snprintf(name, bytes, "host%d", me % 2) < 0;
    FILE *file = fopen("/proc/sys/kernel/hostname", "re");
    if (!file || !fgets(name, (int)bytes, file))
        return -1;
    fclose(file);
    name[strcspn(name, "\n")] = '\0';
    return 0;
}

static void apart(void)
{
    MPI_Comm comm;
    const int segments = segments_mapped();
    apart_now = true;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    operations_work(comm);
    CHECK(segments_mapped() == segments, "%d segments", segments_mapped());
#ifdef FFMK_CALLS
    ffmk_collective_info info = FFMK_COLLECTIVE_INFO_INIT;
    CHECK(ffmk_barrier(comm, &info) == FFMK_SUCCESS, "barrier");
    const char *way = getenv("FFMK_NET") ? "MPI" : "corrected gossip over UDP";
    CHECK(strcmp(info.algorithm, way) == 0, "by %s", info.algorithm);
    size_t dead = 1;
    CHECK(ffmk_comm_dead(comm, NULL, 0, &dead) == FFMK_SUCCESS && dead == 0, "dead");
#endif
    MPI_Comm_free(&comm);
}

/* ---- operation: one that MPI does not have for the datatype ---- */

static void operation(void)
{
    enum { N = 10 };
    MPI_Datatype pair;
    MPI_Comm comm;
    int in[2 * N] = {0};
    int out[2 * N] = {0};
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Type_contiguous(2, MPI_INT, &pair);
    MPI_Type_commit(&pair);
    CHECK(call_allreduce(in, out, N, pair, MPI_SUM, comm) != 0, "a sum of pairs");
    MPI_Type_free(&pair);
    MPI_Type_vector(2, 1, 2, MPI_INT, &pair);
    MPI_Type_commit(&pair);
    int wide[4 * N] = {0};
    int result[4 * N] = {0};
    CHECK(call_allreduce(wide, result, N, pair, MPI_SUM, comm) != 0, "a sum of pairs with gaps");
    MPI_Type_free(&pair);
    double some[2 * N] = {0};
    double none[2 * N] = {0};
    CHECK(call_allreduce(some, none, N, MPI_DOUBLE, MPI_BAND, comm) != 0, "bits of numbers");
    operations_work(comm);
}

/* ---- together: no operation ends before all have come to it ---- */

static void together(void)
{
    int token = 0;
    int came = 0;
    int value = me == 0 ? 7 : 0;
    operations_work(MPI_COMM_WORLD);
    if (me == n_ranks - 1) {
        usleep(300000);
        PMPI_Send(&token, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
    }
    CHECK(call_bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD) == 0 && value == 7, "broadcast");
    if (me == 0) {
        /* It was sent before; a look or two may only make MPI go on. */
        for (int looks = 0; looks < 10 && !came; looks++)
            PMPI_Iprobe(n_ranks - 1, 0, MPI_COMM_WORLD, &came, MPI_STATUS_IGNORE);
        CHECK(came, "the root was there alone");
        PMPI_Recv(&token, 1, MPI_INT, n_ranks - 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
}

/* ---- chain: a rank that has left a broadcast helps nobody, it waits for another one ---- */

static void chain(void)
{
    enum { N = 20000 };
    static int data[N];
    for (int round = 0; round < 10; round++) {
        data[N - 1] = me == 0 ? round : -1;
        CHECK(call_bcast(data, N, MPI_INT, 0, MPI_COMM_WORLD) == 0, "broadcast");
        CHECK(data[N - 1] == round, "round %d", round);
        int token = 0;
        if (me + 1 < n_ranks)
            PMPI_Recv(&token, 1, MPI_INT, me + 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (me > 0)
            PMPI_Send(&token, 1, MPI_INT, me - 1, 0, MPI_COMM_WORLD);
    }
}

/* ---- memory: one rank has none, twice in a row ---- */

static size_t refused_from = SIZE_MAX;
void *__libc_malloc(size_t bytes); /* NOLINT: glibc's name */

/* Stands before libc's. */
void *malloc(size_t bytes)
{
    if (bytes >= refused_from) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(bytes);
}

static void memory(void)
{
    enum { N = 100000, ROUNDS = 300 };
    static int in[2 * N];
    static int out[2 * N];
    MPI_Datatype gap;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    operations_work(MPI_COMM_WORLD);
    MPI_Type_create_resized(MPI_INT, 0, 8, &gap);
    MPI_Type_commit(&gap);
    const int poor = n_ranks - 1;
    if (me == poor)
        refused_from = N;
    for (int i = 0; i < ROUNDS; i++) {
        int code = call_allreduce(in, out, N, gap, MPI_SUM, MPI_COMM_WORLD);
#ifdef FFMK_CALLS
        CHECK(code == FFMK_ERR_NO_MEMORY, "allreduce %d: %d", i, code);
#else
        CHECK(code == MPI_ERR_NO_MEM, "allreduce %d: %d", i, code);
#endif
        if (i % 3 != 0)
            continue;
        code = call_bcast(in, N, gap, 0, MPI_COMM_WORLD);
        CHECK((code != 0) == (me == poor), "broadcast %d: %d", i, code);
    }
    refused_from = SIZE_MAX;
    operations_work(MPI_COMM_WORLD);
    MPI_Type_free(&gap);
}

/* ---- aligned: the user's operation gets addresses such as its datatype has in memory ---- */

struct inside {
    int not_sent;
    int first;
    double second;
};

static void add_inside(void *in, void *inout, int *n, MPI_Datatype *datatype)
{
    (void)datatype;
    CHECK((uintptr_t)in % _Alignof(struct inside) == 0, "in is at %p", in);
    CHECK((uintptr_t)inout % _Alignof(struct inside) == 0, "inout is at %p", inout);
    for (int i = 0; i < *n; i++) {
        ((struct inside *)inout)[i].first += ((struct inside *)in)[i].first;
        ((struct inside *)inout)[i].second += ((struct inside *)in)[i].second;
    }
}

static void aligned(void)
{
    MPI_Datatype fields;
    MPI_Datatype type;
    MPI_Op op;
    struct inside in[3];
    struct inside out[3];
    MPI_Type_create_struct(
        2, (int[]){1, 1},
        (MPI_Aint[]){offsetof(struct inside, first), offsetof(struct inside, second)},
        (MPI_Datatype[]){MPI_INT, MPI_DOUBLE}, &fields);
    MPI_Type_create_resized(fields, 0, sizeof(struct inside), &type);
    MPI_Type_commit(&type);
    MPI_Op_create(add_inside, 1, &op);
    for (int i = 0; i < 3; i++)
        in[i] = (struct inside){-1, i + me, i * 0.5};
    CHECK(call_allreduce(in, out, 3, type, op, MPI_COMM_WORLD) == 0, "allreduce");
    CHECK(out[2].second == n_ranks, "allreduce gave %g", out[2].second);
    MPI_Op_free(&op);
    MPI_Type_free(&type);
    MPI_Type_free(&fields);
}

/* ---- buffers: what MPI refuses and what it takes ---- */

static void buffers(void)
{
    MPI_Datatype far;
    int value = me;
    int twice = me;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
#ifndef OPEN_MPI
    CHECK(MPI_Bcast(NULL, 1, MPI_INT, 0, MPI_COMM_WORLD) != MPI_SUCCESS, "broadcast of nothing");
    CHECK(MPI_Allreduce(NULL, &value, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD) != MPI_SUCCESS,
          "allreduce of nothing");
    CHECK(MPI_Allreduce(&value, NULL, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD) != MPI_SUCCESS,
          "allreduce to nowhere");
#endif
    CHECK(MPI_Allreduce(&value, MPI_IN_PLACE, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD) != MPI_SUCCESS,
          "allreduce to MPI_IN_PLACE");
    CHECK((MPI_Allreduce(&twice, &twice, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS) ==
              (PMPI_Allreduce(&value, &value, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS),
          "allreduce of one buffer");
    CHECK(twice == value, "allreduce of one buffer: %d", twice);
    CHECK(MPI_Bcast(NULL, 0, MPI_INT, 0, MPI_COMM_WORLD) == MPI_SUCCESS, "broadcast of none");
    CHECK(MPI_Allreduce(&value, &value, 0, MPI_INT, MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS,
          "allreduce of none");
    MPI_Aint where;
    value = me == 0 ? 42 : 0;
    MPI_Get_address(&value, &where);
    MPI_Type_create_hindexed(1, (int[]){1}, &where, MPI_INT, &far);
    MPI_Type_commit(&far);
    CHECK(MPI_Bcast(MPI_BOTTOM, 1, far, 0, MPI_COMM_WORLD) == MPI_SUCCESS && value == 42,
          "broadcast from MPI_BOTTOM");
    MPI_Type_free(&far);
    operations_work(MPI_COMM_WORLD);
}

/* ---- ahead: a root that is not waited for, and readers that come late ---- */

static void ahead(void)
{
    enum { MANY = 1000, LATE_US = 30000 };
    operations_work(MPI_COMM_WORLD);
    for (int i = 0; i < MANY; i++) {
        if (me != 0 && i % 250 == 0)
            usleep(LATE_US);
        int value = me == 0 ? i : -1;
        CHECK(call_bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD) == 0, "broadcast");
        CHECK(value == i, "broadcast %d gave %d", i, value);
    }
}

/* ---- meanwhile: a rank waits in an operation while another needs it for a message ---- */

static void meanwhile(void)
{
    enum { BYTES = 30000000 };
    char *data = malloc(BYTES);
    MPI_Request request;
    for (int i = 0; i < 3; i++) {
        memset(data, me == 0 ? i + 1 : 0, BYTES);
        int value = me;
        int sum = 0;
        if (me == 0)
            MPI_Isend(data, BYTES, MPI_BYTE, 1, 0, MPI_COMM_WORLD, &request);
        if (me == 1)
            MPI_Recv(data, BYTES, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (i == 0)
            CHECK(call_barrier(MPI_COMM_WORLD) == 0, "barrier");
        if (i == 1)
            CHECK(call_allreduce(&value, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD) == 0,
                  "allreduce");
        if (i == 2)
            CHECK(call_bcast(&value, 1, MPI_INT, 1, MPI_COMM_WORLD) == 0, "broadcast");
        if (me == 0)
            MPI_Wait(&request, MPI_STATUS_IGNORE);
        CHECK(me > 1 || (data[0] == i + 1 && data[BYTES - 1] == i + 1), "message %d", i);
    }
    free(data);
}

/* ---- part: MPI_COMM_WORLD itself is never used by us, and a rank dies ---- */

static void part(void)
{
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    operations_work(comm);
    if (me == n_ranks - 1)
        raise(SIGKILL);
    int value = me;
    int sum = 0;
    CHECK(call_barrier(comm) == 0, "barrier");
    CHECK(call_bcast(&value, 1, MPI_INT, n_ranks - 1, comm) != 0, "the root is dead");
    CHECK(call_allreduce(&me, &sum, 1, MPI_INT, MPI_SUM, comm) == 0, "allreduce");
    CHECK(sum == (n_ranks - 1) * (n_ranks - 2) / 2, "allreduce gave %d", sum);
}

/* ---- unfinished: what only some take part in, and what nobody waits for, stops no end ---- */

static void begin_bcast(void *data, int bytes)
{
#ifdef FFMK_CALLS
    ffmk_request *request;
    CHECK(ffmk_ibcast(data, bytes, MPI_BYTE, 0, MPI_COMM_WORLD, &request) == 0, "begin");
#else
    MPI_Request request;
    CHECK(MPI_Ibcast(data, bytes, MPI_BYTE, 0, MPI_COMM_WORLD, &request) == 0, "begin");
#endif
}

static void unfinished(void)
{
    static char data[3][400000];
    MPI_Comm freed;
    operations_work(MPI_COMM_WORLD);
    MPI_Comm_dup(MPI_COMM_WORLD, &freed);
    operations_work(freed);
    for (int i = 0; i < 3 && me == 0; i++)
        CHECK(call_bcast(data[0], 1000, MPI_BYTE, 0, i < 2 ? freed : MPI_COMM_WORLD) == 0, "root");
    MPI_Comm_free(&freed);
    begin_bcast(data[1], sizeof data[1]);
    if (me > 0)
        begin_bcast(data[2], sizeof data[2]);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        void (*play)(void);
    } scenes[] = {{"plain", plain},         {"inter", inter},           {"many", many},
                  {"unused", unused},       {"mixed", mixed},           {"apart", apart},
                  {"operation", operation}, {"memory", memory},         {"aligned", aligned},
                  {"part", part},           {"ahead", ahead},           {"buffers", buffers},
                  {"meanwhile", meanwhile}, {"unfinished", unfinished}, {"chain", chain},
                  {"together", together}};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    bool played = false;
    for (size_t i = 0; argc == 2 && i < sizeof scenes / sizeof scenes[0]; i++)
        if (strcmp(argv[1], scenes[i].word) == 0) {
            scenes[i].play();
            played = true;
        }
    puts(played ? "went on" : "FAILED: no such scene");
    fflush(stdout);
    MPI_Finalize();
    return 0;
}
