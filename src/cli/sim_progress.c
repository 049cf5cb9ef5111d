/* SPDX-License-Identifier: BSD-3-Clause
 * A bar on the terminal while a simulation takes long; nothing where nobody looks. */
#include "cli/sim.h"
#include "core/clock.h"

#include <unistd.h>

enum { SECOND_NS = 1000000000, TELL_NS = 100000000, COLUMNS = 40 };

void ffmk_sim_progress_begin(struct ffmk_sim_progress *progress, double whole)
{
    *progress = (struct ffmk_sim_progress){
        .on = isatty(STDERR_FILENO) == 1, .begun_ns = ffmk_clock_ns(), .whole = whole};
}

void ffmk_sim_progress_add(struct ffmk_sim_progress *progress, double part)
{
    progress->done += part;
    if (!progress->on)
        return;
    const uint64_t now = ffmk_clock_ns();
    if (now < progress->begun_ns + SECOND_NS || now < progress->told_ns + TELL_NS)
        return;
    double share = progress->done / progress->whole;
    share = share > 1 ? 1 : share;
    const int full = (int)(share * COLUMNS);
    char bar[COLUMNS + 1] = {0};
    for (int i = 0; i < COLUMNS; i++)
        bar[i] = i < full ? '=' : ' ';
    fprintf(stderr, "\r[%s] %3.0f %%", bar, 100 * share);
    fflush(stderr);
    progress->told_ns = now;
    progress->shown = true;
}

void ffmk_sim_progress_end(struct ffmk_sim_progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r%*s\r", COLUMNS + 10, "");
    progress->shown = false;
}
