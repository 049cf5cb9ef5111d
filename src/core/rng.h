/* SPDX-License-Identifier: BSD-3-Clause
 * Small deterministic random numbers from a seed: SplitMix64 (Steele, Lea, Flood 2014). Not for
 * secrets. */
#ifndef FFMK_CORE_RNG_H
#define FFMK_CORE_RNG_H

#include <stdint.h>

__extension__ typedef unsigned __int128 ffmk_u128;

/** Mix 64 bits into 64 bits: a hash of x, the same on every machine. */
static inline uint64_t ffmk_rng_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/** Next number of the stream whose state is *state; begin with any seed. */
static inline uint64_t ffmk_rng_next(uint64_t *state)
{
    const uint64_t value = ffmk_rng_mix(*state);
    *state += 0x9e3779b97f4a7c15u;
    return value;
}

/** Uniform in [0, n), n > 0 (Lemire 2019, without the rejection step: bias below n / 2^64). */
static inline uint64_t ffmk_rng_below(uint64_t *state, uint64_t n)
{
    return (uint64_t)(((ffmk_u128)ffmk_rng_next(state) * n) >> 64);
}

/** Uniform in [0, 1). */
static inline double ffmk_rng_unit(uint64_t *state)
{
    return (double)(ffmk_rng_next(state) >> 11) * 0x1p-53;
}

#endif
