/* SPDX-License-Identifier: BSD-3-Clause
 * Authentication of messages by a key that the ranks of a job share: SipHash-2-4 with 128 bits of
 * result (Aumasson, Bernstein 2012). The only room that knows libsodium. Does not hide what a
 * message says. */
#ifndef FFMK_CORE_SEAL_H
#define FFMK_CORE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FFMK_SEAL_BYTES = 16, FFMK_SEAL_KEY_BYTES = 16 };

/** A new key from the system's random numbers. \return false when there are none. */
bool ffmk_seal_make_key(uint8_t key[FFMK_SEAL_KEY_BYTES]);

/** The seal of a message. */
void ffmk_seal(const uint8_t key[FFMK_SEAL_KEY_BYTES], const void *message, size_t bytes,
               uint8_t seal[FFMK_SEAL_BYTES]);

/** Whether a seal is the message's; takes as long for a wrong one. */
bool ffmk_seal_fits(const uint8_t key[FFMK_SEAL_KEY_BYTES], const void *message, size_t bytes,
                    const uint8_t seal[FFMK_SEAL_BYTES]);

#endif
