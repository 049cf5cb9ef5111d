/* SPDX-License-Identifier: BSD-3-Clause
 * Little-endian numbers at any place in a buffer of known room; core/wire.h has buffers that grow
 * and readers that check. */
#ifndef FFMK_CORE_LITTLE_H
#define FFMK_CORE_LITTLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void ffmk_little_put64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static inline uint64_t ffmk_little_get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

static inline void ffmk_little_put32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static inline uint32_t ffmk_little_get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

#endif
