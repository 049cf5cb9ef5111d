/* SPDX-License-Identifier: BSD-3-Clause
 * The way out of every door. Its slow paths are jumps, so that the fast one saves no register. */
#include "pmpi/door.h"

/* The first call of its kind in this region. */
static __attribute__((noinline, cold)) int leave_first(int code, unsigned door, bool waits,
                                                       uint64_t stop, uint64_t bytes)
{
    struct ffmk_recorder *recorder = ffmk_thread.recorder;
    const uint32_t place = ffmk_recorder_place(recorder, door);
    if (!ffmk_record(recorder, place, waits, ffmk_thread.start, stop, bytes))
        ffmk_recorder_span(recorder, waits, ffmk_thread.start, stop);
    ffmk_thread.inside = NULL;
    return code;
}

/* The time line moves on. */
static __attribute__((noinline, cold)) int leave_interval(int code, bool waits, uint64_t stop)
{
    ffmk_recorder_span(ffmk_thread.recorder, waits, ffmk_thread.start, stop);
    ffmk_thread.inside = NULL;
    return code;
}

/* Inlined into all four: none of them tests what its caller knew when it was compiled. */
static inline __attribute__((always_inline)) int leave(int code, unsigned door, bool waits,
                                                       uint64_t stop, uint64_t bytes)
{
    struct ffmk_recorder *const recorder = ffmk_thread.recorder;
    const uint32_t place = recorder->slots[door];
    if (__builtin_expect(place == 0, 0))
        return leave_first(code, door, waits, stop, bytes);
    if (!ffmk_record(recorder, place, waits, ffmk_thread.start, stop, bytes))
        return leave_interval(code, waits, stop);
    ffmk_thread.inside = NULL;
    return code;
}

int ffmk_door_leave(int code, unsigned door, uint64_t stop, uint64_t bytes)
{
    return leave(code, door, false, stop, bytes);
}

int ffmk_door_leave_now(int code, unsigned door)
{
    return leave(code, door, false, ffmk_clock_read_counter(), 0);
}

int ffmk_door_leave_waiting(int code, unsigned door, uint64_t stop, uint64_t bytes)
{
    return leave(code, door, true, stop, bytes);
}

int ffmk_door_leave_waiting_now(int code, unsigned door)
{
    return leave(code, door, true, ffmk_clock_read_counter(), 0);
}
