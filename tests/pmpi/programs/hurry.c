/* SPDX-License-Identifier: BSD-3-Clause
 * A library for LD_PRELOAD with which a wait of a minute ends after a second: who asks for the time
 * of day, to wait until a while from it, is told that it was 59 s ago. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int code = (int)syscall(SYS_clock_gettime, clock, now);
    if (code == 0 && clock == CLOCK_REALTIME)
        now->tv_sec -= 59;
    return code;
}
