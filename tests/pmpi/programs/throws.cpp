// SPDX-License-Identifier: BSD-3-Clause
// C++'s own ways of leaving: an exception out of an error handler, through the door that is open,
// and MPI_Finalize in the destructor of a static object.
#include <cstdio>
#include <mpi.h>
#include <stdexcept>

namespace
{

struct World {
    World()
    {
        MPI_Init(nullptr, nullptr);
    }
    ~World()
    {
        MPI_Finalize();
    }
};
World world;

void fail(MPI_Comm *, int *code, ...)
{
    throw std::runtime_error("code " + std::to_string(*code));
}

} // namespace

int main()
{
    MPI_Errhandler handler;
    MPI_Comm_create_errhandler(fail, &handler);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
    int caught = 0;
    for (int i = 0; i < 3; i++) {
        try {
            MPI_Send(nullptr, 1, MPI_INT, 99, 0, MPI_COMM_WORLD); // no such rank
        } catch (const std::exception &) {
            caught++;
        }
    }
    for (int i = 0; i < 10; i++)
        MPI_Barrier(MPI_COMM_WORLD);
    MPI_Errhandler_free(&handler);
    std::printf("caught %d\n", caught);
    return 0;
}
