/* SPDX-License-Identifier: BSD-3-Clause
 * Handles as C doors take them: whole machine words. A build for an MPI whose handles are ints may
 * find itself before one whose handles are addresses; it then steps aside, and what it passes on
 * must not have lost its upper half. Included last, before the doors: mpi.h's own names of handles
 * mean words from here on. */
#ifndef FFMK_PMPI_WIDE_H
#define FFMK_PMPI_WIDE_H

#include <stdint.h>

typedef intptr_t ffmk_word;

#undef MPIO_Request
#define MPI_Comm       ffmk_word
#define MPI_Datatype   ffmk_word
#define MPI_Errhandler ffmk_word
#define MPI_File       ffmk_word
#define MPI_Group      ffmk_word
#define MPI_Info       ffmk_word
#define MPI_Message    ffmk_word
#define MPI_Op         ffmk_word
#define MPI_Request    ffmk_word
#define MPIO_Request   ffmk_word
#define MPI_Session    ffmk_word
#define MPI_Win        ffmk_word

/* MPI_<name>, under a name of our own that mpi.h has not declared otherwise. */
#define FFMK_C_FUNCTION(name, parameters)                                                          \
    FFMK_PUBLIC int ffmk_c_##name parameters __asm__("MPI_" #name);                                \
    FFMK_PUBLIC int ffmk_c_##name parameters

#endif
