/* SPDX-License-Identifier: BSD-3-Clause
 * What a call costs this process: CPU time with and without waiting for messages, the messages it
 * sends, its collective calls, and the heap that our own code takes. Every MPI function of
 * meter.def comes by here, whether the peers call it as MPI_ or our library as PMPI_ (the linker's
 * --wrap). */
#ifndef FFMK_BENCH_METER_H
#define FFMK_BENCH_METER_H

#include <stdint.h>

struct meter {
    double wall_s;
    double cpu_s; /* of all threads of the process */
    double
        waited_s; /* CPU time of it inside calls that wait or poll, and between fruitless polls */
    double messages; /* point to point */
    double collectives;
    double heap_bytes; /* largest growth; only of what our library allocates */
};

void meter_begin(struct meter *meter);
void meter_end(struct meter *meter);

#endif
