/* SPDX-License-Identifier: BSD-3-Clause
 * What a call moves, when it is not what the one before it moved. */
#include "pmpi/account.h"

#include "pmpi/lifecycle.h"

/* Open MPI's handles are addresses, MPICH's numbers. */
static uint64_t place_of(uint64_t handle)
{
    return handle ^ (handle >> 4) ^ (handle >> 9);
}

uint64_t ffmk_account_size_other(struct ffmk_recorder *recorder, uint64_t datatype)
{
    ffmk_recorder_forget(recorder);
    struct ffmk_size_entry *entry = &recorder->sizes[place_of(datatype) % FFMK_SIZE_CACHE];
    if (entry->datatype != datatype)
        *entry = (struct ffmk_size_entry){datatype, ffmk_lifecycle_engine()->type_size(datatype)};
    recorder->recent = *entry;
    return entry->bytes;
}

const struct ffmk_comm_map *ffmk_account_map_miss(struct ffmk_recorder *recorder, uint64_t comm)
{
    ffmk_recorder_forget(recorder);
    struct ffmk_comm_entry *entry = &recorder->comms[place_of(comm) % FFMK_COMM_CACHE];
    if (entry->comm != comm)
        *entry = (struct ffmk_comm_entry){comm, ffmk_lifecycle_engine()->comm_map(comm)};
    recorder->recent_comm = *entry;
    /* Without a matrix no call is to find its peers ahead. */
    recorder->peers = (struct ffmk_peers){recorder->lanes ? comm : UINT64_MAX, entry->map->world,
                                          entry->map->size};
    return entry->map;
}
