/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: the table of items and its hash keep what they were given through any order of
 * calls, and refuse what is wrong without changing. */
#include "balance/idmap.h"
#include "balance/items.h"
#include "core/rng.h"

#include "cases.h"
#include <math.h>
#include <stdlib.h>

START_TEST(map_agrees_with_an_array)
{
    enum { IDS = 300 };
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t state = seed;
        size_t expected[IDS];
        size_t n = 0;
        struct ffmk_idmap map = {0};
        for (size_t i = 0; i < IDS; i++)
            expected[i] = FFMK_IDMAP_NONE;
        for (int step = 0; step < 3000; step++) {
            const size_t i = ffmk_rng_below(&state, IDS);
            const uint64_t id = i << (seed % 40); /* also ids that differ in few bits */
            if (ffmk_rng_below(&state, 2)) {
                n += expected[i] == FFMK_IDMAP_NONE;
                expected[i] = ffmk_rng_below(&state, 1000);
                ck_assert(ffmk_idmap_put(&map, id, expected[i]));
            } else {
                n -= expected[i] != FFMK_IDMAP_NONE;
                expected[i] = FFMK_IDMAP_NONE;
                ffmk_idmap_remove(&map, id);
            }
            ck_assert_msg(map.n == n, "seed %d", (int)seed);
        }
        for (size_t i = 0; i < IDS; i++)
            ck_assert_msg(ffmk_idmap_get(&map, (uint64_t)i << (seed % 40)) == expected[i],
                          "seed %d", (int)seed);
        ffmk_idmap_free(&map);
    }
}
END_TEST

START_TEST(table_agrees_with_an_array)
{
    enum { IDS = 300 };
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint64_t state = seed;
        double expected[IDS] = {0}; /* weights; 0: not there */
        size_t n = 0;
        struct ffmk_table table = {0};
        for (int step = 0; step < 3000; step++) {
            const size_t i = ffmk_rng_below(&state, IDS);
            ffmk_item item = FFMK_ITEM_INIT;
            item.id = i << (seed % 40); /* also ids that differ in few bits */
            item.weight = (double)(1 + step);
            if (expected[i] > 0) {
                ck_assert_int_eq(ffmk_table_remove(&table, item.id), FFMK_SUCCESS);
                ck_assert_ptr_null(ffmk_table_find(&table, item.id));
                expected[i] = 0;
                n--;
            } else {
                ck_assert_int_eq(ffmk_table_add(&table, &item), FFMK_SUCCESS);
                expected[i] = item.weight;
                n++;
            }
            ck_assert_msg(table.n == n, "seed %d", (int)seed);
            if (ffmk_rng_below(&state, 40) != 0)
                continue;
            size_t *order = ffmk_table_order(&table);
            size_t at = 0;
            for (size_t j = 0; j < IDS; j++) {
                const uint64_t id = (uint64_t)j << (seed % 40);
                const struct ffmk_entry *entry = ffmk_table_find(&table, id);
                ck_assert_msg((entry != NULL) == (expected[j] > 0), "seed %d", (int)seed);
                if (!entry)
                    continue;
                ck_assert_msg(entry->id == id && entry->weight == expected[j], "seed %d",
                              (int)seed);
                ck_assert_msg(entry == &table.entries[order[at++]], "seed %d", (int)seed);
            }
            free(order);
        }
        ffmk_table_free(&table);
    }
}
END_TEST

START_TEST(table_keeps_items)
{
    struct ffmk_table table = {0};
    const ffmk_link links[] = {{7, 1.5}, {9, 0}};
    const double position[] = {1, 2, 3};
    for (uint64_t id = 100; id > 0; id--) {
        ffmk_item item = FFMK_ITEM_INIT;
        item.id = id * id;
        item.weight = (double)id;
        item.n_links = id == 3 || id == 1 ? 0 : 2;
        item.links = links;
        item.position = position;
        ck_assert_int_eq(ffmk_table_add(&table, &item), FFMK_SUCCESS);
        ck_assert_int_eq(ffmk_table_add(&table, &item), FFMK_ERR_DUPLICATE);
    }
    for (uint64_t id = 2; id <= 100; id += 2)
        ck_assert_int_eq(ffmk_table_remove(&table, id * id), FFMK_SUCCESS);
    ck_assert_int_eq(ffmk_table_remove(&table, 4), FFMK_ERR_UNKNOWN_ITEM);
    ck_assert_uint_eq(table.n, 50);
    size_t *order = ffmk_table_order(&table);
    for (size_t i = 0; i < table.n; i++) {
        const struct ffmk_entry *entry = &table.entries[order[i]];
        ck_assert_uint_eq(entry->id, (2 * i + 1) * (2 * i + 1));
        ck_assert_double_eq(entry->weight, (double)(2 * i + 1));
        ck_assert_double_eq(entry->position[2], 3);
        ck_assert(entry->n_links == 0 || entry->links[0].id == 7);
        ck_assert_ptr_eq(ffmk_table_find(&table, entry->id), entry);
    }
    free(order);
    ck_assert_ptr_null(ffmk_table_find(&table, 4));
    ffmk_table_free(&table);
}
END_TEST

START_TEST(table_refuses)
{
    struct ffmk_table table = {0};
    ffmk_item item = FFMK_ITEM_INIT;
    ck_assert_int_eq(ffmk_table_add(&table, NULL), FFMK_ERR_ARGUMENT);
    item.size = sizeof item - 1;
    ck_assert_int_eq(ffmk_table_add(&table, &item), FFMK_ERR_ARGUMENT);
    item.size = sizeof item;
    const double bad[] = {-1, NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 4; i++) {
        item.weight = bad[i];
        ck_assert_int_eq(ffmk_table_add(&table, &item), FFMK_ERR_ARGUMENT);
        item.weight = 1;
        const ffmk_link link = {5, bad[i]};
        item.links = &link;
        item.n_links = 1;
        ck_assert_int_eq(ffmk_table_add(&table, &item), FFMK_ERR_ARGUMENT);
        item.n_links = 0;
        const double position[] = {0, bad[i], 0};
        item.position = i == 0 ? NULL : position;
        ck_assert_int_eq(ffmk_table_add(&table, &item), i == 0 ? FFMK_SUCCESS : FFMK_ERR_ARGUMENT);
        item.position = NULL;
    }
    item.id = 1;
    item.n_links = 1;
    item.links = NULL;
    ck_assert_int_eq(ffmk_table_add(&table, &item), FFMK_ERR_ARGUMENT);
    const ffmk_link itself = {1, 1};
    item.links = &itself;
    ck_assert_int_eq(ffmk_table_add(&table, &item), FFMK_ERR_ARGUMENT);
    ck_assert_uint_eq(table.n, 1);
    ffmk_table_free(&table);
}
END_TEST

CASES("items", map_agrees_with_an_array, table_agrees_with_an_array, table_keeps_items,
      table_refuses)
