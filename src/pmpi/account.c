/* SPDX-License-Identifier: BSD-3-Clause
 * What a call moves, when it is not what the one before it moved. */
#include "pmpi/account.h"

#include "pmpi/lifecycle.h"

uint64_t ffmk_account_size_other(struct ffmk_recorder *recorder, uint64_t datatype)
{
    ffmk_recorder_forget(recorder);
    struct ffmk_size_entry *entry =
        &recorder->sizes[(datatype ^ (datatype >> 4) ^ (datatype >> 9)) % FFMK_SIZE_CACHE];
    if (entry->datatype != datatype)
        *entry = (struct ffmk_size_entry){datatype, ffmk_lifecycle_engine()->type_size(datatype)};
    recorder->recent = *entry;
    return entry->bytes;
}

const struct ffmk_comm_map *ffmk_account_map_miss(struct ffmk_recorder *recorder, uint64_t comm)
{
    ffmk_recorder_forget(recorder);
    recorder->comm_map = ffmk_lifecycle_engine()->comm_map(comm);
    recorder->comm = comm;
    return recorder->comm_map;
}
