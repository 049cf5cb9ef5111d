/* SPDX-License-Identifier: BSD-3-Clause
 * Begins and ends MPI in any order: begins STEPS [STEPS…], rank r takes the r-th one's, or the
 * last one's. A step is a letter:
 *   i f   MPI_Init, MPI_Finalize
 *   s e   begin a session, end the latest one
 *   S     fail to begin one, behind i
 *   b     10 barriers of MPI_COMM_WORLD
 *   B     10 barriers, and a message of 100 bytes to the next rank, over a communicator of the
 *         latest session
 * Exits with 77 where this MPI has no sessions. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#if MPI_VERSION >= 4

enum { MOST = 8 };
static MPI_Session sessions[MOST];
static int n_sessions;

static void barriers(MPI_Comm comm)
{
    for (int i = 0; i < 10; i++)
        MPI_Barrier(comm);
}

static void use_session(void)
{
    static char from[100];
    static char to[100];
    MPI_Group group;
    MPI_Comm comm;
    int rank;
    int size;
    MPI_Group_from_session_pset(sessions[n_sessions - 1], "mpi://WORLD", &group);
    MPI_Comm_create_from_group(group, "ffmk.test", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm);
    MPI_Group_free(&group);
    barriers(comm);
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    MPI_Sendrecv(from, sizeof from, MPI_BYTE, (rank + 1) % size, 1, to, sizeof to, MPI_BYTE,
                 (rank + size - 1) % size, 1, comm, MPI_STATUS_IGNORE);
    MPI_Comm_free(&comm);
}

static void take(char step)
{
    switch (step) {
    case 'i':
        MPI_Init(NULL, NULL);
        break;
    case 'f':
        MPI_Finalize();
        break;
    case 's':
        MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &sessions[n_sessions++]);
        break;
    case 'S':
        MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
        MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, NULL);
        break;
    case 'e':
        MPI_Session_finalize(&sessions[--n_sessions]);
        break;
    case 'b':
        barriers(MPI_COMM_WORLD);
        break;
    case 'B':
        use_session();
        break;
    default:
        fprintf(stderr, "begins: step '%c' is none of i f s e S b B\n", step);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const char *number = getenv("PMI_RANK");
    const int rank = number ? atoi(number) : 0;
    for (const char *step = argv[1 + rank < argc ? 1 + rank : argc - 1]; *step; step++)
        take(*step);
    return 0;
}

#else

int main(void)
{
    printf("this MPI has no sessions\n");
    return 77;
}

#endif
