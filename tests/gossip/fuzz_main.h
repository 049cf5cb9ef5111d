/* SPDX-License-Identifier: BSD-3-Clause
 * The main() of a fuzz target where there is no fuzzer: FILE… are run; without any, random inputs
 * for as many seconds as FFMK_FUZZ_SECONDS says, 2 if it says nothing. */
#ifndef FFMK_TESTS_FUZZ_MAIN_H
#define FFMK_TESTS_FUZZ_MAIN_H

#include "core/clock.h"
#include "core/rng.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    static uint8_t input[1 << 16];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file)
            return 1;
        const size_t length = fread(input, 1, sizeof input, file);
        fclose(file);
        LLVMFuzzerTestOneInput(input, length);
    }
    if (argc > 1)
        return 0;
    const char *text = getenv("FFMK_FUZZ_SECONDS");
    const uint64_t until = ffmk_clock_ns() + strtoull(text ? text : "2", NULL, 10) * 1000000000;
    for (uint64_t seed = 1; ffmk_clock_ns() < until; seed++) {
        uint64_t state = seed;
        const size_t length = 1 + ffmk_rng_below(&state, 2000);
        /* Bytes are small ones mostly, so that kinds, ranks and counts make sense. */
        for (size_t i = 0; i < length; i++)
            input[i] = (uint8_t)(ffmk_rng_below(&state, 8) ? ffmk_rng_below(&state, 12)
                                                           : ffmk_rng_next(&state));
        LLVMFuzzerTestOneInput(input, length);
    }
    return 0;
}

#endif
