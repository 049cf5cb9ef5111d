/* SPDX-License-Identifier: BSD-3-Clause
 * Recorders: the paths out of line, regions, and the sum of all threads at the end. */
#include "pmpi/record.h"

#include "core/log.h"

#include <stdlib.h>
#include <string.h>

struct ffmk_region_book {
    uint32_t region; /* number in the process-wide list of names */
    uint32_t open;   /* instances on the stack: only the outermost counts as inclusive */
    uint64_t begun;  /* tick of the outermost one */
    uint64_t count;
    uint64_t inclusive_ticks;
    uint64_t exclusive_ticks;
    uint16_t slots[FFMK_DOORS];
};

_Thread_local struct ffmk_thread ffmk_thread = {.inside = FFMK_THREAD_NEW};
volatile uint32_t ffmk_generation;

/* The process-wide lists: names of regions, recorders of all threads that ever were. */
static pthread_mutex_t lists = PTHREAD_MUTEX_INITIALIZER;
enum { PROGRAM, OTHERS, FIRST_NAMED };
enum {
    FIRST_SHIFT = 16
}; /* the first intervals: 25 to 65 microseconds; they double as the run goes on */
static char names[FFMK_REGIONS_MAX][FFMK_REGION_NAME] = {"(program)", "(other regions)"};
static uint32_t names_used = FIRST_NAMED;
static struct ffmk_recorder *recorders;

/* Number of a region's name; new names get one until the list is full. */
static uint32_t region_number(const char *name)
{
    pthread_mutex_lock(&lists);
    uint32_t number = FIRST_NAMED;
    while (number < names_used && strncmp(names[number], name, FFMK_REGION_NAME - 1) != 0)
        number++;
    if (number == names_used) {
        if (names_used < FFMK_REGIONS_MAX) {
            strncpy(names[number], name, FFMK_REGION_NAME - 1);
            names_used++;
        } else {
            static bool told;
            if (!told)
                ffmk_log("more than %d region names; '%.63s' and later ones are reported together",
                         FFMK_REGIONS_MAX - FIRST_NAMED, name);
            told = true;
            number = OTHERS;
        }
    }
    pthread_mutex_unlock(&lists);
    return number;
}

/* The thread whose recorder this is sees what moved. */
static void show(const struct ffmk_recorder *recorder)
{
    if (ffmk_thread.recorder == recorder) {
        ffmk_thread.slots = recorder->slots;
        ffmk_thread.stats = recorder->stats;
    }
}

void ffmk_recorder_attach(struct ffmk_recorder *recorder)
{
    ffmk_thread.recorder = recorder;
    show(recorder);
}

/* This thread's book of a region. \return its index, or UINT32_MAX without memory. */
static uint32_t book_of(struct ffmk_recorder *recorder, uint32_t region)
{
    for (uint32_t b = 0; b < recorder->books_used; b++)
        if (recorder->books[b].region == region)
            return b;
    if (recorder->books_used == recorder->books_room) {
        const uint32_t room = recorder->books_room ? 2 * recorder->books_room : 4;
        struct ffmk_region_book *books = realloc(recorder->books, room * sizeof *books);
        if (!books)
            return UINT32_MAX;
        recorder->books = books;
        recorder->books_room = room;
        recorder->slots = books[recorder->current_book].slots;
        show(recorder);
    }
    recorder->books[recorder->books_used] = (struct ffmk_region_book){.region = region};
    return recorder->books_used++;
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

static void reach(struct ffmk_recorder *recorder, uint64_t tick)
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
    pthread_mutex_lock(&lists);
    struct ffmk_recorder *recorder = recorders;
    while (recorder && !recorder->idle)
        recorder = recorder->next;
    if (recorder) {
        recorder->idle = false;
        begin_thread(recorder, ffmk_clock_ticks());
    }
    pthread_mutex_unlock(&lists);
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
        book_of(recorder, PROGRAM) == UINT32_MAX) {
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

    pthread_mutex_lock(&lists);
    recorder->next = recorders;
    recorders = recorder;
    pthread_mutex_unlock(&lists);
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

/* Give `door` a place in the current region. \return its index; 0 without memory. One is always
 * left for the report, which charges the last call of a thread that may still be running: what that
 * thread uses must not move then. */
static uint32_t make_place(struct ffmk_recorder *recorder, unsigned door)
{
    const bool own = ffmk_thread.recorder == recorder;
    if (own && recorder->stats_used + 1 == recorder->stats_room) {
        const uint32_t room = 2 * recorder->stats_room;
        ffmk_recorder_tally(recorder);
        recorder->last = recorder->stats;
        struct ffmk_stat *stats =
            room <= UINT16_MAX ? realloc(recorder->stats, room * sizeof *stats) : NULL;
        if (!stats)
            return 0;
        recorder->last = recorder->stats = stats;
        recorder->stats_room = room;
        show(recorder);
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
    reach(recorder, stop);
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

/* To be done before the region, the interval or what is recorded changes. */
static void charge_late(struct ffmk_recorder *recorder)
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
    charge_late(recorder);
    charge(recorder, door, waits, start, stop, bytes);
    pthread_mutex_unlock(&recorder->lock);
}

void ffmk_recorder_charge_before(struct ffmk_recorder *recorder, unsigned door, uint64_t ticks)
{
    pthread_mutex_lock(&recorder->lock);
    add(recorder, door, ticks, 0);
    pthread_mutex_unlock(&recorder->lock);
}

/* ---- regions ---- */

static void enter(struct ffmk_recorder *recorder, uint32_t book, uint64_t now)
{
    charge_late(recorder);
    recorder->books[recorder->current_book].exclusive_ticks += now - recorder->since;
    recorder->since = now;
    recorder->current_book = book;
    recorder->slots = recorder->books[book].slots;
    show(recorder);
}

static int begin_region(struct ffmk_recorder *recorder, uint32_t region)
{
    const uint32_t book = book_of(recorder, region);
    if (book == UINT32_MAX)
        return FFMK_ERR_NO_MEMORY;
    const uint64_t now = ffmk_clock_ticks();
    recorder->stack[recorder->depth++] = book;
    enter(recorder, book, now);
    recorder->books[book].count++;
    if (recorder->books[book].open++ == 0)
        recorder->books[book].begun = now;
    return FFMK_SUCCESS;
}

int ffmk_recorder_region_begin(struct ffmk_recorder *recorder, const char *name)
{
    if (recorder->depth == FFMK_REGION_DEPTH)
        return FFMK_ERR_LIMIT;
    const uint32_t region = region_number(name);
    pthread_mutex_lock(&recorder->lock);
    const int code = begin_region(recorder, region);
    pthread_mutex_unlock(&recorder->lock);
    return code;
}

static int end_region(struct ffmk_recorder *recorder, const char *name)
{
    struct ffmk_region_book *book = &recorder->books[recorder->stack[recorder->depth - 1]];
    if (book->region != OTHERS && strncmp(names[book->region], name, FFMK_REGION_NAME - 1) != 0)
        return FFMK_ERR_STATE;
    const uint64_t now = ffmk_clock_ticks();
    if (--book->open == 0)
        book->inclusive_ticks += now - book->begun;
    recorder->depth--;
    enter(recorder, recorder->depth ? recorder->stack[recorder->depth - 1] : 0, now);
    return FFMK_SUCCESS;
}

int ffmk_recorder_region_end(struct ffmk_recorder *recorder, const char *name)
{
    if (recorder->depth == 0)
        return FFMK_ERR_STATE;
    pthread_mutex_lock(&recorder->lock);
    const int code = end_region(recorder, name);
    pthread_mutex_unlock(&recorder->lock);
    return code;
}

static void pause_or_resume(struct ffmk_recorder *recorder, bool pause)
{
    const uint64_t now = ffmk_clock_ticks();
    if (pause && !recorder->paused_at) {
        charge_late(recorder);
        recorder->paused_at = now;
    } else if (!pause && recorder->paused_at) {
        const uint64_t pause_ticks = now - recorder->paused_at;
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
    pause_or_resume(recorder, pause);
    pthread_mutex_unlock(&recorder->lock);
}

void ffmk_recorder_retire(struct ffmk_recorder *recorder)
{
    pthread_mutex_lock(&lists);
    pthread_mutex_lock(&recorder->lock);
    pause_or_resume(recorder, false);
    const uint64_t now = ffmk_clock_ticks();
    while (recorder->depth > 0) {
        struct ffmk_region_book *book = &recorder->books[recorder->stack[--recorder->depth]];
        if (--book->open == 0)
            book->inclusive_ticks += now - book->begun;
    }
    enter(recorder, 0, now);
    recorder->books[0].inclusive_ticks += now - recorder->books[0].begun;
    recorder->idle = true;
    pthread_mutex_unlock(&recorder->lock);
    pthread_mutex_unlock(&lists);
}

/* ---- the end ---- */

/* A signal's handler may end the process while its thread changes its own recorder, or holds the
 * lists: the report waits for other threads only, and for the lists not for ever. */
static void hold(struct ffmk_recorder *recorder)
{
    if (recorder != ffmk_thread.recorder)
        pthread_mutex_lock(&recorder->lock);
}

static void let_go(struct ffmk_recorder *recorder)
{
    if (recorder != ffmk_thread.recorder)
        pthread_mutex_unlock(&recorder->lock);
}

static bool hold_lists(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    return pthread_mutex_timedlock(&lists, &until) == 0;
}

struct sum {
    struct ffmk_snapshot *snapshot;
    struct ffmk_recorder *main_thread;
    double ns_per_tick;
    uint64_t now;
    uint32_t *call_row; /* [region][door] row of the call + 1 */
    uint32_t region_row[FFMK_REGIONS_MAX];
    size_t calls_room;
};

static uint64_t to_ns(double ns_per_tick, uint64_t ticks)
{
    return (uint64_t)((double)ticks * ns_per_tick);
}

static struct ffmk_snapshot_region *region_row(struct sum *sum, uint32_t region)
{
    struct ffmk_snapshot *snapshot = sum->snapshot;
    if (sum->region_row[region] == 0) {
        snapshot->regions[snapshot->n_regions].name = names[region];
        sum->region_row[region] = (uint32_t)++snapshot->n_regions;
    }
    return &snapshot->regions[sum->region_row[region] - 1];
}

static struct ffmk_snapshot_call *call_row(struct sum *sum, uint32_t region_index, unsigned door)
{
    struct ffmk_snapshot *snapshot = sum->snapshot;
    uint32_t *row = &sum->call_row[(size_t)region_index * FFMK_DOORS + door];
    if (*row == 0) {
        if (snapshot->n_calls == sum->calls_room) {
            const size_t room = sum->calls_room ? 2 * sum->calls_room : 64;
            struct ffmk_snapshot_call *calls = realloc(snapshot->calls, room * sizeof *calls);
            if (!calls)
                return NULL;
            snapshot->calls = calls;
            sum->calls_room = room;
        }
        const enum ffmk_call call = (enum ffmk_call)(door / FFMK_BINDINGS);
        snapshot->calls[snapshot->n_calls] = (struct ffmk_snapshot_call){
            .name = ffmk_call_name(call),
            .class_name = ffmk_call_class(call),
            .binding = (enum ffmk_binding)(door % FFMK_BINDINGS),
            .region = region_index,
        };
        *row = (uint32_t)++snapshot->n_calls;
    }
    return &snapshot->calls[*row - 1];
}

/* Other threads go on meanwhile. */
static uint64_t until_now(const struct sum *sum, uint64_t since)
{
    return sum->now > since ? sum->now - since : 0;
}

static bool sum_book(struct sum *sum, const struct ffmk_recorder *recorder, uint32_t index)
{
    const bool is_main = recorder == sum->main_thread;
    const struct ffmk_region_book *book = &recorder->books[index];
    uint64_t exclusive = book->exclusive_ticks;
    uint64_t inclusive = book->inclusive_ticks;
    if (index == recorder->current_book && !recorder->idle)
        exclusive += until_now(sum, recorder->since);
    if ((index == 0 && !recorder->idle) || book->open)
        inclusive += until_now(sum, book->begun);

    struct ffmk_snapshot_region *region = region_row(sum, book->region);
    const uint32_t region_index = (uint32_t)(region - sum->snapshot->regions);
    uint64_t mpi_ticks = 0;
    for (unsigned door = 0; door < FFMK_DOORS; door++) {
        if (book->slots[door] == 0)
            continue;
        const struct ffmk_stat *stat = &recorder->stats[book->slots[door]];
        struct ffmk_snapshot_call *call = call_row(sum, region_index, door);
        if (!call)
            return false;
        ffmk_stat_merge(&call->stat, stat);
        const uint64_t count = ffmk_stat_count(stat);
        sum->snapshot->all_calls += count;
        if (is_main)
            region->main_calls += count;
        if (!ffmk_door_begins(door))
            mpi_ticks += stat->ticks;
    }
    region->count += book->count;
    region->inclusive_ns += to_ns(sum->ns_per_tick, inclusive);
    region->exclusive_ns += to_ns(sum->ns_per_tick, exclusive);
    region->mpi_ns += to_ns(sum->ns_per_tick, mpi_ticks);
    if (is_main) {
        region->main_exclusive_ns = to_ns(sum->ns_per_tick, exclusive);
        region->main_mpi_ns = to_ns(sum->ns_per_tick, mpi_ticks);
        sum->snapshot->main_calls += region->main_calls;
    }
    return true;
}

static uint64_t recorder_bytes(const struct ffmk_recorder *recorder, size_t lanes)
{
    return sizeof *recorder + recorder->line_length * sizeof *recorder->line +
           recorder->stats_room * sizeof *recorder->stats +
           recorder->books_room * sizeof *recorder->books + lanes * sizeof *recorder->lanes;
}

static bool sum_recorder(struct sum *sum, struct ffmk_recorder *recorder)
{
    struct ffmk_snapshot *const snapshot = sum->snapshot;
    bool complete = true;
    hold(recorder);
    charge_late(recorder);
    ffmk_recorder_tally(recorder);
    recorder->last = recorder->stats;
    for (uint32_t b = 0; complete && b < recorder->books_used; b++)
        complete = sum_book(sum, recorder, b);
    snapshot->recorder_bytes += recorder_bytes(recorder, snapshot->n_lanes);
    snapshot->threads += recorder->threads;
    for (size_t i = 0; i < snapshot->n_lanes; i++) {
        snapshot->lanes[i].messages += recorder->lanes[i].messages;
        snapshot->lanes[i].bytes += recorder->lanes[i].bytes;
    }
    let_go(recorder);
    return complete;
}

/* The line is made to reach the end, also when the last calls lie far back. */
static bool sum_line(const struct sum *sum)
{
    struct ffmk_recorder *const recorder = sum->main_thread;
    struct ffmk_snapshot *const snapshot = sum->snapshot;
    hold(recorder);
    const uint64_t elapsed = until_now(sum, recorder->origin);
    reach(recorder, recorder->origin + elapsed);
    const size_t n = (size_t)(elapsed >> recorder->line_shift) + 1;
    snapshot->intervals = malloc(n * sizeof *snapshot->intervals);
    snapshot->n_intervals = snapshot->intervals ? n : 0;
    if (snapshot->intervals)
        memcpy(snapshot->intervals, recorder->line, n * sizeof *snapshot->intervals);
    snapshot->interval_ticks = UINT64_C(1) << recorder->line_shift;
    snapshot->elapsed_ns = to_ns(sum->ns_per_tick, elapsed);
    let_go(recorder);
    uint64_t mpi_ticks = 0;
    uint64_t wait_ticks = 0;
    for (size_t i = 0; i < snapshot->n_intervals; i++) {
        mpi_ticks += snapshot->intervals[i].mpi_ticks;
        wait_ticks += snapshot->intervals[i].wait_ticks;
    }
    snapshot->mpi_ns = to_ns(sum->ns_per_tick, mpi_ticks);
    snapshot->wait_ns = to_ns(sum->ns_per_tick, wait_ticks);
    return snapshot->intervals != NULL;
}

static bool make_sum(struct sum *sum)
{
    struct ffmk_snapshot *const snapshot = sum->snapshot;
    sum->call_row = calloc((size_t)names_used * FFMK_DOORS, sizeof *sum->call_row);
    snapshot->regions = calloc(names_used, sizeof *snapshot->regions);
    snapshot->lanes = calloc(snapshot->n_lanes + 1, sizeof *snapshot->lanes);
    if (!snapshot->lanes)
        snapshot->n_lanes = 0;
    return sum->call_row && snapshot->regions && snapshot->lanes;
}

bool ffmk_recorder_snapshot(struct ffmk_recorder *main_thread, double ns_per_tick,
                            struct ffmk_snapshot *snapshot)
{
    hold(main_thread);
    pause_or_resume(main_thread, false);
    let_go(main_thread);
    struct sum sum = {.snapshot = snapshot,
                      .main_thread = main_thread,
                      .ns_per_tick = ns_per_tick,
                      .now = ffmk_clock_ticks()};
    const bool held = hold_lists();
    bool complete = make_sum(&sum);
    for (struct ffmk_recorder *r = recorders; complete && r; r = r->next)
        complete = sum_recorder(&sum, r);
    free(sum.call_row);
    if (held)
        pthread_mutex_unlock(&lists);
    return sum_line(&sum) && complete;
}
