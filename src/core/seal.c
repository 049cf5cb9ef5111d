/* SPDX-License-Identifier: BSD-3-Clause
 * Authentication of messages. */
#include "core/seal.h"

#include <sodium.h>

_Static_assert(FFMK_SEAL_BYTES == crypto_shorthash_siphashx24_BYTES, "the seal's length");
_Static_assert(FFMK_SEAL_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "the key's length");

bool ffmk_seal_make_key(uint8_t key[FFMK_SEAL_KEY_BYTES])
{
    if (sodium_init() < 0)
        return false;
    randombytes_buf(key, FFMK_SEAL_KEY_BYTES);
    return true;
}

void ffmk_seal(const uint8_t key[FFMK_SEAL_KEY_BYTES], const void *message, size_t bytes,
               uint8_t seal[FFMK_SEAL_BYTES])
{
    crypto_shorthash_siphashx24(seal, message, bytes, key);
}

bool ffmk_seal_fits(const uint8_t key[FFMK_SEAL_KEY_BYTES], const void *message, size_t bytes,
                    const uint8_t seal[FFMK_SEAL_BYTES])
{
    uint8_t right[FFMK_SEAL_BYTES];
    ffmk_seal(key, message, bytes, right);
    return sodium_memcmp(seal, right, FFMK_SEAL_BYTES) == 0;
}
