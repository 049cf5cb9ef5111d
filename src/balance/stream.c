/* SPDX-License-Identifier: BSD-3-Clause
 * Streams as small state machines, advanced when their requests have completed. */
#include "balance/stream.h"

#include "balance/manifest.h"
#include "core/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_BYTES = 8 << 20, /* of packed items; one item may be larger */
    BATCH_ITEMS = 1 << 16,
    ACTIVE = 8, /* batches a rank packs, and takes in, at a time: bounds its memory */
    ALIGN = 16, /* of payloads in a body, so that callbacks may cast */
    TAG_DATA = FFMK_TAG_MIGRATE,
    TAG_REPLY
};

static const uint64_t PACK_FAILED = UINT64_MAX; /* instead of a size */

enum verdict { NOT_TAKEN, TAKEN, NO_ROOM };

enum state {
    OUT_NEXT,    /* pack when it is our turn */
    OUT_OFFERED, /* waiting for the verdict on the offer */
    OUT_BODY,    /* body under way, waiting for the verdicts on the items */
    IN_WAITING,  /* for an offer */
    IN_OFFERED,  /* answer when it is our turn */
    IN_BODY,     /* body under way */
    IN_REPLYING, /* verdicts under way */
    DONE
};

struct ffmk_stream {
    int rank;
    enum state state;
    size_t n;     /* items in all */
    size_t at;    /* items dealt with */
    size_t batch; /* items in the present batch */
    uint64_t *ids;
    struct ffmk_wire_in manifest;
    uint64_t offer[2]; /* items and bytes of the batch */
    uint8_t verdict;   /* on the offer */
    uint8_t *body;
    uint8_t *verdicts;
    MPI_Request *requests;
    size_t n_requests;
};

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static struct ffmk_stream *create(int rank, size_t n)
{
    struct ffmk_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->rank = rank;
    stream->n = n;
    stream->requests = malloc(2 * sizeof *stream->requests);
    if (stream->requests)
        return stream;
    free(stream);
    return NULL;
}

struct ffmk_stream *ffmk_stream_out(int rank, uint64_t *ids, size_t n)
{
    struct ffmk_stream *stream = create(rank, n);
    if (!stream) {
        free(ids);
        return NULL;
    }
    stream->ids = ids;
    stream->state = n > 0 ? OUT_NEXT : DONE;
    return stream;
}

static void end_batch(struct ffmk_stream *stream)
{
    free(stream->body);
    free(stream->verdicts);
    stream->body = stream->verdicts = NULL;
    stream->at += stream->batch;
    stream->batch = 0;
}

void ffmk_stream_free(struct ffmk_stream *stream)
{
    if (!stream)
        return;
    end_batch(stream);
    free(stream->ids);
    free(stream->requests);
    free(stream);
}

struct ffmk_stream *ffmk_stream_in(int rank, struct ffmk_wire_in manifest)
{
    struct ffmk_wire_in reader = manifest, links;
    struct ffmk_manifest_numbers numbers;
    size_t n = 0;
    for (; reader.at < reader.length && !reader.failed; n++)
        ffmk_manifest_read(&reader, &numbers, &links);
    struct ffmk_stream *stream = create(rank, n);
    if (!stream)
        return NULL;
    stream->manifest = manifest;
    stream->state = n > 0 ? IN_WAITING : DONE;
    return stream;
}

/* Room for a body and its slices. */
static bool reserve(struct ffmk_stream *stream, size_t n_items, uint64_t body_bytes)
{
    MPI_Request *requests =
        realloc(stream->requests, (ffmk_slices(body_bytes) + 2) * sizeof *stream->requests);
    if (!requests)
        return false;
    stream->requests = requests;
    if (body_bytes > SIZE_MAX)
        return false;
    stream->body = malloc((size_t)body_bytes);
    stream->verdicts = calloc(n_items, 1);
    if (stream->body && stream->verdicts)
        return true;
    free(stream->body);
    free(stream->verdicts);
    stream->body = stream->verdicts = NULL;
    return false;
}

static void set_size(uint8_t *body, size_t item, uint64_t size)
{
    memcpy(body + item * sizeof size, &size, sizeof size);
}

static uint64_t get_size(const uint8_t *body, size_t item)
{
    uint64_t size;
    memcpy(&size, body + item * sizeof size, sizeof size);
    return size;
}

/* Bytes the next n items may need, or UINT64_MAX. */
static uint64_t room_for(const struct ffmk_mover *mover, const struct ffmk_stream *stream, size_t n)
{
    uint64_t room = aligned(n * sizeof(uint64_t));
    for (size_t i = 0; i < n; i++) {
        const size_t bytes = ffmk_table_find(mover->table, stream->ids[stream->at + i])->bytes;
        if (bytes > SIZE_MAX / 4 || room > SIZE_MAX / 4)
            return UINT64_MAX;
        room += aligned(bytes);
    }
    return room;
}

static size_t choose_batch(const struct ffmk_mover *mover, const struct ffmk_stream *stream)
{
    size_t n = 0;
    uint64_t room = 0;
    while (stream->at + n < stream->n && n < BATCH_ITEMS) {
        const size_t bytes = ffmk_table_find(mover->table, stream->ids[stream->at + n])->bytes;
        if (n > 0 && (bytes > BATCH_BYTES || room + aligned(bytes) > BATCH_BYTES))
            break;
        room += bytes > BATCH_BYTES ? BATCH_BYTES : aligned(bytes);
        n++;
    }
    return n;
}

/* Pack one item behind what is in the body; what it took. */
static uint64_t pack_one(struct ffmk_mover *mover, const struct ffmk_entry *entry, uint8_t *payload)
{
    size_t written = 0;
    if (mover->ops->pack(mover->context, entry->id, payload, entry->bytes, &written) != 0) {
        ffmk_log_mistake("balance: pack of item %" PRIu64 " failed; the item stays", entry->id);
        return PACK_FAILED;
    }
    if (written <= entry->bytes)
        return written;
    ffmk_log_mistake("balance: pack of item %" PRIu64
                     " wrote %zu bytes where it had room for %zu; the item stays",
                     entry->id, written, entry->bytes);
    return PACK_FAILED;
}

/* Pack a batch and offer it. An item for which there is no memory is offered as one that could not
 * be packed: its receiver must know that it is not coming. */
static int offer_next(struct ffmk_mover *mover, struct ffmk_stream *stream)
{
    size_t n = choose_batch(mover, stream);
    bool pack = reserve(stream, n, room_for(mover, stream, n));
    if (!pack && n > 1)
        pack = reserve(stream, n = 1, room_for(mover, stream, 1));
    stream->batch = n;
    stream->offer[0] = n;
    stream->offer[1] = 0; /* nothing but a failure to report */
    if (!pack) {
        ffmk_log_mistake("balance: no memory to pack item %" PRIu64 "; it stays",
                         stream->ids[stream->at]);
    } else {
        size_t at = aligned(n * sizeof(uint64_t));
        memset(stream->body, 0, at);
        for (size_t i = 0; i < n; i++) {
            const struct ffmk_entry *entry =
                ffmk_table_find(mover->table, stream->ids[stream->at + i]);
            const uint64_t size = pack_one(mover, entry, stream->body + at);
            set_size(stream->body, i, size);
            if (size == PACK_FAILED) {
                mover->failure = FFMK_ERR_CALLBACK;
                continue;
            }
            const size_t end = at + aligned((size_t)size);
            memset(stream->body + at + size, 0,
                   end - at - (size_t)size); /* no stray memory is sent */
            at = end;
        }
        stream->offer[1] = at;
    }
    stream->n_requests = 2;
    stream->state = OUT_OFFERED;
    int code = ffmk_exchange_post_receive(mover->team, &stream->verdict, 1, stream->rank, TAG_REPLY,
                                          &stream->requests[0]);
    if (!code)
        code = ffmk_exchange_post_send(mover->team, stream->offer, sizeof stream->offer,
                                       stream->rank, TAG_DATA, &stream->requests[1]);
    return code;
}

static void keep(struct ffmk_mover *mover, size_t n, int failure)
{
    mover->items_kept += n;
    if (mover->failure == FFMK_SUCCESS)
        mover->failure = failure;
}

static void next_out(struct ffmk_stream *stream)
{
    end_batch(stream);
    stream->n_requests = 0;
    stream->state = stream->at < stream->n ? OUT_NEXT : DONE;
}

static int send_body(struct ffmk_mover *mover, struct ffmk_stream *stream)
{
    if (stream->verdict != TAKEN) {
        keep(mover, stream->batch, FFMK_ERR_NO_MEMORY);
        next_out(stream);
        return FFMK_SUCCESS;
    }
    const size_t slices = ffmk_slices(stream->offer[1]);
    stream->n_requests = slices + 1;
    stream->state = OUT_BODY;
    int code = ffmk_exchange_post_receive(mover->team, stream->verdicts, stream->batch,
                                          stream->rank, TAG_REPLY, &stream->requests[slices]);
    if (!code)
        code = ffmk_exchange_post_send(mover->team, stream->body, stream->offer[1], stream->rank,
                                       TAG_DATA, stream->requests);
    return code;
}

static void drop_taken(struct ffmk_mover *mover, struct ffmk_stream *stream)
{
    for (size_t i = 0; i < stream->batch; i++) {
        const uint64_t id = stream->ids[stream->at + i];
        if (stream->verdicts[i] != TAKEN) {
            keep(mover, 1, stream->verdicts[i] == NO_ROOM ? FFMK_ERR_NO_MEMORY : FFMK_ERR_CALLBACK);
            continue;
        }
        mover->items_sent++;
        mover->bytes_sent += get_size(stream->body, i);
        mover->weight_sent += ffmk_table_find(mover->table, id)->weight / mover->weight_unit;
        mover->ops->drop(mover->context, id);
        ffmk_table_remove(mover->table, id);
    }
    next_out(stream);
}

static int wait_offer(struct ffmk_mover *mover, struct ffmk_stream *stream)
{
    stream->state = IN_WAITING;
    stream->n_requests = 1;
    return ffmk_exchange_post_receive(mover->team, stream->offer, sizeof stream->offer,
                                      stream->rank, TAG_DATA, stream->requests);
}

static int next_in(struct ffmk_mover *mover, struct ffmk_stream *stream)
{
    end_batch(stream);
    stream->n_requests = 0;
    if (stream->at < stream->n)
        return wait_offer(mover, stream);
    stream->state = DONE;
    return FFMK_SUCCESS;
}

static int answer_offer(struct ffmk_mover *mover, struct ffmk_stream *stream)
{
    const bool comes = stream->offer[1] > 0;
    stream->batch = (size_t)stream->offer[0];
    stream->verdict = comes && reserve(stream, stream->batch, stream->offer[1]) ? TAKEN : NO_ROOM;
    const bool taken = stream->verdict == TAKEN;
    if (!taken) {
        struct ffmk_wire_in links;
        struct ffmk_manifest_numbers numbers;
        for (size_t i = 0; i < stream->batch; i++)
            ffmk_manifest_read(&stream->manifest, &numbers, &links);
        mover->failure = mover->failure ? mover->failure : FFMK_ERR_NO_MEMORY;
    }
    const size_t slices = taken ? ffmk_slices(stream->offer[1]) : 0;
    stream->n_requests = slices + 1;
    stream->state = taken ? IN_BODY : IN_REPLYING;
    int code = taken ? ffmk_exchange_post_receive(mover->team, stream->body, stream->offer[1],
                                                  stream->rank, TAG_DATA, stream->requests)
                     : FFMK_SUCCESS;
    if (!code)
        code = ffmk_exchange_post_send(mover->team, &stream->verdict, 1, stream->rank, TAG_REPLY,
                                       &stream->requests[slices]);
    return code;
}

/* Register before unpacking: what can fail for want of memory comes first, and can be taken back.
 */
static enum verdict take_one(struct ffmk_mover *mover, struct ffmk_stream *stream, uint64_t size,
                             const uint8_t *payload)
{
    struct ffmk_wire_in links;
    struct ffmk_manifest_numbers numbers;
    const ffmk_item item = ffmk_manifest_read(&stream->manifest, &numbers, &links);
    if (size == PACK_FAILED)
        return NOT_TAKEN;
    if (ffmk_manifest_enter(mover->table, item, links, mover->team->rank) != FFMK_SUCCESS) {
        mover->failure = mover->failure ? mover->failure : FFMK_ERR_NO_MEMORY;
        return NO_ROOM;
    }
    if (mover->ops->unpack(mover->context, item.id, payload, (size_t)size) == 0) {
        mover->items_received++;
        return TAKEN;
    }
    ffmk_log_mistake("balance: unpack of item %" PRIu64 " failed; the item stays where it was",
                     item.id);
    ffmk_table_remove(mover->table, item.id);
    mover->failure = FFMK_ERR_CALLBACK;
    return NOT_TAKEN;
}

static int unpack_body(struct ffmk_mover *mover, struct ffmk_stream *stream)
{
    size_t at = aligned(stream->batch * sizeof(uint64_t));
    for (size_t i = 0; i < stream->batch; i++) {
        const uint64_t size = get_size(stream->body, i);
        stream->verdicts[i] = (uint8_t)take_one(mover, stream, size, stream->body + at);
        if (size != PACK_FAILED)
            at += aligned((size_t)size);
    }
    stream->state = IN_REPLYING;
    stream->n_requests = 1;
    return ffmk_exchange_post_send(mover->team, stream->verdicts, stream->batch, stream->rank,
                                   TAG_REPLY, stream->requests);
}

static bool is_active(const struct ffmk_stream *stream, bool out)
{
    return out ? stream->state == OUT_OFFERED || stream->state == OUT_BODY
               : stream->state == IN_BODY;
}

static size_t count_active(struct ffmk_stream **streams, size_t n, bool out)
{
    size_t active = 0;
    for (size_t i = 0; i < n; i++)
        active += is_active(streams[i], out);
    return active;
}

/* A stream whose requests have completed goes on. */
static int go_on(struct ffmk_mover *mover, struct ffmk_stream *stream, bool may_pack, bool may_take)
{
    switch (stream->state) {
    case OUT_NEXT:
        return may_pack ? offer_next(mover, stream) : FFMK_SUCCESS;
    case OUT_OFFERED:
        return send_body(mover, stream);
    case OUT_BODY:
        drop_taken(mover, stream);
        return FFMK_SUCCESS;
    case IN_WAITING:
        stream->n_requests = 0;
        stream->state = IN_OFFERED;
        return FFMK_SUCCESS;
    case IN_OFFERED:
        return may_take ? answer_offer(mover, stream) : FFMK_SUCCESS;
    case IN_BODY:
        return unpack_body(mover, stream);
    case IN_REPLYING:
        return next_in(mover, stream);
    case DONE:
        break;
    }
    return FFMK_SUCCESS;
}

int ffmk_streams_run(struct ffmk_mover *mover, struct ffmk_stream **streams, size_t n)
{
    int code = FFMK_SUCCESS;
    for (size_t i = 0; i < n && !code; i++)
        if (streams[i]->state == IN_WAITING)
            code = wait_offer(mover, streams[i]);
    unsigned looks = 0;
    for (size_t done = 0; done < n && !code;) {
        done = 0;
        size_t packed = count_active(streams, n, true);
        size_t taking = count_active(streams, n, false);
        for (size_t i = 0; i < n && !code; i++) {
            struct ffmk_stream *stream = streams[i];
            int complete = 1;
            if (stream->n_requests > 0)
                code = ffmk_team_test((int)stream->n_requests, stream->requests, &complete);
            if (code || !complete)
                continue;
            packed -= is_active(stream, true);
            taking -= is_active(stream, false);
            code = go_on(mover, stream, packed < ACTIVE, taking < ACTIVE);
            packed += is_active(stream, true);
            taking += is_active(stream, false);
            done += stream->state == DONE;
        }
        ffmk_team_pause(&looks);
    }
    return code;
}
