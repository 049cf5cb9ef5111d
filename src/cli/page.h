/* SPDX-License-Identifier: BSD-3-Clause
 * One or two reports as one self-contained HTML page: no network, no other file, readable without
 * scripts. */
#ifndef FFMK_CLI_PAGE_H
#define FFMK_CLI_PAGE_H

#include "cli/load.h"

#include <stdio.h>

/** Write the page. `after` is NULL, or the run to compare with `before`. Whether the stream took it
 * all is asked by the caller. */
void ffmk_page(FILE *out, const struct ffmk_report *before, const struct ffmk_report *after);

#endif
