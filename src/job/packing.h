/* SPDX-License-Identifier: BSD-3-Clause
 * Elements of a datatype as bytes in a row, which is what our own ways carry: where they lie, when
 * they lie so already, else packed. */
#ifndef FFMK_JOB_PACKING_H
#define FFMK_JOB_PACKING_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

struct ffmk_packing {
    MPI_Datatype datatype;
    MPI_Count count;
    uint64_t element_bytes; /* packed */
    uint64_t bytes;
    bool contiguous; /* in memory: element after element, without gaps */
    MPI_Aint lb;     /* of an element, and where the next one begins */
    MPI_Aint extent;
};

/** \return FFMK_SUCCESS, FFMK_ERR_ARGUMENT (negative count, no datatype), FFMK_ERR_MPI. */
int ffmk_packing_of(MPI_Count count, MPI_Datatype datatype, struct ffmk_packing *packing);

/** Whether the elements can be used where they lie: in a row, and not in a GPU's memory. */
bool ffmk_packing_is_direct(const struct ffmk_packing *packing, const void *buffer);

/** Copy elements out of and into a program's buffer, which may be a GPU's memory. What lies between
 * elements there is written, too, as it was read just before.
 * \return FFMK_SUCCESS, FFMK_ERR_MPI, FFMK_ERR_NO_MEMORY, FFMK_ERR_DEVICE. */
int ffmk_packing_pack(const struct ffmk_packing *packing, const void *buffer, void *bytes);
int ffmk_packing_unpack(const struct ffmk_packing *packing, const void *bytes, void *buffer);

#endif
