/* SPDX-License-Identifier: BSD-3-Clause
 * Files that are whole or not there: written under a name of their own beside the final one, then
 * renamed. */
#ifndef FFMK_CLI_REPORT_OUTPUT_H
#define FFMK_CLI_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct ffmk_output {
    FILE *stream;
    const char *name; /* as asked for; "-" is standard output */
    char *partial; /* name until it is whole; NULL when written in place (a pipe, a device, "-") */
};

/** Open `name` for writing. \return 0, or -1 after one line that says why not. */
int ffmk_output_open(const char *name, struct ffmk_output *output_p);
/** Close, and give the file its name when everything was written. \return 0, or -1 after one line
 * that says why not. */
int ffmk_output_close(struct ffmk_output *output);

#endif
