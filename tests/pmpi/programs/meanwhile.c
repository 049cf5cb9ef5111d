/* SPDX-License-Identifier: BSD-3-Clause
 * What another thread does while a call is under way: meanwhile WHAT [NUMBER]. The tool midway.c
 * holds the call, so that each time happens what else would be rare. */
#include "midway.h"

#include <dlfcn.h>
#include <link.h>
#include <mpi.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define WORLD MPI_COMM_WORLD

static long argument;

/* ---- threads that go on while the report is made ---- */

/* The program does not link libffmk. */
static void region(const char *symbol, const char *name)
{
    int (*call)(const char *);
    void *found = dlsym(RTLD_DEFAULT, symbol);
    memcpy(&call, &found, sizeof call);
    if (call)
        call(name);
}

static void receive(void)
{
    int nothing;
    MPI_Recv(&nothing, 1, MPI_INT, MPI_PROC_NULL, 1, WORLD, MPI_STATUS_IGNORE);
}

static void probe(void)
{
    int flag;
    MPI_Iprobe(MPI_ANY_SOURCE, 1, WORLD, &flag, MPI_STATUS_IGNORE);
}

static sem_t ready;
static sem_t reported;

/* The first room for calls that are told apart, and twice and four times that, is full with 31, 63
 * and 127 of them; before that, one may be kept (record.c). */
enum { OUTLIVING = 6 };
static int full[OUTLIVING] = {30, 31, 62, 63, 126, 127};

/* Whatever the allocator has at hand for this thread. */
enum { BLOCKS = 1024, BLOCK = 1200, PATTERN = 0xff };

static void take_memory(unsigned char *blocks[BLOCKS])
{
    for (int b = 0; b < BLOCKS; b++)
        if ((blocks[b] = malloc(BLOCK)))
            memset(blocks[b], PATTERN, BLOCK);
}

static int bytes_changed(unsigned char *blocks[BLOCKS])
{
    int changed = 0;
    for (int b = 0; b < BLOCKS; b++)
        for (int i = 0; blocks[b] && i < BLOCK; i++)
            changed += blocks[b][i] != PATTERN;
    return changed;
}

/* Receives until there is no room for another region, and once more outside of them: that one is
 * charged when the report is made, and nothing can grow in its place then. Goes on to make calls,
 * which must not change what is the program's by then. */
static void *outlive(void *number)
{
    for (int i = 0; i < *(const int *)number; i++) {
        char name[32];
        snprintf(name, sizeof name, "region %d", i);
        region("ffmk_region_begin", name);
        receive();
        region("ffmk_region_end", name);
    }
    receive();
    unsigned char *before[BLOCKS];
    unsigned char *behind[BLOCKS];
    take_memory(before);
    sem_post(&ready);
    sem_wait(&reported);
    take_memory(behind);
    for (int i = 0; i < 5; i++)
        probe();
    const int changed = bytes_changed(before) + bytes_changed(behind);
    if (changed) {
        printf("FAILED: %d bytes of the program's memory were changed\n", changed);
        exit(1);
    }
    for (int b = 0; b < BLOCKS; b++) {
        free(before[b]);
        free(behind[b]);
    }
    return NULL;
}

static pthread_t outliving[OUTLIVING];

static void go_on(void)
{
    for (int i = 0; i < OUTLIVING; i++)
        sem_post(&reported);
    for (int i = 0; i < OUTLIVING; i++)
        pthread_join(outliving[i], NULL);
}

static int outlives(void)
{
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    sem_init(&ready, 0, 0);
    sem_init(&reported, 0, 0);
    for (int i = 0; level == MPI_THREAD_MULTIPLE && i < OUTLIVING; i++) {
        pthread_create(&outliving[i], NULL, outlive, &full[i]);
        sem_wait(&ready);
        midway.finalize = go_on;
    }
    MPI_Finalize();
    return 0;
}

#if MPI_VERSION >= 4

/* ---- a session that begins after MPI_Init ---- */

static MPI_Datatype short_lived;
static sem_t sent;
static sem_t gone;

/* A datatype goes away, and its handle comes back as another's, before the call returns. */
static void *free_types(void *unused)
{
    enum { OTHERS = 8 };
    MPI_Datatype others[OTHERS];
    sem_wait(&sent);
    MPI_Type_free(&short_lived);
    for (int i = 0; i < OTHERS; i++) {
        MPI_Type_contiguous(3, MPI_BYTE, &others[i]);
        MPI_Type_commit(&others[i]);
    }
    for (int i = 0; i < OTHERS; i++)
        MPI_Type_free(&others[i]);
    sem_post(&gone);
    return unused;
}

static void wait_until_gone(void)
{
    sem_post(&sent);
    sem_wait(&gone);
}

typedef int send_function(const void *, int, MPI_Datatype, int, int, MPI_Comm);

static void send_to_self(send_function *send, MPI_Datatype type)
{
    static char from[100];
    static char to[100];
    MPI_Request request;
    MPI_Irecv(to, sizeof to, MPI_BYTE, 0, 1, MPI_COMM_SELF, &request);
    send(from, 1, type, 0, 1, MPI_COMM_SELF);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

/* 100 bytes, of a datatype that is gone when the send returns. */
static void send_short_lived(send_function *send)
{
    pthread_t id;
    MPI_Type_contiguous(100, MPI_BYTE, &short_lived);
    MPI_Type_commit(&short_lived);
    pthread_create(&id, NULL, free_types, NULL);
    midway.sent = wait_until_gone;
    send_to_self(send, short_lived);
    midway.sent = NULL;
    pthread_join(id, NULL);
}

static void start_serialized(void)
{
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    sem_init(&sent, 0, 0);
    sem_init(&gone, 0, 0);
}

static void *begin_session(void *session)
{
    MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, session);
    return NULL;
}

/* MPI_Send is known from before the session, MPI_Ssend is not. No two calls overlap: the level
 * allows for that, but not for what is freed meanwhile to be noticed without care. */
static int session_later(void)
{
    MPI_Session session;
    pthread_t id;
    start_serialized();
    send_to_self(MPI_Send, MPI_INT);
    send_to_self(MPI_Send, MPI_INT);
    pthread_create(&id, NULL, begin_session, &session);
    pthread_join(id, NULL);
    for (int i = 0; i < 3; i++) {
        send_short_lived(MPI_Send);
        send_short_lived(MPI_Ssend);
    }
    MPI_Session_finalize(&session);
    MPI_Finalize();
    return 0;
}

/* ---- a session that begins between two instructions of a send ---- */

#ifdef __x86_64__

static uintptr_t text; /* libffmk's */
static uintptr_t text_bytes;
static volatile long steps; /* instructions of libffmk's that were taken one at a time */
static long chosen;
static sem_t step_reached;
static sem_t session_begun;

static int find_text(struct dl_phdr_info *object, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (int i = 0; strstr(object->dlpi_name, "/libffmk.so") && i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_LOAD && object->dlpi_phdr[i].p_flags & PF_X) {
            text = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
            text_bytes = object->dlpi_phdr[i].p_memsz;
        }
    return 0;
}

/* The program's own signals turn single steps on and off, ahead of the send and when it has been
 * passed on; the others are the steps. */
static void step(int signal, siginfo_t *info, void *context)
{
    enum { TRAP_FLAG = 0x100 };
    greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)signal;
    if (info->si_code <= 0) {
        registers[REG_EFL] ^= TRAP_FLAG;
    } else if ((uintptr_t)registers[REG_RIP] - text < text_bytes && steps++ == chosen) {
        sem_post(&step_reached);
        sem_wait(&session_begun);
    }
}

static void *begin_session_when_reached(void *session)
{
    sem_wait(&step_reached);
    begin_session(session);
    sem_post(&session_begun);
    return NULL;
}

static void toggle_steps(void)
{
    raise(SIGTRAP);
}

static int stepped_send(const void *buf, int count, MPI_Datatype type, int dest, int tag,
                        MPI_Comm comm)
{
    toggle_steps();
    return MPI_Ssend(buf, count, type, dest, tag, comm);
}

/* Rank r's begins at the step `first` + 2 r of an MPI_Ssend that is or is not the first one. */
static int session_at_step(bool is_first, long first)
{
    int rank;
    pthread_t id;
    MPI_Session session;
    const struct sigaction stepping = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
    start_serialized();
    MPI_Comm_rank(WORLD, &rank);
    dl_iterate_phdr(find_text, NULL);
    sem_init(&step_reached, 0, 0);
    sem_init(&session_begun, 0, 0);
    chosen = first + 2L * rank;
    pthread_create(&id, NULL, begin_session_when_reached, &session);
    sigaction(SIGTRAP, &stepping, NULL);
    for (int i = 0; i < 2 && !is_first; i++)
        send_to_self(MPI_Ssend, MPI_INT);
    midway.sending = toggle_steps;
    send_to_self(stepped_send, MPI_INT);
    midway.sending = NULL;
    if (steps <= chosen)
        sem_post(&step_reached);
    pthread_join(id, NULL);
    printf("%s\n", steps > chosen ? "within" : "behind");
    for (int i = 0; i < 3; i++)
        send_short_lived(MPI_Ssend);
    MPI_Session_finalize(&session);
    MPI_Finalize();
    return 0;
}

static int session_at_step_of_known(void)
{
    return session_at_step(false, argument);
}

static int session_at_step_of_new(void)
{
    return session_at_step(true, argument);
}

#else

static int session_at_step_of_known(void)
{
    printf("single steps are for x86-64 here\n");
    return 77;
}
#define session_at_step_of_new session_at_step_of_known

#endif

/* ---- a session that begins while MPI_Init is under way ---- */

static MPI_Session beside;

/* Two, of which one stays. */
static void *begin_sessions(void *unused)
{
    MPI_Session first;
    begin_session(&first);
    begin_session(&beside);
    MPI_Session_finalize(&first);
    return unused;
}

static void begin_beside(void)
{
    pthread_t id;
    pthread_create(&id, NULL, begin_sessions, NULL);
    pthread_join(id, NULL);
}

static int end_both(void)
{
    for (int i = 0; i < 10; i++)
        MPI_Barrier(WORLD);
    MPI_Session_finalize(&beside);
    MPI_Finalize();
    return 0;
}

static int session_within_init(void)
{
    int level;
    midway.init = begin_beside;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    return end_both();
}

/* ---- MPI_Init that begins while a session's begin is under way ---- */

static sem_t about_to_start;
static sem_t may_start;
static pthread_t starting;

static void *start_beside(void *level)
{
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, level);
    return NULL;
}

static void hold_start(void)
{
    sem_post(&about_to_start);
    sem_wait(&may_start);
}

static void start_and_hold(void)
{
    static int level;
    pthread_create(&starting, NULL, start_beside, &level);
    sem_wait(&about_to_start);
}

static int init_within_session(void)
{
    sem_init(&about_to_start, 0, 0);
    sem_init(&may_start, 0, 0);
    midway.session = start_and_hold;
    midway.init = hold_start;
    begin_session(&beside);
    sem_post(&may_start);
    pthread_join(starting, NULL);
    return end_both();
}

/* ---- the only other session ends while one begins ---- */

static sem_t begun_by_mpi;
static sem_t other_ended;

static void let_other_end(void)
{
    midway.session_begun = NULL;
    sem_post(&begun_by_mpi);
    sem_wait(&other_ended);
}

static void use_session(MPI_Session session)
{
    MPI_Group group;
    MPI_Comm comm;
    MPI_Group_from_session_pset(session, "mpi://WORLD", &group);
    MPI_Comm_create_from_group(group, "ffmk.test", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm);
    MPI_Group_free(&group);
    MPI_Barrier(comm);
    MPI_Comm_free(&comm);
}

static void *begin_and_use(void *unused)
{
    MPI_Session session;
    begin_session(&session);
    use_session(session);
    MPI_Session_finalize(&session);
    return unused;
}

static int session_alone(void)
{
    begin_and_use(NULL);
    return 0;
}

static int session_ends_within_session(void)
{
    pthread_t id;
    MPI_Session first;
    sem_init(&begun_by_mpi, 0, 0);
    sem_init(&other_ended, 0, 0);
    begin_session(&first);
    midway.session_begun = let_other_end;
    pthread_create(&id, NULL, begin_and_use, NULL);
    sem_wait(&begun_by_mpi);
    /* Others wait for what this rank does with the new one. */
    MPI_Session_finalize(&first);
    sem_post(&other_ended);
    pthread_join(id, NULL);
    return 0;
}

#else

static int session_later(void)
{
    printf("this MPI has no sessions\n");
    return 77;
}
#define session_at_step_of_known    session_later
#define session_at_step_of_new      session_later
#define session_within_init         session_later
#define init_within_session         session_later
#define session_ends_within_session session_later
#define session_alone               session_later

#endif

static const struct {
    const char *what;
    int (*run)(void);
} ways[] = {
    {"outlives", outlives},
    {"session-later", session_later},
    {"session-at-step-of-known", session_at_step_of_known},
    {"session-at-step-of-new", session_at_step_of_new},
    {"session-within-init", session_within_init},
    {"init-within-session", init_within_session},
    {"session-alone", session_alone},
    {"session-ends-within-session", session_ends_within_session},
};

int main(int argc, char **argv)
{
    argument = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argv[1], ways[i].what) == 0)
            return ways[i].run();
    fprintf(stderr, "usage: meanwhile WHAT [NUMBER]\n");
    return 2;
}
