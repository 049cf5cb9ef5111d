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
    if (!ffmk_record(ffmk_thread.recorder, door, waits, stop - ffmk_thread.start, stop, bytes))
        return leave_unusual(code, door, waits, stop, bytes);
    ffmk_thread.inside = NULL;
    return code;
}

/* Together with the call that is late. */
static __attribute__((noinline)) int leave_behind(int code, unsigned door, bool waits,
                                                  uint64_t stop, uint64_t bytes)
{
    if (!ffmk_record_late(ffmk_thread.recorder))
        return leave_unusual(code, door, waits, stop, bytes);
    return leave(code, door, waits, stop, bytes);
}

/* Nothing of what was looked up ahead has moved. */
static __attribute__((noinline, cold)) int leave_failed(int code, unsigned door, bool waits,
                                                        uint64_t stop)
{
    return leave_unusual(code, door, waits, stop, 0);
}

static inline __attribute__((always_inline)) int leave_moved(int code, unsigned door, bool waits)
{
    const uint64_t stop = ffmk_clock_read_counter();
    if (__builtin_expect(code != 0, 0))
        return leave_failed(code, door, waits, stop);
    return leave(code, door, waits, stop, ffmk_thread.bytes);
}

/* MPI, or what the tables do not hold, has to be asked about the message. */
static __attribute__((noinline, cold)) int leave_sent_unknown(int code, unsigned door, bool waits,
                                                              uint64_t stop)
{
    const struct ffmk_message *const message = &ffmk_thread.message;
    const uint64_t bytes = ffmk_account_sent(ffmk_thread.recorder, message->count,
                                             message->datatype, message->dest, message->comm);
    ffmk_account_message(ffmk_thread.lane, bytes);
    return leave_unusual(code, door, waits, stop, bytes);
}

static inline __attribute__((always_inline)) int leave_sent(int code, unsigned door, bool waits)
{
    const uint64_t stop = ffmk_clock_read_counter();
    if (__builtin_expect(code != 0, 0))
        return leave_failed(code, door, waits, stop);
    struct ffmk_recorder *const recorder = ffmk_thread.recorder;
    uint64_t bytes;
    struct ffmk_lane *lane;
    if ((__builtin_expect(recorder->late.door != 0, 1) && !ffmk_record_late(recorder)) ||
        !ffmk_account_sent_usual(&bytes, &lane))
        return leave_sent_unknown(code, door, waits, stop);
    lane->messages++;
    lane->bytes += bytes;
    return leave(code, door, waits, stop, bytes);
}

/* Nothing but what cannot wait: what follows a receive may be the answer that another rank is
 * waiting for. The call is charged when that is on its way: behind the next send, or receive, or
 * anything unusual. */
static inline __attribute__((always_inline)) int leave_late(int code, unsigned door, uint64_t bytes,
                                                            uint64_t stop)
{
    struct ffmk_recorder *const recorder = ffmk_thread.recorder;
    if (recorder->late.door)
        return leave_behind(code, door, true, stop, bytes);
    recorder->late.ticks = stop - ffmk_thread.start;
    recorder->late.stop = stop;
    recorder->late.bytes = bytes;
    recorder->late.door = door;
    ffmk_thread.inside = NULL;
    return code;
}

#define WAYS_OUT(name, waits)                                                                      \
    int name(int code, unsigned door)                                                              \
    {                                                                                              \
        return leave(code, door, waits, ffmk_clock_read_counter(), 0);                             \
    }                                                                                              \
    int name##_moved(int code, unsigned door)                                                      \
    {                                                                                              \
        return leave_moved(code, door, waits);                                                     \
    }                                                                                              \
    int name##_sent(int code, unsigned door)                                                       \
    {                                                                                              \
        return leave_sent(code, door, waits);                                                      \
    }                                                                                              \
    int name##_with(int code, unsigned door, uint64_t stop, uint64_t bytes)                        \
    {                                                                                              \
        return leave(code, door, waits, stop, bytes);                                              \
    }
WAYS_OUT(ffmk_door_leave, false)
WAYS_OUT(ffmk_door_leave_waiting, true)

int ffmk_door_leave_late(int code, unsigned door)
{
    return leave_late(code, door, 0, ffmk_clock_read_counter());
}

int ffmk_door_leave_late_moved(int code, unsigned door)
{
    const uint64_t stop = ffmk_clock_read_counter();
    if (__builtin_expect(code != 0, 0))
        return leave_failed(code, door, true, stop);
    return leave_late(code, door, ffmk_thread.bytes, stop);
}

int ffmk_door_leave_slow(int code, unsigned door, bool waits, uint64_t stop, bool ok,
                         uint64_t bytes)
{
    if (ok)
        ffmk_account_message(ffmk_thread.lane, bytes);
    else
        bytes = 0;
    struct ffmk_recorder *const recorder = ffmk_thread.recorder;
    const uint64_t start = ffmk_thread.start;
    if ((recorder->late.door && !ffmk_record_late(recorder)) ||
        !ffmk_record(recorder, door, waits, stop - start, stop, bytes))
        ffmk_recorder_charge(recorder, door, waits, start, stop, bytes);
    ffmk_thread.inside = ffmk_thread_outside();
    return code;
}
