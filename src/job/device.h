/* SPDX-License-Identifier: BSD-3-Clause
 * Memory of a GPU that the processor cannot touch: whether an address is such, and copies out of
 * and into it, by the GPU's own driver. Loads no driver: asks one that the program has loaded,
 * CUDA's or HIP's. (Level Zero answers only for the context that the memory was made in, which is
 * the program's.) */
#ifndef FFMK_JOB_DEVICE_H
#define FFMK_JOB_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

/** Whether a driver says that this is its device's memory, and not managed memory, which moves to
 * who touches it. Costs about 10 ns as long as there is no driver, and 3 for what is on the stack.
 */
bool ffmk_device_holds(const void *address);

/** Copy from and to device memory; complete when they return. \return FFMK_SUCCESS, or
 * FFMK_ERR_DEVICE, which is logged. */
int ffmk_device_read(void *host, const void *device, size_t bytes);
int ffmk_device_write(void *device, const void *host, size_t bytes);

#endif
