/* SPDX-License-Identifier: BSD-3-Clause
 * When the doors begin and stop to record: nothing happens in a process until its first MPI call;
 * the engine is loaded just before MPI starts; the report is written when the last end of what the
 * program began is entered, MPI_Finalize or a session's, or at exit. */
#ifndef FFMK_PMPI_LIFECYCLE_H
#define FFMK_PMPI_LIFECYCLE_H

#include "job/engine.h"

#include <stdbool.h>

/** Exit code of a process that FFMK_STRICT=1 ends. */
enum { FFMK_STRICT_EXIT = 2 };

/** Where the function of a frame returns to, as it stands on the stack (x86-64 and aarch64 alike).
 */
#define FFMK_FRAME_RETURNS(frame) (((void *const *)(frame))[1])

/** The slow path of every door: find what it calls, and decide whether this call is recorded.
 * `frame` is the frame of the door's function. \return true: go on and record. */
bool ffmk_lifecycle_enter(unsigned door, void *frame);

/** The same for a call of our own, which leads to the engine. */
bool ffmk_lifecycle_records(void *frame);

/** Whether a call is not nested in another one of this thread. A call under way that was left by
 * longjmp or an exception is over: then this thread is outside of it, as if it had come back. */
bool ffmk_lifecycle_outermost(const void *frame);

/** Whether `frame` lies within the call whose frame is `outer` and where `returns` stood. May be
 * wrong for one that was left and not written over since. */
bool ffmk_lifecycle_nested(const void *frame, const void *outer, const void *returns);

/** Before MPI starts: the environment is read, the vendor compared. */
void ffmk_lifecycle_before_init(void);

/** The MPI_Init-like call `door` is about to be made: as before_init; what it calls is found, the
 * engine loaded, or this process steps aside; and it signs the roll. */
void ffmk_lifecycle_beginning(unsigned door);

/** That call has come back and took from start to stop ticks. If it succeeded MPI is up, for a
 * session with that handle: begin to record. */
void ffmk_lifecycle_begun(unsigned door, bool succeeded, uint64_t session, uint64_t start,
                          uint64_t stop);

/** MPI_Finalize, MPI_Session_finalize with that handle, or MPI_Abort is about to be made. With
 * MPI_Abort, or the last end of what was begun, the report is written and recording stops. */
void ffmk_lifecycle_end(unsigned door, uint64_t session);

/** The engine, or NULL while MPI is not up or the library has stepped aside. Loads it for a program
 * that links the library but whose MPI started past the doors. */
const struct ffmk_engine *ffmk_lifecycle_engine(void);

/** Whether MPI has started and not ended. */
bool ffmk_lifecycle_mpi_runs(void);

/** The calling thread's recorder, made if need be; NULL when nothing is recorded. */
struct ffmk_recorder *ffmk_lifecycle_recorder(void);

#endif
