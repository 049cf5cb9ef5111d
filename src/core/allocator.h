/* SPDX-License-Identifier: BSD-3-Clause
 * Whether the C library's locks can be had. */
#ifndef FFMK_CORE_ALLOCATOR_H
#define FFMK_CORE_ALLOCATOR_H

#include <stdbool.h>

/** \return false when malloc or fopen has not come back for a second: this is a signal's handler,
 * and what it interrupted is this very thread within them. Neither can be used any more then. Takes
 * microseconds otherwise. A real-time signal for which the program has no handler is used
 * meanwhile, and all is as before behind it. One thread at a time. */
bool ffmk_allocator_comes_back(void);

#endif
