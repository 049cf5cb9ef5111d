/* SPDX-License-Identifier: BSD-3-Clause
 * Whatever comes to the socket: bytes as they are (first byte even), or with the right seal (odd),
 * go through the datagram's decoding into a link, which sends meanwhile, and the body's into
 * messages. Nothing is read beyond a datagram, a body is new once, messages in pieces are few, and
 * what waits for an acknowledgement stays within the window. */
#include "gossip/net/body.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t key[FFMK_SEAL_KEY_BYTES] = {1, 2, 3};
enum { ID = 7, PIECES = 100 };

static void open_body(struct ffmk_link_end *link, const struct ffmk_datagram *datagram,
                      struct ffmk_torn **torn)
{
    const uint8_t *at = datagram->body;
    const uint8_t *end = at + datagram->body_bytes;
    struct ffmk_part part;
    uint8_t sum = 0;
    while (at < end && ffmk_part_get(&at, end, &part)) {
        struct ffmk_torn *whole;
        for (size_t i = 0; i < part.length; i++)
            sum ^= part.bytes[i];
        if (part.is_piece && ffmk_torn_add(torn, &part, &whole) == FFMK_TORN_WHOLE)
            free(whole);
    }
    link->repeats += sum & 1;
    unsigned n = 0;
    for (const struct ffmk_torn *is = *torn; is; is = is->next)
        n++;
    if (n > FFMK_BODY_MOST_TORN)
        abort();
}

static void come(struct ffmk_link_end *link, struct ffmk_torn **torn, const uint8_t *bytes,
                 size_t length, bool sealed, uint64_t now)
{
    uint8_t *exact = malloc(length + FFMK_SEAL_BYTES + 8);
    if (!exact)
        return;
    memcpy(exact, bytes, length);
    if (sealed && length >= 24) {
        static const uint8_t magic[5] = {'f', 'f', 'm', 'k', 3};
        memcpy(exact, magic, sizeof magic);
        memset(exact + 16, 0, 8);
        exact[16] = ID;
        ffmk_seal(key, exact, length, exact + length);
        length += FFMK_SEAL_BYTES;
    }
    uint8_t *shrunk = realloc(exact, length ? length : 1);
    exact = shrunk ? shrunk : exact;
    struct ffmk_datagram datagram;
    if (ffmk_datagram_get(exact, length, ID, key, &datagram)) {
        const uint64_t came = link->come;
        const bool fresh = ffmk_link_receive(link, &datagram, now);
        if (fresh && (datagram.sequence < came || ffmk_link_receive(link, &datagram, now)))
            abort();
        open_body(link, &datagram, torn);
    }
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ffmk_link_end link;
    uint64_t now = 1;
    struct ffmk_torn *torn = NULL;
    ffmk_link_create(&link);
    for (int i = 0; i < PIECES && size >= 3; i++) {
        const uint8_t what = data[0];
        size_t length = data[1] | (size_t)(data[2] & 7) << 8;
        now += (uint64_t)(data[2] >> 3) * 1000000;
        data += 3;
        size -= 3;
        if (what % 4 == 2) {
            ffmk_link_send(&link, "body", 4, now);
            continue;
        }
        if (length > size)
            length = size;
        come(&link, &torn, data, length, what & 1, now);
        data += length;
        size -= length;
        struct ffmk_datagram out = {.from = ID};
        uint8_t bytes[FFMK_DATAGRAM_BYTES];
        for (int sent = 0; sent < 2 * FFMK_LINK_WINDOW && ffmk_link_output(&link, now, &out);
             sent++)
            ffmk_datagram_put(&out, key, bytes);
        if (link.next - link.oldest > FFMK_LINK_WINDOW)
            abort();
        (void)ffmk_link_due(&link);
    }
    ffmk_link_destroy(&link);
    ffmk_torn_free(&torn);
    return 0;
}

#ifdef FFMK_FUZZ_MAIN
#include "fuzz_main.h"
#endif
