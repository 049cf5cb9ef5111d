/* SPDX-License-Identifier: BSD-3-Clause
 * Which of a job's ranks on this host run under ffmk. */
#include "core/rollcall.h"

#include "core/launcher.h"
#include "core/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096, PATIENCE_NS = 1000000000 };

static struct {
    int file;
    int expected;
    pid_t signer;
    char path[160];
} roll = {.file = -1};

/* ---- which job this is ---- */

static uint64_t mix(uint64_t hash, const char *text)
{
    for (; text && *text; text++)
        hash = ffmk_rng_mix(hash ^ (uint64_t)(unsigned char)*text);
    return hash;
}

/* Name, parent and begin of a process, from /proc. */
static bool process(long pid, char name[32], long *parent, unsigned long long *begun)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    const size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *open = strchr(text, '(');
    const char *close = strrchr(text, ')'); /* the name may hold anything */
    if (!open || !close || close - open > 31)
        return false;
    snprintf(name, 32, "%.*s", (int)(close - open - 1), open + 1);
    /* Behind the name: the third field, state; the fourth, parent; … the 22nd, begin (proc(5)). */
    const char *at = close + 1;
    *parent = 0;
    for (int field = 3; field < 22; field++) {
        at += strspn(at, " ");
        if (field == 4)
            *parent = strtol(at, NULL, 10);
        at += strcspn(at, " ");
    }
    *begun = strtoull(at, NULL, 10);
    return *begun > 0;
}

/* Process `pid` as one number if it has one of `names`, else 0; and its parent, or 0. */
static uint64_t launcher(long pid, const char *const *names, long *parent)
{
    char name[32];
    unsigned long long begun;
    *parent = 0;
    if (pid <= 0 || !process(pid, name, parent, &begun))
        return 0;
    while (*names && strcmp(name, *names) != 0)
        names++;
    return *names ? ffmk_rng_mix((uint64_t)pid) ^ begun : 0;
}

static uint64_t launcher_above(const char *const *names)
{
    uint64_t found = 0;
    long pid = (long)getpid();
    for (int up = 0; !found && up < 16 && pid > 0; up++)
        found = launcher(pid, names, &pid);
    return found;
}

/* The process that PMI_FD leads to. */
static long hydra_proxy(void)
{
    const char *text = getenv("PMI_FD");
    struct ucred peer;
    socklen_t length = sizeof peer;
    return text && getsockopt((int)strtol(text, NULL, 10), SOL_SOCKET, SO_PEERCRED, &peer,
                              &length) == 0
               ? (long)peer.pid
               : 0;
}

/* The process whose folder PMIX_SERVER_TMPDIR is: its name ends with "pid." and a number. */
static long pmix_server(void)
{
    const char *folder = getenv("PMIX_SERVER_TMPDIR");
    const char *number = folder ? strstr(folder, "/pid.") : NULL;
    return number ? strtol(number + strlen("/pid."), NULL, 10) : 0;
}

/* The launcher's process that started this host's ranks, as one number; 0 when we cannot see it:
 * with process numbers of its own, as in a container, a rank cannot see the others either. `pid` is
 * the one that the environment tells of: a rank that a script left to itself has no such ancestor.
 */
static uint64_t find_launcher(long pid, const char *const *names)
{
    long parent;
    const uint64_t told = launcher(pid, names, &parent);
    return told ? told : launcher_above(names);
}

/* The job's name, the same for its ranks on this host and for nobody else, and how many they are.
 */
static bool identify(uint64_t *job, int *expected)
{
    static const char *const open_mpi[] = {
        "mpirun", "mpirun.openmpi", "mpiexec", "mpiexec.openmpi", "orterun",
        "orted",  "prterun",        "prte",    "prted",           NULL};
    static const char *const hydra[] = {"hydra_pmi_proxy", NULL};
    const char *ranks = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    const char *name = getenv("PMIX_NAMESPACE");
    const char *programs = getenv("OMPI_NUM_APP_CTX");
    if (ranks && name) {
        if (programs && strcmp(programs, "1") != 0)
            return false; /* each program is a job of its own, and their ranks here are not told */
        *job = find_launcher(pmix_server(), open_mpi)
                   ? mix(mix(mix(1, name), getenv("PMIX_SERVER_URI2")), getenv("PMIX_SERVER_URI3"))
                   : 0;
    } else {
        /* Hydra gives its jobs no name. */
        ranks = getenv("MPI_LOCALNRANKS");
        *job = find_launcher(hydra_proxy(), hydra);
    }
    *expected = ranks ? (int)strtol(ranks, NULL, 10) : 0;
    return *job && *expected > 0 && *expected <= MOST;
}

/* ---- signing and counting ---- */

/* What a process writes: its number, and that it will not come, or waits no more. */
#define ABSENT (UINT64_C(1) << 63)
#define CLOSED (UINT64_C(1) << 62)

static bool write_down(int file, uint64_t mark)
{
    const uint64_t signature = (uint64_t)getpid() | mark;
    return write(file, &signature, sizeof signature) == sizeof signature;
}

struct reading {
    int present;
    int absent;
    pid_t first_present;
    pid_t first_absent;
    bool closed;
};

/* What processes wrote that are alive: a file may remain of a job that was killed. What comes after
 * somebody closed the roll does not count. */
static struct reading read_roll(void)
{
    static uint64_t signatures[2 * MOST];
    struct reading found = {0};
    const ssize_t bytes = pread(roll.file, signatures, sizeof signatures, 0);
    for (ssize_t i = 0; i < bytes / (ssize_t)sizeof *signatures && !found.closed; i++) {
        const pid_t pid = (pid_t)(signatures[i] & ~(ABSENT | CLOSED));
        if (kill(pid, 0) != 0 && errno == ESRCH)
            continue;
        if (signatures[i] & CLOSED)
            found.closed = true;
        else if (signatures[i] & ABSENT)
            found.first_absent = found.absent++ == 0 ? pid : found.first_absent;
        else
            found.first_present = found.present++ == 0 ? pid : found.first_present;
    }
    return found;
}

static bool all_wrote(struct reading found)
{
    return found.present + found.absent >= roll.expected;
}

/* Nobody else's file, and not one that those before have just left behind: then again. */
static int open_roll(void)
{
    for (int tries = 0; tries < 3; tries++) {
        struct stat stat;
        const int file =
            open(roll.path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file < 0)
            return -1;
        const bool known = fstat(file, &stat) == 0;
        if (known && S_ISREG(stat.st_mode) && stat.st_uid == getuid() && stat.st_nlink == 1)
            return file;
        close(file);
        if (!known || stat.st_nlink != 0)
            return -1;
    }
    return -1;
}

static void sign(uint64_t mark)
{
    uint64_t job;
    if (roll.file >= 0 || !identify(&job, &roll.expected))
        return;
    snprintf(roll.path, sizeof roll.path, "%s/ffmk-%ld-%016llx",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getuid(),
             (unsigned long long)job);
    const int file = open_roll();
    if (file < 0)
        return;
    if (!write_down(file, mark)) {
        close(file);
        return;
    }
    roll.file = file;
    roll.signer = getpid();
    /* All have it open: it need not be seen, nor remain if the job is killed. */
    if (all_wrote(read_roll()))
        unlink(roll.path);
}

void ffmk_rollcall_sign(void)
{
    sign(0);
}

bool ffmk_rollcall_sign_off(void)
{
    sign(ABSENT);
    return roll.file >= 0 ? read_roll().first_absent == getpid() : ffmk_launcher_first_rank();
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct ffmk_rollcall ffmk_rollcall_count(int ranks)
{
    if (roll.file < 0 || roll.expected > ranks) {
        ffmk_rollcall_leave();
        return (struct ffmk_rollcall){0};
    }
    const uint64_t patient_until = now_ns() + PATIENCE_NS;
    struct reading found;
    for (;;) {
        found = read_roll();
        if (found.closed || all_wrote(found))
            break;
        if (now_ns() < patient_until)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        else if (!write_down(roll.file, CLOSED))
            break;
    }
    ffmk_rollcall_leave();
    return (struct ffmk_rollcall){found.present, roll.expected, found.first_present == getpid()};
}

/* Also where MPI_Init ends the process. A forked one leaves its parent's roll alone. */
__attribute__((destructor)) void ffmk_rollcall_leave(void)
{
    if (roll.file < 0 || roll.signer != getpid())
        return;
    unlink(roll.path); /* whoever still counts has it open */
    close(roll.file);
    roll.file = -1;
}
