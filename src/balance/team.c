/* SPDX-License-Identifier: BSD-3-Clause
 * Agreement by reductions. */
#include "balance/team.h"

#include "core/log.h"

#include <ffmk.h>

bool ffmk_team_mpi_runs(void)
{
    int initialised = 0, finalised = 0;
    PMPI_Initialized(&initialised);
    if (initialised)
        PMPI_Finalized(&finalised);
    return initialised && !finalised;
}

int ffmk_team_checked(int mpi_code)
{
    if (mpi_code == MPI_SUCCESS)
        return FFMK_SUCCESS;
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length;
    PMPI_Error_string(mpi_code, text, &length);
    ffmk_log("balance: MPI failed: %s", text);
    return FFMK_ERR_MPI;
}

/* MPICH declares the statuses as an array, and MPI_STATUSES_IGNORE is none: gcc warns of every use.
 */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#endif
int ffmk_team_wait(int n, MPI_Request *requests)
{
    return ffmk_team_checked(PMPI_Waitall(n, requests, MPI_STATUSES_IGNORE));
}

int ffmk_team_test(int n, MPI_Request *requests, int *complete_p)
{
    return ffmk_team_checked(PMPI_Testall(n, requests, complete_p, MPI_STATUSES_IGNORE));
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

int ffmk_team_least(const struct ffmk_team *team, int code)
{
    const int failed =
        ffmk_team_checked(PMPI_Allreduce(MPI_IN_PLACE, &code, 1, MPI_INT, MPI_MIN, team->comm));
    return failed ? failed : code;
}

int ffmk_team_max(const struct ffmk_team *team, double *values, int n)
{
    return ffmk_team_checked(
        PMPI_Allreduce(MPI_IN_PLACE, values, n, MPI_DOUBLE, MPI_MAX, team->comm));
}

int ffmk_team_min_u64(const struct ffmk_team *team, uint64_t *values, int n)
{
    /* MPICH 4.0.2 compares MPI_UINT64_T as signed numbers, Open MPI 4.1.4 does MPI_UNSIGNED_LONG:
     * hand them signed numbers in the same order. */
    static const uint64_t SHIFT = UINT64_C(1) << 63;
    for (int i = 0; i < n; i++)
        values[i] ^= SHIFT;
    const int code = ffmk_team_checked(
        PMPI_Allreduce(MPI_IN_PLACE, values, n, MPI_INT64_T, MPI_MIN, team->comm));
    for (int i = 0; i < n; i++)
        values[i] ^= SHIFT;
    return code;
}

int ffmk_team_sum(const struct ffmk_team *team, double *values, int n)
{
    /* An allreduce may add in another order on each rank; a broadcast cannot differ. */
    const int failed = ffmk_team_checked(PMPI_Reduce(
        team->rank == 0 ? MPI_IN_PLACE : values, values, n, MPI_DOUBLE, MPI_SUM, 0, team->comm));
    return failed ? failed : ffmk_team_checked(PMPI_Bcast(values, n, MPI_DOUBLE, 0, team->comm));
}

int ffmk_team_sum_u64(const struct ffmk_team *team, uint64_t *values, int n)
{
    return ffmk_team_checked(
        PMPI_Allreduce(MPI_IN_PLACE, values, n, MPI_UINT64_T, MPI_SUM, team->comm));
}
