/* SPDX-License-Identifier: BSD-3-Clause
 * Opens and closes what the command writes. A failed step must not leave a final name. */
#include "cli/report_output.h"

#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ffmk_output_open(const char *name, struct ffmk_output *output_p)
{
    struct ffmk_output output = {.name = name};
    if (strcmp(name, "-") == 0) {
        output.stream = stdout;
        *output_p = output;
        return 0;
    }
    struct stat status;
    bool exists = lstat(name, &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) {
        ffmk_log("cannot write %s: it is a directory; name a file in it", name);
        return -1;
    }
    if (exists && access(name, W_OK) != 0) {
        ffmk_log("cannot write %s: %s", name, strerror(errno));
        return -1;
    }
    if (!exists || S_ISREG(status.st_mode)) {
        size_t bytes = strlen(name) + 32;
        output.partial = malloc(bytes);
        if (!output.partial) {
            ffmk_log("cannot write %s: out of memory", name);
            return -1;
        }
        snprintf(output.partial, bytes, "%s.%ld.part", name, (long)getpid());
    }
    output.stream = fopen(output.partial ? output.partial : name, "w");
    if (!output.stream) {
        ffmk_log("cannot write %s: %s", name, strerror(errno));
        free(output.partial);
        return -1;
    }
    *output_p = output;
    return 0;
}

int ffmk_output_close(struct ffmk_output *output)
{
    errno = 0;
    bool good = fflush(output->stream) == 0 && !ferror(output->stream);
    int error = errno;
    if (output->stream != stdout && fclose(output->stream) != 0 && good) {
        good = false;
        error = errno;
    }
    if (good && output->partial && rename(output->partial, output->name) != 0) {
        good = false;
        error = errno;
    }
    if (!good) {
        ffmk_log("cannot write %s: %s",
                 strcmp(output->name, "-") == 0 ? "to standard output" : output->name,
                 error ? strerror(error) : "the write failed");
        if (output->partial)
            unlink(output->partial);
    }
    free(output->partial);
    output->partial = NULL;
    return good ? 0 : -1;
}
