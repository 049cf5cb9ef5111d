/* SPDX-License-Identifier: BSD-3-Clause
 * Messages between processes of one host by memory.
 *
 *   file     heads of the box and of all lanes | lane | lane …
 *   lane     a ring of records, each a multiple of 8 bytes, none of which goes around its end
 *   record   bytes of the message (8), the message; or SKIP: go on at the beginning
 *
 * The file has no name: others open it through the descriptors that the system shows of its owner.
 * It cannot shrink, so that nobody is surprised by a page that is gone. */
#include "gossip/net/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REUSE_BYTES = 16 << 10 };
enum { LINE = 64, HEADS_BYTES = 16 << 10, LENGTH_BYTES = 8 };
#define SKIP  UINT64_MAX
#define MAGIC UINT64_C(0x1786f66666d6b01) /* with the layout's number */

struct lane_head {
    _Alignas(LINE) uint64_t owner; /* 0: free */
    uint64_t written;              /* bytes, of all that there ever were */
    _Alignas(LINE) uint64_t taken;
};

struct ffmk_mailbox_memory { /* NOLINT: lines of their own */
    uint64_t magic;
    uint64_t id;
    _Alignas(LINE) uint64_t attended;
    _Alignas(LINE) uint64_t arrived;
    struct lane_head head[FFMK_MAILBOX_LANES];
};

_Static_assert(sizeof(struct ffmk_mailbox_memory) <= HEADS_BYTES, "heads have room");

enum { FILE_BYTES = HEADS_BYTES + FFMK_MAILBOX_LANES * FFMK_MAILBOX_LANE_BYTES };

struct ffmk_outbox {
    struct ffmk_mailbox_memory *memory;
    struct lane_head *head;
    unsigned char *lane;
    uint64_t written; /* the head's, which only this process changes */
};

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *word, uint64_t value) /* NOLINT: written to */
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static uint64_t record_bytes(uint64_t message)
{
    return LENGTH_BYTES + (message + LENGTH_BYTES - 1) / LENGTH_BYTES * LENGTH_BYTES;
}

/* ---- a process's own ---- */

/* Kernels from 6.3 on may insist that it cannot be executed; those before do not know the word. */
static int make_file(void)
{
    enum { NOEXEC_SEAL = 8, FLAGS = MFD_CLOEXEC | MFD_ALLOW_SEALING };
    const int file = memfd_create("ffmk-mailbox", FLAGS | NOEXEC_SEAL);
    return file < 0 && errno == EINVAL ? memfd_create("ffmk-mailbox", FLAGS) : file;
}

bool ffmk_mailbox_open(struct ffmk_mailbox *box, uint64_t id)
{
    *box = (struct ffmk_mailbox){.file = make_file()};
    if (box->file < 0)
        return false;
    void *memory = MAP_FAILED;
    if (ftruncate(box->file, FILE_BYTES) == 0 &&
        fcntl(box->file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
        memory = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      box->file, 0);
    if (memory == MAP_FAILED) {
        const int why = errno;
        close(box->file);
        box->file = -1;
        errno = why;
        return false;
    }
    box->memory = memory;
    box->memory->id = id;
    store(&box->memory->magic, MAGIC);
    return true;
}

void ffmk_mailbox_close(struct ffmk_mailbox *box)
{
    if (box->file < 0)
        return;
    ffmk_mailbox_attend(box, false); /* others may keep it for a while */
    munmap(box->memory, FILE_BYTES);
    close(box->file);
    box->file = -1;
}

void ffmk_mailbox_attend(struct ffmk_mailbox *box, bool attended)
{
    if (box->file < 0 || load(&box->memory->attended) == attended)
        return;
    __atomic_store_n(&box->memory->attended, attended, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool ffmk_mailbox_has(const struct ffmk_mailbox *box)
{
    return box->file >= 0 &&
           load(&box->memory->arrived) != __atomic_load_n(&box->seen, __ATOMIC_RELAXED);
}

/* \return false: no more of any. */
static bool empty_lane(struct lane_head *head, const unsigned char *lane, uint64_t from,
                       ffmk_mailbox_take *take, void *self)
{
    const uint64_t written = load(&head->written);
    uint64_t taken = head->taken;
    if (written - taken > FFMK_MAILBOX_LANE_BYTES || taken % LENGTH_BYTES != 0)
        taken = written; /* who writes such things is not listened to */
    while (taken != written) {
        const uint64_t at = taken % FFMK_MAILBOX_LANE_BYTES;
        uint64_t length;
        memcpy(&length, lane + at, sizeof length);
        const uint64_t left = FFMK_MAILBOX_LANE_BYTES - at;
        const bool skips = length == SKIP;
        const uint64_t bytes = skips ? left : record_bytes(length);
        if ((!skips && (length > FFMK_MAILBOX_MOST_BYTES || bytes > left)) ||
            bytes > written - taken)
            break;
        const bool more = skips || take(self, from, lane + at + LENGTH_BYTES, length);
        taken += bytes;
        store(&head->taken, taken);
        if (!more)
            return false;
    }
    store(&head->taken, written);
    return true;
}

void ffmk_mailbox_empty(struct ffmk_mailbox *box, ffmk_mailbox_take *take, void *self)
{
    if (!ffmk_mailbox_has(box))
        return;
    /* Before a look at the lanes: what arrives behind it is seen the next time. */
    __atomic_store_n(&box->seen, load(&box->memory->arrived), __ATOMIC_RELAXED);
    const unsigned char *lanes = (const unsigned char *)box->memory + HEADS_BYTES;
    for (int i = 0; i < FFMK_MAILBOX_LANES; i++) {
        struct lane_head *head = &box->memory->head[i];
        const uint64_t owner = load(&head->owner);
        if (owner == 0)
            return; /* they are taken in order */
        if (!empty_lane(head, lanes + (size_t)i * FFMK_MAILBOX_LANE_BYTES, owner, take, self))
            return;
    }
}

/* ---- another process's ---- */

static void *map(int file, size_t bytes, size_t at)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)at);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Take a lane. \return its number, or FFMK_MAILBOX_LANES. */
static int take_lane(struct ffmk_mailbox_memory *memory, uint64_t from)
{
    for (int i = 0; i < FFMK_MAILBOX_LANES; i++) {
        uint64_t nobody = 0;
        if (__atomic_compare_exchange_n(&memory->head[i].owner, &nobody, from, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return i;
    }
    return FFMK_MAILBOX_LANES;
}

struct ffmk_outbox *ffmk_outbox_open(pid_t pid, int file, uint64_t id, uint64_t from)
{
    char path[64];
    struct stat found;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)pid, file);
    /* Not to be held up by a pipe, if the owner's program has closed it and opened another. */
    const int opened = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0)
        return NULL;
    struct ffmk_outbox *outbox = NULL;
    if (fstat(opened, &found) == 0 && S_ISREG(found.st_mode) && found.st_size == FILE_BYTES)
        outbox = calloc(1, sizeof *outbox);
    if (outbox)
        outbox->memory = map(opened, HEADS_BYTES, 0);
    if (outbox && outbox->memory && load(&outbox->memory->magic) == MAGIC &&
        outbox->memory->id == id) {
        const int lane = take_lane(outbox->memory, from);
        if (lane < FFMK_MAILBOX_LANES) {
            outbox->head = &outbox->memory->head[lane];
            outbox->lane = map(opened, FFMK_MAILBOX_LANE_BYTES,
                               HEADS_BYTES + (size_t)lane * FFMK_MAILBOX_LANE_BYTES);
        }
    }
    close(opened);
    if (outbox && !outbox->lane) {
        ffmk_outbox_close(outbox);
        outbox = NULL;
    }
    return outbox;
}

void ffmk_outbox_close(struct ffmk_outbox *outbox)
{
    if (!outbox)
        return;
    if (outbox->lane)
        munmap(outbox->lane, FFMK_MAILBOX_LANE_BYTES);
    if (outbox->memory)
        munmap(outbox->memory, HEADS_BYTES);
    free(outbox);
}

enum ffmk_outbox_answer ffmk_outbox_put(struct ffmk_outbox *outbox, const void *head,
                                        size_t head_bytes, const void *rest, size_t rest_bytes)
{
    struct ffmk_mailbox_memory *memory = outbox->memory;
    const uint64_t length = head_bytes + rest_bytes;
    const uint64_t bytes = record_bytes(length);
    if (length > FFMK_MAILBOX_MOST_BYTES || !load(&memory->attended))
        return FFMK_OUTBOX_NO;
    /* An empty lane begins anew, so that small messages keep to few pages. */
    uint64_t at = outbox->written % FFMK_MAILBOX_LANE_BYTES;
    const uint64_t left = FFMK_MAILBOX_LANE_BYTES - at;
    const bool again =
        at > REUSE_BYTES && left + bytes <= FFMK_MAILBOX_LANE_BYTES && ffmk_outbox_is_empty(outbox);
    const uint64_t skipped = bytes > left || again ? left : 0;
    if (outbox->written + skipped + bytes - load(&outbox->head->taken) > FFMK_MAILBOX_LANE_BYTES)
        return FFMK_OUTBOX_NO;
    if (skipped > 0) {
        const uint64_t skip = SKIP;
        memcpy(outbox->lane + at, &skip, sizeof skip);
        at = 0;
    }
    memcpy(outbox->lane + at, &length, sizeof length);
    memcpy(outbox->lane + at + LENGTH_BYTES, head, head_bytes);
    if (rest_bytes > 0)
        memcpy(outbox->lane + at + LENGTH_BYTES + head_bytes, rest, rest_bytes);
    outbox->written += skipped + bytes;
    store(&outbox->head->written, outbox->written);
    __atomic_add_fetch(&memory->arrived, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return load(&memory->attended) ? FFMK_OUTBOX_IN : FFMK_OUTBOX_RING;
}

uint64_t ffmk_outbox_taken(const struct ffmk_outbox *outbox)
{
    return load(&outbox->head->taken);
}

bool ffmk_outbox_is_empty(const struct ffmk_outbox *outbox)
{
    return ffmk_outbox_taken(outbox) == outbox->written;
}
