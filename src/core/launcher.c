/* SPDX-License-Identifier: BSD-3-Clause
 * What the launcher's environment tells before MPI is up. */
#include "core/launcher.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool ffmk_launcher_first_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                        "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *rank = getenv(names[i]);
        if (rank)
            return strcmp(rank, "0") == 0;
    }
    return true;
}

const char *ffmk_launcher_mpi(void)
{
    if (getenv("OMPI_COMM_WORLD_RANK"))
        return "openmpi";
    /* Hydra's; a batch system's PMI may serve either MPI. */
    if (getenv("PMI_FD") || getenv("PMI_PORT") || getenv("HYDI_CONTROL_FD"))
        return "mpich";
    return NULL;
}
