/* SPDX-License-Identifier: BSD-3-Clause
 * How the report of a run is made, whichever way it ends. */
#ifndef FFMK_PMPI_ENDING_H
#define FFMK_PMPI_ENDING_H

#include "core/clock.h"
#include "job/engine.h"
#include "pmpi/cost.h"

struct ffmk_recorder;

/** What is to be reported. */
struct ffmk_run {
    const struct ffmk_engine *engine;
    const struct ffmk_engine_job *job;
    struct ffmk_recorder *main_thread;
    const struct ffmk_clock *begun;
    struct ffmk_cost cost;
};

/** The run ends now, once a process: the report is made together with the other ranks when MPI is
 * finalized; else of this rank alone, in a copy of the process, for this may be a signal's handler
 * that interrupted whatever it was. */
void ffmk_ending_report(const struct ffmk_run *run, enum ffmk_ending ending);

/** The process of this rank ends while another thread of it, or what this signal's handler
 * interrupted, is at that already: a copy that makes its part of the report is waited for, but not
 * the other ranks. */
void ffmk_ending_behind(int rank);

#endif
