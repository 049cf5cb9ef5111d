/* SPDX-License-Identifier: BSD-3-Clause
 * The one way to refuse a word. */
#include "cli/cli.h"

#include "core/config.h"
#include "core/log.h"

#include <string.h>

int ffmk_cli_unknown(const char *kind, const char *word, const char *const *names, size_t count)
{
    const char *nearest = ffmk_config_nearest(word, names, count);
    const char *article = strchr("aeiou", kind[0]) ? "an" : "a";
    const char *subcommand = strstr(kind, "ffmk "); /* "option of ffmk run": it lists its own */
    if (nearest)
        ffmk_log("'%s' is not %s %s; did you mean '%s'?", word, article, kind, nearest);
    else
        ffmk_log("'%s' is not %s %s; `%s --help` lists them", word, article, kind,
                 subcommand ? subcommand : "ffmk");
    return FFMK_EXIT_USAGE;
}
