/* SPDX-License-Identifier: BSD-3-Clause
 * The way through a door, shared by all bindings: forward the call, and charge it when this thread
 * records. */
#ifndef FFMK_PMPI_DOOR_H
#define FFMK_PMPI_DOOR_H

#include "pmpi/account.h"
#include "pmpi/lifecycle.h"
#include "pmpi/next.h"

/** The column `waits` of calls.def. */
enum { GOES, WAITS, RECEIVES };

#define FFMK_PUBLIC __attribute__((visibility("default")))

/** A door is two functions. The usual way needs nothing but the call, two readings of the clock and
 * a jump into one of the ways out below. All else, the first call through a door, calls nested in
 * another one, nothing recorded, no counter to read, threads that could free a handle meanwhile,
 * jumps into the slow one, for a call in the midst of the usual way would make it save its
 * arguments each time. */
#define DOOR_IS_SLOW(door_)                                                                        \
    __builtin_expect(ffmk_thread.inside != NULL || !ffmk_next_usual[door_], 0)
#define DOOR_SLOW __attribute__((noinline, cold)) static

/** What hands a call on is a third function, one indirect jump: with an indirect call in their own
 * midst the doors are slower (docs/architecture.md). */
#define DOOR_NEXT __attribute__((noinline)) static

/** The frame that a door marks as the one under way, so that [1] is where it returns to. The
 * canonical frame address needs no frame pointer. */
#if defined(__x86_64__)
#define DOOR_FRAME() ((void *)((char *)__builtin_dwarf_cfa() - 16))
#else
#define DOOR_FRAME() __builtin_frame_address(0)
#endif

/** From here to the way out the time is the call's. It may leave by a C++ exception or longjmp: the
 * next one finds an abandoned frame then (lifecycle.c). */
#define DOOR_START(frame_, ticks_)                                                                 \
    do {                                                                                           \
        ffmk_thread.inside = (frame_);                                                             \
        ffmk_thread.returns = FFMK_FRAME_RETURNS(ffmk_thread.inside);                              \
        ffmk_thread.start = (ticks_);                                                              \
    } while (0)

/** Ahead of the call, in the slow way: what it moves, where that has to be looked up now, or
 * DOOR_LOOKS_LATER. `account_` speaks of `recorder`. */
#define DOOR_LOOKS_LATER UINT64_MAX
#define DOOR_LOOK(ahead_, account_)                                                                \
    __extension__({                                                                                \
        struct ffmk_recorder *const recorder __attribute__((unused)) = ffmk_thread.recorder;       \
        ffmk_thread.lane = NULL;                                                                   \
        const bool now_ = AHEAD_CAN ahead_ && ffmk_next_careful;                                   \
        now_ ? (uint64_t)(account_) : DOOR_LOOKS_LATER;                                            \
    })

/** Charge the call, in the slow way; moved_: what DOOR_LOOK() found. Where it looks later,
 * `account_` is evaluated when `ok_` holds, after the clock is read. \return code_. */
#define DOOR_STOP(code_, door_, waits_, ok_, moved_, account_)                                     \
    __extension__({                                                                                \
        const uint64_t stop_ = ffmk_clock_ticks();                                                 \
        struct ffmk_recorder *const recorder __attribute__((unused)) = ffmk_thread.recorder;       \
        uint64_t bytes_ = (moved_);                                                                \
        if (bytes_ == DOOR_LOOKS_LATER)                                                            \
            bytes_ = (ok_) ? (uint64_t)(account_) : 0;                                             \
        ffmk_door_leave_slow(code_, door_, waits_, stop_, ok_, bytes_);                            \
    })

/** The same at the end of the usual way. What is to be accounted was looked up or, for a message,
 * kept ahead of the call, but for the words that cannot be (account.h). code_: 0 when the call
 * succeeded. */
#define DOOR_STOP_USUAL(code_, door_, waits_, ahead_, account_)                                    \
    __extension__({                                                                                \
        _Static_assert((waits_) != RECEIVES || AHEAD_WHAT ahead_ == AHEAD_IS_NOTHING ||            \
                           AHEAD_WHAT ahead_ == AHEAD_IS_BYTES,                                    \
                       "a late call's bytes are known ahead");                                     \
        int left_;                                                                                 \
        if ((waits_) == RECEIVES) {                                                                \
            left_ = (AHEAD_MOVES ahead_ ? ffmk_door_leave_late_moved                               \
                                        : ffmk_door_leave_late)(code_, door_);                     \
        } else if (!AHEAD_MOVES ahead_) {                                                          \
            left_ = ((waits_) ? ffmk_door_leave_waiting : ffmk_door_leave)(code_, door_);          \
        } else if (AHEAD_WHAT ahead_ == AHEAD_IS_BYTES) {                                          \
            left_ =                                                                                \
                ((waits_) ? ffmk_door_leave_waiting_moved : ffmk_door_leave_moved)(code_, door_);  \
        } else if (AHEAD_WHAT ahead_ == AHEAD_IS_MESSAGE) {                                        \
            left_ =                                                                                \
                ((waits_) ? ffmk_door_leave_waiting_sent : ffmk_door_leave_sent)(code_, door_);    \
        } else {                                                                                   \
            const uint64_t stop_ = ffmk_clock_read_counter();                                      \
            struct ffmk_recorder *const recorder __attribute__((unused)) = ffmk_thread.recorder;   \
            left_ = ((waits_) ? ffmk_door_leave_waiting_with : ffmk_door_leave_with)(              \
                code_, door_, stop_, (code_) == 0 ? (uint64_t)(account_) : 0);                     \
        }                                                                                          \
        left_;                                                                                     \
    })

/** The ways out: the call that this thread is inside of is over and charged to `door`. It ends now,
 * by the processor's counter, and moved nothing; what was stored ahead in ffmk_thread.bytes; the
 * message of which ffmk_thread holds the arguments. A call that failed (code not 0) moved nothing.
 * \return code. */
int ffmk_door_leave(int code, unsigned door);
int ffmk_door_leave_moved(int code, unsigned door);
int ffmk_door_leave_sent(int code, unsigned door);

/** It ended at tick `stop` and moved `bytes`. */
int ffmk_door_leave_with(int code, unsigned door, uint64_t stop, uint64_t bytes);

/** The same for calls whose time is waiting. */
int ffmk_door_leave_waiting(int code, unsigned door);
int ffmk_door_leave_waiting_moved(int code, unsigned door);
int ffmk_door_leave_waiting_sent(int code, unsigned door);
int ffmk_door_leave_waiting_with(int code, unsigned door, uint64_t stop, uint64_t bytes);

/** The same for calls that received something. */
int ffmk_door_leave_late(int code, unsigned door);
int ffmk_door_leave_late_moved(int code, unsigned door);

/** Out of the slow way: it moved `bytes`, as one message when ffmk_thread.lane is set, if it was
 * `ok`. */
int ffmk_door_leave_slow(int code, unsigned door, bool waits, uint64_t stop, bool ok,
                         uint64_t bytes);

#endif
