/* SPDX-License-Identifier: BSD-3-Clause
 * What each persistent send will send. */
#include "pmpi/persistent.h"

#include "core/rng.h"
#include "pmpi/account.h"

#include <pthread.h>

enum { ROOM = 8192, PROBES = 64 };

/* key 0 is a free place; a place once taken keeps its key, so that readers need no lock. world < 0:
 * not a send. */
static struct place {
    uint64_t key;
    uint64_t bytes;
    int world;
} places[ROOM];

static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER;
static uint64_t untracked;

/* The place of `request`, or the free one where it would go, or NULL when its neighbourhood is
 * full. */
static struct place *find(uint64_t request)
{
    const uint64_t start = ffmk_rng_mix(request);
    for (unsigned i = 0; i < PROBES; i++) {
        struct place *place = &places[(start + i) % ROOM];
        const uint64_t key = __atomic_load_n(&place->key, __ATOMIC_ACQUIRE);
        if (key == request || key == 0)
            return place;
    }
    return NULL;
}

static void set(uint64_t request, int world, uint64_t bytes)
{
    pthread_mutex_lock(&writer);
    struct place *place = find(request);
    if (place) {
        place->world = world;
        place->bytes = bytes;
        __atomic_store_n(&place->key, request, __ATOMIC_RELEASE);
    } else {
        untracked++;
    }
    pthread_mutex_unlock(&writer);
}

uint64_t ffmk_persistent_add(struct ffmk_recorder *recorder, uint64_t request, int64_t count,
                             uint64_t datatype, int dest, uint64_t comm)
{
    if (dest < 0)
        return ffmk_persistent_other(request);
    const struct ffmk_comm_map *map = ffmk_account_map(recorder, comm);
    /* A send to a rank outside MPI_COMM_WORLD counts its bytes but has no place in the matrix:
     * INT32_MAX. */
    const int world = ffmk_account_world(map, dest);
    set(request, world < 0 ? INT32_MAX : world, ffmk_account_bytes(recorder, count, datatype));
    return 0;
}

uint64_t ffmk_persistent_other(uint64_t request)
{
    const struct place *place = find(request);
    if (place && place->key == request)
        set(request, -1, 0);
    return 0;
}

uint64_t ffmk_persistent_start(struct ffmk_recorder *recorder, uint64_t request)
{
    const struct place *place = find(request);
    if (!place || place->key != request || place->world < 0)
        return 0;
    if (place->world == INT32_MAX)
        return place->bytes;
    return ffmk_account_message(ffmk_account_lane(recorder, place->world), place->bytes);
}

uint64_t ffmk_persistent_untracked(void)
{
    return untracked;
}
