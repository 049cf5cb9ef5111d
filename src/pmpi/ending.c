/* SPDX-License-Identifier: BSD-3-Clause
 * How the report of a run is made, whichever way it ends. */
#include "pmpi/ending.h"

#include "core/apart.h"
#include "core/log.h"
#include "core/quiet.h"
#include "pmpi/persistent.h"
#include "pmpi/record.h"

#include <errno.h>
#include <stdint.h>
#include <time.h>

struct end {
    const struct ffmk_run *run;
    enum ffmk_ending ending;
    struct ffmk_clock at;
};

/* The end that is under way. */
static volatile bool gathers;  /* its report is made, with the other ranks */
static volatile bool finished; /* it is made */
/* It is this thread's, and may be what this signal's handler interrupted. */
static _Thread_local bool ends_here __attribute__((tls_model("initial-exec")));

static void report(void *argument)
{
    const struct end *end = argument;
    const struct ffmk_run *run = end->run;
    const double ns_per_tick = ffmk_clock_ns_per_tick(run->begun, &end->at);
    struct ffmk_snapshot snapshot = {
        .ending = end->ending,
        .ns_per_tick = ns_per_tick,
        .clock_name = ffmk_clock_name(),
        .cost_ns = run->cost.ticks * ns_per_tick,
        .cost_outside_ns = run->cost.outside_ticks * ns_per_tick,
        .untracked_sends = ffmk_persistent_untracked(),
        .ranks_per_bin = run->job->ranks_per_bin,
        .n_lanes = run->job->bins,
    };
    snapshot.incomplete =
        !ffmk_recorder_snapshot(run->main_thread, ns_per_tick, end->at.ticks, &snapshot);
    if (snapshot.lost_calls > 0)
        ffmk_log("rank %d: %llu calls are in no row of the report: its regions and kinds of call "
                 "make more than %d rows",
                 run->job->world_rank, (unsigned long long)snapshot.lost_calls, UINT16_MAX - 1);
    else if (snapshot.incomplete)
        ffmk_log("not everything that was recorded could be summed: the report has the rest");
    if (end->ending == FFMK_ENDING_FINALIZE)
        ffmk_recorders_let_go();
    struct ffmk_quiet quiet;
    ffmk_quiet_begin(&quiet);
    run->engine->finish(&snapshot);
    ffmk_quiet_end(&quiet);
}

/* Perhaps in a signal's handler, that interrupted whatever it was. */
static void report_apart(struct end *end)
{
    const enum ffmk_apart how = ffmk_apart(report, end);
    if (how == FFMK_APART_NONE) {
        /* strerror() may allocate. */
        ffmk_log("rank %d: its part of the report is lost; no process for it: %s",
                 end->run->job->world_rank,
                 errno == ENOMEM   ? "out of memory"
                 : errno == EAGAIN ? "too many of them"
                                   : "not permitted");
    } else if (how != FFMK_APART_DONE) {
        ffmk_log("rank %d: its part of the report is lost: it ended in a signal's handler, or a "
                 "lock was held for long, or its memory is damaged, or its files are busy",
                 end->run->job->world_rank);
    }
    if (how == FFMK_APART_STUCK)
        end->run->engine->tidy();
    ffmk_recorders_let_go();
}

void ffmk_ending_behind(int rank)
{
    enum { PATIENCE_MS = 5000 };
    if (gathers) {
        ffmk_log("rank %d ends while the ranks' report is made: there may be none", rank);
        ffmk_log_drain();
    }
    for (int i = 0; i < PATIENCE_MS && !gathers && !finished && !ends_here; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

void ffmk_ending_report(const struct ffmk_run *run, enum ffmk_ending ending)
{
    ends_here = true;
    struct end end = {.run = run, .ending = ending};
    ffmk_clock_mark(&end.at);
    ffmk_thread.inside = FFMK_THREAD_NEW;
    gathers = ending == FFMK_ENDING_FINALIZE;
    run->engine->stop_counting();
    ffmk_recorders_hold();
    if (ending == FFMK_ENDING_FINALIZE)
        report(&end);
    else
        report_apart(&end);
    gathers = false;
    finished = true;
    ends_here = false;
}
