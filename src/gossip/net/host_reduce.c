/* SPDX-License-Identifier: BSD-3-Clause
 * Reductions on a host: everybody puts its contribution where all can read it, and everybody
 * combines all of them, in the order of members. So all have the same result, without anybody who
 * could die over it. */
#include "gossip/net/host_inside.h"

#include <string.h>

/* The part of a reduction that is under way: as much as a place holds. */
struct part {
    enum ffmk_host_size size;
    size_t n;
    size_t bytes;
    size_t at; /* in the contribution and the result, in bytes */
};

static struct part part_of(const struct ffmk_host_operation *operation)
{
    const struct ffmk_reduction *reduction = &operation->reduction;
    struct part part = {.at = operation->done * reduction->element_bytes};
    const bool small = reduction->n * reduction->element_bytes <= FFMK_HOST_REDUCE_AT_ONCE;
    part.size = small ? FFMK_HOST_SMALL : FFMK_HOST_LARGE;
    size_t most = FFMK_HOST_ELEMENT_BYTES / reduction->element_bytes;
    size_t left = reduction->n - operation->done;
    part.n = left < most ? left : most;
    part.bytes = part.n * reduction->element_bytes;
    return part;
}

static unsigned char *place_of(struct ffmk_host *host, size_t member, enum ffmk_host_size size,
                               uint64_t turn)
{
    unsigned char *places = host->places + member * host->places_bytes;
    if (size == FFMK_HOST_SMALL)
        return places + turn % FFMK_HOST_SMALL_PLACES * FFMK_HOST_REDUCE_AT_ONCE;
    return places + (size_t)FFMK_HOST_SMALL_PLACES * FFMK_HOST_REDUCE_AT_ONCE +
           turn % host->large_places * FFMK_HOST_ELEMENT_BYTES;
}

static uint64_t places(const struct ffmk_host *host, enum ffmk_host_size size)
{
    return size == FFMK_HOST_SMALL ? FFMK_HOST_SMALL_PLACES : host->large_places;
}

/* \return false: somebody still reads what is in the place. */
static bool contribute(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    struct ffmk_host_member *self = &host->member[host->me];
    struct part part = part_of(operation);
    const uint64_t before = places(host, part.size);
    const uint64_t read = operation->turn > before ? operation->turn - before : 0;
    uint64_t *combined = &host->combined_by_all[part.size];
    /* In turn: what is contributed before is seen with it. */
    if (self->contributed[part.size] + 1 != operation->turn)
        return false;
    if (*combined < read)
        *combined = ffmk_host_least_of(host, &host->member->combined[part.size],
                                       sizeof *host->member, operation->turn, &operation->awaited);
    if (*combined < read)
        return false;
    if (operation->contribution)
        memcpy(place_of(host, host->me, part.size, operation->turn),
               operation->contribution + part.at, part.bytes);
    else
        ffmk_host_store(&self->refused[part.size][operation->turn % FFMK_HOST_SMALL_PLACES],
                        operation->turn);
    ffmk_host_store(&self->contributed[part.size], operation->turn);
    operation->begun = true;
    operation->position = 0;
    return true;
}

/* Everybody has contributed or is dead, and what the dead did is final. \return FFMK_SUCCESS;
 * FFMK_ERR_FAILED when somebody who counted in an earlier part does not now; FFMK_ERR_NO_MEMORY. */
static int count(struct ffmk_host *host, struct ffmk_host_operation *operation,
                 enum ffmk_host_size size)
{
    int code = FFMK_SUCCESS;
    for (size_t i = 0; i < host->members; i++) {
        unsigned char counts =
            ffmk_host_load(&host->member[i].contributed[size]) >= operation->turn;
        if (operation->done > 0 && counts != operation->contributors[i])
            code = FFMK_ERR_FAILED;
        operation->contributors[i] = counts;
    }
    for (size_t i = 0; i < host->members; i++)
        if (operation->contributors[i] &&
            ffmk_host_load(
                &host->member[i].refused[size][operation->turn % FFMK_HOST_SMALL_PLACES]) ==
                operation->turn)
            code = FFMK_ERR_NO_MEMORY;
    return code;
}

static void combine(struct ffmk_host *host, struct ffmk_host_operation *operation,
                    const struct part *part)
{
    unsigned char *result = operation->result + part->at;
    bool begun = false;
    for (size_t i = host->members; i-- > 0;) {
        if (!operation->contributors[i])
            continue;
        const unsigned char *from = place_of(host, i, part->size, operation->turn);
        if (begun)
            operation->reduction.combine(operation->reduction.context, from, result, part->n);
        else
            memcpy(result, from, part->bytes);
        begun = true;
    }
    operation->done += part->n;
}

/* How many parts a large one takes is known when it has ended, for somebody may die on the way. */
static bool is_behind_a_large_one(const struct ffmk_host *host,
                                  const struct ffmk_host_operation *operation)
{
    for (const struct ffmk_host_operation *at = host->first; at != operation; at = at->next)
        if (at->kind == FFMK_HOST_ALLREDUCE && !at->complete && part_of(at).size == FFMK_HOST_LARGE)
            return true;
    return false;
}

void ffmk_host_advance_allreduce(struct ffmk_host *host, struct ffmk_host_operation *operation)
{
    if (operation->turn == 0 && is_behind_a_large_one(host, operation))
        return;
    if (operation->turn == 0)
        operation->turn = ++host->turn[FFMK_HOST_LARGE];
    while (!operation->complete) {
        struct part part = part_of(operation);
        uint64_t *combined = &host->member[host->me].combined[part.size];
        if (!operation->begun && !contribute(host, operation))
            return;
        /* In turn, so that one number says which contributions are not needed any more. */
        if (*combined + 1 != operation->turn ||
            !ffmk_host_all_have(
                host, offsetof(struct ffmk_host_member, contributed) + part.size * sizeof(uint64_t),
                operation->turn, &operation->position, &operation->awaited))
            return;
        int code = count(host, operation, part.size);
        if (code == FFMK_SUCCESS)
            combine(host, operation, &part);
        else if (code == FFMK_ERR_FAILED)
            operation->done = 0; /* somebody died on the way: all over again, for everybody */
        ffmk_host_store(combined, operation->turn);
        if (code == FFMK_ERR_NO_MEMORY ||
            (code == FFMK_SUCCESS && operation->done == operation->reduction.n)) {
            ffmk_host_complete(operation, code);
        } else {
            operation->begun = false;
            operation->turn = ++host->turn[part.size];
        }
    }
}

void ffmk_host_allreduce_start(struct ffmk_host *host, struct ffmk_host_operation *operation,
                               const struct ffmk_reduction *reduction, const void *contribution,
                               void *result, unsigned char *contributors) /* NOLINT: kept */
{
    *operation = (struct ffmk_host_operation){.kind = FFMK_HOST_ALLREDUCE,
                                              .reduction = *reduction,
                                              .contribution = contribution,
                                              .result = result,
                                              .contributors = contributors};
    if (part_of(operation).size == FFMK_HOST_SMALL)
        operation->turn = ++host->turn[FFMK_HOST_SMALL];
    ffmk_host_start(host, operation);
}
