/* SPDX-License-Identifier: BSD-3-Clause
 * The ways out of every door. Their slow paths are jumps, so that the fast ones save no register.
 */
#include "pmpi/door.h"

/* The first, the longest, the last of an interval. */
static __attribute__((noinline, cold)) int leave_unusual(int code, unsigned door, bool waits,
                                                         uint64_t stop, uint64_t bytes)
{
    ffmk_recorder_charge(ffmk_thread.recorder, door, waits, ffmk_thread.start, stop, bytes);
    ffmk_thread.inside = NULL;
    return code;
}

/* Inlined into all of them: none tests what its caller knew when it was compiled. */
static inline __attribute__((always_inline)) int leave(int code, unsigned door, bool waits,
                                                       uint64_t stop, uint64_t bytes)
{
    if (!ffmk_record(ffmk_thread.recorder, door, waits, ffmk_thread.start, stop, bytes))
        return leave_unusual(code, door, waits, stop, bytes);
    ffmk_thread.inside = NULL;
    return code;
}

/* Nothing of what was looked up ahead has moved. */
static __attribute__((noinline, cold)) int leave_failed(int code, unsigned door, bool waits,
                                                        uint64_t stop)
{
    return leave_unusual(code, door, waits, stop, 0);
}

static inline __attribute__((always_inline)) int leave_moved(int code, unsigned door, bool waits,
                                                             bool message)
{
    const uint64_t stop = ffmk_clock_read_counter();
    if (__builtin_expect(code != 0, 0))
        return leave_failed(code, door, waits, stop);
    const uint64_t bytes = ffmk_thread.bytes;
    if (message) {
        ffmk_thread.lane->messages++;
        ffmk_thread.lane->bytes += bytes;
    }
    return leave(code, door, waits, stop, bytes);
}

#define WAYS_OUT(name, waits)                                                                      \
    int name(int code, unsigned door)                                                              \
    {                                                                                              \
        return leave(code, door, waits, ffmk_clock_read_counter(), 0);                             \
    }                                                                                              \
    int name##_moved(int code, unsigned door)                                                      \
    {                                                                                              \
        return leave_moved(code, door, waits, false);                                              \
    }                                                                                              \
    int name##_sent(int code, unsigned door)                                                       \
    {                                                                                              \
        return leave_moved(code, door, waits, true);                                               \
    }                                                                                              \
    int name##_with(int code, unsigned door, uint64_t stop, uint64_t bytes)                        \
    {                                                                                              \
        return leave(code, door, waits, stop, bytes);                                              \
    }
WAYS_OUT(ffmk_door_leave, false)
WAYS_OUT(ffmk_door_leave_waiting, true)

int ffmk_door_leave_slow(int code, unsigned door, bool waits, uint64_t stop, uint64_t bytes)
{
    ffmk_recorder_charge(ffmk_thread.recorder, door, waits, ffmk_thread.start, stop, bytes);
    ffmk_thread.inside = ffmk_thread_outside();
    return code;
}
