/* SPDX-License-Identifier: BSD-3-Clause
 * Leaves an MPI call by another way than its return: leaves WHAT. */
#include <dlfcn.h>
#include <locale.h>
#include <malloc.h>
#include <mpi.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define WORLD MPI_COMM_WORLD

static jmp_buf back;

static void jump(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    (void)code;
    longjmp(back, 1);
}

static void abort_job(MPI_Comm *comm, int *code, ...)
{
    (void)code;
    MPI_Abort(*comm, 3);
}

static void start(MPI_Comm_errhandler_function *on_error)
{
    MPI_Errhandler handler;
    MPI_Init(NULL, NULL);
    MPI_Comm_create_errhandler(on_error, &handler);
    MPI_Comm_set_errhandler(WORLD, handler);
    MPI_Errhandler_free(&handler);
}

static void barriers(int n)
{
    for (int i = 0; i < n; i++)
        MPI_Barrier(WORLD);
}

static __attribute__((noinline)) void fail(void)
{
    MPI_Send(NULL, 1, MPI_INT, 99, 0, WORLD); /* no such rank */
}

static __attribute__((noinline)) void deeper(int depth)
{
    volatile char room[200];
    memset((void *)(uintptr_t)room, depth, sizeof room);
    if (depth > 0)
        deeper(depth - 1);
    else
        MPI_Barrier(WORLD);
    room[0] = 0;
}

static int jumps(void)
{
    start(jump);
    if (setjmp(back) == 0)
        MPI_Send(NULL, 1, MPI_INT, 99, 0, WORLD);
    for (int i = 0; i < 5; i++) /* from a deeper frame than the one that was left */
        deeper(i + 1);
    if (setjmp(back) == 0)
        fail();
    barriers(5);
    MPI_Finalize();
    return 0;
}

/* MPI_Finalize is what comes next. */
static int jumps_last(void)
{
    start(jump);
    barriers(10);
    if (setjmp(back) == 0)
        fail();
    MPI_Finalize();
    return 0;
}

/* And from so deep a frame that the one that was left is as it was. */
static __attribute__((noinline)) void finalize_deep(void)
{
    char untouched[16384];
    __asm__ volatile("" : : "r"(untouched) : "memory");
    MPI_Finalize();
    __asm__ volatile("" : : "r"(untouched) : "memory");
}

static int jumps_last_deep(void)
{
    start(jump);
    barriers(10);
    if (setjmp(back) == 0)
        fail();
    finalize_deep();
    return 0;
}

static int aborts_in_handler(void)
{
    int rank;
    start(abort_job);
    barriers(10);
    MPI_Comm_rank(WORLD, &rank);
    if (rank == 0)
        fail();
    barriers(1);
    MPI_Finalize();
    return 0;
}

/* A stack is gone, with the frame that was left on it; the next call comes from a lower one. */
static void fail_and_come_back(void)
{
    if (setjmp(back) == 0)
        fail();
}

static void meet(void)
{
    barriers(10);
}

static int stacks(void)
{
    enum { BYTES = 1 << 18 };
    ucontext_t here;
    ucontext_t high;
    ucontext_t low;
    start(jump);
    char *room =
        mmap(NULL, 2 * (size_t)BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return 1;
    getcontext(&high);
    getcontext(&low);
    low.uc_stack = (stack_t){.ss_sp = room, .ss_size = BYTES};
    high.uc_stack = (stack_t){.ss_sp = room + BYTES, .ss_size = BYTES};
    low.uc_link = high.uc_link = &here;
    makecontext(&high, fail_and_come_back, 0);
    makecontext(&low, meet, 0);
    swapcontext(&here, &high);
    munmap(room + BYTES, BYTES);
    swapcontext(&here, &low);
    MPI_Finalize();
    return 0;
}

/* A signal's handler ends the process while its thread has the allocator's lock, more often than
 * not. */
static void leave(int signal)
{
    (void)signal;
    exit(5);
}

static int exits_within_malloc(void)
{
    enum { BYTES = 5000, SOON_US = 20000 }; /* more than a thread keeps of its own */
    void *volatile block[64] = {0};
    const struct itimerval soon = {.it_value = {.tv_usec = SOON_US}};
    MPI_Init(NULL, NULL);
    barriers(10);
    signal(SIGALRM, leave);
    setitimer(ITIMER_REAL, &soon, NULL);
    for (unsigned i = 0; i < UINT32_MAX; i++) {
        free(block[i % 64]);
        block[i % 64] = malloc(BYTES + i % 7 * 1000);
    }
    return 1;
}

/* A handler on a stack that is just large enough for exit() ends the process, whose heap is
 * damaged.
 */
static int crashes(void)
{
    enum { STACK = 12288, GUARD = 4096, BLOCK = 5000, MANY = 1000 };
    char *volatile last = NULL;
    char *room =
        mmap(NULL, STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED || mprotect(room, GUARD, PROT_NONE) != 0)
        return 1;
    const stack_t stack = {.ss_sp = room + GUARD, .ss_size = STACK};
    const struct sigaction action = {.sa_handler = leave, .sa_flags = SA_ONSTACK};
    MPI_Init(NULL, NULL);
    barriers(10);
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < MANY; i++)
        last = malloc(BLOCK);
    for (int i = 0; last && i < BLOCK + 64; i++) /* what lies behind it is the heap's own */
        last[i] = (char)0xff;
    raise(SIGSEGV);
    return 1;
}

/* In any other process than this, files are not written for want of a lock. */
static pid_t self;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int fflush(FILE *file)
{
    int (*next)(FILE *);
    void *found = dlsym(RTLD_NEXT, "fflush");
    memcpy(&next, &found, sizeof next);
    if (self && getpid() != self)
        pthread_mutex_lock(&lock);
    return next(file);
}

static int exits_locked(void)
{
    MPI_Init(NULL, NULL);
    barriers(10);
    pthread_mutex_lock(&lock);
    self = getpid();
    exit(5);
}

/* A thread that never comes back from an allocation. */
static _Thread_local bool stays;

void *realloc(void *old, size_t bytes)
{
    const size_t before = malloc_usable_size(old);
    while (stays)
        pause();
    void *room = malloc(bytes);
    if (!room)
        return NULL;
    if (old)
        memcpy(room, old, before < bytes ? before : bytes);
    free(old);
    return room;
}

static void *stay(void *unused)
{
    MPI_Barrier(MPI_COMM_SELF);
    stays = true;
    for (int level = 2; level < 20; level++) /* a new region now and then needs memory */
        MPI_Pcontrol(level);
    return unused;
}

static int finalizes_locked(void)
{
    pthread_t thread;
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    barriers(10);
    if (pthread_create(&thread, NULL, stay, NULL) != 0)
        return 1;
    usleep(100000);
    MPI_Finalize();
    return 0;
}

static void exit_4(int signal)
{
    (void)signal;
    exit(4);
}

/* Rank 0 ends by a handler while it waits in MPI_Finalize for the others. */
static int exits_in_finalize(void)
{
    int rank;
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(WORLD, &rank);
    barriers(10);
    if (rank == 0) {
        signal(SIGALRM, exit_4);
        alarm(1);
    } else {
        sleep(3);
    }
    MPI_Finalize();
    return 0;
}

/* Several threads end the process at once. */
static pthread_barrier_t together;

static void *abort_with_others(void *unused)
{
    MPI_Barrier(MPI_COMM_SELF);
    pthread_barrier_wait(&together);
    MPI_Abort(WORLD, 7);
    return unused;
}

static int aborts_together(void)
{
    enum { THREADS = 4 };
    pthread_t thread;
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 1; i < THREADS; i++)
        if (pthread_create(&thread, NULL, abort_with_others, NULL) != 0)
            return 1;
    abort_with_others(NULL);
    return 1;
}

/* A program at home where numbers have a comma. */
static int has_a_comma(void)
{
    if (!setlocale(LC_ALL, "") || strcmp(localeconv()->decimal_point, ",") != 0)
        return 77;
    MPI_Init(NULL, NULL);
    barriers(10);
    MPI_Finalize();
    return strcmp(localeconv()->decimal_point, ",") != 0;
}

/* A region within a callback of a call. */
static void add_slowly(void *in, void *out, int *n, MPI_Datatype *type)
{
    enum { NS = 20000000 };
    (void)type;
    MPI_Pcontrol(5);
    nanosleep(&(struct timespec){.tv_nsec = NS}, NULL);
    MPI_Pcontrol(-5);
    for (int i = 0; i < *n; i++)
        ((int *)out)[i] += ((int *)in)[i];
}

static int opens_in_callback(void)
{
    int one = 1;
    int sum = 0;
    MPI_Op op;
    MPI_Init(NULL, NULL);
    MPI_Op_create(add_slowly, 1, &op);
    for (int i = 0; i < 3; i++)
        MPI_Reduce_local(&one, &sum, 1, MPI_INT, op);
    MPI_Op_free(&op);
    MPI_Finalize();
    return sum != 3;
}

/* Pipes that nobody writes take the places of what is open. */
static int closes_all(void)
{
    enum { FIRST = 3, LAST = 1024, PIPES = 20 };
    int ends[2];
    MPI_Init(NULL, NULL);
    for (int file = FIRST; file < LAST; file++)
        close(file);
    for (int i = 0; i < PIPES; i++)
        if (pipe(ends) != 0)
            return 1;
    exit(3);
}

/* As soon as MPI is up, wherever MPI_Init is then. */
static void abort_when_up(int signal)
{
    int up;
    (void)signal;
    MPI_Initialized(&up);
    if (up)
        MPI_Abort(WORLD, 9);
}

static int aborts_early(void)
{
    enum { EVERY_US = 50000 };
    const struct itimerval often = {.it_interval = {.tv_usec = EVERY_US},
                                    .it_value = {.tv_usec = EVERY_US}};
    signal(SIGALRM, abort_when_up);
    setitimer(ITIMER_REAL, &often, NULL);
    MPI_Init(NULL, NULL);
    for (int i = 0; i < 100; i++)
        pause();
    return 1;
}

static const struct {
    const char *what;
    int (*run)(void);
} ways[] = {
    {"jumps", jumps},
    {"jumps-last", jumps_last},
    {"jumps-last-deep", jumps_last_deep},
    {"aborts-in-handler", aborts_in_handler},
    {"stacks", stacks},
    {"exits-within-malloc", exits_within_malloc},
    {"crashes", crashes},
    {"exits-locked", exits_locked},
    {"finalizes-locked", finalizes_locked},
    {"exits-in-finalize", exits_in_finalize},
    {"aborts-together", aborts_together},
    {"closes-all", closes_all},
    {"has-a-comma", has_a_comma},
    {"opens-in-callback", opens_in_callback},
    {"aborts-early", aborts_early},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argv[1], ways[i].what) == 0)
            return ways[i].run();
    fprintf(stderr, "usage: leaves WHAT\n");
    return 2;
}
