/* SPDX-License-Identifier: BSD-3-Clause
 * The way through a door, shared by all bindings: forward the call, and charge it when this thread
 * records. */
#ifndef FFMK_PMPI_DOOR_H
#define FFMK_PMPI_DOOR_H

#include "pmpi/account.h"
#include "pmpi/lifecycle.h"
#include "pmpi/next.h"

#define FFMK_PUBLIC __attribute__((visibility("default")))

/** Whether a call through `door_` from frame `frame_` only passes by: it is nested in another
 * intercepted call, or nothing is recorded. The usual case costs two loads and two tests. */
#define DOOR_PASSES_BY(door_, frame_)                                                              \
    (__builtin_expect(ffmk_thread.inside != NULL || ffmk_next[door_] == NULL, 0) &&                \
     !ffmk_lifecycle_enter(door_, frame_))

/** Make the call between two readings of the clock and charge it; `account_` is evaluated after it,
 * when `ok_` holds. The call may leave by a C++ exception or longjmp: the next one finds an
 * abandoned frame then (lifecycle.c). */
#define DOOR_RECORD(door_, waits_, frame_, call_, ok_, account_)                                   \
    do {                                                                                           \
        struct ffmk_recorder *const recorder = ffmk_thread.recorder;                               \
        ffmk_thread.inside = (frame_);                                                             \
        ffmk_thread.returns = FFMK_FRAME_RETURNS(frame_);                                          \
        const uint64_t start_ = ffmk_clock_ticks();                                                \
        call_;                                                                                     \
        const uint64_t stop_ = ffmk_clock_ticks();                                                 \
        ffmk_record(recorder, door_, waits_, start_, stop_, (ok_) ? (uint64_t)(account_) : 0);     \
        ffmk_thread.inside = NULL;                                                                 \
    } while (0)

enum { GOES = 0, WAITS = 1 };

#endif
