/* SPDX-License-Identifier: BSD-3-Clause
 * Sends on communicators and with datatypes that take turns, go away and come back as others, and
 * sends that fail. What each rank sent is printed as "rank destination messages bytes". */
#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 8 };
static long messages[MOST];
static long sent_bytes[MOST];
static int rank;
static int size;
static char buffer[4096];

/* To `dest` of comm, which is rank `world` of MPI_COMM_WORLD; everybody sends and receives. */
static void send(int n, MPI_Datatype type, int dest, int source, int world, MPI_Comm comm)
{
    int bytes;
    MPI_Request request;
    MPI_Type_size(type, &bytes);
    MPI_Irecv(buffer, (int)sizeof buffer, MPI_BYTE, source, 1, comm, &request);
    static char from[4096];
    MPI_Send(from, n, type, dest, 1, comm);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    messages[world]++;
    sent_bytes[world] += (long)n * bytes;
}

static MPI_Datatype bytes_of(int n)
{
    MPI_Datatype type;
    MPI_Type_contiguous(n, MPI_BYTE, &type);
    MPI_Type_commit(&type);
    return type;
}

/* A datatype goes away, recorded or not; the next one often gets the same handle. */
static void types_go(void)
{
    for (int i = 0; i < 6; i++) {
        MPI_Datatype type = bytes_of(3 + i);
        send(1 + i, type, rank, rank, rank, MPI_COMM_WORLD);
        if (i % 2)
            MPI_Pcontrol(0);
        MPI_Type_free(&type);
        if (i % 2)
            MPI_Pcontrol(1);
    }
}

/* More of both than any cache holds, in turns. */
static void turns(void)
{
    enum { TYPES = 24, COMMS = 12 };
    MPI_Datatype types[TYPES];
    MPI_Comm comms[COMMS];
    for (int i = 0; i < TYPES; i++)
        types[i] = bytes_of(i + 1);
    for (int i = 0; i < COMMS; i++) /* every second one has the ranks the other way round */
        MPI_Comm_split(MPI_COMM_WORLD, 0, i % 2 ? -rank : rank, &comms[i]);
    for (int i = 0; i < 200; i++) {
        const int c = i % 7 % COMMS;
        int me;
        MPI_Comm_rank(comms[c], &me);
        const int dest = (me + 1) % size;
        const int source = (me + size - 1) % size;
        send(i % 3, types[i % 5 % TYPES], dest, source, c % 2 ? size - 1 - dest : dest, comms[c]);
        const int all = i % COMMS;
        MPI_Comm_rank(comms[all], &me);
        send(1, types[i % TYPES], me, me, rank, comms[all]);
    }
    for (int i = 0; i < TYPES; i++)
        MPI_Type_free(&types[i]);
    for (int i = 0; i < COMMS; i++)
        MPI_Comm_free(&comms[i]);
}

/* Communicators go away, and the next one has other ranks behind the same handle. */
static void comms_go(void)
{
    for (int i = 0; i < 20; i++) {
        MPI_Comm comm;
        int me;
        MPI_Comm_split(MPI_COMM_WORLD, 0, i % 2 ? -rank : rank, &comm);
        MPI_Comm_rank(comm, &me);
        const int dest = (me + 1) % size;
        send(2, MPI_INT, dest, (me + size - 1) % size, i % 2 ? size - 1 - dest : dest, comm);
        if (i % 3 == 0)
            MPI_Pcontrol(0);
        MPI_Comm_free(&comm);
        if (i % 3 == 0)
            MPI_Pcontrol(1);
    }
}

/* A send is the first to meet what the last communicator left behind. */
static void sends_first(void)
{
    for (int i = 0; i < 6; i++) {
        MPI_Comm comm;
        MPI_Request request;
        int me;
        MPI_Comm_split(MPI_COMM_WORLD, 0, i % 2 ? -rank : rank, &comm);
        MPI_Comm_rank(comm, &me);
        const int dest = (me + 1) % size;
        static char from[1];
        MPI_Isend(from, 1, MPI_BYTE, dest, 1, comm, &request);
        MPI_Recv(buffer, 1, MPI_BYTE, (me + size - 1) % size, 1, comm, MPI_STATUS_IGNORE);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        MPI_Comm_free(&comm);
        const int world = i % 2 ? size - 1 - dest : dest;
        messages[world]++;
        sent_bytes[world]++;
    }
}

/* Of three ranks, the second is in the root's group but not the root: its count means nothing.
 * Prints what the call moves here. */
static void nobody(void)
{
    MPI_Comm half;
    MPI_Comm inter;
    MPI_Comm_split(MPI_COMM_WORLD, rank < 2, rank, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, rank < 2 ? 2 : 0, 3, &inter);
    MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
    const int root = rank == 0 ? MPI_ROOT : rank == 1 ? MPI_PROC_NULL : 0;
    int in = 1;
    int out;
    long moved = 0;
    send(1, MPI_INT, rank, rank, rank, MPI_COMM_WORLD); /* the datatype's size is known from here */
    for (int i = 0; i < 5; i++) {
        MPI_Reduce(&in, &out, rank == 1 ? -1 : 1, MPI_INT, MPI_SUM, root, inter);
        moved += rank == 1 ? 0 : (long)sizeof in;
    }
    printf("reduced %ld\n", moved);
    MPI_Comm_free(&inter);
    MPI_Comm_free(&half);
}

/* They count as calls and move nothing, with everything known from the call before or not. */
static int failing(void)
{
    int failures = 0;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    for (int i = 0; i < 3; i++) {
        send(1, MPI_DOUBLE, rank, rank, rank, MPI_COMM_WORLD);
        failures += MPI_Send(buffer, 1, MPI_DOUBLE, rank, -5, MPI_COMM_WORLD) != MPI_SUCCESS;
        failures += MPI_Send(buffer, 1, MPI_DOUBLE, size, 1, MPI_COMM_WORLD) != MPI_SUCCESS;
        failures += MPI_Send(buffer, -1, MPI_DOUBLE, rank, 1, MPI_COMM_WORLD) != MPI_SUCCESS;
        failures += MPI_Send(buffer, 1, MPI_DATATYPE_NULL, rank, 1, MPI_COMM_WORLD) != MPI_SUCCESS;
        MPI_Send(buffer, 1, MPI_DOUBLE, MPI_PROC_NULL, 1, MPI_COMM_WORLD);
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL);
    return failures;
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size > MOST)
        MPI_Abort(MPI_COMM_WORLD, 1);
    types_go();
    turns();
    comms_go();
    sends_first();
    if (size == 3)
        nobody();
    const int failures = failing();
    if (failures != 12)
        printf("FAILED: %d of 12 sends failed\n", failures);
    for (int i = 0; i < size; i++)
        if (messages[i])
            printf("%d %d %ld %ld\n", rank, i, messages[i], sent_bytes[i]);
    MPI_Finalize();
    return 0;
}
