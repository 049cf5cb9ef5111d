/* SPDX-License-Identifier: BSD-3-Clause
 * Bounds-checked little-endian encoding into a growing buffer and decoding out of a foreign one. A
 * reader that has once met the end or a bad value stays failed and returns zeros, so that callers
 * check once, at the end. */
#ifndef FFMK_CORE_WIRE_H
#define FFMK_CORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A buffer being written. Begin with {0}; ffmk_wire_free() when done. failed is set when memory
 * ran out. */
struct ffmk_wire_out {
    uint8_t *data;
    size_t length;
    size_t capacity;
    bool failed;
};

/** A buffer being read; it stays the caller's. */
struct ffmk_wire_in {
    const uint8_t *data;
    size_t length;
    size_t at;
    bool failed;
};

void ffmk_wire_put_u8(struct ffmk_wire_out *out, uint8_t value);
void ffmk_wire_put_u32(struct ffmk_wire_out *out, uint32_t value);
void ffmk_wire_put_u64(struct ffmk_wire_out *out, uint64_t value);
void ffmk_wire_put_f64(struct ffmk_wire_out *out, double value);
void ffmk_wire_put_bytes(struct ffmk_wire_out *out, const void *bytes, size_t length);
/** Room for so many bytes, to be filled in before the next call; NULL (and failed) without memory.
 */
void *ffmk_wire_put_room(struct ffmk_wire_out *out, size_t length);
/** A string of at most 65,535 bytes (cut there), with its length before it. */
void ffmk_wire_put_string(struct ffmk_wire_out *out, const char *text);
void ffmk_wire_free(struct ffmk_wire_out *out);

uint8_t ffmk_wire_get_u8(struct ffmk_wire_in *in);
uint32_t ffmk_wire_get_u32(struct ffmk_wire_in *in);
uint64_t ffmk_wire_get_u64(struct ffmk_wire_in *in);
double ffmk_wire_get_f64(struct ffmk_wire_in *in);
/** Pointer to `length` bytes inside the buffer, or NULL (and failed). */
const void *ffmk_wire_get_bytes(struct ffmk_wire_in *in, size_t length);
/** Copy a string into text (always ended by a zero); one that does not fit fails. */
void ffmk_wire_get_string(struct ffmk_wire_in *in, char *text, size_t capacity);

#endif
