/* SPDX-License-Identifier: BSD-3-Clause
 * What a datagram looks like. */
#include "gossip/net/datagram.h"

#include <endian.h>
#include <string.h>

static const uint8_t magic[8] = {'f', 'f', 'm', 'k', 1, 0, 0, 0};

static void put64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

size_t ffmk_datagram_put(const struct ffmk_datagram *datagram,
                         const uint8_t key[FFMK_SEAL_KEY_BYTES], uint8_t *out)
{
    memcpy(out, magic, sizeof magic);
    put64(out + 8, datagram->job);
    put32(out + 16, datagram->from);
    put32(out + 20, datagram->to);
    put64(out + 24, datagram->sequence);
    put64(out + 32, datagram->come);
    put64(out + 40, datagram->beyond);
    if (datagram->body_bytes > 0)
        memcpy(out + FFMK_DATAGRAM_HEAD_BYTES, datagram->body, datagram->body_bytes);
    size_t sealed = FFMK_DATAGRAM_HEAD_BYTES + datagram->body_bytes;
    ffmk_seal(key, out, sealed, out + sealed);
    return sealed + FFMK_SEAL_BYTES;
}

bool ffmk_datagram_get(const uint8_t *bytes, size_t length, uint64_t job,
                       const uint8_t key[FFMK_SEAL_KEY_BYTES], struct ffmk_datagram *datagram)
{
    if (length < FFMK_DATAGRAM_HEAD_BYTES + FFMK_SEAL_BYTES || length > FFMK_DATAGRAM_BYTES ||
        memcmp(bytes, magic, sizeof magic) != 0 || get64(bytes + 8) != job)
        return false;
    size_t sealed = length - FFMK_SEAL_BYTES;
    if (!ffmk_seal_fits(key, bytes, sealed, bytes + sealed))
        return false;
    *datagram = (struct ffmk_datagram){.job = job,
                                       .from = get32(bytes + 16),
                                       .to = get32(bytes + 20),
                                       .sequence = get64(bytes + 24),
                                       .come = get64(bytes + 32),
                                       .beyond = get64(bytes + 40),
                                       .body = bytes + FFMK_DATAGRAM_HEAD_BYTES,
                                       .body_bytes = sealed - FFMK_DATAGRAM_HEAD_BYTES};
    return (datagram->sequence == 0) == (datagram->body_bytes == 0);
}
