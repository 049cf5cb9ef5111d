/* SPDX-License-Identifier: BSD-3-Clause
 * What remains of a run: which files, under which names, and when to say what. */
#include "job/report.h"

#include "core/log.h"
#include "core/output.h"
#include "job/world.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

/* Paths are static: a run may end on a small stack. */
enum { PATH_BYTES = FFMK_OUTPUT_PATH };
static struct ffmk_output output;

const char *ffmk_report_binding(enum ffmk_binding binding)
{
    static const char *const names[] = {"c", "mpif", "f08"};
    return names[binding];
}

/* Relative names are meant from where MPI started, also when the program is elsewhere by now. */
static bool from_the_start(const struct ffmk_job *job, const char *name, char *path)
{
    static char now[PATH_BYTES];
    const bool elsewhere = name[0] != '/' && job->directory[0] &&
                           (!getcwd(now, sizeof now) || strcmp(now, job->directory) != 0);
    return snprintf(path, PATH_BYTES, "%s%s%s", elsewhere ? job->directory : "",
                    elsewhere ? "/" : "", name) < PATH_BYTES;
}

/* The file a setting names, or "" for none. A part of the job (one rank, one program of several)
 * gets a name of its own, run.json becomes run.rank3.json, unless the user already put the rank
 * into it, or what is there is no file. */
static bool path_of(const struct ffmk_job *job, enum ffmk_config_id id, int rank, bool partial,
                    char *path)
{
    const char *text = job->config->value[id].text;
    path[0] = '\0';
    if (!*text)
        return true;
    static char plain[PATH_BYTES];
    static char whole[PATH_BYTES];
    if (!ffmk_config_expand(text, job->host, rank, job->name, plain, sizeof plain) ||
        !from_the_start(job, plain, whole)) {
        ffmk_log("%s=%.200s is too long a file name when expanded", ffmk_config_var(id)->name,
                 text);
        return false;
    }
    char part[64] = "";
    if (ffmk_output_is_special(whole))
        partial = false;
    else if (job->spawned)
        snprintf(part, sizeof part, ".spawned%ld", (long)job->pid);
    else if (job->application > 0)
        snprintf(part, sizeof part, ".program%d", job->application);
    if (partial && !strstr(text, "%r"))
        snprintf(part + strlen(part), sizeof part - strlen(part), ".rank%d", rank);
    const char *slash = strrchr(whole, '/');
    char *dot = strrchr(whole, '.');
    if (!dot || (slash && dot < slash))
        dot = whole + strlen(whole);
    return snprintf(path, PATH_BYTES, "%.*s%s%s", (int)(dot - whole), whole, part, dot) <
           PATH_BYTES;
}

static void tell_unwritten(const char *what, const char *path)
{
    ffmk_log("cannot write the %s %.300s: %s", what, path, ffmk_output_reason(errno));
}

static bool write_json(const char *path, const struct ffmk_job *job,
                       const struct ffmk_rank_record *records, const struct ffmk_metrics *metrics)
{
    if (ffmk_output_open(&output, path, job->pid) &&
        ffmk_output_close(&output, ffmk_report_json(output.stream, job, records, metrics)))
        return true;
    tell_unwritten("report", path);
    return false;
}

static void write_csv(const char *path, const struct ffmk_job *job,
                      const struct ffmk_rank_record *records, size_t n)
{
    if (ffmk_output_open(&output, path, job->pid)) {
        ffmk_report_csv(output.stream, records, n);
        if (ffmk_output_close(&output, true))
            return;
    }
    tell_unwritten("table of calls", path);
}

static bool went_through(const struct ffmk_snapshot *data, const char *name)
{
    for (size_t i = 0; i < data->n_calls; i++)
        if (strcmp(data->calls[i].name, name) == 0)
            return true;
    return false;
}

static const char *words_for(const struct ffmk_snapshot *data)
{
    int finalized = 0;
    switch (data->ending) {
    case FFMK_ENDING_ABORT:
        return "called MPI_Abort";
    case FFMK_ENDING_EXIT:
        if (ffmk_world_has_comm())
            return "ended without MPI_Finalize";
        PMPI_Finalized(&finalized);
        return finalized && !went_through(data, "MPI_Finalize")
                   ? "ended MPI past ffmk (another tool before it in LD_PRELOAD? Put libffmk "
                     "first, with FFMK_CHAIN=1)"
                   : "ended with a session open";
    default:
        return "ended";
    }
}

static void tell_partial(const struct ffmk_job *job, const struct ffmk_rank_record *mine,
                         const char *json_path)
{
    const char *how = words_for(&mine->data);
    const double seconds = (double)mine->data.elapsed_ns * 1e-9;
    if (*json_path)
        ffmk_log("rank %d %s after %.3f s; its part of the report is in %.300s", mine->rank, how,
                 seconds, json_path);
    else
        ffmk_log("rank %d %s after %.3f s: %llu calls, %.3f s in them%s", mine->rank, how, seconds,
                 (unsigned long long)mine->data.all_calls, (double)mine->data.mpi_ns * 1e-9,
                 *job->config->value[FFMK_CONFIG_REPORT].text ? "" : " (FFMK_REPORT keeps more)");
}

static void report(const struct ffmk_job *job, const struct ffmk_rank_record *records, size_t n)
{
    struct ffmk_metrics metrics;
    if (!ffmk_metrics_compute(records, n, (struct ffmk_scope){job->n_ranks, job->world_size},
                              &metrics)) {
        ffmk_log("out of memory for the report of %zu ranks", n);
        return;
    }
    const bool partial = job->alone || records[0].data.ending != FFMK_ENDING_FINALIZE;
    static char json_path[PATH_BYTES];
    static char csv_path[PATH_BYTES];
    if (!path_of(job, FFMK_CONFIG_REPORT, records[0].rank, partial, json_path))
        json_path[0] = '\0';
    if (!path_of(job, FFMK_CONFIG_CSV, records[0].rank, partial, csv_path))
        csv_path[0] = '\0';
    if (*json_path && !write_json(json_path, job, records, &metrics))
        json_path[0] = '\0';
    if (*csv_path)
        write_csv(csv_path, job, records, n);
    ffmk_log_debug("%zu rank%s reported; JSON: %s; CSV: %s", n, n == 1 ? "" : "s",
                   *json_path ? json_path : "none", *csv_path ? csv_path : "none");

    enum { SUMMARY_OFF, SUMMARY_STDERR, SUMMARY_STDOUT };
    const long where = job->config->value[FFMK_CONFIG_SUMMARY].number;
    if (partial && where != SUMMARY_OFF) {
        tell_partial(job, &records[0], json_path);
        ffmk_log_drain();
    } else if (where != SUMMARY_OFF) {
        FILE *out = where == SUMMARY_STDOUT ? stdout : stderr;
        fflush(out);
        ffmk_report_summary(out, job, records, &metrics, json_path);
        fflush(out);
    }
    ffmk_metrics_free(&metrics);
}

/* Numbers are written with a point, wherever the program is at home. */
void ffmk_report(const struct ffmk_job *job, const struct ffmk_rank_record *records, size_t n)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = plain ? uselocale(plain) : (locale_t)0;
    report(job, records, n);
    if (plain) {
        uselocale(before);
        freelocale(plain);
    }
}

void ffmk_report_tidy(const struct ffmk_job *job, int rank)
{
    static const enum ffmk_config_id files[] = {FFMK_CONFIG_REPORT, FFMK_CONFIG_CSV};
    static char path[PATH_BYTES];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (path_of(job, files[i], rank, true, path) && *path)
            ffmk_output_tidy(&output, path, job->pid);
}
