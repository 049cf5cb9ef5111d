/* SPDX-License-Identifier: BSD-3-Clause
 * What a datagram looks like. */
#include "gossip/net/datagram.h"

#include "core/little.h"

#include <string.h>

static const uint8_t magic[8] = {'f', 'f', 'm', 'k', 3, 0, 0, 0};
enum { FLAGS_AT = 5, EXCLUDED = 1 };

size_t ffmk_datagram_put(const struct ffmk_datagram *datagram,
                         const uint8_t key[FFMK_SEAL_KEY_BYTES], uint8_t *out)
{
    memcpy(out, magic, sizeof magic);
    out[FLAGS_AT] = datagram->excluded ? EXCLUDED : 0;
    ffmk_little_put64(out + 8, datagram->from);
    ffmk_little_put64(out + 16, datagram->to);
    ffmk_little_put64(out + 24, datagram->sequence);
    ffmk_little_put64(out + 32, datagram->come);
    ffmk_little_put64(out + 40, datagram->beyond);
    if (datagram->body_bytes > 0)
        memcpy(out + FFMK_DATAGRAM_HEAD_BYTES, datagram->body, datagram->body_bytes);
    size_t sealed = FFMK_DATAGRAM_HEAD_BYTES + datagram->body_bytes;
    ffmk_seal(key, out, sealed, out + sealed);
    return sealed + FFMK_SEAL_BYTES;
}

bool ffmk_datagram_get(const uint8_t *bytes, size_t length, uint64_t id,
                       const uint8_t key[FFMK_SEAL_KEY_BYTES], struct ffmk_datagram *datagram)
{
    if (length < FFMK_DATAGRAM_HEAD_BYTES + FFMK_SEAL_BYTES || length > FFMK_DATAGRAM_BYTES ||
        memcmp(bytes, magic, FLAGS_AT) != 0 || ffmk_little_get64(bytes + 16) != id)
        return false;
    size_t sealed = length - FFMK_SEAL_BYTES;
    if (!ffmk_seal_fits(key, bytes, sealed, bytes + sealed))
        return false;
    *datagram = (struct ffmk_datagram){.from = ffmk_little_get64(bytes + 8),
                                       .to = id,
                                       .excluded = bytes[FLAGS_AT] == EXCLUDED,
                                       .sequence = ffmk_little_get64(bytes + 24),
                                       .come = ffmk_little_get64(bytes + 32),
                                       .beyond = ffmk_little_get64(bytes + 40),
                                       .body = bytes + FFMK_DATAGRAM_HEAD_BYTES,
                                       .body_bytes = sealed - FFMK_DATAGRAM_HEAD_BYTES};
    return bytes[FLAGS_AT] <= EXCLUDED && bytes[6] == 0 && bytes[7] == 0 &&
           (datagram->sequence == 0) == (datagram->body_bytes == 0) &&
           !(datagram->excluded && datagram->body_bytes > 0);
}
