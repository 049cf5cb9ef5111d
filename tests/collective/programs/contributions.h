/* SPDX-License-Identifier: BSD-3-Clause
 * What each rank gives to a reduction, so that a result says whose contributions are in it, and
 * whether it is right. */
#ifndef CONTRIBUTIONS_H
#define CONTRIBUTIONS_H

#include "journal.h"

#include <stdbool.h>
#include <string.h>

/* Affine maps, composed: associative, not commutative. The set says whose are in it. */
struct element {
    uint64_t set;
    uint64_t factor;
    uint64_t term;
};

enum { GAP_BYTES = 8, WORDS = sizeof(struct element) / sizeof(uint64_t) };

static MPI_Op composition;
static MPI_Datatype dense;
static MPI_Datatype sparse; /* with a gap behind each element */

static inline void compose(void *in, void *inout, int *n, MPI_Datatype *datatype)
{
    MPI_Aint lb;
    MPI_Aint extent;
    PMPI_Type_get_extent(*datatype, &lb, &extent);
    for (int i = 0; i < *n; i++) {
        const struct element *a = (const void *)((char *)in + i * extent);
        struct element *b = (void *)((char *)inout + i * extent);
        b->set |= a->set;
        b->term = a->factor * b->term + a->term;
        b->factor *= a->factor;
    }
}

static inline void make_composition(void)
{
    MPI_Type_contiguous(WORDS, MPI_UINT64_T, &dense);
    MPI_Type_create_resized(dense, 0, sizeof(struct element) + GAP_BYTES, &sparse);
    MPI_Type_commit(&dense);
    MPI_Type_commit(&sparse);
    MPI_Op_create(compose, 0, &composition);
}

static inline struct element element_of(uint64_t seed, int rank, size_t i)
{
    return (struct element){(uint64_t)1 << rank, ffmk_rng_mix(seed ^ (uint64_t)rank) | 1,
                            ffmk_rng_mix(seed + (uint64_t)rank * 977 + i)};
}

/* Whether an element is what those of its set give together: composed in the order of ranks, or bit
 * by bit. */
static inline bool element_is_right(const struct members *members, struct element found,
                                    uint64_t seed, size_t i, bool bits)
{
    struct element all = {0, bits ? 0 : 1, 0};
    for (int r = 0; r < members->size; r++) {
        const int rank = members->world_rank[r];
        if (!(found.set >> rank & 1))
            continue;
        const struct element its = element_of(seed, rank, i);
        if (bits)
            all = (struct element){all.set | its.set, all.factor | its.factor, all.term | its.term};
        else
            all = (struct element){all.set | its.set, all.factor * its.factor,
                                   all.factor * its.term + all.term};
    }
    return memcmp(&all, &found, sizeof all) == 0;
}

static inline void give_elements(unsigned char *buffer, size_t n, size_t stride, uint64_t seed,
                                 int rank)
{
    for (size_t i = 0; i < n; i++) {
        const struct element mine = element_of(seed, rank, i);
        memcpy(buffer + i * stride, &mine, sizeof mine);
    }
}

/* Some elements of many: to compute each takes as long as the reduction. */
static inline void judge_elements(struct record *record, const unsigned char *buffer, size_t n,
                                  size_t stride, const struct members *members, uint64_t seed,
                                  bool bits)
{
    record->right = true;
    for (size_t i = 0; i < n; i++) {
        struct element found;
        memcpy(&found, buffer + i * stride, sizeof found);
        if (i == 0)
            record->mask = found.set;
        record->hash = ffmk_rng_mix(record->hash ^ hash_of(&found, sizeof found));
        record->right = record->right && found.set == record->mask &&
                        (i % (1 + n / 32) != 0 || element_is_right(members, found, seed, i, bits));
    }
}

#endif
