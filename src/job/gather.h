/* SPDX-License-Identifier: BSD-3-Clause
 * Brings what every rank recorded to the first one: encode, send, decode. */
#ifndef FFMK_JOB_GATHER_H
#define FFMK_JOB_GATHER_H

#include "job/counters.h"
#include "job/job.h"
#include "job/snapshot.h"

#include <stddef.h>

/** What is known of one rank. */
struct ffmk_rank_record {
    int rank;
    int pid;
    char host[64];
    struct ffmk_snapshot data;
    struct ffmk_counted counted;
    void *storage; /* what data's arrays and names lie in when it came over the wire */
};

/** This rank's own record; data is the snapshot's, not copied. */
struct ffmk_rank_record ffmk_gather_own(const struct ffmk_job *job,
                                        const struct ffmk_snapshot *snapshot);

/** Collective over the job's ranks. On one of them, the first that lives: all records, by rank, in
 * *records_p, and how many; free them with ffmk_gather_free(). On the others, and where MPI fails:
 * 0. Where ranks died and there is no way past them: 1, and *records_p is as it was. */
size_t ffmk_gather(const struct ffmk_job *job, struct ffmk_rank_record *mine,
                   struct ffmk_rank_record **records_p);

void ffmk_gather_free(struct ffmk_rank_record *records, size_t n);

#endif
