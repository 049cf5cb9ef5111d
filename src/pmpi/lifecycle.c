/* SPDX-License-Identifier: BSD-3-Clause
 * When the doors begin and stop to record. */
#include "pmpi/lifecycle.h"

#include "core/launcher.h"
#include "core/log.h"
#include "core/rollcall.h"
#include "pmpi/cost.h"
#include "pmpi/ending.h"
#include "pmpi/fortran.h"
#include "pmpi/next.h"
#include "pmpi/record.h"
#include "pmpi/replace.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef OPEN_MPI
#define BUILT_FOR "Open MPI"
#define OUR_ROLL  FFMK_ROLLCALL_OPENMPI
#else
#define BUILT_FOR "MPICH"
#define OUR_ROLL  FFMK_ROLLCALL_MPICH
#endif

enum state {
    FRESH,    /* no MPI call yet */
    AWAITING, /* the environment is read, MPI has not started */
    RUNNING,
    OVER, /* the report is written */
    OFF   /* switched off, or stepped aside */
};

static struct {
    pthread_mutex_t lock;
    volatile enum state state;
    bool by_door; /* MPI starts by a door: the roll was signed, if it could be */
    int begins;   /* calls that begin MPI and are under way: MPI_Init, sessions' */
    bool init;    /* MPI_Init is among them */
    bool up;      /* one of them has come back */
    bool ended;   /* MPI_Finalize was entered */
    bool foreign; /* this MPI is not ours: the engine must not be loaded either */
    struct ffmk_config config;
    char complaints[8][256];
    int n_complaints;
    const struct ffmk_engine *loaded;
    char why_not[1024];                        /* it could not be loaded */
    bool told;                                 /* a line said so, or another rank's did */
    const struct ffmk_engine *volatile engine; /* the same, once MPI is up */
    struct ffmk_engine_job job;
    struct ffmk_recorder *main_thread;
    struct ffmk_clock begun;
    struct ffmk_cost cost;
    pthread_key_t key; /* tells of threads that end */
    bool key_made;
    pid_t pid;
    uint64_t *sessions; /* those that began by a door and have not ended */
    size_t n_sessions;
    size_t sessions_room;
} life = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- before MPI ---- */

static void keep_complaint(void *context, const char *line)
{
    (void)context;
    const int room = sizeof life.complaints / sizeof life.complaints[0];
    if (life.n_complaints < room)
        snprintf(life.complaints[life.n_complaints++], sizeof life.complaints[0], "%s", line);
}

/* With FFMK_VERBOSE=1, once a job. */
#define debug(...)                                                                                 \
    do {                                                                                           \
        if (ffmk_launcher_first_rank())                                                            \
            ffmk_log_debug(__VA_ARGS__);                                                           \
    } while (0)

static bool vendor_fits(void)
{
    typedef int get_version(char *, int *);
    get_version *ask;
    void *found = ffmk_next_symbol("PMPI_Get_library_version");
    memcpy(&ask, &found, sizeof ask);
    if (!ask)
        return true;           /* before MPI-3: nothing to compare, and our calls are by name */
    static char version[8192]; /* MPI_MAX_LIBRARY_VERSION_STRING is 256 in one, 8192 in the other */
    int length = 0;
    ask(version, &length);
#ifdef OPEN_MPI
    const bool fits = strstr(version, "Open MPI") != NULL;
#else
    /* Those of the MPICH ABI initiative share its handles. */
    const bool fits =
        strstr(version, "MPICH") || strstr(version, "MVAPICH") || strstr(version, "Intel(R) MPI");
#endif
    version[strcspn(version, "\n")] = '\0';
    for (char *tab = version; (tab = strchr(tab, '\t'));)
        *tab = ' ';
    if (!fits && ffmk_launcher_first_rank())
        ffmk_log("this libffmk is built for " BUILT_FOR ", the program uses %.60s: stepping aside "
                 "(`ffmk run` picks the build that fits, unless --mpi names one)",
                 version);
    debug("the program uses %.60s", version);
    return fits;
}

void ffmk_lifecycle_before_init(void)
{
    pthread_mutex_lock(&life.lock);
    if (life.state == FRESH) {
        ffmk_config_read(&life.config, environ, keep_complaint, NULL);
        ffmk_log_verbose((int)life.config.value[FFMK_CONFIG_VERBOSE].number);
        life.foreign = !vendor_fits();
        if (life.foreign || life.config.value[FFMK_CONFIG_DISABLE].number) {
            life.state = OFF;
            debug("FFMK_DISABLE=1, or another MPI: nothing is recorded");
        } else {
            if (life.config.value[FFMK_CONFIG_CHAIN].number) {
                ffmk_next_chain();
                debug("calls are passed on to the next tool in LD_PRELOAD, if it has them");
            }
            ffmk_clock_choose();
            life.state = AWAITING;
        }
    }
    pthread_mutex_unlock(&life.lock);
}

/* ---- the engine ---- */

static bool ask(const char *name)
{
    typedef int ask_flag(int *);
    ask_flag *function;
    void *found = ffmk_next_symbol(name);
    memcpy(&function, &found, sizeof function);
    int flag = 0;
    return function && function(&flag) == MPI_SUCCESS && flag;
}

static bool has_init(void)
{
    return ask("PMPI_Initialized");
}

bool ffmk_lifecycle_mpi_runs(void)
{
    return has_init() && !ask("PMPI_Finalized");
}

static bool mpi_is_up(void)
{
    return life.up || has_init();
}

/* The engine lies beside this library, links followed. */
static bool engine_path(char *path, size_t bytes)
{
    static const char here;
    Dl_info info;
    struct link_map *map;
    char origin[4096];
    if (!dladdr1(&here, &info, (void **)&map, RTLD_DL_LINKMAP) || strlen(info.dli_fname) >= 4096 ||
        dlinfo(map, RTLD_DI_ORIGIN, origin) != 0)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    char library[8192];
    snprintf(library, sizeof library, "%s/%s", origin, slash ? slash + 1 : info.dli_fname);
    char *real = realpath(library, NULL);
    if (!real)
        return false;
    *strrchr(real, '/') = '\0';
    const int length = snprintf(path, bytes, "%s/libffmk-engine.so", real);
    free(real);
    return length > 0 && (size_t)length < bytes;
}

/* Lock held. Once: nothing gets better by another try. */
static void load_engine(void)
{
    char path[4096];
    if (life.loaded || life.why_not[0])
        return;
    if (!engine_path(path, sizeof path)) {
        snprintf(life.why_not, sizeof life.why_not,
                 "cannot find where libffmk.so lies, so not its engine");
        return;
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct ffmk_engine *engine = handle ? dlsym(handle, "ffmk_engine_table") : NULL;
    if (!engine)
        snprintf(life.why_not, sizeof life.why_not, "cannot load the engine: %.700s", dlerror());
    else if (engine->version != FFMK_ENGINE_VERSION)
        snprintf(life.why_not, sizeof life.why_not, "%.700s is of another build (%u, not %u)", path,
                 engine->version, (unsigned)FFMK_ENGINE_VERSION);
    else
        life.loaded = engine;
    if (life.loaded)
        debug("the engine is %s", path);
}

/* Lock held. */
static void tell_why_not(bool speaks)
{
    if (speaks && life.why_not[0] && !life.told)
        ffmk_log("%s: stepping aside", life.why_not);
    life.told = true;
}

/* Lock held. Without its engine this process does nothing more. */
static void step_aside(bool speaks)
{
    life.state = OFF;
    tell_why_not(speaks);
}

const struct ffmk_engine *ffmk_lifecycle_engine(void)
{
    if (life.engine)
        return life.engine;
    ffmk_lifecycle_before_init();
    if (life.foreign || !mpi_is_up())
        return NULL;
    pthread_mutex_lock(&life.lock);
    load_engine();
    life.engine = life.loaded;
    tell_why_not(ffmk_launcher_first_rank());
    pthread_mutex_unlock(&life.lock);
    return life.engine;
}

/* ---- recording ---- */

/* A thread that recorded ends. The child of a fork leaves the lists alone: their lock may be held
 * by a thread that it does not have. */
static void thread_ends(void *recorder)
{
    if (getpid() == life.pid)
        ffmk_recorder_retire(recorder);
    ffmk_thread = (struct ffmk_thread){.inside = FFMK_THREAD_NEW};
}

static struct ffmk_recorder *attach(void)
{
    struct ffmk_recorder *recorder =
        ffmk_recorder_create(&life.job, (uint32_t)life.config.value[FFMK_CONFIG_TIMELINE].number);
    if (recorder) {
        ffmk_recorder_attach(recorder);
        ffmk_thread.inside = ffmk_thread_outside();
        /* The main thread's lasts: the time line and the efficiencies are its. */
        if (life.main_thread && life.key_made)
            pthread_setspecific(life.key, recorder);
    }
    return recorder;
}

struct ffmk_recorder *ffmk_lifecycle_recorder(void)
{
    if (life.state != RUNNING || ffmk_thread.inside == FFMK_THREAD_PAUSED)
        return NULL;
    if (!ffmk_thread.recorder)
        return attach();
    return ffmk_thread.recorder;
}

static void finish(enum ffmk_ending ending);

/* The process ends, perhaps with MPI still up. */
static void at_exit(void)
{
    finish(FFMK_ENDING_EXIT);
}

/* A line about each bad variable from the first rank; with FFMK_STRICT=1 the job ends. */
static void tell_complaints(void)
{
    if (life.n_complaints == 0)
        return;
    const bool strict = life.config.value[FFMK_CONFIG_STRICT].number;
    if (life.job.world_rank == 0)
        for (int i = 0; i < life.n_complaints; i++)
            ffmk_log("%s%s", life.complaints[i], strict ? "" : " (ignored)");
    if (strict) {
        if (life.job.world_rank == 0)
            ffmk_log("FFMK_STRICT=1: ending the job");
        else
            sleep(1); /* the launcher ends the job with the first process: not before it was told */
        _exit(FFMK_STRICT_EXIT);
    }
}

/* In steps, each by the rate that is known by then: what was told before does not change. */
static double useful_s(void)
{
    static _Thread_local struct {
        uint64_t ticks;
        double s;
    } told;
    const struct ffmk_recorder *recorder = ffmk_thread.recorder;
    if (life.state != RUNNING || !recorder)
        return -1;
    struct ffmk_clock now;
    ffmk_clock_mark(&now);
    const bool inside = ffmk_thread.inside >= FFMK_THREAD_MARKS;
    const uint64_t ticks = ffmk_recorder_useful(recorder, inside ? ffmk_thread.start : now.ticks);
    if (ticks > told.ticks) {
        told.s += (double)(ticks - told.ticks) * 1e-9 * ffmk_clock_ns_per_tick(&life.begun, &now);
        told.ticks = ticks;
    }
    return told.s;
}

/* Lock held, MPI up, engine there. */
static bool begin(void)
{
    const struct ffmk_engine_start start = {&life.config, &ffmk_generation,    at_exit,
                                            life.by_door, ffmk_rollcall_count, useful_s};
    if (life.engine->start(&start, &life.job) != FFMK_SUCCESS)
        return false;
    tell_complaints();
    if (life.job.threads)
        ffmk_next_be_careful();
    life.pid = getpid();
    life.key_made = pthread_key_create(&life.key, thread_ends) == 0;
    life.main_thread = attach();
    if (!life.main_thread)
        return false;
    ffmk_fortran_find_sentinels();
    ffmk_replace_collectives(&life.config, life.engine);
    life.cost = ffmk_cost_measure();
    ffmk_recorder_restart(life.main_thread);
    ffmk_clock_mark(&life.begun);
    debug("recording begins; the clock is %s, a time line has %ld intervals", ffmk_clock_name(),
          life.config.value[FFMK_CONFIG_TIMELINE].number);
    __atomic_store_n(&life.state, RUNNING, __ATOMIC_RELEASE);
    return true;
}

/* Lock held, MPI up. A session's begin leaves it to an MPI_Init that is under way: the other ranks
 * count on that. */
static void begin_or_step_aside(void)
{
    if (life.state != AWAITING || life.init)
        return;
    load_engine();
    life.engine = life.loaded;
    if (!life.engine || !begin()) {
        if (life.engine)
            snprintf(life.why_not, sizeof life.why_not,
                     "out of memory, or of what MPI gives, as recording begins");
        step_aside(ffmk_launcher_first_rank());
        ffmk_rollcall_leave();
    }
}

/* MPI may have started past the doors. Who is at it already may be this thread, if this is a
 * signal's handler. */
static void catch_up(void)
{
    if (life.state == FRESH)
        ffmk_lifecycle_before_init();
    if (life.state != AWAITING || !mpi_is_up() || pthread_mutex_trylock(&life.lock) != 0)
        return;
    begin_or_step_aside();
    pthread_mutex_unlock(&life.lock);
}

/* ---- MPI begins ---- */

static bool is_init(unsigned door)
{
    const unsigned call = door / FFMK_BINDINGS;
    return call == FFMK_CALL_Init || call == FFMK_CALL_Init_thread;
}

void ffmk_lifecycle_beginning(unsigned door)
{
    ffmk_lifecycle_before_init();
    /* Before the engine, which would load MPI out of the program's sight if nobody has. */
    if (!ffmk_next[door])
        ffmk_next_find(door);
    catch_up();
    pthread_mutex_lock(&life.lock);
    life.begins++;
    life.init = life.init || is_init(door);
    if (life.state == AWAITING) {
        /* Ahead of MPI: the others must know whether to count on this rank. */
        load_engine();
        if (life.loaded)
            ffmk_rollcall_sign(OUR_ROLL);
        else
            step_aside(ffmk_rollcall_sign_off(OUR_ROLL));
        life.by_door = true;
    }
    pthread_mutex_unlock(&life.lock);
}

/* Lock held. Without memory the session's end is not noticed. */
static void keep_session(uint64_t session)
{
    if (life.n_sessions == life.sessions_room) {
        const size_t room = life.sessions_room ? 2 * life.sessions_room : 4;
        uint64_t *sessions = realloc(life.sessions, room * sizeof *sessions);
        if (!sessions)
            return;
        life.sessions = sessions;
        life.sessions_room = room;
    }
    life.sessions[life.n_sessions++] = session;
}

/* Lock held. \return false when no such session is open. */
static bool drop_session(uint64_t session)
{
    for (size_t i = 0; i < life.n_sessions; i++)
        if (life.sessions[i] == session) {
            life.sessions[i] = life.sessions[--life.n_sessions];
            return true;
        }
    return false;
}

void ffmk_lifecycle_begun(unsigned door, bool succeeded, uint64_t session, uint64_t start,
                          uint64_t stop)
{
    pthread_mutex_lock(&life.lock);
    life.begins--;
    life.init = life.init && !is_init(door);
    life.up = life.up || succeeded;
    if (succeeded && !is_init(door))
        keep_session(session);
    if (succeeded && life.state != AWAITING)
        ffmk_rollcall_leave(); /* it was not counted: this process signed off */
    if (succeeded)
        begin_or_step_aside();
    pthread_mutex_unlock(&life.lock);
    if (!succeeded)
        return;
    if (!is_init(door))
        ffmk_next_be_careful(); /* sessions have levels of their own */
    struct ffmk_recorder *recorder = ffmk_lifecycle_recorder();
    if (recorder)
        ffmk_recorder_charge_before(recorder, door, stop - start);
}

/* What was a stack may be gone, where a program has several; not the one that `here` is on. */
static bool is_mapped(const void *at, const void *here)
{
    const uintptr_t page = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
    unsigned char resident;
    return (((uintptr_t)at ^ (uintptr_t)here) & page) == 0 ||
           mincore((void *)((uintptr_t)at & page), 1, &resident) == 0;
}

/* Stacks grow down: a call from a shallower frame than the one that is "under way" finds that one
 * abandoned, by longjmp or an exception out of a callback or error handler; so does a deeper one
 * whose way has written over it. */
bool ffmk_lifecycle_nested(const void *frame, const void *outer, const void *returns)
{
    return (uintptr_t)frame < (uintptr_t)outer && is_mapped(&FFMK_FRAME_RETURNS(outer), frame) &&
           FFMK_FRAME_RETURNS(outer) == returns;
}

bool ffmk_lifecycle_outermost(const void *frame)
{
    void *const inside = ffmk_thread.inside;
    if (inside < FFMK_THREAD_MARKS)
        return true;
    if (ffmk_lifecycle_nested(frame, inside, ffmk_thread.returns))
        return false;
    ffmk_thread.inside = ffmk_thread.recorder ? ffmk_thread_outside() : FFMK_THREAD_NEW;
    return true;
}

bool ffmk_lifecycle_enter(unsigned door, void *frame)
{
    if (!ffmk_next[door]) {
        if (life.state == FRESH)
            ffmk_lifecycle_before_init(); /* decides whether doors lead to the next tool */
        ffmk_next_find(door);
    }
    return ffmk_lifecycle_records(frame);
}

bool ffmk_lifecycle_records(void *frame)
{
    if (!ffmk_lifecycle_outermost(frame))
        return false;
    if (ffmk_thread.inside == FFMK_THREAD_NEW) {
        /* The first call of a thread, or of a process. */
        catch_up();
        return life.state == RUNNING && (ffmk_thread.recorder || attach());
    }
    return ffmk_thread.inside == ffmk_thread_outside();
}

/* ---- the end ---- */

/* Without life's lock: a signal's handler may end the process while this thread holds it, and other
 * threads begin sessions while this one waits for the other ranks. */
static void finish(enum ffmk_ending ending)
{
    enum state running = RUNNING;
    if (getpid() != life.pid) /* the child of a fork, or nothing was recorded */
        return;
    if (__atomic_compare_exchange_n(&life.state, &running, OVER, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        const struct ffmk_run run = {life.engine, &life.job, life.main_thread, &life.begun,
                                     life.cost};
        ffmk_ending_report(&run, ending);
    } else if (running == OVER && ending != FFMK_ENDING_FINALIZE) {
        ffmk_ending_behind(life.job.world_rank);
    }
}

static int no_finalize(void)
{
    return MPI_SUCCESS;
}

static void no_finalize_fortran(void *ierror)
{
    if (ierror) /* optional in mpi_f08 */
        *(MPI_Fint *)ierror = MPI_SUCCESS;
}

/* MPI's own end waits for all ranks, and may do so for the dead. */
static void leave_out_finalize(void)
{
    ffmk_log_debug("ranks have died: MPI_Finalize is left out");
    ffmk_next_replace(FFMK_DOOR(Finalize, C), (ffmk_function *)no_finalize);
    ffmk_next_replace(FFMK_DOOR(Finalize, MPIF), (ffmk_function *)no_finalize_fortran);
    ffmk_next_replace(FFMK_DOOR(Finalize, F08), (ffmk_function *)no_finalize_fortran);
}

/* Lock held. Nobody can still need anything of this rank. */
static bool all_ended(void)
{
    return life.begins == 0 && life.n_sessions == 0 && (life.ended || !has_init());
}

void ffmk_lifecycle_end(unsigned door, uint64_t session)
{
    const unsigned call = door / FFMK_BINDINGS;
    if (call == FFMK_CALL_Abort) {
        ffmk_rollcall_leave(); /* if others are still waited for */
        finish(FFMK_ENDING_ABORT);
        return;
    }
    pthread_mutex_lock(&life.lock);
    life.ended = life.ended || call == FFMK_CALL_Finalize;
    /* An end may end nothing, and come back with an error. */
    const bool last = (call == FFMK_CALL_Finalize || drop_session(session)) && all_ended();
    pthread_mutex_unlock(&life.lock);
    if (last)
        finish(FFMK_ENDING_FINALIZE);
    if (call == FFMK_CALL_Finalize && life.engine && life.engine->someone_died())
        leave_out_finalize();
}
