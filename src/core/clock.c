/* SPDX-License-Identifier: BSD-3-Clause
 * Choosing and calibrating the tick counter. */
#include "core/clock.h"

#include <stdio.h>
#include <string.h>

int ffmk_clock_counter;

uint64_t ffmk_clock_ns_called(void)
{
    return ffmk_clock_ns();
}

#if defined(__x86_64__)
/* The kernel is asked rather than CPUID: it also knows of firmware and hypervisors that make the
 * TSC unusable. */
static int tsc_is_clock(void)
{
    char line[256];
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/available_clocksource", "re");
    if (file) {
        int listed = fgets(line, sizeof line, file) && strstr(line, "tsc");
        fclose(file);
        if (listed)
            return 1;
    }
    file = fopen("/proc/cpuinfo", "re");
    if (!file)
        return 0;
    static char flags[8192];
    int usable = 0;
    while (fgets(flags, sizeof flags, file))
        if (strncmp(flags, "flags", 5) == 0) {
            usable = strstr(flags, " constant_tsc") && strstr(flags, " nonstop_tsc");
            break;
        }
    fclose(file);
    return usable;
}
#endif

void ffmk_clock_choose(void)
{
#if defined(__x86_64__)
    ffmk_clock_counter = tsc_is_clock();
#elif defined(__aarch64__)
    ffmk_clock_counter = 1;
#else
    ffmk_clock_counter = 0;
#endif
}

const char *ffmk_clock_name(void)
{
    if (!ffmk_clock_counter)
        return "clock_gettime";
#if defined(__aarch64__)
    return "CNTVCT";
#else
    return "TSC";
#endif
}

void ffmk_clock_mark(struct ffmk_clock *mark)
{
    /* The tick is taken between two readings of the slower clock; of three tries the tightest
     * counts. */
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        const uint64_t before = ffmk_clock_ns();
        const uint64_t ticks = ffmk_clock_ticks();
        const uint64_t after = ffmk_clock_ns();
        if (after - before < best) {
            best = after - before;
            mark->ns = before + (after - before) / 2;
            mark->ticks = ticks;
        }
    }
}

double ffmk_clock_ns_per_tick(const struct ffmk_clock *from, const struct ffmk_clock *to)
{
    if (!ffmk_clock_counter || to->ticks <= from->ticks || to->ns <= from->ns)
        return 1.0;
    return (double)(to->ns - from->ns) / (double)(to->ticks - from->ticks);
}
