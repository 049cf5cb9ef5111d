/* SPDX-License-Identifier: BSD-3-Clause
 * The end of a program of several ranks that found something wrong, with the seed of what it drew.
 */
#ifndef FFMK_TESTS_BALANCE_FAIL_H
#define FFMK_TESTS_BALANCE_FAIL_H

#include <inttypes.h>
#include <mpi.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed; /* 0 where nothing is drawn */

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
    int rank, size;
    va_list args;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    va_start(args, format);
    fprintf(stderr, "rank %d of %d, seed %" PRIu64 ": ", rank, size, seed);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    MPI_Abort(MPI_COMM_WORLD, 1);
    abort();
}

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(__VA_ARGS__);                                                                     \
    } while (0)

#endif
