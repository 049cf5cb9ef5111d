/* SPDX-License-Identifier: BSD-3-Clause
 * What a thread records of its MPI calls. Each thread writes its own recorder and nobody else's: no
 * atomic, and no lock on the usual way of a call. Only plain counters here; turning them into a
 * report is the job's business. */
#ifndef FFMK_PMPI_RECORD_H
#define FFMK_PMPI_RECORD_H

#include "core/clock.h"
#include "core/stats.h"
#include "job/engine.h"
#include "pmpi/doors.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FFMK_REGIONS_MAX =
        1024, /* names kept apart in a process, with "(program)" and "(other regions)" */
    FFMK_REGION_DEPTH = 64,
    FFMK_REGION_NAME = 64,
    FFMK_SIZE_CACHE = 16,
    FFMK_COMM_CACHE = 8
};

struct ffmk_region_book; /* what one thread recorded in one region */

struct ffmk_size_entry {
    uint64_t datatype;
    uint64_t bytes;
};

struct ffmk_comm_entry {
    uint64_t comm;
    const struct ffmk_comm_map *map;
    const int *world; /* the map's */
    int peers;        /* the map's size; 0 when there is no matrix to put messages to them into */
};

/** A call that is over but not charged yet. */
struct ffmk_late {
    uint64_t ticks;
    uint64_t stop;
    uint64_t bytes;
    unsigned door; /* 0: there is none, for door 0 is never late */
};

/* A recorder's memory: this struct (about 1 KiB), `line` of FFMK_TIMELINE intervals (16 B each),
 * `lanes` (16 B a bin, at most 256 bins), `stats` (288 B for each call used in each region used),
 * and for each region used `slots` (2 B a door). */
struct ffmk_recorder {
    uint16_t *slots;         /* of the current region: place of a door in stats, 0 = none yet */
    struct ffmk_stat *stats; /* [0] is nobody's */
    struct ffmk_stat *last;  /* the latest call's, in whose histogram it is not yet; */
    uint64_t last_ticks;     /* its duration */
    struct ffmk_late
        late; /* a receive or completion, until the next send, receive or unusual call */
    uint64_t interval_begin; /* ticks of the current interval of the time line; end exclusive */
    uint64_t interval_end;
    /* What the current interval holds until it is left: in calls that wait for nobody, and in those
     * that do. Apart, so that a call adds to one only. */
    uint64_t going_ticks;
    uint64_t waiting_ticks;
    uint64_t origin;     /* tick at which the time line begins */
    uint32_t line_shift; /* an interval is 2^line_shift ticks */
    uint32_t line_length;
    struct ffmk_interval *line;

    uint32_t generation;
    uint32_t bin_shift; /* a bin of the matrix is 2^bin_shift ranks */
    struct ffmk_lane *lanes;
    struct ffmk_size_entry sizes[FFMK_SIZE_CACHE]; /* by ffmk_handle_place() */
    struct ffmk_comm_entry comms[FFMK_COMM_CACHE];

    uint32_t stats_used;
    uint32_t stats_room;
    uint64_t lost;                  /* calls for which there was no place */
    struct ffmk_region_book *books; /* by order of first use here; [0] is the program */
    uint32_t books_used;
    uint32_t books_room;
    uint32_t current_book;
    uint64_t since; /* tick at which the current region became the innermost one */
    uint32_t depth;
    uint32_t stack[FFMK_REGION_DEPTH]; /* books of the open regions, outermost first */
    uint64_t paused_at;                /* tick of MPI_Pcontrol(0), or 0 */
    uint32_t threads;                  /* that recorded here, one after the other */
    bool idle;                         /* its thread has ended: the next new one goes on with it */
    /* Its thread's, for all but what ffmk_record() does, and the report's, which may be made while
     * that thread goes on: arrays must not move then. Who holds it does not ask for the
     * lists of all threads. */
    pthread_mutex_t lock;
    bool held; /* by the one that makes the report */
    struct ffmk_recorder *next;
};

/** A message as the arguments of a send say it. */
struct ffmk_message {
    int64_t count;
    uint64_t datatype;
    uint64_t comm;
    int dest;
};

/** A thread's TLS. */
struct ffmk_thread {
    /** NULL: outside MPI and recording, and ticks are the processor's counter. Otherwise the frame
     * of the intercepted call that is under way, or one of the marks below. One load tells the
     * usual case from all others. */
    void *inside;
    struct ffmk_recorder *recorder;
    /** Where the call under way returns to, as it stands in that frame. A frame that was left by
     * longjmp is soon written over, and then this shows it. */
    void *returns;
    /** Tick at which it began. */
    uint64_t start;
    /** What it moves, when that was known ahead. */
    uint64_t bytes;
    /** The recorder's: what each call needs, one load nearer. */
    const uint16_t *slots;
    struct ffmk_stat *stats;
    /** A send's arguments. */
    struct ffmk_message message;
    /** Where a message of which MPI had to be asked goes in the matrix, or NULL. */
    struct ffmk_lane *lane;
    /** A region that a callback opened within the call under way: that call, and where the region
     * begins. */
    void *opened_in;
    uint64_t opened_at;
    uint32_t opened_depth;
};

#define FFMK_THREAD_NEW    ((void *)1) /* no recorder yet */
#define FFMK_THREAD_PAUSED ((void *)2) /* MPI_Pcontrol(0) */
#define FFMK_THREAD_SLOW   ((void *)3) /* as NULL, where ticks are not the processor's counter */
#define FFMK_THREAD_MARKS  ((void *)8) /* below: a mark, not a frame */

#pragma GCC visibility push(hidden)
extern _Thread_local struct ffmk_thread ffmk_thread;
extern volatile uint32_t ffmk_generation;
#pragma GCC visibility pop

/** What `inside` is while the thread records and is in no call. */
static inline void *ffmk_thread_outside(void)
{
    return ffmk_clock_counter ? NULL : FFMK_THREAD_SLOW;
}

/** A recorder for the calling thread, which has none: one whose thread has ended, or a new one, so
 * that memory grows with the threads alive at once, not with those that ever were.
 * \return NULL when there is no memory. */
struct ffmk_recorder *ffmk_recorder_create(const struct ffmk_engine_job *job, uint32_t line_length);

/** The recorder's thread ends: its regions end with it; what it recorded stays. */
void ffmk_recorder_retire(struct ffmk_recorder *recorder);

/** The calling thread records into `recorder` from now on. */
void ffmk_recorder_attach(struct ffmk_recorder *recorder);

/** Forget everything recorded and begin anew, now. For the thread's own recorder, no region open.
 */
void ffmk_recorder_restart(struct ffmk_recorder *recorder);

/** Out of line: charge any call. */
void ffmk_recorder_charge(struct ffmk_recorder *recorder, unsigned door, bool waits, uint64_t start,
                          uint64_t stop, uint64_t bytes);

/** The same for one that began before the time line does: it is in no interval. */
void ffmk_recorder_charge_before(struct ffmk_recorder *recorder, unsigned door, uint64_t ticks);

/** Out of line: datatypes or communicators went away. */
void ffmk_recorder_forget(struct ffmk_recorder *recorder);

/** Regions of the calling thread; codes as in ffmk.h. */
int ffmk_recorder_region_begin(struct ffmk_recorder *recorder, const char *name);
int ffmk_recorder_region_end(struct ffmk_recorder *recorder, const char *name);
void ffmk_recorder_pause(struct ffmk_recorder *recorder, bool pause);

/** Ticks that the calling thread, whose recorder it is, was outside of calls until tick `until`,
 * without what was paused. */
uint64_t ffmk_recorder_useful(const struct ffmk_recorder *recorder, uint64_t until);

/** Keep what all threads record from moving, but for the calling thread's own: a signal's handler
 * may end the process while this thread changes it, or has the lists. A lock that is not to be had
 * within a second is left, and its recorder out of the snapshot. */
void ffmk_recorders_hold(void);
void ffmk_recorders_let_go(void);

/** Between these two: everything all threads recorded until tick `now`. Those that go on do not
 * change it. Arrays are malloc'ed and live until the process ends. `main_thread` is the recorder
 * whose time line and efficiency count. In *snapshot, n_lanes says how long each recorder's lanes
 * are. \return false when it is not all, for want of memory, of a lock, or of places for calls. */
bool ffmk_recorder_snapshot(struct ffmk_recorder *main_thread, double ns_per_tick, uint64_t now,
                            struct ffmk_snapshot *snapshot);

/** The latest call into its histogram; at the start, nobody's. */
static inline void ffmk_recorder_tally(const struct ffmk_recorder *recorder)
{
    ffmk_stat_tally_usual(recorder->last, recorder->last_ticks);
}

/** Charge one call of the calling thread, when there is nothing unusual about it. \return false,
 * and nothing is done, when it is the first one of its door in this region, the longest, or ends
 * behind the current interval: ffmk_recorder_charge() is to be called. A call begins where the one
 * before it ended, so in this interval or, with a counter that steps back, hardly before it. */
static inline bool ffmk_record(struct ffmk_recorder *recorder, unsigned door, bool waits,
                               uint64_t ticks, uint64_t stop, uint64_t bytes)
{
    struct ffmk_stat *const stat = &ffmk_thread.stats[ffmk_thread.slots[door]];
    /* Nobody's usual_ticks are 0. */
    if (__builtin_expect(ticks >= stat->usual_ticks || stop >= recorder->interval_end, 0))
        return false;
    /* The histogram is one call behind. What depends on a tick just read has to wait for it, and
     * the next reading waits for what depends on this one; a call that is over already is put in
     * its bucket meanwhile. */
    ffmk_recorder_tally(recorder);
    ffmk_stat_sum_usual(stat, ticks, bytes);
    recorder->last_ticks = ticks;
    recorder->last = stat;
    *(waits ? &recorder->waiting_ticks : &recorder->going_ticks) += ticks;
    return true;
}

/** The same for the call that is late. */
static inline bool ffmk_record_late(struct ffmk_recorder *recorder)
{
    const struct ffmk_late *const late = &recorder->late;
    if (!ffmk_record(recorder, late->door, true, late->ticks, late->stop, late->bytes))
        return false;
    recorder->late.door = 0;
    return true;
}

#endif
