/* SPDX-License-Identifier: BSD-3-Clause
 * What an intercepted call costs: a door that leads to nothing, passed many times. */
#include "pmpi/cost.h"

#include "pmpi/door.h"

/* Batches of a few microseconds: the fastest one met no interruption. */
enum { BATCHES = 12, PASSES = 200 };

static int nothing(void)
{
    __asm__ volatile("");
    return MPI_SUCCESS;
}

typedef int leads_to(void);
static leads_to *volatile behind = nothing;

DOOR_SLOW int slow_pass(void)
{
    enum { door_ = FFMK_DOOR(Pcontrol, C) };
    DOOR_START(DOOR_FRAME(), ffmk_clock_ticks());
    const int code = behind();
    return DOOR_STOP(code, door_, GOES, code == MPI_SUCCESS, 0, NOTHING);
}

__attribute__((noinline)) static int pass(void)
{
    enum { door_ = FFMK_DOOR(Pcontrol, C) };
    if (DOOR_IS_SLOW(door_))
        return slow_pass();
    DOOR_START(DOOR_FRAME(), ffmk_clock_read_counter());
    const int code = behind();
    return DOOR_STOP_USUAL(code, door_, GOES, AHEAD_NOTHING, NOTHING);
}

static double fastest_batch(leads_to *through)
{
    uint64_t fastest = UINT64_MAX;
    for (int b = 0; b < BATCHES; b++) {
        const uint64_t start = ffmk_clock_ticks();
        for (int i = 0; i < PASSES; i++)
            through();
        const uint64_t ticks = ffmk_clock_ticks() - start;
        if (ticks < fastest)
            fastest = ticks;
    }
    return (double)fastest / PASSES;
}

struct ffmk_cost ffmk_cost_measure(void)
{
    if (!ffmk_next[FFMK_DOOR(Pcontrol, C)])
        ffmk_next_find(FFMK_DOOR(Pcontrol, C));
    const double bare = fastest_batch(behind);
    const double passed = fastest_batch(pass);
    uint64_t charged = UINT64_MAX;
    for (int i = 0; i < PASSES; i++) {
        const uint64_t start = ffmk_clock_ticks();
        behind();
        const uint64_t ticks = ffmk_clock_ticks() - start;
        if (ticks < charged)
            charged = ticks;
    }
    struct ffmk_cost cost = {passed - bare, passed - (double)charged};
    if (cost.ticks < 0)
        cost.ticks = 0;
    if (cost.outside_ticks < 0)
        cost.outside_ticks = 0;
    if (cost.outside_ticks > cost.ticks)
        cost.outside_ticks = cost.ticks;
    return cost;
}
