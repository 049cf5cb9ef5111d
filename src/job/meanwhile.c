/* SPDX-License-Identifier: BSD-3-Clause
 * What a rank that waits in one of our operations does for MPI. */
#include "job/meanwhile.h"

#include "gossip/net/patience.h"

#include <stddef.h>

int ffmk_meanwhile_no_status(void *extra, MPI_Status *status)
{
    (void)extra;
    PMPI_Status_set_elements(status, MPI_BYTE, 0);
    PMPI_Status_set_cancelled(status, 0);
    status->MPI_SOURCE = MPI_UNDEFINED;
    status->MPI_TAG = MPI_UNDEFINED;
    return MPI_SUCCESS;
}

static int no_free(void *extra)
{
    (void)extra;
    return MPI_SUCCESS;
}

static int no_cancel(void *extra, int complete)
{
    (void)extra;
    (void)complete;
    return MPI_SUCCESS;
}

/* A request that is never complete makes MPI go on without a communicator, whose ranks may be dead.
 */
void ffmk_meanwhile(bool last)
{
    static _Thread_local MPI_Request request;
    static _Thread_local bool begun;
    if (!last && !begun)
        begun = PMPI_Grequest_start(ffmk_meanwhile_no_status, no_free, no_cancel, NULL, &request) ==
                MPI_SUCCESS;
    if (!begun)
        return;
    if (!last) {
        int complete;
        PMPI_Test(&request, &complete, MPI_STATUS_IGNORE);
        return;
    }
    PMPI_Grequest_complete(request);
    PMPI_Wait(&request, MPI_STATUS_IGNORE);
    begun = false;
}

void ffmk_meanwhile_wait(bool (*is_complete)(void *subject), void *subject)
{
    struct ffmk_patience patience = {.spins = FFMK_PATIENCE_CROWDED};
    bool long_wait = false;
    while (!is_complete(subject)) {
        ffmk_patience_wait(&patience);
        if (patience.looks < patience.spins)
            continue;
        ffmk_meanwhile(false);
        long_wait = true;
    }
    if (long_wait)
        ffmk_meanwhile(true);
}
