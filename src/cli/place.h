/* SPDX-License-Identifier: BSD-3-Clause
 * Whether a file can be written where a setting says, as far as that is known before the program
 * runs. It looks only; it must not create or open anything. */
#ifndef FFMK_CLI_PLACE_H
#define FFMK_CLI_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/** Look at the place that `text` names, which may hold %h, %r and %j: what they stand for is known
 * only to the job. Devices and pipes are taken for what the user wants.
 * \param moves the program may go to another folder first: relative names say nothing
 * \param reason_p set when false is returned, without a newline: what is wrong with it. */
bool ffmk_place_fits(const char *text, bool moves, char *reason_p, size_t reason_bytes);

#endif
