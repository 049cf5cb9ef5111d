/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: a graph in compressed rows, on any ranks in any parts, comes back with parts that
 * are what is said of them, never worse than before, mostly as balanced as asked, and the same when
 * asked again; and what is wrong is refused by all alike. Random graphs; on a failure the seed is
 * printed. Usage: csr <first seed> <number of seeds>. */
#include <ffmk.h>

#include "core/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1500, DEGREE = 12 };

static int me, n_ranks;
static unsigned long long seed;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "rank %d of %d, seed %llu: ", me, n_ranks, seed);                      \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

/* The whole graph, on every rank. */
static struct {
    int n, n_parts, n_weights;
    int degree[MOST];
    int64_t other[MOST][DEGREE];
    double link[MOST][DEGREE];
    double weight[MOST][2], position[MOST][3];
    int part[MOST];
    int64_t start[65];
} whole;

static void tie(int a, int b, double weight)
{
    if (a == b || whole.degree[a] == DEGREE || whole.degree[b] == DEGREE)
        return;
    for (int k = 0; k < whole.degree[a]; k++)
        if (whole.other[a][k] == b)
            return;
    whole.link[a][whole.degree[a]] = whole.link[b][whole.degree[b]] = weight;
    whole.other[a][whole.degree[a]++] = b;
    whole.other[b][whole.degree[b]++] = a;
}

static void draw(uint64_t *state)
{
    const int side = 2 + (int)ffmk_rng_below(state, 10);
    memset(&whole, 0, sizeof whole);
    whole.n = ffmk_rng_below(state, 12) ? side * side * side : 0;
    whole.n_parts = 1 + (int)ffmk_rng_below(state, 40);
    whole.n_weights = 1 + (int)ffmk_rng_below(state, 2);
    const int irregular = (int)ffmk_rng_below(state, 2), start = (int)ffmk_rng_below(state, 3);
    for (int i = 0; i < whole.n; i++) {
        const int at[3] = {i % side, i / side % side, i / side / side};
        const int stride[3] = {1, side, side * side};
        for (int axis = 0; axis < 3; axis++) {
            whole.position[i][axis] = at[axis];
            if (at[axis] + 1 < side)
                tie(i, i + stride[axis], irregular ? 1 + ffmk_rng_unit(state) : 1);
        }
        if (irregular && ffmk_rng_below(state, 3) == 0)
            tie(i, (int)ffmk_rng_below(state, (uint64_t)whole.n), 1);
        for (int d = 0; d < 2; d++)
            whole.weight[i][d] = 1 + (double)ffmk_rng_below(state, 3);
        whole.part[i] = start == 0   ? 0
                        : start == 1 ? (int)((int64_t)i * whole.n_parts / whole.n)
                                     : (int)ffmk_rng_below(state, (uint64_t)whole.n_parts);
    }
    /* Some ranks have many vertices, some none. */
    for (int r = 1; r < n_ranks; r++)
        whole.start[r] = (int64_t)ffmk_rng_below(state, (uint64_t)whole.n + 1);
    for (int r = 1; r < n_ranks; r++)
        for (int q = r; q > 1 && whole.start[q] < whole.start[q - 1]; q--) {
            const int64_t swap = whole.start[q];
            whole.start[q] = whole.start[q - 1];
            whole.start[q - 1] = swap;
        }
    whole.start[n_ranks] = whole.n;
}

static double imbalance_of(const int *part)
{
    double imbalance = 1;
    for (int d = 0; d < whole.n_weights; d++) {
        double load[64] = {0}, total = 0, largest = 0;
        for (int i = 0; i < whole.n; i++) {
            load[part[i]] += whole.weight[i][d];
            total += whole.weight[i][d];
        }
        for (int p = 0; p < whole.n_parts; p++)
            largest = fmax(largest, load[p]);
        if (total > 0)
            imbalance = fmax(imbalance, largest / (total / whole.n_parts));
    }
    return imbalance;
}

static double cut_of(const int *part)
{
    double cut = 0;
    for (int i = 0; i < whole.n; i++)
        for (int k = 0; k < whole.degree[i]; k++)
            if (part[i] != part[whole.other[i][k]])
                cut += whole.link[i][k];
    return cut / 2;
}

static struct {
    int64_t xadj[MOST + 1], adjncy[MOST * DEGREE];
    double adjwgt[MOST * DEGREE], vwgt[2 * MOST], xyz[3 * MOST];
    int part[MOST], n;
} mine;

static ffmk_csr take_mine(void)
{
    ffmk_csr csr = FFMK_CSR_INIT;
    int64_t n_links = 0;
    mine.n = (int)(whole.start[me + 1] - whole.start[me]);
    for (int i = 0; i < mine.n; i++) {
        const int64_t v = whole.start[me] + i;
        mine.xadj[i] = n_links;
        for (int k = 0; k < whole.degree[v]; k++) {
            mine.adjncy[n_links] = whole.other[v][k];
            mine.adjwgt[n_links++] = whole.link[v][k];
        }
        for (int d = 0; d < whole.n_weights; d++)
            mine.vwgt[i * whole.n_weights + d] = whole.weight[v][d];
        memcpy(&mine.xyz[3 * (size_t)i], whole.position[v], sizeof whole.position[v]);
        mine.part[i] = whole.part[v];
    }
    mine.xadj[mine.n] = n_links;
    csr.vtxdist = whole.start;
    csr.xadj = mine.xadj;
    csr.adjncy = mine.adjncy;
    csr.adjwgt = mine.adjwgt;
    csr.ncon = whole.n_weights;
    csr.vwgt = mine.vwgt;
    csr.xyz = mine.xyz;
    csr.nparts = whole.n_parts;
    return csr;
}

static void plan(int all[MOST], ffmk_balance_info *info)
{
    const ffmk_csr csr = take_mine();
    int counts[64], starts[64];
    const int code = ffmk_balance_csr(MPI_COMM_WORLD, &csr, NULL, mine.part, info);
    CHECK(code == 0, "%s", ffmk_strerror(code));
    for (int r = 0; r < n_ranks; r++) {
        counts[r] = (int)(whole.start[r + 1] - whole.start[r]);
        starts[r] = (int)whole.start[r];
    }
    MPI_Allgatherv(mine.part, mine.n, MPI_INT, all, counts, starts, MPI_INT, MPI_COMM_WORLD);
}

/* What is wrong on the last rank alone is refused by all, and parts stay as they were. */
static void refuse(void)
{
    for (int mistake = 0; mistake < 7; mistake++) {
        ffmk_csr csr = take_mine();
        ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
        double shares[40];
        for (int p = 0; p < 40; p++)
            shares[p] = 1;
        csr.tpwgts = shares;
        if (me == n_ranks - 1 && mine.n > 0)
            switch (mistake) {
            case 0:
                csr.size--;
                break;
            case 1:
                csr.ncon = 9;
                break;
            case 2:
                mine.part[0] = whole.n_parts;
                break;
            case 3:
                mine.vwgt[0] = NAN;
                break;
            case 4:
                options.imbalance = 0.5;
                break;
            case 5:
                shares[whole.n_parts - 1] = 0;
                break;
            default:
                csr.nparts++;
                break;
            }
        int there = mine.n > 0;
        const int before = mine.n > 0 ? mine.part[0] : 0;
        MPI_Bcast(&there, 1, MPI_INT, n_ranks - 1, MPI_COMM_WORLD);
        if (!there || (mistake == 6 && n_ranks == 1))
            continue;
        const int code = ffmk_balance_csr(MPI_COMM_WORLD, &csr, &options, mine.part, NULL);
        CHECK(code == FFMK_ERR_ARGUMENT, "mistake %d: %s", mistake, ffmk_strerror(code));
        CHECK(mine.n == 0 || mine.part[0] == before, "mistake %d changed a part", mistake);
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    const unsigned long long first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    const unsigned long long count = argc > 2 ? strtoull(argv[2], NULL, 10) : 10;
    int asked = 0, reached = 0;
    for (seed = first; seed < first + count; seed++) {
        static int all[MOST], again[MOST];
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
        uint64_t state = seed;
        draw(&state);
        plan(all, &info);
        plan(again, NULL);
        CHECK(memcmp(all, again, (size_t)whole.n * sizeof *all) == 0,
              "another plan the second time");
        for (int i = 0; i < whole.n; i++)
            CHECK(all[i] >= 0 && all[i] < whole.n_parts, "part %d of %d", all[i], whole.n_parts);
        const double before = imbalance_of(whole.part), after = imbalance_of(all);
        CHECK(fabs(before - info.imbalance_before) < 1e-6 * before, "%g before, it says %g", before,
              info.imbalance_before);
        CHECK(fabs(after - info.imbalance_after) < 1e-6 * after, "%g after, it says %g", after,
              info.imbalance_after);
        CHECK(after <= before * (1 + 1e-9), "worse than before: %g to %g", before, after);
        CHECK(fabs(cut_of(whole.part) - info.cut_before) < 1e-3, "cut %g before, it says %g",
              cut_of(whole.part), info.cut_before);
        CHECK(fabs(cut_of(all) - info.cut_after) < 1e-3, "cut %g after, it says %g", cut_of(all),
              info.cut_after);
        if (whole.n > 30 * whole.n_parts && before > info.imbalance_bound) {
            asked++;
            reached += after <= info.imbalance_bound * (1 + 1e-9);
        }
        if (seed == first)
            refuse();
    }
    CHECK(reached >= asked * 9 / 10, "only %d of %d reached what was asked", reached, asked);
    if (me == 0)
        printf("%d of %d with 30 vertices a part or more reached what was asked\n", reached, asked);
    MPI_Finalize();
    return 0;
}
