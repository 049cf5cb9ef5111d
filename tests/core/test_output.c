/* SPDX-License-Identifier: BSD-3-Clause
 * Files that are there whole or not at all; and what is no file stays what it is. */
#include "core/output.h"

#include "cases.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PID = 7 };
static struct ffmk_output output;
static char folder[] = "/tmp/ffmk-output.XXXXXX";

static int take_away(const char *path, const struct stat *there, int type, struct FTW *at)
{
    (void)there;
    (void)type;
    (void)at;
    return remove(path);
}

static void clean_up(void)
{
    nftw(folder, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

static void in_a_folder(void)
{
    atexit(clean_up);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void holds(const char *path, const char *words)
{
    char text[64] = "";
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(text, words);
}

static void put(const char *path, const char *words)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(words, file);
    ck_assert_int_eq(fclose(file), 0);
}

static bool put_output(const char *path, const char *words, bool good)
{
    if (!ffmk_output_open(&output, path, PID))
        return false;
    fputs(words, output.stream);
    return ffmk_output_close(&output, good);
}

static mode_t kind(const char *path)
{
    struct stat there;
    ck_assert_int_eq(lstat(path, &there), 0);
    return there.st_mode & S_IFMT;
}

static void is_gone(const char *path)
{
    ck_assert_int_eq(access(path, F_OK), -1);
}

START_TEST(whole_or_not_at_all)
{
    in_a_folder();
    put("run", "old");
    ck_assert(ffmk_output_open(&output, "run", PID));
    fputs("half", output.stream);
    fflush(output.stream);
    holds("run", "old");
    holds("run.7.tmp", "half");
    ck_assert(!ffmk_output_close(&output, false));
    ck_assert_int_eq(errno, ENOMEM);
    is_gone("run.7.tmp");
    holds("run", "old");
    ck_assert(put_output("run", "new", true));
    holds("run", "new");
    is_gone("run.7.tmp");
    ck_assert(ffmk_output_open(&output, "run", PID));
    ffmk_output_tidy(&output, "run", PID);
    is_gone("run.7.tmp");
    ck_assert(!put_output("nowhere/run", "new", true));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(links_stay)
{
    in_a_folder();
    mkdir("far", 0700);
    put("far/run", "old");
    ck_assert_int_eq(symlink("far/run", "link"), 0);
    ck_assert_int_eq(symlink("far/new", "loose"), 0);
    ck_assert(put_output("link", "new", true));
    ck_assert(put_output("loose", "new", true));
    ck_assert_uint_eq(kind("link"), S_IFLNK);
    ck_assert_uint_eq(kind("loose"), S_IFLNK);
    holds("far/run", "new");
    holds("far/new", "new");
}
END_TEST

START_TEST(what_is_no_file)
{
    in_a_folder();
    mkdir("folder", 0700);
    ck_assert(!put_output("folder", "new", true));
    ck_assert_int_eq(errno, EISDIR);
    ck_assert(!put_output("folder/", "new", true));
    ck_assert_int_eq(errno, EISDIR);

    char words[8] = "";
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    ck_assert(ffmk_output_is_special("pipe"));
    ck_assert(!put_output("pipe", "new", true));
    ck_assert_int_eq(errno, ENXIO);
    const int reader = open("pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert(put_output("pipe", "new", true));
    ck_assert_int_eq(read(reader, words, sizeof words), 3);
    ck_assert_uint_eq(kind("pipe"), S_IFIFO);

    if (mknod("full", S_IFCHR | 0600, 1 << 8 | 7) != 0) {
        printf("not tried: devices, which only the superuser makes\n");
        return;
    }
    ck_assert(!put_output("full", "new", true));
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_uint_eq(kind("full"), S_IFCHR);
}
END_TEST

static int trouble_for_nobody(const char *path)
{
    enum { NOBODY = 65534 };
    if (geteuid() == 0 && seteuid(NOBODY) != 0)
        return -1;
    const int trouble = ffmk_output_trouble(path);
    return getuid() == 0 && seteuid(0) != 0 ? -1 : trouble;
}

/* As with --report /dev/stdout >out: what stands in it, and what follows, stays. */
START_TEST(our_own_stdout)
{
    in_a_folder();
    fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    const int out = open("out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(out, STDOUT_FILENO);
    ck_assert_int_eq(write(STDOUT_FILENO, "one ", 4), 4);
    const bool good = put_output("/dev/stdout", "two ", true);
    const int trouble = trouble_for_nobody("/dev/stdout"); /* it is open, whosever it is */
    ck_assert_int_eq(write(STDOUT_FILENO, "three", 5), 5);
    dup2(before, STDOUT_FILENO);
    ck_assert(good);
    ck_assert_int_eq(trouble, 0);
    holds("out", "one two three");
}
END_TEST

/* What lies at the temporary's name is not written into, and what was private stays so. */
START_TEST(nobody_elses_file)
{
    struct stat there;
    in_a_folder();
    put("victim", "its own");
    ck_assert_int_eq(symlink("victim", "run.7.tmp"), 0);
    put("run", "old");
    ck_assert_int_eq(chmod("run", 0600), 0);
    ck_assert(put_output("run", "new", true));
    holds("victim", "its own");
    holds("run", "new");
    ck_assert_uint_eq(kind("run"), S_IFREG);
    ck_assert_int_eq(stat("run", &there), 0);
    ck_assert_uint_eq(there.st_mode & 0777, 0600);
}
END_TEST

START_TEST(trouble_is_seen_ahead)
{
    in_a_folder();
    mkdir("open", 0700);
    mkdir("shut", 0500);
    put("read-only", "old");
    ck_assert_int_eq(chmod("read-only", 0444), 0);
    ck_assert_int_eq(ffmk_output_trouble("open/run"), 0);
    ck_assert_int_eq(ffmk_output_trouble("run"), 0);
    ck_assert_int_eq(ffmk_output_trouble("open"), EISDIR);
    ck_assert_int_eq(ffmk_output_trouble("none/run"), ENOENT);
    ck_assert_int_eq(ffmk_output_trouble("none/"), ENOENT);
    ck_assert_int_eq(ffmk_output_trouble("read-only/run"), ENOTDIR);
    ck_assert_int_eq(chmod(".", 0755), 0);
    ck_assert_int_eq(trouble_for_nobody("shut/run"), EACCES);
    ck_assert_int_eq(trouble_for_nobody("read-only"), EACCES);
    ck_assert_int_eq(trouble_for_nobody("/dev/null"), 0);
}
END_TEST

CASES("output", whole_or_not_at_all, links_stay, what_is_no_file, our_own_stdout, nobody_elses_file,
      trouble_is_seen_ahead)
