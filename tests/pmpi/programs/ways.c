/* SPDX-License-Identifier: BSD-3-Clause
 * Small programs in one: ways WHAT. Each makes a few known calls and then begins, runs or ends in a
 * way of its own. */
#include <dlfcn.h>
#include <ffmk.h>
#include <mpi.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORLD MPI_COMM_WORLD

static int rank;
static int size;

/* The program does not link libffmk, so that it can also run without it. */
static int region(const char *symbol, const char *name)
{
    int (*call)(const char *);
    void *found = dlsym(RTLD_DEFAULT, symbol);
    memcpy(&call, &found, sizeof call);
    return call ? call(name) : 0;
}
#define ffmk_region_begin(name) region("ffmk_region_begin", name)
#define ffmk_region_end(name)   region("ffmk_region_end", name)

static void start(void)
{
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(WORLD, &rank);
    MPI_Comm_size(WORLD, &size);
}

static void barriers(int n)
{
    for (int i = 0; i < n; i++)
        MPI_Barrier(WORLD);
}

/* ---- ends ---- */

static int plain(void)
{
    start();
    barriers(10);
    if (rank == 0)
        printf("words on standard output\n");
    MPI_Finalize();
    return 0;
}

/* Writes nothing. */
static int silent(void)
{
    start();
    barriers(10);
    usleep(200000);
    MPI_Finalize();
    return 0;
}

static int abort_by(int who)
{
    start();
    barriers(10);
    if (rank == who)
        MPI_Abort(WORLD, 7);
    pause();
    return 0;
}

static int abort_first(void)
{
    return abort_by(0);
}

static int abort_second(void)
{
    return abort_by(1);
}

static int leave(void)
{
    start();
    barriers(10);
    return 0;
}

static int leave_by_exit(void)
{
    start();
    barriers(10);
    exit(0);
}

static int leave_at_once(void)
{
    start();
    barriers(10);
    _exit(0);
}

static int killed(void)
{
    start();
    barriers(10);
    raise(SIGKILL);
    return 0;
}

static void finalize_late(void)
{
    MPI_Barrier(WORLD);
    MPI_Finalize();
}

static int finalize_at_exit(void)
{
    atexit(finalize_late);
    start();
    barriers(9);
    return 0;
}

/* Messages and wildcard receives that nothing answers, on the communicator that all share. */
static int unanswered(void)
{
    start();
    static int into[2];
    MPI_Request receive;
    if (rank == 0)
        MPI_Irecv(into, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, WORLD, &receive);
    else
        for (int tag = 0; tag < 32; tag++)
            for (int to = 1; to < size; to++)
                MPI_Send(&tag, 1, MPI_INT, to, tag, WORLD);
    barriers(10);
    MPI_Finalize();
    return 0;
}

/* What the first rank has no room for may be left for the next collective. */
static int gather_fails(void)
{
    start();
    MPI_Comm_set_errhandler(WORLD, MPI_ERRORS_RETURN);
    static int numbers[4000];
    MPI_Gather(numbers, rank == 0 ? 1 : 1000, MPI_INT, numbers, 1, MPI_INT, 0, WORLD);
    MPI_Finalize();
    return 0;
}

/* All communicators that there are. */
static int exhausts(void)
{
    start();
    MPI_Comm_set_errhandler(WORLD, MPI_ERRORS_RETURN);
    MPI_Comm comm;
    int n = 0;
    while (n < 100000 && MPI_Comm_dup(WORLD, &comm) == MPI_SUCCESS)
        n++;
    MPI_Comm_set_errhandler(WORLD, MPI_ERRORS_ARE_FATAL);
    MPI_Finalize();
    return n < 1000;
}

static int without_mpi(void)
{
    printf("no MPI here\n");
    return 3;
}

/* ---- children ---- */

static int forks(void)
{
    start();
    barriers(4);
    for (int way = 0; way < 3; way++) {
        fflush(NULL);
        const pid_t child = fork();
        if (child == 0) {
            if (way == 0)
                exit(0);
            if (way == 1)
                _exit(0);
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        int status;
        waitpid(child, &status, 0);
        if (status != 0)
            printf("FAILED: child %d ended with %d\n", way, status);
    }
    if (system("true") != 0)
        printf("FAILED: system()\n");
    barriers(6);
    MPI_Finalize();
    return 0;
}

/* ---- threads ---- */

enum { THREADS = 8, EACH = 20000, SHORT_LIVED = 10000 };

static void *many_calls(void *argument)
{
    (void)argument;
    int flag;
    for (int i = 0; i < EACH; i++)
        MPI_Iprobe(MPI_ANY_SOURCE, 1, MPI_COMM_SELF, &flag, MPI_STATUS_IGNORE);
    for (int i = 0; i < 100; i++) {
        ffmk_region_begin("thread");
        MPI_Sendrecv(&i, 1, MPI_INT, 0, 2, &flag, 1, MPI_INT, 0, 2, MPI_COMM_SELF,
                     MPI_STATUS_IGNORE);
        ffmk_region_end("thread");
    }
    return NULL;
}

static int threads(void)
{
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    if (level < MPI_THREAD_MULTIPLE)
        printf("SKIP: this MPI gives no MPI_THREAD_MULTIPLE\n");
    pthread_t ids[THREADS];
    for (int i = 0; level == MPI_THREAD_MULTIPLE && i < THREADS; i++)
        pthread_create(&ids[i], NULL, many_calls, NULL);
    for (int i = 0; level == MPI_THREAD_MULTIPLE && i < THREADS; i++)
        pthread_join(ids[i], NULL);
    MPI_Finalize();
    return 0;
}

/* Threads that meet each new communicator at the same moment. */
enum { MEETING = 4, MEETINGS = 10000 };
static MPI_Comm met;
static pthread_barrier_t together;

static void *meet(void *argument)
{
    const int tag = *(const int *)argument;
    for (int i = 0; i < MEETINGS; i++) {
        pthread_barrier_wait(&together);
        if (tag == 0)
            MPI_Comm_dup(MPI_COMM_SELF, &met);
        pthread_barrier_wait(&together);
        int got;
        MPI_Request request;
        MPI_Isend(&tag, 1, MPI_INT, 0, tag, met, &request);
        MPI_Recv(&got, 1, MPI_INT, 0, tag, met, MPI_STATUS_IGNORE);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        pthread_barrier_wait(&together);
        if (tag == 0)
            MPI_Comm_free(&met);
    }
    return NULL;
}

static int meetings(void)
{
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    pthread_t ids[MEETING];
    int tags[MEETING];
    pthread_barrier_init(&together, NULL, MEETING);
    for (int i = 0; level == MPI_THREAD_MULTIPLE && i < MEETING; i++) {
        tags[i] = i;
        pthread_create(&ids[i], NULL, meet, &tags[i]);
    }
    for (int i = 0; level == MPI_THREAD_MULTIPLE && i < MEETING; i++)
        pthread_join(ids[i], NULL);
    MPI_Finalize();
    return 0;
}

static void *one_call(void *argument)
{
    int flag;
    if (argument)
        ffmk_region_begin("left open"); /* ends with the thread */
    MPI_Iprobe(MPI_ANY_SOURCE, 1, MPI_COMM_SELF, &flag, MPI_STATUS_IGNORE);
    return NULL;
}

static long peak_kib(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
}

static int churn(void)
{
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    long before = 0;
    for (int i = 0; i < SHORT_LIVED; i++) {
        pthread_t id;
        pthread_create(&id, NULL, one_call, i % 2 ? &level : NULL);
        pthread_join(id, NULL);
        if (i == 100)
            before = peak_kib();
    }
    printf("grew %ld\n", peak_kib() - before);
    MPI_Finalize();
    return 0;
}

/* ---- what threads and regions leave behind ---- */

static sem_t received;

/* Offers room for 8 bytes each time, and gets nothing. */
static void receive(int n)
{
    double nothing;
    for (int i = 0; i < n; i++)
        MPI_Recv(&nothing, 1, MPI_DOUBLE, MPI_PROC_NULL, 1, WORLD, MPI_STATUS_IGNORE);
}

static void *receive_and_stay(void *unused)
{
    receive(4);
    return sem_post(&received) == 0 && pause() == 0 ? unused : NULL;
}

static void *receive_and_end(void *argument)
{
    ffmk_region_begin(argument);
    receive(4);
    return NULL;
}

/* Receives just before whatever changes what they are charged to. */
static void receive_everywhere(void)
{
    int level;
    pthread_t stays;
    sem_init(&received, 0, 0);
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    for (int i = 0; i < 5; i++) {
        receive(1);
        ffmk_region_begin("outer");
        receive(2);
        ffmk_region_begin("inner");
        receive(3);
        ffmk_region_end("inner");
        ffmk_region_end("outer");
        receive(1);
        MPI_Pcontrol(0);
        receive(10);
        usleep(1000);
        MPI_Pcontrol(1);
        pthread_t id;
        pthread_create(&id, NULL, receive_and_end, i % 2 ? "odd" : "even");
        pthread_join(id, NULL);
    }
    pthread_create(&stays, NULL, receive_and_stay, NULL);
    sem_wait(&received);
    receive(7);
}

static int receives(void)
{
    receive_everywhere();
    MPI_Finalize();
    return 0;
}

static int receives_last(void)
{
    receive_everywhere();
    exit(0);
}

/* A datatype goes away while a call of another thread uses it for the first time, and its handle
 * may come back as another's. Each rank's second thread makes the call; the first one waits
 * until it is under way; the other rank answers only when asked. */
static MPI_Datatype short_lived;
static sem_t about_to_use;

static void *long_send(void *unused)
{
    static char from[100];
    for (int i = 0; i < 2; i++) {
        MPI_Ssend(from, 1, MPI_BYTE, MPI_PROC_NULL, 1, WORLD);
        MPI_Ssend(from, 1, short_lived, 1 - rank, -5, WORLD); /* fails */
    }
    const MPI_Datatype type = short_lived;
    sem_post(&about_to_use);
    MPI_Ssend(from, 1, type, 1 - rank, 1, WORLD);
    return unused;
}

static void *long_receive(void *unused)
{
    static char to[100];
    const MPI_Datatype type = short_lived;
    sem_post(&about_to_use);
    MPI_Recv(to, 1, type, 1 - rank, 2, WORLD, MPI_STATUS_IGNORE);
    return unused;
}

static int freed(void)
{
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(WORLD, &rank);
    MPI_Comm other;
    MPI_Comm_dup(WORLD, &other);
    MPI_Comm_set_errhandler(WORLD, MPI_ERRORS_RETURN);
    sem_init(&about_to_use, 0, 0);
    char buffer[100] = "";
    for (int turn = 0; turn < 4 && level == MPI_THREAD_MULTIPLE; turn++) {
        const int sends = turn < 2;
        if (turn % 2 == rank) {
            pthread_t id;
            MPI_Type_contiguous(100, MPI_BYTE, &short_lived);
            MPI_Type_commit(&short_lived);
            pthread_create(&id, NULL, sends ? long_send : long_receive, NULL);
            sem_wait(&about_to_use);
            usleep(200000);
            MPI_Type_free(&short_lived);
            MPI_Datatype others[8];
            for (int i = 0; i < 8; i++) {
                MPI_Type_contiguous(3, MPI_BYTE, &others[i]);
                MPI_Type_commit(&others[i]);
            }
            MPI_Barrier(other);
            pthread_join(id, NULL);
            for (int i = 0; i < 8; i++)
                MPI_Type_free(&others[i]);
        } else {
            MPI_Barrier(other);
            if (sends)
                MPI_Recv(buffer, 100, MPI_BYTE, 1 - rank, 1, WORLD, MPI_STATUS_IGNORE);
            else
                MPI_Send(buffer, 100, MPI_BYTE, 1 - rank, 2, WORLD);
        }
    }
    MPI_Comm_free(&other);
    MPI_Finalize();
    return 0;
}

/* ---- who sends how much to whom ---- */

static int matrix(void)
{
    start();
    char data[4096] = {0};
    MPI_Comm turned;
    MPI_Comm inter;
    MPI_Comm half;
    MPI_Request r[2];
    const int next = (rank + 1) % size;
    const int before = (rank + size - 1) % size;
    MPI_Comm_split(WORLD, 0, -rank, &turned); /* rank i here is size − 1 − i there */
    /* 100 bytes to the next one of the world, twice 10 to the next of the reversed one: the one
     * before. */
    MPI_Sendrecv(data, 100, MPI_CHAR, next, 0, data + 2048, 100, MPI_CHAR, before, 0, WORLD,
                 MPI_STATUS_IGNORE);
    int there;
    MPI_Comm_rank(turned, &there);
    MPI_Send_init(data, 10, MPI_CHAR, (there + 1) % size, 1, turned, &r[0]);
    MPI_Recv_init(data + 2048, 10, MPI_CHAR, (there + size - 1) % size, 1, turned, &r[1]);
    for (int i = 0; i < 2; i++) {
        MPI_Startall(2, r);
        MPI_Waitall(2, r, MPI_STATUSES_IGNORE);
    }
    MPI_Request_free(&r[0]);
    MPI_Request_free(&r[1]);
    /* To oneself and to nobody. */
    MPI_Sendrecv(data, 7, MPI_CHAR, 0, 0, data + 2048, 7, MPI_CHAR, 0, 0, MPI_COMM_SELF,
                 MPI_STATUS_IGNORE);
    MPI_Send(data, 5, MPI_CHAR, MPI_PROC_NULL, 0, WORLD);
    /* Across: the first rank against the others; its partner there is the world's rank 1. */
    MPI_Comm_split(WORLD, rank > 0, 0, &half);
    MPI_Intercomm_create(half, 0, WORLD, rank > 0 ? 0 : 1, 3, &inter);
    if (rank == 0)
        MPI_Send(data, 1000, MPI_CHAR, 0, 4, inter);
    else if (rank == 1)
        MPI_Recv(data, 1000, MPI_CHAR, 0, 4, inter, MPI_STATUS_IGNORE);
    MPI_Comm_free(&inter);
    MPI_Comm_free(&half);
    /* A new communicator where an old one was: nothing of the old one is remembered. */
    MPI_Comm_free(&turned);
    MPI_Comm_split(WORLD, 0, rank, &turned);
    MPI_Sendrecv(data, 3, MPI_CHAR, next, 0, data + 2048, 3, MPI_CHAR, before, 0, turned,
                 MPI_STATUS_IGNORE);
    MPI_Comm_free(&turned);
    /* A new datatype where an old one was, of another size. */
    for (int i = 1; i <= 5; i++) {
        MPI_Datatype type;
        MPI_Type_contiguous(i, MPI_CHAR, &type);
        MPI_Type_commit(&type);
        MPI_Sendrecv(data, 1, type, next, 0, data + 2048, 1, type, before, 0, WORLD,
                     MPI_STATUS_IGNORE);
        MPI_Type_free(&type);
    }
    MPI_Finalize();
    return 0;
}

/* ---- regions ---- */

#define EXPECT(code, call)                                                                         \
    do {                                                                                           \
        const int got_ = (call);                                                                   \
        if (got_ != (code))                                                                        \
            printf("FAILED: %s gave %d, not %d\n", #call, got_, (code));                           \
    } while (0)

static void recurse(int depth)
{
    EXPECT(FFMK_SUCCESS, ffmk_region_begin("again"));
    MPI_Barrier(WORLD);
    if (depth > 1)
        recurse(depth - 1);
    EXPECT(FFMK_SUCCESS, ffmk_region_end("again"));
}

static int regions(void)
{
    EXPECT(FFMK_SUCCESS, ffmk_region_begin("before MPI"));
    EXPECT(FFMK_SUCCESS, ffmk_region_end("before MPI"));
    start();
    EXPECT(FFMK_ERR_ARGUMENT, ffmk_region_begin(NULL));
    EXPECT(FFMK_ERR_ARGUMENT, ffmk_region_begin(""));
    EXPECT(FFMK_ERR_ARGUMENT, ffmk_region_end(NULL));
    EXPECT(FFMK_ERR_STATE, ffmk_region_end("never opened"));
    EXPECT(FFMK_SUCCESS, ffmk_region_begin("outer"));
    MPI_Barrier(WORLD);
    EXPECT(FFMK_SUCCESS, ffmk_region_begin("inner"));
    barriers(2);
    EXPECT(FFMK_ERR_STATE, ffmk_region_end("outer"));
    barriers(1); /* still in inner */
    EXPECT(FFMK_SUCCESS, ffmk_region_end("inner"));
    MPI_Barrier(WORLD);
    EXPECT(FFMK_SUCCESS, ffmk_region_end("outer"));
    EXPECT(FFMK_ERR_STATE, ffmk_region_end("outer"));
    recurse(5);
    for (int i = 0; i < 64; i++)
        EXPECT(FFMK_SUCCESS, ffmk_region_begin("deep"));
    EXPECT(FFMK_ERR_LIMIT, ffmk_region_begin("deep"));
    for (int i = 0; i < 64; i++)
        EXPECT(FFMK_SUCCESS, ffmk_region_end("deep"));
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    EXPECT(FFMK_SUCCESS, ffmk_region_begin(name));
    MPI_Barrier(WORLD);
    EXPECT(FFMK_SUCCESS, ffmk_region_end(name));
    EXPECT(FFMK_SUCCESS, ffmk_region_begin("a \"name\", of \xff bytes\n"));
    EXPECT(FFMK_SUCCESS, ffmk_region_end("a \"name\", of \xff bytes\n"));
    MPI_Pcontrol(5);
    MPI_Barrier(WORLD);
    MPI_Pcontrol(-5);
    MPI_Pcontrol(0);
    barriers(100);
    usleep(200000);
    MPI_Pcontrol(1);
    MPI_Barrier(WORLD);
    MPI_Finalize();
    EXPECT(FFMK_SUCCESS, ffmk_region_begin("after"));
    EXPECT(FFMK_SUCCESS, ffmk_region_end("after"));
    return 0;
}

static int many_regions(void)
{
    start();
    for (int i = 0; i < 10000; i++) {
        char name[32];
        snprintf(name, sizeof name, "region %d", i);
        EXPECT(FFMK_SUCCESS, ffmk_region_begin(name));
        if (i % 10 == 0)
            MPI_Barrier(WORLD);
        EXPECT(FFMK_SUCCESS, ffmk_region_end(name));
    }
    MPI_Finalize();
    return 0;
}

/* ---- others ---- */

static int elsewhere(void)
{
    start();
    barriers(10);
    if (chdir("/") != 0)
        return 1;
    MPI_Finalize();
    return 0;
}

/* Long enough for a short time line to halve many times. */
static int long_line(void)
{
    start();
    for (int i = 0; i < 300; i++) {
        if (rank == 0)
            usleep(1000);
        MPI_Barrier(WORLD);
        MPI_Allreduce(MPI_IN_PLACE, &(int){1}, 1, MPI_INT, MPI_SUM, WORLD);
        int flag;
        MPI_Iprobe(MPI_ANY_SOURCE, 0, WORLD, &flag, MPI_STATUS_IGNORE);
    }
    MPI_Finalize();
    return 0;
}

/* What is loaded when MPI has long begun. */
static int maps(void)
{
    start();
    barriers(10);
    FILE *file = fopen("/proc/self/maps", "r");
    for (int c; file && (c = getc(file)) != EOF;)
        putchar(c);
    MPI_Finalize();
    return file ? fclose(file) : 1;
}

static int probes(void)
{
    start();
    int flag;
    for (int i = 0; i < 12000; i++)
        MPI_Iprobe(MPI_ANY_SOURCE, 0, WORLD, &flag, MPI_STATUS_IGNORE);
    const double in = 1;
    double out;
    for (int i = 0; i < 12000; i++)
        MPI_Allreduce(&in, &out, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_SELF);
    MPI_Finalize();
    return 0;
}

static const struct {
    const char *what;
    int (*run)(void);
} ways[] = {
    {"plain", plain},
    {"silent", silent},
    {"abort-first", abort_first},
    {"abort-second", abort_second},
    {"leave", leave},
    {"exit", leave_by_exit},
    {"_exit", leave_at_once},
    {"killed", killed},
    {"finalize-at-exit", finalize_at_exit},
    {"unanswered", unanswered},
    {"exhausts", exhausts},
    {"gather-fails", gather_fails},
    {"without-mpi", without_mpi},
    {"forks", forks},
    {"threads", threads},
    {"meetings", meetings},
    {"churn", churn},
    {"receives", receives},
    {"receives-last", receives_last},
    {"freed", freed},
    {"matrix", matrix},
    {"regions", regions},
    {"many-regions", many_regions},
    {"elsewhere", elsewhere},
    {"long-line", long_line},
    {"maps", maps},
    {"probes", probes},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argv[1], ways[i].what) == 0)
            return ways[i].run();
    fprintf(stderr, "usage: ways WHAT\n");
    return 2;
}
