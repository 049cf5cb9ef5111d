/* SPDX-License-Identifier: BSD-3-Clause
 * This process's part of the job: begins when MPI is up, ends with the report. */
#include "job/job.h"

#include "balance/useful.h"
#include "core/log.h"
#include "job/comms.h"
#include "job/context.h"
#include "job/gather.h"
#include "job/meeting.h"
#include "job/replace.h"
#include "job/report.h"
#include "job/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* More bins would make the matrix, not the ranks, rule the recorder's memory: 256 bins are 4 KiB a
 * thread. */
enum { MATRIX_BINS = 256 };

static struct ffmk_job *job;

struct ffmk_job *ffmk_job(void)
{
    return job;
}

/* Letters that are safe in a file name. */
static void copy_plain(char *to, size_t bytes, const char *from)
{
    size_t at = 0;
    for (; *from && at + 1 < bytes; from++)
        to[at++] = (*from == '/' || *from < ' ') ? '-' : *from;
    to[at] = '\0';
}

/* The batch system's number of the job, or what the launcher calls it, or the launcher's process.
 */
static void name_job(struct ffmk_job *self)
{
    static const char *const names[] = {
        "SLURM_JOB_ID", "PBS_JOBID",      "LSB_JOBID", "JOB_ID",
        "FLUX_JOB_ID",  "PMIX_NAMESPACE", "PMI_JOBID", "OMPI_MCA_ess_base_jobid"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            copy_plain(self->name, sizeof self->name, value);
            return;
        }
    }
    snprintf(self->name, sizeof self->name, "%ld", (long)getppid());
}

/* Several programs under one mpirun (MPMD): perhaps only some of them have ffmk, and a collective
 * over all would wait for the others for ever. Each program is a job of its own for the report;
 * Open MPI's environment says which ranks are ours, in the order in which its mpirun numbers them.
 */
static void find_program(struct ffmk_job *self)
{
    self->first_rank = 0;
    self->n_ranks = self->world_size;
    const char *count = getenv("OMPI_NUM_APP_CTX");
    const char *ranks = getenv("OMPI_APP_CTX_NUM_PROCS");
    if (!count || !ranks || strtol(count, NULL, 10) < 2)
        return;
    int first = 0;
    for (int program = 0; *ranks; program++) {
        char *end;
        const long n = strtol(ranks, &end, 10);
        if (end == ranks || n <= 0 || n > self->world_size - first)
            return;
        if (self->world_rank < first + n) {
            self->application = program;
            self->first_rank = first;
            self->n_ranks = (int)n;
            return;
        }
        first += (int)n;
        ranks = end + strspn(end, " ");
    }
}

static void find_world(struct ffmk_job *self)
{
    struct ffmk_world world;
    if (!ffmk_world_open(&world))
        return;
    PMPI_Group_rank(world.group, &self->world_rank);
    PMPI_Group_size(world.group, &self->world_size);
    ffmk_world_close(&world);
    if (ffmk_world_has_comm()) {
        MPI_Comm parent = MPI_COMM_NULL;
        PMPI_Comm_get_parent(&parent);
        self->spawned = parent != MPI_COMM_NULL;
    }
}

/* Those under ffmk get together, if that is all of them. */
static void meet(struct ffmk_job *self, bool by_door, struct ffmk_rollcall roll)
{
    self->alone = roll.present < roll.expected;
    if (!self->alone) {
        /* One line a host is enough about waiting for others. */
        const bool speaks = roll.expected ? roll.first : self->world_rank == self->first_rank;
        self->unsure = speaks && self->n_ranks != 1 && roll.present != self->world_size;
        if (by_door) /* all of them are here now */
            ffmk_meeting_prepare(self);
    } else if (roll.first && roll.present == 0) {
        ffmk_log("rank %d: no space, memory or descriptor left to write down that it runs under "
                 "ffmk: it reports for itself",
                 self->world_rank - self->first_rank);
    } else if (roll.first) {
        ffmk_log("only %d of this job's %d ranks on %s say that they run under ffmk: each of them "
                 "reports for itself",
                 roll.present, roll.expected, self->host);
    }
}

static void tell_beginning(struct ffmk_job *self)
{
    struct ffmk_counted *const counted = &self->counted;
    ffmk_counters_read(self->counters, counted);
    if (counted->why[0])
        ffmk_log("FFMK_COUNTERS=%.60s: %s; counting %s",
                 self->config->value[FFMK_CONFIG_COUNTERS].text, counted->why, counted->source);
    ffmk_log_debug("job %s has %d ranks: %s; counting %s", self->name, self->n_ranks,
                   self->alone    ? "not all of this host run under ffmk"
                   : self->unsure ? "whether all of them run under ffmk is not known"
                                  : "all of them run under ffmk",
                   counted->source);
}

int ffmk_job_start(const struct ffmk_engine_start *start, struct ffmk_engine_job *told)
{
    struct ffmk_job *self = calloc(1, sizeof *self);
    if (!self)
        return FFMK_ERR_NO_MEMORY;
    self->config = start->config;
    self->generation = start->generation;
    const time_t now = time(NULL);
    struct tm utc;
    strftime(self->started, sizeof self->started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    self->pid = getpid();

    ffmk_log_verbose((int)start->config->value[FFMK_CONFIG_VERBOSE].number);
    find_world(self);
    char host[256] = "unknown";
    gethostname(host, sizeof host - 1);
    copy_plain(self->host, sizeof self->host, host);
    if (!getcwd(self->directory, sizeof self->directory))
        self->directory[0] = '\0';
    name_job(self);
    find_program(self);
    meet(self, start->by_door, start->rollcall(self->world_size));
    if (ffmk_comms_start(start->generation) != FFMK_SUCCESS ||
        ffmk_context_start() != FFMK_SUCCESS) {
        free(self);
        return FFMK_ERR_MPI;
    }
    /* While all are alive: the first operation may come when somebody is not. Where several
     * programs share MPI_COMM_WORLD, not all of it may be under ffmk. */
    if (start->by_door && !self->alone && self->n_ranks == self->world_size)
        ffmk_replace_meet_on_world(self->config);
    self->counters = ffmk_counters_start(start->config->value[FFMK_CONFIG_COUNTERS].text);
    self->at_exit = start->at_exit;
    ffmk_useful_from(start->useful_s);
    job = self;
    if (self->world_rank == self->first_rank)
        tell_beginning(self);

    /* With sessions only there is none to ask. */
    int level = MPI_THREAD_MULTIPLE;
    if (ffmk_world_has_comm())
        PMPI_Query_thread(&level);
    told->threads = level == MPI_THREAD_MULTIPLE;
    const uint32_t size = (uint32_t)self->world_size;
    told->world_rank = self->world_rank - self->first_rank;
    told->world_size = self->world_size;
    told->ranks_per_bin = 1;
    while (told->ranks_per_bin * MATRIX_BINS < size)
        told->ranks_per_bin *= 2;
    told->bins = (size + told->ranks_per_bin - 1) / told->ranks_per_bin;
    return FFMK_SUCCESS;
}

void ffmk_job_stop_counting(void)
{
    ffmk_counters_read(job->counters, &job->counted);
}

void ffmk_job_finish(const struct ffmk_snapshot *snapshot)
{
    struct ffmk_rank_record mine = ffmk_gather_own(job, snapshot);
    struct ffmk_rank_record *records = &mine;
    size_t n = 1;
    if (snapshot->ending == FFMK_ENDING_FINALIZE && !job->alone)
        n = ffmk_gather(job, &mine, &records);
    if (n == 1 && records == &mine)
        job->alone = true; /* nobody else could be asked */
    if (n > 0)
        ffmk_report(job, records, n);
    if (records != &mine)
        ffmk_gather_free(records, n);
    ffmk_comms_stop(snapshot->ending == FFMK_ENDING_FINALIZE);
    ffmk_context_stop(snapshot->ending == FFMK_ENDING_FINALIZE);
}

void ffmk_job_tidy(void)
{
    ffmk_report_tidy(job, job->world_rank - job->first_rank);
}

/* Runs after the program's own exit handlers and before MPI's library is taken down, since we
 * depend on it. */
__attribute__((destructor)) static void process_ends(void)
{
    if (job && job->at_exit)
        job->at_exit();
}
