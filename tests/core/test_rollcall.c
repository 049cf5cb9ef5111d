/* SPDX-License-Identifier: BSD-3-Clause
 * The roll: processes that come at any time agree whether all are there. */
#include "core/rng.h"
#include "core/rollcall.h"

#include "cases.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RANKS = 3, JOBS = 32, ROUNDS = 3 };
enum outcome { COMPLETE, INCOMPLETE, DISAGREED, BROKEN };

static void sleep_us(uint64_t us)
{
    nanosleep(&(struct timespec){(time_t)(us / 1000000), (long)(us % 1000000) * 1000}, NULL);
}

/* Tells what it found and stays, as ranks do. */
enum ability { CAN_SIGN, CANNOT_WRITE, KNOWS_NOT_WHICH, ABILITIES };

static void be_rank(int rank, uint64_t delay_us, enum ability ability, int tell)
{
    char number[16];
    if (ability == CANNOT_WRITE)
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, 0});
    snprintf(number, sizeof number, "%d", rank);
    prctl(PR_SET_NAME, "rank");
    if (ability != KNOWS_NOT_WHICH)
        setenv("MPI_LOCALRANKID", number, 1);
    sleep_us(delay_us);
    ffmk_rollcall_sign(FFMK_ROLLCALL_MPICH);
    const struct ffmk_rollcall found = ffmk_rollcall_count(RANKS);
    const char outcome = found.expected != RANKS           ? BROKEN
                         : found.present == found.expected ? COMPLETE
                                                           : INCOMPLETE;
    while (write(tell, &outcome, 1) != 1)
        ;
    for (;;)
        pause();
}

/* Ends the process, which is the launcher of a job. The first rank comes at once; the others when
 * its patience of a second is about to end, or together with it. One may not be able to sign. */
static void be_job(uint64_t seed)
{
    uint64_t state = seed;
    pid_t ranks[RANKS];
    int ends[2];
    char all = BROKEN;
    prctl(PR_SET_NAME, "hydra_pmi_proxy");
    setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "2", 1); /* another MPI's job */
    setenv("OMPI_COMM_WORLD_LOCAL_RANK", "0", 1);
    setenv("PMI_RANK", "0", 1);
    setenv("PMI_FD", "0", 1);
    setenv("MPI_LOCALNRANKS", "3", 1);
    if (pipe(ends) != 0)
        _exit(BROKEN);
    for (int r = 0; r < RANKS; r++) {
        const bool late = r > 0 && ffmk_rng_below(&state, 4) > 0;
        const uint64_t delay = ffmk_rng_below(&state, 20000) + (late ? 1000000 : 0);
        const enum ability ability =
            r > 0 || ffmk_rng_below(&state, 3) > 0 ? CAN_SIGN : ffmk_rng_below(&state, ABILITIES);
        ranks[r] = fork();
        if (ranks[r] == 0)
            be_rank(r, delay, ability, ends[1]);
    }
    for (int r = 0; r < RANKS; r++) {
        char one = BROKEN;
        if (read(ends[0], &one, 1) != 1)
            one = BROKEN;
        all = (char)(r == 0 || one == all             ? one
                     : one == BROKEN || all == BROKEN ? BROKEN
                                                      : DISAGREED);
    }
    for (int r = 0; r < RANKS; r++)
        if (ranks[r] > 0)
            kill(ranks[r], SIGKILL);
    _exit(all);
}

static enum outcome outcome_of(pid_t job)
{
    int status;
    return waitpid(job, &status, 0) == job && WIFEXITED(status) ? (enum outcome)WEXITSTATUS(status)
                                                                : BROKEN;
}

START_TEST(all_ranks_agree_however_late_some_come)
{
    int found[BROKEN + 1] = {0};
    for (uint64_t round = 0; round < ROUNDS; round++) {
        pid_t jobs[JOBS];
        for (uint64_t j = 0; j < JOBS; j++) {
            jobs[j] = fork();
            if (jobs[j] == 0)
                be_job(round * JOBS + j);
        }
        for (uint64_t j = 0; j < JOBS; j++) {
            const enum outcome outcome = outcome_of(jobs[j]);
            found[outcome]++;
            if (outcome > INCOMPLETE)
                printf("seed %lu: the ranks %s\n", (unsigned long)(round * JOBS + j),
                       outcome == DISAGREED ? "do not agree" : "failed");
        }
    }
    printf("%d jobs complete, %d not\n", found[COMPLETE], found[INCOMPLETE]);
    fflush(stdout);
    ck_assert_int_eq(found[DISAGREED] + found[BROKEN], 0);
    ck_assert_int_gt(found[COMPLETE], 0);
    ck_assert_int_gt(found[INCOMPLETE], 0);
}
END_TEST

static void put_file(const char *path, time_t age_s)
{
    const struct timespec times[2] = {{time(NULL) - age_s, 0}, {time(NULL) - age_s, 0}};
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* What jobs left that were killed before all of their ranks came, and nothing else. */
START_TEST(old_rolls_are_swept_away)
{
    enum { HOUR_S = 3600, FILES = 4 };
    static const struct {
        const char *format;
        time_t age_s;
        bool stays;
    } files[FILES] = {{"/dev/shm/ffmk-%ld-0123456789%06x", 25 * HOUR_S, false},
                      {"/dev/shm/ffmk-%ld-9876543210%06x", 23 * HOUR_S, true},
                      {"/dev/shm/ffmk-%ld-0123456789%06x.json", 25 * HOUR_S, true},
                      {"/dev/shm/ffmk-%ld-run%06x", 25 * HOUR_S, true}};
    char names[FILES][64];
    bool is_there[FILES];
    for (int i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], files[i].format, (long)getuid(),
                 (unsigned)getpid() & 0xffffff);
        put_file(names[i], files[i].age_s);
    }
    const pid_t job = fork();
    if (job == 0)
        be_job(0);
    ck_assert_int_lt(outcome_of(job), DISAGREED);
    for (int i = 0; i < FILES; i++) {
        is_there[i] = access(names[i], F_OK) == 0;
        unlink(names[i]);
    }
    for (int i = 0; i < FILES; i++)
        ck_assert_msg(is_there[i] == files[i].stays, "%s", names[i]);
}
END_TEST

CASES("rollcall", all_ranks_agree_however_late_some_come, old_rolls_are_swept_away)
