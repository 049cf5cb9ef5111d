/* SPDX-License-Identifier: BSD-3-Clause
 * The doors of the calls with which MPI and recording begin and end: MPI_Init, MPI_Init_thread,
 * MPI_Finalize, MPI_Abort, MPI_Pcontrol, and the Sessions'. All bindings. */
#include "pmpi/fortran.h"

#include <stdio.h>

#if MPI_VERSION >= 4
typedef MPI_Session session_handle; /* as it lies in memory: mpi.h's */
#endif
#include "pmpi/wide.h"

/* Charge a call that may end recording before it is made: counted, without time. */
static void count_only(unsigned door, void *frame)
{
    if (ffmk_lifecycle_enter(door, frame)) {
        ffmk_thread.start = ffmk_clock_ticks();
        ffmk_thread.lane = NULL;
        ffmk_door_leave_slow(MPI_SUCCESS, door, GOES, ffmk_thread.start, true, 0);
    }
}

/* The begin or end of MPI that this thread is making. */
struct making {
    const void *frame; /* NULL: none */
    const void *returns;
    unsigned door;
};
static _Thread_local struct making making __attribute__((tls_model("initial-exec")));

static unsigned kind(unsigned door)
{
    const unsigned call = door / FFMK_BINDINGS;
    return call == FFMK_CALL_Init_thread ? FFMK_CALL_Init : call;
}

/* Whether this call is not a part of one of the same kind: a Fortran MPI_Init may call the C one.
 * In a callback of another call, or behind one that was left, it is what it is. */
static bool stands_alone(unsigned door, const void *frame)
{
    ffmk_lifecycle_outermost(frame);
    if (!making.frame)
        return true;
    if (ffmk_lifecycle_nested(frame, making.frame, making.returns))
        return kind(door) != kind(making.door);
    if (ffmk_door_begins(making.door))
        ffmk_lifecycle_begun(making.door, false, 0, 0, 0);
    making.frame = NULL;
    return true;
}

#define BODY(door_, ahead_, call_, behind_)                                                        \
    const bool alone_ = stands_alone(door_, DOOR_FRAME());                                         \
    if (alone_) {                                                                                  \
        ahead_;                                                                                    \
    }                                                                                              \
    if (!ffmk_next[door_])                                                                         \
        ffmk_next_find(door_);                                                                     \
    void *const inside_ = ffmk_thread.inside;                                                      \
    void *const returns_ = ffmk_thread.returns;                                                    \
    const struct making outer_ = making;                                                           \
    if (alone_) {                                                                                  \
        ffmk_thread.inside = DOOR_FRAME();                                                         \
        ffmk_thread.returns = FFMK_FRAME_RETURNS(ffmk_thread.inside);                              \
        making = (struct making){ffmk_thread.inside, ffmk_thread.returns, door_};                  \
    }                                                                                              \
    const uint64_t start_ __attribute__((unused)) = ffmk_clock_ticks();                            \
    call_;                                                                                         \
    const uint64_t stop_ __attribute__((unused)) = ffmk_clock_ticks();                             \
    if (alone_) {                                                                                  \
        making = outer_;                                                                           \
        ffmk_thread.inside = inside_;                                                              \
        ffmk_thread.returns = returns_;                                                            \
        behind_;                                                                                   \
    }

#define BEGIN_BODY(door, call_, succeeded, session)                                                \
    BODY(door, ffmk_lifecycle_beginning(door), call_, const bool up_ = (succeeded);                \
         ffmk_lifecycle_begun(door, up_, up_ ? (session) : 0, start_, stop_))

#define END_BODY(door, call_, session)                                                             \
    BODY(door, count_only(door, DOOR_FRAME()); ffmk_lifecycle_end(door, session), call_, )

#define C_BEGIN(name, parameters, names, session)                                                  \
    FFMK_C_FUNCTION(name, parameters)                                                              \
    {                                                                                              \
        enum { this_ = FFMK_DOOR(name, C) };                                                       \
        typedef int function_ parameters;                                                          \
        int code_;                                                                                 \
        BEGIN_BODY(this_, code_ = ((function_ *)ffmk_next[this_])names, code_ == MPI_SUCCESS,      \
                   session)                                                                        \
        return code_;                                                                              \
    }

#define C_END(name, parameters, names, session)                                                    \
    FFMK_C_FUNCTION(name, parameters)                                                              \
    {                                                                                              \
        enum { this_ = FFMK_DOOR(name, C) };                                                       \
        typedef int function_ parameters;                                                          \
        int code_;                                                                                 \
        END_BODY(this_, code_ = ((function_ *)ffmk_next[this_])names, session)                     \
        return code_;                                                                              \
    }

#define FORTRAN_BEGIN(symbol, door, names, session)                                                \
    FFMK_PUBLIC void symbol(VOIDS names);                                                          \
    FFMK_PUBLIC void symbol(VOIDS names)                                                           \
    {                                                                                              \
        typedef void function_(VOIDS names);                                                       \
        BEGIN_BODY(door, ((function_ *)ffmk_next[door])names, FORTRAN_SUCCEEDED(ierror), session)  \
    }

#define FORTRAN_END(symbol, door, names, session)                                                  \
    FFMK_PUBLIC void symbol(VOIDS names);                                                          \
    FFMK_PUBLIC void symbol(VOIDS names)                                                           \
    {                                                                                              \
        typedef void function_(VOIDS names);                                                       \
        END_BODY(door, ((function_ *)ffmk_next[door])names, session)                               \
    }

#define FORTRAN_BOTH(MACRO, name, fortran, ...)                                                    \
    MACRO(mpi_##fortran##_, FFMK_DOOR(name, MPIF), __VA_ARGS__)                                    \
    MACRO(mpi_##fortran##_f08_, FFMK_DOOR(name, F08), __VA_ARGS__)

#define NO_SESSION 0
C_BEGIN(Init, (int *argc, char ***argv), (argc, argv), NO_SESSION)
FORTRAN_BOTH(FORTRAN_BEGIN, Init, init, (ierror), NO_SESSION)
C_BEGIN(Init_thread, (int *argc, char ***argv, int required, int *provided),
        (argc, argv, required, provided), NO_SESSION)
FORTRAN_BOTH(FORTRAN_BEGIN, Init_thread, init_thread, (required, provided, ierror), NO_SESSION)
C_END(Finalize, (void), (), NO_SESSION)
FORTRAN_BOTH(FORTRAN_END, Finalize, finalize, (ierror), NO_SESSION)
C_END(Abort, (MPI_Comm comm, int errorcode), (comm, errorcode), NO_SESSION)
FORTRAN_BOTH(FORTRAN_END, Abort, abort, (comm, errorcode, ierror), NO_SESSION)

#if MPI_VERSION >= 4
/* As wide as the widest handle: MPICH's are the same numbers in C and Fortran. */
#define SESSION(session, type) ((session) ? (uint64_t)(intptr_t) * (const type *)(session) : 0)
C_BEGIN(Session_init, (MPI_Info info, MPI_Errhandler errhandler, MPI_Session *session),
        (info, errhandler, session), SESSION(session, session_handle))
FORTRAN_BOTH(FORTRAN_BEGIN, Session_init, session_init, (info, errhandler, session, ierror),
             SESSION(session, MPI_Fint))
C_END(Session_finalize, (MPI_Session * session), (session), SESSION(session, session_handle))
FORTRAN_BOTH(FORTRAN_END, Session_finalize, session_finalize, (session, ierror),
             SESSION(session, MPI_Fint))
#endif

/* MPI_Pcontrol has no arguments that PMPI would need: every MPI's own one does nothing. What it
 * asks for is done here, once: a Fortran one may reach the C door from within MPI. */
static _Thread_local bool controlling __attribute__((tls_model("initial-exec")));

static void control(void *frame, unsigned door, int level)
{
    if (controlling)
        return;
    ffmk_lifecycle_outermost(frame);
    struct ffmk_recorder *recorder = ffmk_lifecycle_recorder();
    if (!recorder && ffmk_thread.inside != FFMK_THREAD_PAUSED)
        return;
    if (level == 1 && ffmk_thread.inside == FFMK_THREAD_PAUSED) {
        ffmk_thread.inside = ffmk_thread_outside();
        ffmk_recorder_pause(ffmk_thread.recorder, false);
    }
    count_only(door, frame);
    char name[32];
    snprintf(name, sizeof name, "pcontrol %d", level < 0 ? -level : level);
    if (level == 0 && ffmk_thread.inside == ffmk_thread_outside()) {
        ffmk_recorder_pause(ffmk_thread.recorder, true);
        ffmk_thread.inside = FFMK_THREAD_PAUSED;
    } else if (level >= 2) {
        ffmk_region_begin(name);
    } else if (level <= -2) {
        ffmk_region_end(name);
    }
}

FFMK_PUBLIC int MPI_Pcontrol(const int level, ...)
{
    enum { door_ = FFMK_DOOR(Pcontrol, C) };
    if (!ffmk_next[door_])
        ffmk_next_find(door_);
    control(DOOR_FRAME(), door_, level);
    return ((int (*)(const int, ...))ffmk_next[door_])(level);
}

#define FORTRAN_CONTROL(symbol, door)                                                              \
    FFMK_PUBLIC void symbol(void *level, void *ierror);                                            \
    FFMK_PUBLIC void symbol(void *level, void *ierror)                                             \
    {                                                                                              \
        typedef void function_(void *, void *);                                                    \
        if (!ffmk_next[door])                                                                      \
            ffmk_next_find(door);                                                                  \
        control(DOOR_FRAME(), door, *(const MPI_Fint *)level);                                     \
        controlling = true;                                                                        \
        ((function_ *)ffmk_next[door])(level, ierror);                                             \
        controlling = false;                                                                       \
    }
FORTRAN_CONTROL(mpi_pcontrol_, FFMK_DOOR(Pcontrol, MPIF))
FORTRAN_CONTROL(mpi_pcontrol_f08_, FFMK_DOOR(Pcontrol, F08))
