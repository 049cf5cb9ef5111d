/* SPDX-License-Identifier: BSD-3-Clause
 * Two clocks: CLOCK_MONOTONIC in nanoseconds, and ticks, the cheapest counter that runs at a
 * constant rate. Ticks are the TSC where Linux says constant_tsc and nonstop_tsc, the virtual
 * counter on aarch64, and nanoseconds elsewhere; turn a difference of ticks into time with a struct
 * ffmk_clock that spans it. */
#ifndef FFMK_CORE_CLOCK_H
#define FFMK_CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

/** Whether ticks are a processor counter; set by ffmk_clock_choose(), nanoseconds until then. */
__attribute__((visibility("hidden"))) extern int ffmk_clock_counter;

static inline uint64_t ffmk_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/** The same, never inlined: thousands of doors hold this path and hardly any takes it. */
uint64_t ffmk_clock_ns_called(void);

/** The processor's counter. Only where ffmk_clock_counter says that there is one. */
static inline uint64_t ffmk_clock_read_counter(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return 0;
#endif
}

static inline uint64_t ffmk_clock_ticks(void)
{
    return __builtin_expect(ffmk_clock_counter, 1) ? ffmk_clock_read_counter()
                                                   : ffmk_clock_ns_called();
}

/** Look at the machine and choose what ticks are. Call once, before the first tick is read.
 * FFMK's measurements: two TSC reads cost 10 ns a call, two clock_gettime 37 to 42 ns. */
void ffmk_clock_choose(void);

/** Name of the tick source, for people: "TSC", "CNTVCT" or "clock_gettime". Static. */
const char *ffmk_clock_name(void);

/** A calibration: both clocks read at one moment. */
struct ffmk_clock {
    uint64_t ns;
    uint64_t ticks;
};

void ffmk_clock_mark(struct ffmk_clock *mark);

/** Nanoseconds in one tick, from two marks; the longer they are apart the better. 1.0 when they are
 * too close. */
double ffmk_clock_ns_per_tick(const struct ffmk_clock *from, const struct ffmk_clock *to);

#endif
