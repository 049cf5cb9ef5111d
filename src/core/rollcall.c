/* SPDX-License-Identifier: BSD-3-Clause
 * Which of a job's ranks on this host run under ffmk. */
#include "core/rollcall.h"

#include "core/launcher.h"
#include "core/process.h"
#include "core/quiet.h"
#include "core/rng.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
    int rank;  /* among those of this host */
    bool mute; /* it cannot sign, but others may have signed */
    pid_t signer;
    char path[512];
} roll = {.file = -1};

/* ---- which job this is ---- */

static uint64_t mix(uint64_t hash, const char *text)
{
    for (; text && *text; text++)
        hash = ffmk_rng_mix(hash ^ (uint64_t)(unsigned char)*text);
    return hash;
}

/* Process `pid` as one number if it is Hydra's proxy, which starts the ranks of a host, else 0; and
 * its parent, or 0. */
static uint64_t proxy(pid_t pid, pid_t *parent)
{
    struct ffmk_process process;
    *parent = 0;
    if (!ffmk_process_look(pid, &process))
        return 0;
    *parent = process.parent;
    return strcmp(process.name, "hydra_pmi_proxy") == 0
               ? ffmk_rng_mix((uint64_t)pid) ^ process.begun
               : 0;
}

/* The process that PMI_FD leads to: a rank that a script left to itself has it not above. */
static pid_t peer(const char *descriptor)
{
    struct ucred other;
    socklen_t length = sizeof other;
    return descriptor && getsockopt((int)strtol(descriptor, NULL, 10), SOL_SOCKET, SO_PEERCRED,
                                    &other, &length) == 0
               ? other.pid
               : 0;
}

/* 0 when we cannot see it: with process numbers of its own, as in a container, a rank cannot see
 * the others either. */
static uint64_t find_proxy(void)
{
    pid_t pid = getpid();
    pid_t parent;
    uint64_t found = proxy(peer(getenv("PMI_FD")), &parent);
    for (int up = 0; !found && up < 16 && pid > 0; up++)
        found = proxy(pid, &pid);
    return found;
}

/* ---- what launchers tell ---- */

/* `text` as a number below `limit`, or -1. */
static int number(const char *text, int limit)
{
    char *end;
    const long n = text ? strtol(text, &end, 10) : -1;
    return text && end != text && *end == '\0' && n >= 0 && n < limit ? (int)n : -1;
}

/* The launcher's own folder for the job on this host. Whoever has it not in sight is in a
 * container, and has not the others' files either. */
static bool find_openmpi(uint64_t *job, const char **folder)
{
    struct stat stat;
    const char *name = getenv("PMIX_NAMESPACE");
    const char *programs = getenv("OMPI_NUM_APP_CTX");
    *folder = getenv("PMIX_SERVER_TMPDIR");
    if (!name || !*folder || lstat(*folder, &stat) != 0 || !S_ISDIR(stat.st_mode) ||
        stat.st_uid != getuid())
        return false;
    if (programs && strcmp(programs, "1") != 0)
        return false; /* each program is a job of its own, and their ranks here are not told */
    *job = mix(mix(mix(1, name), getenv("PMIX_SERVER_URI2")), getenv("PMIX_SERVER_URI3"));
    return true;
}

static bool is_roll(const char *name)
{
    enum { DIGITS = 16 };
    char begin[32];
    const size_t length = (size_t)snprintf(begin, sizeof begin, "ffmk-%ld-", (long)getuid());
    return strncmp(name, begin, length) == 0 &&
           strspn(name + length, "0123456789abcdef") == DIGITS && !name[length + DIGITS];
}

/* Rolls of jobs that were killed before all came lie in a folder that outlives them. */
static void sweep(const char *folder)
{
    enum { OLD_S = 24 * 60 * 60 };
    DIR *list = opendir(folder);
    if (!list)
        return;
    for (const struct dirent *entry; (entry = readdir(list));) {
        struct stat stat;
        if (is_roll(entry->d_name) &&
            fstatat(dirfd(list), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(stat.st_mode) && stat.st_uid == getuid() && time(NULL) - stat.st_mtime > OLD_S)
            unlinkat(dirfd(list), entry->d_name, 0);
    }
    closedir(list);
}

/* Hydra gives its jobs no name. What MPI needs must be there, too: a program that a rank's script
 * starts may have been cut off from the job. */
static bool find_hydra(uint64_t *job, const char **folder)
{
    if (!getenv("PMI_RANK") || !(getenv("PMI_FD") || getenv("PMI_PORT")))
        return false;
    *job = find_proxy();
    *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    if (roll.rank == 0)
        sweep(*folder);
    return *job != 0;
}

/* The roll's name, the same for the job's ranks on this host and for nobody else; how many they
 * are, and which one this is. */
static bool identify(enum ffmk_rollcall_mpi mpi)
{
    const bool openmpi = mpi == FFMK_ROLLCALL_OPENMPI;
    uint64_t job;
    const char *folder;
    const int ranks = roll.expected =
        number(getenv(openmpi ? "OMPI_COMM_WORLD_LOCAL_SIZE" : "MPI_LOCALNRANKS"), MOST + 1);
    roll.rank = number(getenv(openmpi ? "OMPI_COMM_WORLD_LOCAL_RANK" : "MPI_LOCALRANKID"), ranks);
    roll.mute = ranks > 1 && roll.rank < 0; /* a launcher tells both: this is what is left of it */
    if (ranks <= 0 || roll.rank < 0 ||
        !(openmpi ? find_openmpi(&job, &folder) : find_hydra(&job, &folder)))
        return false;
    return snprintf(roll.path, sizeof roll.path, "%s/ffmk-%ld-%016llx", folder, (long)getuid(),
                    (unsigned long long)job) < (int)sizeof roll.path;
}

/* ---- signing and counting ---- */

/* What a process writes: its rank, and that it will not come, or waits no more. */
#define ABSENT (UINT32_C(1) << 31)
#define CLOSED (UINT32_C(1) << 30)

static bool write_down(int file, uint32_t mark)
{
    const uint32_t signature = (uint32_t)roll.rank | mark;
    struct ffmk_quiet quiet;
    ffmk_quiet_begin(&quiet);
    const bool written = write(file, &signature, sizeof signature) == sizeof signature;
    ffmk_quiet_end(&quiet);
    return written;
}

struct reading {
    int present;
    int absent;
    int first_present;
    int first_absent;
    bool closed;
};

/* What a rank writes first counts. Not what comes after somebody closed the roll. */
static struct reading read_roll(void)
{
    static uint32_t signatures[2 * MOST];
    static bool wrote[MOST];
    struct reading found = {.first_present = -1, .first_absent = -1};
    const ssize_t bytes = pread(roll.file, signatures, sizeof signatures, 0);
    memset(wrote, 0, sizeof wrote);
    for (ssize_t i = 0; i < bytes / (ssize_t)sizeof *signatures && !found.closed; i++) {
        const int rank = (int)(signatures[i] & ~(ABSENT | CLOSED));
        if (signatures[i] & CLOSED) {
            found.closed = true;
        } else if (rank < roll.expected && !wrote[rank]) {
            wrote[rank] = true;
            if (signatures[i] & ABSENT)
                found.first_absent = found.absent++ == 0 ? rank : found.first_absent;
            else
                found.first_present = found.present++ == 0 ? rank : found.first_present;
        }
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

/* What keeps this process from opening the roll, and perhaps not the others. */
static bool lacks_something(int reason)
{
    return reason == ENOSPC || reason == EDQUOT || reason == EMFILE || reason == ENFILE ||
           reason == ENOMEM;
}

static void sign(enum ffmk_rollcall_mpi mpi, uint32_t mark)
{
    if (roll.file >= 0 || roll.mute || !identify(mpi))
        return;
    const int file = open_roll();
    if (file < 0) {
        roll.mute = lacks_something(errno);
        return;
    }
    if (!write_down(file, mark)) {
        roll.mute = true;
        close(file);
        return;
    }
    roll.file = file;
    roll.signer = getpid();
    /* All have it open: it need not be seen, nor remain if the job is killed. */
    if (all_wrote(read_roll()))
        unlink(roll.path);
}

void ffmk_rollcall_sign(enum ffmk_rollcall_mpi mpi)
{
    sign(mpi, 0);
}

bool ffmk_rollcall_sign_off(enum ffmk_rollcall_mpi mpi)
{
    sign(mpi, ABSENT);
    return roll.file >= 0 ? read_roll().first_absent == roll.rank : ffmk_launcher_first_rank();
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct ffmk_rollcall ffmk_rollcall_count(int ranks)
{
    if (roll.mute && roll.expected <= ranks)
        return (struct ffmk_rollcall){.expected = roll.expected, .first = roll.rank == 0};
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
    return (struct ffmk_rollcall){found.present, roll.expected, found.first_present == roll.rank};
}

/* Also where MPI_Init ends the process. A forked one leaves its parent's roll alone. */
__attribute__((destructor)) void ffmk_rollcall_leave(void)
{
    if (roll.file < 0 || roll.signer != getpid())
        return;
    if (!all_wrote(
            read_roll()))  /* else the last one did, and this name may be the next program's */
        unlink(roll.path); /* whoever still counts has it open */
    close(roll.file);
    roll.file = -1;
}
