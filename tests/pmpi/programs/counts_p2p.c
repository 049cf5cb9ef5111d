/* SPDX-License-Identifier: BSD-3-Clause
 * Point to point, completion, probe and persistent calls between neighbours of a ring. */
#include "counts.h"

#include <stdlib.h>

#define WORLD MPI_COMM_WORLD
#define NO    MPI_STATUS_IGNORE
#define NOS   MPI_STATUSES_IGNORE

enum { INTS = 5, BYTES = 5 * sizeof(int) };

static int right(void)
{
    return (counts_rank + 1) % counts_size;
}

static int left(void)
{
    return (counts_rank + counts_size - 1) % counts_size;
}

/* One send of each mode to the right while a receive from the left waits. */
static void modes(void)
{
    int out[INTS] = {0};
    int in[INTS];
    MPI_Request r;
    MPI_Request s;
    char *room = malloc(1 << 16);
    M(Buffer_attach, 0, room, 1 << 16);
    for (int mode = 0; mode < 4; mode++) {
        M(Irecv, BYTES, in, INTS, MPI_INT, left(), mode, WORLD, &r);
        M(Barrier, 0, WORLD); /* a ready send needs the receive posted */
        if (mode == 0)
            M(Send, BYTES, out, INTS, MPI_INT, right(), mode, WORLD);
        else if (mode == 1)
            M(Bsend, BYTES, out, INTS, MPI_INT, right(), mode, WORLD);
        else if (mode == 2)
            M(Rsend, BYTES, out, INTS, MPI_INT, right(), mode, WORLD);
        else
            M(Ssend, BYTES, out, INTS, MPI_INT, right(), mode, WORLD);
        M(Wait, 0, &r, NO);
    }
    for (int mode = 0; mode < 4; mode++) {
        M(Irecv, BYTES, in, INTS, MPI_INT, left(), mode, WORLD, &r);
        M(Barrier, 0, WORLD);
        if (mode == 0)
            M(Isend, 3 * sizeof(double), (double[3]){0}, 3, MPI_DOUBLE, right(), mode + 10, WORLD,
              &s);
        else if (mode == 1)
            M(Ibsend, BYTES, out, INTS, MPI_INT, right(), mode, WORLD, &s);
        else if (mode == 2)
            M(Irsend, BYTES, out, INTS, MPI_INT, right(), mode, WORLD, &s);
        else
            M(Issend, BYTES, out, INTS, MPI_INT, right(), mode, WORLD, &s);
        if (mode == 0) {
            double d[3];
            M(Recv, 3 * sizeof(double), d, 3, MPI_DOUBLE, left(), 10, WORLD, NO);
            M(Cancel, 0, &r);
        }
        M(Waitall, 0, 2, (MPI_Request[]){r, s}, NOS);
    }
    int size;
    void *back;
    M(Buffer_detach, 0, &back, &size);
    free(room);
}

static void exchanges(void)
{
    int out[INTS] = {0};
    int in[INTS];
    M(Sendrecv, 2 * sizeof(int), out, 2, MPI_INT, right(), 1, in, INTS, MPI_INT, left(), 1, WORLD,
      NO);
    M(Sendrecv_replace, BYTES, in, INTS, MPI_INT, right(), 2, left(), 2, WORLD, NO);
    /* Nobody to send to: counted, no bytes. */
    M(Send, 0, out, INTS, MPI_INT, MPI_PROC_NULL, 3, WORLD);
    M(Recv, BYTES, in, INTS, MPI_INT, MPI_PROC_NULL, 3, WORLD, NO);
}

static void completions(void)
{
    int in[4];
    int out = counts_rank;
    MPI_Request r[4];
    MPI_Status status;
    int flag;
    int index;
    int indices[4];
    int done;
    for (int kind = 0; kind < 7; kind++) {
        for (int i = 0; i < 4; i++)
            M(Irecv, sizeof(int), &in[i], 1, MPI_INT, left(), i, WORLD, &r[i]);
        for (int i = 0; i < 4; i++)
            M(Send, sizeof(int), &out, 1, MPI_INT, right(), i, WORLD);
        switch (kind) {
        case 0:
            for (int i = 0; i < 4; i++)
                do
                    M(Test, 0, &r[i], &flag, &status);
                while (!flag);
            break;
        case 1:
            do
                M(Testall, 0, 4, r, &flag, NOS);
            while (!flag);
            break;
        case 2:
            for (int i = 0; i < 4; i++)
                do
                    M(Testany, 0, 4, r, &index, &flag, &status);
                while (!flag);
            break;
        case 3:
            for (int total = 0; total < 4; total += done)
                M(Testsome, 0, 4, r, &done, indices, NOS);
            break;
        case 4:
            for (int i = 0; i < 4; i++)
                M(Waitany, 0, 4, r, &index, &status);
            break;
        case 5:
            for (int total = 0; total < 4; total += done)
                M(Waitsome, 0, 4, r, &done, indices, NOS);
            break;
        default:
            for (int i = 0; i < 4; i++) {
                do
                    M(Request_get_status, 0, r[i], &flag, &status);
                while (!flag);
                M(Request_free, 0, &r[i]);
            }
        }
    }
}

static void probes(void)
{
    int out = 1;
    int in;
    int flag = 0;
    MPI_Message message;
    MPI_Request r[2];
    for (int tag = 0; tag < 4; tag++)
        M(Isend, sizeof(int), &out, 1, MPI_INT, right(), tag, WORLD, &r[0]),
            M(Request_free, 0, &r[0]);
    M(Probe, 0, left(), 0, WORLD, NO);
    M(Recv, sizeof(int), &in, 1, MPI_INT, left(), 0, WORLD, NO);
    do
        M(Iprobe, 0, left(), 1, WORLD, &flag, NO);
    while (!flag);
    M(Recv, sizeof(int), &in, 1, MPI_INT, left(), 1, WORLD, NO);
    M(Mprobe, 0, left(), 2, WORLD, &message, NO);
    M(Mrecv, sizeof(int), &in, 1, MPI_INT, &message, NO);
    do
        M(Improbe, 0, left(), 3, WORLD, &flag, &message, NO);
    while (!flag);
    M(Imrecv, sizeof(int), &in, 1, MPI_INT, &message, &r[1]);
    M(Wait, 0, &r[1], NO);
}

static void persistent(void)
{
    int out[INTS] = {0};
    int in[INTS];
    MPI_Request r[2];
    char *room = malloc(1 << 16);
    M(Buffer_attach, 0, room, 1 << 16);
    for (int mode = 0; mode < 4; mode++) {
        M(Recv_init, 0, in, INTS, MPI_INT, left(), mode, WORLD, &r[0]);
        if (mode == 0)
            M(Send_init, 0, out, INTS, MPI_INT, right(), mode, WORLD, &r[1]);
        else if (mode == 1)
            M(Bsend_init, 0, out, INTS, MPI_INT, right(), mode, WORLD, &r[1]);
        else if (mode == 2)
            M(Rsend_init, 0, out, INTS, MPI_INT, right(), mode, WORLD, &r[1]);
        else
            M(Ssend_init, 0, out, INTS, MPI_INT, right(), mode, WORLD, &r[1]);
        for (int i = 0; i < 3; i++) {
            M(Start, 0, &r[0]);
            M(Barrier, 0, WORLD);
            M(Start, BYTES, &r[1]);
            M(Waitall, 0, 2, r, NOS);
        }
        if (mode != 2) {
            M(Startall, BYTES, 2, r);
            M(Waitall, 0, 2, r, NOS);
        }
        M(Request_free, 0, &r[0]);
        M(Request_free, 0, &r[1]);
    }
    int size;
    void *back;
    M(Buffer_detach, 0, &back, &size);
    free(room);
}

void counts_p2p(void)
{
    modes();
    exchanges();
    completions();
    probes();
    persistent();
}

#if MPI_VERSION >= 4
static void large_modes(void)
{
    int out[INTS] = {0};
    int in[INTS];
    MPI_Request r[2];
    char *room = malloc(1 << 16);
    M(Buffer_attach_c, 0, room, 1 << 16);
    for (int mode = 0; mode < 8; mode++) {
        M(Irecv_c, BYTES, in, INTS, MPI_INT, left(), mode, WORLD, &r[0]);
        M(Barrier, 0, WORLD);
        r[1] = MPI_REQUEST_NULL;
        switch (mode) {
        case 0:
            M(Send_c, BYTES, out, INTS, MPI_INT, right(), mode, WORLD);
            break;
        case 1:
            M(Bsend_c, BYTES, out, INTS, MPI_INT, right(), mode, WORLD);
            break;
        case 2:
            M(Rsend_c, BYTES, out, INTS, MPI_INT, right(), mode, WORLD);
            break;
        case 3:
            M(Ssend_c, BYTES, out, INTS, MPI_INT, right(), mode, WORLD);
            break;
        case 4:
            M(Isend_c, BYTES, out, INTS, MPI_INT, right(), mode, WORLD, &r[1]);
            break;
        case 5:
            M(Ibsend_c, BYTES, out, INTS, MPI_INT, right(), mode, WORLD, &r[1]);
            break;
        case 6:
            M(Irsend_c, BYTES, out, INTS, MPI_INT, right(), mode, WORLD, &r[1]);
            break;
        default:
            M(Issend_c, BYTES, out, INTS, MPI_INT, right(), mode, WORLD, &r[1]);
        }
        M(Waitall, 0, 2, r, NOS);
    }
    MPI_Count size;
    void *back;
    M(Buffer_detach_c, 0, &back, &size);
    free(room);
}

void counts_large_p2p(void)
{
    int out[INTS] = {0};
    int in[INTS];
    MPI_Request r[2];
    MPI_Message message;
    large_modes();
    M(Sendrecv_c, BYTES, out, INTS, MPI_INT, right(), 1, in, INTS, MPI_INT, left(), 1, WORLD, NO);
    M(Sendrecv_replace_c, BYTES, in, INTS, MPI_INT, right(), 2, left(), 2, WORLD, NO);
    M(Isendrecv, BYTES, out, INTS, MPI_INT, right(), 1, in, INTS, MPI_INT, left(), 1, WORLD, &r[0]);
    M(Wait, 0, &r[0], NO);
    M(Isendrecv_c, BYTES, out, INTS, MPI_INT, right(), 1, in, INTS, MPI_INT, left(), 1, WORLD,
      &r[0]);
    M(Wait, 0, &r[0], NO);
    M(Isendrecv_replace, BYTES, in, INTS, MPI_INT, right(), 2, left(), 2, WORLD, &r[0]);
    M(Wait, 0, &r[0], NO);
    M(Isendrecv_replace_c, BYTES, in, INTS, MPI_INT, right(), 2, left(), 2, WORLD, &r[0]);
    M(Wait, 0, &r[0], NO);
    M(Isend_c, BYTES, out, INTS, MPI_INT, right(), 3, WORLD, &r[0]);
    M(Recv_c, BYTES, in, INTS, MPI_INT, left(), 3, WORLD, NO);
    M(Wait, 0, &r[0], NO);
    M(Isend_c, BYTES, out, INTS, MPI_INT, right(), 3, WORLD, &r[0]);
    M(Mprobe, 0, left(), 3, WORLD, &message, NO);
    M(Mrecv_c, BYTES, in, INTS, MPI_INT, &message, NO);
    M(Wait, 0, &r[0], NO);
    M(Send_init_c, 0, out, INTS, MPI_INT, right(), 4, WORLD, &r[0]);
    M(Recv_init_c, 0, in, INTS, MPI_INT, left(), 4, WORLD, &r[1]);
    M(Startall, BYTES, 2, r);
    M(Waitall, 0, 2, r, NOS);
    M(Request_free, 0, &r[0]);
    M(Request_free, 0, &r[1]);

    /* Partitioned: two partitions of five. */
    int two[2 * INTS] = {0};
    int flag = 0;
    M(Psend_init, 0, two, 2, INTS, MPI_INT, right(), 5, WORLD, MPI_INFO_NULL, &r[0]);
    int both[2 * INTS];
    M(Precv_init, 0, both, 2, INTS, MPI_INT, left(), 5, WORLD, MPI_INFO_NULL, &r[1]);
    M(Startall, 2 * BYTES, 2, r);
    M(Pready, 0, 0, r[0]);
    M(Pready_range, 0, 1, 1, r[0]);
    do
        M(Parrived, 0, r[1], 1, &flag);
    while (!flag);
    M(Waitall, 0, 2, r, NOS);
    M(Request_free, 0, &r[0]);
    M(Request_free, 0, &r[1]);
}
#endif
