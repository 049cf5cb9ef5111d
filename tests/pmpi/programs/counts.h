/* SPDX-License-Identifier: BSD-3-Clause
 * The parts of the program whose calls are known. */
#ifndef FFMK_TEST_COUNTS_H
#define FFMK_TEST_COUNTS_H

#include "tally.h"

extern int counts_rank;
extern int counts_size;

void counts_p2p(void);
void counts_large_p2p(void);
void counts_collective(void);
void counts_large_collective(void);
void counts_neighbours(void);
void counts_between(void);
void counts_communicators(void);
void counts_rma(void);
void counts_io(const char *path);
void counts_datatypes(void);

#endif
