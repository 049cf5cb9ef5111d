/* SPDX-License-Identifier: BSD-3-Clause
 * What the doors ask of communicators and datatypes. A communicator's map hangs on it as an
 * attribute, so that it goes when the communicator goes, however that happens. */
#include "job/comms.h"

#include "job/world.h"

#include <mpi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* What a communicator gets when nothing can be had of it: no ranks. */
static const struct ffmk_comm_map nobody;

static int keyval = MPI_KEYVAL_INVALID;
static volatile uint32_t *generation;

/* Of threads that meet a new communicator together, one makes the map: a second one set would free
 * the first, which another thread already uses. Nor does the run end meanwhile. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

static int forget(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm;
    (void)key;
    (void)extra;
    struct ffmk_comm_map *map = value;
    __atomic_add_fetch(generation, 1, __ATOMIC_RELEASE);
    free((void *)(uintptr_t)map->world);
    free(map);
    return MPI_SUCCESS;
}

int ffmk_comms_start(volatile uint32_t *counter)
{
    generation = counter;
    return PMPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, forget, &keyval, NULL) == MPI_SUCCESS
               ? FFMK_SUCCESS
               : FFMK_ERR_MPI;
}

void ffmk_comms_stop(int tidy)
{
    if (!tidy)
        return;
    pthread_mutex_lock(&making);
    if (ffmk_world_has_comm()) {
        void *value;
        int found = 0;
        PMPI_Comm_get_attr(MPI_COMM_WORLD, keyval, &value, &found);
        if (found)
            PMPI_Comm_delete_attr(MPI_COMM_WORLD, keyval);
        found = 0;
        PMPI_Comm_get_attr(MPI_COMM_SELF, keyval, &value, &found);
        if (found)
            PMPI_Comm_delete_attr(MPI_COMM_SELF, keyval);
    }
    PMPI_Comm_free_keyval(&keyval);
    pthread_mutex_unlock(&making);
}

static MPI_Datatype datatype_of(uint64_t handle)
{
    if (handle & FFMK_HANDLE_FORTRAN)
        return PMPI_Type_f2c((MPI_Fint)(uint32_t)handle);
    return (MPI_Datatype)(uintptr_t)handle;
}

MPI_Comm ffmk_comms_of(uint64_t handle)
{
    if (handle & FFMK_HANDLE_FORTRAN)
        return PMPI_Comm_f2c((MPI_Fint)(uint32_t)handle);
    return (MPI_Comm)(uintptr_t)handle;
}

uint64_t ffmk_comms_type_size(uint64_t handle)
{
    MPI_Count size = 0;
    const MPI_Datatype type = datatype_of(handle);
    if (type == MPI_DATATYPE_NULL || PMPI_Type_size_x(type, &size) != MPI_SUCCESS || size < 0)
        return 0;
    return (uint64_t)size;
}

/* Ranks of the (remote) group in MPI_COMM_WORLD; NULL also where it could not be found out. */
static int *translate(MPI_Comm comm, int inter, int size)
{
    struct ffmk_world world;
    if (size <= 0 || !ffmk_world_open(&world))
        return NULL;
    MPI_Group group;
    if ((inter ? PMPI_Comm_remote_group(comm, &group) : PMPI_Comm_group(comm, &group)) !=
        MPI_SUCCESS) {
        ffmk_world_close(&world);
        return NULL;
    }
    int *here = malloc((size_t)size * sizeof *here);
    int *there = malloc((size_t)size * sizeof *there);
    if (here && there) {
        for (int i = 0; i < size; i++)
            here[i] = i;
        PMPI_Group_translate_ranks(group, size, here, world.group, there);
        for (int i = 0; i < size; i++)
            if (there[i] == MPI_UNDEFINED)
                there[i] = -1;
    } else {
        free(there);
        there = NULL;
    }
    free(here);
    PMPI_Group_free(&group);
    ffmk_world_close(&world);
    return there;
}

static int outdegree(MPI_Comm comm)
{
    int topology = MPI_UNDEFINED;
    int n = 0;
    int ignored;
    if (PMPI_Topo_test(comm, &topology) != MPI_SUCCESS)
        return 0;
    if (topology == MPI_CART) {
        PMPI_Cartdim_get(comm, &n);
        return 2 * n;
    }
    if (topology == MPI_DIST_GRAPH) {
        PMPI_Dist_graph_neighbors_count(comm, &ignored, &n, &ignored);
        return n;
    }
    if (topology == MPI_GRAPH) {
        int rank;
        PMPI_Comm_rank(comm, &rank);
        PMPI_Graph_neighbors_count(comm, rank, &n);
        return n;
    }
    return 0;
}

static const struct ffmk_comm_map *make_map(MPI_Comm comm)
{
    struct ffmk_comm_map *map = calloc(1, sizeof *map);
    if (!map)
        return &nobody;
    PMPI_Comm_rank(comm, &map->rank);
    PMPI_Comm_test_inter(comm, &map->inter);
    PMPI_Comm_size(comm, &map->local);
    map->size = map->local;
    if (map->inter)
        PMPI_Comm_remote_size(comm, &map->size);
    if (comm != MPI_COMM_WORLD)
        map->world = translate(comm, map->inter, map->size);
    map->outdegree = map->inter ? 0 : outdegree(comm);
    if (PMPI_Comm_set_attr(comm, keyval, map) != MPI_SUCCESS) {
        free((void *)(uintptr_t)map->world);
        free(map);
        return &nobody;
    }
    return map;
}

static const struct ffmk_comm_map *find_map(MPI_Comm comm, bool make)
{
    void *value;
    int found = 0;
    if (keyval == MPI_KEYVAL_INVALID ||
        PMPI_Comm_get_attr(comm, keyval, &value, &found) != MPI_SUCCESS)
        return &nobody;
    if (found)
        return value;
    return make ? make_map(comm) : NULL;
}

const struct ffmk_comm_map *ffmk_comms_map(uint64_t handle)
{
    const MPI_Comm comm = ffmk_comms_of(handle);
    if (comm == MPI_COMM_NULL)
        return &nobody;
    /* With a bad handle the program's error handler is called, and may not come back: no lock yet.
     */
    const struct ffmk_comm_map *map = find_map(comm, false);
    if (map)
        return map;
    pthread_mutex_lock(&making);
    map = find_map(comm, true);
    pthread_mutex_unlock(&making);
    return map;
}
