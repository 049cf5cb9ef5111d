/* SPDX-License-Identifier: BSD-3-Clause
 * Begins and ends MPI in any order: begins STEPS [STEPS…], rank r takes the r-th one's, or the
 * last one's. A step is a letter:
 *   i f   MPI_Init, MPI_Finalize
 *   I     MPI_Init, past every tool
 *   s e   begin a session, end the latest one
 *   c     the same as s, within an attribute's copy function
 *   S J   behind i: fail to begin one; leave that by longjmp
 *   n     end no session
 *   x     leave a send over a communicator that is gone by longjmp
 *   p     MPI_Iprobe
 *   b     10 barriers of MPI_COMM_WORLD
 *   B     10 barriers, and a message of 100 bytes to the next rank, over a communicator of the
 *         latest session
 * Exits with 77 where this MPI has no sessions. */
#include <mpi.h>
#include <setjmp.h>
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

static int begin_in_copy(MPI_Comm comm, int key, void *extra, void *in, void *out, int *copied)
{
    (void)comm;
    (void)key;
    (void)extra;
    (void)in;
    (void)out;
    *copied = 0;
    return MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &sessions[n_sessions++]);
}

static void begin_in_callback(void)
{
    int key;
    MPI_Comm copy;
    MPI_Comm_create_keyval(begin_in_copy, MPI_COMM_NULL_DELETE_FN, &key, NULL);
    MPI_Comm_set_attr(MPI_COMM_SELF, key, NULL);
    MPI_Comm_dup(MPI_COMM_SELF, &copy);
    MPI_Comm_delete_attr(MPI_COMM_SELF, key);
    MPI_Comm_free(&copy);
    MPI_Comm_free_keyval(&key);
}

static jmp_buf back;

static void jump(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    (void)code;
    longjmp(back, 1);
}

static void fail_to_begin(void)
{
    MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, NULL);
}

static void send_over_gone(void)
{
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Comm gone = comm;
    MPI_Comm_free(&comm);
    MPI_Send(NULL, 0, MPI_INT, 0, 1, gone);
}

static void leave(void (*call)(void))
{
    MPI_Errhandler handler;
    MPI_Comm_create_errhandler(jump, &handler);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, handler);
    MPI_Errhandler_free(&handler);
    if (setjmp(back) == 0)
        call();
}

static void return_errors(void)
{
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
}

static void take(char step)
{
    int flag;
    MPI_Session none = MPI_SESSION_NULL;
    switch (step) {
    case 'i':
        MPI_Init(NULL, NULL);
        break;
    case 'I':
        PMPI_Init(NULL, NULL);
        break;
    case 'f':
        MPI_Finalize();
        break;
    case 's':
        MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &sessions[n_sessions++]);
        break;
    case 'S':
        return_errors();
        fail_to_begin();
        break;
    case 'J':
        leave(fail_to_begin);
        break;
    case 'c':
        begin_in_callback();
        break;
    case 'n':
        return_errors();
        MPI_Session_finalize(&none);
        break;
    case 'x':
        leave(send_over_gone);
        break;
    case 'p':
        MPI_Iprobe(MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
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
        fprintf(stderr, "begins: step '%c' is none of i I f s e c S J n x p b B\n", step);
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
