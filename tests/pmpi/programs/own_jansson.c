/* SPDX-License-Identifier: BSD-3-Clause
 * A program with its own, unfriendly json_… functions: whoever else needs JSON must not get them.
 */
#include <mpi.h>
#include <stdlib.h>

#define UNFRIENDLY(name)                                                                           \
    void *name(void);                                                                              \
    void *name(void)                                                                               \
    {                                                                                              \
        abort();                                                                                   \
    }
UNFRIENDLY(json_object)
UNFRIENDLY(json_array)
UNFRIENDLY(json_string)
UNFRIENDLY(json_stringn)
UNFRIENDLY(json_integer)
UNFRIENDLY(json_real)
UNFRIENDLY(json_pack)
UNFRIENDLY(json_pack_ex)
UNFRIENDLY(json_dumpf)
UNFRIENDLY(json_dumps)
UNFRIENDLY(json_dump_callback)
UNFRIENDLY(json_delete)
UNFRIENDLY(json_object_set_new)
UNFRIENDLY(json_array_append_new)

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    for (int i = 0; i < 10; i++)
        MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    return 0;
}
