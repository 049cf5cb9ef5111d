/* SPDX-License-Identifier: BSD-3-Clause
 * The way through a door, shared by all bindings: forward the call, and charge it when this thread
 * records. */
#ifndef FFMK_PMPI_DOOR_H
#define FFMK_PMPI_DOOR_H

#include "pmpi/account.h"
#include "pmpi/lifecycle.h"
#include "pmpi/next.h"

#define FFMK_PUBLIC __attribute__((visibility("default")))

/** A door is two functions. The usual way needs nothing but the call, two readings of the clock and
 * a jump into ffmk_door_leave(). All else, the first call through a door, calls nested in another
 * one, nothing recorded, no counter to read, jumps into the slow one, for a call in the midst of
 * the usual way would make it save its arguments each time. */
#define DOOR_IS_SLOW(door_)                                                                        \
    __builtin_expect(                                                                              \
        ffmk_thread.inside != NULL || ffmk_next[door_] == NULL || !ffmk_clock_counter, 0)
#define DOOR_SLOW __attribute__((noinline, cold)) static

/** The frame that a door marks as the one under way, so that [1] is where it returns to. The
 * canonical frame address needs no frame pointer. */
#if defined(__x86_64__)
#define DOOR_FRAME() ((void *)((char *)__builtin_dwarf_cfa() - 16))
#else
#define DOOR_FRAME() __builtin_frame_address(0)
#endif

/** From here to DOOR_STOP() the time is the call's. It may leave by a C++ exception or longjmp: the
 * next one finds an abandoned frame then (lifecycle.c). */
#define DOOR_START(frame_, ticks_)                                                                 \
    do {                                                                                           \
        ffmk_thread.inside = (frame_);                                                             \
        ffmk_thread.returns = FFMK_FRAME_RETURNS(ffmk_thread.inside);                              \
        ffmk_thread.start = (ticks_);                                                              \
    } while (0)

/** Charge the call: the last thing a door does. `account_` speaks of `recorder`, and is evaluated
 * after the clock is read, when `ok_` holds. \return code_. */
#define DOOR_STOP(code_, door_, waits_, ticks_, ok_, account_)                                     \
    __extension__({                                                                                \
        const uint64_t stop_ = (ticks_);                                                           \
        ((waits_) ? ffmk_door_leave_waiting : ffmk_door_leave)(code_, door_, stop_,                \
                                                               (ok_) ? (uint64_t)(account_) : 0);  \
    })

/** The same on the usual way; where there is nothing to account for, the clock is read over there.
 */
#define DOOR_STOP_USUAL(code_, door_, waits_, ok_, account_)                                       \
    (__builtin_constant_p(account_)                                                                \
         ? ((waits_) ? ffmk_door_leave_waiting_now : ffmk_door_leave_now)(code_, door_)            \
         : DOOR_STOP(code_, door_, waits_, ffmk_clock_read_counter(), ok_, account_))

#define DOOR_RECORDER()                                                                            \
    struct ffmk_recorder *const recorder __attribute__((unused)) = ffmk_thread.recorder

/** The call that this thread is inside of ended at tick `stop` and moved `bytes`: it is charged to
 * `door`. \return code. */
int ffmk_door_leave(int code, unsigned door, uint64_t stop, uint64_t bytes);

/** It ends now, by the processor's counter, and moved nothing. */
int ffmk_door_leave_now(int code, unsigned door);

/** The same for calls whose time is waiting. */
int ffmk_door_leave_waiting(int code, unsigned door, uint64_t stop, uint64_t bytes);
int ffmk_door_leave_waiting_now(int code, unsigned door);

enum { GOES = 0, WAITS = 1 };

#endif
