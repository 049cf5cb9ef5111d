/* SPDX-License-Identifier: BSD-3-Clause
 * What stands in for MPI's collective calls in unmodified programs. */
#ifndef FFMK_JOB_REPLACE_H
#define FFMK_JOB_REPLACE_H

#include "job/engine.h"

/** See struct ffmk_engine. */
void (*ffmk_replacement(enum ffmk_replaced call))(void);

#endif
