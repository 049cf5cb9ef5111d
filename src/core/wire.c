/* SPDX-License-Identifier: BSD-3-Clause
 * Bounds-checked encoding. */
#include "core/wire.h"

#include "core/spare.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *reserve(struct ffmk_wire_out *out, size_t length)
{
    if (out->failed)
        return NULL;
    if (out->capacity - out->length < length) {
        const size_t needed = out->length + length;
        const size_t grown = out->capacity > 0 ? out->capacity + out->capacity / 2 : 64;
        const size_t capacity = needed > grown ? needed : grown;
        uint8_t *data = needed < SIZE_MAX / 4 ? ffmk_spare_realloc(out->data, capacity) : NULL;
        if (!data) {
            out->failed = true;
            return NULL;
        }
        out->data = data;
        out->capacity = capacity;
    }
    uint8_t *place = out->data + out->length;
    out->length += length;
    return place;
}

void *ffmk_wire_put_room(struct ffmk_wire_out *out, size_t length)
{
    return reserve(out, length);
}

void ffmk_wire_put_bytes(struct ffmk_wire_out *out, const void *bytes, size_t length)
{
    uint8_t *place = reserve(out, length);
    if (place && length)
        memcpy(place, bytes, length);
}

void ffmk_wire_put_u8(struct ffmk_wire_out *out, uint8_t value)
{
    ffmk_wire_put_bytes(out, &value, 1);
}

void ffmk_wire_put_u32(struct ffmk_wire_out *out, uint32_t value)
{
    const uint32_t little = htole32(value);
    ffmk_wire_put_bytes(out, &little, sizeof little);
}

void ffmk_wire_put_u64(struct ffmk_wire_out *out, uint64_t value)
{
    const uint64_t little = htole64(value);
    ffmk_wire_put_bytes(out, &little, sizeof little);
}

void ffmk_wire_put_f64(struct ffmk_wire_out *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    ffmk_wire_put_u64(out, bits);
}

void ffmk_wire_put_string(struct ffmk_wire_out *out, const char *text)
{
    const size_t length = strnlen(text, UINT16_MAX);
    ffmk_wire_put_u32(out, (uint32_t)length);
    ffmk_wire_put_bytes(out, text, length);
}

void ffmk_wire_free(struct ffmk_wire_out *out)
{
    free(out->data);
    *out = (struct ffmk_wire_out){0};
}

const void *ffmk_wire_get_bytes(struct ffmk_wire_in *in, size_t length)
{
    if (in->failed || in->length - in->at < length) {
        in->failed = true;
        return NULL;
    }
    const void *place = in->data + in->at;
    in->at += length;
    return place;
}

uint8_t ffmk_wire_get_u8(struct ffmk_wire_in *in)
{
    const uint8_t *place = ffmk_wire_get_bytes(in, 1);
    return place ? *place : 0;
}

uint32_t ffmk_wire_get_u32(struct ffmk_wire_in *in)
{
    uint32_t little = 0;
    const void *place = ffmk_wire_get_bytes(in, sizeof little);
    if (place)
        memcpy(&little, place, sizeof little);
    return le32toh(little);
}

uint64_t ffmk_wire_get_u64(struct ffmk_wire_in *in)
{
    uint64_t little = 0;
    const void *place = ffmk_wire_get_bytes(in, sizeof little);
    if (place)
        memcpy(&little, place, sizeof little);
    return le64toh(little);
}

double ffmk_wire_get_f64(struct ffmk_wire_in *in)
{
    const uint64_t bits = ffmk_wire_get_u64(in);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void ffmk_wire_get_string(struct ffmk_wire_in *in, char *text, size_t capacity)
{
    const uint32_t length = ffmk_wire_get_u32(in);
    if (capacity == 0 || length >= capacity) {
        in->failed = true;
        if (capacity)
            text[0] = '\0';
        return;
    }
    const void *place = ffmk_wire_get_bytes(in, length);
    if (place)
        memcpy(text, place, length);
    text[place ? length : 0] = '\0';
}
