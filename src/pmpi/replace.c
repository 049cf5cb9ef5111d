/* SPDX-License-Identifier: BSD-3-Clause
 * Leads the doors of collective calls to our own operations. A C call has the engine's function put
 * in MPI's place. What a Fortran call means by its buffers is found out here; handles are the
 * engine's to translate. */
#include "pmpi/replace.h"

#include "pmpi/replace_inside.h"

const struct ffmk_engine *ffmk_replace_engine;

/* Plain addresses: mpif.h, `use mpi`, and Open MPI's mpi_f08. */
#define PLAIN(suffix, sentinels)                                                                   \
    static void bcast_##suffix(void *buffer, void *count, void *datatype, void *root, void *comm,  \
                               void *ierror)                                                       \
    {                                                                                              \
        ffmk_replace_answer(ierror, ffmk_replace_engine->bcast_fortran(                            \
                                        ffmk_buffer_of(buffer, &(sentinels)), NUMBER(count),       \
                                        NUMBER(datatype), NUMBER(root), NUMBER(comm)));            \
    }                                                                                              \
    static void allreduce_##suffix(void *sendbuf, void *recvbuf, void *count, void *datatype,      \
                                   void *op, void *comm, void *ierror)                             \
    {                                                                                              \
        ffmk_replace_answer(ierror, ffmk_replace_engine->allreduce_fortran(                        \
                                        ffmk_buffer_of(sendbuf, &(sentinels)),                     \
                                        ffmk_buffer_of(recvbuf, &(sentinels)), NUMBER(count),      \
                                        NUMBER(datatype), NUMBER(op), NUMBER(comm)));              \
    }

static void barrier_fortran(void *comm, void *ierror)
{
    ffmk_replace_answer(ierror, ffmk_replace_engine->barrier_fortran(NUMBER(comm)));
}

PLAIN(mpif, ffmk_fortran.plain)

#ifdef OPEN_MPI

PLAIN(f08, ffmk_fortran.f08)

#else

#define DESCRIBED(suffix, COUNT_OF)                                                                \
    static void bcast_##suffix(void *buffer, void *count, void *datatype, void *root, void *comm,  \
                               void *ierror)                                                       \
    {                                                                                              \
        struct ffmk_view view = ffmk_view_of(buffer);                                              \
        ffmk_replace_answer(ierror, ffmk_replace_engine->bcast_fortran(                            \
                                        view.buffer, COUNT_OF(count), NUMBER(datatype),            \
                                        NUMBER(root), NUMBER(comm)));                              \
        ffmk_view_give_back(&view, true);                                                          \
    }                                                                                              \
    static void allreduce_##suffix(void *sendbuf, void *recvbuf, void *count, void *datatype,      \
                                   void *op, void *comm, void *ierror)                             \
    {                                                                                              \
        struct ffmk_view from = ffmk_view_of(sendbuf);                                             \
        struct ffmk_view to = ffmk_view_of(recvbuf);                                               \
        ffmk_replace_answer(ierror, ffmk_replace_engine->allreduce_fortran(                        \
                                        from.buffer, to.buffer, COUNT_OF(count), NUMBER(datatype), \
                                        NUMBER(op), NUMBER(comm)));                                \
        ffmk_view_give_back(&from, false);                                                         \
        ffmk_view_give_back(&to, true);                                                            \
    }
DESCRIBED(f08, NUMBER)
DESCRIBED(f08_large, BIG_COUNT)

#endif

#define DOOR(variable, name, binding, function)                                                    \
    {                                                                                              \
        FFMK_CONFIG_##variable, FFMK_DOOR(name, binding), (ffmk_function *)(function)              \
    }

void ffmk_replace_collectives(const struct ffmk_config *config, const struct ffmk_engine *now)
{
    ffmk_replace_engine = now;
    const struct {
        enum ffmk_config_id variable;
        unsigned door;
        ffmk_function *function;
    } doors[] = {
        DOOR(BCAST, Bcast, C, now->replacement(FFMK_REPLACED_BCAST)),
        DOOR(BARRIER, Barrier, C, now->replacement(FFMK_REPLACED_BARRIER)),
        DOOR(ALLREDUCE, Allreduce, C, now->replacement(FFMK_REPLACED_ALLREDUCE)),
        DOOR(BCAST, Bcast, MPIF, bcast_mpif),
        DOOR(BARRIER, Barrier, MPIF, barrier_fortran),
        DOOR(ALLREDUCE, Allreduce, MPIF, allreduce_mpif),
        DOOR(BCAST, Bcast, F08, bcast_f08),
        DOOR(BARRIER, Barrier, F08, barrier_fortran),
        DOOR(ALLREDUCE, Allreduce, F08, allreduce_f08),
#if MPI_VERSION >= 4
        DOOR(BCAST, Bcast_c, C, now->replacement(FFMK_REPLACED_BCAST_C)),
        DOOR(ALLREDUCE, Allreduce_c, C, now->replacement(FFMK_REPLACED_ALLREDUCE_C)),
#ifndef OPEN_MPI
        DOOR(BCAST, Bcast_c, F08, bcast_f08_large),
        DOOR(ALLREDUCE, Allreduce_c, F08, allreduce_f08_large),
#endif
#endif
        DOOR(BCAST, Ibcast, C, now->replacement(FFMK_REPLACED_IBCAST)),
        DOOR(BARRIER, Ibarrier, C, now->replacement(FFMK_REPLACED_IBARRIER)),
        DOOR(ALLREDUCE, Iallreduce, C, now->replacement(FFMK_REPLACED_IALLREDUCE)),
        DOOR(BCAST, Ibcast, MPIF, ffmk_ibcast_mpif),
        DOOR(BARRIER, Ibarrier, MPIF, ffmk_ibarrier_mpif),
        DOOR(ALLREDUCE, Iallreduce, MPIF, ffmk_iallreduce_mpif),
        DOOR(BCAST, Ibcast, F08, ffmk_ibcast_f08),
        DOOR(BARRIER, Ibarrier, F08, ffmk_ibarrier_f08),
        DOOR(ALLREDUCE, Iallreduce, F08, ffmk_iallreduce_f08),
#if MPI_VERSION >= 4
        DOOR(BCAST, Ibcast_c, C, now->replacement(FFMK_REPLACED_IBCAST_C)),
        DOOR(ALLREDUCE, Iallreduce_c, C, now->replacement(FFMK_REPLACED_IALLREDUCE_C)),
#ifndef OPEN_MPI
        DOOR(BCAST, Ibcast_c, F08, ffmk_ibcast_f08_large),
        DOOR(ALLREDUCE, Iallreduce_c, F08, ffmk_iallreduce_f08_large),
#endif
#endif
    };
    bool any = false;
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++) {
        if (config->value[doors[i].variable].number == FFMK_SURVIVAL_OFF)
            continue;
        ffmk_next_replace(doors[i].door, doors[i].function);
        any = true;
    }
    if (any) {
        ffmk_replace_constructors();
        ffmk_replace_completion();
    }
}
