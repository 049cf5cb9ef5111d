/* SPDX-License-Identifier: BSD-3-Clause
 * A rank's record as bytes, to travel to the first rank. */
#ifndef FFMK_JOB_RECORD_WIRE_H
#define FFMK_JOB_RECORD_WIRE_H

#include "core/wire.h"
#include "job/gather.h"

#include <stddef.h>
#include <stdint.h>

/** Append a record; without memory, out->failed. */
void ffmk_record_put(struct ffmk_wire_out *out, const struct ffmk_rank_record *record);

/** Read one back; its arrays and names lie in record->storage, to be freed by the caller also when
 * it is not good. \return whether it is good. */
int ffmk_record_get(const uint8_t *bytes, size_t length, struct ffmk_rank_record *record);

#endif
