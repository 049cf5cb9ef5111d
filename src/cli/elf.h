/* SPDX-License-Identifier: BSD-3-Clause
 * Which MPI a program needs, as its ELF file tells. Reads files and asks the program's own dynamic
 * loader; never runs the program. */
#ifndef FFMK_CLI_ELF_H
#define FFMK_CLI_ELF_H

#include <stdbool.h>
#include <stddef.h>

enum ffmk_elf_kind {
    FFMK_ELF_UNREADABLE, /* not there, or not ours to read */
    FFMK_ELF_OTHER,      /* neither ELF nor a script: the kernel may know better */
    FFMK_ELF_STATIC,     /* no dynamic loader: nothing can be preloaded */
    FFMK_ELF_DYNAMIC
};

struct ffmk_elf {
    enum ffmk_elf_kind kind;
    char path[4096];   /* the program, found along PATH */
    char binary[4096]; /* what the kernel will load: the interpreter of a script */
    const char *mpi;   /* "openmpi", "mpich", or NULL when it needs none by itself */
    char loader[256];  /* its dynamic loader; "" for none */
    char missing[512]; /* an interpreter or loader on the way to the binary that is not there */
    bool privileged;   /* set-user-ID or set-group-ID: the loader ignores LD_PRELOAD */
};

/** Look at a program as a shell would find it. \return false when it is not found; elf->path is
 * then as given. */
bool ffmk_elf_look(const char *program, struct ffmk_elf *elf);

/** Where libffmk stands among a program's libraries: the first that has a name gives it. */
enum ffmk_elf_order { FFMK_ELF_NOT_LINKED, FFMK_ELF_BEFORE_MPI, FFMK_ELF_BEHIND_MPI };

/** Ask the program's loader, which knows the order of all libraries, also of those that others
 * need. */
enum ffmk_elf_order ffmk_elf_order(const struct ffmk_elf *elf);

/** "openmpi" or "mpich" for the file name of an MPI library, else NULL. */
const char *ffmk_elf_mpi_of_library(const char *name);

#endif
