/* SPDX-License-Identifier: BSD-3-Clause
 * The engine's table: what the doors may call. */
#include "job/engine.h"

#include "job/comms.h"
#include "job/context.h"
#include "job/job.h"
#include "job/pending.h"
#include "job/replace.h"
#include "job/replace_nonblocking.h"

__attribute__((visibility("default"))) const struct ffmk_engine ffmk_engine_table = {
    .version = FFMK_ENGINE_VERSION,
    .start = ffmk_job_start,
    .stop_counting = ffmk_job_stop_counting,
    .finish = ffmk_job_finish,
    .tidy = ffmk_job_tidy,
    .type_size = ffmk_comms_type_size,
    .comm_map = ffmk_comms_map,
    .replacement = ffmk_replacement,
    .bcast_fortran = ffmk_replace_bcast_fortran,
    .barrier_fortran = ffmk_replace_barrier_fortran,
    .allreduce_fortran = ffmk_replace_allreduce_fortran,
    .ibcast_fortran = ffmk_replace_ibcast_fortran,
    .ibarrier_fortran = ffmk_replace_ibarrier_fortran,
    .iallreduce_fortran = ffmk_replace_iallreduce_fortran,
    .drive = ffmk_pending_drive,
    .meet = ffmk_replace_meet,
    .someone_died = ffmk_context_any_dead,
#define API(name, parameters, arguments) .name = name,
#include "job/api.def"
};
