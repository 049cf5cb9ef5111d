/* SPDX-License-Identifier: BSD-3-Clause
 * What this machine allows and does not, and what follows from it for ffmk. */
#ifndef FFMK_CLI_MACHINE_H
#define FFMK_CLI_MACHINE_H

#include <jansson.h>

/** A list of {"what", "value", "consequence"}; the caller's. */
json_t *ffmk_machine_describe(void);

#endif
