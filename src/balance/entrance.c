/* SPDX-License-Identifier: BSD-3-Clause
 * An entrance is an attribute of the communicator. */
#include "balance/entrance.h"

#include "core/log.h"

#include <ffmk.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int keyval = MPI_KEYVAL_INVALID;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER; /* the key */

void ffmk_entrance_hold(struct ffmk_entrance *entrance)
{
    __atomic_add_fetch(&entrance->holders, 1, __ATOMIC_ACQ_REL);
}

void ffmk_entrance_leave(struct ffmk_entrance *entrance)
{
    if (__atomic_sub_fetch(&entrance->holders, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (ffmk_team_mpi_runs()) /* MPI_Finalize frees communicators itself */
        PMPI_Comm_free(&entrance->comm);
    free(entrance);
}

static int forget(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm;
    (void)key;
    (void)extra;
    ffmk_entrance_leave(value);
    return MPI_SUCCESS;
}

static int make_key(void)
{
    int code = FFMK_SUCCESS;
    pthread_mutex_lock(&making);
    if (keyval == MPI_KEYVAL_INVALID)
        code = ffmk_team_checked(
            PMPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, forget, &keyval, NULL));
    pthread_mutex_unlock(&making);
    return code;
}

/* Registries that different threads use at once cannot share an entrance. */
static bool threads_overlap(void)
{
    int level = MPI_THREAD_MULTIPLE;
    PMPI_Query_thread(&level);
    return level == MPI_THREAD_MULTIPLE;
}

static int make(MPI_Comm comm, struct ffmk_entrance **entrance_p)
{
    struct ffmk_entrance *entrance = calloc(1, sizeof *entrance);
    int able[2] = {entrance != NULL, !threads_overlap()};
    int code = ffmk_team_checked(PMPI_Allreduce(MPI_IN_PLACE, able, 2, MPI_INT, MPI_MIN, comm));
    if (!code && (!entrance || !able[0]))
        code = FFMK_ERR_NO_MEMORY;
    if (!code)
        code = ffmk_team_checked(PMPI_Comm_dup(comm, &entrance->comm));
    if (code || !entrance) {
        free(entrance);
        return code;
    }
    PMPI_Comm_rank(comm, &entrance->rank);
    entrance->shared = able[1];
    entrance->holders = 1;
    *entrance_p = entrance;
    return ffmk_team_checked(PMPI_Comm_set_attr(comm, keyval, entrance));
}

int ffmk_entrance_of(MPI_Comm comm, struct ffmk_entrance **entrance_p)
{
    int found = 0;
    const int code = make_key();
    if (!code)
        PMPI_Comm_get_attr(comm, keyval, entrance_p, &found);
    return code || found ? code : make(comm, entrance_p);
}

static const char *name_of(uint64_t key)
{
    static const char *const names[] = {[FFMK_ENTRANCE_CREATE] = "ffmk_items_create()",
                                        [FFMK_ENTRANCE_DESTROY] = "ffmk_items_destroy()",
                                        [FFMK_ENTRANCE_PLAN] = "ffmk_balance_plan()",
                                        [FFMK_ENTRANCE_REBALANCE] = "ffmk_rebalance()",
                                        [FFMK_ENTRANCE_MIGRATE] = "ffmk_migrate()",
                                        [FFMK_ENTRANCE_IF_WORTH] = "ffmk_rebalance_if_worth()",
                                        [FFMK_ENTRANCE_CSR] = "ffmk_balance_csr()",
                                        [FFMK_ENTRANCE_QUERY] = "ffmk_balance_query()"};
    return names[(uint32_t)key];
}

/* " of registry 2" where there is one. */
static const char *registry_of(uint64_t key, char text[32])
{
    text[0] = '\0';
    if (key >> 32)
        snprintf(text, 32, " of registry %u", (unsigned)(key >> 32));
    return text;
}

/* One line for all: who makes which call. */
static void tell(const struct ffmk_team *team, uint64_t mine, uint64_t least, uint64_t most)
{
    char one[32], other[32];
    uint64_t ranks[2] = {mine == least ? (uint64_t)team->rank : UINT64_MAX,
                         mine == most ? (uint64_t)team->rank : UINT64_MAX};
    const struct ffmk_team here = {.comm = team->entrance};
    if (ffmk_team_min_u64(&here, ranks, 2) == FFMK_SUCCESS && team->rank == 0)
        ffmk_log_mistake("balance: %s%s on rank %d meets %s%s on rank %d: all ranks must make the "
                         "same call",
                         name_of(least), registry_of(least, one), (int)ranks[0], name_of(most),
                         registry_of(most, other), (int)ranks[1]);
}

int ffmk_entrance_enter(const struct ffmk_team *team, enum ffmk_entrance_call call, int code,
                        uint64_t values[FFMK_ENTRANCE_VALUES])
{
    enum { HEAD = 3, CODES = 1 << 16 };
    const uint64_t mine = (uint64_t)team->number << 32 | (uint64_t)call;
    uint64_t all[HEAD + FFMK_ENTRANCE_VALUES] = {mine, ~mine, (uint64_t)((int64_t)CODES + code)};
    memcpy(all + HEAD, values, FFMK_ENTRANCE_VALUES * sizeof *values);
    const struct ffmk_team here = {.comm = team->entrance};
    const int failed = ffmk_team_min_u64(&here, all, HEAD + FFMK_ENTRANCE_VALUES);
    if (failed)
        return failed;
    memcpy(values, all + HEAD, FFMK_ENTRANCE_VALUES * sizeof *values);
    if (all[0] != ~all[1]) {
        tell(team, mine, all[0], ~all[1]);
        return FFMK_ERR_ARGUMENT;
    }
    return (int)all[2] - CODES;
}
