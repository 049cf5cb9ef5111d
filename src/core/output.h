/* SPDX-License-Identifier: BSD-3-Clause
 * Files that are there whole or not at all, where there is a name for a file. For one thread at a
 * time; needs little of a stack. */
#ifndef FFMK_CORE_OUTPUT_H
#define FFMK_CORE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum { FFMK_OUTPUT_PATH = 4096 };

/** Large: static, where a stack may be small. */
struct ffmk_output {
    FILE *stream;
    char target[FFMK_OUTPUT_PATH];    /* links followed */
    char temporary[FFMK_OUTPUT_PATH]; /* beside it; "" where it is written in place */
};

/** Whether what is at `path` must not be replaced by a file: a device, a pipe, a socket, or the
 * file that is our stdout or stderr. */
bool ffmk_output_is_special(const char *path);

/** Why nothing can be written at `path` as things are, as an errno; 0: nothing speaks against it.
 * It looks only. */
int ffmk_output_trouble(const char *path);

/** The same for a new file in a folder. */
int ffmk_output_folder_trouble(const char *folder);

/** Begin to write what will be at `path`: under a temporary name of process `pid` beside it, so
 * that nobody ever reads half of it and a full disk leaves the old one; in place where that is
 * special. \return false with errno: EISDIR, ENXIO for a pipe that nobody reads, … */
bool ffmk_output_open(struct ffmk_output *output, const char *path, pid_t pid);

/** It is written; unless it is not `good`, give it its name. \return false with errno, and no
 * temporary is left, when it or a step of this is not good; ENOMEM where only the caller thought
 * so. */
bool ffmk_output_close(struct ffmk_output *output, bool good);

/** The same for standard output, which stays open. */
bool ffmk_output_open_stdout(struct ffmk_output *output);

/** Why a step of these failed, in words: of errno behind it. */
const char *ffmk_output_reason(int error);

/** Remove what a process that was ended meanwhile left of one, but for that of a link. */
void ffmk_output_tidy(struct ffmk_output *output, const char *path, pid_t pid);

#endif
