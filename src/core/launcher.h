/* SPDX-License-Identifier: BSD-3-Clause
 * What the launcher's environment tells before MPI is up. */
#ifndef FFMK_CORE_LAUNCHER_H
#define FFMK_CORE_LAUNCHER_H

#include <stdbool.h>

/** Whether this process is the first rank, or under no launcher we know: it speaks for all. */
bool ffmk_launcher_first_rank(void);

/** "openmpi" or "mpich" when the environment shows whose launcher started us, else NULL. */
const char *ffmk_launcher_mpi(void);

#endif
