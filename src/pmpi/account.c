/* SPDX-License-Identifier: BSD-3-Clause
 * What a call moves, when it is not what the one before it moved. */
#include "pmpi/account.h"

#include "pmpi/lifecycle.h"

uint64_t ffmk_account_size_miss(struct ffmk_recorder *recorder, uint64_t datatype)
{
    ffmk_recorder_forget(recorder);
    const uint64_t bytes = ffmk_lifecycle_engine()->type_size(datatype);
    recorder->sizes[ffmk_handle_place(datatype) % FFMK_SIZE_CACHE] =
        (struct ffmk_size_entry){datatype, bytes};
    return bytes;
}

const struct ffmk_comm_map *ffmk_account_map_miss(struct ffmk_recorder *recorder, uint64_t comm)
{
    ffmk_recorder_forget(recorder);
    const struct ffmk_comm_map *map = ffmk_lifecycle_engine()->comm_map(comm);
    recorder->comms[ffmk_handle_place(comm) % FFMK_COMM_CACHE] =
        (struct ffmk_comm_entry){comm, map, map->world, recorder->lanes ? map->size : 0};
    return map;
}
