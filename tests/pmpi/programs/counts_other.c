/* SPDX-License-Identifier: BSD-3-Clause
 * Communicators, windows, files and datatypes. */
#include "counts.h"

#include <stdlib.h>

#define WORLD MPI_COMM_WORLD
#define NO    MPI_STATUS_IGNORE

enum { INT = sizeof(int) };

void counts_communicators(void)
{
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_Comm a;
    MPI_Comm b;
    MPI_Comm inter;
    MPI_Request r;
    MPI_Group group;
    MPI_Comm_group(WORLD, &group);
    M(Comm_dup, 0, WORLD, &a);
    M(Comm_set_info, 0, a, info);
    M(Comm_free, 0, &a);
    M(Comm_dup_with_info, 0, WORLD, MPI_INFO_NULL, &a);
    M(Comm_disconnect, 0, &a);
    M(Comm_idup, 0, WORLD, &a, &r);
    M(Wait, 0, &r, NO);
    M(Comm_create, 0, a, group, &b);
    M(Comm_free, 0, &b);
    M(Comm_create_group, 0, WORLD, group, 3,
      &b); /* on a duplicate made by MPI_Comm_idup MPICH 4.0 crashes */
    M(Comm_free, 0, &b);
    M(Comm_split_type, 0, a, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &b);
    M(Comm_free, 0, &b);
    M(Comm_free, 0, &a);
    /* The first rank against the others. */
    M(Comm_split, 0, WORLD, counts_rank > 0, 0, &a);
    M(Intercomm_create, 0, a, 0, WORLD, counts_rank > 0 ? 0 : 1, 4, &inter);
    M(Intercomm_merge, 0, inter, counts_rank > 0, &b);
    M(Barrier, 0, inter);
    /* Which arguments are significant differs in rooted calls of an intercommunicator: those that
     * rank hands over count, nothing else. */
    int one = 1;
    int got[16];
    M(Allreduce, INT, &one, got, 1, MPI_INT, MPI_SUM, inter);
    M(Allgather, 0, &one, 1, MPI_INT, got, 1, MPI_INT, inter);
    M(Comm_free, 0, &inter);
    M(Comm_free, 0, &b);
    M(Comm_free, 0, &a);
#if MPI_VERSION >= 4
    M(Comm_idup_with_info, 0, WORLD, MPI_INFO_NULL, &a, &r);
    M(Wait, 0, &r, NO);
    M(Comm_free, 0, &a);
    M(Comm_create_from_group, 0, group, "ffmk-counts", MPI_INFO_NULL, MPI_ERRORS_ARE_FATAL, &a);
    M(Comm_free, 0, &a);
#endif
    MPI_Group_free(&group);
    MPI_Info_free(&info);
}

void counts_rma(void)
{
    MPI_Info info;
    MPI_Info_create(&info);
    int *memory;
    int value = 1;
    int result = 0;
    int expected = 0;
    MPI_Win win;
    MPI_Request r;
    MPI_Group everyone;
    const int next = (counts_rank + 1) % counts_size;
    const int before = (counts_rank + counts_size - 1) % counts_size;
    M(Win_allocate, 0, 8 * INT, INT, MPI_INFO_NULL, WORLD, &memory, &win);
    M(Win_fence, 0, 0, win);
    M(Put, INT, &value, 1, MPI_INT, next, 0, 1, MPI_INT, win);
    M(Get, INT, &result, 1, MPI_INT, next, 4, 1, MPI_INT, win);
    M(Win_fence, 0, 0, win);
    M(Accumulate, INT, &value, 1, MPI_INT, next, 0, 1, MPI_INT, MPI_SUM, win);
    M(Win_fence, 0, 0, win);
    M(Win_lock, 0, MPI_LOCK_SHARED, next, 0, win);
    M(Get_accumulate, INT, &value, 1, MPI_INT, &result, 1, MPI_INT, next, 1, 1, MPI_INT, MPI_SUM,
      win);
    M(Win_flush, 0, next, win);
    M(Fetch_and_op, INT, &value, &result, MPI_INT, next, 1, MPI_SUM, win);
    M(Win_flush_local, 0, next, win);
    M(Compare_and_swap, INT, &value, &expected, &result, MPI_INT, next, 2, win);
    M(Win_unlock, 0, next, win);
    M(Win_lock_all, 0, 0, win);
    M(Rput, INT, &value, 1, MPI_INT, next, 3, 1, MPI_INT, win, &r);
    M(Wait, 0, &r, NO);
    M(Rget, INT, &result, 1, MPI_INT, next, 5, 1, MPI_INT, win, &r);
    M(Wait, 0, &r, NO);
    M(Raccumulate, INT, &value, 1, MPI_INT, next, 6, 1, MPI_INT, MPI_SUM, win, &r);
    M(Wait, 0, &r, NO);
    M(Rget_accumulate, INT, &value, 1, MPI_INT, &result, 1, MPI_INT, next, 7, 1, MPI_INT, MPI_SUM,
      win, &r);
    M(Wait, 0, &r, NO);
    M(Win_flush_all, 0, win);
    M(Win_flush_local_all, 0, win);
    M(Win_sync, 0, win);
    M(Win_unlock_all, 0, win);
    MPI_Comm_group(WORLD, &everyone);
    MPI_Group to;
    MPI_Group from;
    MPI_Group_incl(everyone, 1, &next, &to);
    MPI_Group_incl(everyone, 1, &before, &from);
    M(Win_post, 0, from, 0, win);
    M(Win_start, 0, to, 0, win);
    M(Put, INT, &value, 1, MPI_INT, next, 0, 1, MPI_INT, win);
    M(Win_complete, 0, win);
    M(Win_wait, 0, win);
    M(Win_post, 0, from, 0, win);
    M(Win_start, 0, to, 0, win);
    M(Win_complete, 0, win);
    int flag;
    do
        M(Win_test, 0, win, &flag);
    while (!flag);
    MPI_Group_free(&to);
    MPI_Group_free(&from);
    MPI_Group_free(&everyone);
    M(Win_set_info, 0, win, info);
    M(Win_free, 0, &win);

    int *block;
    M(Alloc_mem, 0, 4 * INT, MPI_INFO_NULL, &block);
    M(Win_create, 0, block, 4 * INT, INT, MPI_INFO_NULL, WORLD, &win);
    M(Win_free, 0, &win);
    M(Win_create_dynamic, 0, MPI_INFO_NULL, WORLD, &win);
    M(Win_attach, 0, win, block, 4 * INT);
    M(Win_detach, 0, win, block);
    M(Win_free, 0, &win);
    M(Free_mem, 0, block);
    M(Win_allocate_shared, 0, 4 * INT, INT, MPI_INFO_NULL, WORLD, &memory, &win);
    M(Win_free, 0, &win);
    MPI_Info_free(&info);
}

void counts_io(const char *path)
{
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_File file;
    MPI_Offset size;
    MPI_Request r;
    int four[4] = {1, 2, 3, 4};
    const MPI_Offset at = 16 * counts_rank;
    const int all = 4 * INT;
    M(File_open, 0, WORLD, path, MPI_MODE_RDWR | MPI_MODE_CREATE, MPI_INFO_NULL, &file);
    M(File_set_size, 0, file, 0);
    M(File_preallocate, 0, file, 4096);
    M(File_set_view, 0, file, 0, MPI_BYTE, MPI_BYTE, "native", MPI_INFO_NULL);
    M(File_set_atomicity, 0, file, 0);
    M(File_set_info, 0, file, info);
    M(File_write_at, all, file, at, four, 4, MPI_INT, NO);
    M(File_write_at_all, all, file, at, four, 4, MPI_INT, NO);
    M(File_seek, 0, file, at, MPI_SEEK_SET);
    M(File_write, all, file, four, 4, MPI_INT, NO);
    M(File_write_all, all, file, four, 4, MPI_INT, NO);
    M(File_sync, 0, file);
    M(File_read_at, all, file, at, four, 4, MPI_INT, NO);
    M(File_read_at_all, all, file, at, four, 4, MPI_INT, NO);
    M(File_seek, 0, file, at, MPI_SEEK_SET);
    M(File_read, all, file, four, 4, MPI_INT, NO);
    M(File_read_all, all, file, four, 4, MPI_INT, NO);
    M(File_iwrite_at, all, file, at, four, 4, MPI_INT, &r);
    M(Wait, 0, &r, NO);
    M(File_iread_at, all, file, at, four, 4, MPI_INT, &r);
    M(Wait, 0, &r, NO);
    M(File_iwrite, all, file, four, 4, MPI_INT, &r);
    M(Wait, 0, &r, NO);
    M(File_iread, all, file, four, 4, MPI_INT, &r);
    M(Wait, 0, &r, NO);
    M(File_write_at_all_begin, all, file, at, four, 4, MPI_INT);
    M(File_write_at_all_end, 0, file, four, NO);
    M(File_read_at_all_begin, all, file, at, four, 4, MPI_INT);
    M(File_read_at_all_end, 0, file, four, NO);
    M(File_write_all_begin, all, file, four, 4, MPI_INT);
    M(File_write_all_end, 0, file, four, NO);
    M(File_get_size, 0, file, &size);
    M(File_close, 0, &file);
    M(Barrier, 0, WORLD);
    if (counts_rank == 0)
        M(File_delete, 0, path, MPI_INFO_NULL);
    MPI_Info_free(&info);
}

/* The same handle may name types of another size later on: what is remembered of a size must go
 * with the type. */
void counts_datatypes(void)
{
    char room[4096];
    double data[64] = {0};
    for (int n = 1; n <= 6; n++) {
        MPI_Datatype type;
        MPI_Type_contiguous(n, MPI_DOUBLE, &type);
        M(Type_commit, 0, &type);
        int position = 0;
        const size_t bytes = 2 * (size_t)n * sizeof(double);
        M(Pack, bytes, data, 2, type, room, sizeof room, &position, WORLD);
        position = 0;
        M(Unpack, bytes, room, sizeof room, &position, data, 2, type, WORLD);
        MPI_Aint place = 0;
        M(Pack_external, bytes, "external32", data, 2, type, room, sizeof room, &place);
        place = 0;
        M(Unpack_external, bytes, "external32", room, sizeof room, &place, data, 2, type);
        M(Bcast, bytes, data, 2, type, 0, WORLD);
        M(Type_free, 0, &type);
    }
    /* A vector's size is what it sends, not its extent. */
    MPI_Datatype column;
    MPI_Type_vector(4, 1, 8, MPI_DOUBLE, &column);
    M(Type_commit, 0, &column);
    M(Bcast, 2 * 4 * sizeof(double), data, 2, column, 0, WORLD);
    M(Type_free, 0, &column);
}
