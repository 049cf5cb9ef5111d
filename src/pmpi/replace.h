/* SPDX-License-Identifier: BSD-3-Clause
 * Leads the doors of collective calls to our own operations, in every language. */
#ifndef FFMK_PMPI_REPLACE_H
#define FFMK_PMPI_REPLACE_H

#include "job/engine.h"

/** MPI is up and the engine there: what the environment wants replaced is from now on. */
void ffmk_replace_collectives(const struct ffmk_config *config, const struct ffmk_engine *now);

#endif
