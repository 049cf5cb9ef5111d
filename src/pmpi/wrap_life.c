/* SPDX-License-Identifier: BSD-3-Clause
 * The doors of the calls with which MPI and recording begin and end: MPI_Init, MPI_Init_thread,
 * MPI_Finalize, MPI_Abort, MPI_Pcontrol, and the Sessions'. All bindings. */
#include "pmpi/fortran.h"

#include <stdio.h>

#include "pmpi/wide.h"

/* Charge a call that ends recording before it is made: counted, without time. */
static void count_only(unsigned door)
{
    if (ffmk_thread.inside == ffmk_thread_outside()) {
        ffmk_thread.start = ffmk_clock_ticks();
        ffmk_thread.lane = NULL;
        ffmk_door_leave_slow(MPI_SUCCESS, door, GOES, ffmk_thread.start, true, 0);
    }
}

/* Make the call with what follows from it; what is nested in it is a part of it: a Fortran MPI_Init
 * may call the C one. */
#define AROUND(door, ahead_, call_, behind_)                                                       \
    const bool outer_ = ffmk_lifecycle_outermost(DOOR_FRAME());                                    \
    if (outer_) {                                                                                  \
        ahead_;                                                                                    \
    }                                                                                              \
    if (!ffmk_next[door])                                                                          \
        ffmk_next_find(door);                                                                      \
    void *const before_ = ffmk_thread.inside;                                                      \
    if (outer_) {                                                                                  \
        ffmk_thread.inside = DOOR_FRAME();                                                         \
        ffmk_thread.returns = FFMK_FRAME_RETURNS(ffmk_thread.inside);                              \
    }                                                                                              \
    const uint64_t start_ = ffmk_clock_ticks();                                                    \
    call_;                                                                                         \
    const uint64_t stop_ __attribute__((unused)) = ffmk_clock_ticks();                             \
    if (outer_) {                                                                                  \
        ffmk_thread.inside = before_;                                                              \
        behind_;                                                                                   \
    }

#define BEGIN_BODY(door, call_, succeeded)                                                         \
    AROUND(door, ffmk_lifecycle_beginning(door), call_,                                            \
           ffmk_lifecycle_begun(door, succeeded, start_, stop_))

#define END_BODY(door, call_)                                                                      \
    AROUND(door, count_only(door); ffmk_lifecycle_end(door), call_, (void)start_)

#define C_BEGIN(name, parameters, names)                                                           \
    FFMK_C_FUNCTION(name, parameters)                                                              \
    {                                                                                              \
        enum { door_ = FFMK_DOOR(name, C) };                                                       \
        typedef int function_ parameters;                                                          \
        int code_;                                                                                 \
        BEGIN_BODY(door_, code_ = ((function_ *)ffmk_next[door_])names, code_ == MPI_SUCCESS)      \
        return code_;                                                                              \
    }

#define C_END(name, parameters, names)                                                             \
    FFMK_C_FUNCTION(name, parameters)                                                              \
    {                                                                                              \
        enum { door_ = FFMK_DOOR(name, C) };                                                       \
        typedef int function_ parameters;                                                          \
        int code_;                                                                                 \
        END_BODY(door_, code_ = ((function_ *)ffmk_next[door_])names)                              \
        return code_;                                                                              \
    }

#define FORTRAN_BEGIN(symbol, door, names)                                                         \
    FFMK_PUBLIC void symbol(VOIDS names);                                                          \
    FFMK_PUBLIC void symbol(VOIDS names)                                                           \
    {                                                                                              \
        typedef void function_(VOIDS names);                                                       \
        BEGIN_BODY(door, ((function_ *)ffmk_next[door])names, FORTRAN_SUCCEEDED(ierror))           \
    }

#define FORTRAN_END(symbol, door, names)                                                           \
    FFMK_PUBLIC void symbol(VOIDS names);                                                          \
    FFMK_PUBLIC void symbol(VOIDS names)                                                           \
    {                                                                                              \
        typedef void function_(VOIDS names);                                                       \
        END_BODY(door, ((function_ *)ffmk_next[door])names)                                        \
    }

#define FORTRAN_BOTH(MACRO, name, fortran, ...)                                                    \
    MACRO(mpi_##fortran##_, FFMK_DOOR(name, MPIF), __VA_ARGS__)                                    \
    MACRO(mpi_##fortran##_f08_, FFMK_DOOR(name, F08), __VA_ARGS__)

C_BEGIN(Init, (int *argc, char ***argv), (argc, argv))
FORTRAN_BOTH(FORTRAN_BEGIN, Init, init, (ierror))
C_BEGIN(Init_thread, (int *argc, char ***argv, int required, int *provided),
        (argc, argv, required, provided))
FORTRAN_BOTH(FORTRAN_BEGIN, Init_thread, init_thread, (required, provided, ierror))
C_END(Finalize, (void), ())
FORTRAN_BOTH(FORTRAN_END, Finalize, finalize, (ierror))
C_END(Abort, (MPI_Comm comm, int errorcode), (comm, errorcode))
FORTRAN_BOTH(FORTRAN_END, Abort, abort, (comm, errorcode, ierror))

#if MPI_VERSION >= 4
C_BEGIN(Session_init, (MPI_Info info, MPI_Errhandler errhandler, MPI_Session *session),
        (info, errhandler, session))
FORTRAN_BOTH(FORTRAN_BEGIN, Session_init, session_init, (info, errhandler, session, ierror))
C_END(Session_finalize, (MPI_Session * session), (session))
FORTRAN_BOTH(FORTRAN_END, Session_finalize, session_finalize, (session, ierror))
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
    count_only(door);
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
