/* SPDX-License-Identifier: BSD-3-Clause
 * What the tool that swallows every call says of the last one, to the program that made it. */
#ifndef FFMK_TEST_SWALLOW_H
#define FFMK_TEST_SWALLOW_H

#include <stdint.h>

enum { SWALLOW_WORDS = 15, SWALLOW_CODE = 16 };

struct swallowed {
    const char *symbol;
    uint64_t calls;
    uint64_t words[SWALLOW_WORDS];
};

const struct swallowed *swallow_seen(void);

#ifdef OPEN_MPI
#define F08_SYMBOL(fortran, f08)   "mpi_" #fortran "_f08_"
#define F08_SYMBOL_C(fortran, f08) "mpi_" #fortran "_c_f08_"
#else
#define F08_SYMBOL(fortran, f08)   "mpi_" #fortran "_" #f08 "_"
#define F08_SYMBOL_C(fortran, f08) "mpi_" #fortran "_" #f08 "_large_"
#endif

#endif
