/* SPDX-License-Identifier: BSD-3-Clause
 * Broadcasts that go on while others are begun, tested and waited for, in an order of each rank's
 * own, beside blocking operations: small, large, of derived datatypes, of several roots. Ends with
 * 1 when anything is wrong. */
#include <ffmk.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { MANY = 9, MOST = 40000 };

static unsigned long state;

static int draw(int below)
{
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return (int)((state >> 33) % (unsigned long)below);
}

static int fail(const char *what, int rank, int round, int code)
{
    fprintf(stderr, "rank %d, round %d: %s (%d)\n", rank, round, what, code);
    return 1;
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int rank;
    int ranks;
    int wrong = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    static int buffers[MANY][2 * MOST];
    unsigned long own = (unsigned long)rank;
    MPI_Datatype every_other;
    MPI_Type_vector(1, 1, 2, MPI_INT, &every_other);
    MPI_Datatype spaced;
    MPI_Type_create_resized(every_other, 0, 2 * sizeof(int), &spaced);
    MPI_Type_commit(&spaced);
    for (int round = 0; round < 60 && !wrong; round++) {
        ffmk_request *requests[MANY];
        int counts[MANY];
        int roots[MANY];
        int gaps[MANY];
        state = (unsigned long)round + 1;
        for (int i = 0; i < MANY; i++) {
            counts[i] = draw(4) ? draw(200) : draw(MOST);
            roots[i] = draw(ranks);
            gaps[i] = draw(2);
            for (int k = 0; k < counts[i]; k++)
                buffers[i][k * (1 + gaps[i])] = rank == roots[i] ? round * 1000 + i * 17 + k : -1;
            int code = ffmk_ibcast(buffers[i], counts[i], gaps[i] ? spaced : MPI_INT, roots[i],
                                   MPI_COMM_WORLD, &requests[i]);
            if (code != FFMK_SUCCESS)
                wrong = fail("ffmk_ibcast", rank, round, code);
            if (draw(3) == 0 && ffmk_barrier(MPI_COMM_WORLD, NULL) != FFMK_SUCCESS)
                wrong = fail("ffmk_barrier", rank, round, 0);
        }
        int one = 1;
        int sum = 0;
        ffmk_allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, NULL);
        if (sum != ranks)
            wrong = fail("ffmk_allreduce", rank, round, sum);
        state = own;
        for (int left = MANY; left > 0;) {
            int i = draw(MANY);
            int complete = 0;
            if (!requests[i])
                continue;
            ffmk_collective_info info = FFMK_COLLECTIVE_INFO_INIT;
            int code = draw(2) ? ffmk_wait(&requests[i], &info)
                               : ffmk_test(&requests[i], &complete, &info);
            if (code != FFMK_SUCCESS)
                wrong = fail("the end of a broadcast", rank, round, code);
            if (requests[i] == NULL) {
                left--;
                wrong = wrong || info.algorithm == NULL;
            } else if (complete) {
                wrong = fail("complete, and still there", rank, round, i);
            }
        }
        own = state;
        for (int i = 0; i < MANY; i++)
            for (int k = 0; k < counts[i]; k++)
                if (buffers[i][k * (1 + gaps[i])] != round * 1000 + i * 17 + k) {
                    wrong = fail("another value", rank, round, i);
                    break;
                }
    }
    MPI_Type_free(&spaced);
    MPI_Type_free(&every_other);
    MPI_Finalize();
    return wrong;
}
