/* SPDX-License-Identifier: BSD-3-Clause
 * A recorder's insides, for record.c, region.c and sum.c alone. Functions here are for whoever
 * holds the recorder's lock, or makes the report in the thread whose recorder it is. */
#ifndef FFMK_PMPI_RECORD_INSIDE_H
#define FFMK_PMPI_RECORD_INSIDE_H

#include "pmpi/record.h"

struct ffmk_region_book {
    uint32_t region; /* number in the process-wide list of names */
    uint32_t open;   /* instances on the stack: only the outermost counts as inclusive */
    uint64_t begun;  /* tick of the outermost one */
    uint64_t count;
    uint64_t inclusive_ticks;
    uint64_t exclusive_ticks;
    uint16_t slots[FFMK_DOORS];
};

/* Regions that have no name of the program's. */
enum { FFMK_REGION_PROGRAM, FFMK_REGION_OTHERS, FFMK_REGIONS_UNNAMED };

#pragma GCC visibility push(hidden)
/* The process-wide lists and their lock: names of regions, recorders of all threads that ever were.
 */
extern pthread_mutex_t ffmk_record_lists;
extern char ffmk_region_names[FFMK_REGIONS_MAX][FFMK_REGION_NAME];
extern uint32_t ffmk_region_names_used;
extern struct ffmk_recorder *ffmk_recorders;
#pragma GCC visibility pop

/* This thread's book of a region. \return its index, or UINT32_MAX without memory. */
uint32_t ffmk_region_find_book(struct ffmk_recorder *recorder, uint32_t region);

/* The thread's last moment: all its regions end, the program's, too. */
void ffmk_region_leave_all(struct ffmk_recorder *recorder, uint64_t now);

/* The thread whose recorder this is sees what moved. */
void ffmk_recorder_show(const struct ffmk_recorder *recorder);

/* Charge the call that is over but not charged yet, if there is one: to be done before the region,
 * the interval or what is recorded changes. */
void ffmk_recorder_charge_late(struct ffmk_recorder *recorder);

/* MPI_Pcontrol(0), and back. */
void ffmk_recorder_pause_or_resume(struct ffmk_recorder *recorder, bool pause, uint64_t now);

/* What the current interval of the time line holds is put into the line, which then reaches
 * `tick`. */
void ffmk_recorder_reach(struct ffmk_recorder *recorder, uint64_t tick);

#endif
