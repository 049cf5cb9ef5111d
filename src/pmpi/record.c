/* SPDX-License-Identifier: BSD-3-Clause
 * Recorders: the paths out of line. */
#include "pmpi/record_inside.h"

#include <stdlib.h>
#include <string.h>

_Thread_local struct ffmk_thread ffmk_thread = {.inside = FFMK_THREAD_NEW};
volatile uint32_t ffmk_generation;

pthread_mutex_t ffmk_record_lists = PTHREAD_MUTEX_INITIALIZER;
struct ffmk_recorder *ffmk_recorders;

/* The first intervals: 25 to 65 microseconds; they double as the run goes on. */
enum { FIRST_SHIFT = 16 };

void ffmk_recorder_show(const struct ffmk_recorder *recorder)
{
    if (ffmk_thread.recorder == recorder) {
        ffmk_thread.slots = recorder->slots;
        ffmk_thread.stats = recorder->stats;
    }
}

void ffmk_recorder_attach(struct ffmk_recorder *recorder)
{
    ffmk_thread.recorder = recorder;
    ffmk_recorder_show(recorder);
}

/* ---- the time line ---- */

/* Two neighbours become one: the line reaches twice as far. */
static void halve(struct ffmk_recorder *recorder)
{
    const uint32_t half = (recorder->line_length + 1) / 2;
    for (uint32_t i = 0; i < half; i++) {
        const struct ffmk_interval *pair = &recorder->line[2 * (size_t)i];
        /* The last one of an odd number has no neighbour. */
        const struct ffmk_interval other =
            2 * i + 1 < recorder->line_length ? pair[1] : (struct ffmk_interval){0, 0};
        recorder->line[i] = (struct ffmk_interval){pair[0].mpi_ticks + other.mpi_ticks,
                                                   pair[0].wait_ticks + other.wait_ticks};
    }
    memset(&recorder->line[half], 0, (recorder->line_length - half) * sizeof *recorder->line);
    recorder->line_shift++;
}

/* Put what the current interval holds into the line. */
static void settle(struct ffmk_recorder *recorder)
{
    const uint64_t at = (recorder->interval_begin - recorder->origin) >> recorder->line_shift;
    recorder->line[at].mpi_ticks += recorder->going_ticks + recorder->waiting_ticks;
    recorder->line[at].wait_ticks += recorder->waiting_ticks;
    recorder->going_ticks = recorder->waiting_ticks = 0;
}

/* Make the interval that holds `tick` the current one; the line reaches it. */
static void move_to(struct ffmk_recorder *recorder, uint64_t tick)
{
    const uint64_t at = (tick - recorder->origin) >> recorder->line_shift;
    recorder->interval_begin = recorder->origin + (at << recorder->line_shift);
    recorder->interval_end = recorder->interval_begin + (UINT64_C(1) << recorder->line_shift);
}

void ffmk_recorder_reach(struct ffmk_recorder *recorder, uint64_t tick)
{
    settle(recorder);
    while ((tick - recorder->origin) >> recorder->line_shift >= recorder->line_length)
        halve(recorder);
    move_to(recorder, tick);
}

/* ---- recorders ---- */

/* The program's region begins for a thread. */
static void begin_thread(struct ffmk_recorder *recorder, uint64_t now)
{
    recorder->since = recorder->books[0].begun = now;
    recorder->books[0].count++;
    recorder->threads++;
}

static struct ffmk_recorder *take_idle(void)
{
    pthread_mutex_lock(&ffmk_record_lists);
    struct ffmk_recorder *recorder = ffmk_recorders;
    while (recorder && !recorder->idle)
        recorder = recorder->next;
    if (recorder) {
        recorder->idle = false;
        begin_thread(recorder, ffmk_clock_ticks());
    }
    pthread_mutex_unlock(&ffmk_record_lists);
    return recorder;
}

static void forget_handles(struct ffmk_recorder *recorder)
{
    for (int i = 0; i < FFMK_SIZE_CACHE; i++)
        recorder->sizes[i].datatype = UINT64_MAX;
    for (int i = 0; i < FFMK_COMM_CACHE; i++)
        recorder->comms[i].comm = UINT64_MAX;
}

struct ffmk_recorder *ffmk_recorder_create(const struct ffmk_engine_job *job, uint32_t line_length)
{
    struct ffmk_recorder *recorder = take_idle();
    if (recorder)
        return recorder;
    recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return NULL;
    recorder->line = calloc(line_length, sizeof *recorder->line);
    recorder->lanes = job->bins ? calloc(job->bins, sizeof *recorder->lanes) : NULL;
    recorder->stats_room = 32;
    recorder->stats = calloc(recorder->stats_room, sizeof *recorder->stats);
    pthread_mutex_init(&recorder->lock, NULL);
    if (!recorder->line || !recorder->stats || (job->bins && !recorder->lanes) ||
        ffmk_region_find_book(recorder, FFMK_REGION_PROGRAM) == UINT32_MAX) {
        free(recorder->line);
        free(recorder->lanes);
        free(recorder->stats);
        free(recorder);
        return NULL;
    }
    recorder->last = recorder->stats;
    recorder->stats_used = 1;
    recorder->line_length = line_length;
    recorder->line_shift = FIRST_SHIFT;
    while (UINT32_C(1) << recorder->bin_shift < job->ranks_per_bin)
        recorder->bin_shift++;
    forget_handles(recorder);
    recorder->generation = ffmk_generation;
    recorder->slots = recorder->books[0].slots;
    recorder->origin = ffmk_clock_ticks();
    move_to(recorder, recorder->origin);
    begin_thread(recorder, recorder->origin);

    pthread_mutex_lock(&ffmk_record_lists);
    recorder->next = ffmk_recorders;
    ffmk_recorders = recorder;
    pthread_mutex_unlock(&ffmk_record_lists);
    return recorder;
}

void ffmk_recorder_restart(struct ffmk_recorder *recorder)
{
    memset(recorder->stats, 0, recorder->stats_used * sizeof *recorder->stats);
    memset(recorder->line, 0, recorder->line_length * sizeof *recorder->line);
    memset(recorder->slots, 0, sizeof recorder->books[0].slots);
    recorder->stats_used = 1;
    recorder->last = recorder->stats;
    recorder->late.door = 0;
    recorder->going_ticks = recorder->waiting_ticks = 0;
    recorder->line_shift = FIRST_SHIFT;
    recorder->origin = recorder->since = recorder->books[0].begun = ffmk_clock_ticks();
    move_to(recorder, recorder->origin);
}

void ffmk_recorder_forget(struct ffmk_recorder *recorder)
{
    if (recorder->generation == ffmk_generation)
        return;
    recorder->generation = ffmk_generation;
    forget_handles(recorder);
}

/* ---- charging ---- */

enum { MOST_PLACES = UINT16_MAX }; /* what a slot can say */

/* Give `door` a place in the current region. \return its index; 0 when there is none left. One is
 * always left for the report, which charges the last call of a thread that may still be running:
 * what that thread uses must not move then. */
static uint32_t make_place(struct ffmk_recorder *recorder, unsigned door)
{
    const bool own = ffmk_thread.recorder == recorder;
    if (own && recorder->stats_used + 1 == recorder->stats_room) {
        const uint32_t room =
            recorder->stats_room > MOST_PLACES / 2 ? MOST_PLACES : 2 * recorder->stats_room;
        ffmk_recorder_tally(recorder);
        recorder->last = recorder->stats;
        struct ffmk_stat *stats =
            room > recorder->stats_room ? realloc(recorder->stats, room * sizeof *stats) : NULL;
        if (!stats)
            return 0;
        recorder->last = recorder->stats = stats;
        recorder->stats_room = room;
        ffmk_recorder_show(recorder);
    }
    if (recorder->stats_used == recorder->stats_room)
        return 0;
    const uint32_t place = recorder->stats_used++;
    recorder->stats[place] = (struct ffmk_stat){0};
    recorder->slots[door] = (uint16_t)place;
    return place;
}

/* A call that is not within the current interval, which is left for the one in which it ends. */
static void span(struct ffmk_recorder *recorder, bool waits, uint64_t start, uint64_t stop)
{
    if (start < recorder->origin)
        return; /* a counter that went backwards: nothing sensible to add */
    ffmk_recorder_reach(recorder, stop);
    for (uint64_t at = start; at < stop;) {
        const uint64_t interval = (at - recorder->origin) >> recorder->line_shift;
        const uint64_t end = recorder->origin + ((interval + 1) << recorder->line_shift);
        const uint64_t until = end < stop ? end : stop;
        recorder->line[interval].mpi_ticks += until - at;
        if (waits)
            recorder->line[interval].wait_ticks += until - at;
        at = until;
    }
}

static void add(struct ffmk_recorder *recorder, unsigned door, uint64_t ticks, uint64_t bytes)
{
    const uint32_t place =
        recorder->slots[door] ? recorder->slots[door] : make_place(recorder, door);
    if (place)
        ffmk_stat_add(&recorder->stats[place], ticks, bytes);
    else
        recorder->lost++;
}

static void charge(struct ffmk_recorder *recorder, unsigned door, bool waits, uint64_t start,
                   uint64_t stop, uint64_t bytes)
{
    if (stop < start)
        stop = start; /* a counter that went backwards */
    add(recorder, door, stop - start, bytes);
    if (stop >= recorder->interval_end)
        span(recorder, waits, start, stop);
    else
        *(waits ? &recorder->waiting_ticks : &recorder->going_ticks) += stop - start;
}

void ffmk_recorder_charge_late(struct ffmk_recorder *recorder)
{
    const struct ffmk_late late = recorder->late;
    recorder->late.door = 0;
    if (late.door)
        charge(recorder, late.door, true, late.stop - late.ticks, late.stop, late.bytes);
}

void ffmk_recorder_charge(struct ffmk_recorder *recorder, unsigned door, bool waits, uint64_t start,
                          uint64_t stop, uint64_t bytes)
{
    pthread_mutex_lock(&recorder->lock);
    ffmk_recorder_charge_late(recorder);
    charge(recorder, door, waits, start, stop, bytes);
    pthread_mutex_unlock(&recorder->lock);
}

void ffmk_recorder_charge_before(struct ffmk_recorder *recorder, unsigned door, uint64_t ticks)
{
    pthread_mutex_lock(&recorder->lock);
    add(recorder, door, ticks, 0);
    pthread_mutex_unlock(&recorder->lock);
}

/* ---- pauses, and the end of a thread ---- */

void ffmk_recorder_pause_or_resume(struct ffmk_recorder *recorder, bool pause, uint64_t now)
{
    if (pause && !recorder->paused_at) {
        ffmk_recorder_charge_late(recorder);
        recorder->paused_at = now;
    } else if (!pause && recorder->paused_at) {
        /* The report's moment may lie before another thread's pause. */
        const uint64_t pause_ticks = now > recorder->paused_at ? now - recorder->paused_at : 0;
        recorder->paused_at = 0;
        /* Neither the time line nor any region's time, open or not, contains the pause. */
        recorder->origin += pause_ticks;
        recorder->interval_begin += pause_ticks;
        recorder->interval_end += pause_ticks;
        recorder->since += pause_ticks;
        recorder->books[0].begun += pause_ticks;
        for (uint32_t b = 1; b < recorder->books_used; b++)
            if (recorder->books[b].open)
                recorder->books[b].begun += pause_ticks;
    }
}

void ffmk_recorder_pause(struct ffmk_recorder *recorder, bool pause)
{
    pthread_mutex_lock(&recorder->lock);
    ffmk_recorder_pause_or_resume(recorder, pause, ffmk_clock_ticks());
    pthread_mutex_unlock(&recorder->lock);
}

void ffmk_recorder_retire(struct ffmk_recorder *recorder)
{
    pthread_mutex_lock(&ffmk_record_lists);
    pthread_mutex_lock(&recorder->lock);
    const uint64_t now = ffmk_clock_ticks();
    ffmk_recorder_pause_or_resume(recorder, false, now);
    ffmk_region_leave_all(recorder, now);
    recorder->idle = true;
    pthread_mutex_unlock(&recorder->lock);
    pthread_mutex_unlock(&ffmk_record_lists);
}
