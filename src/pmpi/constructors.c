/* SPDX-License-Identifier: BSD-3-Clause
 * Where calls are replaced, the ranks of a communicator get ready for our operations as it is made:
 * all of them are there and wait for each other anyway, none is dead yet, and a nonblocking
 * operation, which must not wait for the others, finds it ready. */
#include "pmpi/replace_inside.h"

/* What blocks and makes an intracommunicator; the new one is the last parameter. */
#define CONSTRUCTORS(X)                                                                            \
    X(Cart_create,                                                                                 \
      (MPI_Comm comm, int n, const int lengths[], const int periods[], int reorder,                \
       MPI_Comm *newcomm),                                                                         \
      (comm, n, lengths, periods, reorder, newcomm))                                               \
    X(Cart_sub, (MPI_Comm comm, const int remain[], MPI_Comm *newcomm), (comm, remain, newcomm))   \
    X(Comm_create, (MPI_Comm comm, MPI_Group group, MPI_Comm * newcomm), (comm, group, newcomm))   \
    X(Comm_create_group, (MPI_Comm comm, MPI_Group group, int tag, MPI_Comm *newcomm),             \
      (comm, group, tag, newcomm))                                                                 \
    X(Comm_dup, (MPI_Comm comm, MPI_Comm * newcomm), (comm, newcomm))                              \
    X(Comm_dup_with_info, (MPI_Comm comm, MPI_Info info, MPI_Comm * newcomm),                      \
      (comm, info, newcomm))                                                                       \
    X(Comm_split, (MPI_Comm comm, int colour, int key, MPI_Comm *newcomm),                         \
      (comm, colour, key, newcomm))                                                                \
    X(Comm_split_type, (MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *newcomm),       \
      (comm, type, key, info, newcomm))                                                            \
    X(Dist_graph_create,                                                                           \
      (MPI_Comm comm, int n, const int sources[], const int degrees[], const int destinations[],   \
       const int weights[], MPI_Info info, int reorder, MPI_Comm *newcomm),                        \
      (comm, n, sources, degrees, destinations, weights, info, reorder, newcomm))                  \
    X(Dist_graph_create_adjacent,                                                                  \
      (MPI_Comm comm, int in, const int sources[], const int from[], int out,                      \
       const int destinations[], const int to[], MPI_Info info, int reorder, MPI_Comm *newcomm),   \
      (comm, in, sources, from, out, destinations, to, info, reorder, newcomm))                    \
    X(Graph_create,                                                                                \
      (MPI_Comm comm, int n, const int index[], const int edges[], int reorder,                    \
       MPI_Comm *newcomm),                                                                         \
      (comm, n, index, edges, reorder, newcomm))                                                   \
    X(Intercomm_merge, (MPI_Comm comm, int high, MPI_Comm *newcomm), (comm, high, newcomm))

#define MAKES(name, parameters, names)                                                             \
    static int make_##name parameters                                                              \
    {                                                                                              \
        typedef int function_ parameters;                                                          \
        const int code = ((function_ *)ffmk_next_behind(FFMK_DOOR(name, C)))names;                 \
        if (code == MPI_SUCCESS)                                                                   \
            ffmk_replace_engine->meet((uintptr_t)*newcomm);                                        \
        return code;                                                                               \
    }
CONSTRUCTORS(MAKES)

#define FORTRAN_MAKES(name, binding, names)                                                        \
    static void make_##name##_##binding(VOIDS names, void *ierror)                                 \
    {                                                                                              \
        typedef void function_(VOIDS names, void *ierror);                                         \
        ((function_ *)ffmk_next_behind(FFMK_DOOR(name, binding)))(UNWRAP names, ierror);           \
        if (FORTRAN_SUCCEEDED(ierror))                                                             \
            ffmk_replace_engine->meet(COMM(newcomm));                                              \
    }
#define FORTRAN_BOTH(name, parameters, names)                                                      \
    FORTRAN_MAKES(name, MPIF, names)                                                               \
    FORTRAN_MAKES(name, F08, names)
CONSTRUCTORS(FORTRAN_BOTH)

void ffmk_replace_constructors(void)
{
#define REPLACE(name, parameters, names)                                                           \
    ffmk_next_replace(FFMK_DOOR(name, C), (ffmk_function *)make_##name);                           \
    ffmk_next_replace(FFMK_DOOR(name, MPIF), (ffmk_function *)make_##name##_MPIF);                 \
    ffmk_next_replace(FFMK_DOOR(name, F08), (ffmk_function *)make_##name##_F08);
    CONSTRUCTORS(REPLACE)
}
