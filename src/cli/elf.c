/* SPDX-License-Identifier: BSD-3-Clause
 * Which MPI a program needs. */
#include "cli/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCRIPT_DEPTH = 4 };

/* A file in memory; every access is checked against its length. */
struct image {
    const unsigned char *bytes;
    size_t length;
};

static const void *at(const struct image *image, uint64_t offset, uint64_t length)
{
    if (offset > image->length || length > image->length - offset)
        return NULL;
    return image->bytes + offset;
}

const char *ffmk_elf_mpi_of_library(const char *name)
{
    const char *slash = strrchr(name, '/');
    if (slash)
        name = slash + 1;
    static const struct {
        const char *start;
        const char *mpi;
    } libraries[] = {
        {"libmpi.so.12", "mpich"}, /* the ABI that MPICH, Intel MPI and MVAPICH share */
        {"libmpifort.so.12", "mpich"},
        {"libmpich", "mpich"},
        {"libmpi.so.", "openmpi"},
        {"libmpi_", "openmpi"},
        {"liboshmem.so", "openmpi"},
        {"libopen-rte.so", "openmpi"}, /* mpirun itself: what it starts inherits our preload */
    };
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        if (strncmp(name, libraries[i].start, strlen(libraries[i].start)) == 0)
            return libraries[i].mpi;
    return NULL;
}

/* ---- reading ELF ---- */

struct parsed {
    bool has_loader;
    char loader[256];
    bool dynamic;
    const char *mpi;
};

/* File offset of a virtual address. */
static bool to_offset(const struct image *image, const Elf64_Ehdr *header, uint64_t address,
                      uint64_t *offset_p)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf64_Phdr *part = at(image, header->e_phoff + i * sizeof *part, sizeof *part);
        if (part && part->p_type == PT_LOAD && address >= part->p_vaddr &&
            address - part->p_vaddr < part->p_filesz) {
            *offset_p = address - part->p_vaddr + part->p_offset;
            return true;
        }
    }
    return false;
}

static void parse_dynamic(const struct image *image, const Elf64_Ehdr *header,
                          const Elf64_Phdr *part, struct parsed *parsed)
{
    parsed->dynamic = true;
    const uint64_t n = part->p_filesz / sizeof(Elf64_Dyn);
    const Elf64_Dyn *entries = at(image, part->p_offset, n * sizeof *entries);
    uint64_t strings = 0;
    for (uint64_t i = 0; entries && i < n; i++)
        if (entries[i].d_tag == DT_STRTAB &&
            !to_offset(image, header, entries[i].d_un.d_ptr, &strings))
            return;
    for (uint64_t i = 0; entries && i < n && entries[i].d_tag != DT_NULL; i++) {
        if (entries[i].d_tag != DT_NEEDED)
            continue;
        const uint64_t offset = strings + entries[i].d_un.d_val;
        const char *name = at(image, offset, 1);
        if (name && memchr(name, '\0', image->length - offset) && !parsed->mpi)
            parsed->mpi = ffmk_elf_mpi_of_library(name);
    }
}

static bool parse_elf(const struct image *image, struct parsed *parsed)
{
    const Elf64_Ehdr *header = at(image, 0, sizeof *header);
    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64)
        return false;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf64_Phdr *part = at(image, header->e_phoff + i * sizeof *part, sizeof *part);
        if (!part)
            return false;
        if (part->p_type == PT_INTERP && part->p_filesz > 0 &&
            part->p_filesz < sizeof parsed->loader) {
            const char *loader = at(image, part->p_offset, part->p_filesz);
            if (loader) {
                memcpy(parsed->loader, loader, part->p_filesz);
                parsed->has_loader = true;
            }
        } else if (part->p_type == PT_DYNAMIC) {
            parse_dynamic(image, header, part, parsed);
        }
    }
    return true;
}

/* What is noted of a program's libraries, in the order in which names are looked up in them. */
struct libraries {
    const char *mpi;
    enum ffmk_elf_order ffmk;
};

static void note(struct libraries *libraries, const char *name)
{
    static const char ours[] = "libffmk.so";
    const char *slash = strrchr(name, '/');
    if (libraries->ffmk == FFMK_ELF_NOT_LINKED &&
        strncmp(slash ? slash + 1 : name, ours, sizeof ours - 1) == 0)
        libraries->ffmk = libraries->mpi ? FFMK_ELF_BEHIND_MPI : FFMK_ELF_BEFORE_MPI;
    if (!libraries->mpi)
        libraries->mpi = ffmk_elf_mpi_of_library(name);
}

/* The program's libraries may need MPI where the program itself does not: its loader can list them
 * all. */
static struct libraries ask_loader(const char *loader, const char *binary)
{
    struct libraries libraries = {NULL, FFMK_ELF_NOT_LINKED};
    int ends[2];
    if (pipe(ends) != 0)
        return libraries;
    const pid_t child = fork();
    if (child == 0) {
        unsetenv("LD_PRELOAD");
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        const int quiet = open("/dev/null", O_WRONLY);
        dup2(quiet, STDERR_FILENO);
        execl(loader, loader, "--list", binary, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *list = child > 0 ? fdopen(ends[0], "r") : NULL;
    char line[4096];
    while (list && fgets(line, sizeof line, list))
        note(&libraries, line + strspn(line, " \t"));
    if (list)
        fclose(list);
    else
        close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    return libraries;
}

/* ---- finding the file ---- */

static bool executable(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

static bool find(const char *program, char *path, size_t bytes)
{
    snprintf(path, bytes, "%s", program);
    if (strchr(program, '/'))
        return executable(path);
    const char *folders = getenv("PATH");
    if (!folders)
        folders = "/usr/bin:/bin";
    while (*folders) {
        const size_t length = strcspn(folders, ":");
        const int written = length ? snprintf(path, bytes, "%.*s/%s", (int)length, folders, program)
                                   : snprintf(path, bytes, "./%s", program);
        if (written > 0 && (size_t)written < bytes && executable(path))
            return true;
        folders += length + (folders[length] == ':');
    }
    snprintf(path, bytes, "%s", program);
    return false;
}

/* "#!/usr/bin/env -S python3 -u" → python3;  "#!/bin/sh -e" → /bin/sh. What the kernel itself
 * starts, env in the first, is noted when it is not there. */
static bool interpreter_of(const struct image *image, char *name, size_t bytes, char *missing)
{
    char line[512];
    if (image->length < 3 || memcmp(image->bytes, "#!", 2) != 0)
        return false;
    size_t length = image->length - 2 < sizeof line - 1 ? image->length - 2 : sizeof line - 1;
    memcpy(line, image->bytes + 2, length);
    line[length] = '\0';
    line[strcspn(line, "\n")] = '\0';
    char *rest = NULL;
    char *word = strtok_r(line, " \t", &rest);
    if (!word)
        return false;
    if (!executable(word))
        snprintf(missing, bytes, "%s", word);
    const char *slash = strrchr(word, '/');
    if (strcmp(slash ? slash + 1 : word, "env") == 0)
        do {
            word = strtok_r(NULL, " \t", &rest);
        } while (word && (word[0] == '-' || strchr(word, '=')));
    if (!word)
        return false;
    snprintf(name, bytes, "%s", word);
    return true;
}

static bool look_at(const char *program, struct ffmk_elf *elf, int depth)
{
    char path[4096];
    if (!find(program, path, sizeof path))
        return false;
    if (depth == 0)
        memcpy(elf->path, path, sizeof path);
    memcpy(elf->binary, path, sizeof path);
    elf->kind = FFMK_ELF_UNREADABLE;

    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0) {
        if (file >= 0)
            close(file);
        return true;
    }
    elf->privileged = (info.st_mode & (S_ISUID | S_ISGID)) != 0;
    struct image image = {NULL, (size_t)info.st_size};
    void *map =
        image.length ? mmap(NULL, image.length, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
    close(file);
    if (map == MAP_FAILED)
        return true;
    image.bytes = map;

    char interpreter[512];
    struct parsed parsed = {.mpi = NULL};
    elf->kind = FFMK_ELF_OTHER;
    if (interpreter_of(&image, interpreter, sizeof interpreter, elf->missing)) {
        munmap(map, image.length);
        if (depth < SCRIPT_DEPTH)
            look_at(interpreter, elf, depth + 1);
        return true;
    }
    if (parse_elf(&image, &parsed)) {
        elf->kind = parsed.has_loader || parsed.dynamic ? FFMK_ELF_DYNAMIC : FFMK_ELF_STATIC;
        elf->mpi = parsed.mpi;
        memcpy(elf->loader, parsed.loader, sizeof elf->loader);
        if (parsed.has_loader && !executable(parsed.loader))
            memcpy(elf->missing, parsed.loader, sizeof parsed.loader);
        if (!elf->mpi && parsed.has_loader)
            elf->mpi = ask_loader(parsed.loader, path).mpi;
        /* MPICH's launcher needs no MPI itself; what it starts inherits our preload. */
        char *real = elf->mpi ? NULL : realpath(path, NULL);
        if (real && strstr(strrchr(real, '/'), "hydra"))
            elf->mpi = "mpich";
        free(real);
    }
    munmap(map, image.length);
    return true;
}

bool ffmk_elf_look(const char *program, struct ffmk_elf *elf)
{
    memset(elf, 0, sizeof *elf);
    snprintf(elf->path, sizeof elf->path, "%s", program);
    return look_at(program, elf, 0);
}

enum ffmk_elf_order ffmk_elf_order(const struct ffmk_elf *elf)
{
    return elf->loader[0] ? ask_loader(elf->loader, elf->binary).ffmk : FFMK_ELF_NOT_LINKED;
}
