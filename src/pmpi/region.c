/* SPDX-License-Identifier: BSD-3-Clause
 * Regions: their names, and what each thread records of them. */
#include "core/log.h"
#include "pmpi/record_inside.h"

#include <stdlib.h>
#include <string.h>

char ffmk_region_names[FFMK_REGIONS_MAX][FFMK_REGION_NAME] = {"(program)", "(other regions)"};
uint32_t ffmk_region_names_used = FFMK_REGIONS_UNNAMED;

/* Number of a region's name; new names get one until the list is full. */
static uint32_t region_number(const char *name)
{
    pthread_mutex_lock(&ffmk_record_lists);
    uint32_t number = FFMK_REGIONS_UNNAMED;
    while (number < ffmk_region_names_used &&
           strncmp(ffmk_region_names[number], name, FFMK_REGION_NAME - 1) != 0)
        number++;
    if (number == ffmk_region_names_used) {
        if (ffmk_region_names_used < FFMK_REGIONS_MAX) {
            strncpy(ffmk_region_names[number], name, FFMK_REGION_NAME - 1);
            ffmk_region_names_used++;
        } else {
            static bool told;
            if (!told)
                ffmk_log("more than %d region names; '%.63s' and later ones are reported together",
                         FFMK_REGIONS_MAX - FFMK_REGIONS_UNNAMED, name);
            told = true;
            number = FFMK_REGION_OTHERS;
        }
    }
    pthread_mutex_unlock(&ffmk_record_lists);
    return number;
}

uint32_t ffmk_region_find_book(struct ffmk_recorder *recorder, uint32_t region)
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
        ffmk_recorder_show(recorder);
    }
    recorder->books[recorder->books_used] = (struct ffmk_region_book){.region = region};
    return recorder->books_used++;
}

static void enter(struct ffmk_recorder *recorder, uint32_t book, uint64_t now)
{
    ffmk_recorder_charge_late(recorder);
    recorder->books[recorder->current_book].exclusive_ticks += now - recorder->since;
    recorder->since = now;
    recorder->current_book = book;
    recorder->slots = recorder->books[book].slots;
    ffmk_recorder_show(recorder);
}

/* Whether the call under way has a region open that its callback opened. Another call before it, at
 * the same place of the stack, may have left one open. */
static bool is_opened_in_call(void)
{
    return ffmk_thread.opened_in == ffmk_thread.inside &&
           ffmk_thread.opened_at >= ffmk_thread.start;
}

/* A callback's regions are the program's time, not that of the call which it came from. */
static void open_in_call(const struct ffmk_recorder *recorder, uint64_t now)
{
    if (ffmk_thread.inside < FFMK_THREAD_MARKS || is_opened_in_call())
        return;
    ffmk_thread.opened_in = ffmk_thread.inside;
    ffmk_thread.opened_at = now;
    ffmk_thread.opened_depth = recorder->depth;
}

static void close_in_call(const struct ffmk_recorder *recorder, uint64_t now)
{
    if (ffmk_thread.inside < FFMK_THREAD_MARKS || !is_opened_in_call() ||
        ffmk_thread.opened_depth != recorder->depth)
        return;
    ffmk_thread.opened_in = NULL;
    ffmk_thread.start += now - ffmk_thread.opened_at;
}

static int begin_region(struct ffmk_recorder *recorder, uint32_t region)
{
    const uint32_t book = ffmk_region_find_book(recorder, region);
    if (book == UINT32_MAX)
        return FFMK_ERR_NO_MEMORY;
    const uint64_t now = ffmk_clock_ticks();
    open_in_call(recorder, now);
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

static void leave_innermost(struct ffmk_recorder *recorder, uint64_t now)
{
    struct ffmk_region_book *book = &recorder->books[recorder->stack[--recorder->depth]];
    if (--book->open == 0)
        book->inclusive_ticks += now - book->begun;
}

static int end_region(struct ffmk_recorder *recorder, const char *name)
{
    const struct ffmk_region_book *book = &recorder->books[recorder->stack[recorder->depth - 1]];
    if (book->region != FFMK_REGION_OTHERS &&
        strncmp(ffmk_region_names[book->region], name, FFMK_REGION_NAME - 1) != 0)
        return FFMK_ERR_STATE;
    const uint64_t now = ffmk_clock_ticks();
    leave_innermost(recorder, now);
    close_in_call(recorder, now);
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

void ffmk_region_leave_all(struct ffmk_recorder *recorder, uint64_t now)
{
    while (recorder->depth > 0)
        leave_innermost(recorder, now);
    enter(recorder, 0, now);
    recorder->books[0].inclusive_ticks += now - recorder->books[0].begun;
}
