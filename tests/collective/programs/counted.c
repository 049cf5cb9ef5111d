/* SPDX-License-Identifier: BSD-3-Clause
 * How many messages a rank sends for a broadcast, whose root goes round, and for a barrier, as they
 * say of themselves; and how many datagrams this host sent meanwhile.
 * Usage: counted <operations>; prints "bcast|barrier <messages> <datagrams>", a rank and operation.
 */
#include <ffmk.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long datagrams_sent(void)
{
    char line[512];
    unsigned long sent = 0;
    FILE *file = fopen("/proc/net/snmp", "re");
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "Udp: %*u %*u %*u %lu", &sent);
    if (file)
        fclose(file);
    return sent;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"bcast", "barrier"};
    int me;
    int n;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n);
    const int operations = argc > 1 ? atoi(argv[1]) : 1000;
    ffmk_barrier(MPI_COMM_WORLD, NULL);
    for (int what = 0; what < 2; what++) {
        char payload[64] = {0};
        unsigned long mine = 0;
        unsigned long all = 0;
        MPI_Barrier(MPI_COMM_WORLD);
        const unsigned long before = datagrams_sent();
        MPI_Barrier(MPI_COMM_WORLD);
        for (int i = 0; i < operations; i++) {
            ffmk_collective_info info = FFMK_COLLECTIVE_INFO_INIT;
            const int code = what == 0 ? ffmk_bcast(payload, sizeof payload, MPI_BYTE, i % n,
                                                    MPI_COMM_WORLD, &info)
                                       : ffmk_barrier(MPI_COMM_WORLD, &info);
            if (code != FFMK_SUCCESS || strcmp(info.algorithm, "corrected gossip over UDP") != 0) {
                fprintf(stderr, "rank %d: %d by %s\n", me, code, info.algorithm);
                MPI_Abort(MPI_COMM_WORLD, 1);
            }
            mine += info.messages;
        }
        MPI_Barrier(MPI_COMM_WORLD);
        const unsigned long after = datagrams_sent();
        MPI_Reduce(&mine, &all, 1, MPI_UNSIGNED_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
        if (me == 0)
            printf("%s %.2f %.2f\n", names[what], (double)all / n / operations,
                   (double)(after - before) / n / operations);
    }
    MPI_Finalize();
    return 0;
}
