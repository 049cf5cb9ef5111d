/* SPDX-License-Identifier: BSD-3-Clause
 * Wrong use of ffmk's collective calls: each gives the promised code, and the rank goes on.
 * Usage: refuse state|arguments|more|lengths, two ranks; the lines that ffmk writes are
 * refuse.py's to judge. */
#define FFMK_CALLS
#include "calls.h"

static int wrong;

static void expect(int line, int found, int code)
{
    wrong = wrong || found != code;
    if (found != code)
        printf("FAILED: line %d: %d (%s)\n", line, found, ffmk_strerror(found));
}
#define EXPECT(call, code) expect(__LINE__, call, code)

static void all_calls(int code)
{
    int in = 0;
    int out = 0;
    size_t dead;
    EXPECT(ffmk_bcast(&in, 1, MPI_INT, 0, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_barrier(MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_allreduce(&in, &out, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_comm_dead(MPI_COMM_WORLD, NULL, 0, &dead), code);
}

/* Of one rank alone: nobody else learns of such a mistake. */
static void arguments(void)
{
    int in = 0;
    int out = 0;
    ffmk_collective_info info = FFMK_COLLECTIVE_INFO_INIT;
    info.size = 8;
    const int code = FFMK_ERR_ARGUMENT;
    EXPECT(ffmk_bcast(&in, 1, MPI_INT, -1, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_bcast(&in, 1, MPI_INT, 2, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_bcast(&in, 1, MPI_INT, MPI_PROC_NULL, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_bcast(&in, -1, MPI_INT, 0, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_bcast(&in, 1, MPI_DATATYPE_NULL, 0, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_bcast(&in, 1, MPI_INT, 0, MPI_COMM_WORLD, &info), code);
    EXPECT(ffmk_barrier(MPI_COMM_WORLD, &info), code);
    EXPECT(ffmk_allreduce(&in, &out, -1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_allreduce(&in, &out, 1, MPI_DATATYPE_NULL, MPI_SUM, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_allreduce(&in, &out, 1, MPI_INT, MPI_OP_NULL, MPI_COMM_WORLD, NULL), code);
    EXPECT(ffmk_allreduce(&in, &out, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &info), code);
    EXPECT(ffmk_bcast(&in, 1, MPI_INT, 0, MPI_COMM_NULL, NULL), code);
    EXPECT(ffmk_barrier(MPI_COMM_NULL, NULL), code);
    EXPECT(ffmk_allreduce(&in, &out, 1, MPI_INT, MPI_SUM, MPI_COMM_NULL, NULL), code);
}

static void more(MPI_Comm inter)
{
    int in = 0;
    int out = 0;
    size_t dead;
    const int code = FFMK_ERR_ARGUMENT;
    EXPECT(ffmk_bcast(&in, 1, MPI_INT, 0, inter, NULL), code);
    EXPECT(ffmk_barrier(inter, NULL), code);
    EXPECT(ffmk_allreduce(&in, &out, 1, MPI_INT, MPI_SUM, inter, NULL), code);
    EXPECT(ffmk_comm_dead(MPI_COMM_WORLD, NULL, 0, NULL), code);
    EXPECT(ffmk_comm_dead(MPI_COMM_WORLD, NULL, 1, &dead), code);
    EXPECT(ffmk_comm_dead(MPI_COMM_NULL, NULL, 0, &dead), code);
}

/* The root sends another number of bytes than the other rank expects; what follows is right. */
static void lengths(int rank)
{
    static const int sizes[][2] = {{4, 8},         {8, 4},       {0, 4},       {4, 0},
                                   {100, 1000},    {1000, 100},  {1000, 1001}, {100, 3000000},
                                   {3000000, 100}, {0, 3000000}, {3000000, 0}, {3000000, 2999999}};
    static char data[3000000];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int next = rank == 0 ? (int)i : -1;
        EXPECT(ffmk_bcast(data, sizes[i][rank], MPI_CHAR, 0, MPI_COMM_WORLD, NULL),
               rank == 0 ? FFMK_SUCCESS : FFMK_ERR_ARGUMENT);
        EXPECT(ffmk_bcast(&next, 1, MPI_INT, 0, MPI_COMM_WORLD, NULL), FFMK_SUCCESS);
        EXPECT(next, (int)i);
        if (rank == 0)
            memset(data, (int)i + 1, 70000);
        EXPECT(ffmk_bcast(data, 70000, MPI_CHAR, 0, MPI_COMM_WORLD, NULL), FFMK_SUCCESS);
        for (int k = 0; k < 70000; k++)
            if (data[k] != (char)(i + 1)) {
                printf("FAILED: after lengths %d and %d\n", sizes[i][0], sizes[i][1]);
                break;
            }
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int rank;
    if (strcmp(what, "state") == 0)
        all_calls(FFMK_ERR_STATE);
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    EXPECT(ffmk_barrier(MPI_COMM_WORLD, NULL), FFMK_SUCCESS);
    if (strcmp(what, "arguments") == 0 && rank == 0)
        arguments();
    if (strcmp(what, "more") == 0) {
        MPI_Comm own;
        MPI_Comm inter;
        MPI_Comm_split(MPI_COMM_WORLD, rank, 0, &own);
        MPI_Intercomm_create(own, 0, MPI_COMM_WORLD, 1 - rank, 3, &inter);
        if (rank == 0)
            more(inter);
        MPI_Comm_free(&inter);
        MPI_Comm_free(&own);
    }
    if (strcmp(what, "lengths") == 0)
        lengths(rank);
    all_calls(FFMK_SUCCESS);
    puts("went on");
    fflush(stdout);
    MPI_Finalize();
    if (strcmp(what, "state") == 0)
        all_calls(FFMK_ERR_STATE);
    return wrong;
}
