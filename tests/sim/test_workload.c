/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves of the workloads: the ranks' items are all items, each once, from blocks and from
 * slabs; links have two ends; the same seed gives the same workload and another seed another; each
 * kind is as uneven, and moves as far in a step, as its name says. */
#include "sim/workload.h"

#include "cases.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS = 12, SIDE = 5, CELLS = RANKS * SIDE * SIDE * SIDE };

static struct ffmk_workload begun(const char *name, uint64_t seed)
{
    struct ffmk_workload workload;
    ck_assert(ffmk_workload_begin(&workload, name, RANKS, SIDE, seed));
    ck_assert_uint_eq(ffmk_workload_end(&workload), CELLS);
    return workload;
}

START_TEST(ranks_form_the_cubest_grid)
{
    static const uint32_t wanted[][4] = {{1, 1, 1, 1},  {2, 2, 1, 1},  {8, 2, 2, 2},  {12, 3, 2, 2},
                                         {16, 4, 2, 2}, {64, 4, 4, 4}, {60, 5, 4, 3}, {7, 7, 1, 1}};
    struct ffmk_workload workload;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        ck_assert(ffmk_workload_begin(&workload, "noise", wanted[i][0], 6, 1));
        ck_assert_mem_eq(workload.grid, wanted[i] + 1, sizeof workload.grid);
    }
    ck_assert(!ffmk_workload_begin(&workload, "hotspot-", 8, 6, 1));
    ck_assert(!ffmk_workload_begin(&workload, "", 8, 6, 1));
}
END_TEST

START_TEST(every_item_belongs_to_one_rank)
{
    static unsigned char held[CELLS];
    uint64_t ids[SIDE * SIDE * SIDE];
    for (size_t i = 0; ffmk_workload_name(i); i++)
        for (int start = FFMK_WORKLOAD_BLOCKS; start <= FFMK_WORKLOAD_SLABS; start++) {
            const struct ffmk_workload workload = begun(ffmk_workload_name(i), 3);
            memset(held, 0, sizeof held);
            for (uint32_t rank = 0; rank < RANKS; rank++) {
                const size_t n =
                    ffmk_workload_items(&workload, (enum ffmk_workload_start)start, rank, ids);
                for (size_t k = 0; k < n; k++) {
                    ck_assert(k == 0 || ids[k - 1] < ids[k]);
                    ck_assert_uint_lt(ids[k], CELLS);
                    held[ids[k]]++;
                }
            }
            for (uint64_t id = 0; id < CELLS; id++)
                ck_assert_uint_eq(held[id], ffmk_workload_has(&workload, id));
            ck_assert(!ffmk_workload_has(&workload, CELLS));
        }
}
END_TEST

/* Of blocks: what the six faces of the boxes between ranks come to; of slabs: more. */
START_TEST(blocks_cut_as_few_links_as_boxes_do)
{
    const struct ffmk_workload workload = begun("hotspot", 1);
    static uint32_t holder[CELLS];
    uint64_t ids[SIDE * SIDE * SIDE], cut[2] = {0, 0};
    ffmk_link links[FFMK_WORKLOAD_MAX_LINKS];
    for (int start = FFMK_WORKLOAD_BLOCKS; start <= FFMK_WORKLOAD_SLABS; start++) {
        for (uint32_t rank = 0; rank < RANKS; rank++) {
            size_t n = ffmk_workload_items(&workload, (enum ffmk_workload_start)start, rank, ids);
            while (n > 0)
                holder[ids[--n]] = rank;
        }
        for (uint64_t id = 0; id < CELLS; id++)
            for (size_t n = ffmk_workload_links(&workload, id, links); n > 0; n--)
                cut[start] += holder[id] < holder[links[n - 1].id];
    }
    ck_assert_uint_eq(cut[0], (2 * 4 + 1 * 6 + 1 * 6) * SIDE * SIDE); /* of 3 × 2 × 2 boxes */
    ck_assert_uint_gt(cut[1], cut[0] * 3 / 2);
}
END_TEST

static void check_links(const struct ffmk_workload *workload, size_t least, size_t most)
{
    ffmk_link links[FFMK_WORKLOAD_MAX_LINKS], back[FFMK_WORKLOAD_MAX_LINKS];
    size_t fewest = SIZE_MAX, largest = 0;
    for (uint64_t id = 0; id < CELLS; id++) {
        if (!ffmk_workload_has(workload, id))
            continue;
        const size_t n = ffmk_workload_links(workload, id, links);
        fewest = n < fewest ? n : fewest;
        largest = n > largest ? n : largest;
        for (size_t i = 0; i < n; i++) {
            ck_assert(links[i].id != id && ffmk_workload_has(workload, links[i].id));
            int found = 0;
            const size_t n_back = ffmk_workload_links(workload, links[i].id, back);
            for (size_t k = 0; k < n_back; k++)
                found += back[k].id == id && back[k].weight == links[i].weight;
            ck_assert_msg(found == 1, "%lu is linked to %lu, which has it %d times",
                          (unsigned long)id, (unsigned long)links[i].id, found);
        }
    }
    ck_assert_msg(fewest >= least && largest <= most, "degrees %zu to %zu", fewest, largest);
}

START_TEST(links_have_two_ends)
{
    const struct ffmk_workload grid = begun("hotspot", 1);
    check_links(&grid, 3, 6);
    for (uint64_t seed = 0; seed < 5; seed++) {
        const struct ffmk_workload irregular = begun("irregular", seed);
        check_links(&irregular, 3, 30);
    }
}
END_TEST

/* Of all weights at a step: their sum, the largest over the mean; and how much of it changed since
 * the step before. */
struct figures {
    double sum;
    double peak;
    double change;
};

static struct figures figures_of(const struct ffmk_workload *workload, int64_t step)
{
    struct figures f = {0, 0, 0};
    double n = 0;
    for (uint64_t id = 0; id < CELLS; id++)
        if (ffmk_workload_has(workload, id)) {
            const double weight = ffmk_workload_weight(workload, id, step);
            ck_assert(weight >= 0 && isfinite(weight));
            f.sum += weight;
            f.peak = fmax(f.peak, weight);
            f.change += fabs(weight - ffmk_workload_weight(workload, id, step - 1)) / 2;
            n++;
        }
    f.peak /= f.sum / n;
    f.change /= f.sum;
    return f;
}

START_TEST(a_seed_decides_everything)
{
    for (size_t i = 0; ffmk_workload_name(i); i++) {
        const struct ffmk_workload one = begun(ffmk_workload_name(i), 5),
                                   same = begun(ffmk_workload_name(i), 5),
                                   other = begun(ffmk_workload_name(i), 6);
        ck_assert_double_eq(figures_of(&one, 4).sum, figures_of(&same, 4).sum);
        if (one.kind != FFMK_WORKLOAD_SLOW_RANK)
            ck_assert_double_ne(figures_of(&one, 4).sum, figures_of(&other, 4).sum);
    }
}
END_TEST

START_TEST(each_kind_is_as_uneven_as_its_name_says)
{
    static const struct {
        const char *name;
        double peak[2];
        double change[2];
    } wanted[] = {
        {"hotspot", {4, 9}, {0.02, 0.2}},      {"hotspot-slow", {4, 9}, {0.002, 0.05}},
        {"hotspot-fast", {4, 9}, {0.08, 0.4}}, {"front", {2, 8}, {0.01, 0.4}},
        {"noise", {1.5, 2.5}, {0.1, 0.3}},     {"clustered", {2, 15}, {0.02, 0.4}},
        {"irregular", {4, 14}, {0.02, 0.2}},   {"heavy", {10, 40}, {0.01, 0.1}},
        {"slow-rank", {1, 1}, {0, 0}},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            const struct ffmk_workload workload = begun(wanted[i].name, seed);
            const struct figures f = figures_of(&workload, 3);
            ck_assert_msg(f.peak >= wanted[i].peak[0] && f.peak <= wanted[i].peak[1],
                          "%s: largest over mean is %g", wanted[i].name, f.peak);
            ck_assert_msg(f.change >= wanted[i].change[0] && f.change <= wanted[i].change[1],
                          "%s: %g changes in a step", wanted[i].name, f.change);
        }
    ck_assert(!ffmk_workload_name(sizeof wanted / sizeof wanted[0]));
}
END_TEST

START_TEST(one_rank_becomes_slow)
{
    uint32_t slow[5];
    for (uint64_t seed = 0; seed < 5; seed++) {
        const struct ffmk_workload workload = begun("slow-rank", seed);
        double sum = 0;
        for (uint32_t rank = 0; rank < RANKS; rank++) {
            ck_assert_double_eq(ffmk_workload_rank_factor(&workload, rank, 0), 1);
            const double factor = ffmk_workload_rank_factor(&workload, rank, 1);
            ck_assert_double_eq(factor, ffmk_workload_rank_factor(&workload, rank, 9));
            sum += factor;
            if (factor > 1)
                slow[seed] = rank;
        }
        ck_assert_double_eq(sum, RANKS + 2);
    }
    ck_assert(slow[0] != slow[1] || slow[1] != slow[2] || slow[2] != slow[3] || slow[3] != slow[4]);
    const struct ffmk_workload other = begun("hotspot", 1);
    ck_assert_double_eq(ffmk_workload_rank_factor(&other, slow[1], 5), 1);
}
END_TEST

CASES("workload", ranks_form_the_cubest_grid, every_item_belongs_to_one_rank,
      blocks_cut_as_few_links_as_boxes_do, links_have_two_ends, a_seed_decides_everything,
      each_kind_is_as_uneven_as_its_name_says, one_rank_becomes_slow)
