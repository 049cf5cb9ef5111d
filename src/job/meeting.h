/* SPDX-License-Identifier: BSD-3-Clause
 * Where the ranks of this program meet when their run ends: the communicator of the report. */
#ifndef FFMK_JOB_MEETING_H
#define FFMK_JOB_MEETING_H

#include "job/job.h"
#include "job/world.h"

struct ffmk_meeting {
    MPI_Comm comm;
    struct ffmk_world world;
};

/** When MPI has started. Collective over the program's ranks where several programs share
 * MPI_COMM_WORLD and MPI has no sessions; else local. */
void ffmk_meeting_prepare(const struct ffmk_job *job);

/** Collective over the program's ranks, each at its last end of MPI. \return false, after a line,
 * and nothing is open, when MPI gives no communicator. */
bool ffmk_meeting_open(const struct ffmk_job *job, struct ffmk_meeting *meeting);
void ffmk_meeting_close(struct ffmk_meeting *meeting);

#endif
