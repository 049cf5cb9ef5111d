/* SPDX-License-Identifier: BSD-3-Clause
 * Where the output of `ffmk sim` goes: a file, or standard output. */
#include "cli/cli.h"
#include "cli/sim.h"
#include "core/log.h"
#include "core/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int cannot_write(const char *name, int error)
{
    ffmk_log("cannot write %s: %s", name, ffmk_output_reason(error));
    return FFMK_EXIT_FAILED;
}

static int put(const char *name, const char *text, size_t bytes)
{
    static struct ffmk_output output;
    const bool is_stdout = strcmp(name, "-") == 0;
    if (is_stdout ? ffmk_output_open_stdout(&output) : ffmk_output_open(&output, name, getpid())) {
        const bool written = fwrite(text, 1, bytes, output.stream) == bytes;
        const int error = errno;
        if (ffmk_output_close(&output, true))
            return 0;
        if (!written)
            errno = error;
    }
    return cannot_write(is_stdout ? "to standard output" : name, errno);
}

int ffmk_sim_write(const char *name, bool (*write)(FILE *out, const void *words), const void *words)
{
    const int trouble = strcmp(name, "-") == 0 ? 0 : ffmk_output_trouble(name);
    if (trouble)
        return cannot_write(name, trouble);
    char *text = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&text, &bytes);
    if (!memory)
        return cannot_write(name, errno);
    int code = write(memory, words) ? 0 : FFMK_EXIT_FAILED;
    if (fclose(memory) != 0 && !code)
        code = cannot_write(name, errno);
    if (!code)
        code = put(name, text, bytes);
    free(text);
    return code;
}
