/* SPDX-License-Identifier: BSD-3-Clause
 * Leads nonblocking collective calls of Fortran programs to our own operations. What is not ours
 * goes on to where the door led before, untouched. */
#include "pmpi/replace_inside.h"

#include <stdlib.h>

static const struct ffmk_after nothing;

#define BEHIND(door, type) ((type *)ffmk_next_behind(door))

static void ibarrier(unsigned door, void *comm, void *request, void *ierror)
{
    int code;
    if (ffmk_replace_engine->ibarrier_fortran(NUMBER(comm), request, &code))
        ffmk_replace_answer(ierror, code);
    else
        BEHIND(door, ffmk_ibarrier_replacement)(comm, request, ierror);
}

void ffmk_ibarrier_mpif(void *comm, void *request, void *ierror)
{
    ibarrier(FFMK_DOOR(Ibarrier, MPIF), comm, request, ierror);
}

void ffmk_ibarrier_f08(void *comm, void *request, void *ierror)
{
    ibarrier(FFMK_DOOR(Ibarrier, F08), comm, request, ierror);
}

/* Plain addresses: mpif.h, `use mpi`, and Open MPI's mpi_f08. */
#define PLAIN(suffix, binding, sentinels)                                                          \
    void ffmk_ibcast_##suffix(void *buffer, void *count, void *datatype, void *root, void *comm,   \
                              void *request, void *ierror)                                         \
    {                                                                                              \
        int code;                                                                                  \
        if (ffmk_replace_engine->ibcast_fortran(ffmk_buffer_of(buffer, &(sentinels)),              \
                                                NUMBER(count), NUMBER(datatype), NUMBER(root),     \
                                                NUMBER(comm), request, nothing, &code))            \
            ffmk_replace_answer(ierror, code);                                                     \
        else                                                                                       \
            BEHIND(FFMK_DOOR(Ibcast, binding), ffmk_ibcast_replacement)                            \
        (buffer, count, datatype, root, comm, request, ierror);                                    \
    }                                                                                              \
    void ffmk_iallreduce_##suffix(void *sendbuf, void *recvbuf, void *count, void *datatype,       \
                                  void *op, void *comm, void *request, void *ierror)               \
    {                                                                                              \
        int code;                                                                                  \
        if (ffmk_replace_engine->iallreduce_fortran(ffmk_buffer_of(sendbuf, &(sentinels)),         \
                                                    ffmk_buffer_of(recvbuf, &(sentinels)),         \
                                                    NUMBER(count), NUMBER(datatype), NUMBER(op),   \
                                                    NUMBER(comm), request, nothing, &code))        \
            ffmk_replace_answer(ierror, code);                                                     \
        else                                                                                       \
            BEHIND(FFMK_DOOR(Iallreduce, binding), ffmk_iallreduce_replacement)                    \
        (sendbuf, recvbuf, count, datatype, op, comm, request, ierror);                            \
    }

PLAIN(mpif, MPIF, ffmk_fortran.plain)

#ifdef OPEN_MPI

PLAIN(f08, F08, ffmk_fortran.f08)

void ffmk_replace_completion(void)
{
}

#else

/* Copies of sections, to be given back when the operation is complete. */
struct copies {
    struct ffmk_view from; /* of a reduction */
    struct ffmk_view to;
};

static void give_back(void *argument)
{
    struct copies *copies = argument;
    ffmk_view_give_back(&copies->from, false);
    ffmk_view_give_back(&copies->to, true);
    free(copies);
}

static void keep(struct ffmk_view *view)
{
    if (view->copy)
        ffmk_view_keep(view);
}

static struct ffmk_after after(const struct ffmk_view *from, const struct ffmk_view *to)
{
    if (!from->copy && !to->copy)
        return nothing;
    struct copies *copies = malloc(sizeof *copies);
    if (!copies)
        abort(); /* as MPI's own error handler would: others count on this call */
    *copies = (struct copies){*from, *to};
    keep(&copies->from);
    keep(&copies->to);
    return (struct ffmk_after){.function = give_back, .argument = copies};
}

/* It is not ours: nothing was written. */
static void forget(const struct ffmk_after *kept)
{
    struct copies *copies = kept->argument;
    if (!copies)
        return;
    ffmk_view_give_back(&copies->from, false);
    ffmk_view_give_back(&copies->to, false);
    free(copies);
}

#define DESCRIBED(suffix, call, COUNT_OF)                                                          \
    void ffmk_ibcast_##suffix(void *buffer, void *count, void *datatype, void *root, void *comm,   \
                              void *request, void *ierror)                                         \
    {                                                                                              \
        int code;                                                                                  \
        const struct ffmk_view none = {.copy = NULL};                                              \
        const struct ffmk_view view = ffmk_view_of(buffer);                                        \
        const struct ffmk_after kept = after(&none, &view);                                        \
        if (ffmk_replace_engine->ibcast_fortran(view.buffer, COUNT_OF(count), NUMBER(datatype),    \
                                                NUMBER(root), NUMBER(comm), request, kept,         \
                                                &code)) {                                          \
            ffmk_replace_answer(ierror, code);                                                     \
            return;                                                                                \
        }                                                                                          \
        forget(&kept);                                                                             \
        BEHIND(FFMK_DOOR(Ibcast##call, F08), ffmk_ibcast_replacement)                              \
        (buffer, count, datatype, root, comm, request, ierror);                                    \
    }                                                                                              \
    void ffmk_iallreduce_##suffix(void *sendbuf, void *recvbuf, void *count, void *datatype,       \
                                  void *op, void *comm, void *request, void *ierror)               \
    {                                                                                              \
        int code;                                                                                  \
        const struct ffmk_view from = ffmk_view_of(sendbuf);                                       \
        const struct ffmk_view to = ffmk_view_of(recvbuf);                                         \
        const struct ffmk_after kept = after(&from, &to);                                          \
        if (ffmk_replace_engine->iallreduce_fortran(from.buffer, to.buffer, COUNT_OF(count),       \
                                                    NUMBER(datatype), NUMBER(op), NUMBER(comm),    \
                                                    request, kept, &code)) {                       \
            ffmk_replace_answer(ierror, code);                                                     \
            return;                                                                                \
        }                                                                                          \
        forget(&kept);                                                                             \
        BEHIND(FFMK_DOOR(Iallreduce##call, F08), ffmk_iallreduce_replacement)                      \
        (sendbuf, recvbuf, count, datatype, op, comm, request, ierror);                            \
    }

DESCRIBED(f08, , NUMBER)
DESCRIBED(f08_large, _c, BIG_COUNT)

/* MPICH looks at a request for MPI_Request_get_status() without asking whether it could be
 * complete.
 */
static int get_status(MPI_Request request, int *flag, MPI_Status *status)
{
    typedef int function(MPI_Request, int *, MPI_Status *);
    ffmk_replace_engine->drive();
    return BEHIND(FFMK_DOOR(Request_get_status, C), function)(request, flag, status);
}

#define GET_STATUS(suffix, binding)                                                                \
    static void get_status_##suffix(void *request, void *flag, void *status, void *ierror)         \
    {                                                                                              \
        typedef void function(void *, void *, void *, void *);                                     \
        ffmk_replace_engine->drive();                                                              \
        BEHIND(FFMK_DOOR(Request_get_status, binding), function)(request, flag, status, ierror);   \
    }
GET_STATUS(mpif, MPIF)
GET_STATUS(f08, F08)

void ffmk_replace_completion(void)
{
    ffmk_next_replace(FFMK_DOOR(Request_get_status, C), (ffmk_function *)get_status);
    ffmk_next_replace(FFMK_DOOR(Request_get_status, MPIF), (ffmk_function *)get_status_mpif);
    ffmk_next_replace(FFMK_DOOR(Request_get_status, F08), (ffmk_function *)get_status_f08);
}

#endif
